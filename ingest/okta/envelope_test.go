package okta_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"jitaudit/schemas"
)

// People, machines and objects of the events below, as Okta writes them.
const (
	ada       = `{"alternateId":"ada@example.com","detailEntry":null,"displayName":"Ada Example","id":"00u1ada0000000001d7","type":"User"}`
	bob       = `{"alternateId":"bob@example.com","detailEntry":null,"displayName":"Bob Example","id":"00u1bob0000000002d7","type":"User"}`
	adaInApp  = `{"alternateId":"ada.saml@example.com","detailEntry":null,"displayName":"Ada Example","id":"0ua1ada0000000003d7","type":"AppUser"}`
	awsApp    = `{"alternateId":"AWS Production","detailEntry":{"signOnModeType":"SAML_2_0"},"displayName":"AWS Account Federation","id":"0oa1awsprod00004d7","type":"AppInstance"}`
	system    = `{"alternateId":"system@okta.com","detailEntry":null,"displayName":"Okta System","id":"okta.2b1959c8","type":"SystemPrincipal"}`
	connector = `{"alternateId":"unknown","detailEntry":null,"displayName":"Okta AtSpoke Connector","id":"0oa1spoke000005d7","type":"PublicClientAppEntity"}`
	request   = `{"alternateId":"4711","detailEntry":null,"displayName":"AWS access: AWS-prod-Admin","id":"641d0c5a1f4e2b0008a1c3d5","type":"ACCESS_REQUEST"}`
)

var (
	whoAda  = schemas.Identity{Org: "example", OktaUserID: "00u1ada0000000001d7", Login: "ada@example.com", Name: "Ada Example"}
	whoBob  = schemas.Identity{Org: "example", OktaUserID: "00u1bob0000000002d7", Login: "bob@example.com", Name: "Bob Example"}
	byAda   = schemas.Actor{ID: "00u1ada0000000001d7", Type: "User", AlternateID: "ada@example.com", Name: "Ada Example"}
	byBob   = schemas.Actor{ID: "00u1bob0000000002d7", Type: "User", AlternateID: "bob@example.com", Name: "Bob Example"}
	bySys   = schemas.Actor{ID: "okta.2b1959c8", Type: "SystemPrincipal", AlternateID: "system@okta.com", Name: "Okta System"}
	bySpoke = schemas.Actor{ID: "0oa1spoke000005d7", Type: "PublicClientAppEntity", AlternateID: "unknown", Name: "Okta AtSpoke Connector"}
)

// envelope is an event with all the members that Okta writes.
type envelope struct {
	eventType string
	actor     string // null by default
	result    string // SUCCESS by default
	debug     string // the members of debugData
	targets   []string
}

func (e envelope) String() string {
	or := func(v, d string) string {
		if v == "" {
			return d
		}
		return v
	}
	targets := "null"
	if e.targets != nil {
		targets = "[" + strings.Join(e.targets, ",") + "]"
	}
	return fmt.Sprintf(`{
  "actor": %s,
  "authenticationContext": {"authenticationProvider": null, "authenticationStep": 0, "credentialProvider": null, "credentialType": null, "externalSessionId": "102kq0yF3xQT6eZ1b0n9VgAbw", "interface": null, "issuer": null, "rootSessionId": "102kq0yF3xQT6eZ1b0n9VgAbw"},
  "client": {"device": "Computer", "geographicalContext": {"city": "Berlin", "country": "Germany", "geolocation": {"lat": 52.5298, "lon": 13.3859}, "postalCode": "10115", "state": "Berlin"}, "id": null, "ipAddress": "203.0.113.9", "userAgent": {"browser": "CHROME", "os": "Mac OS X", "rawUserAgent": "Mozilla/5.0"}, "zone": "null"},
  "debugContext": {"debugData": {%s}},
  "device": null,
  "displayMessage": "what a person reads",
  "eventType": %q,
  "legacyEventType": null,
  "outcome": {"reason": null, "result": %q},
  "published": "2026-05-04T10:00:00.123Z",
  "request": {"ipChain": [{"geographicalContext": null, "ip": "203.0.113.9", "source": null, "version": "V4"}]},
  "securityContext": {"asNumber": 64500, "asOrg": "example networks", "domain": "example.net", "isProxy": false, "isp": "example networks"},
  "severity": "INFO",
  "target": %s,
  "transaction": {"detail": {}, "id": "0140ec7732f4d71f064672f5578ea2fc", "type": "WEB"},
  "uuid": "9c1f6a52-47b5-11f1-9a63-1d4f7b2e8c05",
  "version": "0"
}`, or(e.actor, "null"), e.debug, e.eventType, or(e.result, "SUCCESS"), targets)
}

// proof is a fact of an envelope, of which change sets the rest.
func proof(kind schemas.FactKind, who schemas.Identity, change func(*schemas.Fact)) schemas.Fact {
	f := schemas.Fact{
		ID: "9c1f6a52-47b5-11f1-9a63-1d4f7b2e8c05", Kind: kind, Source: schemas.Okta, Shard: "okta/example",
		At: time.Date(2026, 5, 4, 10, 0, 0, 123_000_000, time.UTC), Who: who,
	}
	change(&f)
	return f
}

// proves checks that an event proves a fact, and that it does not when it failed,
// names nobody, or is of another type.
func proves(t *testing.T, name string, e envelope, want schemas.Fact) {
	t.Helper()
	if !json.Valid([]byte(e.String())) {
		t.Fatalf("%s: the event is no JSON: %s", name, e)
	}
	got, relevant := decode(t, e.String())
	if diff := cmp.Diff(want, got); diff != "" || !relevant {
		t.Errorf("%s: relevant %t (-want +got)\n%s", name, relevant, diff)
	}
	conforms(t, name, got)
	failed, other, nobody := e, e, e
	failed.result = "FAILURE"
	other.eventType += "d"
	nobody.actor, nobody.targets, nobody.debug = "null", nil, ""
	for why, e := range map[string]envelope{"failed": failed, "another type": other, "nobody": nobody} {
		provesNothing(t, name+": "+why, e)
	}
}

// conforms checks a fact against its JSON Schema. decode leaves the hash out.
func conforms(t *testing.T, name string, f schemas.Fact) {
	t.Helper()
	read := func(raw []byte, err error) any {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("fact", read(schemas.JSON.ReadFile("json/fact.schema.json"))); err != nil {
		t.Fatal(err)
	}
	f.Hash = "0123456789abcdef"
	if err := c.MustCompile("fact").Validate(read(json.Marshal(f))); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func provesNothing(t *testing.T, name string, e envelope) {
	t.Helper()
	if f, relevant := decode(t, e.String()); relevant || f.Kind != "" || f.At.IsZero() {
		t.Errorf("%s: %+v", name, f)
	}
}
