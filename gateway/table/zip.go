package table

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"path"
	"strings"
)

// pack is a zip whose entries are read within one budget.
type pack struct {
	job   *job
	all   []*zip.File
	named map[string]*zip.File // by name in lower case
	left  int64                // bytes that may still be unzipped
}

// entry is the sign before each entry of a zip's directory (APPNOTE 4.3.12).
const entry = "PK\x01\x02"

// open reads the directory of a zip, and refuses it by what it says of itself; what it does not say is counted later.
func (j *job) open(b []byte) (*pack, error) {
	if n := bytes.Count(b, []byte(entry)); n > 2*j.Entries {
		return nil, &Trouble{Reason: Bomb, Detail: "entries", Count: n, Limit: int64(j.Entries)}
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, broken(unexpected(err))
	}
	if len(z.File) > j.Entries {
		return nil, &Trouble{Reason: Bomb, Detail: "entries", Count: len(z.File), Limit: int64(j.Entries)}
	}
	p := &pack{job: j, all: z.File, named: make(map[string]*zip.File, len(z.File)), left: j.Unzipped}
	var sum uint64
	for _, f := range z.File {
		if f.Flags&1 != 0 { // APPNOTE 4.4.4
			return nil, trouble(Password, "an encrypted entry")
		}
		if sum += f.UncompressedSize64; f.UncompressedSize64 > uint64(j.Unzipped) || sum > uint64(j.Unzipped) {
			return nil, &Trouble{Reason: Bomb, Detail: "size", Limit: j.Unzipped}
		}
		p.named[strings.ToLower(strings.ReplaceAll(f.Name, `\`, "/"))] = f
	}
	return p, nil
}

// counted reads one entry, and stops at the budget of the zip and at the ratio of the entry.
type counted struct {
	io.ReadCloser
	pack  *pack
	size  int64 // packed
	taken int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.taken += int64(n)
	c.pack.left -= int64(n)
	switch {
	case c.pack.left < 0:
		return 0, &Trouble{Reason: Bomb, Detail: "size", Limit: c.pack.job.Unzipped}
	case c.taken > 1<<20 && c.taken > c.size*int64(c.pack.job.Ratio):
		return 0, &Trouble{Reason: Bomb, Detail: "ratio", Limit: int64(c.pack.job.Ratio)}
	}
	return n, err
}

func (p *pack) open(f *zip.File) (io.ReadCloser, error) {
	r, err := f.Open()
	if err != nil {
		return nil, broken(unexpected(err))
	}
	return &counted{ReadCloser: r, pack: p, size: int64(f.CompressedSize64)}, nil
}

// bytes reads a whole entry of at most so many bytes.
func (p *pack) bytes(f *zip.File, most int64) ([]byte, error) {
	r, err := p.open(f)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, broken(unexpected(err))
	}
	if int64(len(b)) > most {
		return nil, &Trouble{Reason: TooBig, Limit: most}
	}
	return b, nil
}

// zip tells what a zip is: a workbook, or a table that was packed.
func (j *job) zip(b []byte) (Table, error) {
	p, err := j.open(b)
	if err != nil {
		return Table{}, err
	}
	switch _, types := p.named["[content_types].xml"]; {
	case p.macros():
		return Table{}, trouble(Macros, "a workbook with macros")
	case p.named["xl/workbook.bin"] != nil:
		return Table{}, trouble(OldFormat, "a binary workbook")
	case p.named["word/document.xml"] != nil, p.named["ppt/presentation.xml"] != nil:
		return Table{}, trouble(NotATable, "a letter or slides")
	case p.named["index/document.iwa"] != nil:
		return Table{}, trouble(NotATable, "a document of Numbers")
	case p.named["encrypted-package"] != nil: // as LibreOffice writes since 24.8
		return Table{}, trouble(Password, "an encrypted document")
	case types:
		return p.xlsx()
	case p.named["content.xml"] != nil:
		return p.ods()
	case j.zipped:
		return Table{}, trouble(ZipInZip, "a zip within a zip")
	}
	return p.one()
}

// macros tells a workbook that brings programs, in Visual Basic or in the sheets of Excel 4.
func (p *pack) macros() bool {
	for name := range p.named {
		if strings.HasSuffix(name, "vbaproject.bin") || strings.HasPrefix(name, "xl/macrosheets/") {
			return true
		}
	}
	return false
}

// tried bounds how many files of a zip are looked at for the one table.
const tried = 20

// one reads a zip that holds one table, beside files that are none.
func (p *pack) one() (Table, error) {
	inner := *p.job
	inner.zipped = true
	var found []Table
	var others, names []string
	var first error
	for _, f := range p.all {
		name := clean(path.Base(strings.ReplaceAll(f.Name, `\`, "/")))
		if f.FileInfo().IsDir() || litter(f.Name, name) {
			continue
		}
		if len(names)+len(others) >= tried {
			return Table{}, &Trouble{Reason: SeveralFiles, Names: append(names, others...), Count: len(p.all)}
		}
		b, err := p.bytes(f, p.job.Bytes)
		if err != nil {
			return Table{}, err
		}
		inner.Unzipped = p.left
		t, err := inner.read(name, b)
		switch {
		case err == nil:
			found, names = append(found, t), append(names, name)
		case worse(err) || first == nil:
			first = err
			fallthrough
		default:
			others = append(others, name)
		}
		if worse(err) {
			return Table{}, err
		}
	}
	return chosen(found, names, others, first)
}

func chosen(found []Table, names, others []string, first error) (Table, error) {
	switch {
	case len(found) > 1:
		return Table{}, &Trouble{Reason: SeveralFiles, Names: names, Count: len(names)}
	case len(found) == 1:
		for _, o := range others {
			found[0].note(OtherFiles, o, 0)
		}
		return found[0], nil
	case first != nil:
		return Table{}, first
	}
	return Table{}, trouble(Empty, "a zip without files")
}

// litter tells what systems put into a zip on their own.
func litter(full, name string) bool {
	return strings.Contains(full, "__MACOSX") || strings.HasPrefix(name, "._") || name == "" || name == "." ||
		strings.EqualFold(name, ".DS_Store") || strings.EqualFold(name, "Thumbs.db") || strings.EqualFold(name, "desktop.ini")
}

// worse tells a trouble that other files of the zip do not excuse, unlike that of a letter or a picture beside the table.
func worse(err error) bool {
	var t *Trouble
	if err == nil || !errors.As(err, &t) {
		return err != nil
	}
	switch t.Reason {
	case Empty, NotATable, NoHeader, Encoding, NUL, OpenQuote, LongCell, TooWide, Broken, DTD, TooDeep:
		return false
	}
	return true
}
