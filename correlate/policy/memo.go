package policy

import (
	"maps"
	"sync"
	"sync/atomic"
)

// memoLimit bounds a memo: keys come from logs, and a log may hold any number.
// Beyond it values are worked out each time.
const memoLimit = 1 << 16

// memo remembers the values of a pure function. A hit takes no lock: readers
// see a map that nobody writes, and new entries gather in a second one until
// enough readers have missed them.
type memo[K comparable, V any] struct {
	clean  atomic.Pointer[map[K]V]
	mu     sync.Mutex
	dirty  map[K]V // a superset of clean
	misses int     // hits in dirty that clean did not have
}

func (m *memo[K, V]) get(k K) (V, bool) {
	if c := m.clean.Load(); c != nil {
		if v, ok := (*c)[k]; ok {
			return v, true
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.dirty[k]
	if ok {
		m.misses++
		// Copying is paid for by as many locked hits as there are entries.
		if m.misses >= len(m.dirty) {
			c := maps.Clone(m.dirty)
			m.clean.Store(&c)
			m.misses = 0
		}
	}
	return v, ok
}

func (m *memo[K, V]) put(k K, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.dirty) >= memoLimit {
		return
	}
	if m.dirty == nil {
		m.dirty = make(map[K]V)
	}
	m.dirty[k] = v
}
