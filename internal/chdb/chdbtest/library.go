// Package chdbtest lends the embedded ClickHouse to tests.
package chdbtest

import (
	"context"
	"os"
	"time"

	"jitaudit/internal/chdb/library"
)

// Library is the path of libchdb for tests. It is fetched, once, when this
// machine has none; an error is a reason to skip.
func Library() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	return library.Fetch(ctx, library.Options{Path: os.Getenv(library.Env)})
}
