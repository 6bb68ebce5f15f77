package clickhouse

import (
	"fmt"
	"time"
)

// column is one column of a table, whose rows are in R.
type column[R any] struct {
	name string
	// wire is the type in which values are sent. The server converts it to the
	// column's own: text goes as String, since it is quicker in building the
	// dictionaries of LowCardinality than the client.
	wire string
	// values gathers the values of many rows.
	values func([]R) any
	// dest is where a row's value is read to.
	dest func(*R) any
}

const (
	wireTime     = "DateTime64(3, 'UTC')"
	wireNullable = "Nullable(" + wireTime + ")"
)

func plain[R, V any](name, wire string, at func(*R) *V) column[R] {
	return column[R]{
		name: name, wire: wire,
		values: func(rows []R) any {
			out := make([]V, len(rows))
			for i := range rows {
				out[i] = *at(&rows[i])
			}
			return out
		},
		dest: func(r *R) any { return at(r) },
	}
}

func text[R any](name string, at func(*R) *string) column[R] {
	return plain(name, "String", at)
}

func texts[R any](name string, at func(*R) *[]string) column[R] {
	return plain(name, "Array(String)", at)
}

// lists are texts in each element of a list.
func lists[R any](name string, at func(*R) *[][]string) column[R] {
	return plain(name, "Array(Array(String))", at)
}

func flag[R any](name string, at func(*R) *bool) column[R] {
	return plain(name, "Bool", at)
}

// instant is a time that is always there.
func instant[R any](name string, at func(*R) *time.Time) column[R] {
	return plain(name, wireTime, at)
}

func instants[R any](name string, at func(*R) *[]time.Time) column[R] {
	return plain(name, "Array("+wireTime+")", at)
}

// optional is a time that may be absent: zero in the row, NULL in the table.
func optional[R any](name string, at func(*R) *time.Time) column[R] {
	return column[R]{
		name: name, wire: wireNullable,
		values: func(rows []R) any {
			out := make([]*time.Time, len(rows))
			for i := range rows {
				if t := at(&rows[i]); !t.IsZero() {
					out[i] = t
				}
			}
			return out
		},
		dest: func(r *R) any { return zeroForNull{at(r)} },
	}
}

// optionals are the times of a list, of which each may be absent.
func optionals[R any](name string, at func(*R) *[]*time.Time) column[R] {
	return plain(name, "Array("+wireNullable+")", at)
}

// zeroForNull reads a NULL as the zero time.
type zeroForNull struct{ to *time.Time }

// Scan implements sql.Scanner.
func (z zeroForNull) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*z.to = time.Time{}
	case time.Time:
		*z.to = v
	default:
		return fmt.Errorf("read a time: got %T", v)
	}
	return nil
}

// What a DateTime64(3) can hold and clickhouse-go can send (nanoseconds since
// 1970 in 64 bits).
const (
	firstYear = 1900
	lastYear  = 2261
)

// stored is the time as a column holds it: milliseconds, within its range. The
// zero time stays, for a column that may be NULL. Where that is another time,
// the row keeps the record as it was published.
func stored(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return required(t)
}

// required is stored for a column that has no NULL.
func required(t time.Time) time.Time {
	switch year := t.Year(); {
	case year < firstYear:
		return time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC)
	case year > lastYear:
		return time.Date(lastYear, 12, 31, 23, 59, 59, 0, time.UTC)
	case t.Nanosecond()%int(time.Millisecond) == 0 && t.Location() == time.UTC:
		return t
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}
