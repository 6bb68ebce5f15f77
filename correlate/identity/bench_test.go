package identity

import (
	"fmt"
	"testing"
	"time"

	"jitaudit/schemas"
)

// company are the facts of some people, each with a login, a NameID and a sign-on
// a day.
func company(people, days int) (facts []*schemas.Fact) {
	for n := range people {
		for day := range days {
			f := oktaUser("a", fmt.Sprint("00u", n), fmt.Sprintf("person.%d@example.com", n), time.Duration(day)*24*time.Hour)
			f.ID = fmt.Sprint(n, "-", day)
			f.Who.NameID, f.Who.AssertionID = fmt.Sprint("p", n), fmt.Sprint("id", n, "-", day)
			facts = append(facts, f)
		}
	}
	return facts
}

func BenchmarkResolve(b *testing.B) {
	facts := company(1000, 20)
	d := directory(b, facts...)
	for _, c := range []struct {
		name string
		who  schemas.Identity
	}{
		{"assertion", schemas.Identity{SessionName: "person.7@example.com", NameID: "person.7@example.com", AssertionID: "id7-3"}},
		{"login", schemas.Identity{SessionName: "person.7@example.com"}},
		{"alias", schemas.Identity{SessionName: "Ada.Smith", PortalUserID: "p-1"}},
		{"nobody", schemas.Identity{SessionName: "botocore-session-1", SourceIdentity: "eve"}},
	} {
		f := role("A", c.who, time.Hour)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.Resolve(f)
			}
		})
	}
	f := facts[17]
	b.Run("okta", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d.Resolve(f)
		}
	})
}

func BenchmarkObserve(b *testing.B) {
	facts := company(1000, 20)
	b.ReportAllocs()
	for b.Loop() {
		directory(b, facts...)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(facts)), "ns/fact")
}

func BenchmarkClaims(b *testing.B) {
	facts := company(1000, 20)
	d := NewDirectory(set(b))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		for _, c := range Claims(facts[n%len(facts)]) {
			d.Learn(c)
		}
	}
}
