package paper

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

// writer numbers the objects of a file (ISO 32000-1 §7.3.10) and writes them in their order. Strings stand in
// hexadecimal digits, names are of letters and digits: the down guard reads this grammar and no other.
type writer struct{ objects [][]byte }

// reserve gives the number of an object that is filled in later.
func (w *writer) reserve() int {
	w.objects = append(w.objects, nil)
	return len(w.objects)
}

func (w *writer) set(n int, format string, a ...any) {
	w.objects[n-1] = []byte(fmt.Sprintf(format, a...) + "\n")
}

func (w *writer) add(format string, a ...any) int {
	n := w.reserve()
	w.set(n, format, a...)
	return n
}

// stream adds a stream; entries are those of its dictionary besides length and filter.
func (w *writer) stream(entries string, data []byte) int {
	var z bytes.Buffer
	c, _ := zlib.NewWriterLevel(&z, zlib.BestCompression)
	_, _ = c.Write(data) // into memory
	_ = c.Close()
	return w.raw(entries+" /Filter /FlateDecode", z.Bytes())
}

// raw adds a stream that is not compressed.
func (w *writer) raw(entries string, data []byte) int {
	n := w.reserve()
	w.objects[n-1] = fmt.Appendf(nil, "<<%s /Length %d >>\nstream\n%s\nendstream\n", entries, len(data), data)
	return n
}

// header is the first two lines: the version, and that the file is binary (ISO 19005-2 §6.1.2).
const header = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"

// bytes writes the file with its table and trailer. The id is the digest of all objects.
func (w *writer) bytes(root, info int) []byte {
	var b bytes.Buffer
	b.WriteString(header)
	at := make([]int, len(w.objects))
	sum := sha256.New()
	for i, o := range w.objects {
		at[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%sendobj\n", i+1, o)
		sum.Write(o)
	}
	table, id := b.Len(), sum.Sum(nil)[:16]
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, o := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R /ID [<%X> <%X>] >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, root, info, id, id, table)
	return b.Bytes()
}

// file writes what was set.
func (s *sheet) file(d Document) []byte {
	w := &writer{}
	root, info, pages, tree := w.reserve(), w.reserve(), w.reserve(), w.reserve()
	fonts := [2]int{w.font(s.fonts[0], "Regular"), w.font(s.fonts[1], "Bold")}
	profile := w.stream(" /N 3", sRGB())
	meta := w.raw(" /Type /Metadata /Subtype /XML", xmp(d))
	w.set(info, "<< /Title %s /Author %s /Creator %s /Producer %s /CreationDate %s /ModDate %s >>",
		hexText(d.Title), hexText(d.Office), hexText(creator), hexText(Producer), hexDate(d.At), hexDate(d.At))
	var sheets []int
	var kids strings.Builder
	for i, p := range s.pages {
		content := w.stream("", p.Bytes())
		n := w.add("<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %s %s] /Resources << /Font << /F1 %d 0 R /F2 %d 0 R >> >> /Contents %d 0 R /StructParents %d /Tabs /S >>",
			pages, num(pageWidth), num(pageHeight), fonts[0], fonts[1], content, i)
		sheets = append(sheets, n)
		fmt.Fprintf(&kids, " %d 0 R", n)
	}
	w.set(pages, "<< /Type /Pages /Count %d /Kids [%s ] >>", len(sheets), kids.String())
	s.structure(w, tree, sheets)
	direction := ""
	if s.rtl {
		direction = " /Direction /R2L"
	}
	w.set(root, "<< /Type /Catalog /Pages %d 0 R /Lang %s /MarkInfo << /Marked true >> /ViewerPreferences << /DisplayDocTitle true%s >> /StructTreeRoot %d 0 R /Metadata %d 0 R /OutputIntents [<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier %s /Info %s /DestOutputProfile %d 0 R >>] >>",
		pages, hexText(d.Lang), direction, tree, meta, hexText("sRGB"), hexText("sRGB IEC61966-2.1"), profile)
	return w.bytes(root, info)
}

// font adds a page font: a Type 0 font over a CID font whose program it carries (ISO 32000-1 §9.7).
func (w *writer) font(f *pageFont, weight string) int {
	program := f.program("Paper-" + weight)
	name := f.tag(program) + "+Paper-" + weight
	program = f.program(name)
	file := w.stream(" /Subtype /CIDFontType0C", program)
	box, stem := f.box(), map[string]int{"Regular": 80, "Bold": 140}[weight]
	descriptor := w.add("<< /Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [%d %d %d %d] /ItalicAngle 0 /Ascent %d /Descent %d /CapHeight 714 /StemV %d /FontFile3 %d 0 R >>",
		name, box[0], box[1], box[2], box[3], box[3], box[1], stem, file)
	var widths strings.Builder
	for _, g := range f.glyphs {
		fmt.Fprintf(&widths, " %d", g.width)
	}
	cid := w.add("<< /Type /Font /Subtype /CIDFontType0 /BaseFont /%s /CIDSystemInfo << /Registry %s /Ordering %s /Supplement 0 >> /FontDescriptor %d 0 R /DW %d /W [0 [%s ]] >>",
		name, hexASCII("Adobe"), hexASCII("Identity"), descriptor, em, widths.String())
	unicodes := w.stream("", f.toUnicode())
	return w.add("<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%d 0 R] /ToUnicode %d 0 R >>", name, cid, unicodes)
}

// toUnicode is the CMap that says which letters a glyph stands for (ISO 32000-1 §9.10.3), in groups of a hundred.
func (f *pageFont) toUnicode() []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo << /Registry <41646F6265> /Ordering <554353> /Supplement 0 >> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	for from := 1; from < len(f.glyphs); from += 100 {
		to := min(from+100, len(f.glyphs))
		fmt.Fprintf(&b, "%d beginbfchar\n", to-from)
		for cid := from; cid < to; cid++ {
			fmt.Fprintf(&b, "<%04X> <", cid)
			for _, u := range utf16.Encode([]rune(f.glyphs[cid].text)) {
				fmt.Fprintf(&b, "%04X", u)
			}
			b.WriteString(">\n")
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return b.Bytes()
}

// structure writes the tree of elements, and for each page which element a mark belongs to.
func (s *sheet) structure(w *writer, tree int, sheets []int) {
	number(w, s.root)
	s.root.write(w, fmt.Sprintf("%d 0 R", tree), sheets)
	var nums strings.Builder
	for i, p := range s.pages {
		fmt.Fprintf(&nums, " %d [", i)
		for _, e := range p.marks {
			fmt.Fprintf(&nums, " %d 0 R", e.object)
		}
		nums.WriteString(" ]")
	}
	parents := w.add("<< /Nums [%s ] >>", nums.String())
	w.set(tree, "<< /Type /StructTreeRoot /K %d 0 R /ParentTree %d 0 R /ParentTreeNextKey %d >>", s.root.object, parents, len(s.pages))
}

func number(w *writer, e *element) {
	e.object = w.reserve()
	for _, k := range e.kids {
		number(w, k)
	}
}

func (e *element) write(w *writer, parent string, sheets []int) {
	var kids strings.Builder
	for _, m := range e.marks {
		fmt.Fprintf(&kids, " << /Type /MCR /Pg %d 0 R /MCID %d >>", sheets[m.page], m.number)
	}
	for _, k := range e.kids {
		fmt.Fprintf(&kids, " %d 0 R", k.object)
		k.write(w, fmt.Sprintf("%d 0 R", e.object), sheets)
	}
	more := ""
	if e.scope != "" {
		more = " /A << /O /Table /Scope /" + e.scope + " >>"
	}
	if e.says != "" {
		more += " /ActualText " + hexText(e.says)
	}
	w.set(e.object, "<< /Type /StructElem /S /%s /P %s%s /K [%s ] >>", e.kind, parent, more, kids.String())
}

func hexASCII(s string) string { return fmt.Sprintf("<%X>", s) }

// hexDate is a date (ISO 32000-1 §7.9.4), in universal time.
func hexDate(t time.Time) string { return hexASCII("D:" + t.UTC().Format("20060102150405") + "Z") }
