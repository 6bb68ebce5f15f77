package policytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"jitaudit/correlate/policy"
)

// aliasBudget bounds how many values YAML aliases may add to those that are written
// out.
const aliasBudget = 100_000

// decoder reads a YAML tree strictly into what it is pointed at, and gathers
// errors, each with its line. A struct's fields are tagged key:"name" or
// key:"name,required"; a field Line takes the line on which the struct stands.
type decoder struct {
	file   string
	errs   []*policy.Error
	budget int // values that may still be visited
}

func (d *decoder) errorf(line int, format string, args ...any) {
	d.errs = append(d.errs, &policy.Error{File: d.file, Line: line, Msg: fmt.Sprintf(format, args...)})
}

// err is all errors, in the order of the file; nil when there are none.
func (d *decoder) err() error {
	slices.SortStableFunc(d.errs, func(a, b *policy.Error) int { return a.Line - b.Line })
	all := make([]error, len(d.errs))
	for i, e := range d.errs {
		all[i] = e
	}
	return errors.Join(all...)
}

// root parses the file, which holds one document; nil after an error.
func (d *decoder) root(data []byte) *yaml.Node {
	var doc, more yaml.Node
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err == nil {
		err = loader.Load(&doc)
	}
	if err == nil && len(doc.Content) == 1 {
		if err = loader.Load(&more); err == nil {
			d.errorf(more.Line, "a second YAML document: one file holds one list of tests")
			return nil
		}
	}
	var at *yaml.LoadError
	switch {
	case errors.As(err, &at):
		d.errorf(at.Mark.Line, "not YAML: %s", strings.Join(strings.Fields(at.ContextMsg+" "+at.Message), " "))
		return nil
	case err != nil && !errors.Is(err, io.EOF):
		d.errorf(0, "not YAML: %s", strings.Join(strings.Fields(err.Error()), " "))
		return nil
	case len(doc.Content) != 1:
		d.errorf(0, "the file is empty: it must hold policy and tests")
		return nil
	}
	d.budget = count(&doc) + aliasBudget
	return doc.Content[0]
}

func count(n *yaml.Node) int {
	sum := 1
	for _, c := range n.Content {
		sum += count(c)
	}
	return sum
}

// deref follows aliases; nil once the budget is spent.
func (d *decoder) deref(n *yaml.Node) *yaml.Node {
	for n != nil {
		if d.budget--; d.budget < 0 {
			if d.budget == -1 {
				d.errorf(n.Line, "YAML aliases unfold to more than %d values: write them out", aliasBudget)
			}
			return nil
		}
		if n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

// reader is a type that reads itself.
type reader interface {
	read(d *decoder, n *yaml.Node, path string)
}

// into reads a value. Path is where it stands, for messages.
func (d *decoder) into(n *yaml.Node, v reflect.Value, path string) {
	if n = d.deref(n); n == nil {
		return
	}
	if n.ShortTag() == "!!null" {
		d.errorf(n.Line, "%s has no value: fill it in or leave the key out", orFile(path))
		return
	}
	if r, ok := v.Addr().Interface().(reader); ok {
		r.read(d, n, path)
		return
	}
	if t, ok := v.Addr().Interface().(*time.Time); ok {
		*t = d.instant(n, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.into(n, v.Elem(), path)
	case reflect.Struct:
		d.object(n, v, path)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.errorf(n.Line, "%s must be a list, not %s", path, kind(n))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, c := range n.Content {
			d.into(c, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		d.scalar(n, v, path)
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	s, ok := d.text(n, path)
	if !ok {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			d.errorf(n.Line, "%s: %q is neither true nor false", path, s)
		}
		v.SetBool(b)
	case reflect.Float64:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			d.errorf(n.Line, "%s: %q is no number", path, s)
		}
		v.SetFloat(f)
	default:
		v.SetString(s)
	}
}

// text reads a scalar as the file writes it, so that 012345678901 without quotes
// keeps its zero.
func (d *decoder) text(n *yaml.Node, path string) (string, bool) {
	if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" {
		d.errorf(n.Line, "%s must be a text, not %s", orFile(path), kind(n))
		return "", false
	}
	return n.Value, true
}

func (d *decoder) instant(n *yaml.Node, path string) time.Time {
	s, ok := d.text(n, path)
	if !ok {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		d.errorf(n.Line, "%s: %q is no time: write it as 2026-03-02T09:00:00Z", path, s)
	}
	return t.UTC()
}

// field is one that a mapping may set.
type field struct {
	key      string
	index    int
	required bool
}

func fields(t reflect.Type) (out []field, keys []string) {
	for i := range t.NumField() {
		key, rest, _ := strings.Cut(t.Field(i).Tag.Get("key"), ",")
		if key != "" {
			out, keys = append(out, field{key, i, rest == "required"}), append(keys, key)
		}
	}
	return out, keys
}

func (d *decoder) object(n *yaml.Node, v reflect.Value, path string) {
	known, keys := fields(v.Type())
	pairs, ok := d.pairs(n, path)
	if !ok {
		return
	}
	if l := v.FieldByName("Line"); l.IsValid() {
		l.SetInt(int64(n.Line))
	}
	seen := map[string]bool{}
	for _, p := range pairs {
		i := slices.Index(keys, p.key)
		if i < 0 {
			d.errorf(p.line, "unknown key %q%s%s", p.key, in(path), policy.Suggestion(p.key, keys))
			continue
		}
		seen[p.key] = true
		d.into(p.value, v.Field(known[i].index), join(path, p.key))
	}
	for _, f := range known {
		if f.required && !seen[f.key] {
			d.errorf(n.Line, "%s is missing", join(path, f.key))
		}
	}
}

// pair is one entry of a mapping.
type pair struct {
	key   string
	line  int
	value *yaml.Node
}

func (d *decoder) pairs(n *yaml.Node, path string) (out []pair, ok bool) {
	if n.Kind != yaml.MappingNode {
		d.errorf(n.Line, "%s must be a mapping (key: value), not %s", orFile(path), kind(n))
		return nil, false
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := d.deref(n.Content[i])
		switch {
		case k == nil:
			return nil, false
		case k.ShortTag() == "!!merge":
			d.errorf(k.Line, "merge keys (<<) are not supported: repeat the keys")
		case k.Kind != yaml.ScalarNode:
			d.errorf(k.Line, "a key%s must be a word, not %s", in(path), kind(k))
		case seen[k.Value] > 0:
			d.errorf(k.Line, "key %q%s stands twice, first on line %d", k.Value, in(path), seen[k.Value])
		default:
			seen[k.Value] = k.Line
			out = append(out, pair{k.Value, k.Line, n.Content[i+1]})
		}
	}
	return out, true
}

// plain is a tree as JSON would have it. Numbers and times stay as they are written.
// Path is that of the whole tree: one that unfolds into itself has no end of paths.
func (d *decoder) plain(n *yaml.Node, path string) any {
	if n = d.deref(n); n == nil {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		pairs, _ := d.pairs(n, path)
		out := make(map[string]any, len(pairs))
		for _, p := range pairs {
			out[p.key] = d.plain(p.value, path)
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, c := range n.Content {
			out[i] = d.plain(c, path)
		}
		return out
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
	}
	return n.Value
}

func orFile(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func in(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func kind(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null" || strings.TrimSpace(n.Value) == "":
		return "nothing"
	}
	return fmt.Sprintf("%.60q", n.Value)
}
