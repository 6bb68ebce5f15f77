//go:build (linux || darwin) && !nochdb

package engine

import (
	"fmt"

	"github.com/ebitengine/purego"
)

// Built returns nil: this program has the engine in it.
func Built() error { return nil }

// load loads libchdb into this process. What is loaded stays: the engine has
// threads that outlive every connection.
func load(path string) (*api, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, err
	}
	a := &api{}
	for name, field := range a.symbols() {
		at, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("it is older than 26.7, or not libchdb: %w", err)
		}
		purego.RegisterFunc(field, at)
	}
	return a, nil
}
