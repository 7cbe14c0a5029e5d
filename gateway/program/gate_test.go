package program

import (
	"testing"
	"time"

	"gatehouse/channels"
)

func TestGateKeepsRoomForReplies(t *testing.T) {
	g, now := newGate(), time.Unix(1e9, 0)
	entered := func(q channels.Queue) (n int) {
		for g.enter(q, now) == 0 {
			n++
		}
		return n
	}
	b, n, r := entered(channels.Broadcast), entered(channels.Notice), entered(channels.Reply)
	if b != gateRoom/2 || n == 0 || r == 0 || b+n+r != gateRoom || g.room() != 0 {
		t.Errorf("%d broadcasts, %d notices and %d replies at once", b, n, r)
	}
	g.leave()
	if g.enter(channels.Broadcast, now) == 0 || g.enter(channels.Reply, now) != 0 {
		t.Error("a place that became free did not go to a reply")
	}
}

func TestGateSpreadsACrowd(t *testing.T) {
	g, now := newGate(), time.Unix(1e9, 0)
	var last time.Duration
	for range 100 * gateRoom {
		last = g.enter(channels.Broadcast, now)
	}
	if last != gateBusyMax || g.enter(channels.Reply, now) != 0 {
		t.Errorf("the last of a crowd comes again after %s", last)
	}
}

func TestGateRestsAfterFaultsInARow(t *testing.T) {
	g, now := newGate(), time.Unix(1e9, 0)
	for range 10 * gateFaults { // one message that the carrier does not like, among good ones
		g.unwell(now)
		g.well()
	}
	if g.enter(channels.Reply, now) != 0 {
		t.Fatal("one bad message stops a channel")
	}
	for range gateFaults {
		g.unwell(now)
	}
	if wait := g.enter(channels.Reply, now); wait != gateRest {
		t.Fatalf("a misconfigured channel rests for %s", wait)
	}
	now = now.Add(gateRest)
	if g.enter(channels.Reply, now) != 0 {
		t.Fatal("nothing is tried after the rest")
	}
	g.unwell(now)
	if g.enter(channels.Reply, now) == 0 {
		t.Fatal("a channel that is still wrong does not rest again")
	}
}
