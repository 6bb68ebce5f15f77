package policy

import (
	"slices"
	"time"

	"jitaudit/schemas"
)

// suppression accepts findings of some rules, somewhere, until some day.
type suppression struct {
	scope
	rules []string
	schemas.Suppression
}

// Suppressed is the first suppression that fits a finding: of its rule and scope,
// with an end after its time; nil for none. The finding is recorded all the same.
func (p *Policy) Suppressed(f *schemas.Finding, s Scope) *schemas.Suppression {
	for i := range p.suppressions {
		x := &p.suppressions[i]
		if slices.Contains(x.rules, f.Rule) && x.fits(s) && f.At.Before(x.Until) {
			return &x.Suppression
		}
	}
	return nil
}

// severityOverride is a severity for a rule within a scope.
type severityOverride struct {
	scope
	rule     string
	severity schemas.Severity
}

// Severity is the severity of a rule's findings: that of the first override that
// fits, else what the policy sets for the rule, else def.
func (p *Policy) Severity(rule string, def schemas.Severity, s Scope) schemas.Severity {
	for i := range p.overrides {
		if o := &p.overrides[i]; o.rule == rule && o.fits(s) {
			return o.severity
		}
	}
	if s, ok := p.severity[rule]; ok {
		return s
	}
	return def
}

func (d *decoder) suppressions(root object, a *accounts) []suppression {
	var out []suppression
	for i, n := range d.list(root.values["suppressions"], "suppressions") {
		o := d.object(n, index("suppressions", i), scopeKeys("rules", "reason", "owner", "until")...)
		x := suppression{scope: d.scope(o, a), rules: d.ruleNames(o, "rules")}
		if !o.has("rules") && o.line > 0 {
			d.errorf(o.line, "%s is missing: name the rules whose findings are accepted", o.key("rules"))
		}
		x.Reason, x.Owner = d.required(o, "reason"), d.required(o, "owner")
		if d.required(o, "until"); o.has("until") {
			x.Until = d.instant(o, "until")
		}
		out = append(out, x)
	}
	return out
}

func (d *decoder) ruleNames(o object, key string) (out []string) {
	for _, w := range d.words(o.values[key], o.key(key)) {
		if !slices.Contains(Rules(), w.text) {
			d.errorf(w.line, "%s: unknown rule %s%s", o.key(key), quote(w.text), suggestion(w.text, Rules()))
		}
		out = append(out, w.text)
	}
	return out
}

func (d *decoder) overrides(root object, a *accounts) []severityOverride {
	var out []severityOverride
	for i, n := range d.list(root.values["severity_overrides"], "severity_overrides") {
		o := d.object(n, index("severity_overrides", i), scopeKeys("rule", "severity")...)
		x := severityOverride{scope: d.scope(o, a)}
		d.required(o, "rule")
		d.required(o, "severity")
		x.rule = d.oneOf(o, "rule", "", Rules()...)
		x.severity = schemas.Severity(d.oneOf(o, "severity", "", severities()...))
		out = append(out, x)
	}
	return out
}

func severities() []string {
	return []string{string(schemas.Info), string(schemas.Low), string(schemas.Medium), string(schemas.High), string(schemas.Critical)}
}

// Burst is how many refusals, within Bounds.BurstWindow of each other, are one
// too many.
func (p *Policy) Burst() int { return p.burst }

const usualBurst = 5

func (d *decoder) refusals(root object) int {
	o := d.object(root.values["refusals"], "refusals", "burst")
	return d.whole(o, "burst", usualBurst, 2, 1000)
}

// Alias is a further name of a person, folded, from some time until another;
// zero times for always.
type Alias struct {
	Name        string
	From, Until time.Time
}

// Valid reports whether the alias is the person's at t: From ≤ t < Until.
func (a Alias) Valid(t time.Time) bool {
	return !t.Before(a.From) && (a.Until.IsZero() || t.Before(a.Until))
}

// meets reports whether two aliases are valid at one time.
func (a Alias) meets(b Alias) bool {
	return (b.Until.IsZero() || a.From.Before(b.Until)) && (a.Until.IsZero() || b.From.Before(a.Until))
}

// StripTags reports whether "+tag" in an address says nothing about whose it is.
func (p *Policy) StripTags() bool { return p.stripTags }

// Domains are those with which a name without "@" is tried, folded, in the order
// of the file. The slice is shared: do not change it.
func (p *Policy) Domains() []string { return p.domains }

func (d *decoder) identity(root object, p *Policy) {
	o := d.object(root.values["identity"], "identity", "strip_tags", "domains")
	p.stripTags = d.oneOf(o, "strip_tags", "false", "true", "false") == "true"
	for _, w := range d.words(o.values["domains"], o.key("domains")) {
		p.domains = append(p.domains, fold(w.text))
	}
}
