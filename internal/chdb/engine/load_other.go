//go:build !(linux || darwin) || nochdb

package engine

import (
	"errors"
	"fmt"
	"runtime"
)

// Built returns why this program has no engine in it.
func Built() error {
	return fmt.Errorf("this program was built without the embedded ClickHouse for %s/%s; point clickhouse.url at a ClickHouse server: %w",
		runtime.GOOS, runtime.GOARCH, errors.ErrUnsupported)
}

func load(string) (*api, error) { return nil, Built() }
