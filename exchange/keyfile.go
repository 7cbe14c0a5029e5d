package exchange

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
)

// keyFile is how a key stands in a file: one line of canonical JSON, "private" empty in a .pub file. A key of a later
// suite than the first names it, in version 2; what has no suite, or the first, stays as it always was.
type keyFile struct {
	Version int       `json:"version"`
	Party   Party     `json:"party" is:"id"`
	Use     Use       `json:"use" is:"id"`
	ID      string    `json:"id" is:"id"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	Public  []byte    `json:"public" is:"bytes,64"`
	Private []byte    `json:"private" is:"bytes,64"`
}

type keyFile2 struct {
	Version int       `json:"version"`
	Party   Party     `json:"party" is:"id"`
	Use     Use       `json:"use" is:"id"`
	Suite   int       `json:"suite"`
	ID      string    `json:"id" is:"id"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	Public  []byte    `json:"public" is:"bytes,1216"`
	Private []byte    `json:"private" is:"bytes,64"`
}

// maxKeyFile bounds a key's file, in bytes.
const maxKeyFile = 4 << 10

const (
	keyVersion  = 1
	keyVersion2 = 2
)

// version2 begins a file of that version: the version is the first field of the canonical form.
const version2 = `{"version":2,`

func (k Key) file(private []byte) []byte {
	if k.Suite <= Suite1 {
		return marshal(keyFile{Version: keyVersion, Party: k.Party, Use: k.Use, ID: k.ID.String(), From: k.From, Until: k.Until, Public: k.Public, Private: private})
	}
	return marshal(keyFile2{Version: keyVersion2, Party: k.Party, Use: k.Use, Suite: int(k.Suite), ID: k.ID.String(), From: k.From, Until: k.Until,
		Public: k.Public, Private: private})
}

// name is a key's file without its ending.
func (k Key) name() string { return fmt.Sprintf("%s.%s.%s", k.Party, k.Use, k.ID) }

// WriteKey puts k into dir: <party>.<use>.<id>.pub, and with the private part also .key, readable for its owner
// alone. A file that is there already is an error. Each file is whole and durable, or not there: whatever moment the
// machine stops at.
func WriteKey(dir string, k Key) error {
	base := filepath.Join(dir, k.name())
	if k.Private() {
		secret, err := k.secret()
		if err != nil {
			return fmt.Errorf("write key %s: %w", k.ID, err)
		}
		if err := create(base+".key", k.file(secret), 0o600); err != nil {
			return fmt.Errorf("write key %s: %w", k.ID, err)
		}
	}
	if err := create(base+".pub", k.file(nil), 0o644); err != nil {
		return fmt.Errorf("write key %s: %w", k.ID, err)
	}
	return nil
}

// create makes the file at path as a whole. A link, unlike a rename, replaces nothing that is there.
func create(path string, b []byte, mode os.FileMode) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(b, '\n'))
	if err := errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ReadKey reads one file that WriteKey wrote. A private key that others than its owner can read, a link instead of a
// file, or an id that is not the key's own is an error.
func ReadKey(path string) (Key, error) {
	b, mode, err := readSmall(path)
	if err != nil {
		return Key{}, fmt.Errorf("read key: %w", err)
	}
	k, err := parseKey(bytes.TrimSuffix(b, []byte("\n")))
	if err != nil {
		return Key{}, fmt.Errorf("read key %s: %w", path, err)
	}
	if k.Private() && mode.Perm()&0o077 != 0 {
		return Key{}, fmt.Errorf("read key %s: others may read it; chmod 600 is right", path)
	}
	return k, nil
}

// readSmall reads a plain file of at most maxKeyFile bytes.
func readSmall(path string) ([]byte, os.FileMode, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return nil, 0, fmt.Errorf("%s is not a plain file of at most %d bytes", path, maxKeyFile)
	}
	b, err := os.ReadFile(path)
	return b, info.Mode(), err
}

func parseKey(b []byte) (Key, error) {
	k, id, private, err := decodeKey(b)
	if err != nil {
		return Key{}, err
	}
	public := k.Public
	if !slices.Contains(Parties(), k.Party) || !slices.Contains(uses(), k.Use) || len(public) != k.publicSize() {
		return Key{}, errors.New("version, party, use, suite or public part is unknown")
	}
	if k.ID = k.id(); len(private) > 0 {
		if err := k.take(private); err != nil {
			return Key{}, err
		}
	}
	if k.ID.String() != id || !bytes.Equal(k.Public, public) {
		return Key{}, errors.New("the id or the public part is not this key's")
	}
	return k, nil
}

func decodeKey(b []byte) (k Key, id string, private []byte, err error) {
	if bytes.HasPrefix(b, []byte(version2)) {
		var f keyFile2
		err = unmarshal(b, reflect.ValueOf(&f).Elem())
		if err == nil && (f.Suite <= int(Suite1) || f.Suite > math.MaxUint8) {
			err = fmt.Errorf("suite %d stands in a file of version %d", f.Suite, keyVersion2)
		}
		return Key{Party: f.Party, Use: f.Use, Suite: Suite(f.Suite), From: f.From, Until: f.Until, Public: f.Public}, f.ID, f.Private, err
	}
	var f keyFile
	if err = unmarshal(b, reflect.ValueOf(&f).Elem()); err == nil && f.Version != keyVersion {
		err = fmt.Errorf("version %d is not known", f.Version)
	}
	k = Key{Party: f.Party, Use: f.Use, From: f.From, Until: f.Until, Public: f.Public}
	if k.Use == Seal {
		k.Suite = Suite1
	}
	return k, f.ID, f.Private, err
}

// publicSize is how long the public part must be; -1: nobody knows.
func (k Key) publicSize() int {
	if k.Use != Seal && k.Suite == 0 {
		return ed25519.PublicKeySize
	}
	if a, ok := algorithmsOf(k.Suite); ok && k.Use == Seal {
		return a.pub
	}
	return -1
}

// LoadRing reads the ring of p from dir: all its .key, .pub and .rev files. Where a key is there twice the private one
// counts.
func LoadRing(dir string, p Party) (*Ring, error) {
	var keys []Key
	seen := map[KeyID]bool{}
	for _, suffix := range []string{".key", ".pub"} {
		names, err := list(dir, suffix)
		if err != nil {
			return nil, fmt.Errorf("load ring of %s: %w", p, err)
		}
		for _, n := range names {
			k, err := ReadKey(filepath.Join(dir, n))
			if err != nil {
				return nil, fmt.Errorf("load ring of %s: %w", p, err)
			}
			if !seen[k.ID] {
				seen[k.ID] = true
				keys = append(keys, k)
			}
		}
	}
	r, err := NewRing(p, keys...)
	if err != nil {
		return nil, err
	}
	revoked, err := readRevocations(dir)
	if err != nil {
		return nil, fmt.Errorf("load ring of %s: %w", p, err)
	}
	r.Revoke(revoked...)
	return r, nil
}

func list(dir, suffix string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// FindKey reads the key with that id, of 16 hex digits, from dir. The digits of its fingerprint find it too.
func FindKey(dir, id string) (Key, error) {
	names, err := list(dir, ".pub")
	if err != nil {
		return Key{}, fmt.Errorf("find key: %w", err)
	}
	for _, n := range names {
		k, err := ReadKey(filepath.Join(dir, n))
		if sum := k.digest(); err == nil && (id == k.ID.String() || id == hex.EncodeToString(sum[:16])) {
			return k, nil
		}
	}
	return Key{}, fmt.Errorf("find key: none in %s is called %q; write the 16 digits that guard keys show tells", dir, id)
}
