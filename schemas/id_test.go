package schemas_test

import (
	"strings"
	"testing"

	"jitaudit/schemas"
)

// The vectors are fixed: records that were published under an id must be found
// under it for ever. A change here breaks every stored result. Each can be had
// with a shell: printf 'PART\0PART\0' | sha256sum | cut -c1-32.
func TestIDsDoNotMove(t *testing.T) {
	const (
		ada   = "okta:example/00u1ada00000000001"
		event = "c2f6a1d0-8f5e-4a53-9a55-1f2f3b6f7a10"
	)
	tests := []struct {
		name, got, want string
	}{
		{"assumption", schemas.AssumptionID(ada, event), "asm_efee2b78d3f714d87236f97ba0abe192"},
		{"assumption of a person unknown to Okta", schemas.AssumptionID("aws:deploy-bot", event), "asm_781fe70ea8bd76b044c76875b1a44154"},
		{"assumption of no event", schemas.AssumptionID("", ""), "asm_96a296d224f285c67bee93c30f8a3091"},
		{"assumption in another script", schemas.AssumptionID("aws:zoë", event), "asm_7c6b944a828e38bfa654ef102dcb241f"},
		{"session", schemas.SessionID("asm_00112233445566778899aabbccddeeff"), "ses_00112233445566778899aabbccddeeff"},
		{"grant", schemas.GrantID(ada, event, "111111111111", "Admin"), "grt_3d4ea7340a1844667af1d6bcc060eb9e"},
		{"finding", schemas.FindingID("no_grant", ada, event), "fnd_918f8801c92388bf651c0ce0a223223e"},
		{"credential", schemas.CredentialKey("AROA1:ada", "", 0, 1), "key_843117c826420702250c4cc7a518263b"},
		{"use", schemas.UseID(ada, "key_0123456789abcdef0123456789abcdef"), "use_ee685754966f520ee7c07875c7c3a8b8"},
		{"longer than the buffer", schemas.FindingID("no_grant", strings.Repeat("x", 300), event), "fnd_60f857ae6aa92be1f226329aaf33b18c"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.got != tt.want {
				t.Errorf("got %s, want %s", tt.got, tt.want)
			}
		})
	}
}

func TestIDsKeepTheirPartsApart(t *testing.T) {
	tests := []struct {
		name, a, b string
	}{
		{"where a part ends", schemas.AssumptionID("ab", "c"), schemas.AssumptionID("a", "bc")},
		{"empty parts", schemas.GrantID("p", "", "a", "r"), schemas.GrantID("p", "a", "", "r")},
		{"order of parts", schemas.FindingID("r", "p", "e"), schemas.FindingID("r", "e", "p")},
		{"case", schemas.AssumptionID("aws:Ada", "e"), schemas.AssumptionID("aws:ada", "e")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.a == tt.b {
				t.Errorf("both are %s", tt.a)
			}
		})
	}
}

func BenchmarkAssumptionID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		schemas.AssumptionID("okta:example/00u1ada00000000001", "c2f6a1d0-8f5e-4a53-9a55-1f2f3b6f7a10")
	}
}
