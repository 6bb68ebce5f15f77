package organisation

import "testing"

// Two plays of one name would share their random numbers, and so their ids.
func TestEveryPlayHasANameOfItsOwn(t *testing.T) {
	cfg, err := Config{}.complete()
	if err != nil {
		t.Fatal(err)
	}
	g := newGenerator(cfg)
	g.found()
	g.plan()
	seen := map[string]bool{}
	for _, p := range append(breaches(g), nearMisses(g)...) {
		if seen[p.name] {
			t.Errorf("two plays are named %q", p.name)
		}
		seen[p.name] = true
	}
}
