package exchange

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// The outer header is the only thing in clear: 128 bytes, big-endian.
//
//	 0  4  "GHEV"                      40  32  digest of the envelope before; zero before number 1
//	 4  1  version, 1                  72  24  zero
//	 5  1  suite                       96  32  SHA-256 of the body
//	 6  1  lane: 1 up, 2 down         128      body: encapsulated key, ciphertext
//	 7  1  hop: 1 to the guard, 2 from it
//	 8  8  sender's signing key
//	16  8  recipient's sealing key
//	24  4  epoch
//	28  8  number in the lane, from 1
//	36  4  bytes of the body
//
// The digest of an envelope is SHA-256 over these 128 bytes; through the last field it covers the body. The first 96
// are the additional data of the encryption.
const (
	outerSize  = 128
	outerBound = 96
	outerMagic = "GHEV"
	version    = 1
)

// hop is the stretch of a lane that an envelope is sealed for.
type hop byte

const (
	toGuard   hop = 1
	fromGuard hop = 2
)

type outer struct {
	suite     Suite
	lane      Lane
	hop       hop
	sender    KeyID
	recipient KeyID
	epoch     uint32
	seq       uint64
	prev      [32]byte
	body      uint32
	digest    [32]byte
}

func laneByte(l Lane) byte {
	if l == Up {
		return 1
	}
	return 2
}

func (o outer) encode() [outerSize]byte {
	var b [outerSize]byte
	copy(b[:], outerMagic)
	b[4], b[5], b[6], b[7] = version, byte(o.suite), laneByte(o.lane), byte(o.hop)
	copy(b[8:], o.sender[:])
	copy(b[16:], o.recipient[:])
	binary.BigEndian.PutUint32(b[24:], o.epoch)
	binary.BigEndian.PutUint64(b[28:], o.seq)
	binary.BigEndian.PutUint32(b[36:], o.body)
	copy(b[40:], o.prev[:])
	copy(b[96:], o.digest[:])
	return b
}

// A Fault is what is wrong with an envelope that can never be accepted. It is ErrAside.
type Fault struct {
	Reason Reason
	Text   string
}

// Error says what is wrong, never with content.
func (f *Fault) Error() string { return "envelope: " + f.Text }

// Is makes every fault ErrAside.
func (f *Fault) Is(target error) bool { return target == ErrAside }

func fault(r Reason, format string, a ...any) error {
	return &Fault{Reason: r, Text: fmt.Sprintf(format, a...)}
}

func parseOuter(b []byte) (outer, error) {
	var o outer
	if len(b) > MaxEnvelope {
		return o, fault(ReasonSize, "is over %d bytes", MaxEnvelope)
	}
	if len(b) < outerSize || string(b[:4]) != outerMagic || b[4] != version {
		return o, fault(ReasonForged, "has no header of version %d", version)
	}
	o.suite, o.hop = Suite(b[5]), hop(b[7])
	if _, ok := algorithmsOf(o.suite); !ok {
		return o, fault(ReasonForged, "names suite %d, which is not known", o.suite)
	}
	switch b[6] {
	case 1:
		o.lane = Up
	case 2:
		o.lane = Down
	default:
		return o, fault(ReasonForged, "names no lane")
	}
	copy(o.sender[:], b[8:])
	copy(o.recipient[:], b[16:])
	o.epoch = binary.BigEndian.Uint32(b[24:])
	o.seq = binary.BigEndian.Uint64(b[28:])
	o.body = binary.BigEndian.Uint32(b[36:])
	copy(o.prev[:], b[40:])
	copy(o.digest[:], b[96:])
	return o, o.check(b)
}

func (o outer) check(b []byte) error {
	switch {
	case o.hop != toGuard && o.hop != fromGuard:
		return fault(ReasonForged, "names no hop")
	case o.epoch == 0 || o.seq == 0:
		return fault(ReasonForged, "has no number")
	case [24]byte(b[72:96]) != [24]byte{}:
		return fault(ReasonForged, "has something where zeros belong")
	case int(o.body) != len(b)-outerSize:
		return fault(ReasonForged, "has %d bytes of body, not %d", len(b)-outerSize, o.body)
	case o.encode() != [outerSize]byte(b):
		return fault(ReasonForged, "has another header than it means")
	case sha256.Sum256(b[outerSize:]) != o.digest:
		return fault(ReasonForged, "has a body that is not the one named")
	}
	return nil
}

// ParseEnvelope reads the outer header of bytes that came over a link and holds the body against its digest. What it
// gives is whole, not yet genuine: Unseal or Open tell that. Its errors are ErrAside.
func ParseEnvelope(b []byte) (Envelope, error) {
	o, err := parseOuter(b)
	if err != nil {
		return Envelope{}, err
	}
	return Envelope{Lane: o.lane, Epoch: o.epoch, Seq: o.seq, Bytes: b}, nil
}

// Head gives the envelope's own number and digest, out of its bytes; zero when they have no whole header.
func (e Envelope) Head() Head {
	o, err := parseOuter(e.Bytes)
	if err != nil {
		return Head{}
	}
	return o.head()
}

func (o outer) head() Head {
	b := o.encode()
	return Head{Epoch: o.epoch, Seq: o.seq, Digest: sha256.Sum256(b[:])}
}
