package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// mint makes and checks session tokens: the public id, a dot, and a MAC over it. The public id names the session in
// the store and in logs; only the whole token opens it, and whoever holds the key recognises it.
type mint struct{ key []byte }

// macBytes is the length of a token's MAC: 160 bits, 32 characters.
const macBytes = 20

// maxID bounds a public id, in bytes.
const maxID = 64

func (m mint) token(id string) string { return id + "." + m.mac(id) }

// id gives the public id of a token that we made.
func (m mint) id(token string) (string, bool) {
	id, mac, ok := strings.Cut(token, ".")
	if !ok || !validID(id) || !hmac.Equal([]byte(mac), []byte(m.mac(id))) {
		return "", false
	}
	return id, true
}

func (m mint) mac(id string) string {
	h := hmac.New(sha256.New, m.key)
	h.Write([]byte("web session\x00" + id))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:macBytes]))
}

// validID tells whether s can be a public id or a client's own id: 1 to 64 letters, digits, dashes and underlines.
func validID(s string) bool {
	if s == "" || len(s) > maxID {
		return false
	}
	for i := range len(s) {
		b := s[i]
		if !('a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '-' || b == '_') {
			return false
		}
	}
	return true
}
