package policy

import (
	"slices"

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
		o := d.object(n, index("suppressions", i), scopeKeys("rule", "rules", "reason", "owner", "until")...)
		x := suppression{scope: d.scope(o, a), rules: d.ruleNames(o, "rules")}
		switch {
		case o.line == 0:
			continue
		case !o.has("rule") && !o.has("rules"):
			d.errorf(o.line, "%s is missing: name the rules whose findings are accepted", o.key("rules"))
		case o.has("rule") && o.has("rules"):
			d.errorf(o.at("rule"), "%s does not go with rules: write one of them", o.key("rule"))
		case o.has("rule"):
			x.rules = []string{d.oneOf(o, "rule", "", Rules()...)}
		}
		x.Reason, x.Owner = d.required(o, "reason"), d.required(o, "owner")
		if !o.has("until") {
			d.errorf(o.line, "%s is missing: nothing is accepted for ever", o.key("until"))
		}
		x.Until = d.instant(o, "until")
		out = append(out, x)
	}
	return out
}

func (d *decoder) ruleNames(o object, key string) (out []string) {
	for _, w := range d.words(o.values[key], o.key(key)) {
		if !slices.Contains(Rules(), w.text) {
			d.errorf(w.line, "%s: unknown rule %s%s", o.key(key), quote(w.text), Suggestion(w.text, Rules()))
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
		x.rule = d.requiredOneOf(o, "rule", Rules()...)
		x.severity = schemas.Severity(d.requiredOneOf(o, "severity", severities()...))
		out = append(out, x)
	}
	return out
}

func (d *decoder) severity(root object) map[string]schemas.Severity {
	o := d.object(root.values["severity"], "severity", Rules()...)
	out := make(map[string]schemas.Severity, len(o.values))
	for _, rule := range Rules() {
		if o.has(rule) {
			out[rule] = schemas.Severity(d.oneOf(o, rule, "", severities()...))
		}
	}
	return out
}

func severities() []string {
	return []string{string(schemas.Info), string(schemas.Low), string(schemas.Medium), string(schemas.High), string(schemas.Critical)}
}
