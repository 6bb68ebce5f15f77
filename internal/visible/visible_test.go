package visible

import "testing"

func TestText(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"plain text", "plain text"},
		{"Zoë Ünal 漢字 ✓", "Zoë Ünal 漢字 ✓"},
		{"a\x1b[31m", `a\x1b[31m`},
		{"a\r\n\tb", `a\r\n\tb`},
		{"a\u202eb", `a\u202eb`},
		{"a\u00a0b", `a\xa0b`},
		{"a\xffb", `a\xffb`},
		{"a\ufffdb", "a\ufffdb"},
		{"e\u0301", "e\u0301"},
		{"\u0301", `\u0301`},
		{"e\u0301\u0301\u0301\u0301", "e\u0301\u0301\u0301" + `\u0301`},
		{"\U000e0041", `\U000e0041`},
	} {
		if got := Text(tt.in); got != tt.want {
			t.Errorf("Text(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, tt := range []struct {
		in    string
		bytes int
		want  string
	}{
		{"short", 10, "short"},
		{"just right", 10, "just right"},
		{"a little more", 10, "a littl…"},
		{"line\nline", 9, `line\n…`},
		{"line\nline", 8, "line…"},
		{"漢字漢字", 9, "漢字…"},
		{"", 3, ""},
	} {
		if got := Clip(tt.in, tt.bytes); got != tt.want || len(got) > tt.bytes {
			t.Errorf("Clip(%q, %d) = %q, want %q", tt.in, tt.bytes, got, tt.want)
		}
	}
}
