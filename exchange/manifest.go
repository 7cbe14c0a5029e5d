package exchange

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// MaxManifest bounds a manifest with its signature, in bytes; MaxCarried the envelopes that it names.
const (
	MaxManifest = 2 << 20
	MaxCarried  = 4096
)

// Manifest is what lies on a removable medium for one stretch, as its sender signs it.
type Manifest struct {
	Version int       `json:"version"`
	Link    Stretch   `json:"link" is:"one,A|B|C|D"`
	Lane    Lane      `json:"lane" is:"one,up|down"`
	Key     string    `json:"key" is:"id"` // of its sender, to sign
	Made    time.Time `json:"made"`
	First   Carried   `json:"first"` // the lowest and highest number on it
	Last    Carried   `json:"last"`
	Files   []Carried `json:"files" max:"4096"`
}

// Carried is one envelope's file.
type Carried struct {
	Name   string `json:"name" is:"id,128"`
	Epoch  uint32 `json:"epoch"`
	Seq    uint64 `json:"seq"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256" is:"hex"`
}

// ErrManifest means a manifest that its sender did not sign so.
var ErrManifest = errors.New("manifest is not genuine")

// SignManifest signs what this party carries over s, where it sends: canonical JSON, a line break, and the signature in
// base64. Version, Lane, Key, Made, First and Last are set from the rest.
func (r *Ring) SignManifest(s Stretch, files []Carried, now time.Time) ([]byte, error) {
	key, ok := r.current(r.Party, Sign, now)
	if !ok || r.Party != s.Sender() {
		return nil, fmt.Errorf("sign manifest: %s has no valid key to sign for link %s", r.Party, s)
	}
	if len(files) == 0 || len(files) > MaxCarried {
		return nil, fmt.Errorf("sign manifest: it names %d files; 1 to %d", len(files), MaxCarried)
	}
	m := Manifest{Version: version, Link: s, Lane: s.Lane(), Key: key.ID.String(), Made: now, First: files[0], Last: files[len(files)-1], Files: files}
	if err := checkFields(reflect.ValueOf(m), ""); err != nil {
		return nil, fmt.Errorf("sign manifest: %w", err)
	}
	b := marshal(m)
	return append(append(b, '\n'), base64.StdEncoding.EncodeToString(sign(key, s.Lane(), "manifest", b))...), nil
}

// OpenManifest verifies a manifest for s, whose receiver this party is. Its errors are ErrManifest.
func (r *Ring) OpenManifest(s Stretch, b []byte, now time.Time) (Manifest, error) {
	m, err := r.openManifest(s, b, now)
	if err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	return m, nil
}

func (r *Ring) openManifest(s Stretch, b []byte, now time.Time) (m Manifest, err error) {
	text, coded, ok := bytes.Cut(b, []byte("\n"))
	if len(b) > MaxManifest || !ok {
		return m, fmt.Errorf("it has no signature, or is over %d bytes", MaxManifest)
	}
	v := reflect.ValueOf(&m).Elem()
	if err := unmarshal(text, v); err != nil {
		return m, err
	}
	if err := checkFields(v, ""); err != nil {
		return m, err
	}
	if m.Version != version || m.Link != s || m.Lane != s.Lane() || r.Party != s.Receiver() {
		return m, fmt.Errorf("it is of link %s; this is %s of link %s", m.Link, r.Party, s)
	}
	id, err := hex.DecodeString(m.Key)
	if err != nil || len(id) != len(KeyID{}) {
		return m, errors.New("it names no key")
	}
	key, why := r.known(s.Sender(), Sign, KeyID(id), now)
	if why != "" {
		return m, fmt.Errorf("the key %s of %s %s", m.Key, s.Sender(), why)
	}
	sig, err := base64.StdEncoding.DecodeString(string(coded))
	if err != nil || !verify(key, s.Lane(), "manifest", text, sig) {
		return m, errors.New("the signature is not that of its sender")
	}
	return m, nil
}
