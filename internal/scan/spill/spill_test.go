package spill

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestStoreReturnsWhatWasAppendedWhateverTheBudget(t *testing.T) {
	for _, budget := range []int64{0, 40 << 10, 1 << 30} {
		t.Run(fmt.Sprint(budget), func(t *testing.T) {
			const streams, writers, each = 3, 4, 2000
			dir := t.TempDir()
			s := New(Options{Dir: dir, Budget: budget, Streams: streams, Open: streams * writers})
			var wg sync.WaitGroup
			for n := range writers {
				wg.Go(func() {
					w := s.NewWriter()
					for i := range each {
						record := fmt.Appendf(nil, "%d/%d", n, i)
						if i == 7 {
							record = append(record, make([]byte, 3*largestChunk)...)
						}
						if err := w.Append(i%streams, record); err != nil {
							t.Error(err)
						}
					}
					if err := w.Flush(); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			var got []string
			for n := range streams {
				rest, err := s.Load(n)
				if err != nil {
					t.Fatal(err)
				}
				for {
					record, more, ok := Next(rest)
					if !ok {
						break
					}
					if len(record) > 20 {
						record = record[:len(record)-3*largestChunk]
					}
					got, rest = append(got, record), more
				}
				if rest != "" {
					t.Errorf("stream %d: %d bytes left over", n, len(rest))
				}
			}
			slices.Sort(got)
			if len(slices.Compact(got)) != writers*each {
				t.Errorf("got %d records back, want %d", len(got), writers*each)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestStoreUsesMemoryAgainAfterLoad(t *testing.T) {
	s := New(Options{Dir: t.TempDir(), Budget: 1 << 20, Streams: 1, Open: 1})
	for range 5 {
		w := s.NewWriter()
		for range 900 {
			if err := w.Append(0, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Load(0); err != nil {
			t.Fatal(err)
		}
	}
	if s.held != 0 || s.file != nil {
		t.Errorf("held %d bytes, file %v; want none", s.held, s.file)
	}
}

func TestStoreSaysWhatToDoWhenItCannotWrite(t *testing.T) {
	s := New(Options{Dir: "/nowhere/at/all", Streams: 1, Open: 1})
	w := s.NewWriter()
	if err := w.Append(0, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err == nil {
		t.Fatal("no error")
	} else if !strings.Contains(err.Error(), "set TMPDIR to a folder with room") {
		t.Error(err)
	}
}

func TestNextStopsAtDamage(t *testing.T) {
	for _, s := range []string{"", "\x05abc", "\xff", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
		if _, _, ok := Next(s); ok {
			t.Errorf("Next(%q) found a record", s)
		}
	}
}
