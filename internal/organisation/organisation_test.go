package organisation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

func generate(t testing.TB, cfg Config) *History {
	t.Helper()
	h, err := Generate(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// digest is over the names and contents of all files below dir.
func digest(t testing.TB, dir string) string {
	t.Helper()
	sum := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		sum.Write([]byte(filepath.ToSlash(rel) + "\x00"))
		sum.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func write(t testing.TB, cfg Config) string {
	t.Helper()
	dir := t.TempDir()
	if err := generate(t, cfg).Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestSameSeedSameBytes(t *testing.T) {
	one, two, other := write(t, Config{Seed: 5, Files: 150}), write(t, Config{Seed: 5, Files: 150}), write(t, Config{Seed: 6, Files: 150})
	if digest(t, one) != digest(t, two) {
		t.Error("two histories of one seed differ")
	}
	if digest(t, one) == digest(t, other) {
		t.Error("two seeds give one history")
	}
}

func rules() []string {
	return []string{
		"no_grant", "outside_grant", "outside_hours", "no_sign_on", "assertion_mismatch", "no_mfa", "long_session", "outlived_grant",
		"late_revocation", "lingering_membership", "unattributed", "source_gap", "break_glass",
		"manual_grant", "self_granted", "self_approved", "standing_access", "unused_grant", "unmapped_group",
		"source_mismatch", "name_mismatch", "chained_role", "credential_created", "static_credential", "web_identity",
		"unknown_provider", "failed_assumptions", "trust_changed", "log_tampered", "orphan_activity",
	}
}

func TestEverySeedPlantsEveryRule(t *testing.T) {
	for seed := range uint64(20) {
		h := generate(t, Config{Seed: seed, Noise: 50, CallsPerSession: 4})
		planted, near := map[string]int{}, map[string]int{}
		for _, p := range h.Truth.Planted {
			planted[p.Rule]++
		}
		for _, n := range h.Truth.NearMisses {
			near[n.Rule]++
		}
		if len(h.Truth.Planted) < 40 {
			t.Errorf("seed %d plants %d findings", seed, len(h.Truth.Planted))
		}
		for _, rule := range rules() {
			if planted[rule] < 4 || near[rule] < 1 {
				t.Errorf("seed %d: %s is broken %d times and nearly broken %d times", seed, rule, planted[rule], near[rule])
			}
		}
		checkTruth(t, h)
	}
}

// checkTruth looks up every event that the truth names, and its time.
func checkTruth(t *testing.T, h *History) {
	t.Helper()
	at := map[string]time.Time{}
	for _, log := range [][]Event{h.Okta, h.CloudTrail, h.Approvals, h.Listings} {
		for i := range log {
			at[log[i].ID()] = log[i].At
		}
	}
	seen := map[string]bool{}
	for _, p := range h.Truth.Planted {
		if when, ok := at[p.Anchor]; !ok || !when.Equal(p.Time) {
			t.Errorf("seed %d: the anchor of %+v is at %v", h.Config.Seed, p, when)
		}
		for _, id := range p.Evidence {
			if _, ok := at[id]; !ok {
				t.Errorf("seed %d: evidence %s of %s (%s) is in no log", h.Config.Seed, id, p.Rule, p.Note)
			}
		}
		if k := p.Rule + p.Anchor; seen[k] {
			t.Errorf("seed %d: %s is planted twice on %s", h.Config.Seed, p.Rule, p.Anchor)
		} else {
			seen[k] = true
		}
	}
	for _, n := range h.Truth.NearMisses {
		if when, ok := at[n.Event]; !ok || !when.Equal(n.Time) || seen[n.Rule+n.Event] {
			t.Errorf("seed %d: near miss %+v at %v", h.Config.Seed, n, when)
		}
	}
}

func TestLogsAreCompleteWhereTheTruthSaysSo(t *testing.T) {
	h := generate(t, Config{Seed: 3})
	c := h.Truth.Complete
	for _, log := range [][]Event{h.Okta, h.CloudTrail} {
		for i := range log {
			ev := &log[i]
			if ev.At.Before(c.From) || ev.At.After(c.To.Add(-24*time.Hour)) {
				t.Errorf("%s at %v is too near the end of %v", ev.ID(), ev.At, c)
			}
			if ev.Seen.Before(ev.At) {
				t.Errorf("%s was seen before it happened", ev.ID())
			}
			if gap := h.Truth.Gaps[0]; ev.Shard == gap.Shard && !ev.At.Before(gap.From) && ev.At.Before(gap.To) {
				t.Errorf("%s at %v is in the gap", ev.ID(), ev.At)
			}
		}
	}
}

func TestEventsAreJSONAndOktaIsInOrderOfPersistence(t *testing.T) {
	h := generate(t, Config{Seed: 11})
	sorted := true
	for i := range h.Okta {
		var got struct {
			UUID      string
			Published time.Time
			EventType string
		}
		if err := json.Unmarshal(h.Okta[i].AppendJSON(nil), &got); err != nil || got.UUID != h.Okta[i].ID() || !got.Published.Equal(h.Okta[i].At) || got.EventType == "" {
			t.Fatalf("%s: %v, %+v", h.Okta[i].AppendJSON(nil), err, got)
		}
		sorted = sorted && (i == 0 || !h.Okta[i].At.Before(h.Okta[i-1].At))
	}
	if sorted {
		t.Error("the Okta log is sorted by published")
	}
	for i := range h.CloudTrail {
		var got struct {
			EventID, EventName, AwsRegion, RecipientAccountID string
			EventTime                                         time.Time
			Addendum                                          *struct{ Reason string }
		}
		ev := &h.CloudTrail[i]
		if err := json.Unmarshal(ev.AppendJSON(nil), &got); err != nil || got.EventID != ev.ID() || !got.EventTime.Equal(ev.At) || ev.Shard != "aws/"+got.RecipientAccountID+"/"+got.AwsRegion || (got.Addendum != nil) != (ev.addendum != "") {
			t.Fatalf("%s: %v, %+v", ev.AppendJSON(nil), err, got)
		}
	}
}

func TestCopiesAreByteEqualUnlessTheyHaveAnAddendum(t *testing.T) {
	h := generate(t, Config{Seed: 4})
	for name, log := range map[string][]Event{"okta": h.Okta, "cloudtrail": h.CloudTrail} {
		first := map[string]string{}
		var duplicates, corrected int
		for i := range log {
			raw := string(log[i].AppendJSON(nil))
			switch was, again := first[log[i].ID()]; {
			case !again:
				first[log[i].ID()] = raw
			case was == raw:
				duplicates++
			case strings.Contains(raw+was, `"addendum"`):
				corrected++
			default:
				t.Errorf("%s comes with two contents:\n%s\n%s", log[i].ID(), was, raw)
			}
		}
		want := h.Truth.Records.Okta
		if name == "cloudtrail" {
			want = h.Truth.Records.CloudTrail
		}
		if got := (LogRecords{len(log), duplicates, corrected}); got != want || duplicates == 0 {
			t.Errorf("%s: %+v, the truth says %+v", name, got, want)
		}
	}
}

func TestFilesLieWhereATrailPutsThem(t *testing.T) {
	dir := write(t, Config{Seed: 8, Files: 200})
	shape := regexp.MustCompile(`^AWSLogs/(\d{12})/CloudTrail/([a-z0-9-]+)/\d{4}/\d\d/\d\d/(\d{12})_CloudTrail_([a-z0-9-]+)_\d{8}T\d{4}Z_[0-9A-Za-z]{16}\.json\.gz$`)
	root, files, records := filepath.Join(dir, "cloudtrail"), 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		m := shape.FindStringSubmatch(filepath.ToSlash(rel))
		if m == nil || m[1] != m[3] || m[2] != m[4] {
			t.Errorf("unexpected file %s", rel)
		}
		files++
		records += len(readRecords(t, path))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var truth Truth
	b, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &truth); err != nil {
		t.Fatal(err)
	}
	if records != truth.Records.CloudTrail.Read {
		t.Errorf("%d records in %d files, the truth says %d", records, files, truth.Records.CloudTrail.Read)
	}
	if files < 100 || files > 400 {
		t.Errorf("%d files instead of about 200", files)
	}
}

func readRecords(t *testing.T, path string) []json.RawMessage {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if !gz.ModTime.IsZero() {
		t.Errorf("%s bears a time", path)
	}
	var doc struct{ Records []json.RawMessage }
	if err := json.NewDecoder(gz).Decode(&doc); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return doc.Records
}

func TestFillsUpToExactlyTheRecordsAskedFor(t *testing.T) {
	h := generate(t, Config{Seed: 2, Records: 20_000, OktaEvents: 5_000})
	if len(h.CloudTrail) != 20_000 || len(h.Okta) != 5_000 {
		t.Errorf("%d CloudTrail records and %d Okta events", len(h.CloudTrail), len(h.Okta))
	}
	checkTruth(t, h)
}

func TestWithoutPlantedNothingIsWrong(t *testing.T) {
	h := generate(t, Config{Seed: 2, Planted: -1, People: 5, Days: 1})
	if len(h.Truth.Planted)+len(h.Truth.NearMisses)+len(h.Truth.Gaps) > 0 {
		t.Errorf("%+v", h.Truth)
	}
}

func TestRefusesWhatCannotBeMade(t *testing.T) {
	for name, cfg := range map[string]Config{
		"too few people":  {People: 3, Days: 1},
		"too few records": {Records: 10},
		"few accounts":    {Accounts: 2},
		"long gap":        {Gap: 40 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Generate(cfg); err == nil || !strings.HasPrefix(err.Error(), "organisation: ") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// BenchmarkWrite measures generation and writing, in bytes of JSON.
func BenchmarkWrite(b *testing.B) {
	for b.Loop() {
		h := generate(b, Config{Seed: 1, Records: 50_000, OktaEvents: 10_000, Files: 500})
		var n int64
		var line []byte
		for _, log := range [][]Event{h.Okta, h.CloudTrail} {
			for i := range log {
				line = log[i].AppendJSON(line[:0])
				n += int64(len(line))
			}
		}
		b.SetBytes(n)
		if err := h.Write(b.TempDir()); err != nil {
			b.Fatal(err)
		}
	}
}
