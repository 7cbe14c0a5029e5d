package exchange

import (
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Party is one of the four that hold keys.
type Party string

// The parties. Each runs with a ring of its own; none holds private parts of another.
const (
	Extranet  Party = "extranet"
	UpGuard   Party = "up-guard"
	DownGuard Party = "down-guard"
	Intranet  Party = "intranet"
)

// Parties lists all, in the order in which a document goes up.
func Parties() []Party { return []Party{Extranet, UpGuard, DownGuard, Intranet} }

// route is who stands where in a lane.
type route struct{ origin, guard, end Party }

func routeOf(l Lane) route {
	if l == Up {
		return route{Extranet, UpGuard, Intranet}
	}
	return route{Intranet, DownGuard, Extranet}
}

// Opposite is the other lane, in which this one is acknowledged.
func (l Lane) Opposite() Lane {
	if l == Up {
		return Down
	}
	return Up
}

// Use is what a key is for.
type Use string

// A key does one thing alone.
const (
	Sign    Use = "sign"    // signs envelopes or verdicts: Ed25519
	Seal    Use = "seal"    // others seal to it: the KEM of its Suite
	Release Use = "release" // signs what staff let go down; the intranet's alone: Ed25519
	Receipt Use = "receipt" // signs receipts of declarations, the gateway's and the inside's: Ed25519
)

func uses() []Use { return []Use{Sign, Seal, Release, Receipt} }

// Uses lists what a key may be for.
func Uses() []Use { return uses() }

// KeyID is the first 8 bytes of SHA-256 over use, party and public part. It names a key; it proves nothing.
type KeyID [8]byte

// String is 16 hex digits.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// Key is one key. Its private part is there only in its owner's ring, and never prints.
type Key struct {
	Party  Party
	Use    Use
	ID     KeyID
	Suite  Suite     // of a sealing key; 0: it signs
	From   time.Time // valid from here
	Until  time.Time // its owner stops using it here; others accept it for KeyGrace longer
	Public []byte

	signer ed25519.PrivateKey
	opener hpke.PrivateKey
}

// KeyLife is how long a new key is used when nothing else is said.
const KeyLife = 366 * 24 * time.Hour

// Private tells whether the private part is here.
func (k Key) Private() bool { return k.signer != nil || k.opener != nil }

// NewKey makes a key that is valid for life from from on; one to seal to is of Suite1.
func NewKey(p Party, u Use, from time.Time, life time.Duration) (Key, error) {
	s := Suite(0)
	if u == Seal {
		s = Suite1
	}
	return NewKeyOf(s, p, u, from, life)
}

// NewKeyOf makes a key of a suite; that of a key that signs is 0.
func NewKeyOf(s Suite, p Party, u Use, from time.Time, life time.Duration) (Key, error) {
	private := make([]byte, 32)
	rand.Read(private)
	k := Key{Party: p, Use: u, Suite: s, From: from.UTC().Truncate(time.Second), Until: from.Add(life).UTC().Truncate(time.Second)}
	if err := k.take(private); err != nil {
		return Key{}, fmt.Errorf("make key: %w", err)
	}
	return k, nil
}

// take sets the private part, and the public part that follows from it.
func (k *Key) take(private []byte) error {
	if len(private) != 32 {
		return errors.New("the private part is not 32 bytes")
	}
	switch k.Use {
	case Sign, Release, Receipt:
		if k.Suite != 0 {
			return fmt.Errorf("a key to %s has no suite", k.Use)
		}
		k.signer = ed25519.NewKeyFromSeed(private)
		k.Public = k.signer.Public().(ed25519.PublicKey)
	case Seal:
		a, ok := algorithmsOf(k.Suite)
		if !ok {
			return fmt.Errorf("suite %d is not known; write 1 or 2", k.Suite)
		}
		opener, err := a.kem.NewPrivateKey(private)
		if err != nil {
			return err
		}
		k.opener, k.Public = opener, opener.PublicKey().Bytes()
	default:
		return fmt.Errorf("%q is no use of a key", k.Use)
	}
	k.ID = k.id()
	return nil
}

// secret gives the 32 bytes that take reads.
func (k Key) secret() ([]byte, error) {
	if k.Use == Seal {
		return k.opener.Bytes()
	}
	return k.signer.Seed(), nil
}

// id names the key.
func (k Key) id() KeyID {
	sum := k.digest()
	return KeyID(sum[:8])
}

// digest stands for the key. Of suites after the first, the number is in it, so that no key is taken for one of another
// suite.
func (k Key) digest() [32]byte {
	name := "gatehouse key\x00" + string(k.Use) + "\x00" + string(k.Party) + "\x00"
	if k.Suite > Suite1 {
		name += fmt.Sprintf("suite %d\x00", k.Suite)
	}
	return sha256.Sum256(append([]byte(name), k.Public...))
}
