package config

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Secret is a value that is never printed: every way to format, log or marshal
// it shows a placeholder. Its zero value is no secret at all.
type Secret struct {
	// A pointer, so that fmt shows an address where it may not call methods, as
	// in an unexported field of another struct.
	value *string
	// Where it came from: ${NAME}, or the path of a file as the configuration
	// writes it.
	source string
	file   bool
}

// redacted stands for every secret.
const redacted = "[redacted]"

// NewSecret makes a secret of a value that was had elsewhere.
func NewSecret(value string) Secret { return Secret{value: &value} }

// Reveal returns the value, for the one place that needs it; "" for none.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.value == nil }

// Equal reports whether both are none or have one value.
func (s Secret) Equal(other Secret) bool {
	return s.IsZero() == other.IsZero() && s.Reveal() == other.Reveal()
}

// String implements fmt.Stringer: a placeholder, or nothing for no secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return fmt.Sprintf("config.Secret(%q)", s.String()) }

// Format implements fmt.Formatter, for the verbs that ask for neither of both
// above, such as %x and %d.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	switch {
	case verb == 'q':
		text = fmt.Sprintf("%q", text)
	case verb == 'v' && f.Flag('#'):
		text = s.GoString()
	}
	// A formatter can't return the error; fmt reports it from its own writer.
	_, _ = fmt.Fprint(f, text)
}

// MarshalText implements encoding.TextMarshaler, and so covers JSON and XML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML implements yaml.Marshaler.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// maxSecret bounds a secret's file, in bytes.
const maxSecret = 64 << 10

// secretVariable reads a secret that the file refers to as ${NAME}. What is not
// such a reference may be the secret itself, so no message shows it.
func (d *decoder) secretVariable(n *yaml.Node, path string, to *Secret) {
	raw, line, ok := d.scalar(n, path)
	if !ok {
		return
	}
	name, ok := strings.CutPrefix(raw, "${")
	if name = strings.TrimSuffix(name, "}"); !ok || !variableName(name) || raw != "${"+name+"}" {
		d.errorf(line, "%s: a secret does not stand in the file: write ${NAME} for an environment variable, or %s_file", path, path)
		return
	}
	text, err := d.env.variable(raw)
	switch {
	case err != nil:
		d.errorf(line, "%s: %v", path, err)
	case text == "":
		d.errorf(line, "%s: environment variable %s is empty", path, name)
	default:
		*to = Secret{value: &text, source: raw}
	}
}

// secretFile reads a secret from a file, less a line end at its end.
func (d *decoder) secretFile(n *yaml.Node, path string, to *Secret) {
	v, ok := d.value(n, path)
	if !ok {
		return
	}
	file := resolve(d.dir, v.text)
	data, err := d.env.ReadFile(file)
	if err != nil {
		// The cause alone: the path may be of the environment.
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		d.errorf(v.line, "%s: read %s: %v", path, quote(v.raw), err)
		return
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case len(data) > maxSecret:
		d.errorf(v.line, "%s: %s has %d bytes, more than %d: no secret is that long", path, quote(v.raw), len(data), maxSecret)
	case text == "":
		d.errorf(v.line, "%s: %s is empty", path, quote(v.raw))
	default:
		*to = Secret{value: &text, source: escape(file), file: true}
		if v.expanded() {
			to.source = d.resolveWritten(v.text, v.raw)
		}
	}
}
