package config

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

const (
	// maxSize bounds a configuration file, in bytes.
	maxSize = 1 << 20
	// aliasBudget bounds how many nodes YAML aliases may add to those that are
	// written out, so that a few lines can't unfold into billions.
	aliasBudget = 10_000
)

// root checks the bytes, parses them and returns the one mapping of the file;
// nil after an error, and for a file that sets nothing.
func (d *decoder) root(data []byte) *yaml.Node {
	if !d.text(data) {
		return nil
	}
	var doc, more yaml.Node
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err == nil {
		err = loader.Load(&doc)
	}
	if errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		d.syntax(err)
		return nil
	}
	if err := loader.Load(&more); err == nil {
		d.errorf(more.Line, "a second YAML document: one file holds one configuration")
		return nil
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
		return nil
	}
	d.budget = count(&doc) + aliasBudget
	if len(doc.Content) != 1 || doc.Content[0].ShortTag() == "!!null" {
		return nil
	}
	return doc.Content[0]
}

// text refuses what is no UTF-8 text of reasonable size.
func (d *decoder) text(data []byte) bool {
	switch {
	case len(data) > maxSize:
		d.errorf(0, "the file has %d bytes, more than %d: no configuration is that large", len(data), maxSize)
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
