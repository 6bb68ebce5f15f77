package approvals

import (
	"bytes"
	"fmt"

	"jitaudit/ingest"
	"jitaudit/ingest/records"
	"jitaudit/schemas"
)

// refusal is a record of a body that was refused.
type refusal struct {
	// Line is where the record begins, from 1.
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// split reads the records of a body: one, one a line, or an array of them. The
// messages are of use only if nothing was refused.
func (d Decoder) split(body []byte) (messages []ingest.Message, refused []refusal, err error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, []refusal{{Line: 1, Reason: "the body is empty: send one record, or one a line"}}, nil
	}
	at := func(offset int64) int { return 1 + bytes.Count(body[:min(offset, int64(len(body)))], []byte{'\n'}) }
	err = records.Read(bytes.NewReader(body), records.Options{Source: schemas.Approvals, File: schemas.ApprovalsShard(d.Feed)},
		func(r ingest.Record) error {
			m, err := d.message(bytes.Clone(r.Raw)) // the reader uses it again
			if err != nil {
				refused = append(refused, refusal{at(r.Offset), err.Error()})
			}
			messages = append(messages, m)
			return nil
		},
		func(l schemas.DeadLetter) error {
			refused = append(refused, refusal{at(l.Offset), l.Reason})
			return nil
		})
	if err != nil {
		return nil, nil, fmt.Errorf("read the records of %s: %w", schemas.ApprovalsShard(d.Feed), err)
	}
	return messages, refused, nil
}
