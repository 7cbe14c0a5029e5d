package diode

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	"gatehouse/exchange"
)

// Every packet has the same size, whatever it says. All numbers are big-endian.
//
//	 0  2  "GD"                        36  16  SHA-256 of the envelope, its first half
//	 2  1  version, 1                  52   4  bytes of the envelope
//	 3  1  kind: 1 shard, 2 idle       56   2  blocks of the envelope
//	 4  8  stream: when the sender     58   2  this block
//	       was started                 60   1  data shards of the block
//	12  8  number of the packet in     61   1  parity shards
//	       the stream, from 1          62   1  this shard
//	20  8  sender: a number of its     63   1  zero
//	       own, kept in its folder     64 1120 the shard
//	28  8  number of the sending     1184  16  MAC: HMAC-SHA-256 (RFC 2104) over all before, its first half
//
// In an idle packet all from 28 to 1184 is zero.
const (
	// PacketSize is that of every packet, in bytes of UDP payload. With IPv6 and UDP headers it stays under 1280, which
	// every path carries whole (RFC 8200 §5).
	PacketSize = 1200
	headerSize = 64
	macSize    = 16
	shardSize  = PacketSize - headerSize - macSize

	kindShard byte = 1
	kindIdle  byte = 2
	version   byte = 1

	maxShards = (exchange.MaxEnvelope + shardSize - 1) / shardSize
	maxData   = 128
	maxParity = 127
)

// packet is what one says.
type packet struct {
	kind    byte
	stream  uint64
	number  uint64
	sender  uint64
	sending sending
	block   int
	k, m    int
	index   int
	shard   []byte // of the packet's own bytes
}

// key tells a sending from all others, those of other senders too.
func (p packet) key() uint64 { return p.sending.number ^ p.sender }

// sending is one envelope on its way: all packets of it say the same.
type sending struct {
	number uint64
	digest [16]byte
	size   int
	blocks int
}

// Faults of a packet.
var (
	errForeign   = errors.New("is not from the sender")
	errMalformed = errors.New("does not hold what a packet holds")
)

// shards is how many data shards an envelope of size bytes has.
func shards(size int) int { return (size + shardSize - 1) / shardSize }

// share is how many data shards block b of blocks has when n are dealt out evenly.
func share(n, blocks, b int) int {
	if b < n%blocks {
		return n/blocks + 1
	}
	return n / blocks
}

// before is how many data shards stand before block b.
func before(n, blocks, b int) int { return b*(n/blocks) + min(b, n%blocks) }

// authority makes and checks the packets' MACs. It is used by one goroutine at a time.
type authority struct {
	mac hash.Hash
	sum []byte
}

// newAuthority derives the key for packets, so that the same secret may serve for nothing else by mistake.
func newAuthority(key string) (*authority, error) {
	k, err := hkdf.Key(sha256.New, []byte(key), nil, "gatehouse diode packet 1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return &authority{mac: hmac.New(sha256.New, k)}, nil
}

func (a *authority) of(b []byte) []byte {
	a.mac.Reset()
	a.mac.Write(b)
	a.sum = a.mac.Sum(a.sum[:0])
	return a.sum[:macSize]
}

// seal writes p into b, which has PacketSize bytes.
func (a *authority) seal(b []byte, p packet) {
	clear(b)
	copy(b, "GD")
	b[2], b[3] = version, p.kind
	binary.BigEndian.PutUint64(b[4:], p.stream)
	binary.BigEndian.PutUint64(b[12:], p.number)
	binary.BigEndian.PutUint64(b[20:], p.sender)
	if p.kind == kindShard {
		binary.BigEndian.PutUint64(b[28:], p.sending.number)
		copy(b[36:], p.sending.digest[:])
		binary.BigEndian.PutUint32(b[52:], uint32(p.sending.size))
		binary.BigEndian.PutUint16(b[56:], uint16(p.sending.blocks))
		binary.BigEndian.PutUint16(b[58:], uint16(p.block))
		b[60], b[61], b[62] = byte(p.k), byte(p.m), byte(p.index)
		copy(b[headerSize:], p.shard)
	}
	end := PacketSize - macSize
	copy(b[end:], a.of(b[:end]))
}

// open reads a packet that came over the wire. The MAC is looked at before anything that the packet says. Its shard
// is a part of b.
func (a *authority) open(b []byte) (packet, error) {
	end := PacketSize - macSize
	if len(b) != PacketSize || !hmac.Equal(b[end:], a.of(b[:end])) {
		return packet{}, errForeign
	}
	return parse(b)
}

// parse reads a packet whose MAC is right, and holds every number in it against its bound.
func parse(b []byte) (packet, error) {
	if string(b[:2]) != "GD" || b[2] != version {
		return packet{}, errMalformed
	}
	p := packet{
		kind: b[3], stream: binary.BigEndian.Uint64(b[4:]), number: binary.BigEndian.Uint64(b[12:]), sender: binary.BigEndian.Uint64(b[20:]),
	}
	if p.stream == 0 || p.number == 0 || p.sender == 0 {
		return packet{}, errMalformed
	}
	if p.kind == kindIdle {
		return p, nil
	}
	p.sending = sending{
		number: binary.BigEndian.Uint64(b[28:]), digest: [16]byte(b[36:]),
		size: int(binary.BigEndian.Uint32(b[52:])), blocks: int(binary.BigEndian.Uint16(b[56:])),
	}
	p.block, p.k, p.m, p.index = int(binary.BigEndian.Uint16(b[58:])), int(b[60]), int(b[61]), int(b[62])
	p.shard = b[headerSize : PacketSize-macSize]
	return p, p.check(b[63])
}

func (p packet) check(spare byte) error {
	s := p.sending
	switch {
	case p.kind != kindShard, spare != 0, s.number == 0:
	case s.size < 1 || s.size > exchange.MaxEnvelope:
	case s.blocks < 1 || s.blocks > shards(s.size) || p.block >= s.blocks:
	case p.k < 1 || p.k > maxData || p.k != share(shards(s.size), s.blocks, p.block):
	case p.m < 1 || p.m > maxParity || p.index >= p.k+p.m:
	default:
		return nil
	}
	return errMalformed
}
