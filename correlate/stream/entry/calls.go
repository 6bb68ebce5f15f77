package entry

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// Most of what goes through the facts topic are calls. Their entries are written
// and read here, as encoding/json would, at several times its speed; whatever is
// not plain is left to it.

// appendCalls writes an entry that holds calls and nothing else. It is false
// for any other, and for text that JSON would escape.
func (e *Entry) appendCalls(b []byte) ([]byte, bool) {
	if len(e.Calls) == 0 || e.Fact != nil || e.Sent != nil || e.Chained != nil ||
		len(e.Shared)+len(e.Claims)+len(e.Corrections)+len(e.Coverage)+len(e.Shards) > 0 || e.Relay != nil || e.Policy != nil || e.Line != nil || e.Engine != 0 || e.Tick != nil || e.To == "" {
		return b, false
	}
	w := writer{b, true}
	w.text(`{"to":"`, e.To)
	if e.Role != "" {
		w.text(`,"role":"`, e.Role)
	}
	w.b = append(w.b, `,"calls":[`...)
	for i := range e.Calls {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.call(&e.Calls[i])
	}
	w.b = append(w.b, `]}`...)
	return w.b, w.plain
}

type writer struct {
	b     []byte
	plain bool
}

func (w *writer) text(name, s string) {
	w.plain = w.plain && Plain(s)
	w.b = append(append(append(w.b, name...), s...), '"')
}

func (w *writer) call(c *Call) {
	w.text(`{"i":"`, c.ID)
	w.text(`,"h":"`, c.Shard)
	w.b = strconv.AppendUint(append(w.b, `,"r":`...), c.Rank, 10)
	w.b = strconv.AppendInt(append(w.b, `,"t":`...), c.At, 10)
	if c.Created != 0 {
		w.b = strconv.AppendInt(append(w.b, `,"c":`...), c.Created, 10)
	}
	if c.Key != "" {
		w.text(`,"k":"`, c.Key)
	}
	w.text(`,"s":"`, c.Service)
	w.text(`,"a":"`, c.Action)
	if c.Flags != 0 {
		w.b = strconv.AppendUint(append(w.b, `,"f":`...), uint64(c.Flags), 10)
	}
	w.b = append(w.b, '}')
}

// Plain reports whether JSON writes a text as it is.
func Plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// isCalls reports whether it may be worth while to scan an entry: that of a home
// of a role, which gets little else.
func isCalls(b []byte) bool { return bytes.HasPrefix(b, []byte(`{"to":"`+roleHome)) }

// scanCalls reads what appendCalls writes. Of the text only the ids of the
// calls are copied, all into one: the others are words that come again and
// again, and whoever keeps them must copy them.
func scanCalls(s string) (*Entry, bool) {
	r := reader{s, true}
	e := &Entry{To: strings.Clone(r.text(`{"to":"`))}
	if r.accept(`,"role":"`) {
		e.Role = strings.Clone(r.until())
	}
	r.expect(`,"calls":[`)
	if !r.ok {
		return nil, false
	}
	e.Calls = make([]Call, 0, min(len(s)/150+1, 1024))
	size := 0
	for more := true; more && r.ok; more = r.accept(",") {
		c := r.call()
		size += len(c.ID)
		e.Calls = append(e.Calls, c)
	}
	r.expect(`]}`)
	if !r.ok || r.rest != "" || e.To == "" {
		return nil, false
	}
	e.ownIDs(size)
	return e, true
}

// ownIDs lets the ids of the calls lie in one text of their own.
func (e *Entry) ownIDs(size int) {
	var ids strings.Builder
	ids.Grow(size)
	for i := range e.Calls {
		ids.WriteString(e.Calls[i].ID)
	}
	all := ids.String()
	for i := range e.Calls {
		n := len(e.Calls[i].ID)
		e.Calls[i].ID, all = all[:n], all[n:]
	}
}

// reader walks along a text. Once something was not as expected it is no longer
// ok.
type reader struct {
	rest string
	ok   bool
}

func (r *reader) accept(s string) bool {
	rest, found := strings.CutPrefix(r.rest, s)
	if found && r.ok {
		r.rest = rest
		return true
	}
	return false
}

func (r *reader) expect(s string) {
	if !r.accept(s) {
		r.ok = false
	}
}

func (r *reader) text(name string) string {
	r.expect(name)
	return r.until()
}

// until is the plain text before the next quote.
func (r *reader) until() string {
	i := strings.IndexByte(r.rest, '"')
	if i < 0 || !r.ok || !Plain(r.rest[:i]) {
		r.ok = false
		return ""
	}
	s := r.rest[:i]
	r.rest = r.rest[i+1:]
	return s
}

func (r *reader) number(name string, most uint64) uint64 {
	r.expect(name)
	n := 0
	for n < len(r.rest) && r.rest[n]-'0' <= 9 {
		n++
	}
	v, err := strconv.ParseUint(r.rest[:n], 10, 64)
	if err != nil || n > 1 && r.rest[0] == '0' || v > most {
		r.ok = false
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) call() (c Call) {
	c.ID = r.text(`{"i":"`)
	c.Shard = r.text(`,"h":"`)
	c.Rank = r.number(`,"r":`, math.MaxUint64)
	c.At = int64(r.number(`,"t":`, math.MaxInt64)) // before 1970 is left to encoding/json
	if r.accept(`,"c":`) {
		c.Created = int64(r.number("", math.MaxInt64))
	}
	if r.accept(`,"k":"`) {
		c.Key = r.until()
	}
	c.Service = r.text(`,"s":"`)
	c.Action = r.text(`,"a":"`)
	if r.accept(`,"f":`) {
		c.Flags = Flags(r.number("", math.MaxUint8))
	}
	r.expect(`}`)
	return c
}

// encode writes an entry as JSON.
func (e *Entry) encode() ([]byte, error) {
	if n := len(e.Calls); n > 0 {
		if b, ok := e.appendCalls(make([]byte, 0, len(e.To)+len(e.Role)+n*200+30)); ok {
			return b, nil
		}
	}
	return json.Marshal(e)
}
