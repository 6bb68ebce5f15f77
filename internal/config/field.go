package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// field is one key of a section: how it is read, written and called. One table
// of fields serves for reading, Effective and Keys, so that none can forget one.
type field struct {
	key string
	// target is the pointer that read fills.
	target any
	read   func(d *decoder, n *yaml.Node, path string)
	// write returns nil for a value that says nothing.
	write func(w *writer, path string) *yaml.Node
	// inner are the fields of a section, or of one element of a list of them.
	inner []field
	list  bool
}

// scalar is a field of one value. parse's error continues "KEY: VALUE …".
func scalar[T any](key string, to *T, parse func(string) (T, error), format func(T) string) field {
	return field{
		key: key, target: to,
		read: func(d *decoder, n *yaml.Node, path string) {
			v, ok := d.value(n, path)
			if !ok {
				return
			}
			x, err := parse(v.text)
			var hidden *hiddenError
			switch {
			case errors.As(err, &hidden):
				d.errorf(v.line, "%s %v", path, err)
				return
			case err != nil:
				d.errorf(v.line, "%s: %s %v", path, quote(v.raw), err)
				return
			}
			*to = x
			if v.expanded() {
				d.written[path] = written{value: format(x), instead: v.raw}
			}
		},
		write: func(w *writer, path string) *yaml.Node { return w.text(path, format(*to)) },
	}
}

// hiddenError is about a value that may hold a password, so that no message
// shows it. It continues "KEY …".
type hiddenError struct{ msg string }

func (e *hiddenError) Error() string { return e.msg }

// text is a value that check finds right; nil finds all right.
func text(key string, to *string, check func(string) error) field {
	return scalar(key, to, checked(check), same)
}

func same(s string) string { return s }

func checked(check func(string) error) func(string) (string, error) {
	return func(s string) (string, error) {
		if check == nil {
			return s, nil
		}
		return s, check(s)
	}
}

// path is a file or folder; see resolve.
func path(key string, to *string) field {
	f := text(key, to, nil)
	read := f.read
	f.read = func(d *decoder, n *yaml.Node, path string) {
		before := *to
		*to = ""
		if read(d, n, path); *to == "" {
			*to = before
			return
		}
		w, expanded := d.written[path]
		instead := d.resolveWritten(*to, w.instead)
		*to = resolve(d.dir, *to)
		if expanded {
			d.written[path] = written{value: *to, instead: instead}
		}
	}
	return f
}

// choice is one of a few words.
func choice[T ~string](key string, to *T, known ...T) field {
	words := make([]string, len(known))
	for i, k := range known {
		words[i] = string(k)
	}
	return scalar(key, to, func(s string) (T, error) {
		if slices.Contains(words, s) {
			return T(s), nil
		}
		return "", errors.New("is unknown" + suggestion(s, words))
	}, func(t T) string { return string(t) })
}

func boolean(key string, to *bool) field {
	return bare("!!bool", scalar(key, to, func(s string) (bool, error) {
		switch s {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return false, errors.New("is neither true nor false")
	}, strconv.FormatBool))
}

func integer(key string, to *int, least, most int) field {
	return bare("!!int", scalar(key, to, func(s string) (int, error) {
		v, err := strconv.Atoi(s)
		if err != nil || v < least || v > most {
			return 0, fmt.Errorf("is no whole number from %d to %d", least, most)
		}
		return v, nil
	}, strconv.Itoa))
}

func number(key string, to *float64, least, most float64) field {
	format := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	return bare("!!float", scalar(key, to, func(s string) (float64, error) {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(v) || v < least || v > most {
			return 0, fmt.Errorf("is no number from %s to %s", format(least), format(most))
		}
		return v, nil
	}, format))
}

// bare writes values with the tag of their type, so without quotes.
func bare(tag string, f field) field {
	write := f.write
	f.write = func(w *writer, path string) *yaml.Node {
		n := write(w, path)
		if n != nil && !strings.Contains(n.Value, "$") {
			n.Tag = tag
		}
		return n
	}
	return f
}

// size is a number of bytes, such as 256MiB.
func size(key string, to *int64, least, most int64) field {
	return scalar(key, to, func(s string) (int64, error) {
		v, err := parseSize(s)
		if err != nil || v < least || v > most {
			return 0, fmt.Errorf("is no size from %s to %s, such as 64MiB or 67108864", formatSize(least), formatSize(most))
		}
		return v, nil
	}, formatSize)
}

func duration(key string, to *time.Duration, within span) field {
	return scalar(key, to, within.parse, within.format)
}

// texts is a list of values, each once.
func texts(key string, to *[]string, check func(string) error) field {
	element := func(s *string) field { return text(key, s, check) }
	return elements(key, to, element)
}

// paths is a list of files.
func paths(key string, to *[]string) field {
	return elements(key, to, func(s *string) field { return path(key, s) })
}

func elements(key string, to *[]string, element func(*string) field) field {
	return field{
		key: key, target: to,
		read: func(d *decoder, n *yaml.Node, path string) {
			out := []string{}
			for i, c := range d.list(n, path) {
				var s string
				element(&s).read(d, c, index(path, i))
				d.lines[index(path, i)] = c.Line
				if s != "" && slices.Contains(out, s) {
					d.errorf(c.Line, "%s stands twice in %s", quote(c.Value), path)
				}
				out = append(out, s)
			}
			*to = out
		},
		write: func(w *writer, path string) *yaml.Node {
			list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
			for i := range *to {
				if n := element(&(*to)[i]).write(w, index(path, i)); n != nil {
					list.Content = append(list.Content, n)
				}
			}
			return orNothing(list)
		},
	}
}

// section is a mapping of its own.
func section(key string, fields []field) field {
	return field{
		key: key, inner: fields,
		read:  func(d *decoder, n *yaml.Node, path string) { d.object(n, path, fields) },
		write: func(w *writer, path string) *yaml.Node { return orNothing(w.object(path, fields)) },
	}
}

// sections is a list of mappings; def makes one with its defaults.
func sections[T any](key string, to *[]T, def func() T, fields func(*T) []field) field {
	example := def()
	return field{
		key: key, target: to, inner: fields(&example), list: true,
		read: func(d *decoder, n *yaml.Node, path string) {
			nodes := d.list(n, path)
			out := make([]T, len(nodes)) // made at once: fields point into it
			for i, c := range nodes {
				out[i] = def()
				d.object(c, index(path, i), fields(&out[i]))
			}
			*to = out
		},
		write: func(w *writer, path string) *yaml.Node {
			list := &yaml.Node{Kind: yaml.SequenceNode}
			for i := range *to {
				list.Content = append(list.Content, w.object(index(path, i), fields(&(*to)[i])))
			}
			return orNothing(list)
		},
	}
}

// secret are the two keys of a secret: key for ${NAME}, key_file for a file.
func secret(key string, to *Secret) []field {
	fileKey := key + "_file"
	once := func(d *decoder, n *yaml.Node) bool {
		if !to.IsZero() {
			d.errorf(n.Line, "%s beside %s: one secret comes from one place", key, fileKey)
		}
		return to.IsZero()
	}
	fromEnv := field{key: key, target: to,
		read: func(d *decoder, n *yaml.Node, path string) {
			if once(d, n) {
				d.secretVariable(n, path, to)
			}
		},
		write: func(w *writer, _ string) *yaml.Node {
			if to.IsZero() || to.file {
				return nil
			}
			if to.source == "" {
				return plain(redacted)
			}
			return plain(to.source)
		},
	}
	fromFile := field{key: fileKey, target: to,
		read: func(d *decoder, n *yaml.Node, path string) {
			if once(d, n) {
				d.secretFile(n, path, to)
			}
		},
		write: func(w *writer, _ string) *yaml.Node {
			if !to.file {
				return nil
			}
			return plain(to.source)
		},
	}
	return []field{fromEnv, fromFile}
}

// Keys are the keys of the configuration in the order of Effective, each with
// the path to it, as kafka.tls.enabled; okta[].url is a key of each element of
// a list. Sections and lists of them are not among them.
func Keys() []string {
	return keyPaths("", new(Config).fields())
}

func keyPaths(path string, fields []field) []string {
	var out []string
	for _, f := range fields {
		at := join(path, f.key)
		if f.list {
			at += "[]"
		}
		if f.inner == nil {
			out = append(out, at)
		}
		out = append(out, keyPaths(at, f.inner)...)
	}
	return out
}

// parseSize reads a number of bytes with or without a binary unit.
func parseSize(s string) (int64, error) {
	unit := int64(1)
	for i, u := range []string{"KiB", "MiB", "GiB"} {
		if head, ok := strings.CutSuffix(s, u); ok {
			s, unit = head, 1<<(10*(i+1))
		}
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err == nil && (v < 0 || v > math.MaxInt64/unit) {
		err = strconv.ErrRange
	}
	return v * unit, err
}

// formatSize writes what parseSize reads, as short as it can.
func formatSize(v int64) string {
	for i, u := range []string{"GiB", "MiB", "KiB"} {
		if unit := int64(1) << (10 * (3 - i)); v >= unit && v%unit == 0 {
			return strconv.FormatInt(v/unit, 10) + u
		}
	}
	return strconv.FormatInt(v, 10)
}
