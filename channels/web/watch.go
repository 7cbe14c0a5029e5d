package web

import (
	"context"
	"hash/fnv"
	"reflect"
	"sync"
	"time"
)

// groups is among how many goroutines the waiting is shared. A wake costs its group's size, so groups are many; each
// costs a few kilobytes, once.
const groups = 256

// watch waits for the wakes of all talks in a few goroutines, each of which waits for many: one goroutine a talk would
// double the memory of an idle chat.
type watch struct {
	mu    sync.Mutex
	group [groups]chan change
	wg    sync.WaitGroup
}

type change struct {
	talk  *talk
	leave bool
}

func (w *watch) of(t *talk) int {
	h := fnv.New32a()
	h.Write([]byte(t.me.Value))
	return int(h.Sum32() % groups)
}

// enter rings t at each wake until it leaves.
func (w *watch) enter(ctx context.Context, t *talk) {
	w.mu.Lock()
	g := w.group[w.of(t)]
	if g == nil {
		g = make(chan change, 8)
		w.group[w.of(t)] = g
		w.wg.Go(func() { wait(ctx, g) })
	}
	w.mu.Unlock()
	g <- change{talk: t}
}

func (w *watch) leave(t *talk) {
	w.mu.Lock()
	g := w.group[w.of(t)]
	w.mu.Unlock()
	g <- change{talk: t, leave: true}
}

// close ends the goroutines. All talks have left by then.
func (w *watch) close() {
	w.mu.Lock()
	for i, g := range w.group {
		if g != nil {
			close(g)
			w.group[i] = nil
		}
	}
	w.mu.Unlock()
	w.wg.Wait()
}

// wait waits for a group's changes and for the wakes of its talks.
func wait(ctx context.Context, changes <-chan change) {
	talks := []*talk{nil}
	cases := []reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(changes)}}
	for {
		i, v, ok := reflect.Select(cases)
		switch {
		case i > 0 && ok:
			talks[i].ring(ctx, false)
			continue
		case i > 0: // the subscription has ended; the poll goes on
			talks, cases = drop(talks, i), drop(cases, i)
			continue
		case !ok:
			return
		}
		c, _ := v.Interface().(change)
		if !c.leave {
			talks = append(talks, c.talk)
			cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c.talk.wake)})
			continue
		}
		for i, t := range talks {
			if t == c.talk {
				talks, cases = drop(talks, i), drop(cases, i)
				break
			}
		}
	}
}

// drop takes out one of a list whose order does not matter.
func drop[T any](list []T, i int) []T {
	last := len(list) - 1
	list[i] = list[last]
	var none T
	list[last] = none
	return list[:last]
}

// sweep pings every chat once in a while, which also makes it look at the store when it has not for long.
func (c *Channel) sweep(ctx context.Context) {
	tick := time.NewTicker(max(c.config.Ping/16, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-c.quit:
			return
		case now := <-tick.C:
			c.mu.Lock()
			for t := range c.talks {
				if !now.Before(t.ping) {
					t.ping = now.Add(c.config.Ping)
					t.ring(ctx, true)
				}
			}
			c.mu.Unlock()
		}
	}
}
