package okta

import (
	"encoding/json"
	"fmt"

	"jitaudit/ingest/jsonscan"
)

// thing is one of the targets of a rare event, with what changed of it.
type thing struct {
	target
	// from and to are changeDetails, as JSON; nil where they are missing. They
	// are valid until targets are read again.
	from, to []byte
}

const (
	tFrom = tName + 1 + iota
	tTo
)

// The first are those of targetFields.
var thingFields = jsonscan.NewFields("id", "type", "alternateId", "displayName", "changeDetails.from", "changeDetails.to")

// things are all targets of an event, in its order.
type things []thing

func (d *Decoder) readThings() things {
	var all things
	get := func(v *jsonscan.Values, slot int) string { return d.names.Get(v.Bytes(slot)) }
	// The buffer of these targets is not that of the frequent events, whose
	// fields a scanner learns.
	d.eachTarget(&d.things, thingFields, func(v *jsonscan.Values) {
		all = append(all, thing{
			target: target{id: get(v, tID), kind: get(v, tType), alternateID: get(v, tAlternateID), name: get(v, tName)},
			from:   v.Raw(tFrom), to: v.Raw(tTo),
		})
	})
	return all
}

// first is the first thing of a type; empty where there is none.
func (all things) first(kind string) thing {
	for _, t := range all {
		if t.kind == kind {
			return t
		}
	}
	return thing{}
}

// object reads JSON that is an object, or a string that holds one, which Okta
// writes for structures in places; nil for anything else.
func object(raw []byte) map[string]json.RawMessage {
	if s, ok := text(raw); ok {
		raw = []byte(s)
	}
	var m map[string]json.RawMessage
	if jsonscan.KindOf(raw) != jsonscan.Object || json.Unmarshal(raw, &m) != nil {
		return nil
	}
	return m
}

// text is the content of JSON that is a string.
func text(raw []byte) (string, bool) {
	var s string
	if jsonscan.KindOf(raw) != jsonscan.String || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}

// The keys of debugData that requests are described by.
const (
	qID = iota
	qSubject
	qRequester
	qRequestedFor
	qResource
	qResourceType
	qScope
	qScopeType
	qCondition
	qComment
	qKeys
)

// debugFields have each key as the catalogue of event types spells it and, qKeys
// further on, as the log does.
var debugFields = jsonscan.NewFields(
	"access_request_id", "access_request_subject", "requester_id", "requested_for_id",
	"requested_resource_id", "requested_resource_type", "access_scope_id", "access_scope_type",
	"access_request_matched_condition_id", "UserComment",

	"accessRequestId", "accessRequestSubject", "requesterId", "requestedForId",
	"requestedResourceId", "requestedResourceType", "accessScopeId", "accessScopeType",
	"accessRequestMatchedConditionId", "userComment",
)

// readDebug reads debugData by the keys above. What is missing, null or
// "unknown" is left empty.
func (d *Decoder) readDebug() (said [qKeys]string) {
	if d.v.Kind(fDebugData) != jsonscan.Object {
		return said
	}
	v, err := d.debug.Parse(d.v.Raw(fDebugData), debugFields)
	if err != nil {
		d.fail(fmt.Errorf("debugData: %w; mend or remove the record", err))
		return said
	}
	for slot := range 2 * qKeys {
		if k := v.Kind(slot); k > jsonscan.Null && k != jsonscan.String {
			d.fail(fmt.Errorf("debugData has %s where Okta writes a string; mend or remove the record", k))
			return said
		}
		if s := known(d.names.Get(v.Bytes(slot))); s != "" {
			said[slot%qKeys] = s
		}
	}
	return said
}
