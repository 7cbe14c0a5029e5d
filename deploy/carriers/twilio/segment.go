package twilio

import (
	"strings"
	"unicode/utf16"
)

// Encoding is how a text travels.
type Encoding string

// The two encodings of a text.
const (
	GSM7 Encoding = "GSM-7"
	UCS2 Encoding = "UCS-2"
)

// The default alphabet and its extension table (3GPP TS 23.038 §6.2.1). This is the stand-in's own reckoning, apart
// from the gateway's, so that one checks the other.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "\f^{}\\[~]|€"
)

// Segments counts the parts that a text is sent in (3GPP TS 23.040 §9.2.3.24.1): 160 septets or 70 units alone, 153
// or 67 in each of several. What takes two units is not split between parts.
func Segments(text string) (int, Encoding) {
	if sizes, ok := septets(text); ok {
		return parts(sizes, 160, 153), GSM7
	}
	var sizes []int
	for _, r := range text {
		sizes = append(sizes, utf16.RuneLen(r))
	}
	return parts(sizes, 70, 67), UCS2
}

func septets(text string) (sizes []int, ok bool) {
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			sizes = append(sizes, 1)
		case strings.ContainsRune(gsmExtended, r):
			sizes = append(sizes, 2)
		default:
			return nil, false
		}
	}
	return sizes, true
}

func parts(sizes []int, alone, each int) int {
	total, n, room := 0, 1, each
	for _, s := range sizes {
		total += s
		if s > room {
			n, room = n+1, each
		}
		room -= s
	}
	if total <= alone {
		return 1
	}
	return n
}
