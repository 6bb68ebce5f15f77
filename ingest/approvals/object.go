package approvals

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// object is a JSON object whose keys are known and stand once.
type object struct {
	name   string
	values map[string]json.RawMessage
	err    error // the first thing that is wrong
}

// objectOf reads an object strictly.
func objectOf(raw []byte, name string, known ...string) (*object, error) {
	o := &object{name: name, values: make(map[string]json.RawMessage, len(known))}
	if !utf8.Valid(raw) {
		return nil, fmt.Errorf("%s has bytes that are not UTF-8: write it as UTF-8", name)
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && json.Valid(raw) && raw[0] != '{' {
		return nil, fmt.Errorf("%s is %s: write a JSON object", name, kind(raw))
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil, o.broken(err)
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, o.broken(err)
		}
		key, _ := token.(string) // in an object it is
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, o.broken(err)
		}
		if !slices.Contains(known, key) {
			return nil, fmt.Errorf("%s has the unknown key %.64q: the keys are %s", name, key, strings.Join(known, ", "))
		}
		if _, twice := o.values[key]; twice {
			return nil, fmt.Errorf("%s has the key %q twice: write it once", name, key)
		}
		o.values[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, o.broken(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows %s: write one JSON object", name)
	}
	return o, nil
}

func (o *object) broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s is cut off: send it as a whole", o.name)
	}
	return fmt.Errorf("%s is no JSON (%w): write a JSON object", o.name, err)
}

func (o *object) fail(format string, args ...any) {
	if o.err == nil {
		o.err = fmt.Errorf(format, args...)
	}
}

// path is a key as messages name it.
func (o *object) path(key string) string {
	if o.name == "resource" {
		return "resource." + key
	}
	return key
}

// text reads a text; empty where the key is not there.
func (o *object) text(key string) string {
	if _, ok := o.values[key]; !ok {
		return ""
	}
	return o.read(key, "leave the key out where nothing is known")
}

// required is text for a key that must be there; todo says what to write.
func (o *object) required(key, todo string) string {
	if _, ok := o.values[key]; !ok {
		o.fail("%s is missing: %s", o.path(key), todo)
		return ""
	}
	return o.read(key, todo)
}

func (o *object) read(key, todo string) (s string) {
	raw := o.values[key]
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		o.fail("%s is %s, not a string: %s", o.path(key), kind(raw), todo)
		return ""
	}
	if strings.TrimSpace(s) == "" {
		o.fail("%s is empty: %s", o.path(key), todo)
	}
	return s
}

// kind names what stands in a place.
func kind(raw []byte) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case 'n':
		return "null"
	case 't', 'f':
		return "true or false"
	}
	return "a number"
}
