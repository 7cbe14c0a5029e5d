package exchange

import (
	"crypto/ecdh"
	"crypto/hpke"
	"fmt"
)

// Suite is a set of algorithms that seals envelopes. Its number stands in the outer header; it follows from the
// recipient's key, which is of one suite, and a receiver takes only those that its operator allows (Ring.Allow).
type Suite byte

// The suites, both with HKDF-SHA256 and ChaCha20-Poly1305.
const (
	// Suite1 is DHKEM(X25519, HKDF-SHA256) (RFC 9180 §7.1).
	Suite1 Suite = 1
	// Suite2 is MLKEM768-X25519, also known as X-Wing (draft-ietf-hpke-pq §4): it holds as long as one of ML-KEM-768
	// (FIPS 203) and X25519 does, so what is recorded today stays closed to a quantum computer. An envelope is 1088
	// bytes longer.
	Suite2 Suite = 2
)

// Suites lists all.
func Suites() []Suite { return []Suite{Suite1, Suite2} }

// CheckSuites tells what is wrong with an operator's list; an empty one allows all.
func CheckSuites(list []Suite) error {
	for _, s := range list {
		if _, ok := algorithmsOf(s); !ok {
			return fmt.Errorf("suite %d is not known; write a list of %v, such as [1, 2]", s, Suites())
		}
	}
	return nil
}

// algorithms are what a suite stands for.
type algorithms struct {
	kem  hpke.KEM
	kdf  hpke.KDF
	aead hpke.AEAD
	enc  int // bytes of the encapsulated key (RFC 9180 §7.1)
	pub  int // bytes of a public key
}

// tag is what the encryption adds to the plain text (RFC 8439 §2.8).
const tag = 16

func algorithmsOf(s Suite) (algorithms, bool) {
	a := algorithms{kdf: hpke.HKDFSHA256(), aead: hpke.ChaCha20Poly1305()}
	switch s {
	case Suite1:
		a.kem, a.enc, a.pub = hpke.DHKEM(ecdh.X25519()), 32, 32
	case Suite2:
		a.kem, a.enc, a.pub = hpke.MLKEM768X25519(), 1120, 1216
	default:
		return a, false
	}
	return a, true
}

// room is how much plain text an envelope can hold.
func (a algorithms) room() int { return MaxEnvelope - outerSize - a.enc - tag }
