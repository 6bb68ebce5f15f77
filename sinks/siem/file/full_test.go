//go:build unix

package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const (
	// childPath makes of this test program one that writes to a file with a limit.
	childPath = "JITAUDIT_TEST_FILE"
	// fullAt is where the disk of the child is full, in bytes.
	fullAt = 10_000
)

// writeUntilFull is what the child does: it may write no file beyond fullAt, as if the
// disk were full, and says which notices were acknowledged.
func writeUntilFull(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: fullAt, Max: fullAt}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	r, err := New(Config{Path: path})
	if err != nil {
		return err
	}
	for i := range 100 {
		retry, err := r.Send(context.Background(), notice(i, "Ada had no second factor."))
		if errors.Is(err, syscall.EFBIG) && retry {
			// Again, as it would be: nothing changes, and nothing is added.
			if _, err := r.Send(context.Background(), notice(i, "Ada had no second factor.")); !errors.Is(err, syscall.EFBIG) {
				return fmt.Errorf("the second time: %w", err)
			}
			return r.Close()
		}
		if err != nil {
			return err
		}
		fmt.Println("acknowledged")
	}
	return errors.New("the disk never was full")
}

func TestAFullDiskLeavesNoHalfLine(t *testing.T) {
	if path := os.Getenv(childPath); path != "" {
		if err := writeUntilFull(path); err != nil {
			t.Fatal(err)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "ocsf.ndjson")
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), childPath+"="+path)
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	acknowledged := strings.Count(string(out), "acknowledged\n")
	if acknowledged < 2 {
		t.Fatalf("only %d were acknowledged", acknowledged)
	}
	if got := findings(t, content(t, path)); !slices.Equal(got, wanted(0, acknowledged-1)) {
		t.Errorf("%v are there, %d were acknowledged", got, acknowledged)
	}
	r, _ := receiver(t, Config{Path: path})
	send(t, r, notice(acknowledged, "there is room again"))
	if got := findings(t, content(t, path)); !slices.Equal(got, wanted(0, acknowledged)) {
		t.Errorf("%v are there afterwards", got)
	}
}
