package intern_test

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"jitaudit/ingest/intern"
)

func TestEqualBytesGiveOneString(t *testing.T) {
	var s intern.Strings
	for _, text := range []string{"a", "sts.amazonaws.com", strings.Repeat("x", 100)} {
		first, second := s.Get([]byte(text)), s.Get([]byte(text))
		if first != text || second != text || unsafe.StringData(first) != unsafe.StringData(second) {
			t.Errorf("%q: %q and %q", text, first, second)
		}
	}
}

func TestStringsKeepTheirContent(t *testing.T) {
	var s intern.Strings
	for i := range 20000 {
		want := fmt.Sprintf("%d", i*i)
		b := []byte(want)
		got := s.Get(b)
		clear(b)
		if got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	if got := s.Get([]byte("a\xffb")); got != "a\uFFFDb" {
		t.Errorf("invalid UTF-8 gave %q", got)
	}
	if s.Get(nil) != "" {
		t.Error("nothing is not the empty string")
	}
}
