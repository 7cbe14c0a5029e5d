// Package vault seals what a store keeps: data keys wrapped by a key file that lies outside the database, values bound
// to their rows, and keyed marks by which rows are found without showing what they are about. It is for the two stores
// alone.
//
// The rule: what goes through Seal is deleted by destroying its data key. In the extranet that is everything a person
// wrote or is reached by; inside it is the copy of what left.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"
	"time"
)

// Errors of opening.
var (
	// ErrSealed: the value was not sealed by this key for this row, or it was changed.
	ErrSealed = errors.New("sealed value does not open")
	// ErrDestroyed: the data key is gone, so the value is deleted.
	ErrDestroyed = errors.New("data key was destroyed")
)

const (
	form      = 1 // first byte of a sealed value: AES-256-GCM under the data key named by the next 8 bytes
	header    = 1 + 8
	keySize   = 32
	markSize  = 16
	maxCached = 1 << 16 // data keys kept unwrapped in memory, about 50 MB at most
)

// Overhead is what sealing adds to a value: form, key id, nonce (12) and tag (16).
const Overhead = header + 12 + 16

// Vault holds the store's root keys and the data keys that were opened lately. It is safe for concurrent use.
type Vault struct {
	root  Key
	mark  []byte
	macs  sync.Pool
	mu    sync.RWMutex
	cache map[int64]Key
}

// Key is a data key. The zero Key opens nothing.
type Key struct {
	ID   int64
	aead cipher.AEAD
	// Wrapped is how the database keeps it.
	Wrapped []byte
}

// New derives a store's root keys from the bytes of its key file.
func New(secret []byte) (*Vault, error) {
	wrap, err := hkdf.Key(sha256.New, secret, nil, "gatehouse store wrap 1", keySize)
	if err != nil {
		return nil, fmt.Errorf("derive store keys: %w", err)
	}
	mark, err := hkdf.Key(sha256.New, secret, nil, "gatehouse store mark 1", keySize)
	if err != nil {
		return nil, fmt.Errorf("derive store keys: %w", err)
	}
	root, err := newAEAD(wrap)
	if err != nil {
		return nil, err
	}
	v := &Vault{root: Key{aead: root}, mark: mark, cache: map[int64]Key{}}
	v.macs.New = func() any { return hmac.New(sha256.New, v.mark) }
	return v, nil
}

// newAEAD gives AES-256-GCM with a random nonce a value. A data key seals one person's or one case's rows, far from
// the 2^32 values at which random nonces become unsafe (NIST SP 800-38D §8.3).
func newAEAD(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	a, err := cipher.NewGCMWithRandomNonce(b)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return a, nil
}

// Root seals what belongs to no person: the proof of the key file, pages, what waits in the lanes.
func (v *Vault) Root() Key { return v.root }

// NewKey makes a data key. Its id is time-ordered: 41 bits of milliseconds, 22 random bits.
func (v *Vault) NewKey(now time.Time) (Key, error) {
	var raw [keySize]byte
	var low [4]byte
	rand.Read(raw[:])
	rand.Read(low[:])
	id := now.UnixMilli()<<22 | int64(binary.BigEndian.Uint32(low[:])>>10)
	a, err := newAEAD(raw[:])
	if err != nil {
		return Key{}, err
	}
	return Key{ID: id, aead: a, Wrapped: v.root.Seal("key", keyName(id), raw[:])}, nil
}

// fileKey is the id that stands in values sealed by a file's own key, which no row of data keys holds.
const fileKey = -1

// NewFileKey makes the key of one file and its raw bytes, which are sealed under the key of whoever holds the file.
func (v *Vault) NewFileKey() (Key, []byte, error) {
	raw := make([]byte, keySize)
	rand.Read(raw)
	k, err := FileKey(raw)
	return k, raw, err
}

// FileKey gives the key of a file from its raw bytes.
func FileKey(raw []byte) (Key, error) {
	if len(raw) != keySize {
		return Key{}, ErrSealed
	}
	a, err := newAEAD(raw)
	return Key{ID: fileKey, aead: a}, err
}

// Unwrap opens a data key as the database keeps it and remembers it.
func (v *Vault) Unwrap(id int64, wrapped []byte) (Key, error) {
	if k, ok := v.Cached(id); ok {
		return k, nil
	}
	raw, err := v.root.Open("key", keyName(id), wrapped)
	if err != nil {
		return Key{}, fmt.Errorf("unwrap data key: %w", err)
	}
	a, err := newAEAD(raw)
	if err != nil {
		return Key{}, err
	}
	k := Key{ID: id, aead: a, Wrapped: wrapped}
	v.Remember(k)
	return k, nil
}

// Cached gives a data key that was opened lately.
func (v *Vault) Cached(id int64) (Key, bool) {
	if id == 0 {
		return v.root, true
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	k, ok := v.cache[id]
	return k, ok
}

// Remember keeps k in memory, for a key that was just stored.
func (v *Vault) Remember(k Key) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.cache) >= maxCached {
		clear(v.cache)
	}
	v.cache[k.ID] = k
}

// Forget drops a data key from memory, because it was destroyed.
func (v *Vault) Forget(id int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.cache, id)
}

// Mark gives the keyed hash under which a value can be found: HMAC-SHA-256 cut to 128 bits. sort keeps the same text
// from having one mark in two uses.
func (v *Vault) Mark(sort, value string) []byte {
	h := v.macs.Get().(hash.Hash)
	defer v.macs.Put(h)
	h.Reset()
	h.Write([]byte(sort))
	h.Write([]byte{0})
	h.Write([]byte(value))
	return h.Sum(nil)[:markSize]
}

// Seal encrypts plain for one row: table and row are authenticated with it, so that no value can stand in for another.
func (k Key) Seal(table, row string, plain []byte) []byte {
	out := make([]byte, header, header+len(plain)+Overhead)
	out[0] = form
	binary.BigEndian.PutUint64(out[1:], uint64(k.ID))
	return k.aead.Seal(out, nil, plain, k.bind(table, row))
}

// Open decrypts what Seal gave for the same row.
func (k Key) Open(table, row string, sealed []byte) ([]byte, error) {
	id, err := KeyOf(sealed)
	if err != nil {
		return nil, err
	}
	if k.aead == nil || id != k.ID {
		return nil, ErrSealed
	}
	plain, err := k.aead.Open(nil, nil, sealed[header:], k.bind(table, row))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func (k Key) bind(table, row string) []byte {
	b := make([]byte, 0, header+len(table)+len(row)+1)
	b = append(b, form)
	b = binary.BigEndian.AppendUint64(b, uint64(k.ID))
	b = append(b, table...)
	b = append(b, 0)
	return append(b, row...)
}

// KeyOf names the data key that sealed a value; 0 is the root.
func KeyOf(sealed []byte) (int64, error) {
	if len(sealed) < Overhead || sealed[0] != form {
		return 0, ErrSealed
	}
	return int64(binary.BigEndian.Uint64(sealed[1:])), nil
}

func keyName(id int64) string { return fmt.Sprintf("%016x", uint64(id)) }
