package pipeline

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain makes of this test program the embedded ClickHouse when it is
// started as that, and looks for goroutines that were left.
func TestMain(m *testing.M) { os.Exit(shared.Run(m, leaks)) }

// leaks leaves out a goroutine of the Okta SDK's cache: it ends when the cache
// is collected as garbage.
func leaks() error {
	return goleak.Find(goleak.IgnoreTopFunction("github.com/patrickmn/go-cache.(*janitor).Run"))
}
