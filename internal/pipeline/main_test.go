package pipeline

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain makes of this test program the embedded ClickHouse when it is
// started as that, and looks for goroutines that were left.
func TestMain(m *testing.M) { os.Exit(shared.Run(m, func() error { return goleak.Find() })) }
