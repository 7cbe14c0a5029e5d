// Package mediatest makes the files that the guard's tests judge: hostile ones and good ones, each with its verdict.
//
// The rule: every file is made here, from its parts, at the time of the test; nothing is downloaded, and no file does
// harm where it lies. What a real attacker adds only to reach a program (the macro's code, the script's words) is
// left out; what lets a guard recognise it is there.
package mediatest

import (
	"strings"

	"gatehouse/exchange"
	"gatehouse/exchange/guard/media"
)

// File is one file with the verdict that it must have under Policy.
type File struct {
	Name    string // what it is
	Ext     string // ending of its name
	Bytes   []byte
	Want    exchange.Reason
	Rebuilt bool // another file goes on in its place
	// Gone is what stands in the file and must not stand in what goes on; empty: nothing in particular.
	Gone string
}

// Policy is the one that the verdicts are by: the default, but bombs need not be larger than 8 MiB.
func Policy() media.Policy {
	p := media.Policy{MaxUnpacked: 8 << 20}
	return p.WithDefaults()
}

// Files is the corpus.
func Files() []File {
	var all []File
	for _, group := range [][]File{kinds(), texts(), pictures(), archives(), offices(), pdfs(), polyglots()} {
		all = append(all, group...)
	}
	return all
}

const (
	pass   = exchange.ReasonNone
	kind   = exchange.ReasonFileKind
	active = exchange.ReasonActive
	packed = exchange.ReasonArchive
	large  = exchange.ReasonSize
)

// Eicar is the harmless file that every virus scanner reports (EICAR, 2006), put together here so that none reports
// this source.
func Eicar() []byte {
	return []byte(`X5O!P%@AP[4\PZX54(P^)7CC)7}` + "$EICAR-STANDARD-" + "ANTIVIRUS-TEST-FILE!$H+H*")
}

// kinds are files that are told by their first bytes, or whose name says another thing.
func kinds() []File {
	return []File{
		{"windows program", "exe", []byte("MZ\x90\x00"), kind, false, ""},
		{"program called picture", "png", []byte("MZ\x90\x00"), kind, false, ""},
		{"linux program", "", []byte("\x7fELF\x02"), kind, false, ""},
		{"unknown bytes", "", []byte("\x00\x01\x02"), kind, false, ""},
		{"picture called document", "pdf", PNG(8, 8), kind, false, ""},
		{"picture called program", "exe", PNG(8, 8), kind, false, ""},
		{"text called page", "html", []byte("hello"), kind, false, ""},
		{"webp", "webp", []byte("RIFF\x24\x00\x00\x00WEBPVP8 "), kind, false, ""},
		{"tiff", "tif", []byte("II*\x00\x08\x00\x00\x00"), kind, false, ""},
		{"script", "txt", []byte("#!/bin/sh\nrm"), active, false, ""},
		{"page", "txt", []byte("<!DOCTYPE html><p>"), active, false, ""},
		{"page after a comment", "xml", []byte("<!-- x --><HTML>"), active, false, ""},
		{"svg", "xml", []byte(`<?xml version="1.0"?><svg/>`), active, false, ""},
		{"rich text", "txt", []byte(`{\rtf1\object`), active, false, ""},
		{"postscript", "txt", []byte("%!PS-Adobe-3.0\n"), active, false, ""},
		{"mail with a page", "txt", []byte("MIME-Version: 1.0\nContent-Type: text/html\n\nhello"), active, false, ""},
		{"old office with macros", "xls", append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "_VBA_PROJECT"...), active, false, ""},
		{"gzip", "", []byte("\x1f\x8b\x08"), packed, false, ""},
		{"7z", "", []byte("7z\xbc\xaf\x27\x1c"), packed, false, ""},
		{"rar", "", []byte("Rar!\x1a\x07\x01\x00"), packed, false, ""},
		{"tar", "", []byte(strings.Repeat("a", 257) + "ustar\x0000" + strings.Repeat("a", 50)), packed, false, ""},
	}
}

func texts() []File {
	long := strings.Repeat("é,ü;", 60_000)
	text := func(name, ext, s string, want exchange.Reason) File {
		return File{Name: name, Ext: ext, Bytes: []byte(s), Want: want}
	}
	return []File{
		text("csv", "csv", "a;b\r\n1;2\r\n", pass),
		text("csv with mark", "csv", "\xef\xbb\xbfa;b\n", pass),
		text("csv with numbers and phones", "csv", "n;phone;share\n-5;+44 7700 900000;-1,5%\n\"-0.5\";+33 (0)1 23;-3E5\n", pass),
		text("arabic text", "txt", "مرحبا", pass),
		text("chinese text", "txt", "你好", pass),
		text("long text", "txt", long, pass),
		text("list in a plain text", "txt", "- bread\n- milk\n= sum\n", pass),
		text("xml", "xml", `<?xml version="1.0" encoding="UTF-8"?><a b="c"><d>e</d></a>`, pass),
		text("json", "json", `{"a": 1}`, pass),
		text("eicar", "txt", string(Eicar()), pass), // a matter of the scanner
		text("latin-1", "txt", "caf\xe9", kind),
		text("utf-16", "csv", "\xff\xfea\x00", kind),
		text("bell late in a text", "txt", long+"\a", kind),
		text("cut character at end", "txt", long+"\xc3", kind),
		text("script late in a text", "txt", long+"<ScRiPt>", active),
		text("script across two windows", "txt", strings.Repeat("a", 64<<10-3)+"<script>", active),
		text("formula", "csv", "name;sum\nx;=1+1\n", active),
		text("data exchange", "csv", "a,=cmd|' /C calc'!A0\n", active),
		text("data exchange behind a sign", "csv", "a\n-2+3+cmd|' /C calc'!A0\n", active),
		text("formula behind quotes and blanks", "csv", "a;\" =HYPERLINK(\"\"http://x\"\")\"\n", active),
		text("formula with an at sign", "tsv", "a\t@SUM(1)\n", active),
		text("formula at the end, no name", "", "a,b\nc,=A1", active),
		text("entities", "xml", `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a/>`, active),
		text("entities that multiply", "xml", `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>`, active),
		text("style sheet", "xml", `<?xml version="1.0"?><?xml-stylesheet href="x.xsl"?><a/>`, active),
		text("page in xml", "xml", `<?xml version="1.0"?><a xmlns:h="http://www.w3.org/1999/xhtml"><h:b/></a>`, active),
		text("xml that includes", "xml", `<a xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="file:///etc/passwd"/></a>`, active),
		text("xml cut", "xml", `<?xml version="1.0"?><a><b></a>`, kind),
		text("xml too deep", "xml", strings.Repeat("<a>", 5000), kind),
	}
}
