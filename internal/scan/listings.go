package scan

import (
	"errors"
	"fmt"

	"jitaudit/ingest"
	"jitaudit/ingest/identitystore"
	"jitaudit/ingest/jsonscan"
	"jitaudit/ingest/okta"
	"jitaudit/ingest/okta/governance"
	"jitaudit/schemas"
)

// What tells the records of a listing apart.
const (
	lUser = iota
	lFrom
	lRequest
	lStore
	lAccount
)

var listingFields = jsonscan.NewFields([]string{lUser: "user", lFrom: "from", lRequest: "request", lStore: "store", lAccount: "account"}...)

var errNoListing = errors.New("neither a member of an Okta group nor the snapshot of one, nor a request for access or a user of an Identity Store; check that the file holds what jitaudit collected of these")

// listing is how a record of a listing is read.
type listing struct {
	source schemas.Source
	decode func(raw []byte) (schemas.Fact, error)
}

// listingOf tells by the fields of a record, listingFields, what it is; false for
// what is in no listing. A member of a group has a user, too, but is of no account.
func listingOf(v *jsonscan.Values) (listing, bool) {
	user := v.Kind(lUser) == jsonscan.Object
	switch {
	case v.Kind(lRequest) == jsonscan.Object:
		return listing{schemas.Okta, governance.DecodeRequest}, true
	case v.Kind(lStore) == jsonscan.String, user && v.Kind(lAccount) == jsonscan.String:
		return listing{schemas.CloudTrail, identitystore.DecodeUser}, true
	case user:
		return listing{schemas.Okta, okta.DecodeMember}, true
	case v.Kind(lFrom) == jsonscan.String:
		return listing{schemas.Okta, okta.DecodeSnapshot}, true
	}
	return listing{}, false
}

// listedBy is the source in whose ledger a record of a listing counts: that of the
// file, where it is not told.
func listedBy(rec ingest.Record) schemas.Source {
	if l, ok := listingOf(rec.Values); ok {
		return l.source
	}
	return rec.Source
}

// decodeListing turns a record of a listing, read with listingFields, into a fact.
// With an org it must be of that one, if it is Okta's.
func decodeListing(org string, rec ingest.Record) (schemas.Fact, error) {
	l, ok := listingOf(rec.Values)
	if !ok {
		return schemas.Fact{}, errNoListing
	}
	f, err := l.decode(rec.Raw)
	if shard := schemas.OktaShard(org); err == nil && org != "" && l.source == schemas.Okta && f.Shard != shard {
		err = fmt.Errorf("it is of %s, but the file was given as one of %s; give it without the org, or as what it is", f.Shard, shard)
	}
	return f, err
}
