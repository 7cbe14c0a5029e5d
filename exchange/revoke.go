package exchange

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"
)

// Revocation says that a key is refused from now on, whatever is sealed or signed with it. It is a file that is
// placed by hand in each folder that holds the key, as a .pub file is, and is bare of a signature on purpose: the key
// that would sign may be the one that was lost, and whoever can write into the folder could delete the key as well.
// Who places it asks by voice first, as with a key.
type Revocation struct {
	Party Party
	Use   Use
	ID    KeyID
	At    time.Time // when it was decided; it counts from when it is read
}

// revocationFile is one line of canonical JSON.
type revocationFile struct {
	Version int       `json:"version"`
	Revoked string    `json:"revoked" is:"id"` // the key's id
	Party   Party     `json:"party" is:"id"`
	Use     Use       `json:"use" is:"id"`
	At      time.Time `json:"at"`
}

// WriteRevocation puts v into dir as <party>.<use>.<id>.rev. One that is there already stays, and is no error.
func WriteRevocation(dir string, v Revocation) error {
	f := revocationFile{Version: keyVersion, Revoked: v.ID.String(), Party: v.Party, Use: v.Use, At: v.At.UTC().Truncate(time.Second)}
	path := filepath.Join(dir, Key{Party: v.Party, Use: v.Use, ID: v.ID}.name()+".rev")
	if err := create(path, marshal(f), 0o644); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("write revocation of %s: %w", v.ID, err)
	}
	return nil
}

// ReadRevocation reads one file that WriteRevocation wrote.
func ReadRevocation(path string) (Revocation, error) {
	b, _, err := readSmall(path)
	if err != nil {
		return Revocation{}, fmt.Errorf("read revocation: %w", err)
	}
	v, err := parseRevocation(bytes.TrimSuffix(b, []byte("\n")))
	if err != nil {
		return Revocation{}, fmt.Errorf("read revocation %s: %w", path, err)
	}
	return v, nil
}

func parseRevocation(b []byte) (Revocation, error) {
	var f revocationFile
	if err := unmarshal(b, reflect.ValueOf(&f).Elem()); err != nil {
		return Revocation{}, err
	}
	v := Revocation{Party: f.Party, Use: f.Use, At: f.At}
	n, err := hex.Decode(v.ID[:], []byte(f.Revoked[:min(len(f.Revoked), 2*len(v.ID))]))
	if err != nil || n != len(v.ID) || v.ID.String() != f.Revoked || f.Version != keyVersion ||
		!slices.Contains(Parties(), f.Party) || !slices.Contains(uses(), f.Use) {
		return Revocation{}, errors.New("version, party, use or id is unknown")
	}
	return v, nil
}

func readRevocations(dir string) ([]Revocation, error) {
	names, err := list(dir, ".rev")
	if err != nil {
		return nil, err
	}
	var all []Revocation
	var errs []error
	for _, n := range names {
		v, err := ReadRevocation(filepath.Join(dir, n))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, v)
	}
	return all, errors.Join(errs...)
}
