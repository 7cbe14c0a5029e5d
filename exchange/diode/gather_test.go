package diode

import (
	"crypto/sha256"
	"testing"
	"time"

	"gatehouse/exchange"
)

// shardOf is the only data shard of a one-shard envelope.
func shardOf(number uint64, text string) packet {
	b := make([]byte, shardSize)
	copy(b, text)
	sum := sha256.Sum256([]byte(text))
	return packet{kind: kindShard, sending: sending{number, [16]byte(sum[:16]), len(text), 1}, k: 1, m: 6, shard: b}
}

// TestMemoryIsBounded: a sender gone mad begins envelopes without end, of every announced size, and finishes none.
func TestMemoryIsBounded(t *testing.T) {
	const memory = 4 << 20
	for name, next := range map[string]func(i int) packet{
		"one shard each": func(i int) packet {
			return packet{sending: sending{number: uint64(i + 1), size: 2 * shardSize, blocks: 1}, k: 2, m: 6, index: i % 8, shard: make([]byte, shardSize)}
		},
		"largest, many blocks": func(i int) packet {
			n := i / maxShards
			return packet{sending: sending{number: uint64(n + 1), size: exchange.MaxEnvelope, blocks: maxShards / 2},
				block: i % (maxShards / 2), k: share(maxShards, maxShards/2, i%(maxShards/2)), m: maxParity, shard: make([]byte, shardSize)}
		},
		"another envelope of one number": func(i int) packet {
			return packet{sending: sending{number: 1, digest: [16]byte{byte(i), byte(i >> 8)}, size: 2 * shardSize, blocks: 1}, k: 2, m: 6, shard: make([]byte, shardSize)}
		},
	} {
		g := newGather(memory)
		for i := range 30_000 {
			if g.add(next(i), time.Time{}) != nil {
				t.Fatalf("%s: an envelope out of nothing", name)
			}
			if g.bytes > memory || len(g.open) > maxPartial || g.age.Len() != len(g.open) {
				t.Fatalf("%s: %d bytes of %d envelopes", name, g.bytes, len(g.open))
			}
		}
		if g.givenUp+g.malformed == 0 {
			t.Errorf("%s: nothing was given up", name)
		}
		g.reset(0)
		if g.bytes != 0 || len(g.open) != 0 {
			t.Errorf("%s: %d bytes are left", name, g.bytes)
		}
	}
}

func TestOldPartsAreGivenUp(t *testing.T) {
	g, now := newGather(DefaultMemory), time.Now()
	p := packet{sending: sending{number: 1, size: 2 * shardSize, blocks: 1}, k: 2, m: 6, shard: make([]byte, shardSize)}
	g.add(p, now)
	p.sending.number = 2
	g.add(p, now.Add(time.Second))
	g.expire(now.Add(forgetAfter + time.Millisecond))
	if g.givenUp != 1 || len(g.open) != 1 || g.open[2] == nil {
		t.Errorf("given up %d, open %d", g.givenUp, len(g.open))
	}
}

// TestOnlyTheDigestsBytes: shards that fit and have the right MAC, yet make something else, give nothing.
func TestOnlyTheDigestsBytes(t *testing.T) {
	g := newGather(DefaultMemory)
	if got := g.add(shardOf(1, "hello"), time.Time{}); string(got) != "hello" {
		t.Errorf("got %q", got)
	}
	p := shardOf(2, "hello")
	p.shard[1] = 'a'
	if got := g.add(p, time.Time{}); got != nil || g.malformed != 1 {
		t.Errorf("got %q", got)
	}
	p = shardOf(3, "hello")
	p.k, p.sending.size = 2, 2*shardSize
	g.add(p, time.Time{})
	q := p
	q.m++
	q.index = 1
	if g.add(q, time.Time{}); g.malformed != 2 {
		t.Error("a block with two codes was taken")
	}
	if len(g.open) != 1 {
		t.Errorf("%d open", len(g.open))
	}
}

func TestWindow(t *testing.T) {
	var w window
	for i, c := range []struct {
		n       uint64
		fresh   bool
		missing uint64
	}{
		{100, true, 0}, {100, false, 0}, {102, true, 1}, {101, true, 0}, {101, false, 0}, {99, true, 0},
		{102 + windowSize - 1, true, windowSize - 2}, {102, false, windowSize - 2}, {103, true, windowSize - 3}, {101, false, windowSize - 3},
		{1 << 40, true, 1<<40 - 99 + 1 - 7}, {1 << 39, false, 1<<40 - 99 + 1 - 7}, {1<<40 - 1, true, 1<<40 - 99 + 1 - 8},
	} {
		if got := w.fresh(c.n); got != c.fresh || w.missing() != c.missing {
			t.Errorf("step %d, %d: %v, %d missing; want %v, %d", i, c.n, got, w.missing(), c.fresh, c.missing)
		}
	}
}
