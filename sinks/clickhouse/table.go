package clickhouse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	quickjson "github.com/go-json-experiment/json"

	"jitaudit/schemas"
)

// table ties a record of package schemas to the rows of a table.
type table[T, R any] struct {
	// name is that of the table; view shows the latest rows of it.
	name, view string
	columns    []column[R]
	// row and record are each other's inverse, as far as columns can hold what
	// a record says; the rest is what exact is for.
	row    func(*T) R
	record func(*R) T
	meta   func(*R) *metaRow
	// check says what is wrong with a record, if anything.
	check func(*T) error
	// scan, where there is one, reads the usual record and gives up on any other.
	scan func(string) (R, bool)

	writers sync.Pool // of *writerAgain
}

// metaRow has the columns that the tables of all results end with.
type metaRow struct {
	// exact is the record as it was published, empty where the columns say the
	// same.
	exact        string
	version      uint64
	observed     time.Time
	deleted      uint8
	supersededBy string
}

// hidden are the columns that the views leave out.
func (t *table[T, R]) hidden(column string) bool {
	return column == "deleted" || column == "superseded_by"
}

// shown are the columns that the views have.
func (t *table[T, R]) shown() (out []column[R]) {
	for _, c := range t.columns {
		if !t.hidden(c.name) {
			out = append(out, c)
		}
	}
	return out
}

func metaColumns[R any](at func(*R) *metaRow) []column[R] {
	return []column[R]{
		text("exact", func(r *R) *string { return &at(r).exact }),
		plain("version", "UInt64", func(r *R) *uint64 { return &at(r).version }),
		optional("observed", func(r *R) *time.Time { return &at(r).observed }),
		plain("deleted", "UInt8", func(r *R) *uint8 { return &at(r).deleted }),
		text("superseded_by", func(r *R) *string { return &at(r).supersededBy }),
	}
}

func newMeta(m *schemas.Meta) metaRow {
	r := metaRow{version: uint64(m.Version), observed: stored(m.Observed), supersededBy: m.SupersededBy}
	if m.Deleted {
		r.deleted = 1
	}
	return r
}

func (m *metaRow) schema() schemas.Meta {
	return schemas.Meta{Version: int64(m.version), Observed: m.observed, Deleted: m.deleted != 0, SupersededBy: m.supersededBy}
}

func checkResult(id string, m *schemas.Meta) error {
	if id == "" {
		return fmt.Errorf("it has no id")
	}
	if m.Version < 0 {
		return fmt.Errorf("its version is %d, below 0", m.Version)
	}
	return nil
}

// decode reads a record. The error is about the record and nothing else.
func (t *table[T, R]) decode(value []byte) (R, error) {
	if t.scan != nil {
		if row, ok := t.scan(string(value)); ok {
			return row, nil
		}
	}
	if row, ok := t.decodeQuickly(value); ok {
		return row, nil
	}
	var record T
	if err := json.Unmarshal(value, &record); err != nil {
		var none R
		return none, fmt.Errorf("it is no JSON of this record: %w", err)
	}
	if err := t.check(&record); err != nil {
		var none R
		return none, err
	}
	row := t.row(&record)
	if !t.says(&row, value) || t.saysMoreThanItsView(&row) {
		t.meta(&row).exact = string(value)
	}
	return row, nil
}

// decodeQuickly reads a record at twice the speed of encoding/json. It is right where
// the row would be written as the same bytes again, and gives up elsewhere.
func (t *table[T, R]) decodeQuickly(value []byte) (R, bool) {
	var record T
	var none R
	if err := quickjson.Unmarshal(value, &record); err != nil || t.check(&record) != nil {
		return none, false
	}
	row := t.row(&record)
	return row, t.says(&row, value) && !t.saysMoreThanItsView(&row)
}

// says reports whether the columns of a row say what was published, to the byte.
func (t *table[T, R]) says(row *R, value []byte) bool {
	w, _ := t.writers.Get().(*writerAgain)
	if w == nil {
		w = &writerAgain{}
		w.encoder = json.NewEncoder(&w.text)
	}
	defer t.writers.Put(w)
	w.text.Reset()
	err := w.encoder.Encode(t.record(row)) // as json.Marshal, and a line end
	return err == nil && bytes.Equal(bytes.TrimSuffix(w.text.Bytes(), []byte("\n")), value)
}

// writerAgain writes records to compare them, one after the other into one buffer.
type writerAgain struct {
	text    bytes.Buffer
	encoder *json.Encoder
}

// saysMoreThanItsView is about a record that is superseded and yet not deleted,
// which no publisher writes: views do not show by what.
func (t *table[T, R]) saysMoreThanItsView(r *R) bool {
	m := t.meta(r)
	return m.deleted == 0 && m.supersededBy != ""
}

// restore is the inverse of decode.
func (t *table[T, R]) restore(r *R) (T, error) {
	exact := t.meta(r).exact
	if exact == "" {
		return t.record(r), nil
	}
	var record T
	if err := json.Unmarshal([]byte(exact), &record); err != nil {
		return record, fmt.Errorf("read the column exact of a row of %s: %w", t.name, err)
	}
	return record, nil
}
