package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/gzip"

	"jitaudit/schemas"
)

// failing is a sink that cannot write.
type failing struct{ err error }

func (f failing) Result(*Result) error                 { return f.err }
func (f failing) DeadLetter(*schemas.DeadLetter) error { return f.err }

func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFailedWriteEndsTheScan(t *testing.T) {
	h := smallHistory(t, 1)
	opts := madeUp(t, h)
	opts.Memory, opts.TempDir = 1, t.TempDir()
	broken := errors.New("broken pipe")
	if _, err := run(t.Context(), inMemory(h), opts, failing{broken}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	nothingLeft(t, opts.TempDir)
}

func TestFullDiskEndsTheScan(t *testing.T) {
	h := smallHistory(t, 1)
	opts := madeUp(t, h)
	opts.Memory, opts.TempDir = 1, filepath.Join(t.TempDir(), "missing")
	_, err := run(t.Context(), inMemory(h), opts, &Everything{})
	if err == nil || !strings.Contains(err.Error(), "set TMPDIR to a folder with room") {
		t.Errorf("got %v", err)
	}
}

// interrupting stops the scan after the first bytes.
type interrupting struct {
	stop  context.CancelFunc
	total int64
	read  atomic.Int64
	done  bool
}

func (p *interrupting) Start(bytes int64) { p.total = bytes }
func (p *interrupting) Read(bytes int)    { p.read.Add(int64(bytes)); p.stop() }
func (p *interrupting) Done()             { p.done = true }

func TestInterruptionEndsTheScan(t *testing.T) {
	h := smallHistory(t, 1)
	opts := madeUp(t, h)
	opts.Memory, opts.TempDir = 1, t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	p := &interrupting{stop: stop}
	opts.Progress = p
	if _, err := run(ctx, inMemory(h), opts, &Everything{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if !p.done {
		t.Error("progress was not finished")
	}
	nothingLeft(t, opts.TempDir)
}

// unhurried lets the scan run.
type unhurried struct{ interrupting }

func (p *unhurried) Read(bytes int) { p.read.Add(int64(bytes)) }

func TestProgressCountsTheBytesOnDisk(t *testing.T) {
	h := smallHistory(t, 2)
	dir := t.TempDir()
	if err := h.Write(dir); err != nil {
		t.Fatal(err)
	}
	opts := madeUp(t, h)
	opts.Inputs = []Input{
		{Source: schemas.Okta, Org: testOrg, Path: filepath.Join(dir, "okta")},
		{Source: schemas.CloudTrail, Path: filepath.Join(dir, "cloudtrail")},
	}
	p := &unhurried{}
	opts.Progress = p
	sum, err := Run(t.Context(), opts, &Everything{})
	if err != nil {
		t.Fatal(err)
	}
	if p.total == 0 || p.read.Load() != p.total || sum.Bytes != p.total || !p.done {
		t.Errorf("read %d of %d bytes, summary says %d, done %v", p.read.Load(), p.total, sum.Bytes, p.done)
	}
}

func TestMissingPathIsOneClearSentence(t *testing.T) {
	opts := madeUp(t, smallHistory(t, 1))
	for name, path := range map[string]string{
		"missing":        filepath.Join(t.TempDir(), "nowhere"),
		"without a file": t.TempDir(),
	} {
		opts.Inputs = []Input{{Source: schemas.CloudTrail, Path: path}}
		_, err := Run(t.Context(), opts, &Everything{})
		if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDamageIsADeadLetterWithItsPlace(t *testing.T) {
	var zipped strings.Builder
	gz := gzip.NewWriter(&zipped)
	if _, err := gz.Write([]byte(`{"Records":[` + strings.Repeat(`{"eventTime":"2026-03-02T09:00:00Z","eventName":"X"},`, 9000))); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	files := []file{
		{source: schemas.Okta, org: testOrg, name: "a", data: []byte("{\"uuid\":\"1\"}\n{\"eventType\":5}\nnonsense\n")},
		{source: schemas.CloudTrail, name: "b", data: []byte{}},
		{source: schemas.CloudTrail, name: "c", data: []byte(zipped.String())[:zipped.Len()/2]},
		{source: schemas.CloudTrail, name: "d", data: []byte("\x1f\x8b\x00")},
	}
	opts := madeUp(t, smallHistory(t, 1))
	opts.Complete = nil
	got := scanAll(t, files, opts)
	if len(got.DeadLetters) < 6 {
		t.Errorf("only %d dead letters: %+v", len(got.DeadLetters), got.DeadLetters)
	}
	last := ""
	for _, d := range got.DeadLetters {
		if d.Reason == "" || d.File < last {
			t.Errorf("%+v after %s", d, last)
		}
		last = d.File
	}
	for _, l := range got.Ledgers {
		if !l.Balanced() || l.Dead == 0 {
			t.Errorf("ledger %+v", l)
		}
	}
	if _, err := json.Marshal(got.DeadLetters); err != nil {
		t.Error(err)
	}
}

func TestCopiesThatNameTwoPeopleAreOneEvent(t *testing.T) {
	event := func(session, more string) string {
		return `{"eventID":"e1","eventTime":"2026-03-02T09:00:00Z","eventName":"AssumeRoleWithSAML","eventSource":"sts.amazonaws.com",` +
			`"awsRegion":"eu-central-1","recipientAccountId":"111111111111","userIdentity":{"type":"SAMLUser"},` + more +
			`"requestParameters":{"roleSessionName":"` + session + `","roleArn":"arn:aws:iam::111111111111:role/Admin"},` +
			`"responseElements":{"assumedRoleUser":{"assumedRoleId":"AROA1:` + session + `","arn":"arn:aws:sts::111111111111:assumed-role/Admin/` + session + `"}}}`
	}
	data := event("ann", "") + "\n" + event("ben", `"addendum":{"reason":"UPDATED_DATA"},`) + "\n" + event("ann", "") + "\n"
	opts := madeUp(t, smallHistory(t, 1))
	opts.Complete, opts.Gaps = nil, nil
	got := scanAll(t, []file{{source: schemas.CloudTrail, name: "trail", data: []byte(data)}}, opts)
	l := got.Ledgers[1]
	if l.Used != 1 || l.Duplicate != 1 || l.Corrected != 1 {
		t.Errorf("ledger %+v, want one used, one duplicate, one corrected", l)
	}
	if len(got.Results) != 1 || got.Results[0].Person.Key != "aws:ben" {
		t.Errorf("results %+v, want those of ben, whom the addendum names", got.Results)
	}
}

func TestCopiesOfTwoLogsWithOneIDAreTwoEvents(t *testing.T) {
	var okta, trail strings.Builder
	for i := range 6 { // enough that the hashes of one log lie among those of the other
		fmt.Fprintf(&okta, `{"uuid":"e1","published":"2026-03-02T09:00:00.000Z","eventType":"group.user_membership.add","version":"%d",`+
			`"outcome":{"result":"SUCCESS"},"target":[{"id":"00u1ada","type":"User","alternateId":"ada@example.com"},`+
			`{"id":"00g1","type":"UserGroup","displayName":"AWS-prod-Admin"}]}`+"\n", i)
		fmt.Fprintf(&trail, `{"eventID":"e1","eventTime":"2026-03-02T09:00:00Z","eventName":"AssumeRoleWithSAML","eventSource":"sts.amazonaws.com",`+
			`"awsRegion":"eu-central-1","recipientAccountId":"111111111111","userIdentity":{"type":"SAMLUser"},"requestID":"%d",`+
			`"requestParameters":{"roleSessionName":"ben","roleArn":"arn:aws:iam::111111111111:role/Admin"},`+
			`"responseElements":{"assumedRoleUser":{"assumedRoleId":"AROA1:ben","arn":"arn:aws:sts::111111111111:assumed-role/Admin/ben"}}}`+"\n", i)
	}
	opts := madeUp(t, smallHistory(t, 1))
	opts.Complete, opts.Gaps = nil, nil
	got := scanAll(t, []file{
		{source: schemas.Okta, name: "okta", org: "example", data: []byte(okta.String())},
		{source: schemas.CloudTrail, name: "trail", data: []byte(trail.String())},
	}, opts)
	for _, l := range got.Ledgers[:2] {
		if l.Read != 6 || l.Used != 1 || l.Corrected != 5 {
			t.Errorf("ledger %+v, want one used and five corrected", l)
		}
	}
}
