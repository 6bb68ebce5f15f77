package policy

import (
	"slices"
	"strings"

	"jitaudit/schemas"
)

// Provider is a SAML provider in AWS that stands for Okta, with the Okta
// applications behind it.
type Provider struct {
	Name string
	// ARN is a pattern in which * stands for any run of characters.
	ARN        string
	Federation schemas.Federation
	// OktaOrg is the org's name as given when collecting.
	OktaOrg string
	// Apps are ids of Okta applications (AppInstance); empty: by audience.
	Apps []string
	// RequireAssertionID: an assertion id that no sign-on carries is unexplained.
	RequireAssertionID bool
	// RequireSessionName: a role session name that is no handle of the person is
	// a mismatch, even if it is no address.
	RequireSessionName bool
}

type provider struct {
	Provider
	arn wildcard
}

// Provider is the first one whose pattern matches the SAML provider's ARN; nil
// when none is configured. It is shared: do not change it.
func (p *Policy) Provider(arn string) *Provider {
	if pr, ok := p.byARN.get(arn); ok {
		return pr
	}
	var found *Provider
	for i := range p.providers {
		if p.providers[i].arn.match(arn) {
			found = &p.providers[i].Provider
			break
		}
	}
	// The key is copied, or it would keep the event alive that it is cut from.
	p.byARN.put(strings.Clone(arn), found)
	return found
}

// Providers are all, in the order of the file.
func (p *Policy) Providers() []Provider {
	out := make([]Provider, len(p.providers))
	for i := range p.providers {
		out[i] = p.providers[i].Provider
	}
	return out
}

// HasApp reports whether a sign-on goes to one of the provider's applications:
// by application id; for a provider without ids, by an audience that is AWS
// sign-in in the provider's way of federation.
func (pr *Provider) HasApp(s *schemas.SignOn) bool {
	if len(pr.Apps) > 0 {
		return slices.Contains(pr.Apps, s.AppID)
	}
	return awsSignIn(s.Audience, pr.Federation)
}

// IsApp reports whether an Okta application is one of a provider's; where a
// provider names none, every application may be.
func (p *Policy) IsApp(id string) bool {
	return slices.ContainsFunc(p.providers, func(pr provider) bool { return len(pr.Apps) == 0 || slices.Contains(pr.Apps, id) })
}

// awsSignIn knows the audiences of AWS: https://[REGION.]signin.aws.amazon.com
// with /saml or /saml/acs/… for direct federation (IAM guide: SAML assertions;
// also urn:amazon:webservices) and /platform/saml/… for Identity Center, and
// the same at the sign-in hosts of the GovCloud and China partitions.
func awsSignIn(audience string, f schemas.Federation) bool {
	const urn = "urn:amazon:webservices"
	if f == schemas.Direct && (audience == urn || strings.HasPrefix(audience, urn+":")) {
		return true
	}
	rest, ok := strings.CutPrefix(audience, "https://")
	if !ok {
		return false
	}
	host, path, _ := strings.Cut(rest, "/")
	if !signInHost(host) {
		return false
	}
	if f == schemas.IdentityCenter {
		return path == "platform/saml" || strings.HasPrefix(path, "platform/saml/")
	}
	return path == "saml" || strings.HasPrefix(path, "saml/acs/")
}

func signInHost(host string) bool {
	for _, h := range [...]string{"signin.aws.amazon.com", "signin.amazonaws-us-gov.com", "signin.amazonaws.cn"} {
		if rest, ok := strings.CutSuffix(host, h); ok && (rest == "" || rest[len(rest)-1] == '.') {
			return true
		}
	}
	return false
}

func (d *decoder) providers(root object) []provider {
	var out []provider
	names, arns := map[string]bool{}, map[string]bool{}
	for i, n := range d.list(root.values["providers"], "providers") {
		o := d.object(n, index("providers", i), "name", "arn", "federation", "okta_org", "apps", "assertion_id", "session_name")
		pr := d.provider(o)
		if pr.Name != "" && names[pr.Name] {
			d.errorf(o.at("name"), "%s: %s is the name of an earlier provider", o.key("name"), quote(pr.Name))
		}
		if pr.ARN != "" && arns[pr.ARN] {
			d.errorf(o.at("arn"), "%s: an earlier provider has the same arn, so this one would never be used", o.key("arn"))
		}
		names[pr.Name], arns[pr.ARN] = true, true
		out = append(out, pr)
	}
	return out
}

func (d *decoder) provider(o object) provider {
	pr := provider{Provider: Provider{
		Name:    d.required(o, "name"),
		ARN:     d.required(o, "arn"),
		OktaOrg: d.required(o, "okta_org"),
	}}
	pr.arn = newWildcard(pr.ARN)
	if pr.ARN != "" && !strings.HasPrefix(pr.ARN, "arn:") && !strings.HasPrefix(pr.ARN, "*") {
		d.errorf(o.at("arn"), "%s: %s is no ARN: write arn:aws:iam::ACCOUNT:saml-provider/NAME, * for any", o.key("arn"), quote(pr.ARN))
	}
	pr.RequireSessionName = d.oneOf(o, "session_name", prefer, require, prefer) == require
	pr.Federation = schemas.Federation(d.requiredOneOf(o, "federation", string(schemas.Direct), string(schemas.IdentityCenter)))
	for _, w := range d.words(o.values["apps"], o.key("apps")) {
		d.appID(o.key("apps"), w)
		pr.Apps = append(pr.Apps, w.text)
	}
	pr.RequireAssertionID = d.oneOf(o, "assertion_id", prefer, prefer, require) == require
	if pr.RequireAssertionID && pr.Federation == schemas.IdentityCenter {
		d.errorf(o.at("assertion_id"), "%s: require is for direct federation: Identity Center makes its own assertions, which Okta never logs", o.key("assertion_id"))
	}
	return pr
}

// appID refuses what is no id of an Okta application.
func (d *decoder) appID(path string, w word) {
	if !strings.HasPrefix(w.text, "0oa") || strings.ContainsAny(w.text, " *") {
		d.errorf(w.line, "%s: %s is no application id: they begin with 0oa; labels are never used", path, quote(w.text))
	}
}

// The values of assertion_id and session_name.
const (
	prefer  = "prefer"
	require = "require"
)
