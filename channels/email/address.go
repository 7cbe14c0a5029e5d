package email

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// purpose is what one of our own addresses is for, most specific last: a mail to several of them goes to the last.
type purpose int

const (
	nobody purpose = iota
	abuse
	postmaster
	help
	declaration
	dryRun
	ofCase
	bounce
)

// maxLocal bounds a local part and maxAddress an address, in bytes (RFC 5321 §4.5.3.1).
const (
	maxLocal   = 64
	maxAddress = 254
)

// macLength is how many base32 characters of a mac an address carries: 80 bits.
const macLength = 16

// recipient is one of our addresses, understood.
type recipient struct {
	purpose purpose
	// address as a Message.To names it, in lower case but for an id.
	address string
	// id is the case's reference or the bounced message's id, once its mac is proved.
	id string
}

// book knows our own addresses and makes them.
type book struct {
	domain string // A-labels, lower case
	key    []byte
}

// find understands a recipient. Any other than ours is nobody: this server relays for none.
func (b book) find(to string) recipient {
	local, domain, ok := cutAddress(to)
	if !ok && strings.EqualFold(to, "postmaster") { // RFC 5321 §4.5.1
		local, domain = to, b.domain
	}
	if asciiDomain(domain) != b.domain || len(local) > maxLocal {
		return recipient{}
	}
	lower := strings.ToLower(local)
	known := func(p purpose, id string) recipient {
		return recipient{p, lower + "@" + b.domain, id}
	}
	switch lower {
	case "help":
		return known(help, "")
	case "postmaster":
		return known(postmaster, "")
	case "abuse":
		return known(abuse, "")
	}
	word, rest, _ := strings.Cut(lower, "+")
	switch {
	case word == "declare" && serviceCode(rest):
		return known(declaration, "")
	case word == "test" && strings.HasPrefix(rest, "declare+") && serviceCode(rest[len("declare+"):]):
		return known(dryRun, "")
	case word == "case":
		if ref, ok := b.proved("case", rest, strings.ToUpper(rest)); ok {
			return known(ofCase, ref)
		}
	case word == "bounce":
		// An id may hold capitals, and some servers change case.
		kept := local[len("bounce+"):]
		if id, ok := b.proved("bounce", rest, kept, rest, strings.ToUpper(rest)); ok {
			return known(bounce, id)
		}
	}
	return recipient{}
}

// proved takes <id>.<mac> apart and gives the first spelling of the id that the mac proves.
func (b book) proved(word, lower string, spellings ...string) (string, bool) {
	dot := strings.LastIndexByte(lower, '.')
	if dot < 1 {
		return "", false
	}
	for _, s := range spellings {
		if id := s[:dot]; hmac.Equal([]byte(lower[dot+1:]), []byte(b.mac(word, id))) {
			return id, true
		}
	}
	return "", false
}

// mac is base32 in lower case of an HMAC-SHA256 over the local part's word and the id.
func (b book) mac(word, id string) string {
	h := hmac.New(sha256.New, b.key)
	h.Write([]byte("mail address\x00" + word + "\x00" + id))
	return strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)))[:macLength]
}

func (b book) help() string { return "help@" + b.domain }

// ofCase is the address that ties replies to a case. False: the reference does not fit into one.
func (b book) ofCase(reference string) (string, bool) {
	ref := strings.ToUpper(reference)
	local := "case+" + strings.ToLower(ref) + "." + b.mac("case", ref)
	return local + "@" + b.domain, plain(ref) && len(local) <= maxLocal
}

// bounce is the envelope sender to which a delivery report on a message comes back. False: the id does not fit.
func (b book) bounce(id string) (string, bool) {
	local := "bounce+" + id + "." + b.mac("bounce", id)
	if !plain(id) || len(local) > maxLocal {
		return "", false
	}
	return local + "@" + b.domain, true
}

// plain tells whether s may stand in a local part unquoted.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; !letterOrDigit(c) && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}

// serviceCode tells whether s is a service, alone or with a company and a period: "goods", "goods+12-345678-c+2026-w47".
func serviceCode(s string) bool {
	parts := strings.Split(s, "+")
	return len(s) <= 44 && (len(parts) == 1 || len(parts) == 3) && !slices.ContainsFunc(parts, func(p string) bool { return !plain(p) })
}

func letterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// cutAddress splits at the last "@".
func cutAddress(s string) (local, domain string, ok bool) {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 {
		return "", "", false
	}
	return s[:at], s[at+1:], true
}

// asciiDomain is a domain in lower case with internationalised labels as A-labels; empty when it is none.
func asciiDomain(d string) string {
	d = strings.TrimSuffix(d, ".")
	if len(d) > maxAddress {
		return ""
	}
	a, err := idna.Lookup.ToASCII(d)
	if err != nil || a == "" || strings.ContainsAny(a, " \t\r\n<>()[],;:\\\"@") {
		return ""
	}
	if again, err := idna.Lookup.ToASCII(a); err != nil || !strings.EqualFold(again, a) { // an A-label that no other program takes
		return ""
	}
	return strings.ToLower(a)
}

// person is the address of who wrote, with its domain in A-labels; empty when s is none that we could answer.
func person(s string) string {
	local, domain, ok := cutAddress(s)
	domain = asciiDomain(domain)
	if !ok || domain == "" || !utf8.ValidString(local) || len(local) > maxLocal || len(local)+len(domain) >= maxAddress {
		return ""
	}
	if strings.ContainsAny(local, " \t<>()[],;:\\\"@") || strings.ContainsFunc(local, unseen) {
		return ""
	}
	return local + "@" + domain
}
