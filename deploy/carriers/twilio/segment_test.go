package twilio_test

import (
	"strings"
	"testing"

	stand "gatehouse/deploy/carriers/twilio"
)

func TestSegments(t *testing.T) {
	tests := []struct {
		name, text string
		n          int
		encoding   stand.Encoding
	}{
		{"empty", "", 1, stand.GSM7},
		{"160", strings.Repeat("a", 160), 1, stand.GSM7},
		{"161", strings.Repeat("a", 161), 2, stand.GSM7},
		{"306", strings.Repeat("a", 306), 2, stand.GSM7},
		{"307", strings.Repeat("a", 307), 3, stand.GSM7},
		{"80 euros", strings.Repeat("€", 80), 1, stand.GSM7},
		{"81 euros", strings.Repeat("€", 81), 2, stand.GSM7},
		{"an escape is not split", strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), 3, stand.GSM7},
		{"70", strings.Repeat("ع", 70), 1, stand.UCS2},
		{"71", strings.Repeat("中", 71), 2, stand.UCS2},
		{"a typographic quote", "it’s", 1, stand.UCS2},
		{"ç is not in the alphabet", "ça", 1, stand.UCS2},
		{"a pair is not split", strings.Repeat("a", 66) + "😀" + strings.Repeat("a", 66), 3, stand.UCS2},
	}
	for _, tt := range tests {
		if n, e := stand.Segments(tt.text); n != tt.n || e != tt.encoding {
			t.Errorf("%s: %d %s, want %d %s", tt.name, n, e, tt.n, tt.encoding)
		}
	}
}
