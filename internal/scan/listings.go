package scan

import (
	"errors"
	"fmt"

	"jitaudit/ingest"
	"jitaudit/ingest/jsonscan"
	"jitaudit/ingest/okta"
	"jitaudit/schemas"
)

// What tells the records of a listing apart.
const (
	lUser = iota
	lFrom
)

var listingFields = jsonscan.NewFields([]string{lUser: "user", lFrom: "from"}...)

var errNoListing = errors.New("neither a member of an Okta group nor the snapshot of one; check that the file holds what jitaudit collected of groups")

// decodeListing turns a schemas.Member or a schemas.Snapshot, read with
// listingFields, into a fact. With an org it must be of that one.
func decodeListing(org string, rec ingest.Record) (f schemas.Fact, err error) {
	switch {
	case rec.Values.Kind(lUser) == jsonscan.Object:
		f, err = okta.DecodeMember(rec.Raw)
	case rec.Values.Kind(lFrom) == jsonscan.String:
		f, err = okta.DecodeSnapshot(rec.Raw)
	default:
		return f, errNoListing
	}
	if shard := schemas.OktaShard(org); err == nil && org != "" && f.Shard != shard {
		err = fmt.Errorf("it is of %s, but the file was given as one of %s; give it without the org, or as what it is", f.Shard, shard)
	}
	return f, err
}
