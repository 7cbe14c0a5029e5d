package pages

import (
	"fmt"
	netmail "net/mail"
	"regexp"
	"strings"
)

// piece is a part of a text; Link says that it can be followed.
type piece struct {
	Text string
	Link bool
}

var linkForm = regexp.MustCompile(`https?://[^\s<>"']*[^\s<>"'.,;:!?)\]]`)

// links cuts a text at its web addresses.
func links(s string) []piece {
	var out []piece
	at := 0
	for _, m := range linkForm.FindAllStringIndex(s, -1) {
		if m[0] > at {
			out = append(out, piece{Text: s[at:m[0]]})
		}
		out = append(out, piece{s[m[0]:m[1]], true})
		at = m[1]
	}
	if at < len(s) {
		out = append(out, piece{Text: s[at:]})
	}
	return out
}

// sentence is an error that is shown to the person as it is.
type sentence string

// Error is the sentence.
func (s sentence) Error() string { return string(s) }

func size(n int) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}

// short is the beginning of a text, on one line.
func short(s string) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) <= 90 {
		return string(r)
	}
	return string(r[:90]) + "…"
}

// who shortens a header of addresses: names where there are names, else the addresses.
func who(header string) string {
	list, err := netmail.ParseAddressList(header)
	if err != nil {
		return header
	}
	var all []string
	for _, a := range list {
		if a.Name == "" {
			a.Name = a.Address
		}
		all = append(all, a.Name)
	}
	return strings.Join(all, ", ")
}
