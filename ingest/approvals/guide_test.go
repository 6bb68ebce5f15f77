package approvals

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"jitaudit/internal/signature"
)

// What docs/approvals.md shows is what happens.
func TestTheGuideIsRight(t *testing.T) {
	b, err := os.ReadFile("../../docs/approvals.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	block := func(after string) string {
		m := regexp.MustCompile("(?s)" + regexp.QuoteMeta(after) + ".*?```[a-z]*\n(.*?)```").FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("there is no block after %q", after)
		}
		return m[1]
	}
	record := block("## A record")
	if _, _, err := (Decoder{Feed: "tickets"}).Decode([]byte(record)); err != nil {
		t.Error(err)
	}
	var log memory
	status, a := post(t, receiver(t, &log, nil), "/approvals", record, "Authorization", authorization)
	if said := strings.TrimSpace(block("--data-binary @decision.json\n```")); status != 202 || said != encode(t, a) {
		t.Errorf("%d %s, the guide shows %s", status, encode(t, a), said)
	}
	wrong := strings.Replace(least, `"grantee":"ada@example.com",`, "", 1)
	_, a = post(t, receiver(t, &log, nil), "/approvals", least+"\n"+wrong, "Authorization", authorization)
	if said := strings.TrimSpace(block("| 503 |")); said != encode(t, a) {
		t.Errorf("%s, the guide shows %s", encode(t, a), said)
	}
	for _, key := range []string{"id", "request", "grantee", "org", "requester", "approvers", "decision", "decided_at", "resource", "from", "until", "justification", "subject", signature.Header} {
		if !strings.Contains(text, "`"+key+"`") {
			t.Errorf("the guide does not name %s", key)
		}
	}
	for _, s := range steps() {
		if !strings.Contains(text, "`"+s+"`") {
			t.Errorf("the guide does not name the decision %s", s)
		}
	}
	if !strings.Contains(text, `{ printf '%s.' "$t"; cat decision.json; } | openssl dgst -sha256 -hmac "$APPROVALS_SECRET" -r | cut -d' ' -f1`) {
		t.Error("the recipe of the guide is not the one that is tested")
	}
}

func encode(t *testing.T, a answer) string {
	t.Helper()
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
