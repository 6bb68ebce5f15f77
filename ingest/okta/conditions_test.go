package okta_test

import (
	"strings"
	"testing"

	"jitaudit/ingest/okta"
	"jitaudit/schemas"
)

// conditionOf is the target of access.request.condition.*.
func conditionOf(change string) string {
	return `{"alternateId":"unknown","changeDetails":` + change + `,"detailEntry":null,"displayName":"AWS access","id":"reqcond1hah8ggxe3zxe","type":"ACCESS_REQUEST_CONDITION"}`
}

func fixed(duration string) string {
	return conditionOf(`{"from":{},"to":{"priority":"1","access_duration_settings":{"type":"ADMIN_FIXED_DURATION","duration":"` + duration + `"}}}`)
}

func TestConditions(t *testing.T) {
	lasts := func(seconds int64) schemas.Fact {
		return proof(schemas.ConditionSet, schemas.Identity{Org: "example"}, func(f *schemas.Fact) {
			f.Condition = &schemas.Condition{ID: "reqcond1hah8ggxe3zxe", Seconds: seconds}
		})
	}
	for _, tc := range []struct {
		name    string
		targets []string
		want    schemas.Fact
	}{
		{"fixed", []string{fixed("PT3H")}, lasts(3 * 3600)},
		{"behind what it is about", []string{awsApp, conditionOf("null"), fixed("P1DT2H")}, lasts(26 * 3600)},
		{"as text", []string{conditionOf(`{"to":{"access_duration_settings":"{\"type\":\"ADMIN_FIXED_DURATION\",\"duration\":\"PT30M\"}"}}`)}, lasts(1800)},
		{"all as text", []string{conditionOf(`{"to":"{\"access_duration_settings\":{\"duration\":\"PT30M\"}}"}`)}, lasts(1800)},
		{"another spelling", []string{conditionOf(`{"to":{"accessDurationSettings":{"type":"ADMIN_FIXED_DURATION","duration":"PT30M"}}}`)}, lasts(1800)},
		{"as the requester asks", []string{conditionOf(`{"to":{"access_duration_settings":{"type":"REQUESTER_SPECIFIED_DURATION","maximumDuration":"PT24H"}}}`)}, lasts(0)},
		{"without end", []string{conditionOf(`{"to":{"access_duration_settings":{"type":"ADMIN_FIXED_DURATION","duration":null}}}`)}, lasts(0)},
		{"no longer bounded", []string{conditionOf(`{"from":{"access_duration_settings":{"type":"ADMIN_FIXED_DURATION","duration":"PT3H"}},"to":{"access_duration_settings":null}}`)}, lasts(0)},
	} {
		for _, eventType := range []string{"access.request.condition.create", "access.request.condition.update"} {
			proves(t, tc.name, envelope{eventType: eventType, actor: bob, targets: tc.targets}, tc.want)
		}
	}
	for name, target := range map[string]string{
		"nothing changed":       conditionOf("null"),
		"another setting":       conditionOf(`{"from":{"priority":"1"},"to":{"priority":"2"}}`),
		"what was":              conditionOf(`{"from":{"access_duration_settings":{"type":"ADMIN_FIXED_DURATION","duration":"PT3H"}}}`),
		"null as it was before": conditionOf(`{"from":{"access_duration_settings":null},"to":{"access_duration_settings":null}}`),
		"no id":                 strings.Replace(fixed("PT3H"), `"reqcond1hah8ggxe3zxe"`, "null", 1),
	} {
		provesNothing(t, name, envelope{eventType: "access.request.condition.update", actor: bob, targets: []string{target}})
	}
}

func TestDurations(t *testing.T) {
	for duration, want := range map[string]int64{
		"PT3H": 10800, "PT90M": 5400, "PT45S": 45, "PT1H30M": 5400, "PT1H0M5S": 3605, "P1D": 86400, "P1DT2H": 93600,
		"P2W": 1209600, "P1W1DT1H1M1S": 694861, "P0D": 0, "PT0S": 0, "P365D": 31536000, "PT007M": 420,
	} {
		f, relevant := decode(t, envelope{eventType: "access.request.condition.create", actor: bob, targets: []string{fixed(duration)}}.String())
		if !relevant || f.Condition.Seconds != want {
			t.Errorf("%s: relevant %t, %+v, want %d s", duration, relevant, f.Condition, want)
		}
	}
	for duration, want := range map[string]string{
		"": "no ISO 8601 duration", "P": "no ISO 8601 duration", "PT": "no ISO 8601 duration", "P1DT": "no ISO 8601 duration", "3H": "no ISO 8601 duration",
		"PT3": "no ISO 8601 duration", "PTH": "no ISO 8601 duration", "P-1D": "no ISO 8601 duration", "PT1H" + " ": "no ISO 8601 duration", "PTT1H": "no ISO 8601 duration",
		"pt3h": "no ISO 8601 duration", "P1DT2HT3M": "no ISO 8601 duration", "PT1H30": "no ISO 8601 duration",
		"P1Y": "no fixed length", "P1M": "no fixed length", "PT1D": "no fixed length", "P3H": "no fixed length", "PT1M1H": "no fixed length", "PT1H1H": "no fixed length", "PT1.5H": "no fixed length",
		"P36501D": "longer than 100 years", "P99999999999999999999D": "longer than 100 years", "P5200W36500D": "longer than 100 years", "P9999999W": "longer than 100 years",
	} {
		d := okta.Decoder{Org: "example"}
		_, relevant, err := d.Decode([]byte(envelope{eventType: "access.request.condition.create", actor: bob, targets: []string{fixed(duration)}}.String()))
		if relevant || err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "reqcond1hah8ggxe3zxe") {
			t.Errorf("%q: relevant %t, %v; want %q", duration, relevant, err, want)
		}
	}
}

func TestRefusedRareEvents(t *testing.T) {
	for _, tc := range []struct {
		name string
		e    envelope
		want string
	}{
		{"duration as a number", envelope{eventType: "access.request.condition.create", targets: []string{conditionOf(`{"to":{"access_duration_settings":{"duration":3}}}`)}}, "the duration is no string"},
		{"settings as a list", envelope{eventType: "access.request.condition.create", targets: []string{conditionOf(`{"to":{"access_duration_settings":[]}}`)}}, "access_duration_settings is no object"},
		{"targets of a wrong type", envelope{eventType: "policy.rule.update", actor: bob, targets: []string{`"x"`}}, "a target is a string"},
		{"target's id of a wrong type", envelope{eventType: "policy.rule.update", actor: bob, targets: []string{`{"id":5}`}}, "id is a number"},
		{"debugData of a wrong type", envelope{eventType: "access.request.create", actor: bob, debug: `"access_request_id":"a","requester_id":7`}, "a number where Okta writes a string"},
		{"actor of a wrong type", envelope{eventType: "policy.rule.update", actor: `{"id":true}`}, "actor.id is a boolean"},
	} {
		d := okta.Decoder{Org: "example"}
		_, relevant, err := d.Decode([]byte(tc.e.String()))
		if relevant || err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: relevant %t, %v; want %q", tc.name, relevant, err, tc.want)
		}
	}
}
