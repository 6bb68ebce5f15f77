package alerts

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"time"
)

// sum is a digest that grows. It keeps of an alert only what is to be remembered.
type sum struct {
	reason DigestReason
	// told is, for each record, what will have been told.
	told     map[string]change
	counts   map[Count]int // N is 0
	total    int
	from, to time.Time
	tokens   []*token
	// own is done with the digest.
	own *token
	// last is when something was added.
	last time.Time
}

// change is what was told before, and after.
type change struct{ before, after *Sent }

func newSum(reason DigestReason) *sum {
	own := &token{}
	return &sum{reason: reason, told: map[string]change{}, counts: map[Count]int{}, own: own, tokens: []*token{own}}
}

// add adds an alert, and reports whether its record is new to the digest.
func (s *sum) add(r *record, c Change, before, after *Sent, now time.Time) (fresh bool) {
	id := r.id()
	known, has := s.told[id]
	if has {
		before = known.before
	}
	s.told[id] = change{before, after}
	f := r.facets()
	s.counts[Count{Kind: string(f.kind), Rule: f.rule, Severity: f.severity, Change: c}]++
	s.total++
	if at := r.happened(c); !at.IsZero() {
		if s.from.IsZero() || at.Before(s.from) {
			s.from = at
		}
		if at.After(s.to) {
			s.to = at
		}
	}
	s.last = now
	return !has
}

// digest is the sum as it is told.
func (s *sum) digest(link string) *Digest {
	d := &Digest{Reason: s.reason, Total: s.total, From: s.from, To: s.to, Link: link}
	for c, n := range s.counts {
		c.N = n
		d.Counts = append(d.Counts, c)
	}
	slices.SortFunc(d.Counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(rank(b.Severity), rank(a.Severity)), cmp.Compare(b.N, a.N),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Change, b.Change))
	})
	return d
}

// id is the same for a digest of the same versions.
func (s *sum) id() string {
	h := sha256.New()
	h.Write([]byte(s.reason))
	var line []byte
	for _, id := range slices.Sorted(maps.Keys(s.told)) {
		line = append(append(line[:0], 0), id...)
		line = strconv.AppendInt(append(line, '.'), s.told[id].after.Version, 10)
		h.Write(line)
	}
	return noticeID(h.Sum(nil))
}

func noticeID(sum []byte) string { return "ntc_" + hex.EncodeToString(sum[:16]) }

// idOf is the same for a notice of the same alerts.
func idOf(alerts []Alert) string {
	h := sha256.New()
	for i := range alerts {
		h.Write([]byte(alerts[i].ID() + "\x00"))
	}
	return noticeID(h.Sum(nil))
}
