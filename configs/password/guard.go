package password

import (
	"sync"
	"time"
)

// Bounds of wrong log-ins: a name is refused after MaxWrong of them for WrongTime from the last, and so is a host
// after maxWrongHost. A right one forgets those of the name.
const (
	MaxWrong     = 5
	WrongTime    = 15 * time.Minute
	maxWrongHost = 30
	maxTracked   = 10_000
)

// Guard counts wrong log-ins in memory: a restart forgets them, which an attacker can't cause.
type Guard struct {
	now func() time.Time
	mu  sync.Mutex
	bad map[string]wrong
}

type wrong struct {
	times int
	last  time.Time
}

// NewGuard has counted nothing yet.
func NewGuard(now func() time.Time) *Guard { return &Guard{now: now, bad: map[string]wrong{}} }

// Allows tells whether another attempt may be made.
func (g *Guard) Allows(name, host string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count("name:"+name) < MaxWrong && g.count("host:"+host) < maxWrongHost
}

func (g *Guard) count(key string) int {
	w := g.bad[key]
	if g.now().Sub(w.last) > WrongTime {
		return 0
	}
	return w.times
}

// Failed counts a wrong attempt. When too many are tracked the old ones go first, then all: memory is bounded.
func (g *Guard) Failed(name, host string) {
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

// Succeeded forgets the wrong attempts of a name.
func (g *Guard) Succeeded(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.bad, "name:"+name)
}
