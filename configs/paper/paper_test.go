package paper

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-text/typesetting/font"
)

// words are what a decision says in each of the four languages, and a piece of it as a reader must get it back.
var words = map[string]struct{ office, title, name, reason, want string }{
	"en": {"Port Lumen", "Decision on your application", "Reason", "We looked at 14 Quay St on Monday. The lamp is repaired; the hole is closed next week.", "The lamp is repaired"},
	"fr": {"Port Lumen", "Décision sur votre demande", "Motif", "Nous avons examiné l’éclairage au 14 Quay St. La lampe est réparée ; « le trou » sera comblé.", "éclairage au 14 Quay St"},
	"ar": {"بورت لومن", "قرار بشأن طلبك", "السبب", "عاينا المصباح يوم الاثنين. لا بد من الإصلاح، والرسم 30 يورو.", "عاينا المصباح يوم الاثنين"},
	"zh": {"卢门港", "关于您申请的决定", "理由", "我们星期一查看了 14 Quay St 的路灯。路灯已修好；路面坑洞将于下周填补，感谢您的报告。", "路面坑洞将于下周填补"},
}

func sample(lang string) Document {
	w := words[lang]
	return Document{
		Lang: lang, Office: w.office, Lines: []string{"+44 7700 900100"}, Foot: "PL-7K3M-9QWD-42", Title: w.title,
		At: time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC),
		Blocks: []Block{
			Facts{{w.title, "PL-7K3M-9QWD-42"}}, Heading(w.name), Paragraph(w.reason + "\n" + w.reason),
			Table{Head: []string{"2026", w.name}, Rows: [][]string{{"11", w.reason}}}, Signature{w.office, "https://portlumen.example/track"},
		},
	}
}

func press(t *testing.T) *Press {
	t.Helper()
	p, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func printed(t *testing.T, p *Press, d Document) string {
	t.Helper()
	b, err := p.Print(d)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "paper.pdf")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// tool runs a program of qpdf or poppler-utils (deploy/tools.sh), which must find no fault.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	var errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%s: %v %s %s", name, err, errs.String(), out)
	}
	return string(out)
}

// bare drops the marks of direction that pdftotext writes.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x202a && r <= 0x202e || r == 0x200e || r == 0x200f || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, s)
}

// TestPapers sets one document in each language and lets other programs read it: no fault, every font embedded, a
// subset, with its letters, tagged, and the words come back in the order of reading.
func TestPapers(t *testing.T) {
	p := press(t)
	for lang, w := range words {
		t.Run(lang, func(t *testing.T) {
			file := printed(t, p, sample(lang))
			tool(t, "qpdf", "--check", file)
			if fonts := tool(t, "pdffonts", file); len(regexp.MustCompile(`CID Type 0C +Identity-H +yes yes yes`).FindAllString(fonts, -1)) != 2 {
				t.Errorf("fonts are not embedded subsets with their letters:\n%s", fonts)
			}
			if info := tool(t, "pdfinfo", file); !regexp.MustCompile(`Tagged: +yes`).MatchString(info) || !strings.Contains(info, w.title) ||
				!regexp.MustCompile(`JavaScript: +no`).MatchString(info) || !regexp.MustCompile(`Pages: +1\n`).MatchString(info) {
				t.Errorf("not as told:\n%s", info)
			}
			got := bare(tool(t, "pdftotext", file, "-"))
			for _, want := range []string{w.want, w.office, w.title, "PL-7K3M-9QWD-42", "+44 7700 900100"} {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
			if tree := tool(t, "pdfinfo", "-struct", file); !strings.Contains(tree, "H1") || !strings.Contains(tree, "TH") || !strings.Contains(tree, "/Scope /Column") {
				t.Errorf("the structure is\n%s", tree)
			}
			if !drawn(t, file) {
				t.Error("the page is empty")
			}
		})
	}
}

// drawn renders the first page and tells whether a fair part of it is dark.
func drawn(t *testing.T, file string) bool {
	t.Helper()
	out := strings.TrimSuffix(file, ".pdf")
	tool(t, "pdftoppm", "-gray", "-r", "50", "-singlefile", file, out)
	b, err := os.ReadFile(out + ".pgm")
	if err != nil {
		t.Fatal(err)
	}
	dark := 0
	for _, c := range b[20:] {
		if c < 100 {
			dark++
		}
	}
	return dark > 200 && dark < len(b)/4
}

// TestConformance holds the objects against what ISO 19005-2 asks at level A and forbids.
func TestConformance(t *testing.T) {
	b, err := press(t).Print(sample("ar"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b, []byte(header)) || !bytes.HasSuffix(b, []byte("%%EOF\n")) {
		t.Error("header or end is another")
	}
	for _, want := range []string{
		"<pdfaid:part>2</pdfaid:part>", "<pdfaid:conformance>A</pdfaid:conformance>", "/S /GTS_PDFA1", "/MarkInfo << /Marked true >>",
		"/Lang " + hexText("ar"), "/ID [<", "/Direction /R2L", "<pdf:Producer>" + Producer, "<xmp:CreateDate>2026-11-27T10:00:00Z",
		hexASCII("D:20261127100000Z"), "/ActualText " + hexText(words["ar"].reason),
	} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("no %s", want)
		}
	}
	for _, never := range []string{"/JS", "/JavaScript", "/AA", "/OpenAction", "/URI", "/Launch", "/EmbeddedFile", "/Annots", "/AcroForm", "/Encrypt", "/LZWDecode", "/SMask", "/ca ", "/XObject"} {
		if bytes.Contains(b, []byte(never)) {
			t.Errorf("has %s", never)
		}
	}
}

// TestIsolate: a telephone number in an Arabic sentence is seen, and read back, in its own order.
func TestIsolate(t *testing.T) {
	d := sample("ar")
	const phone = "+44 7700 900199"
	d.Blocks = []Block{Paragraph("الهاتف: " + Isolate("ar", phone) + " أو تعال إلينا.")}
	got := tool(t, "pdftotext", printed(t, press(t), d), "-")
	if !strings.Contains(bare(got), phone) {
		t.Errorf("got %q", bare(got))
	}
	if Isolate("en", phone) != phone || Isolate("ar", "") != "" {
		t.Error("isolated without need")
	}
}

// TestSameBytes: the same data gives the same file, from another press too, and other data another id.
func TestSameBytes(t *testing.T) {
	p := press(t)
	for lang := range words {
		a, errA := p.Print(sample(lang))
		b, errB := press(t).Print(sample(lang))
		if err := errors.Join(errA, errB); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: %d and %d bytes, %v", lang, len(a), len(b), err)
		}
	}
	other := sample("en")
	other.At = other.At.Add(time.Second)
	a, _ := p.Print(sample("en"))
	b, _ := p.Print(other)
	id := regexp.MustCompile(`/ID \[<([0-9A-F]{32})>`)
	if x, y := id.FindSubmatch(a), id.FindSubmatch(b); x == nil || y == nil || bytes.Equal(x[1], y[1]) {
		t.Error("two documents have one id")
	}
}

// TestPages runs a table over pages: every row is there, the head again on each, and the pages are counted.
func TestPages(t *testing.T) {
	d := sample("en")
	rows := Table{Head: []string{"Month", "Nights"}}
	for i := range 120 {
		rows.Rows = append(rows.Rows, []string{fmt.Sprintf("row %03d", i), strings.Repeat("nights ", i%30)})
	}
	d.Blocks = []Block{rows, Paragraph(strings.Repeat("A long word on the matter. ", 900))}
	file := printed(t, press(t), d)
	tool(t, "qpdf", "--check", file)
	got := tool(t, "pdftotext", "-layout", file, "-")
	pages := strings.Count(got, "\f")
	for i := range 120 {
		if strings.Count(got, fmt.Sprintf("row %03d", i)) != 1 {
			t.Errorf("row %d is not there once", i)
		}
	}
	last := regexp.MustCompile(fmt.Sprintf(`%d ?/ ?%d`, pages, pages))
	if heads := strings.Count(got, "Month"); pages < 5 || heads < 3 || heads > pages || !last.MatchString(got) {
		t.Errorf("%d pages, %d heads", pages, heads)
	}
}

// TestNotMade names the conditions under which there is no document.
func TestNotMade(t *testing.T) {
	p := press(t)
	none := press(t)
	none.noto = t.TempDir()
	strange, long, uneven := sample("en"), sample("en"), sample("en")
	strange.Blocks = []Block{Paragraph("a letter of no font \U0001F600")}
	long.Blocks = []Block{Paragraph(strings.Repeat("x", MaxRunes+1))}
	uneven.Blocks = []Block{Table{Head: []string{"a", "b"}, Rows: [][]string{{"c"}}}}
	for name, c := range map[string]struct {
		press *Press
		d     Document
		is    error
		says  string
	}{
		"no letter":    {p, strange, ErrNoFont, "no font for a script: Common"},
		"no package":   {none, sample("zh"), ErrNoFont, "no font for a script"},
		"too long":     {p, long, ErrTooLarge, "at most"},
		"uneven table": {p, uneven, nil, "a row of 1 cells under a head of 2"},
		"empty":        {p, Document{}, nil, "are required"},
	} {
		if _, err := c.press.Print(c.d); err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := p.Can("Łódź ελληνικά Кириллица 漢字 العربية עברית हिन्दी"); err != nil {
		t.Error(err)
	}
	if err := none.Can("a"); !errors.Is(err, ErrNoFont) {
		t.Errorf("without fonts: %v", err)
	}
}

// TestBrokenFont: a font that the shaper stumbles over costs one document, not the program, and the next one is right.
func TestBrokenFont(t *testing.T) {
	p := press(t)
	want, err := p.Print(sample("en"))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(debian, "truetype/noto/NotoSans-Regular.ttf")
	good := p.faces[name]
	p.faces[name] = &font.Face{}
	if b, err := p.Print(sample("en")); err == nil || len(b) > 0 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	p.faces[name] = good
	if got, err := p.Print(sample("en")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("afterwards %d bytes, %v", len(got), err)
	}
}

// TestOperatorsFonts: a named font goes before Debian's, and one that is none is a fault with its name.
func TestOperatorsFonts(t *testing.T) {
	own := filepath.Join(debian, "opentype/noto/NotoSansCJK-Regular.ttc")
	p, err := Open(Config{Regular: []string{own + "#2"}, Bold: []string{own + "#2"}})
	if err != nil {
		t.Fatal(err)
	}
	p.noto = t.TempDir()
	tool(t, "qpdf", "--check", printed(t, p, sample("en")))
	bad := filepath.Join(t.TempDir(), "x.ttf")
	if err := os.WriteFile(bad, []byte("no font"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{bad, own + "#77", own + "#x", bad + ".not"} {
		if _, err := Open(Config{Regular: []string{name}}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := Config{Regular: []string{own, bad + ".not"}}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "regular.1") {
		t.Errorf("validate: %v", err)
	}
}

// FuzzPrint sets any words: a document or a named condition, never a panic, never over the bound.
func FuzzPrint(f *testing.F) {
	for lang, w := range words {
		f.Add(lang, w.title, w.reason)
	}
	f.Add("ar", "\u0301", "a\u0301\u200d\u0627\u064b\n\n\t1 2")
	p, err := Open(Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, lang, title, reason string) {
		d := sample("en")
		d.Lang, d.Title = lang, title
		d.Blocks = []Block{Facts{{title, reason}}, Paragraph(reason), Table{Head: []string{reason}, Rows: [][]string{{title}}}, Heading(reason), Signature{reason}}
		b, err := p.Print(d)
		if err == nil && (len(b) > MaxSize || !bytes.HasSuffix(b, []byte("%%EOF\n"))) {
			t.Fatalf("%d bytes", len(b))
		}
	})
}
