// Package reference says what the tables of the stream must hold for a made-up
// history: what a scan of the same logs says. Tests hold the stream against it.
package reference

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"jitaudit/correlate/policy"
	"jitaudit/internal/organisation"
	"jitaudit/internal/scan"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// Tables are results without versions and times of publication.
type Tables struct {
	// Lines are, by topic, the records as JSON, sorted. Retracted findings and
	// uses are left out: a scan knows neither.
	Lines map[string][]string
	// Calls are the counts of the sessions in which there were any.
	Calls map[string]schemas.ActivityCounts
}

func newTables() *Tables {
	return &Tables{Lines: make(map[string][]string), Calls: make(map[string]schemas.ActivityCounts)}
}

func (t *Tables) sort() {
	for _, l := range t.Lines {
		slices.Sort(l)
	}
}

func (t *Tables) add(topic string, v any) error {
	b, err := json.Marshal(v)
	t.Lines[topic] = append(t.Lines[topic], string(b))
	return err
}

// Scan is what a scan says, given that the history's truth is right about where
// the logs are complete.
func Scan(ctx context.Context, h *organisation.History, shards []string) (*Tables, error) {
	var coverage []schemas.Coverage
	for _, shard := range shards {
		coverage = append(coverage, Coverage(h, shard)...)
	}
	return ScanCovered(ctx, h, coverage)
}

// ScanCovered is what a scan says under some coverage.
func ScanCovered(ctx context.Context, h *organisation.History, coverage []schemas.Coverage) (*Tables, error) {
	return ScanListed(ctx, h, coverage, lines(h.Listings))
}

// ScanListed is what a scan says if Okta has listed other members of groups, a
// record a line.
func ScanListed(ctx context.Context, h *organisation.History, coverage []schemas.Coverage, listed []byte) (*Tables, error) {
	p, err := policy.Parse("policy.yaml", h.Policy)
	if err != nil {
		return nil, err
	}
	set, err := policy.NewSet(p)
	if err != nil {
		return nil, err
	}
	logs := scan.Logs{
		Okta: map[string][]byte{Org: lines(h.Okta)}, CloudTrail: lines(h.CloudTrail), Policies: set, Coverage: coverage,
	}
	if len(h.Approvals) > 0 {
		logs.Approvals = map[string][]byte{Feed: lines(h.Approvals)}
	}
	if len(listed) > 0 {
		logs.Snapshots = listed
	}
	all, err := scan.Raw(ctx, logs)
	if err != nil {
		return nil, err
	}
	t := newTables()
	for i := range all.Results {
		if err := t.result(&all.Results[i]); err != nil {
			return nil, err
		}
	}
	t.sort()
	return t, nil
}

func (t *Tables) result(r *scan.Result) (err error) {
	each := func(topic string, v any) {
		if err == nil {
			err = t.add(topic, v)
		}
	}
	for i := range r.Grants {
		each(topics.Grants, &r.Grants[i])
	}
	for i := range r.Assumptions {
		each(topics.Assumptions, &r.Assumptions[i])
	}
	for i := range r.Sessions {
		each(topics.Sessions, &r.Sessions[i])
	}
	for i := range r.Findings {
		each(topics.Findings, &r.Findings[i])
	}
	for _, a := range r.Activity {
		if a.Calls > 0 {
			t.Calls[a.Session] = a
		}
	}
	return err
}

// Published is the latest version of one record of the stream.
type Published struct {
	Topic   string
	Version int64
	Value   []byte
}

// Stream is what published records and activity amount to, by their ids.
func Stream(records map[string]Published, activity map[string]schemas.Activity) (*Tables, error) {
	t := newTables()
	sessions := make(map[string]string) // by the key of a use
	for id, p := range records {
		var err error
		switch p.Topic {
		case topics.Grants:
			err = stand(t, p, func(v *schemas.Grant) *schemas.Meta { return &v.Meta })
		case topics.Assumptions:
			err = stand(t, p, func(v *schemas.Assumption) *schemas.Meta { return &v.Meta })
		case topics.Sessions:
			err = stand(t, p, func(v *schemas.Session) *schemas.Meta { return &v.Meta })
		case topics.Findings:
			err = stand(t, p, func(v *schemas.Finding) *schemas.Meta {
				v.Deleted = v.Deleted || v.Status == schemas.Retracted
				return &v.Meta
			})
		case topics.Uses:
			var u schemas.Use
			if err = json.Unmarshal(p.Value, &u); err == nil && !u.Deleted {
				sessions[u.Key] = u.Session
			}
		}
		if err != nil {
			return nil, fmt.Errorf("read record %s of topic %s: %w", id, p.Topic, err)
		}
	}
	for _, a := range activity {
		if s, ok := sessions[a.Use]; ok {
			t.count(s, &a.Call)
		}
	}
	t.sort()
	return t, nil
}

func (t *Tables) count(session string, c *schemas.Call) {
	n := t.Calls[session]
	n.Session = session
	n.Calls++
	if !c.ReadOnly {
		n.Writes++
	}
	if c.Denied {
		n.Denied++
	}
	if c.ServiceDriven {
		n.ServiceDriven++
	}
	t.Calls[session] = n
}

// stand adds a record that is not deleted, without its version.
func stand[T any](t *Tables, p Published, meta func(*T) *schemas.Meta) error {
	var v T
	d := json.NewDecoder(bytes.NewReader(p.Value))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return err
	}
	m := meta(&v)
	if m.Deleted {
		return nil
	}
	*m = schemas.Meta{}
	return t.add(p.Topic, &v)
}
