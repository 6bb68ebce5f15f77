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
	Policies   *policy.Set
	Coverage   []schemas.Coverage
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
	var files []file
	for org, data := range logs.Okta {
		files = append(files, file{source: schemas.Okta, org: org, name: "okta/" + org, size: int64(len(data)), data: content(data)})
	}
	if logs.CloudTrail != nil {
		files = append(files, file{source: schemas.CloudTrail, name: "cloudtrail", size: int64(len(logs.CloudTrail)), data: content(logs.CloudTrail)})
	}
	sortFiles(files)
	opts := Options{Policies: logs.Policies, Coverage: logs.Coverage}
	if opts.Coverage == nil {
		opts.Coverage = []schemas.Coverage{}
	}
	all := &Everything{}
	var err error
	all.Summary, err = run(ctx, files, opts, all)
	return all, err
}

// content is never nil, which would mean a file on disk.
func content(data []byte) []byte { return append([]byte{}, data...) }
