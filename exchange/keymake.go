package exchange

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// MakeKeys makes under dir a directory for each of parties, with its own keys where it has none,
// and gives each the public parts that it needs of the others. What is there stays; so it is safe to repeat, and one
// machine that plays all four (no isolation) is set up by one call.
func MakeKeys(dir string, parties []Party, now time.Time) error {
	return MakeKeysOf(Suite1, dir, parties, now)
}

// MakeKeysOf is MakeKeys with sealing keys of a suite.
func MakeKeysOf(s Suite, dir string, parties []Party, now time.Time) error {
	for _, p := range parties {
		if err := makeOwn(filepath.Join(dir, string(p)), p, s, now); err != nil {
			return fmt.Errorf("make keys of %s: %w", p, err)
		}
	}
	for _, from := range parties {
		for _, to := range parties {
			if err := handOver(filepath.Join(dir, string(from)), filepath.Join(dir, string(to)), from, to); err != nil {
				return fmt.Errorf("give keys of %s to %s: %w", from, to, err)
			}
		}
	}
	return nil
}

func makeOwn(dir string, p Party, s Suite, now time.Time) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	r, err := LoadRing(dir, p)
	if err != nil {
		return err
	}
	for _, u := range uses() {
		if _, ok := r.current(p, u, now); ok || !need(p, p, u) {
			continue
		}
		of := s
		if u != Seal {
			of = 0
		}
		k, err := NewKeyOf(of, p, u, now, KeyLife)
		if err != nil {
			return err
		}
		if err := WriteKey(dir, k); err != nil {
			return err
		}
	}
	return publish(dir, r)
}

// publish writes the public parts that a crash between a key's two files left out.
func publish(dir string, r *Ring) error {
	for _, k := range r.Keys() {
		if k.Party != r.Party {
			continue
		}
		if err := WriteKey(dir, k); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// Rotation is what RotateKey makes.
type Rotation struct {
	Party Party
	Use   Use
	Suite Suite         // of a sealing key; 0: that of the key before
	From  time.Time     // when it is used first; the public part must be with its holders by then
	Life  time.Duration // 0: KeyLife
}

// ErrRotating means that a next key is there already, and is not in use yet.
var ErrRotating = errors.New("the next key is there already")

// RotateKey makes p's next key for a use in its folder. The one before is used until then, and accepted for KeyOverlap
// and KeyGrace after it.
func RotateKey(dir string, o Rotation, now time.Time) (Key, error) {
	r, err := LoadRing(dir, o.Party)
	if err != nil {
		return Key{}, err
	}
	if !need(o.Party, o.Party, o.Use) {
		return Key{}, fmt.Errorf("rotate key: %s has no key to %s", o.Party, o.Use)
	}
	for _, k := range r.Keys() {
		if _, gone := r.view().revoked[k.ID]; k.Party == o.Party && k.Use == o.Use && k.From.After(now) && !gone {
			return Key{}, fmt.Errorf("rotate key: %w: %s from %s on", ErrRotating, k.Fingerprint(), k.From.Format(time.RFC3339))
		}
	}
	last, _ := r.current(o.Party, o.Use, now)
	if o.Use != Seal {
		o.Suite = 0
	} else if o.Suite == 0 {
		o.Suite = max(last.Suite, Suite1)
	}
	if second := last.From.Add(time.Second); o.From.Before(second) {
		o.From = second // the newest counts, and keys know seconds alone
	}
	k, err := NewKeyOf(o.Suite, o.Party, o.Use, o.From, orDefault(o.Life, KeyLife))
	if err != nil {
		return Key{}, fmt.Errorf("rotate key: %w", err)
	}
	if err := WriteKey(dir, k); err != nil {
		return Key{}, fmt.Errorf("rotate key: %w", err)
	}
	return k, nil
}

func handOver(from, to string, owner, holder Party) error {
	if owner == holder {
		return nil
	}
	if err := handRevoked(from, to, owner, holder); err != nil {
		return err
	}
	names, err := list(from, ".pub")
	if err != nil {
		return err
	}
	for _, n := range names {
		k, err := ReadKey(filepath.Join(from, n))
		if err != nil {
			return err
		}
		if k.Party != owner || !need(holder, owner, k.Use) {
			continue
		}
		if err := WriteKey(to, k); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

func handRevoked(from, to string, owner, holder Party) error {
	revoked, err := readRevocations(from)
	if err != nil {
		return err
	}
	for _, v := range revoked {
		if v.Party != owner || !need(holder, owner, v.Use) {
			continue
		}
		if err := WriteRevocation(to, v); err != nil {
			return err
		}
	}
	return nil
}

// Fingerprint is what two operators read to each other to compare a public key: its party, use and 32 hex digits in
// groups of four, 128 bits of its digest, so that none can make another key with the same. The first 16 are its id.
func (k Key) Fingerprint() string {
	sum := k.digest()
	h := hex.EncodeToString(sum[:16])
	var groups []string
	for ; len(h) > 0; h = h[4:] {
		groups = append(groups, h[:4])
	}
	return fmt.Sprintf("%s %s %s", k.Party, k.Use, strings.Join(groups, "-"))
}
