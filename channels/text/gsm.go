package text

import "strings"

// basic and extended are the default alphabet and its extension table (3GPP TS 23.038 §6.2.1 and §6.2.1.1), in the
// order of their codes; the escape at 0x1B is left out. A character of the extension travels as escape and code.
const (
	basic = "@£$¥èéùìòÇ\nØø\rÅå" +
		"Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ" +
		" !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§" +
		"¿abcdefghijklmnopqrstuvwxyzäöñüà"
	extended = "\f^{}\\[~]|€"
)

// gsmWidth is how many septets r takes in GSM-7; 0 when it has none.
func gsmWidth(r rune) int {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= ' ' && r <= '?':
		return 1
	case r >= 0x2000 && r != '€':
		return 0
	case strings.ContainsRune(basic, r):
		return 1
	case strings.ContainsRune(extended, r):
		return 2
	}
	return 0
}
