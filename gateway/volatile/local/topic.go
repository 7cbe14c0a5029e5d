package local

import "sync"

// Topics wakes those who wait in this process. The zero value is ready; it is safe for concurrent use.
type Topics struct {
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{}
}

// Wait returns a channel with room for one wake, and a function that ends the wait; calling it again does nothing.
func (t *Topics) Wait(topic string) (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting == nil {
		t.waiting = map[string]map[chan struct{}]struct{}{}
	}
	if t.waiting[topic] == nil {
		t.waiting[topic] = map[chan struct{}]struct{}{}
	}
	t.waiting[topic][c] = struct{}{}
	return c, func() { t.end(topic, c) }
}

func (t *Topics) end(topic string, c chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waiting[topic], c)
	if len(t.waiting[topic]) == 0 {
		delete(t.waiting, topic)
	}
}

// Wake wakes those who wait on a topic; who was woken already and did not look yet is woken once.
func (t *Topics) Wake(topic string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.waiting[topic] {
		ring(c)
	}
}

// WakeAll wakes everybody, after something that may have swallowed wakes.
func (t *Topics) WakeAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, topic := range t.waiting {
		for c := range topic {
			ring(c)
		}
	}
}

func ring(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
