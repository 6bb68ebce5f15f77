package file

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jitaudit/internal/hostile"
	schema "jitaudit/schemas/ocsf"

	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

// clock is set by tests; it begins at the time of the machine, since files carry that.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func receiver(t *testing.T, cfg Config) (*Receiver, *clock) {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(t.TempDir(), "ocsf.ndjson")
	}
	at := &clock{time.Now()}
	cfg.Now = at.now
	if cfg.MaxAge == 0 {
		cfg.MaxAge = maxMaxAge // no test waits for a new year
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, at
}

// notice is of one finding, whose id is of a number.
func notice(number int, why string) *alerts.Notice {
	return &alerts.Notice{ID: fmt.Sprintf("ntc_%d", number), Alerts: []alerts.Alert{{Change: alerts.Opened, Finding: &schemas.Finding{
		ID: fmt.Sprintf("fnd_%d", number), Rule: "no_mfa", Severity: schemas.High, Status: schemas.Open,
		Person: schemas.Person{Key: "aws:ada", Name: "ada"}, Why: why, Account: "111111111111",
		Meta: schemas.Meta{Version: 1, Observed: time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)},
	}}}}
}

func send(t *testing.T, r *Receiver, n *alerts.Notice) {
	t.Helper()
	if retry, err := r.Send(t.Context(), n); err != nil || retry {
		t.Fatalf("retry %v, error %v", retry, err)
	}
}

// content of a file, also of a compressed one.
func content(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if b, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// findings are the ids in a file, in order. Each line must be an event.
func findings(t *testing.T, b []byte) (ids []string) {
	t.Helper()
	if len(b) > 0 && b[len(b)-1] != '\n' {
		t.Errorf("the last line does not end: %.200q", b)
	}
	for line := range bytes.Lines(b) {
		var e struct {
			Info struct {
				UID string `json:"uid"`
			} `json:"finding_info"`
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Errorf("%v in %.200q", err, line)
		}
		ids = append(ids, e.Info.UID)
	}
	return ids
}

func wanted(from, to int) (ids []string) {
	for i := from; i <= to; i++ {
		ids = append(ids, fmt.Sprintf("fnd_%d", i))
	}
	return ids
}

// names are those in the folder of a file.
func names(t *testing.T, path string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestLinesAreAppendedAcrossRestarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ocsf.ndjson")
	for i := range 5 {
		r, _ := receiver(t, Config{Path: path})
		send(t, r, notice(2*i, "first"))
		send(t, r, notice(2*i+1, "second"))
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b := content(t, path)
	if got := findings(t, b); !slices.Equal(got, wanted(0, 9)) {
		t.Errorf("got %v", got)
	}
	for line := range bytes.Lines(b) {
		for _, err := range schema.Check(line) {
			t.Error(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

func TestNewOpensNothing(t *testing.T) {
	r, _ := receiver(t, Config{})
	if got := names(t, r.cfg.Path); len(got) != 0 {
		t.Errorf("%v are there", got)
	}
	send(t, r, &alerts.Notice{ID: "ntc_1"})
	if got := names(t, r.cfg.Path); len(got) != 0 {
		t.Errorf("%v are there", got)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Config
		want string // empty: taken
	}{
		{"good", Config{Path: "/var/log/jitaudit/ocsf.ndjson"}, ""},
		{"no path", Config{}, `path: want a file, such as /var/log/jitaudit/ocsf.ndjson (got "")`},
		{"a folder", Config{Path: "/var/log/"}, `path: want a file, such as /var/log/jitaudit/ocsf.ndjson (got "/var/log/")`},
		{"the folder itself", Config{Path: "."}, `path: want a file, such as /var/log/jitaudit/ocsf.ndjson (got ".")`},
		{"small", Config{Path: "a", MaxBytes: 1000}, "max_bytes: want 1048576 to 1099511627776 (got 1000)"},
		{"short", Config{Path: "a", MaxAge: time.Second}, "max_age: want 1m0s to 8784h0m0s (got 1s)"},
		{"few", Config{Path: "a", Keep: -1}, "keep: want 1 to 100000 (got -1)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := New(c.cfg)
			if (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// A crash can leave any part of what was being written.
func TestATornLineIsNeverGluedToTheNext(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole")
	r, _ := receiver(t, Config{Path: whole})
	send(t, r, notice(1, "acknowledged"))
	acknowledged := len(content(t, whole))
	send(t, r, notice(2, "being written"))
	all := content(t, whole)
	for cut := acknowledged; cut <= len(all); cut++ {
		// Every sync takes its time: all bytes at the ends, some between.
		if cut > acknowledged+3 && cut < len(all)-3 && cut%97 != 0 {
			continue
		}
		for name, torn := range map[string][]byte{
			"cut":         all[:cut],
			"zeros":       append(bytes.Clone(all[:cut]), make([]byte, 100)...),
			"zeros alone": append(bytes.Clone(all[:acknowledged]), make([]byte, cut-acknowledged)...),
		} {
			path := filepath.Join(t.TempDir(), "ocsf.ndjson")
			if err := os.WriteFile(path, torn, 0o600); err != nil {
				t.Fatal(err)
			}
			again, _ := receiver(t, Config{Path: path})
			send(t, again, notice(2, "being written"))
			got := findings(t, content(t, path))
			if len(got) > 2 { // all of it was there
				got = slices.Compact(got)
			}
			if !slices.Equal(got, wanted(1, 2)) {
				t.Fatalf("%s at %d of %d: %v", name, cut, len(all), got)
			}
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAFileOfWhichNothingArrivedIsRepaired(t *testing.T) {
	for name, left := range map[string]string{"zeros": string(make([]byte, 5000)), "half a line": `{"activity_id":1,"act`, "empty": ""} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ocsf.ndjson")
			if err := os.WriteFile(path, []byte(left), 0o600); err != nil {
				t.Fatal(err)
			}
			r, _ := receiver(t, Config{Path: path})
			send(t, r, notice(1, "after the crash"))
			if got := findings(t, content(t, path)); !slices.Equal(got, wanted(1, 1)) {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestALongTornLineIsCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ocsf.ndjson")
	if err := os.WriteFile(path, []byte("{}\n{"+strings.Repeat(" ", 3<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	r, _ := receiver(t, Config{Path: path})
	send(t, r, notice(1, "after the crash"))
	if got := content(t, path); !bytes.HasPrefix(got, []byte("{}\n{\"activity_id\"")) {
		t.Errorf("%.100q", got)
	}
}

func TestAFileOfSomethingElseIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	const text = "root:x:0:0\nwithout an end"
	path := filepath.Join(dir, "passwd")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, _ := receiver(t, Config{Path: path})
	if retry, err := r.Send(t.Context(), notice(1, "a")); err == nil || !retry || !strings.Contains(err.Error(), "does not begin as a file of events") {
		t.Errorf("retry %v, error %v", retry, err)
	}
	if got := string(content(t, path)); got != text {
		t.Errorf("%q", got)
	}
	for name, make := range map[string]func(string) error{
		"folder": func(p string) error { return os.Mkdir(p, 0o700) },
		"link":   func(p string) error { return os.Symlink(filepath.Join(dir, "elsewhere"), p) },
	} {
		path := filepath.Join(dir, name)
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		r, _ := receiver(t, Config{Path: path})
		if retry, err := r.Send(t.Context(), notice(1, "a")); err == nil || !retry {
			t.Errorf("%s: retry %v, error %v", name, retry, err)
		}
	}
}

func TestWithoutAFolderTheErrorSaysSo(t *testing.T) {
	r, _ := receiver(t, Config{Path: filepath.Join(t.TempDir(), "absent", "ocsf.ndjson")})
	if retry, err := r.Send(t.Context(), notice(1, "a")); err == nil || !retry || !strings.Contains(err.Error(), "make the folder") {
		t.Fatalf("retry %v, error %v", retry, err)
	}
	if err := os.Mkdir(filepath.Dir(r.cfg.Path), 0o700); err != nil {
		t.Fatal(err)
	}
	send(t, r, notice(1, "a")) // once it is mended
}

func TestAWiderModeIsNarrowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ocsf.ndjson")
	if err := os.WriteFile(path, []byte("{}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	r, _ := receiver(t, Config{Path: path})
	send(t, r, notice(1, "a"))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

func TestAFileThatWasMovedAwayIsBegunAnew(t *testing.T) {
	r, _ := receiver(t, Config{})
	send(t, r, notice(1, "a"))
	moved := r.cfg.Path + ".moved"
	if err := os.Rename(r.cfg.Path, moved); err != nil {
		t.Fatal(err)
	}
	send(t, r, notice(2, "a"))
	if err := os.Remove(r.cfg.Path); err != nil {
		t.Fatal(err)
	}
	send(t, r, notice(3, "a"))
	if a, b := findings(t, content(t, moved)), findings(t, content(t, r.cfg.Path)); !slices.Equal(a, wanted(1, 1)) || !slices.Equal(b, wanted(3, 3)) {
		t.Errorf("%v and %v", a, b)
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	r, _ := receiver(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if retry, err := r.Send(ctx, notice(1, "a")); !errors.Is(err, context.Canceled) || !retry {
		t.Errorf("retry %v, error %v", retry, err)
	}
}

func TestNoTextLeavesItsLine(t *testing.T) {
	r, _ := receiver(t, Config{})
	want := 0
	for name, text := range hostile.Texts() {
		n := notice(want, text)
		f := n.Alerts[0].Finding
		f.Person.Name, f.Account, f.Role, f.Evidence, f.Anchor = text, text, text, []string{text}, text
		send(t, r, n)
		want++
		if got := bytes.Count(content(t, r.cfg.Path), []byte("\n")); got != want {
			t.Fatalf("%s: %d lines, want %d", name, got, want)
		}
	}
	b := content(t, r.cfg.Path)
	if got := findings(t, b); !slices.Equal(got, wanted(0, want-1)) {
		t.Errorf("got %v", got)
	}
	for line := range bytes.Lines(b) {
		for _, err := range schema.Check(line) {
			t.Error(err)
		}
	}
}

func BenchmarkSend(b *testing.B) {
	r, err := New(Config{Path: filepath.Join(b.TempDir(), "ocsf.ndjson")})
	if err != nil {
		b.Fatal(err)
	}
	n := notice(1, "Ada had no second factor.")
	for b.Loop() {
		if _, err := r.Send(b.Context(), n); err != nil {
			b.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		b.Error(err)
	}
}
