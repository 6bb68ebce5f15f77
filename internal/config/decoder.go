package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decoder walks the YAML tree and gathers errors, each with its line. It goes on
// after an error, so that one pass finds all of them.
type decoder struct {
	file   string // for messages
	dir    string // what relative paths are relative to
	env    Environment
	errs   []*Error
	budget int // nodes that may still be visited
	// What was learnt of each value by its path ("okta[0].token"): its line, and
	// how the file writes it where the environment is part of it.
	lines   map[string]int
	written map[string]written
}

// written is a value that the environment is part of.
type written struct {
	value   string // as Effective would write it
	instead string // as the file writes it
}

func (d *decoder) errorf(line int, format string, args ...any) {
	d.errs = append(d.errs, &Error{File: d.file, Line: line, Msg: fmt.Sprintf(format, args...)})
}

// object reads a mapping into its fields and reports unknown keys.
func (d *decoder) object(n *yaml.Node, path string, fields []field) {
	pairs, line := d.pairs(n, path)
	if line == 0 {
		return
	}
	d.lines[path] = line
	for _, p := range pairs {
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == p.key })
		if i < 0 {
			d.errorf(p.line, "unknown key %s%s%s", quote(p.key), in(path), suggestion(p.key, keys(fields)))
			continue
		}
		at := join(path, p.key)
		d.lines[at] = p.line
		if p.value.ShortTag() == "!!null" {
			// A section in which all keys are commented out says nothing.
			if fields[i].inner == nil || fields[i].list {
				d.errorf(p.line, "%s has no value: fill it in or leave the key out", at)
			}
			continue
		}
		fields[i].read(d, p.value, at)
	}
}

func keys(fields []field) []string {
	out := make([]string, len(fields))
	for i := range fields {
		out[i] = fields[i].key
	}
	return out
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

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// pair is one entry of a mapping.
type pair struct {
	key   string
	line  int
	value *yaml.Node
}

// pairs reads a mapping in the order of the file; a key twice and a merge key
// are errors. The line is 0 when it is no mapping.
func (d *decoder) pairs(n *yaml.Node, path string) (out []pair, line int) {
	n = d.deref(n)
	if n == nil {
		return nil, 0
	}
	if n.Kind != yaml.MappingNode || n.ShortTag() != "!!map" {
		what := path
		if what == "" {
			what = "the configuration"
		}
		d.errorf(n.Line, "%s must be a mapping (key: value), not %s", what, kind(n))
		return nil, 0
	}
	out = make([]pair, 0, len(n.Content)/2)
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := d.deref(n.Content[i]), n.Content[i+1]
		switch {
		case k == nil:
			return nil, 0
		case k.ShortTag() == "!!merge":
			d.errorf(k.Line, "merge keys (<<) are not supported: repeat the keys")
		case k.Kind != yaml.ScalarNode:
			d.errorf(k.Line, "a key%s must be a word, not %s", in(path), kind(k))
		case seen[k.Value] > 0:
			d.errorf(k.Line, "key %s%s stands twice, first on line %d", quote(k.Value), in(path), seen[k.Value])
		default:
			seen[k.Value] = k.Line
			out = append(out, pair{k.Value, k.Line, v})
		}
	}
	return out, n.Line
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

// kind names what stands there. A scalar is not shown: it may be a secret that
// stands under the wrong key.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			return "nothing"
		}
		return "a single value"
	}
	return "an alias"
}

// list reads a sequence; empty is an error, since a key left out says more.
func (d *decoder) list(n *yaml.Node, path string) []*yaml.Node {
	n = d.deref(n)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode || n.ShortTag() != "!!seq" {
		d.errorf(n.Line, "%s must be a list, not %s", path, kind(n))
		return nil
	}
	if len(n.Content) == 0 {
		d.errorf(n.Line, "%s is an empty list: leave the key out instead", path)
	}
	return n.Content
}

// scalar reads a value as the file writes it, so that 012345678901 without
// quotes keeps its zero.
func (d *decoder) scalar(n *yaml.Node, path string) (raw string, line int, ok bool) {
	n = d.deref(n)
	if n == nil {
		return "", 0, false
	}
	switch n.ShortTag() {
	case "!!str", "!!int", "!!float", "!!bool", "!!timestamp":
		if n.Kind == yaml.ScalarNode && strings.TrimSpace(n.Value) != "" {
			return n.Value, n.Line, true
		}
	}
	what := kind(n)
	switch {
	case n.Kind == yaml.ScalarNode && strings.HasPrefix(n.Tag, "!") && n.Style&yaml.TaggedStyle != 0:
		what = "a value tagged " + quote(n.Tag)
	case n.Kind == yaml.ScalarNode && strings.TrimSpace(n.Value) == "":
		what = "empty"
	}
	d.errorf(n.Line, "%s must be a value, not %s", path, what)
	return "", 0, false
}

// expanded reports whether the environment is part of the value.
func (v value) expanded() bool { return v.text != v.raw }

// value is a scalar with the environment filled in.
type value struct {
	text string // for use, never for messages
	raw  string // as the file writes it, for messages
	line int
}

// value reads a scalar and fills in the environment.
func (d *decoder) value(n *yaml.Node, path string) (value, bool) {
	raw, line, ok := d.scalar(n, path)
	if !ok {
		return value{}, false
	}
	text, err := d.env.expand(raw)
	switch {
	case err != nil:
		d.errorf(line, "%s: %v", path, err)
		return value{}, false
	case strings.TrimSpace(text) == "":
		d.errorf(line, "%s: %s comes to nothing: set what it names", path, quote(raw))
		return value{}, false
	case !printable(text):
		d.errorf(line, "%s: %s holds control characters or bytes that are not UTF-8", path, quote(raw))
		return value{}, false
	}
	return value{text, raw, line}, true
}
