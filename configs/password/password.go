// Package password keeps the passwords of staff: their hashes, the check of one, and the count of wrong attempts.
//
// The rule: a password is never stored and never compared in the clear, and a name that does not exist takes the same
// time as one that does.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Parameters of argon2id for new passwords: 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonKey    = 32
	argonSalt   = 16
)

// Min is the least length of a password in characters (NIST SP 800-63B §3.1.1.2 asks for 15 where it is
// the only factor; the demo's are longer).
const Min = 15

// Hash gives a password as it is stored: the PHC string of argon2id with a random salt.
func Hash(password string) string { return HashWith(password, argonMemory, argonTime) }

// HashWith is Hash at a cost of the caller's choice, in KiB and passes; anything below the default is for tests alone.
func HashWith(password string, memory, passes uint32) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, passes, memory, argonLanes, argonKey)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, argonLanes, b64(salt), b64(key))
}

// Verify tells whether password is the one that hash was made of. A hash that can't be read matches nothing.
func Verify(hash, password string) bool {
	var version int
	var memory, passes uint32
	var lanes uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil {
		return false
	}
	if memory == 0 || memory > 1<<20 || passes == 0 || passes > 16 || lanes == 0 || lanes > 16 {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) == 0 || len(want) > 64 {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}

// Checker verifies passwords, a few at a time: each takes 19 MiB, and who is not logged in may ask for one.
type Checker struct {
	slots  chan struct{}
	nobody string // a hash to spend the same time on for a name that does not exist
}

// NewChecker is ready for use.
func NewChecker() *Checker {
	return &Checker{slots: make(chan struct{}, 2), nobody: Hash(rand.Text())}
}

// Check verifies once a slot is free; an empty hash, that of nobody, takes as long as any. False when ctx ends.
func (c *Checker) Check(ctx context.Context, hash, password string) bool {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-c.slots }()
	if hash == "" {
		Verify(c.nobody, password)
		return false
	}
	return Verify(hash, password)
}
