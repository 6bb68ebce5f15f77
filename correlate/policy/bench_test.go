package policy_test

import (
	"testing"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

func example(b *testing.B) *policy.Policy {
	b.Helper()
	return mustParse(b, string(read(b, "../../examples/policy.yaml")))
}

var scope = policy.Scope{Account: "111111111111", Role: "Admin", People: []string{"ada.example@example.com", "ada"}}

func BenchmarkTargets(b *testing.B) {
	p := example(b)
	b.ReportAllocs()
	for b.Loop() {
		p.Targets("00g1abcdefghijklmnop", "AWS-prod-Admin")
	}
}

func BenchmarkProvider(b *testing.B) {
	p := example(b)
	b.ReportAllocs()
	for b.Loop() {
		p.Provider("arn:aws:iam::111111111111:saml-provider/Okta")
	}
}

func BenchmarkHasApp(b *testing.B) {
	p := example(b)
	pr := p.Provider("arn:aws:iam::111111111111:saml-provider/Okta")
	s := &schemas.SignOn{AppID: "0oa1awsdev000000001"}
	b.ReportAllocs()
	for b.Loop() {
		pr.HasApp(s)
	}
}

func BenchmarkWithinHours(b *testing.B) {
	p := example(b)
	at := time.Date(2026, 7, 13, 9, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		p.WithinHours(scope, at)
	}
}

func BenchmarkMaxSession(b *testing.B) {
	p := example(b)
	b.ReportAllocs()
	for b.Loop() {
		p.MaxSession(scope)
	}
}

func BenchmarkBreakGlass(b *testing.B) {
	p := example(b)
	b.ReportAllocs()
	for b.Loop() {
		p.BreakGlass(scope)
	}
}

func BenchmarkParse(b *testing.B) {
	data := read(b, "../../examples/policy.yaml")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := policy.Parse("policy.yaml", data); err != nil {
			b.Fatal(err)
		}
	}
}
