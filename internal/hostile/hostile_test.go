package hostile

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTextsAreMarkedAndOfEveryKind(t *testing.T) {
	all := Texts()
	if len(all) < 100 {
		t.Errorf("%d texts, want 100 or more", len(all))
	}
	name := regexp.MustCompile(`^[a-z0-9_]+$`)
	var long, invalid int
	texts := make(map[string]string)
	for n, text := range all {
		if !name.MatchString(n) {
			t.Errorf("%q is no name", n)
		}
		if other, ok := texts[text]; ok {
			t.Errorf("%s is %s again", n, other)
		}
		texts[text] = n
		if len(text) >= Long {
			long++
		} else if text != "" && !strings.Contains(text, Mark) {
			t.Errorf("%s has no mark", n)
		}
		if !utf8.ValidString(text) {
			invalid++
		}
	}
	if long < 5 || invalid < 5 {
		t.Errorf("%d long texts and %d that are no UTF-8, want 5 of each or more", long, invalid)
	}
}

func TestTextsAreTheCallersOwn(t *testing.T) {
	a := Texts()
	a["quote"] = "changed"
	delete(a, "nul")
	b := Texts()
	if b["quote"] == "changed" || b["nul"] == "" {
		t.Error("a caller's change shows in the texts of the next")
	}
}

// No group of texts takes a name of another's.
func TestNoTextIsLost(t *testing.T) {
	sum := 0
	for _, some := range []map[string]string{
		lines(), fields(), terminals(), directions(), encodings(), formulas(), pages(), chats(), templates(), parsers(),
	} {
		sum += len(some)
	}
	if all := Texts(); len(all) != sum {
		t.Errorf("%d texts have a name, of %d", len(all), sum)
	}
}
