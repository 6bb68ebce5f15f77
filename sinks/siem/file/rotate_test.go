package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jitaudit/sinks/alerts"
)

// long is a text of which 50 make more than the least size of a file.
var long = strings.Repeat("<", 4000)

func TestFilesArePutAsideBySize(t *testing.T) {
	r, _ := receiver(t, Config{MaxBytes: minMaxBytes, Keep: 100})
	const many = 100
	for i := range many {
		send(t, r, notice(i, long))
	}
	all := names(t, r.cfg.Path)
	if len(all) < 4 || all[0] != "ocsf.ndjson" || all[1] != "ocsf.ndjson.00000001" {
		t.Fatal(all)
	}
	var got []string
	for _, name := range append(all[1:], all[0]) { // the current one is the last
		b := content(t, filepath.Join(filepath.Dir(r.cfg.Path), name))
		if len(b) > minMaxBytes {
			t.Errorf("%s has %d bytes", name, len(b))
		}
		got = append(got, findings(t, b)...)
	}
	if !slices.Equal(got, wanted(0, many-1)) {
		t.Errorf("they hold %v", got)
	}
}

func TestALargeNoticeGoesOnInTheNextFile(t *testing.T) {
	r, _ := receiver(t, Config{MaxBytes: minMaxBytes, Keep: 100})
	send(t, r, notice(0, long))
	n := &alerts.Notice{ID: "ntc_1"}
	for i := 1; i <= 100; i++ {
		n.Alerts = append(n.Alerts, notice(i, long).Alerts...)
	}
	send(t, r, n)
	all := names(t, r.cfg.Path)
	var got []string
	for _, name := range append(all[1:], all[0]) {
		b := content(t, filepath.Join(filepath.Dir(r.cfg.Path), name))
		if len(b) > minMaxBytes {
			t.Errorf("%s has %d bytes", name, len(b))
		}
		got = append(got, findings(t, b)...)
	}
	if !slices.Equal(got, wanted(0, 100)) {
		t.Errorf("they hold %v", got)
	}
}

func TestFilesArePutAsideByAge(t *testing.T) {
	r, at := receiver(t, Config{MaxAge: 24 * time.Hour})
	midnight := at.Truncate(24 * time.Hour)
	at.Time = midnight.Add(23*time.Hour + 59*time.Minute)
	send(t, r, notice(1, "a"))
	at.Time = midnight.Add(24*time.Hour - time.Second)
	send(t, r, notice(2, "a"))
	at.Time = midnight.Add(24 * time.Hour)
	send(t, r, notice(3, "a"))
	at.Time = midnight.Add(72 * time.Hour)
	send(t, r, notice(4, "a"))
	for name, want := range map[string][]string{"": wanted(4, 4), ".00000001": wanted(1, 2), ".00000002": wanted(3, 3)} {
		if got := findings(t, content(t, r.cfg.Path+name)); !slices.Equal(got, want) {
			t.Errorf("%s holds %v, want %v", name, got, want)
		}
	}
}

func TestTheAgeOfAFileOutlivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ocsf.ndjson")
	r, _ := receiver(t, Config{Path: path, MaxAge: 24 * time.Hour})
	send(t, r, notice(1, "a"))
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(path, before, before); err != nil {
		t.Fatal(err)
	}
	r, _ = receiver(t, Config{Path: path, MaxAge: 24 * time.Hour})
	send(t, r, notice(2, "a"))
	if got := names(t, path); !slices.Equal(got, []string{"ocsf.ndjson", "ocsf.ndjson.00000001"}) {
		t.Errorf("%v are there", got)
	}
}

func TestOnlySomeFilesAreKeptAndTheirNumbersGoOn(t *testing.T) {
	for _, compressed := range []bool{false, true} {
		t.Run(fmt.Sprint("gzip ", compressed), func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "ocsf.ndjson")
			// What is not ours stays, whatever it is called.
			others := []string{"ocsf.ndjson.1", "ocsf.ndjson.bak", "ocsf.ndjson.00000001.txt", "other.ndjson.00000001", "ocsfxndjson.00000001"}
			for _, name := range others {
				if err := os.WriteFile(filepath.Join(dir, name), []byte("{}\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			at := &clock{time.Now()}
			for i := range 6 { // a new process each day
				r, err := New(Config{Path: path, MaxAge: 24 * time.Hour, Keep: 2, Gzip: compressed, Now: at.now})
				if err != nil {
					t.Fatal(err)
				}
				send(t, r, notice(i, "a"))
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(path, at.Time, at.Time); err != nil {
					t.Fatal(err)
				}
				at.Time = at.Add(24 * time.Hour)
			}
			end := ""
			if compressed {
				end = ".gz"
			}
			want := append(slices.Clone(others), "ocsf.ndjson", "ocsf.ndjson.00000004"+end, "ocsf.ndjson.00000005"+end)
			slices.Sort(want)
			if got := names(t, path); !slices.Equal(got, want) {
				t.Fatalf("%v are there, want %v", got, want)
			}
			for i, name := range []string{".00000004" + end, ".00000005" + end, ""} {
				if got := findings(t, content(t, path+name)); !slices.Equal(got, wanted(3+i, 3+i)) {
					t.Errorf("%s holds %v", name, got)
				}
				info, err := os.Stat(path + name)
				if err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s: mode %v, error %v", name, info.Mode(), err)
				}
			}
		})
	}
}

// A crash may come between any two steps of putting aside.
func TestACrashWhilePuttingAsideIsMended(t *testing.T) {
	const line = `{"finding_info":{"uid":"fnd_1"}}` + "\n"
	for name, files := range map[string]map[string]string{
		"put aside, and none anew":  {".00000001": line},
		"half compressed":           {".00000001": line, ".00000001.gz.tmp": "half"},
		"compressed, not deleted":   {".00000001": line, ".00000001.gz": ""},
		"half of another, and both": {".00000001": line, ".00000001.gz": "", ".00000002.gz.tmp": "", ".00000002": line},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ocsf.ndjson")
			for end, text := range files {
				if err := os.WriteFile(path+end, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if strings.HasSuffix(end, ".gz") { // what has the name is complete
					if err := errors.Join(os.WriteFile(path+".x", []byte(line), 0o600), compress(t.Context(), path+".x"), os.Rename(path+".x.gz", path+end)); err != nil {
						t.Fatal(err)
					}
				}
			}
			r, _ := receiver(t, Config{Path: path, Gzip: true})
			send(t, r, notice(9, "a"))
			for _, name := range names(t, path) {
				want := wanted(1, 1)
				if name == "ocsf.ndjson" {
					want = wanted(9, 9)
				} else if !strings.HasSuffix(name, ".gz") {
					t.Errorf("%s is left", name)
				}
				if got := findings(t, content(t, filepath.Join(filepath.Dir(path), name))); !slices.Equal(got, want) {
					t.Errorf("%s holds %v, want %v", name, got, want)
				}
			}
		})
	}
}

func TestCompressionEndsWithItsContextAndLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ocsf.ndjson.00000001")
	if err := os.WriteFile(path, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := compress(ctx, path); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := names(t, path); !slices.Equal(got, []string{"ocsf.ndjson.00000001"}) {
		t.Errorf("%v are there", got)
	}
}
