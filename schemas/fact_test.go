package schemas_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"jitaudit/schemas"
)

// A fact concerns somebody, or it is shared and carries no handle but the org.
func TestSharedFactsNameNobody(t *testing.T) {
	for _, file := range samplesOf(t, "fact") {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var f schemas.Fact
		if err := json.Unmarshal(raw, &f); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		named := f.Who != schemas.Identity{Org: f.Who.Org}
		if f.Kind.Shared() && named {
			t.Errorf("%s: it is shared, but names %+v", file, f.Who)
		}
		// What AWS refuses may name nobody at all.
		if !f.Kind.Shared() && !named && f.Kind != schemas.AssumeFailed {
			t.Errorf("%s: it is not shared, but names nobody", file)
		}
	}
}

func TestWhichFactsCount(t *testing.T) {
	at := time.Date(2026, 5, 4, 8, 15, 30, 0, time.UTC)
	tests := []struct {
		name string
		fact schemas.Fact
		want bool
	}{
		{"no call", schemas.Fact{Kind: schemas.Assumed}, false},
		{"call", schemas.Fact{Kind: schemas.Acted, Call: &schemas.Call{PrincipalID: "AROA1:ada"}}, true},
		{"onward role by the caller's account", schemas.Fact{Kind: schemas.Chained, Call: &schemas.Call{PrincipalID: "AROA1:ada", AccessKeyID: "ASIA1"}}, true},
		{"credentials that are only dated", schemas.Fact{Kind: schemas.Chained, Call: &schemas.Call{PrincipalID: "AROA1:ada", CreatedAt: at}}, true},
		{"onward role by the role's account", schemas.Fact{Kind: schemas.Chained, Call: &schemas.Call{PrincipalID: "AROA1:ada"}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.fact.Counts(); got != tt.want {
				t.Errorf("Counts() = %t, want %t", got, tt.want)
			}
		})
	}
}
