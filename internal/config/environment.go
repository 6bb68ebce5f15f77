package config

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Environment is what a configuration may take from outside its file.
type Environment struct {
	// Lookup finds an environment variable, as os.LookupEnv does.
	Lookup func(name string) (string, bool)
	// ReadFile reads the file of a secret, as os.ReadFile does.
	ReadFile func(path string) ([]byte, error)
}

// Process is the environment of this process.
func Process() Environment {
	return Environment{Lookup: os.LookupEnv, ReadFile: os.ReadFile}
}

// references finds what begins as a reference to the environment does, and the
// escape of one.
func references() *regexp.Regexp { return regexp.MustCompile(`\$\$\{|\$\{[^}]*\}?`) }

// expand fills in each ${NAME}. $${ stands for ${ itself; any other dollar sign
// is one. Errors name the variable, never a value.
func (e Environment) expand(s string) (string, error) {
	if !strings.Contains(s, "${") {
		return s, nil
	}
	var first error
	out := references().ReplaceAllStringFunc(s, func(ref string) string {
		if strings.HasPrefix(ref, "$$") {
			return ref[1:]
		}
		v, err := e.variable(ref)
		first = cmp.Or(first, err)
		return v
	})
	if first != nil {
		return "", first
	}
	return out, nil
}

// escape writes a text so that expand returns it.
func escape(s string) string { return strings.ReplaceAll(s, "${", "$${") }

// variable looks up one reference: ${NAME}.
func (e Environment) variable(ref string) (string, error) {
	name, ok := strings.CutSuffix(strings.TrimPrefix(ref, "${"), "}")
	if !ok || !variableName(name) {
		return "", fmt.Errorf("%s is no reference to the environment: write ${NAME}, with letters, digits and _, or $${ for a plain ${", quote(ref))
	}
	v, ok := e.Lookup(name)
	if !ok {
		return "", fmt.Errorf("environment variable %s is not set", name)
	}
	return v, nil
}

func variableName(s string) bool {
	for i, r := range s {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// printable reports whether a value from the environment could stand in a file.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, control)
}

// stateFolder is where the user's programs keep state (XDG Base Directory
// Specification); "" when the environment names none.
func (e Environment) stateFolder() string {
	// The specification: what is not absolute is to be ignored.
	if dir, ok := e.Lookup("XDG_STATE_HOME"); ok && filepath.IsAbs(dir) && printable(dir) {
		return filepath.Join(dir, "jitaudit")
	}
	if home, ok := e.Lookup("HOME"); ok && filepath.IsAbs(home) && printable(home) {
		return filepath.Join(home, ".local", "state", "jitaudit")
	}
	return ""
}

// resolve makes a path of the file one of the process: relative ones are
// relative to the folder that the configuration lies in.
func resolve(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// resolveWritten does the same to a path as the file writes it, ${NAME} and all.
// It cleans nothing: ${NAME}/.. is not the folder of the file.
func (d *decoder) resolveWritten(path, raw string) string {
	if filepath.IsAbs(path) || d.dir == "." {
		return raw
	}
	return escape(d.dir) + string(filepath.Separator) + raw
}
