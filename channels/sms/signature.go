package sms

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"net/url"
	"strings"
	"sync"

	"gatehouse/configs/secret"
)

// signatureHeader holds base64 of HMAC-SHA1, keyed with the auth token, over the URL that Twilio called and the
// form's fields, each as key and value, sorted by key (Twilio, "Validating requests").
const signatureHeader = "X-Twilio-Signature"

// signatureSize is the length of base64 over 20 bytes.
const signatureSize = 28

// signer checks signatures with MACs that are keyed once and used again.
type signer struct {
	bases []string  // the public URL as configured, and with the port that its scheme implies added or left out
	macs  sync.Pool // of *mac
}

type mac struct {
	hash.Hash
	sum     [sha1.Size]byte
	encoded [signatureSize]byte
	text    []byte
}

func (s *signer) open(token secret.Value, publicURL string) {
	s.bases = []string{publicURL}
	if other := otherPort(publicURL); other != "" {
		s.bases = append(s.bases, other)
	}
	key := []byte(token.Reveal())
	s.macs.New = func() any { return &mac{Hash: hmac.New(sha1.New, key)} }
}

// valid tells whether signature was made for this request: uri is its path and query as they came.
func (s *signer) valid(uri string, f *form, signature string) bool {
	if len(signature) != signatureSize {
		return false
	}
	m := s.macs.Get().(*mac)
	defer s.macs.Put(m)
	for _, base := range s.bases {
		if m.matches(base, uri, f, signature) {
			return true
		}
	}
	return false
}

func (m *mac) matches(base, uri string, f *form, signature string) bool {
	// One Write of the whole text: the hash takes full blocks without copying them.
	m.text = append(append(m.text[:0], base...), uri...)
	for i, p := range f.pairs {
		if i > 0 && bytes.Equal(p.key, f.pairs[i-1].key) {
			continue // a key sent twice counts once, with its first value
		}
		m.text = append(append(m.text, p.key...), p.value...)
	}
	m.Reset()
	_, _ = m.Write(m.text) // a hash never fails (hash.Hash)
	base64.StdEncoding.Encode(m.encoded[:], m.Sum(m.sum[:0]))
	return subtle.ConstantTimeCompare(m.encoded[:], []byte(signature)) == 1
}

// otherPort is the URL with its scheme's own port added, or with its port left out: Twilio does not say which it
// signs, so both are right.
func otherPort(publicURL string) string {
	u, err := url.Parse(publicURL)
	if err != nil {
		return ""
	}
	switch {
	case u.Port() != "":
		u.Host = strings.TrimSuffix(u.Host, ":"+u.Port())
	case u.Scheme == "https":
		u.Host += ":443"
	default:
		u.Host += ":80"
	}
	return u.String()
}
