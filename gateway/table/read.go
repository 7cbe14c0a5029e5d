package table

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// job is the reading of one file.
type job struct {
	ctx   context.Context
	known func(string) bool
	Limits
	zipped bool // it stands in a zip
}

// knows tells whether a word is of a known header.
func (j *job) knows(word string) bool { return j.known != nil && word != "" && j.known(word) }

// Read reads the one table of a file. known tells whether a word is that of a column or field of the form; nil takes
// the first row for the header. A file that holds no table that can be read gives a *Trouble; any other error means
// that its bytes could not be had now.
func Read(ctx context.Context, f File, known func(header string) bool, l Limits) (Table, error) {
	if f.Size > l.Bytes {
		return Table{}, &Trouble{Reason: TooBig, Count: int(f.Size), Limit: l.Bytes}
	}
	b, err := load(ctx, f, l.Bytes)
	if err != nil {
		return Table{}, err
	}
	j := &job{ctx: ctx, known: known, Limits: l}
	return j.read(f.Name, b)
}

func load(ctx context.Context, f File, most int64) ([]byte, error) {
	r, err := f.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open an attached table: %w", err)
	}
	defer r.Close()
	b := bytes.NewBuffer(make([]byte, 0, min(max(f.Size, 4096), most)+1))
	if _, err := io.Copy(b, io.LimitReader(r, most+1)); err != nil {
		return nil, fmt.Errorf("read an attached table: %w", err)
	}
	if int64(b.Len()) > most {
		return nil, &Trouble{Reason: TooBig, Limit: most}
	}
	return b.Bytes(), nil
}

func (j *job) read(name string, b []byte) (Table, error) {
	t, err := j.parse(name, b)
	if err != nil {
		return Table{}, err
	}
	if t.File == "" {
		t.File = name
	}
	return t, nil
}

// The first bytes of what is told apart before it is read as text.
const (
	zipMagic   = "PK\x03\x04"
	emptyZip   = "PK\x05\x06"
	oleMagic   = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" // MS-CFB §2.2
	tnefMagic  = "\x78\x9F\x3E\x22"                 // MS-OXTNEF §2.1.3.2
	rtfMagic   = "{\\rtf"
	sevenMagic = "7z\xBC\xAF\x27\x1C"
)

func (j *job) parse(name string, b []byte) (Table, error) {
	switch {
	case len(b) == 0:
		return Table{}, trouble(Empty, "no bytes")
	case has(b, zipMagic), has(b, emptyZip):
		return j.zip(b)
	case has(b, oleMagic):
		return Table{}, ole(b)
	case has(b, tnefMagic):
		return Table{}, trouble(Winmail, "%s", name)
	case has(b, rtfMagic), has(b, sevenMagic):
		return Table{}, trouble(NotATable, "a letter or an archive")
	}
	if typ := http.DetectContentType(b); binary(typ, b) {
		return Table{}, trouble(NotATable, "%s", typ)
	}
	return j.text(b)
}

// binary tells what is surely no text. Some types have so short a sign ("BM") that a header may start with it: only
// bytes that no text has prove them. A signature or a drawing of no known type has many of these.
func binary(typ string, b []byte) bool {
	start := b[:min(len(b), 512)]
	odd := 0
	for _, c := range start {
		if c < ' ' && c != 0 && !strings.ContainsRune("\t\n\r\f\x1b", rune(c)) {
			odd++
		}
	}
	switch {
	case strings.HasPrefix(typ, "text/"):
		return false
	case typ == "application/octet-stream":
		return odd > 4 && odd*50 > len(start)
	}
	return odd > 0 || bytes.IndexByte(start, 0) >= 0 || typ == "application/pdf"
}

func has(b []byte, magic string) bool { return bytes.HasPrefix(b, []byte(magic)) }

// ole tells what an OLE container is: an encrypted workbook (MS-OFFCRYPTO §2.3.2), or one in the format before 2007.
func ole(b []byte) error {
	switch {
	case bytes.Contains(b, wide("EncryptedPackage")):
		return trouble(Password, "an encrypted workbook")
	case bytes.Contains(b, wide("Workbook")), bytes.Contains(b, wide("Book")):
		return trouble(OldFormat, "a workbook of Excel 97-2003")
	}
	return trouble(NotATable, "an OLE container")
}

// wide is ASCII as a directory of an OLE container writes it: UTF-16, little end first.
func wide(s string) []byte {
	out := make([]byte, 0, 2*len(s))
	for i := range len(s) {
		out = append(out, s[i], 0)
	}
	return out
}

// text reads what is none of the containers.
func (j *job) text(b []byte) (Table, error) {
	text, encoding, guessed, err := decode(b)
	if label := labelled(b); err == nil && guessed && label != "" {
		text, encoding, guessed, err = named(b, label)
	}
	if err != nil {
		return Table{}, err
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		return Table{}, &Trouble{Reason: NUL, Row: 1 + strings.Count(text[:i], "\n")}
	}
	t, err := j.written(text)
	if err != nil {
		return Table{}, err
	}
	t.Dialect.Encoding = encoding
	if guessed {
		t.note(Guessed, encoding, 0)
	}
	return t, nil
}

// written reads text by its first character.
func (j *job) written(text string) (Table, error) {
	start := strings.TrimSpace(text[:min(len(text), 1024)])
	switch {
	case strings.HasPrefix(start, "<"):
		return j.marked(start, text)
	case strings.HasPrefix(start, "{"), strings.HasPrefix(start, "["):
		t, err := j.json(text)
		var tr *Trouble
		if errors.As(err, &tr) && tr.Reason == Broken && strings.HasPrefix(start, "[") && !strings.HasPrefix(start, "[{") && !strings.HasPrefix(start, "[[") {
			break // "[kg]" may start a CSV
		}
		return t, err
	}
	return j.csv(text)
}

// marked tells the kinds of XML and HTML apart.
func (j *job) marked(start, text string) (Table, error) {
	switch {
	case strings.Contains(start, "urn:oasis:names:tc:opendocument"):
		return j.odf(strings.NewReader(text))
	case strings.Contains(start, "urn:schemas-microsoft-com:office:spreadsheet") && !page(start):
		return Table{}, trouble(OldFormat, "XML Spreadsheet 2003")
	case page(start):
		return j.page(text)
	}
	return j.xml(text)
}
