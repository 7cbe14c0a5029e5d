package receipt

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Signer gives the key to sign with at a time: its id, and what signs with Ed25519.
type Signer func(at time.Time) (key string, sign func(message []byte) []byte, err error)

// Sign gives the signed bytes of r; its key and signature are set here. ErrContent when r can't be stated.
func Sign(r Receipt, s Signer) ([]byte, error) {
	key, sign, err := s(r.At)
	if err != nil {
		return nil, fmt.Errorf("sign receipt: %w", err)
	}
	r.Key = key
	if err := r.Check(); err != nil {
		return nil, fmt.Errorf("sign receipt: %w", err)
	}
	m, err := r.message()
	if err != nil {
		return nil, err
	}
	r.Signature = hex.EncodeToString(sign(m))
	b, err := r.canonical()
	if err == nil && len(b) > MaxSize {
		err = fmt.Errorf("sign receipt: %w: over %d bytes", ErrContent, MaxSize)
	}
	return b, err
}

// Written gives the bytes of a receipt that was signed elsewhere and came as its parts; nothing of it is checked but that it
// is one (Parse).
func Written(r Receipt) ([]byte, error) {
	b, err := r.canonical()
	if err == nil {
		_, err = Parse(b)
	}
	return b, err
}

// By is whose key it is.
type By string

// Who signs receipts.
const (
	ByGateway By = "gateway" // what was received, and what the border refused
	ByOffice  By = "office"  // what was registered
)

// Key is the public part of a key that signs receipts, as it is published.
type Key struct {
	By     By        `json:"by"`
	From   time.Time `json:"from"`  // it signs from here
	ID     string    `json:"id"`    // 16 hex digits
	Public string    `json:"key"`   // the Ed25519 public key, 32 bytes in hex
	Until  time.Time `json:"until"` // it signs no more from here
	// Revoked is from when on nothing that it signed counts; nil: never.
	Revoked *time.Time `json:"revoked,omitempty"`
}

// Keys are all keys past and present of one issuer, as /receipts/keys.json publishes them.
type Keys struct {
	Issuer string `json:"issuer"`
	Keys   []Key  `json:"keys"`
}

// maxKeys bounds a file of keys: two a year, for centuries.
const (
	maxKeys     = 1000
	maxKeysSize = 512 << 10
)

// ParseKeys reads what /receipts/keys.json gave.
func ParseKeys(b []byte) (Keys, error) {
	var k Keys
	if len(b) > maxKeysSize {
		return k, fmt.Errorf("read keys of receipts: over %d bytes", maxKeysSize)
	}
	if err := json.Unmarshal(b, &k); err != nil {
		return Keys{}, fmt.Errorf("read keys of receipts: %w", err)
	}
	if len(k.Keys) > maxKeys {
		return Keys{}, fmt.Errorf("read keys of receipts: over %d keys", maxKeys)
	}
	for _, x := range k.Keys {
		if !hexes(x.Public, ed25519.PublicKeySize) || x.ID == "" || x.By != ByGateway && x.By != ByOffice || !x.From.Before(x.Until) {
			return Keys{}, fmt.Errorf("read keys of receipts: key %q is not whole", clip(x.ID))
		}
	}
	return k, nil
}

// Errors of a signature.
var (
	// ErrKey: no key of that id is known, or it is not one that signs such a receipt.
	ErrKey = errors.New("its key is not known")
	// ErrTime: the key did not sign at the time that the receipt bears.
	ErrTime = errors.New("its key was not valid when it was signed")
	// ErrSignature: the signature is not of these bytes.
	ErrSignature = errors.New("its signature is not right")
	// ErrIssuer: it is another city's.
	ErrIssuer = errors.New("it is another issuer's")
)

// Verify checks a receipt's bytes: their form, who signed them, and that the key was valid then. The receipt and the key come
// back as far as they are known, whatever the error: ErrForm, ErrContent, ErrIssuer, ErrKey, ErrTime, ErrSignature.
func (k Keys) Verify(b []byte) (Receipt, Key, error) {
	r, err := Parse(b)
	if err != nil {
		return r, Key{}, err
	}
	if k.Issuer != "" && r.Issuer != k.Issuer {
		return r, Key{}, fmt.Errorf("%w: %s", ErrIssuer, r.Issuer)
	}
	key, ok := k.find(r)
	if !ok {
		return r, Key{}, fmt.Errorf("%w: %s", ErrKey, r.Key)
	}
	if err := key.signed(r); err != nil {
		return r, key, err
	}
	return r, key, nil
}

func (k Keys) find(r Receipt) (Key, bool) {
	by := ByGateway
	if r.Kind == Registered {
		by = ByOffice
	}
	for _, x := range k.Keys {
		if x.ID == r.Key && x.By == by {
			return x, true
		}
	}
	return Key{}, false
}

func (k Key) signed(r Receipt) error {
	m, err := r.message()
	if err != nil {
		return err
	}
	public, err := hex.DecodeString(k.Public)
	if err != nil || len(public) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: the key itself is not whole", ErrKey)
	}
	signature, err := hex.DecodeString(r.Signature)
	if err != nil || !ed25519.Verify(public, m, signature) {
		return ErrSignature
	}
	if r.At.Before(k.From) || !r.At.Before(k.Until) || k.Revoked != nil && !r.At.Before(*k.Revoked) {
		return ErrTime
	}
	return nil
}
