package diode

import (
	"container/list"
	"crypto/sha256"
	"time"
)

// forgetAfter is when an envelope that is not whole is given up: no pass is that late.
const forgetAfter = 30 * time.Second

// maxPartial bounds how many envelopes may be in the making at once.
const maxPartial = 4096

// shardCost is what one shard takes in memory, with all that is around it.
const shardCost = shardSize + 64

// gather puts envelopes together from shards. What it keeps is bounded by memory, number and age, whatever comes;
// nothing is allocated for what a packet announces, only for what it holds. It is used by one goroutine at a time.
type gather struct {
	memory int // bytes it may keep
	codes  codes
	open   map[uint64]*list.Element // of *partial
	age    list.List                // oldest first
	bytes  int

	recovered uint64 // blocks that were restored from parity
	givenUp   uint64 // envelopes of which too little came
	malformed uint64 // shards that don't fit the others of their envelope
}

// partial is an envelope in the making.
type partial struct {
	sending
	sender uint64
	key    uint64
	first  time.Time
	parts  map[int]*block
	done   int // blocks that are whole
	bytes  int
}

type block struct {
	k, m   int
	came   int
	shards [][]byte // by number, once a shard came; data alone when it is whole
	whole  bool
}

func newGather(memory int) *gather {
	return &gather{memory: memory, codes: codes{}, open: map[uint64]*list.Element{}}
}

// add takes a shard. It gives the envelope's bytes when this one makes it whole, else nil. They are right: they have
// the digest that every packet of the envelope names.
func (g *gather) add(p packet, now time.Time) []byte {
	o := g.partial(p, now)
	if o == nil {
		return nil
	}
	b := o.parts[p.block]
	if b == nil {
		b = &block{k: p.k, m: p.m, shards: make([][]byte, p.k+p.m)}
		o.parts[p.block] = b
		g.take(o, len(b.shards)*24+128)
	}
	if b.m != p.m {
		g.malformed++
		return nil
	}
	if b.whole || b.shards[p.index] != nil {
		return nil
	}
	b.shards[p.index] = append(make([]byte, 0, shardSize), p.shard...)
	b.came++
	g.take(o, shardCost)
	if b.came == b.k && g.restore(o, b) && o.done == o.blocks {
		return g.finish(o)
	}
	g.shrink(o)
	return nil
}

// partial finds the envelope of a shard, or begins it.
func (g *gather) partial(p packet, now time.Time) *partial {
	if e := g.open[p.key()]; e != nil {
		if o := e.Value.(*partial); o.sending == p.sending && o.sender == p.sender {
			return o
		}
		g.malformed++
		return nil
	}
	o := &partial{sending: p.sending, sender: p.sender, key: p.key(), first: now, parts: map[int]*block{}}
	g.open[o.key] = g.age.PushBack(o)
	g.take(o, 512)
	return o
}

func (g *gather) take(o *partial, n int) {
	o.bytes += n
	g.bytes += n
}

// restore makes a block whole from any k of its shards, and lets its parity go.
func (g *gather) restore(o *partial, b *block) bool {
	lacking := 0
	for _, s := range b.shards[:b.k] {
		if s == nil {
			lacking++
		}
	}
	if lacking > 0 {
		code, err := g.codes.get(b.k, b.m)
		if err == nil {
			err = code.ReconstructData(b.shards)
		}
		if err != nil { // k shards are there, so this can't be
			g.malformed++
			g.drop(o)
			return false
		}
		g.recovered++
	}
	b.shards, b.whole = b.shards[:b.k:b.k], true
	o.done++
	return true
}

// finish puts a whole envelope together and holds it against its digest.
func (g *gather) finish(o *partial) []byte {
	whole := make([]byte, 0, shards(o.size)*shardSize)
	for i := range o.blocks {
		for _, s := range o.parts[i].shards {
			whole = append(whole, s...)
		}
	}
	g.drop(o)
	whole = whole[:o.size]
	if sum := sha256.Sum256(whole); [16]byte(sum[:16]) != o.digest {
		g.malformed++
		return nil
	}
	return whole
}

// shrink gives up the oldest until the bounds hold; keep is the last to go.
func (g *gather) shrink(keep *partial) {
	for g.bytes > g.memory || len(g.open) > maxPartial {
		oldest := g.age.Front().Value.(*partial)
		if oldest == keep && g.age.Len() > 1 {
			oldest = g.age.Front().Next().Value.(*partial)
		}
		g.drop(oldest)
		g.givenUp++
	}
}

// expire gives up what is too old.
func (g *gather) expire(now time.Time) {
	for e := g.age.Front(); e != nil && now.Sub(e.Value.(*partial).first) > forgetAfter; e = g.age.Front() {
		g.drop(e.Value.(*partial))
		g.givenUp++
	}
}

// reset forgets everything of a sender in the making: when it starts anew it sends all again.
func (g *gather) reset(sender uint64) {
	for e := g.age.Front(); e != nil; {
		o := e.Value.(*partial)
		e = e.Next()
		if o.sender == sender {
			g.drop(o)
		}
	}
}

func (g *gather) drop(o *partial) {
	if e := g.open[o.key]; e != nil {
		g.age.Remove(e)
		delete(g.open, o.key)
		g.bytes -= o.bytes
	}
}
