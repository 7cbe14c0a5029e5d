package program

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"
	"strings"

	"gatehouse/configs/secret"
)

// newCode draws a one-time code: six digits, each as likely as any other.
func newCode() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil { // never: crypto/rand ends the program instead (Go 1.24)
		panic(err)
	}
	return fmt.Sprintf("%06d", n)
}

// tokenLetters of base 32 are 65 random bits: as short as a link by SMS has to be.
const tokenLetters = 13

// newToken draws what a link that serves once is known by.
func newToken() string { return strings.ToLower(rand.Text()[:tokenLetters]) }

// codeKey is the key under which codes are hashed: of the links' key, and for nothing else.
func codeKey(links secret.Value) []byte {
	h := hmac.New(sha256.New, []byte(links.Reveal()))
	h.Write([]byte("one-time codes"))
	return h.Sum(nil)
}
