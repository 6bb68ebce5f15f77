package partition_test

import (
	"fmt"
	"testing"
	"time"

	"jitaudit/correlate"
	"jitaudit/correlate/identity"
	"jitaudit/correlate/stream/entry"
	"jitaudit/correlate/stream/partition"
	"jitaudit/schemas"
)

// wednesday is a visit in the middle of the week: what went before in it is looked
// at with each event.
const wednesday = 40

// BenchmarkEvent measures one event of a person of whom so many facts are held:
// further calls with the credentials of the last session, and the tick that lets
// out what they amount to.
func BenchmarkEvent(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprintf("facts=%d", n), func(b *testing.B) {
			f := newFeed(b, week)
			visits := n / 5
			first := visits - 1 - wednesday
			for i := range visits {
				f.visit(0, worked(i-first))
			}
			f.covers(worked(-first).AddDate(0, -1, 0), worked(wednesday))
			use := f.last
			b.ReportAllocs()
			for b.Loop() {
				more := *use
				more.Last = more.Last.Add(time.Millisecond)
				use = &more
				f.apply(&entry.Entry{To: f.key(0), Sent: &entry.Sent{Version: f.offset, Name: "person0@example.com", Use: use}})
				if len(f.tick().Results) == 0 {
					b.Fatal("nothing has changed")
				}
			}
		})
	}
}

// worked is when the nth visit from monday on is, or before it: 16 a day, every
// half an hour, from Monday to Friday.
func worked(n int) time.Time {
	const day = 16
	days := (n+10_000*day)/day - 10_000
	weeks := (days+10_000)/5 - 2_000
	at := monday.AddDate(0, 0, 7*weeks+days-5*weeks)
	return at.Add(time.Duration(n-days*day) * 30 * time.Minute)
}

// feed writes what a partition is told of made-up persons, as resolve and homes
// would.
type feed struct {
	t      testing.TB
	p      *partition.Partition
	offset int64
	facts  int
	last   *correlate.Use
}

func newFeed(t testing.TB, horizon time.Duration) *feed {
	f := &feed{t: t, p: partition.New(partition.Config{Partitions: 1, Horizon: horizon})}
	f.apply(&entry.Entry{Policy: &entry.Policy{Name: "policy.yaml", Data: []byte(smallPolicy)}})
	return f
}

func (f *feed) apply(e *entry.Entry) {
	// What is held must not share memory with what others hold.
	line, err := e.Encode()
	if err != nil {
		f.t.Fatal(err)
	}
	if e, err = entry.Decode(line); err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.p.Apply(f.offset, e); err != nil {
		f.t.Fatal(err)
	}
	f.offset++
}

// tick lets results come out and takes in what homes say.
func (f *feed) tick() partition.Output {
	out, err := f.p.Tick(f.offset, time.Unix(f.offset, 0))
	if err != nil {
		f.t.Fatal(err)
	}
	f.offset++
	for _, e := range out.Entries {
		f.apply(e)
	}
	for _, e := range append(out.Relays, out.Own...) {
		f.apply(e)
	}
	return out
}

func (f *feed) covers(from, to time.Time) {
	for _, shard := range []string{"okta/example", "aws/111111111111/eu-west-1"} {
		f.apply(&entry.Entry{Coverage: []schemas.Coverage{{Shard: shard, From: from, To: to, Basis: schemas.CoverageAssumed}}})
	}
	f.tick()
	f.tick()
}

func (f *feed) key(person int) string { return fmt.Sprintf("okta:example/00u%d", person) }

func (f *feed) fact(person int, kind schemas.FactKind, at time.Time) *schemas.Fact {
	f.facts++
	login := fmt.Sprintf("person%d@example.com", person)
	return &schemas.Fact{
		ID: fmt.Sprintf("5c1f2a7e-%04x-11ee-8000-%012x", person&0xffff, f.facts), Kind: kind, Source: schemas.Okta, Shard: "okta/example", At: at,
		Hash: fmt.Sprintf("%016x", f.facts),
		Who:  schemas.Identity{Org: "example", OktaUserID: fmt.Sprintf("00u%d", person), Login: login, Name: "A Person"},
	}
}

func (f *feed) signOn(person int, at time.Time) string {
	fact := f.fact(person, schemas.SignedOn, at)
	fact.Who.AssertionID = "id" + fact.Hash
	fact.SignOn = &schemas.SignOn{AppID: "0oa1", SessionID: "s" + fact.Hash, IP: "192.0.2.7", UserAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"}
	f.apply(&entry.Entry{To: f.key(person), Fact: fact})
	f.apply(&entry.Entry{Claims: identity.Claims(fact)})
	return fact.Who.AssertionID
}

// visit is what one use of a role amounts to: an addition, a second factor, a
// sign-on, an assumption with three uses, a removal.
func (f *feed) visit(person int, at time.Time) {
	group := schemas.GroupChange{ID: "00g1", Name: "AWS-prod-Admin", Actor: schemas.Actor{ID: "0wf1", Type: "SystemPrincipal", AlternateID: "system"}}
	add := f.fact(person, schemas.GroupAdded, at)
	add.Group = &group
	f.apply(&entry.Entry{To: f.key(person), Fact: add})
	mfa := f.fact(person, schemas.SecondFactor, at.Add(30*time.Second))
	mfa.Factor = &schemas.Factor{Class: schemas.FactorPush, Name: "Okta Verify", SessionID: "s"}
	f.apply(&entry.Entry{To: f.key(person), Fact: mfa})
	assertion := f.signOn(person, at.Add(time.Minute))
	f.assume(person, assertion, at.Add(61*time.Second))
	remove := f.fact(person, schemas.GroupRemoved, at.Add(25*time.Minute))
	remove.Group = &group
	f.apply(&entry.Entry{To: f.key(person), Fact: remove})
}

// assumed is an assumption, as its event says it.
func (f *feed) assumed(person int, assertion string, at time.Time) *schemas.Fact {
	login := fmt.Sprintf("person%d@example.com", person)
	a := f.fact(person, schemas.Assumed, at)
	a.Source, a.Shard = schemas.CloudTrail, "aws/111111111111/eu-west-1"
	a.Who = schemas.Identity{SessionName: login, NameID: login, AssertionID: assertion}
	a.Assume = &schemas.Assume{
		Account: "111111111111", Role: "Admin", RoleARN: "arn:aws:iam::111111111111:role/Admin", Federation: schemas.Direct,
		ProviderARN: "arn:aws:iam::111111111111:saml-provider/Okta", PrincipalID: "AROA1:" + login, AccessKeyID: "ASIA" + a.Hash,
		Expires: at.Add(20 * time.Minute), IP: "192.0.2.7", UserAgent: "aws-cli/2.15",
	}
	return a
}

func (f *feed) assume(person int, assertion string, at time.Time) {
	a := f.assumed(person, assertion, at)
	login := a.Who.NameID
	f.apply(&entry.Entry{To: f.key(person), Sent: &entry.Sent{Version: f.offset, Name: login, Fact: a}})
	for i := range 3 {
		t := at.Add(time.Duration(i) * 7 * time.Minute)
		call := schemas.Call{PrincipalID: a.Assume.PrincipalID, AccessKeyID: a.Assume.AccessKeyID, CreatedAt: at, Service: "s3", Action: "GetObject"}
		f.last = &correlate.Use{
			UseKey: correlate.KeyOf(&call, t), First: t, Last: t.Add(time.Minute), FirstID: a.ID + "a", LastID: a.ID + "b",
			RoleARN: a.Assume.RoleARN, Shard: a.Shard, Services: []string{"ec2", "s3", "sts"},
		}
		f.apply(&entry.Entry{To: f.key(person), Sent: &entry.Sent{Version: f.offset, Name: login, Use: f.last}})
	}
}
