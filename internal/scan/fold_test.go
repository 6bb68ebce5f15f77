package scan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/correlate"
	"jitaudit/internal/scan/spill"
	"jitaudit/internal/scan/wire"
	"jitaudit/schemas"
)

// TestPartsOfSpellsComeTogether folds calls with room for far fewer spells and
// services than there are, and compares with correlate.Fold.
func TestPartsOfSpellsComeTogether(t *testing.T) {
	const credentials, services = 12, 15
	r := rand.New(rand.NewPCG(7, 8))
	shared := &wire.Shared{}
	for i := range credentials {
		shared.Credentials = append(shared.Credentials, wire.Credential{PrincipalID: fmt.Sprintf("p%02d", i), CreatedAt: time.Unix(1, 0).UTC()})
	}
	for i := range services {
		shared.Services = append(shared.Services, fmt.Sprintf("s%02d", i))
	}
	store := spill.New(spill.Options{Budget: 1 << 20, Streams: buckets + 1, Open: 1})
	callers := make([]atomic.Pointer[person], credentials)
	for i := range callers {
		callers[i].Store(&person{})
	}
	f := newFolder(store.NewWriter(), callers, 0)
	var want correlate.Fold
	var total counts
	for range 3000 {
		c := wire.Brief{
			At: r.Int64N(8*quarter) - 4*quarter, Credential: r.Uint32N(credentials),
			Service: r.Uint32N(services), Flags: wire.Flags(r.Uint32N(16)) &^ wire.Console,
		}
		id := fmt.Sprintf("%016d", r.IntN(1e6))
		if err := f.add(id, &c); err != nil {
			t.Fatal(err)
		}
		call := schemas.Call{
			PrincipalID: shared.Credentials[c.Credential].PrincipalID, CreatedAt: time.Unix(1, 0).UTC(), Service: shared.Services[c.Service],
			ReadOnly: c.Flags.Has(wire.ReadOnly), Denied: c.Flags.Has(wire.Denied), ServiceDriven: c.Flags.Has(wire.ServiceDriven),
		}
		want.Add(wire.UUIDText(id), time.Unix(c.At, 0).UTC(), "", &call)
		total.add(&call)
	}
	if err := f.flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.spill.Flush(); err != nil {
		t.Fatal(err)
	}
	l, parts := readLife(t, store, shared)
	var got []correlate.Use
	var sum counts
	for _, s := range l.uses(shared) {
		got = append(got, s.Use)
		sum.sum(&s.counts)
	}
	if d := cmp.Diff(want.Uses(), got); d != "" || sum != total {
		t.Errorf("counts %+v, want %+v; want (-) got (+):\n%s", sum, total, d)
	}
	if parts <= len(got) {
		t.Errorf("%d parts of %d spells: nothing was handed on early", parts, len(got))
	}
	if !slices.IsSortedFunc(got, func(a, b correlate.Use) int { return strings.Compare(a.PrincipalID, b.PrincipalID) }) {
		t.Error("the uses are in no order")
	}
}

func readLife(t *testing.T, store *spill.Store, shared *wire.Shared) (*life, int) {
	t.Helper()
	rest, err := store.Load(buckets)
	if err != nil {
		t.Fatal(err)
	}
	l, parts := &life{}, 0
	var room wire.Spell
	for rest != "" {
		record, more, ok := spill.Next(rest)
		if !ok {
			t.Fatal("damaged")
		}
		rest = more
		parts++
		as, record, err := wire.CutNumber(record)
		if err == nil {
			err = l.add(record, role(as), shared, &room)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return l, parts
}
