package alerts

import (
	"log/slog"
	"sync"
	"time"
)

// threads is what a receiver remembers of conversations. It uses it while the
// dispatcher writes down what was kept before.
type threads struct {
	log *slog.Logger

	mu    sync.Mutex
	known map[string]Thread
	// fresh are the keys of what is not in the sent log yet.
	fresh map[string]bool
	// observed is up to when results have been read.
	observed time.Time
}

var _ Threads = (*threads)(nil)

// Of implements Threads.
func (t *threads) Of(key string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.known[key].Thread
}

// threadLimit bounds what is kept under a key, and the key.
const threadLimit = 64 << 10

// Keep implements Threads.
func (t *threads) Keep(key, thread string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(key)+len(thread) > threadLimit {
		t.log.Warn("a conversation is too long to be remembered, and begins anew", "bytes", len(key)+len(thread), "limit", threadLimit)
		return
	}
	t.known[key] = Thread{thread, t.observed}
	t.fresh[key] = true
}

// see notes up to when results have been read.
func (t *threads) see(observed time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.observed = observed
}

// take gives out what is to be written.
func (t *threads) take() map[string]Thread {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[string]Thread, len(t.fresh))
	for key := range t.fresh {
		out[key] = t.known[key]
	}
	clear(t.fresh)
	return out
}

// old are the keys that were last kept before a time, of those that are written.
func (t *threads) old(before time.Time) (keys []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, thread := range t.known {
		if !t.fresh[key] && thread.Observed.Before(before) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (t *threads) forget(keys []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range keys {
		delete(t.known, key)
	}
}
