package media

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"gatehouse/exchange"
)

// kind is what a file is by its first bytes. The name and the declared type prove nothing.
type kind string

const (
	kindPDF     kind = "pdf"
	kindPNG     kind = "png"
	kindJPEG    kind = "jpeg"
	kindGIF     kind = "gif"
	kindZip     kind = "zip" // an office document, or an archive
	kindXML     kind = "xml"
	kindText    kind = "text"
	kindArchive kind = "archive" // one that is never opened
	kindActive  kind = "active"  // a page, a script, a picture that can hold one
	kindOther   kind = "other"   // programs and all that is not in the list
)

// sniffLen is how much of a file its kind is told from.
const sniffLen = 1024

// magic is the beginning of each kind that is told by fixed bytes. Archives stand here only to be named in the refusal.
func magic() []struct {
	begin string
	kind  kind
} {
	return []struct {
		begin string
		kind  kind
	}{
		{"%PDF-", kindPDF},             // ISO 32000-2 §7.5.2
		{"\x89PNG\r\n\x1a\n", kindPNG}, // PNG §5.2
		{"\xff\xd8\xff", kindJPEG},     // ITU-T T.81 Annex B
		{"GIF87a", kindGIF},
		{"GIF89a", kindGIF},
		{"PK\x03\x04", kindZip},     // APPNOTE §4.3.7
		{"PK\x05\x06", kindArchive}, // an empty one
		{"PK\x07\x08", kindArchive}, // one in several volumes
		{"\x1f\x8b", kindArchive},   // gzip
		{"7z\xbc\xaf\x27\x1c", kindArchive},
		{"Rar!\x1a\x07", kindArchive},
		{"BZh", kindArchive},
		{"\xfd7zXZ\x00", kindArchive},
		{"\x28\xb5\x2f\xfd", kindArchive}, // zstd
		{"MSCF", kindArchive},             // cabinet
		{"\xd0\xcf\x11\xe0", kindActive},  // the old office format: macros can't be told from text
		{"{\\rtf", kindActive},            // may hold objects
		{"%!PS", kindActive},              // a program
		{"#!", kindActive},
		{"MZ", kindOther},
		{"\x7fELF", kindOther},
	}
}

// sniff tells the kind from a file's beginning.
func sniff(head []byte) kind {
	head = head[:min(len(head), sniffLen)]
	for _, m := range magic() {
		if bytes.HasPrefix(head, []byte(m.begin)) {
			return m.kind
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return kindArchive
	}
	text := bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	if !isText(text, true) {
		return kindOther
	}
	lower := strings.ToLower(strings.TrimSpace(string(text)))
	for _, s := range []string{"<!doctype html", "<html", "<script", "<svg", "<?php", "<iframe", "<body", "mime-version:"} {
		if strings.Contains(lower, s) {
			return kindActive
		}
	}
	if strings.HasPrefix(lower, "<") {
		return kindXML
	}
	return kindText
}

// isText tells whether b is UTF-8 without control characters but for tab, line and page breaks. With cut, the last
// character may be incomplete.
func isText(b []byte, cut bool) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			return cut && !utf8.FullRune(b)
		case r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f', r == 0x7f:
			return false
		}
		b = b[n:]
	}
	return true
}

// endings is what a file of each kind that passes may be called; a name without an ending is always right.
func endings() map[kind]string {
	return map[kind]string{
		kindPDF: " pdf ", kindPNG: " png ", kindJPEG: " jpg jpeg jpe jfif ", kindGIF: " gif ", kindZip: " xlsx docx ods odt zip ",
		kindXML: " xml xbrl ubl txt ", kindText: " txt csv tsv text log md json ",
	}
}

func fits(k kind, ext string) bool {
	return ext == "" || strings.Contains(endings()[k], " "+ext+" ")
}

// KnownEnding tells whether some kind that may pass may be called so.
func KnownEnding(ext string) bool {
	for k := range endings() {
		if fits(k, ext) {
			return true
		}
	}
	return false
}

// IsPDF tells whether a file that begins so is a PDF.
func IsPDF(b []byte) bool { return sniff(b) == kindPDF }

// Beginning judges a file by its first bytes, at least sniffLen where it has them: kinds that never pass fall at once.
func Beginning(b []byte, ext string) exchange.Reason {
	switch k := sniff(b); {
	case k == kindArchive:
		return exchange.ReasonArchive
	case k == kindActive:
		return exchange.ReasonActive
	case k == kindOther, !fits(k, ext):
		return exchange.ReasonFileKind
	}
	return exchange.ReasonNone
}

// checkKind judges the beginning, and refuses the kinds that the policy does not take.
func checkKind(f *file) (exchange.Reason, error) {
	head, err := f.head()
	if err != nil {
		return exchange.ReasonFailed, err
	}
	f.kind = sniff(head)
	switch reason := Beginning(head, f.Ext); {
	case reason != exchange.ReasonNone:
		return reason, nil
	case f.kind == kindPDF && f.Policy.PDF == Refuse, f.picture() && f.Policy.Pictures == Refuse:
		return exchange.ReasonFileKind, nil
	}
	return exchange.ReasonNone, nil
}

func (f *file) picture() bool { return f.kind == kindJPEG || f.kind == kindPNG || f.kind == kindGIF }
