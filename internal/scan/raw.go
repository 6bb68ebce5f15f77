package scan

import (
	"context"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// Logs are logs in memory.
type Logs struct {
	Okta       map[string][]byte // by org
	CloudTrail []byte
	Approvals  map[string][]byte // by feed
	// Snapshots are listings, of any Okta org and Identity Store.
	Snapshots []byte
	Policies  *policy.Set
	Coverage  []schemas.Coverage
}

func (l *Logs) files() (files []file) {
	add := func(f file, name string, data []byte) {
		f.name, f.size, f.data = name, int64(len(data)), content(data)
		files = append(files, f)
	}
	for org, data := range l.Okta {
		add(file{source: schemas.Okta, org: org}, "okta/"+org, data)
	}
	for feed, data := range l.Approvals {
		add(file{source: schemas.Approvals, org: feed}, "approvals/"+feed, data)
	}
	if l.CloudTrail != nil {
		add(file{source: schemas.CloudTrail}, "cloudtrail", l.CloudTrail)
	}
	if l.Snapshots != nil {
		add(file{source: schemas.Okta, snapshot: true}, "snapshots", l.Snapshots)
	}
	sortFiles(files)
	return files
}

// Everything is all that comes out of a scan.
type Everything struct {
	Summary
	Results     []Result
	DeadLetters []schemas.DeadLetter
}

// Grants are those of all persons.
func (e *Everything) Grants() (all []schemas.Grant) {
	for i := range e.Results {
		all = append(all, e.Results[i].Grants...)
	}
	return all
}

// Assumptions are those of all persons.
func (e *Everything) Assumptions() (all []schemas.Assumption) {
	for i := range e.Results {
		all = append(all, e.Results[i].Assumptions...)
	}
	return all
}

// Sessions are those of all persons.
func (e *Everything) Sessions() (all []schemas.Session) {
	for i := range e.Results {
		all = append(all, e.Results[i].Sessions...)
	}
	return all
}

// Findings are those of all persons.
func (e *Everything) Findings() (all []schemas.Finding) {
	for i := range e.Results {
		all = append(all, e.Results[i].Findings...)
	}
	return all
}

// Result implements Sink.
func (e *Everything) Result(r *Result) error {
	e.Results = append(e.Results, *r)
	return nil
}

// DeadLetter implements Sink.
func (e *Everything) DeadLetter(d *schemas.DeadLetter) error {
	e.DeadLetters = append(e.DeadLetters, *d)
	return nil
}

// Raw scans logs in memory. Without coverage nothing counts as complete.
func Raw(ctx context.Context, logs Logs) (*Everything, error) {
	opts := Options{Policies: logs.Policies, Coverage: logs.Coverage}
	if opts.Coverage == nil {
		opts.Coverage = []schemas.Coverage{}
	}
	all := &Everything{}
	var err error
	all.Summary, err = run(ctx, logs.files(), opts, all)
	return all, err
}

// content is never nil, which would mean a file on disk.
func content(data []byte) []byte { return append([]byte{}, data...) }
