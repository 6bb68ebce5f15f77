package policy

import (
	"encoding"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/alertmanager/timeinterval"
	"go.yaml.in/yaml/v4"
)

// Effective is the policy with all defaults filled in, as YAML in a stable
// order. It parses to a policy that judges the same, with another hash. The
// severities of rules that the policy does not override are not in it: the
// rules know them.
func (p *Policy) Effective() []byte {
	root := tree{}
	if !p.EffectiveFrom.IsZero() {
		root.add("effective_from", text(p.EffectiveFrom.Format(time.RFC3339Nano)))
	}
	accounts := tree{}
	for _, a := range p.accounts.list {
		accounts.add(a.alias, text(a.id))
	}
	root.addTree("accounts", accounts)
	root.addList("providers", each(p.providers, provider.tree))
	root.addList("groups", each(p.groups, group.tree))
	root.addTexts("aws_groups", p.patterns)
	sets := tree{}
	for _, arn := range p.setOrder {
		sets.add(arn, text(p.permissionSets[arn]))
	}
	root.addTree("permission_sets", sets)
	assignments := tree{}
	assignments.add("duration", text(written(p.assigned, approvedLength())))
	root.addTree("assignments", assignments)
	root.addList("trusted_grantors", each(p.grantors, grantor.tree))
	root.addList("watched", each(p.watched, scope.place))
	root.addList("networks", each(p.networks, network.tree))
	var intervals, holidays []interval
	for _, iv := range p.intervals {
		if iv.dates == nil {
			intervals = append(intervals, iv)
		} else {
			holidays = append(holidays, iv)
		}
	}
	root.addList("time_intervals", each(intervals, interval.tree))
	root.addList("holidays", each(holidays, interval.holiday))
	root.addList("approved_hours", each(p.hours, hours.tree))
	root.addList("max_session", each(p.limits, limit.tree))
	root.addList("break_glass", each(p.breakGlass, breakGlass.tree))
	root.addList("people", each(p.people, PersonAliases.tree))
	who := tree{}
	who.add("strip_tags", text(strconv.FormatBool(p.stripTags)))
	who.addTexts("domains", p.domains)
	root.addTree("identity", who)
	root.addList("suppressions", each(p.suppressions, suppression.tree))
	severity := tree{}
	for _, rule := range Rules() {
		if s, ok := p.severity[rule]; ok {
			severity.add(rule, text(string(s)))
		}
	}
	root.addTree("severity", severity)
	root.addList("severity_overrides", each(p.overrides, severityOverride.tree))
	refusals := tree{}
	refusals.add("burst", text(strconv.Itoa(p.burst)))
	root.addTree("refusals", refusals)
	bounds := tree{}
	for _, b := range p.Bounds.table() {
		bounds.add(b.key, text(written(*b.value, b.span)))
	}
	root.addTree("bounds", bounds)
	out, err := yaml.Dump(root.node(), yaml.WithLineWidth(-1))
	if err != nil {
		// A tree of plain texts can always be written.
		panic(fmt.Sprintf("write policy %s: %v", p.Name, err))
	}
	return out
}

func (pr provider) tree() tree {
	t := tree{}
	t.add("name", text(pr.Name))
	t.add("arn", text(pr.ARN))
	t.add("federation", text(string(pr.Federation)))
	t.add("okta_org", text(pr.OktaOrg))
	t.addTexts("apps", pr.Apps)
	if pr.RequireAssertionID {
		t.add("assertion_id", text(require))
	} else {
		t.add("assertion_id", text(prefer))
	}
	if pr.RequireSessionName {
		t.add("session_name", text(require))
	} else {
		t.add("session_name", text(prefer))
	}
	return t
}

func (g group) tree() tree {
	t := tree{}
	t.addText("match", g.match)
	t.addText("name", g.name)
	t.addText("id", g.id)
	t.addText("app", g.app)
	t.add("duration", text(written(g.duration, approvedLength())))
	t.addList("targets", each(g.targets, func(g Target) tree {
		t := tree{}
		t.add("account", text(g.Account))
		t.add("role", text(g.Role))
		return t
	}))
	return t
}

func (iv interval) tree() tree {
	t := tree{}
	t.add("name", text(iv.name))
	t.addList("time_intervals", each(iv.spans, func(s timeinterval.TimeInterval) tree {
		t := tree{}
		t.addList("times", each(s.Times, timesTree))
		t.addTexts("weekdays", marshalled(s.Weekdays))
		t.addTexts("days_of_month", marshalled(s.DaysOfMonth))
		t.addTexts("months", marshalled(s.Months))
		t.addTexts("years", marshalled(s.Years))
		t.add("location", text(s.Location.String()))
		return t
	}))
	return t
}

func timesTree(r timeinterval.TimeRange) tree {
	hhmm := func(m int) *yaml.Node { return text(fmt.Sprintf("%02d:%02d", m/60, m%60)) }
	t := tree{}
	t.add("start_time", hhmm(r.StartMinute))
	t.add("end_time", hhmm(r.EndMinute))
	return t
}

// marshalled writes ranges as timeinterval does; those that were parsed can
// always be written.
func marshalled[T encoding.TextMarshaler](rs []T) []string {
	out := make([]string, 0, len(rs))
	for _, r := range rs {
		b, err := r.MarshalText()
		if err != nil {
			panic(fmt.Sprintf("write a range of time_intervals: %v", err))
		}
		if s := string(b); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func (s scope) tree() tree {
	t := tree{}
	t.addTexts("accounts", orStar(s.written))
	t.addTexts("roles", orStar(texts(s.roles)))
	t.addTexts("people", orStar(texts(s.people)))
	t.addTexts("groups", orStar(texts(s.groups)))
	return t
}

// place is a scope of accounts and roles alone.
func (s scope) place() tree {
	t := tree{}
	t.addTexts("accounts", orStar(s.written))
	if !s.everyRole {
		t.addTexts("roles", texts(s.roles))
	}
	return t
}

func (g grantor) tree() tree {
	t := tree{}
	t.add("id", text(g.id.text))
	t.add("alternate_id", text(g.alternateID.text))
	t.add("name", text(g.name.text))
	t.add("type", text(g.typ.text))
	return t
}

func (n network) tree() tree {
	t := tree{}
	t.add("name", text(n.name))
	t.addTexts("cidrs", each(n.cidrs, netip.Prefix.String))
	return t
}

func (iv interval) holiday() tree {
	t := tree{}
	t.add("name", text(iv.name))
	t.addTexts("dates", iv.dates)
	t.add("location", text(iv.spans[0].Location.String()))
	return t
}

func (x suppression) tree() tree {
	t := x.scope.tree()
	t.addTexts("rules", x.rules)
	t.add("reason", text(x.Reason))
	t.add("owner", text(x.Owner))
	t.add("until", text(x.Until.Format(time.RFC3339Nano)))
	return t
}

func (o severityOverride) tree() tree {
	t := o.scope.tree()
	t.add("rule", text(o.rule))
	t.add("severity", text(string(o.severity)))
	return t
}

func texts(ws []wildcard) []string {
	var out []string
	for _, w := range ws {
		if !slices.Contains(out, w.text) { // folding may have made two equal
			out = append(out, w.text)
		}
	}
	return out
}

func orStar(s []string) []string {
	if len(s) == 0 {
		return []string{"*"}
	}
	return s
}

func (h hours) tree() tree {
	t := h.scope.tree()
	t.addTexts("within", h.withinNames)
	t.addTexts("except", h.exceptNames)
	return t
}

func (l limit) tree() tree {
	t := l.scope.tree()
	t.add("limit", text(written(l.length, sessionLength())))
	return t
}

func (b breakGlass) tree() tree {
	t := b.scope.tree()
	t.addTexts("waives", b.Waives)
	t.add("justify_within", text(formatDuration(b.Justify)))
	return t
}

func (a PersonAliases) tree() tree {
	t := tree{}
	t.add("login", text(a.Login))
	t.add("aliases", &yaml.Node{Kind: yaml.SequenceNode, Content: each(a.Aliases, Alias.node)})
	return t
}

func (a Alias) node() *yaml.Node {
	if a.From.IsZero() && a.Until.IsZero() {
		return text(a.Name)
	}
	t := tree{}
	t.add("name", text(a.Name))
	for _, end := range []struct {
		key string
		at  time.Time
	}{{"from", a.From}, {"until", a.Until}} {
		if !end.at.IsZero() {
			t.add(end.key, text(end.at.Format(time.RFC3339Nano)))
		}
	}
	return t.node()
}

func written(v time.Duration, s span) string {
	if v == 0 && s.none {
		return none
	}
	return formatDuration(v)
}

// tree is a mapping under construction: keys and values in turn.
type tree []*yaml.Node

func (t *tree) add(key string, value *yaml.Node) { *t = append(*t, text(key), value) }

// The following leave out what is empty.

func (t *tree) addText(key, value string) {
	if value != "" {
		t.add(key, text(value))
	}
}

func (t *tree) addTexts(key string, values []string) {
	if len(values) > 0 {
		t.add(key, &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: each(values, text)})
	}
}

func (t *tree) addTree(key string, value tree) {
	if len(value) > 0 {
		t.add(key, value.node())
	}
}

func (t *tree) addList(key string, values []tree) {
	if len(values) > 0 {
		t.add(key, &yaml.Node{Kind: yaml.SequenceNode, Content: each(values, tree.node)})
	}
}

func (t tree) node() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Content: t} }

func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

func each[T, U any](in []T, f func(T) U) []U {
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}
