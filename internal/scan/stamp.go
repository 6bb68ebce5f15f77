package scan

import (
	"jitaudit/ingest"
	"jitaudit/ingest/jsonscan"
	"jitaudit/ingest/timestamp"
	"jitaudit/schemas"
)

// stamper reads when and where the events happened of which no fact is made:
// they prove nothing but that the log was written then.
type stamper struct {
	okta, trail *jsonscan.Fields
	doc         jsonscan.Document
}

// The slots of the trail's fields.
const (
	stampTime = iota
	stampRecipient
	stampAccount
	stampRegion
)

func newStamper() stamper {
	return stamper{
		okta:  jsonscan.NewFields("published"),
		trail: jsonscan.NewFields("eventTime", "recipientAccountId", "userIdentity.accountId", "awsRegion"),
	}
}

func (s *stamper) observe(seen seen, rec ingest.Record, org string) {
	fields := s.okta
	if rec.Source == schemas.CloudTrail {
		fields = s.trail
	}
	v, err := s.doc.Parse(rec.Raw, fields)
	if err != nil {
		return // the decoder found the record well-formed
	}
	at, ok := timestamp.Parse(v.Bytes(stampTime))
	if !ok {
		return
	}
	if rec.Source == schemas.Okta {
		seen.add(schemas.OktaShard(org), at)
		return
	}
	account := v.Text(stampRecipient)
	if account == "" {
		account = v.Text(stampAccount)
	}
	seen.add(schemas.AWSShard(account, v.Text(stampRegion)), at)
}
