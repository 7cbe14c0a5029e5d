package program

import (
	"sync"
	"time"

	"gatehouse/channels"
)

const (
	// gateRoom bounds what one channel sends at once. Each has its own room: a slow carrier holds up itself alone.
	gateRoom = 128
	// gateBusy is when a delivery comes again that found no room; later the more there are, up to gateBusyMax.
	gateBusy    = time.Second
	gateBusyMax = 30 * time.Second
	// gateRest is how long a misconfigured channel rests, gateRestMax how long one delivery waits there at most.
	gateRest    = time.Minute
	gateRestMax = 15 * time.Minute
	// gateFaults is how many misconfigured sendings in a row stop a channel: one message that a carrier does not
	// like must not stop all.
	gateFaults = 3
)

// gate lets through what one channel may send.
type gate struct {
	mu     sync.Mutex
	inside int
	away   int // about how many notices and broadcasts found no room
	faults int // misconfigured sendings since the last good one
	rests  time.Time
	slow   time.Time // until then broadcasts wait: the carrier had no room
}

func newGate() *gate { return &gate{} }

func (g *gate) room() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return gateRoom - g.inside
}

// enter takes a place. Otherwise it says how long to stay away.
func (g *gate) enter(q channels.Queue, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if wait := g.rests.Sub(now); wait > 0 {
		return wait
	}
	if wait := g.slow.Sub(now); wait > 0 && q == channels.Broadcast {
		return wait
	}
	if g.inside < places(q) {
		g.inside++
		g.away = max(g.away-1, 0)
		return 0
	}
	if q == channels.Reply {
		return gateBusy
	}
	g.away++
	return min(gateBusy*time.Duration(1+g.away/gateRoom), gateBusyMax)
}

// throttled holds broadcasts back for as long as the carrier asked, a second at least.
func (g *gate) throttled(now time.Time, after time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := now.Add(min(max(after, time.Second), gateRestMax)); until.After(g.slow) {
		g.slow = until
	}
}

// places keeps room for what is more urgent.
func places(q channels.Queue) int {
	switch q {
	case channels.Reply:
		return gateRoom
	case channels.Notice:
		return gateRoom * 3 / 4
	}
	return gateRoom / 2
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
}

// well notes a good sending: the channel's settings are right.
func (g *gate) well() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults, g.rests = 0, time.Time{}
}

func (g *gate) unwell(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.faults++; g.faults >= gateFaults {
		g.rests = now.Add(gateRest)
	}
}
