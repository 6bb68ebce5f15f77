package ingest_test

import (
	"os"
	"path/filepath"
	"testing"

	"jitaudit/ingest"
	"jitaudit/ingest/cloudtrail"
	"jitaudit/ingest/files"
	"jitaudit/ingest/okta"
	"jitaudit/ingest/records"
	"jitaudit/schemas"
)

// The kinds of the published samples; "" is irrelevant.
var sampleKinds = map[string]schemas.FactKind{
	"assume-aws-docs.json":                      schemas.Assumed,
	"assume-direct-okta.json":                   schemas.Assumed,
	"assume-denied-mock.json":                   schemas.AssumeFailed,
	"assume-role-chained-aws-docs.json":         schemas.Chained,
	"console-login-assumed-role.json":           schemas.Acted,
	"console-login-federated.json":              schemas.Acted,
	"console-login-iam-user.json":               schemas.Entered,
	"get-caller-identity-federated-user.json":   "",
	"identity-center-create-token.json":         schemas.PortalUsed,
	"identity-center-credential-challenge.json": schemas.PortalUsed,
	"identity-center-get-role-credentials.json": schemas.PortalUsed,

	"app-add-system-job.json":            schemas.AppAssigned,
	"auth-via-mfa-classic.json":          schemas.SecondFactor,
	"auth-via-mfa-identity-engine.json":  schemas.SecondFactor,
	"event-hook-app-add-null-actor.json": "",
	"group-add-arn-named.json":           schemas.GroupAdded,
	"group-add-target-order.json":        schemas.GroupAdded,
	"sso-failure.json":                   "",
	"sso-success.json":                   "",
	"sso-to-identity-center.json":        schemas.SignedOn,
}

// TestPublishedSamples reads real events as their owners published them, from
// the folder JITAUDIT_SAMPLES with one folder for each source.
func TestPublishedSamples(t *testing.T) {
	dir := os.Getenv("JITAUDIT_SAMPLES")
	if dir == "" {
		t.Skip("JITAUDIT_SAMPLES names no folder of published samples")
	}
	oktaDecoder := okta.Decoder{Org: "example"}
	decode := map[schemas.Source]func(ingest.Record) (schemas.Fact, bool, error){
		schemas.Okta: oktaDecoder.DecodeRecord,
		schemas.CloudTrail: func(rec ingest.Record) (schemas.Fact, bool, error) {
			return cloudtrail.Decode(rec.Raw)
		},
	}
	var reader records.Reader
	for source, decode := range decode {
		found, err := files.Find(filepath.Join(dir, string(source)), files.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found.Files {
			err := reader.ReadFile(path, records.Options{Source: source}, func(rec ingest.Record) error {
				f, relevant, err := decode(rec)
				if err != nil {
					return err
				}
				if want, known := sampleKinds[filepath.Base(path)]; known && (f.Kind != want || relevant != (want != "")) {
					t.Errorf("%s: kind %q, want %q", path, f.Kind, want)
				}
				if f.Assume != nil && f.Kind == schemas.Assumed && (f.Assume.Account == "" || f.Assume.Role == "" || f.Who.SessionName == "" || f.Assume.Expires.IsZero()) {
					t.Errorf("%s: incomplete %+v", path, f.Assume)
				}
				return nil
			}, func(d schemas.DeadLetter) error {
				t.Errorf("%s: dead letter %d at %d: %s", d.File, d.Record, d.Offset, d.Reason)
				return nil
			})
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}
