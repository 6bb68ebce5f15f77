//go:build !(linux || darwin) || nochdb

package engine

import (
	"errors"
	"fmt"
	"runtime"
)

func load(string) (*api, error) {
	return nil, fmt.Errorf("this program was built without the embedded ClickHouse for %s/%s; point clickhouse.url at a ClickHouse server: %w",
		runtime.GOOS, runtime.GOARCH, errors.ErrUnsupported)
}
