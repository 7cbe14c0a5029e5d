package exchange

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// room1 is what an envelope of the first suite holds.
const room1 = MaxEnvelope - outerSize - 32 - tag

// eachSuite runs a test in a world whose sealing keys are of each suite in turn.
func eachSuite(t *testing.T, test func(t *testing.T, w world)) {
	for _, s := range Suites() {
		t.Run(fmt.Sprintf("suite %d", s), func(t *testing.T) { test(t, newWorldOf(t, s)) })
	}
}

// TestDamage flips each bit of the header and a thousand others, and cuts at many lengths: never opened.
func TestDamage(t *testing.T) { eachSuite(t, damage) }

func damage(t *testing.T, w world) {
	e := firstHop(t, w, Up, aCase())
	try := func(what string, at int, b []byte) {
		t.Helper()
		if _, err := w[UpGuard].Unseal(Up, Envelope{Lane: Up, Epoch: 1, Seq: 1, Bytes: b}, noon); !errors.Is(err, ErrAside) {
			t.Fatalf("%s at %d: %v", what, at, err)
		}
		if _, err := ParseEnvelope(b); err == nil && what != "header bit flipped" {
			t.Fatalf("%s at %d: parsed", what, at)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range outerSize * 8 {
		b := bytes.Clone(e.Bytes)
		b[i/8] ^= 1 << (i % 8)
		try("header bit flipped", i, b)
	}
	for range 1000 {
		b := bytes.Clone(e.Bytes)
		i := outerSize*8 + rng.IntN((len(b)-outerSize)*8)
		b[i/8] ^= 1 << (i % 8)
		try("body bit flipped", i, b)
	}
	for n := range len(e.Bytes) {
		try("cut", n, e.Bytes[:n])
	}
	try("longer", 1, append(bytes.Clone(e.Bytes), 0))
}

// TestDamageUnderTheDigest repairs the body's digest after the damage: then the decryption must notice.
func TestDamageUnderTheDigest(t *testing.T) { eachSuite(t, damageUnderTheDigest) }

func damageUnderTheDigest(t *testing.T, w world) {
	e := firstHop(t, w, Up, aCase())
	for i := outerSize; i < len(e.Bytes); i += 97 {
		b := bytes.Clone(e.Bytes)
		b[i] ^= 0x40
		sum := sha256.Sum256(b[outerSize:])
		copy(b[outerBound:], sum[:])
		if _, err := ParseEnvelope(b); err != nil {
			t.Fatalf("at %d: %v", i, err)
		}
		if _, err := w[UpGuard].Unseal(Up, Envelope{Bytes: b}, noon); !errors.Is(err, ErrAside) {
			t.Fatalf("at %d: %v", i, err)
		}
	}
}

func TestSectionsAreReadInOneWay(t *testing.T) {
	s := sections{[]byte("h"), []byte("content"), []byte("s"), nil, nil}
	b, err := s.encode(room1)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parseSections(b, room1); err != nil || string(got.content) != "content" {
		t.Fatalf("%+v, %v", got, err)
	}
	used := 5*4 + 9
	for name, change := range map[string]func([]byte) []byte{
		"padding not zero":  func(b []byte) []byte { b[len(b)-1] = 1; return b },
		"zero after last":   func(b []byte) []byte { b[used] = 1; return b },
		"shorter padding":   func(b []byte) []byte { return b[:len(b)-1] },
		"longer padding":    func(b []byte) []byte { return append(b, 0) },
		"next bucket":       func(b []byte) []byte { return append(b, make([]byte, smallest)...) },
		"length too great":  func(b []byte) []byte { binary.BigEndian.PutUint32(b, 1<<31); return b },
		"length just over":  func(b []byte) []byte { binary.BigEndian.PutUint32(b, uint32(len(b)-3)); return b },
		"nothing":           func([]byte) []byte { return nil },
		"one section alone": func(b []byte) []byte { return b[:5] },
	} {
		if _, err := parseSections(change(bytes.Clone(b)), room1); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

func FuzzParseEnvelope(f *testing.F) {
	worlds := map[Suite]world{}
	for _, s := range Suites() {
		worlds[s] = newWorldOf(f, s)
		f.Add(firstHop(f, worlds[s], Up, aCase()).Bytes)
	}
	f.Add([]byte("GHEV"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ParseEnvelope(b)
		if err != nil {
			if !errors.Is(err, ErrAside) {
				t.Errorf("not ErrAside: %v", err)
			}
			return
		}
		o, _ := parseOuter(b)
		if head := o.encode(); !bytes.Equal(head[:], b[:outerSize]) || e.Seq == 0 || e.Epoch == 0 {
			t.Errorf("header is read in another way: %x", b[:outerSize])
		}
		for s, w := range worlds {
			if _, err := w[UpGuard].Unseal(Up, e, noon); err != nil && !errors.Is(err, ErrAside) || err == nil && o.suite != s {
				t.Errorf("suite %d, named %d: %v", s, o.suite, err)
			}
		}
	})
}

func FuzzSections(f *testing.F) {
	b, _ := sections{[]byte("h"), []byte("c"), []byte("s"), []byte("v"), []byte("e")}.encode(room1)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSections(b, room1)
		if err != nil {
			return
		}
		if again, err := s.encode(room1); err != nil || !bytes.Equal(again, b) {
			t.Errorf("encode(parse(x)) is not x")
		}
	})
}
