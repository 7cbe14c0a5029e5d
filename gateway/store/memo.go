package store

import "sync"

// maxMemo bounds what a memo remembers.
const maxMemo = 1 << 16

// memo remembers what was looked up lately. Whoever uses it can tell when it is old: the writer checks.
type memo[K, V comparable] struct {
	mu sync.RWMutex
	m  map[K]V
}

func (m *memo[K, V]) get(k K) (V, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.m[k]
	return v, ok
}

func (m *memo[K, V]) put(k K, v V) {
	if old, ok := m.get(k); ok && old == v {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.m == nil || len(m.m) >= maxMemo {
		m.m = map[K]V{}
	}
	m.m[k] = v
}

func (m *memo[K, V]) drop(k K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.m, k)
}
