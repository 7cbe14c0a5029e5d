package console

import (
	"sync"
	"time"
)

// Bounds of wrong log-ins: a name is refused after maxWrong of them for wrongTime from the last, and so is a host
// after maxWrongHost. A right one forgets those of the name.
const (
	maxWrong     = 5
	maxWrongHost = 30
	wrongTime    = 15 * time.Minute
	maxTracked   = 10_000
)

// guard counts wrong log-ins in memory: a restart forgets them, which an attacker can't cause.
type guard struct {
	now func() time.Time
	mu  sync.Mutex
	bad map[string]wrong
}

type wrong struct {
	times int
	last  time.Time
}

func newGuard(now func() time.Time) *guard { return &guard{now: now, bad: map[string]wrong{}} }

// allows tells whether another attempt may be made.
func (g *guard) allows(name, host string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count("name:"+name) < maxWrong && g.count("host:"+host) < maxWrongHost
}

func (g *guard) count(key string) int {
	w := g.bad[key]
	if g.now().Sub(w.last) > wrongTime {
		return 0
	}
	return w.times
}

// failed counts a wrong attempt. When too many are tracked the old ones go first, then all: memory is bounded.
func (g *guard) failed(name, host string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.bad) >= maxTracked {
		for key := range g.bad {
			if g.count(key) == 0 {
				delete(g.bad, key)
			}
		}
	}
	if len(g.bad) >= maxTracked {
		clear(g.bad)
	}
	for _, key := range []string{"name:" + name, "host:" + host} {
		g.bad[key] = wrong{times: g.count(key) + 1, last: g.now()}
	}
}

// succeeded forgets the wrong attempts of a name.
func (g *guard) succeeded(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.bad, "name:"+name)
}
