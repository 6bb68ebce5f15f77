// Package approvals reads feeds of approvals: what tools that Okta does not log
// decided about requests for access. A record comes by file, by HTTP or by a topic
// of another system, and is the same fact whichever way it came.
package approvals

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"jitaudit/ingest"
	"jitaudit/schemas"
)

// Decoder turns the records of one feed into facts. It has no state and may be
// used by many goroutines.
type Decoder struct {
	// Feed is the name of the feed, which is part of the facts' shard.
	Feed string
}

// Decode turns one record, a schemas.ApprovalRecord as JSON, into a fact, which
// may be kept. relevant is true for every record that is one. It reads strictly:
// an unknown key, a value that is missing or of the wrong kind, or times that
// cannot be are an error, which says what to do and is the reason of a dead letter.
func (d Decoder) Decode(raw []byte) (fact schemas.Fact, relevant bool, err error) {
	r, err := parse(raw)
	if err != nil {
		return schemas.Fact{}, false, err
	}
	if r.ID == "" {
		sum := sha256.Sum256(raw)
		r.ID = "sha256:" + hex.EncodeToString(sum[:])
	}
	request := schemas.Request{
		ID: r.Request, Step: r.Decision, Origin: schemas.OriginFeed,
		GroupID: r.Resource.GroupID, Group: r.Resource.Group, AppID: r.Resource.App,
		Account: r.Resource.Account, Role: schemas.PermissionSet(r.Resource.Role),
		From: r.From, Until: r.Until, Subject: r.Subject, Justification: r.Justification,
	}
	request.Requester.AlternateID = r.Requester
	for _, a := range r.Approvers {
		request.Approvers = append(request.Approvers, schemas.Actor{AlternateID: a})
	}
	return schemas.Fact{
		ID: r.ID, Kind: schemas.Requested, Source: schemas.Approvals, Shard: schemas.ApprovalsShard(d.Feed),
		At: r.DecidedAt, Hash: fmt.Sprintf("%016x", xxhash.Sum64(raw)),
		Who:     schemas.Identity{Org: r.Org, Login: r.Grantee},
		Request: &request,
	}, true, nil
}

// message is a record as it stands in the log. One that cannot be read goes there
// as well: whoever decodes it makes a dead letter of it. The error says so.
func (d Decoder) message(raw []byte) (ingest.Message, error) {
	m := ingest.Message{Source: schemas.Approvals, Kind: schemas.RawEvent, Raw: raw}
	f, _, err := d.Decode(raw)
	if err == nil {
		m.ID, m.Time = f.ID, f.At
	}
	return m, err
}
