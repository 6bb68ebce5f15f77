package config

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// Effective is the configuration with all defaults filled in, as YAML in a
// stable order. It parses to the same configuration where the environment and
// the files of secrets are the same. No value of an environment variable is in
// it, and no secret: where they are part of a value, it is written as the file
// writes it.
func (c *Config) Effective() []byte {
	w := &writer{written: c.written}
	out, err := yaml.Dump(w.object("", c.fields()), yaml.WithLineWidth(-1))
	if err != nil {
		// A tree of plain texts can always be written.
		panic(fmt.Sprintf("write the configuration of %s: %v", c.file, err))
	}
	return out
}

// writer makes YAML of fields.
type writer struct {
	written map[string]written
}

// text makes a scalar; nil of nothing.
func (w *writer) text(path, s string) *yaml.Node {
	if s == "" {
		return nil
	}
	// Only what still is as it was read may be written as it was.
	if as, ok := w.written[path]; ok && as.value == s {
		return plain(as.instead)
	}
	return plain(escape(s))
}

func (w *writer) object(path string, fields []field) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range fields {
		if v := f.write(w, join(path, f.key)); v != nil {
			n.Content = append(n.Content, plain(f.key), v)
		}
	}
	return n
}

// orNothing leaves out what is empty: empty lists are refused when read.
func orNothing(n *yaml.Node) *yaml.Node {
	if len(n.Content) == 0 {
		return nil
	}
	return n
}

func plain(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}
