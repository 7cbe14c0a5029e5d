package table

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"
)

// book is a workbook of ECMA-376. It is read as a stream: a library that holds a sheet as a tree takes memory by the
// farthest cell, and its rows do not tell a date from a number or a text.
type book struct {
	*pack
	strings []string
	shows   []shown // by number of a cell's format
	from    epoch
}

// leaf is a sheet of a book, as its table of contents has it.
type leaf struct {
	name, part string
	hidden     bool
}

// sheets bounds the sheets that a workbook may name.
const sheets = 256

func (p *pack) xlsx() (Table, error) {
	b := &book{pack: p}
	root, err := b.relations("")
	if err != nil {
		return Table{}, err
	}
	main := "xl/workbook.xml"
	for _, r := range root {
		if r.kind == "officeDocument" {
			main = r.part
		}
	}
	if p.named[main] == nil {
		return Table{}, trouble(NotATable, "a package without a workbook")
	}
	all, err := b.contents(main)
	if err != nil {
		return Table{}, err
	}
	return b.pick(all)
}

// contents reads the workbook's part: its sheets, how it counts days, its styles and texts.
func (b *book) contents(main string) ([]leaf, error) {
	links, err := b.relations(main)
	if err != nil {
		return nil, err
	}
	var all []leaf
	err = b.each(main, func(_ *pull, e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			b.from.mac = truth(attr(e, "date1904"))
		case "sheet":
			l := links[attr(e, "id")]
			if l.kind == "worksheet" && len(all) < sheets {
				all = append(all, leaf{attr(e, "name"), l.part, attr(e, "state") != "" && attr(e, "state") != "visible"})
			}
		}
		return nil
	})
	for _, l := range links {
		switch {
		case err != nil:
		case l.kind == "sharedStrings":
			err = b.texts(l.part)
		case l.kind == "styles":
			err = b.styles(l.part)
		}
	}
	return all, err
}

func truth(s string) bool { return s == "1" || s == "true" || s == "on" }

// link is a relation of a part to another of the same package (ECMA-376 part 2, §9.3).
type link struct{ kind, part string }

// relations are those of a part; "" is the package. Relations to what lies outside are left out.
func (b *book) relations(part string) (map[string]link, error) {
	all := map[string]link{}
	dir, base := path.Split(part)
	name := dir + "_rels/" + base + ".rels"
	if b.named[name] == nil {
		return all, nil
	}
	err := b.each(name, func(_ *pull, e xml.StartElement) error {
		if e.Name.Local != "Relationship" || attr(e, "TargetMode") == "External" || len(all) > b.job.Entries {
			return nil
		}
		to := attr(e, "Target")
		if !strings.HasPrefix(to, "/") {
			to = dir + to
		}
		all[attr(e, "Id")] = link{path.Base(attr(e, "Type")), strings.ToLower(strings.TrimPrefix(path.Clean("/"+to), "/"))}
		return nil
	})
	return all, err
}

// each calls do for every element of a part.
func (p *pack) each(part string, do func(*pull, xml.StartElement) error) error {
	f := p.named[part]
	if f == nil {
		return trouble(Broken, "no part %.80q", part)
	}
	r, err := p.open(f)
	if err != nil {
		return err
	}
	defer r.Close()
	x := p.job.pull(r)
	for {
		t, err := x.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := t.(xml.StartElement); ok {
			if err := do(x, e); err != nil {
				return err
			}
		}
	}
}

// texts reads the strings that cells share.
func (b *book) texts(part string) error {
	return b.each(part, func(x *pull, e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		if len(b.strings) > 2*b.job.Cells {
			return &Trouble{Reason: TooManyCells, Detail: "shared strings", Limit: int64(b.job.Cells)}
		}
		s, err := x.rich(b.job.Cell)
		b.strings = append(b.strings, s)
		return err
	})
}

// rich reads the text of the element whose start was read last: the runs of a rich text, without the readings of Chinese
// signs beside them. What is longer than a cell may be is cut to one character more, for the check of the cell to see.
func (p *pull) rich(most int) (string, error) {
	var text strings.Builder
	in, end := false, p.depth-1
	for p.depth > end {
		t, err := p.next()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local == "rPh" {
				if err := p.skip(); err != nil {
					return "", err
				}
			}
			in = t.Name.Local == "t"
		case xml.EndElement:
			in = false
		case xml.CharData:
			if in && text.Len() <= 4*most {
				text.Write(t[:min(len(t), 4*most+4)])
			}
		}
	}
	return unescape(text.String()), nil
}

// unescape reads the characters that XML cannot hold: _x000D_ (ECMA-376 part 1, §22.9.2.19).
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.Index(s, "_x")
		if i < 0 || i+7 > len(s) {
			b.WriteString(s)
			return b.String()
		}
		n, err := strconv.ParseUint(s[i+2:i+6], 16, 16)
		if err != nil || s[i+6] != '_' {
			b.WriteString(s[:i+2])
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		b.WriteRune(rune(n))
		s = s[i+7:]
	}
}

// shown is what a format makes of a number: a date, or a code of so many digits ("000000").
type shown struct {
	date  bool
	zeros int
}

// styles reads what the formats of cells show.
func (b *book) styles(part string) error {
	codes, in := map[string]shown{}, false
	return b.each(part, func(_ *pull, e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			if len(codes) < 1<<12 {
				codes[attr(e, "numFmtId")] = showOf(attr(e, "formatCode"))
			}
		case "cellStyleXfs", "cellXfs", "cellStyles":
			in = e.Name.Local == "cellXfs"
		case "xf":
			if in && len(b.shows) < 1<<16 {
				id := attr(e, "numFmtId")
				own, ok := codes[id]
				if !ok {
					own = shown{date: builtIn(id)}
				}
				b.shows = append(b.shows, own)
			}
		}
		return nil
	})
}

func showOf(code string) shown {
	if len(code) > 1 && len(code) <= 32 && strings.Trim(code, "0") == "" {
		return shown{zeros: len(code)}
	}
	return shown{date: dated(code)}
}

// builtIn tells the formats of dates that have a number (ECMA-376 part 1, §18.8.30, with those of East Asia).
func builtIn(id string) bool {
	n, _ := strconv.Atoi(id)
	return n >= 14 && n <= 22 || n >= 27 && n <= 36 || n >= 45 && n <= 47 || n >= 50 && n <= 58
}

// dated tells whether a format shows a date or a time: it has one of their letters outside of quotes, escapes and
// brackets; [h] and its like show a duration.
func dated(code string) bool {
	code, _, _ = strings.Cut(strings.ToLower(code), ";")
	if code == "general" {
		return false
	}
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '\\', '_', '*':
			i++
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return false
			}
			i += end + 1
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return false
			}
			if in := code[i+1 : i+end]; in != "" && strings.Trim(in, string(in[0])) == "" && strings.Contains("hms", in[:1]) {
				return true
			}
			i += end
		case 'd', 'm', 'y', 'h', 's':
			return true
		}
	}
	return false
}

// pick reads the sheet whose header is known, else none; the first with cells where no header is known beforehand.
func (b *book) pick(all []leaf) (Table, error) {
	p := picker{}
	for _, l := range all {
		f := b.named[l.part]
		if f == nil || l.hidden {
			continue
		}
		if err := p.offer(l.name, func(peek bool) (Table, error) { return b.sheet(f, peek) }); err != nil {
			return Table{}, err
		}
	}
	return p.table()
}

// picker chooses among the sheets of a workbook.
type picker struct {
	best   *Table
	others []string
	first  error
}

// offer reads one sheet, or only looks whether it has a cell once one was chosen.
func (p *picker) offer(name string, read func(peek bool) (Table, error)) error {
	t, err := read(p.best != nil)
	var tr *Trouble
	switch {
	case errors.Is(err, errFilled):
		p.others = append(p.others, name)
	case err == nil:
		t.Sheet = name
		p.best = &t
	case !errors.As(err, &tr) || tr.Reason == Bomb:
		return err
	case tr.Reason == Empty:
	default:
		p.others = append(p.others, name)
		if p.first == nil {
			p.first = err
		}
	}
	return nil
}

func (p *picker) table() (Table, error) {
	switch {
	case p.best == nil && p.first != nil:
		return Table{}, p.first
	case p.best == nil:
		return Table{}, trouble(Empty, "no sheet that shows has a cell that is filled in")
	}
	for _, name := range p.others {
		p.best.note(OtherSheets, name, 0)
	}
	return *p.best, nil
}

// errFilled ends the look into a sheet whose first filled row was seen.
var errFilled = errors.New("the sheet has cells")

func (b *book) sheet(f *zip.File, peek bool) (Table, error) {
	r, err := b.open(f)
	if err != nil {
		return Table{}, err
	}
	defer r.Close()
	s := &sheet{book: b, pull: b.job.pull(r), grid: grid{job: b.job, peek: peek}}
	if err := s.read(); err != nil {
		return Table{}, err
	}
	return s.table()
}
