package pipeline

import (
	"fmt"
	"strings"

	"jitaudit/correlate/stream/resolve"
	"jitaudit/ingest/approvals"
	"jitaudit/ingest/cloudtrail"
	"jitaudit/ingest/identitystore"
	"jitaudit/ingest/okta"
	"jitaudit/ingest/okta/governance"
	"jitaudit/schemas"
)

// decoder returns what turns the records of one raw partition into facts.
func decoder() resolve.Decode {
	d := &decoders{okta: make(map[string]*okta.Decoder)}
	return d.decode
}

type decoders struct {
	okta  map[string]*okta.Decoder // by shard
	trail cloudtrail.Decoder
}

func (d *decoders) decode(r *resolve.Raw) (f schemas.Fact, relevant bool, err error) {
	switch {
	case r.Kind == schemas.RawMember:
		f, err = okta.DecodeMember(r.Value)
		return f, err == nil, err
	case r.Kind == schemas.RawSnapshot:
		f, err = okta.DecodeSnapshot(r.Value)
		return f, err == nil, err
	case r.Kind == schemas.RawRequest:
		f, err = governance.DecodeRequest(r.Value)
		return f, err == nil, err
	case r.Kind == schemas.RawUser:
		f, err = identitystore.DecodeUser(r.Value)
		return f, err == nil, err
	case r.Kind != schemas.RawEvent:
		return f, false, fmt.Errorf("its header %q says %q, which no collector writes", schemas.HeaderKind, r.Kind)
	case r.Source == schemas.Okta:
		return d.oktaOf(r.Shard).Decode(r.Value)
	case r.Source == schemas.CloudTrail:
		return d.call(r.Value)
	case r.Source == schemas.Approvals:
		return approvals.Decoder{Feed: strings.TrimPrefix(r.Shard, schemas.ApprovalsShard(""))}.Decode(r.Value)
	}
	return f, false, fmt.Errorf("its header %q says %q, which no collector writes", schemas.HeaderSource, r.Source)
}

func (d *decoders) oktaOf(shard string) *okta.Decoder {
	known := d.okta[shard]
	if known == nil {
		known = &okta.Decoder{Org: strings.TrimPrefix(shard, schemas.OktaShard(""))}
		d.okta[shard] = known
	}
	return known
}

// call decodes an event of CloudTrail and takes its payload out of the hands of
// the decoder, which uses it again.
func (d *decoders) call(raw []byte) (f schemas.Fact, relevant bool, err error) {
	if relevant, err = d.trail.Decode(raw, &f); err != nil || !relevant {
		return f, relevant, err
	}
	if f.Call != nil {
		c := *f.Call
		f.Call = &c
	}
	if f.Assume != nil {
		a := *f.Assume
		f.Assume = &a
	}
	if f.Portal != nil {
		p := *f.Portal
		f.Portal = &p
	}
	return f, true, nil
}
