// Package receipt is the signed receipt of a declaration: what one states, the one form of its bytes, who may sign it and
// how anybody checks it, on either side of the border or without both.
//
// A receipt is a JSON object in the canonical form of RFC 8785: the members in the order of their names, no blank, no
// member twice, times to the second. What is signed, with Ed25519 (RFC 8032), is that object without its member
// "signature", byte for byte; the digest of a receipt is SHA-256 over the whole of it, signature included. So a receipt has
// one form alone: whatever byte of it is changed, added or left out, it does not verify.
//
// The gateway's receipts are numbered 1, 2, 3 … without a gap, and each bears the digest of the one before. A receipt that
// was given out can't be taken out, changed or dated back later without breaking every receipt after it.
//
// The rule: a receipt holds no address, no name of a person and no cell of a row: references, times, counts and digests
// alone. Standard library only; whoever checks one needs nothing of a store.
package receipt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Schema names the form of a receipt; another form gets another name.
const Schema = "gatehouse-receipt/1"

// Bounds of one receipt.
const (
	// MaxSize is the most bytes of a receipt: two lists of ranges of 5,000 rows, each second one wrong, and room.
	MaxSize = 256 << 10
	// MaxFiles is how many files a receipt names: those of one declaration.
	MaxFiles = 20
	// MaxRanges bounds each list of rows.
	MaxRanges = 5000
	// MaxRows bounds the rows of a declaration.
	MaxRows = 1_000_000
	// maxNumber is where JSON's numbers end (RFC 8785 §3.2.2.3).
	maxNumber = 1 << 53
	maxName   = 255
	maxLine   = 128
)

// Kind is what a receipt says happened.
type Kind string

// The kinds.
const (
	Received   Kind = "received"   // received and checked, by the gateway: it fixes the filing time
	Registered Kind = "registered" // crossed and registered, by the inside
	Refused    Kind = "refused"    // the border refused it: Reason names the class; by the gateway
)

// Errors of reading a receipt.
var (
	// ErrForm: it is not a receipt in its one form.
	ErrForm = errors.New("not a receipt in its canonical form")
	// ErrContent: what it states contradicts itself or is out of bounds.
	ErrContent = errors.New("a receipt can't state that")
)

// Receipt is what one states. The fields stand in the order of their names in JSON: that is the canonical form.
type Receipt struct {
	At         time.Time `json:"at"`                   // when it was signed, UTC
	Case       string    `json:"case"`                 // the case's public reference
	Filed      time.Time `json:"filed"`                // when the declaration was in, UTC: what a deadline counts by
	FiledLocal time.Time `json:"filed_local"`          // the same moment with the offset of the city's clock
	Files      []File    `json:"files,omitempty"`      // what came with it, in its order
	ID         string    `json:"id"`                   // public; who does not know it can't guess it
	Issuer     string    `json:"issuer"`               // the city's domain
	Key        string    `json:"key"`                  // id of the key that signed
	Kind       Kind      `json:"kind"`                 //
	Number     uint64    `json:"number,omitempty"`     // in the gateway's chain, from 1; 0: signed inside, in no chain
	Of         *Of       `json:"of,omitempty"`         // the receipt that this one follows up; nil: it is a first one
	Party      string    `json:"party,omitempty"`      // a company's reference; never a name or an address
	Period     string    `json:"period,omitempty"`     // that it was declared for, as the service writes it
	Previous   string    `json:"previous,omitempty"`   // digest of number-1; empty for number 1 and outside of the chain
	Reason     string    `json:"reason,omitempty"`     // of a refusal: its class
	Register   *Register `json:"register,omitempty"`   // of a registration
	Rows       Rows      `json:"rows"`                 //
	Schema     string    `json:"schema"`               //
	Service    string    `json:"service"`              // its code
	Signature  string    `json:"signature,omitempty"`  // hex, of all that stands here without it
	Supersedes string    `json:"supersedes,omitempty"` // id of the receipt whose place it takes
}

// File is one file of a declaration.
type File struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"` // lower-case hex
	Size   int64  `json:"size"`   // bytes
}

// Of names a receipt by its id and its digest.
type Of struct {
	Digest string `json:"digest"`
	ID     string `json:"id"`
}

// Register is the entry in the register of the inside.
type Register struct {
	At     time.Time `json:"at"`
	Number string    `json:"number"`
}

// Rows counts the rows of a declaration. In are all that are in; Filed those taken, of which Officer are looked at by an
// officer; Open those still to be put right. The lists name the rows; an empty list with a count above 0 names none.
type Rows struct {
	Filed       int     `json:"filed"`
	FiledRows   []Range `json:"filed_rows,omitempty"`
	In          int     `json:"in"`
	Officer     int     `json:"officer"`
	OfficerRows []Range `json:"officer_rows,omitempty"`
	Open        int     `json:"open"`
	OpenRows    []Range `json:"open_rows,omitempty"`
}

// Range is a run of row numbers, both ends included, from 1.
type Range [2]int

// Ranges writes row numbers, in rising order, as runs.
func Ranges(rows ...int) []Range {
	var out []Range
	for _, n := range rows {
		if last := len(out) - 1; last >= 0 && out[last][1] == n-1 {
			out[last][1] = n
			continue
		}
		out = append(out, Range{n, n})
	}
	return out
}

// Digest is the SHA-256 of a signed receipt's bytes, in lower-case hex.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// canonical writes r in its one form.
func (r Receipt) canonical() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, fmt.Errorf("write receipt: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// message is what is signed.
func (r Receipt) message() ([]byte, error) {
	r.Signature = ""
	return r.canonical()
}

// Parse reads a signed receipt and holds it to its bounds and its one form. The signature is not checked: see Keys.Verify.
// ErrForm, ErrContent.
func Parse(b []byte) (Receipt, error) {
	var r Receipt
	if len(b) > MaxSize {
		return r, fmt.Errorf("%w: over %d bytes", ErrForm, MaxSize)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Receipt{}, fmt.Errorf("%w: something follows it", ErrForm)
	}
	if err := r.Check(); err != nil {
		return Receipt{}, err
	}
	own, err := r.canonical()
	if err != nil || !bytes.Equal(own, b) {
		return Receipt{}, fmt.Errorf("%w: its bytes were rewritten", ErrForm)
	}
	if !hexes(r.Signature, 64) || r.Key == "" {
		return Receipt{}, fmt.Errorf("%w: it is not signed", ErrForm)
	}
	return r, nil
}

// Check names all that r can't state. ErrContent.
func (r Receipt) Check() error {
	var all []error
	fault := func(bad bool, what string) {
		if bad {
			all = append(all, fmt.Errorf("%w: %s", ErrContent, what))
		}
	}
	fault(r.Schema != Schema, "schema is not "+Schema)
	for _, s := range []struct{ name, value string }{{"id", r.ID}, {"issuer", r.Issuer}, {"case", r.Case}, {"service", r.Service}} {
		fault(s.value == "" || !plain(s.value, maxLine), s.name+" is missing, too long or not plain")
	}
	for _, s := range []struct{ name, value string }{{"key", r.Key}, {"party", r.Party}, {"period", r.Period}, {"reason", r.Reason}, {"supersedes", r.Supersedes}} {
		fault(!plain(s.value, maxLine), s.name+" is too long or not plain")
	}
	fault(r.Supersedes == r.ID && r.ID != "", "it supersedes itself")
	all = append(all, r.times(), r.place(), r.rest(), r.Rows.check(), files(r.Files))
	return errors.Join(all...)
}

func (r Receipt) times() error {
	whole := func(t time.Time) bool { return !t.IsZero() && t.Nanosecond() == 0 && t.Year() < 10_000 }
	switch {
	case !whole(r.At) || !whole(r.Filed) || !whole(r.FiledLocal):
		return fmt.Errorf("%w: a time is missing or not to the second", ErrContent)
	case !utc(r.At) || !utc(r.Filed):
		return fmt.Errorf("%w: at and filed are not in UTC", ErrContent)
	case !r.Filed.Equal(r.FiledLocal):
		return fmt.Errorf("%w: filed and filed_local are two moments", ErrContent)
	case r.Filed.After(r.At) && r.Kind != Registered: // inside, another clock signs
		return fmt.Errorf("%w: it was filed after it was signed", ErrContent)
	}
	return nil
}

func utc(t time.Time) bool { _, offset := t.Zone(); return offset == 0 }

// place checks where r stands in the chain.
func (r Receipt) place() error {
	switch {
	case r.Number >= maxNumber:
		return fmt.Errorf("%w: the number is too large", ErrContent)
	case r.Number == 0 && r.Kind != Registered:
		return fmt.Errorf("%w: it has no number", ErrContent)
	case r.Number <= 1 && r.Previous != "", r.Number > 1 && !hexes(r.Previous, sha256.Size):
		return fmt.Errorf("%w: previous is not the digest of the receipt before", ErrContent)
	}
	return nil
}

// rest checks what belongs to one kind alone.
func (r Receipt) rest() error {
	switch {
	case r.Kind != Received && r.Kind != Registered && r.Kind != Refused:
		return fmt.Errorf("%w: kind %q is not known", ErrContent, clip(string(r.Kind)))
	case (r.Kind == Registered) != (r.Register != nil), (r.Kind == Refused) != (r.Reason != ""):
		return fmt.Errorf("%w: register belongs to a registration, reason to a refusal", ErrContent)
	case r.Kind == Received && r.Of != nil:
		return fmt.Errorf("%w: what was received follows no other receipt", ErrContent)
	case r.Of != nil && (r.Of.ID == "" || !plain(r.Of.ID, maxLine) || !hexes(r.Of.Digest, sha256.Size)):
		return fmt.Errorf("%w: of names no receipt", ErrContent)
	case r.Register != nil && (r.Register.Number == "" || !plain(r.Register.Number, maxLine) || r.Register.At.Nanosecond() != 0 || !utc(r.Register.At) || r.Register.At.Year() >= 10_000):
		return fmt.Errorf("%w: register is no entry", ErrContent)
	}
	return nil
}

// Sound gives r as far as a receipt can state it: without a list that is out of order or not of its count, and with counts
// that add up. A declaration is never kept out because its receipt could say less.
func (r Rows) Sound() Rows {
	if r.check() == nil {
		return r
	}
	r.FiledRows, r.OpenRows, r.OfficerRows = nil, nil, nil
	r.In = min(max(r.In, r.Filed+r.Open, 0), MaxRows)
	if r.check() != nil {
		return Rows{In: r.In}
	}
	return r
}

func (r Rows) check() error {
	if r.In < 0 || r.Filed < 0 || r.Open < 0 || r.Officer < 0 || r.In > MaxRows || r.Filed+r.Open > r.In || r.Officer > r.Filed {
		return fmt.Errorf("%w: the counts of rows do not add up", ErrContent)
	}
	for _, l := range []struct {
		count int
		rows  []Range
	}{{r.Filed, r.FiledRows}, {r.Open, r.OpenRows}, {r.Officer, r.OfficerRows}} {
		if n, ok := count(l.rows); !ok || n > 0 && n != l.count {
			return fmt.Errorf("%w: a list of rows is not in order, or not of its count", ErrContent)
		}
	}
	return nil
}

// count adds up a list of runs; false: it is too long, or not in order.
func count(list []Range) (n int, ok bool) {
	last := 0
	for _, r := range list {
		if r[0] <= last || r[1] < r[0] || r[1] > 2*MaxRows {
			return 0, false
		}
		n, last = n+r[1]-r[0]+1, r[1]
	}
	return n, len(list) <= MaxRanges
}

func files(all []File) error {
	if len(all) > MaxFiles {
		return fmt.Errorf("%w: over %d files", ErrContent, MaxFiles)
	}
	for _, f := range all {
		if f.Size < 0 || f.Size >= maxNumber || f.Name == "" || !plain(f.Name, maxName) || !hexes(f.SHA256, sha256.Size) {
			return fmt.Errorf("%w: a file has no plain name, no size or no digest", ErrContent)
		}
	}
	return nil
}

// hexes tells whether s is n bytes in lower-case hex.
func hexes(s string, n int) bool {
	return len(s) == 2*n && strings.Trim(s, "0123456789abcdef") == ""
}

// plain tells whether s is one line of at most n bytes that JSON writes as it stands, and that shows nothing else than it
// is: no control, no mark of direction.
func plain(s string, n int) bool {
	return len(s) <= n && utf8.ValidString(s) && strings.IndexFunc(s, hidden) < 0
}

func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}

// PlainName makes a file's name one that a receipt can hold: what can't stand there becomes "_", and it ends after 255
// bytes. A file is known by its digest; its name is for people. One that is empty is "_".
func PlainName(name string) string {
	if name = shortened(name, maxName); name == "" {
		return "_"
	}
	return name
}

// PlainLine makes what a person wrote, such as a period, one that a receipt can hold: as PlainName, after 128 bytes.
func PlainLine(s string) string { return shortened(s, maxLine) }

func shortened(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if hidden(r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(s, "_"))
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// clip keeps an error short.
func clip(s string) string { return s[:min(len(s), 40)] }
