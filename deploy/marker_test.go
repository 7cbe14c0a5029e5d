package deploy

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// forms are the ways in which a word could stand in a file: as it is, in capitals, in hex, and in base64 at each of
// its three offsets.
func forms(word string) []string {
	all := []string{word, strings.ToUpper(word), hex.EncodeToString([]byte(word))}
	for shift := range 3 {
		enc := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + word))
		all = append(all, enc[4:len(enc)-3])
	}
	return all
}
