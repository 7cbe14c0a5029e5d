package table

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// decode gives a text in UTF-8. Without a byte order mark, what is no UTF-8 is guessed among the three encodings that
// spreadsheets of our languages write.
func decode(b []byte) (text, name string, guessed bool, err error) {
	switch {
	case has(b, "\xEF\xBB\xBF"):
		b = b[3:]
		if !utf8.Valid(b) {
			return "", "", false, trouble(Encoding, "a mark of UTF-8 before other bytes")
		}
		return string(b), "utf-8", false, nil
	case has(b, "\xFF\xFE"):
		return decoded(b[2:], little(), "utf-16le", false)
	case has(b, "\xFE\xFF"):
		return decoded(b[2:], big(), "utf-16be", false)
	case zeros(b, 1):
		return decoded(b, little(), "utf-16le", true)
	case zeros(b, 0):
		return decoded(b, big(), "utf-16be", true)
	case utf8.Valid(b):
		return string(b), "utf-8", false, nil
	case chinese(b):
		return decoded(b, simplifiedchinese.GB18030, "gb18030", true)
	case arabic(b):
		return decoded(b, charmap.Windows1256, "windows-1256", true)
	case latin(b):
		return decoded(b, charmap.Windows1252, "windows-1252", true)
	}
	return "", "", false, trouble(Encoding, "no encoding fits")
}

func little() encoding.Encoding { return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM) }
func big() encoding.Encoding    { return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM) }

func decoded(b []byte, e encoding.Encoding, name string, guessed bool) (string, string, bool, error) {
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return "", "", false, trouble(Encoding, "%s: %v", name, err)
	}
	return string(out), name, guessed, nil
}

// zeros tells UTF-16 without a mark: among the first bytes, those at even (0) or odd (1) places are mostly zero.
func zeros(b []byte, place int) bool {
	b = b[:min(len(b), 4096)&^1]
	n, other := 0, 0
	for i, c := range b {
		if c == 0 && i%2 == place {
			n++
		} else if c == 0 {
			other++
		}
	}
	return len(b) >= 4 && other == 0 && n*4 >= len(b)
}

// chinese tells GB18030: every byte over 127 is part of a pair, and nearly all pairs are of the signs and the 3,755
// common characters of GB/T 2312 level 1 (lead bytes A1 to D7). Arabic makes pairs as well, but hardly such ones.
func chinese(b []byte) bool {
	pairs, common := 0, 0
	for i := 0; i < len(b); i++ {
		if b[i] < 0x80 {
			continue
		}
		if i+1 >= len(b) || b[i] == 0x80 || b[i] == 0xFF || b[i+1] < 0x30 || b[i+1] == 0x7F || b[i+1] == 0xFF {
			return false
		}
		pairs++
		if b[i+1] >= 0xA1 && (b[i] >= 0xA1 && b[i] <= 0xA9 || b[i] >= 0xB0 && b[i] <= 0xD7) {
			common++
		}
		if i++; b[i] <= 0x39 { // four bytes: two such halves
			if i+2 >= len(b) || b[i+1] < 0x81 || b[i+2] < 0x30 || b[i+2] > 0x39 {
				return false
			}
			i += 2
		}
	}
	return pairs > 0 && common*5 >= pairs*4
}

// arabic tells Windows-1256: most bytes over 127 are Arabic letters and stand next to each other, where accented Latin
// letters stand alone.
func arabic(b []byte) bool {
	high, letters, beside := 0, 0, 0
	for i, c := range b {
		if c < 0x80 {
			continue
		}
		high++
		if c >= 0xC1 && c != 0xD7 && strings.IndexByte("\xE0\xE2\xE7\xE8\xE9\xEA\xEB\xEE\xEF\xF4\xF9\xFB\xFC", c) < 0 {
			letters++
		}
		if i > 0 && b[i-1] >= 0x80 || i+1 < len(b) && b[i+1] >= 0x80 {
			beside++
		}
	}
	return letters*4 >= high*3 && beside*4 >= high*3
}

// latin tells Windows-1252: none of the five bytes that it leaves free, and hardly a control character.
func latin(b []byte) bool {
	for _, c := range b {
		switch {
		case c == 0x81, c == 0x8D, c == 0x8F, c == 0x90, c == 0x9D:
			return false
		case c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != 0:
			return false
		}
	}
	return true
}

// labelled is the encoding that XML says it is in.
func labelled(b []byte) string {
	start := string(b[:min(len(b), 200)])
	if !strings.HasPrefix(start, "<?xml") {
		return ""
	}
	_, after, ok := strings.Cut(start, "encoding=")
	if !ok || len(after) < 2 {
		return ""
	}
	label, _, _ := strings.Cut(after[1:], after[:1])
	return label
}

// named decodes by a label (encoding.spec.whatwg.org).
func named(b []byte, label string) (string, string, bool, error) {
	e, err := htmlindex.Get(label)
	if err != nil {
		return "", "", false, trouble(Encoding, "%.40q", label)
	}
	return decoded(b, e, strings.ToLower(label), false)
}
