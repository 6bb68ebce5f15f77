package scan

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas"
)

func at(s string) time.Time {
	t, err := parseInstant(s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestParseComplete(t *testing.T) {
	for text, want := range map[string]Complete{
		"2026-01-01/2026-02-01":                                  {From: at("2026-01-01"), To: at("2026-02-01")},
		"okta=2026-01-01/2026-01-01T08:00:00+02:00":              {Source: schemas.Okta, From: at("2026-01-01"), To: at("2026-01-01T06:00:00Z")},
		"cloudtrail=2026-01-01T00:00:00.5Z/2026-01-01T00:00:01Z": {Source: schemas.CloudTrail, From: at("2026-01-01T00:00:00.5Z"), To: at("2026-01-01T00:00:01Z")},
	} {
		got, err := ParseComplete(text)
		if err != nil || got != want {
			t.Errorf("ParseComplete(%q) = %v, %v", text, got, err)
		}
	}
}

func TestParseSaysWhatToWrite(t *testing.T) {
	complete := func(s string) error { _, err := ParseComplete(s); return err }
	gap := func(s string) error { _, err := ParseGap(s); return err }
	for _, c := range []struct {
		parse      func(string) error
		text, want string
	}{
		{complete, "", "write FROM/TO"},
		{complete, "2026-01-01", "write FROM/TO"},
		{complete, "x=2026-01-01/2026-01-02", "write okta=FROM/TO or cloudtrail=FROM/TO"},
		{complete, "=2026-01-01/2026-01-02", "is no source"},
		{complete, "2026-01-02/2026-01-02", "is not before"},
		{complete, "yesterday/2026-01-02", "write 2026-01-31 or"},
		{complete, "2026-01-01/2026-02-30", "write 2026-01-31 or"},
		{gap, "2026-01-01/2026-01-02", "names no shard"},
		{gap, "=2026-01-01/2026-01-02", "names no shard"},
		{gap, "okta/x=2026-01-01", "write FROM/TO"},
	} {
		if err := c.parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

func TestCoverageReachesFromFirstToLastEvent(t *testing.T) {
	seen := seen{}
	seen.okta("quiet")
	for shard, times := range map[string][]string{
		"okta/example": {"2026-03-02T12:00:00Z", "2026-03-02T10:00:00Z", "2026-03-02T14:00:00Z"},
		"okta/brief":   {"2026-03-02T10:00:00Z", "2026-03-02T10:15:00Z"},
		"aws/1/eu":     {"2026-03-02T08:00:00Z"},
		"aws/1/us":     {"2026-03-02T11:00:00Z", "2026-03-02T20:00:00Z"},
	} {
		for _, s := range times {
			seen.add(shard, at(s))
		}
	}
	whole := []schemas.Coverage{
		{Shard: "aws/1/eu", From: at("2026-03-02T08:10:00Z"), To: at("2026-03-02T19:50:00Z")},
		{Shard: "aws/1/us", From: at("2026-03-02T08:10:00Z"), To: at("2026-03-02T19:50:00Z")},
		{Shard: "okta/example", From: at("2026-03-02T10:10:00Z"), To: at("2026-03-02T13:50:00Z")},
	}
	okta := func(from, to string) schemas.Coverage {
		return schemas.Coverage{Shard: "okta/example", From: at(from), To: at(to)}
	}
	day := Complete{Source: schemas.Okta, From: at("2026-03-02"), To: at("2026-03-03")}
	for _, c := range []struct {
		name string
		opts Options
		want []schemas.Coverage
	}{
		{"assumed", Options{}, whole},
		{"a gap", Options{Gaps: []Gap{{"okta/example", at("2026-03-02T11:00:00Z"), at("2026-03-02T12:00:00Z")}}}, []schemas.Coverage{
			whole[0], whole[1], okta("2026-03-02T10:10:00Z", "2026-03-02T11:00:00Z"), okta("2026-03-02T12:00:00Z", "2026-03-02T13:50:00Z"),
		}},
		{"a gap of everything", Options{Gaps: []Gap{{"okta/example", at("2026-03-01"), at("2026-03-04")}}}, whole[:2]},
		{"told", Options{Complete: []Complete{day}}, []schemas.Coverage{
			whole[0], whole[1],
			{Shard: "okta/brief", From: day.From, To: day.To}, okta("2026-03-02", "2026-03-03"), {Shard: "okta/quiet", From: day.From, To: day.To},
		}},
		{"given", Options{Coverage: whole[2:]}, whole[2:]},
		{"none given", Options{Coverage: []schemas.Coverage{}}, []schemas.Coverage{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := madeUp(t, smallHistory(t, 1))
			opts.Complete, opts.Gaps, opts.Coverage = c.opts.Complete, c.opts.Gaps, c.opts.Coverage
			got, err := (&scan{opts: opts}).coverage(seen)
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				got[i].Basis = ""
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("want (-) got (+):\n%s", d)
			}
		})
	}
}

func TestGapOfAnUnknownShardIsAMistake(t *testing.T) {
	opts := madeUp(t, smallHistory(t, 1))
	opts.Gaps = []Gap{{"okta/sample", at("2026-03-01"), at("2026-03-04")}}
	seen := seen{}
	seen.okta("example")
	_, err := (&scan{opts: opts}).coverage(seen)
	if err == nil || !strings.Contains(err.Error(), "okta/sample") || !strings.Contains(err.Error(), "there are okta/example") {
		t.Errorf("got %v", err)
	}
}
