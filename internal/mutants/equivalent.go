package main

import (
	"regexp"
	"strings"
)

// alike are mutants that cannot change any result, or none that the contract
// speaks of.
type alike struct {
	name string // of the mutants; * stands for anything
	why  string
}

func (a alike) matches(name string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(a.name), `\*`, `.*`)
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(name)
}

// equivalents are run against the scenarios and the tests beside this file, and
// must pass there.
var equivalents = []alike{
	// The rules.
	{"outside_grant/condition/outsideGrant: len(a.Containing) > 0 -> false", "grants are near only where none contains the assumption, and the next term asks for one that is near"},
	{"assertion_mismatch/condition/assertionMismatch: a.SignOn == nil -> false", "an assumption without a sign-on was joined by no key, which the next term asks for"},
	{"outlived_grant/edge/earlier: ends.Before(expires) or equal", "the same instant"},
	{"actors/condition/IsPerson: known -> true", "what is no key of Okta's is nobody's id"},
	{"actors/condition/IsPerson: known -> true #3", "the key of somebody whom Okta does not know is nobody's id"},

	// Grants.
	{"grants/bound/SeenFrom: b.* + 1s", "one event more may be shown as evidence; the contract says what must be covered, not what may be shown"},
	{"grants/order/compareGrants: a.Opened.Compare(b.Opened) dropped", "the grants of one role in another order: whatever looks at them looks at all, or sorts them; results have no order"},
	{"grants/swap/compareGrants: *.Opened -> ApprovedUntil", "the same"},
	{"grants/order/compareGrants: a.Removed.Compare(b.Removed) *", "the same"},
	{"grants/order/compareGrants: cmp.Compare(a.ID, b.ID) *", "the same"},
	{"grants/condition/compareGrants: c != 0 -> true", "the same"},
	{"grants/order/compareTargets: * reversed", "grants are sorted and searched by one comparison"},
	{"grants/edge/distance: *", "distance is asked only of grants that do not contain t, so t is at neither end"},
	{"grants/condition/distance: !g.Limit.IsZero() && t.After(g.Limit) -> true", "distance is asked only of grants that do not contain t: what is not before is after"},
	{"grants/condition/distance: !g.Limit.IsZero() -> true", "the same"},
	{"grants/condition/distance: t.After(g.Limit) -> true", "the same"},
	{"grants/condition/chainEnd: g.Limit.IsZero() -> false", "the loop below goes over the containing grants again, from whichever limit"},
	{"grants/condition/chainEnd: g.Limit.After(end) -> true", "the same"},
	{"grants/condition/chainEnd: g.Limit.After(end) -> false", "the same"},
	{"grants/condition/follow: len(rs) == 0 -> false", "saves room and nothing else"},
	{"grants/condition/used: g.Used -> false", "marks the same again"},
	{"grants/order/judgeGrants: cmp.Compare(x.Record.ID, y.Record.ID) reversed", "of two grants that were opened at one instant the contract prefers none"},
	{"grants/order/compare: * reversed", "brings the changes of one resource together all the same"},
	{"grants/condition/stays: ok -> true", "what is no resource opens nothing: every entry of groups asks for an id or a name"},

	// Snapshots.
	{"snapshots/order/snapshotsOf: cmp.Compare(a.ID, b.ID) reversed", "of two listings that began at one instant the contract prefers none"},
	{"snapshots/condition/withObserved: !slices.ContainsFunc(changes, listed) -> false", "copies what is as it should be"},
	{"snapshots/edge/missing: in.From.After(since) or equal", "whoever was added or listed then was so during the listing, which tells nothing of them"},
	{"snapshots/edge/missing: in.To.Before(t) or equal", "the same"},
	{"snapshots/edge/listedLater: at.Before(s.From) or equal", "a listing that began as they were listed is not looked at, and one that began at a change tells nothing"},

	// Requests.
	{`requests/condition/condition: r.said.Condition == "" -> false`, "no condition has an empty id"},
	{"requests/condition/until: !r.last().At.After(t) -> false", "puts the same steps together again"},
	{"requests/edge/until: r.last().At.After(t) or equal", "the same"},
	{"requests/edge/latestRequest: r.decidedAt().Before(best.decidedAt()) or equal", "of two that were decided at one instant the contract prefers none"},

	// Names.
	{"names/condition/of: !slices.Contains(all, h) -> true", "saves room and nothing else"},
	{`names/condition/of: session == "" || slices.Contains(all, session) -> false`, "looks for more names where the one that is asked for is known"},
	{`names/condition/of: session == "" -> false`, "the same"},
	{"names/condition/of: slices.Contains(all, session) -> false", "the same"},
	{`names/condition/of: h != "" && !slices.Contains(all, h) -> true #2`, "asks whose the name is and knows it, or has nothing to ask for"},
	{`names/condition/of: h != "" -> true #2`, "the same"},
	{"names/condition/of: !slices.Contains(all, h) -> true #2", "the same"},
	{"names/condition/justifying: len(o.requests) == 0 -> false", "goes over nothing"},
	{`names/condition/opens: r.said.GroupID == "" && r.said.Group == "" -> false`, "no entry of groups is for a group without id and name"},

	// Lives.
	{"life/order/orphans: strings.Compare(a.PrincipalID, b.PrincipalID) reversed", "results have no order"},
	{"life/order/orphans: a.CreatedAt.Compare(b.CreatedAt) reversed", "the same"},

	// The join.
	{"join/condition/of: ps != nil -> false", "works the same out again"},
	{"join/condition/of: f.Who.Org == p.OktaOrg -> true", "a person is of one org, and is sought in that of the provider"},
	{"join/condition/secondFactor: s.last.signOn != a.SignOn || s.last.policy != a.Policy -> true", "works the same out again"},
	{"join/condition/trueSecondFactor: (best == nil || f.At.After(best.At)) -> true", "factors come by time; of two at one instant the contract prefers none"},
	{"join/edge/trueSecondFactor: f.At.After(best.At) or equal", "the same"},

	// Use.
	{"use/order/compareAnchors: strings.Compare(a.id, b.id) *", "of two makings of one principal's credentials at one instant the contract prefers none"},
	{"use/condition/know: an.byKey[a.key] == nil -> true", "AWS issues each key once"},
	{"use/edge/nearestCreated: gap < bestGap -> <=", "of two assumptions that are equally near the contract prefers none"},
	{"use/edge/before: c < 0 -> <=", "c is not 0 there"},
	{"use/edge/before: id < thanID -> <=", "whether an event comes before itself makes no difference"},
	{"use/condition/fold: f.uses == nil -> false", "folds the same again"},

	// Assumptions and sessions.
	{"chains/order/compareChained: strings.Compare(a.fact.ID, b.fact.ID) *", "what happened at one instant has no order"},
	{`assumptions/condition/assumptions: g.Record.Group != "" -> true`, "no pattern of groups but * matches the empty name, and with * groups are not looked at"},
	{"assumptions/condition/assumptions: len(assumes) == 0 -> false", "goes over nothing"},
	{"assumptions/condition/take: a.uses == nil -> false", "makes room for several at once"},
	{"assumptions/condition/attribute: !a.Limit.IsZero() -> true", "the rule looks at late calls only where there is a limit"},
	{"assumptions/swap/attribute: uses[i].First -> Last", "calls are told apart by time only where they name neither key nor creation date, and then a use is of one instant"},
	{"assumptions/swap/take: u.LastID -> FirstID", "which of two calls at one instant is the last"},
	{"assumptions/edge/considerLate: at.After(a.Limit) or equal", "at its limit the grant still contains the call"},
	{"sessions/order/sessions: *", "results have no order"},
	{"sessions/order/bySessionKey: * reversed", "brings the assumptions of one session together all the same"},
	{"sessions/edge/add: a.end.After(s.record.End) or equal", "which of two events at one instant is said to end the session"},
	{`sessions/condition/add: id != "" -> true`, "every event has an id"},

	// Copies.
	{"copies/condition/Distinct: !slices.IsSortedFunc(kept, byTime) -> true", "sorts what is sorted"},
	{"copies/condition/byTime: c != 0 -> false #2", "facts of two sources at one instant are never compared with each other"},
	{"copies/order/byTime: cmp.Compare(a.Source, b.Source) dropped", "the same"},
	{"copies/condition/Distinct: !repeats(kept) -> false", "looks for copies where there are none"},
	{"copies/condition/repeats: len(seen) < len(facts) -> true", "the same"},
	{"copies/order/byCopy: cmp.Compare(a.Source, b.Source) reversed", "brings copies together all the same"},
	{"copies/order/byCopy: cmp.Compare(a.ID, b.ID) reversed", "the same"},
	{"copies/condition/sameEvent: a.Key == b.Key -> true", "told apart by a hash of 64 bits before; it would take two ids with the same"},
	{"copies/order/compareCopies: cmp.Compare(a.Source(), b.Source()) reversed", "brings copies together all the same"},
	{"copies/order/compareCopies: strings.Compare(a.Key, b.Key) *", "told apart by a hash of 64 bits before"},
	{"copies/order/compareCopies: strings.Compare(a.Hash, b.Hash) dropped", "after the id the record begins with the hash"},
	{"copies/order/compareCopies: strings.Compare(a.record, b.record) *", "copies that are still equal have the same content"},

	// Judging.
	{"judge/condition/session: j.settled(view, r, b) -> true", "no rule of whole sessions needs coverage"},
	{"judge/condition/assumptions: b != first -> true", "evidence stands once"},
	{"judge/condition/neededUntil: n.To.After(last) -> true", "a rule's needs all end at one instant"},
	{"judge/edge/due: at.Before(t) or equal", "keeps the smaller of two equal ones"},
	{"judge/bound/sessionMFA: a.Policy.Bounds.StalledAfter *", "stalled or late, the shard does not hold what is needed; it only decides when a waived no_mfa is looked at again"},
	{`judge/condition/grant: g.Record.Group != "" -> true`, "no pattern of groups but * matches the empty name, and with * groups are not looked at"},
	{"judge/order/sorted: a.At.Compare(b.At) *", "results have no order"},
	{"judge/order/sorted: strings.Compare(a.Rule, b.Rule) *", "the same"},
	{"judge/order/sorted: strings.Compare(a.ID, b.ID) reversed", "the same"},

	// Identity.
	{"identity/edge/call: * > 0 -> >=", "the same name at the same time again"},
	{"identity/condition/observeAssumed: b.assumed[key] != nil -> false", "the same copy again"},
	{"identity/condition/observeMaking: known -> false", "the same copy again"},
	{"identity/condition/word: ok -> false", "saves room and nothing else"},
	{"identity/condition/newCallers: people[p] == nil -> true", "saves room and nothing else"},
	{"identity/edge/issue: when.Sub(list[i-1].at) < list[i].at.Sub(when) -> <=", "of two assumptions that are equally near the contract prefers none"},
	{"identity/edge/key: compareIssues(i, o) < 0 -> <=", "of equal ones, which are for one person"},
	{"identity/condition/at: c.changes == nil && len(c.who.left) == 0 -> false", "goes over the one event"},
	{"identity/edge/asOf: cmp.Or(*) > 0 -> >=", "the same person by another handle"},
	{"identity/order/find: strings.Compare(c.who.key, key) reversed", "sorted and searched by one comparison"},
	{"identity/swap/assumer: f.Who.NameID -> SessionName #2", "asked only where there is no session name"},
	{"identity/condition/newNaming: bare != name -> true", "the same alias again"},

	// The policy.
	{"outside_hours/edge/inDays: * < 0 -> <=", "no month has a day 0, and the reader takes none"},
	{"policy/condition/Provider: ok -> false", "works the same out again"},
	{"policy/condition/Targets: ok -> false", "works the same out again"},
	{"policy/condition/entries: ok -> false", "works the same out again"},
	{"policy/edge/open: g.account >= 0 -> >", "part 0 is the whole name; a part of it has a higher number"},
}
