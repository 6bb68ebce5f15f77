package organisation

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// Write writes the history to dir: okta/*.ndjson in the order of persistence,
// cloudtrail/AWSLogs/… as a trail delivers it, approvals.ndjson, snapshots.ndjson
// with the listings of groups, policy.yaml and truth.json.
func (h *History) Write(dir string) error {
	if err := h.writeOkta(filepath.Join(dir, "okta")); err != nil {
		return err
	}
	if err := writeLines(filepath.Join(dir, "approvals.ndjson"), h.Approvals); err != nil {
		return err
	}
	if err := writeLines(filepath.Join(dir, "snapshots.ndjson"), h.Listings); err != nil {
		return err
	}
	if err := h.writeTrail(filepath.Join(dir, "cloudtrail")); err != nil {
		return err
	}
	truth, err := json.MarshalIndent(h.Truth, "", "  ")
	if err != nil {
		return fmt.Errorf("encode truth: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "truth.json"), append(truth, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "policy.yaml"), h.Policy, 0o644)
}

// writeOkta writes a file per day of persistence.
func (h *History) writeOkta(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for from := 0; from < len(h.Okta); {
		day := h.Okta[from].Seen.Format("20060102")
		to := from
		for to < len(h.Okta) && h.Okta[to].Seen.Format("20060102") == day {
			to++
		}
		if err := writeLines(filepath.Join(dir, org+"-"+day+".ndjson"), h.Okta[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

func writeLines(name string, events []Event) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<18)
	var line []byte
	for i := range events {
		line = append(events[i].AppendJSON(line[:0]), '\n')
		w.Write(line) // an error stays in w
	}
	if err := w.Flush(); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", name, err)
	}
	return f.Close()
}

// delivery is one file of a trail.
type delivery struct {
	shard string
	slot  time.Time
}

func (h *History) writeTrail(dir string) error {
	width := h.slotWidth()
	type place struct {
		delivery
		event int
	}
	order := make([]place, len(h.CloudTrail))
	for i := range h.CloudTrail {
		ev := &h.CloudTrail[i]
		order[i] = place{delivery{ev.Shard, ev.Seen.Truncate(width)}, i}
	}
	slices.SortFunc(order, func(a, b place) int {
		if c := a.slot.Compare(b.slot); c != 0 {
			return c
		}
		if c := strings.Compare(a.shard, b.shard); c != 0 {
			return c
		}
		return bytes.Compare(h.CloudTrail[a.event].id[:], h.CloudTrail[b.event].id[:])
	})
	// Within a file the order is that of the ids: none.
	gz, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	out := &trailWriter{dir: dir, gz: gz, made: map[string]bool{}}
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && order[to].delivery == order[from].delivery {
			to++
		}
		out.body = append(out.body[:0], `{"Records":[`...)
		for i := from; i < to; i++ {
			if i > from {
				out.body = append(out.body, ',')
			}
			out.body = h.CloudTrail[order[i].event].AppendJSON(out.body)
		}
		out.body = append(out.body, "]}"...)
		if err := out.write(order[from].delivery, h.Config.Seed, from); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// slotWidth is the stretch of time that one file holds, chosen so that about
// Config.Files come out.
func (h *History) slotWidth() time.Duration {
	if h.Config.Files <= 0 {
		return 5 * time.Minute
	}
	low, high := time.Second, 48*time.Hour
	for high-low > time.Second {
		if mid := ((low + high) / 2).Truncate(time.Second); h.files(mid) > h.Config.Files {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// files counts the files that slots of the width make. The events are in the
// order of delivery, so that a shard never comes back to a slot.
func (h *History) files(width time.Duration) (n int) {
	last := map[string]time.Time{}
	for i := range h.CloudTrail {
		ev := &h.CloudTrail[i]
		if slot := ev.Seen.Truncate(width); last[ev.Shard] != slot {
			last[ev.Shard] = slot
			n++
		}
	}
	return n
}

type trailWriter struct {
	dir  string
	gz   *gzip.Writer
	body []byte
	out  bytes.Buffer
	made map[string]bool
}

func (w *trailWriter) write(d delivery, seed uint64, n int) error {
	part := strings.Split(d.shard, "/")
	account, region := part[1], part[2]
	folder := filepath.Join(w.dir, "AWSLogs", account, "CloudTrail", region, d.slot.Format("2006/01/02"))
	if !w.made[folder] {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		w.made[folder] = true
	}
	unique := token(rand.New(rand.NewPCG(seed, uint64(n)+1<<32)), base62, 16)
	name := filepath.Join(folder, account+"_CloudTrail_"+region+"_"+d.slot.Format("20060102T1504Z")+"_"+unique+".json.gz")
	w.out.Reset()
	w.gz.Reset(&w.out)
	if _, err := w.gz.Write(w.body); err != nil {
		return fmt.Errorf("compress %s: %w", name, err)
	}
	if err := w.gz.Close(); err != nil {
		return fmt.Errorf("compress %s: %w", name, err)
	}
	return os.WriteFile(name, w.out.Bytes(), 0o644)
}
