package alerts

import (
	"testing"
	"time"
)

// Of a leader that wrote behind its successor the higher version counts, and what
// cannot be read is left out.
func TestWhatTheSentLogSays(t *testing.T) {
	mem := &memory{sent: map[string]*Sent{}, threads: map[string]Thread{}, offsets: map[place]int64{}}
	for _, e := range []struct{ key, value string }{
		{"record/fnd_1", `{"version":7,"change":"raised"}`},
		{"record/fnd_1", `{"version":5,"change":"opened"}`},
		{"record/fnd_2", `{"version":5,"change":"opened"}`},
		{"record/fnd_2", `{"version":5,"refused":true}`},
		{"record/fnd_3", `{"version":5}`},
		{"thread/a/b@c", `{"thread":"1"}`},
		{"offset/findings/2", `{"next":10}`},
		{"offset/findings/2", `{"next":9}`},
		{"offset/grants/0", `{"next":9}`},
		{"later/x", `[]`},
	} {
		if err := mem.take(e.key, []byte(e.value)); err != nil {
			t.Errorf("%s: %v", e.key, err)
		}
	}
	for _, gone := range []string{"record/fnd_3", "offset/grants/0", "thread/none"} {
		if err := mem.take(gone, nil); err != nil {
			t.Errorf("%s: %v", gone, err)
		}
	}
	for _, key := range []string{"record/fnd_1", "thread/a", "offset/findings/2", "offset/findings/two", "offset/findings"} {
		if err := mem.take(key, []byte("{")); err == nil {
			t.Errorf("%s: what cannot be read is taken", key)
		}
	}
	if len(mem.sent) != 2 || mem.sent["fnd_1"].Version != 7 || !mem.sent["fnd_2"].Refused {
		t.Errorf("records: %+v", mem.sent)
	}
	if len(mem.threads) != 1 || mem.threads["a/b@c"].Thread != "1" {
		t.Errorf("threads: %v", mem.threads)
	}
	if len(mem.offsets) != 1 || mem.offsets[place{"findings", 2}] != 9 {
		t.Errorf("offsets: %v", mem.offsets)
	}
}

func TestOffsetsBeforeWhichNothingWaits(t *testing.T) {
	p := &position{next: 20, stored: -1}
	a, b := &token{}, &token{}
	p.hold(10, a)
	p.hold(12, b)
	p.hold(13, b)
	p.hold(15, a)
	steps := []struct {
		name string
		do   func()
		want int64
	}{
		{"both wait", func() {}, 10},
		{"the later one is done", func() { b.done = true }, 10},
		{"both are done", func() { a.done = true }, 20},
		{"more was read", func() { p.next = 30 }, 30},
	}
	for _, s := range steps {
		if s.do(); p.done() != s.want {
			t.Errorf("%s: done with up to %d, want %d", s.name, p.done(), s.want)
		}
	}
}

func TestBackoffGrowsToItsBound(t *testing.T) {
	d := &Dispatcher{cfg: Config{MinBackoff: time.Minute, MaxBackoff: 15 * time.Minute}}
	for failed, want := range map[int]time.Duration{0: time.Minute, 1: 2 * time.Minute, 3: 8 * time.Minute, 4: 15 * time.Minute, 29: 15 * time.Minute, 100_000: 15 * time.Minute} {
		for range 100 {
			if got := d.backoff(failed); got > want || got < want*4/5 {
				t.Fatalf("after %d failures: %s, want up to a fifth less than %s", failed+1, got, want)
			}
		}
	}
}
