package diode

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gatehouse/exchange"
)

func newTestAuthority(t testing.TB) *authority {
	t.Helper()
	a, err := newAuthority(testKey)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// aPacket is a shard of an envelope of three blocks.
func aPacket() packet {
	return packet{
		kind: kindShard, stream: 7, number: 8, sender: 9, sending: sending{number: 10, digest: [16]byte{1, 2, 3}, size: 70*shardSize - 5, blocks: 3},
		block: 1, k: 23, m: 14, index: 36, shard: bytes.Repeat([]byte{0xa5}, shardSize),
	}
}

func TestPacketComesBackAsItWas(t *testing.T) {
	a, b := newTestAuthority(t), make([]byte, PacketSize)
	for _, p := range []packet{aPacket(), {kind: kindIdle, stream: 1, number: math.MaxUint64, sender: 3}} {
		a.seal(b, p)
		got, err := a.open(b)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.shard, p.shard) {
			t.Error("another shard")
		}
		got.shard, p.shard = nil, nil
		if got.kind != p.kind || got.stream != p.stream || got.number != p.number || got.sender != p.sender || got.sending != p.sending ||
			got.block != p.block || got.k != p.k || got.m != p.m || got.index != p.index {
			t.Errorf("got %+v, want %+v", got, p)
		}
	}
}

// TestDamageIsForeign cuts a packet at every length, flips every bit of its header and MAC, and random bits of the
// rest: nothing passes the MAC.
func TestDamageIsForeign(t *testing.T) {
	a, b := newTestAuthority(t), make([]byte, PacketSize)
	a.seal(b, aPacket())
	for n := range PacketSize {
		if _, err := a.open(b[:n]); !errors.Is(err, errForeign) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	if _, err := a.open(append(bytes.Clone(b), 0)); !errors.Is(err, errForeign) {
		t.Errorf("one byte longer: %v", err)
	}
	flip := func(bit int) {
		c := bytes.Clone(b)
		c[bit/8] ^= 1 << (bit % 8)
		if _, err := a.open(c); !errors.Is(err, errForeign) {
			t.Fatalf("bit %d of byte %d: %v", bit%8, bit/8, err)
		}
	}
	for bit := range headerSize * 8 {
		flip(bit)
	}
	for bit := (PacketSize - macSize) * 8; bit < PacketSize*8; bit++ {
		flip(bit)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		flip(rng.IntN(PacketSize * 8))
	}
	other, err := newAuthority(testKey + ".")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.open(b); !errors.Is(err, errForeign) {
		t.Errorf("under another key: %v", err)
	}
}

// TestMalformed: what has the right MAC is still held against every bound.
func TestMalformed(t *testing.T) {
	a, b := newTestAuthority(t), make([]byte, PacketSize)
	for what, spoil := range map[string]func(p *packet){
		"no such kind":             func(p *packet) { p.kind = 3 },
		"no stream":                func(p *packet) { p.stream = 0 },
		"no sender":                func(p *packet) { p.sender = 0 },
		"no number":                func(p *packet) { p.number = 0 },
		"no sending":               func(p *packet) { p.sending.number = 0 },
		"empty":                    func(p *packet) { p.sending.size = 0 },
		"too large":                func(p *packet) { p.sending.size = exchange.MaxEnvelope + 1 },
		"largest number":           func(p *packet) { p.sending.size = math.MaxUint32 },
		"no blocks":                func(p *packet) { p.sending.blocks = 0 },
		"more blocks than shards":  func(p *packet) { p.sending.blocks, p.k = 71, 1 },
		"a block beyond the last":  func(p *packet) { p.block = 3 },
		"no data":                  func(p *packet) { p.k = 0 },
		"more data than its share": func(p *packet) { p.k++ },
		"less data than its share": func(p *packet) { p.k-- },
		"no parity":                func(p *packet) { p.m = 0 },
		"too much parity":          func(p *packet) { p.m = 128 },
		"a shard beyond the last":  func(p *packet) { p.index = 37 },
	} {
		p := aPacket()
		spoil(&p)
		a.seal(b, p)
		if _, err := a.open(b); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzPacket: parse takes any bytes of the size and gives only what is within its bounds; what it takes of a shard is
// written back as the same bytes.
func FuzzPacket(f *testing.F) {
	a, b := newTestAuthority(f), make([]byte, PacketSize)
	a.seal(b, aPacket())
	f.Add(bytes.Clone(b[:headerSize]))
	a.seal(b, packet{kind: kindIdle, stream: 1, number: 1, sender: 1})
	f.Add(bytes.Clone(b[:headerSize]))
	f.Fuzz(func(t *testing.T, head []byte) {
		b := make([]byte, PacketSize)
		copy(b[:headerSize], head)
		p, err := parse(b)
		if err != nil || p.kind == kindIdle {
			return
		}
		if n := shards(p.sending.size); n > maxShards || p.sending.blocks > n || before(n, p.sending.blocks, p.block)+p.k > n || p.index >= p.k+p.m {
			t.Fatalf("out of bounds: %+v", p)
		}
		c := make([]byte, PacketSize)
		newTestAuthority(t).seal(c, p)
		if !bytes.Equal(b[:headerSize], c[:headerSize]) {
			t.Fatalf("%x is written back as %x", b[:headerSize], c[:headerSize])
		}
	})
}
