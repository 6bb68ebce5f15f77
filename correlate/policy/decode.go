package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

const (
	// maxSize bounds a policy file.
	maxSize = 4 << 20
	// aliasBudget bounds how many nodes YAML aliases may add to those that are
	// written out, so that a few lines can't unfold into billions.
	aliasBudget = 100_000
)

// decoder walks the YAML tree and gathers errors, each with its line. Every
// method takes a nil node for "not there" and goes on after an error, so that
// one pass finds all of them.
type decoder struct {
	file   string
	errs   []*Error
	budget int // nodes that may still be visited
	// patterns are those of aws_groups that were read.
	patterns []string
}

func (d *decoder) errorf(line int, format string, args ...any) {
	d.errs = append(d.errs, &Error{File: d.file, Line: line, Msg: fmt.Sprintf(format, args...)})
}

// root checks the bytes, parses them and returns the one mapping of the file;
// nil after an error.
func (d *decoder) root(data []byte) *yaml.Node {
	if !d.text(data) {
		return nil
	}
	var doc, more yaml.Node
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err == nil {
		err = loader.Load(&doc)
	}
	switch {
	case errors.Is(err, io.EOF):
		d.empty()
		return nil
	case err != nil:
		d.syntax(err)
		return nil
	}
	if err := loader.Load(&more); err == nil {
		d.errorf(more.Line, "a second YAML document: one file holds one policy")
		return nil
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
		return nil
	}
	d.budget = count(&doc) + aliasBudget
	if len(doc.Content) != 1 || doc.Content[0].ShortTag() == "!!null" {
		d.empty()
		return nil
	}
	n := doc.Content[0]
	if n.Kind == yaml.MappingNode && len(n.Content) == 0 {
		d.empty()
		return nil
	}
	return n
}

func (d *decoder) empty() {
	d.errorf(0, "the policy is empty: it must hold at least one key, such as providers")
}

// text refuses what is no UTF-8 text of reasonable size.
func (d *decoder) text(data []byte) bool {
	switch {
	case len(data) > maxSize:
		d.errorf(0, "the file has %d bytes, more than %d: no policy is that large", len(data), maxSize)
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}), bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		d.errorf(0, "the file is UTF-16: save it as UTF-8")
	case bytes.ContainsFunc(data, control):
		before := data[:bytes.IndexFunc(data, control)]
		d.errorf(1+bytes.Count(before, []byte{'\n'}), "a control character (byte 0x%02x): the file is no plain text", data[len(before)])
	case !utf8.Valid(data):
		d.errorf(invalidLine(data), "bytes that are not UTF-8: save the file as UTF-8")
	default:
		return true
	}
	return false
}

// control knows the characters that no YAML file may hold.
func control(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f
}

func invalidLine(data []byte) int {
	line := 1
	for l := range bytes.Lines(data) {
		if !utf8.Valid(l) {
			break
		}
		line++
	}
	return line
}

// syntax reports an error of the YAML parser at its line.
func (d *decoder) syntax(err error) {
	var at *yaml.LoadError
	if !errors.As(err, &at) {
		d.errorf(0, "not YAML: %s", oneLine(err.Error()))
		return
	}
	msg := at.Message
	if at.ContextMsg != "" {
		msg = at.ContextMsg + ": " + msg
	}
	d.errorf(at.Mark.Line, "not YAML: %s", oneLine(msg))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

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

// object is a mapping whose keys are known.
type object struct {
	line   int    // 0: there is no such mapping
	path   string // where it stands, for messages: "providers[0]"
	values map[string]*yaml.Node
}

// key names one of the object's keys in messages.
func (o object) key(k string) string {
	if o.path == "" {
		return k
	}
	return o.path + "." + k
}

// at is the line of the key's value, else of the object.
func (o object) at(k string) int {
	if n := o.values[k]; n != nil {
		return n.Line
	}
	return o.line
}

func (o object) has(k string) bool { return o.values[k] != nil }

// object reads a mapping and reports unknown keys.
func (d *decoder) object(n *yaml.Node, path string, known ...string) object {
	o := object{path: path, values: make(map[string]*yaml.Node, len(known))}
	pairs, ok := d.pairs(n, path)
	for _, p := range pairs {
		if !slices.Contains(known, p.key) {
			d.errorf(p.line, "unknown key %s%s%s", quote(p.key), in(path), Suggestion(p.key, known))
			continue
		}
		o.values[p.key] = p.value
	}
	if ok {
		o.line = n.Line
	}
	return o
}

func in(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

// pair is one entry of a mapping.
type pair struct {
	key   string
	line  int
	value *yaml.Node
}

// pairs reads a mapping in the order of the file; a key without value, a key
// twice and a merge key are errors. ok tells whether it is a mapping.
func (d *decoder) pairs(n *yaml.Node, path string) (out []pair, ok bool) {
	n = d.deref(n)
	if n == nil {
		return nil, false
	}
	if n.Kind != yaml.MappingNode || n.ShortTag() != "!!map" {
		d.errorf(n.Line, "%s must be a mapping (key: value), not %s", orPolicy(path), kind(n))
		return nil, false
	}
	out = make([]pair, 0, len(n.Content)/2)
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := d.deref(n.Content[i]), n.Content[i+1]
		switch {
		case k == nil:
			return nil, false
		case k.ShortTag() == "!!merge":
			d.errorf(k.Line, "merge keys (<<) are not supported: repeat the keys")
		case k.Kind != yaml.ScalarNode:
			d.errorf(k.Line, "a key%s must be a word, not %s", in(path), kind(k))
		case seen[k.Value] > 0:
			d.errorf(k.Line, "key %s%s stands twice, first on line %d", quote(k.Value), in(path), seen[k.Value])
		case v.ShortTag() == "!!null":
			seen[k.Value] = k.Line
			d.errorf(k.Line, "%s has no value: fill it in or leave the key out", join(path, k.Value))
		default:
			seen[k.Value] = k.Line
			out = append(out, pair{k.Value, k.Line, v})
		}
	}
	return out, true
}

func join(path, key string) string { return object{path: path}.key(key) }

func orPolicy(path string) string {
	if path == "" {
		return "the policy"
	}
	return path
}

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
		return quote(n.Value)
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

// string reads a scalar as the file writes it, so that 012345678901 without
// quotes keeps its zero; "" after an error and when it isn't there.
func (d *decoder) string(n *yaml.Node, path string) string {
	n = d.deref(n)
	if n == nil {
		return ""
	}
	switch n.ShortTag() {
	case "!!str", "!!int", "!!float", "!!bool", "!!timestamp":
		if n.Kind == yaml.ScalarNode && strings.TrimSpace(n.Value) != "" {
			return n.Value
		}
	}
	what := kind(n)
	if n.Kind == yaml.ScalarNode && strings.HasPrefix(n.Tag, "!") && n.Style&yaml.TaggedStyle != 0 {
		what = "a value tagged " + quote(n.Tag)
	}
	d.errorf(n.Line, "%s must be a text, not %s", path, what)
	return ""
}

// word is a text of the file with its line.
type word struct {
	text string
	line int
}

// words reads a list of texts; one that stands twice is an error.
func (d *decoder) words(n *yaml.Node, path string) []word {
	var out []word
	seen := map[string]bool{}
	for _, c := range d.list(n, path) {
		s := d.string(c, "each of "+path)
		if s == "" {
			continue
		}
		if seen[s] {
			d.errorf(c.Line, "%s stands twice in %s", quote(s), path)
			continue
		}
		seen[s] = true
		out = append(out, word{s, c.Line})
	}
	return out
}

// required reads a text that must be there.
func (d *decoder) required(o object, key string) string {
	if !o.has(key) {
		if o.line > 0 {
			d.errorf(o.line, "%s is missing", o.key(key))
		}
		return ""
	}
	return d.string(o.values[key], o.key(key))
}

// oneOf reads one of a few words, def when the key is left out.
func (d *decoder) oneOf(o object, key, def string, known ...string) string {
	if !o.has(key) {
		return def
	}
	s := d.string(o.values[key], o.key(key))
	if s != "" && !slices.Contains(known, s) {
		d.errorf(o.at(key), "%s: unknown value %s%s", o.key(key), quote(s), Suggestion(s, known))
		return def
	}
	return s
}

// requiredOneOf reads one of a few words, which must be there.
func (d *decoder) requiredOneOf(o object, key string, known ...string) string {
	if !o.has(key) {
		return d.required(o, key)
	}
	return d.oneOf(o, key, "", known...)
}

// whole reads a whole number within a range, def when the key is left out.
func (d *decoder) whole(o object, key string, def, least, most int) int {
	if !o.has(key) {
		return def
	}
	s := d.string(o.values[key], o.key(key))
	if s == "" {
		return def
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		d.errorf(o.at(key), "%s: %s is out of range: a whole number from %d to %d", o.key(key), quote(s), least, most)
		return def
	}
	return n
}
