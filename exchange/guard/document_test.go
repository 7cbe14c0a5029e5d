package guard

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/configs/paper"
	"gatehouse/exchange"
)

// press is opened once for all tests: it reads large font files.
var press = sync.OnceValues(func() (*paper.Press, error) { return paper.Open(paper.Config{}) })

// printed is a document as the office prints it.
func printed(t testing.TB, lang, words string) []byte {
	t.Helper()
	p, err := press()
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Print(paper.Document{
		Lang: lang, Title: words, Office: "Port Lumen", Foot: "PL-1", At: time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC),
		Blocks: []paper.Block{
			paper.Heading("Why"), paper.Paragraph(words), paper.Facts{{Name: "a", Value: words}},
			paper.Table{Head: []string{"x", "y"}, Rows: [][]string{{"1", words}}}, paper.Signature{"z"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func defaultLeaks(t testing.TB) *exchange.Leaks {
	t.Helper()
	l, err := exchange.NewLeaks(exchange.LeakConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func faultOf(b []byte) error {
	_, err := readPaper(b)
	return err
}

// TestWordsOfDocuments: the guard reads what a document says, and stops a classification mark in it, in each script and
// where a line breaks it in two.
func TestWordsOfDocuments(t *testing.T) {
	t.Parallel()
	words, err := readPaper(printed(t, "en", "Two of three (2/3): AVATAR To."))
	if err != nil || !strings.Contains(words[0], "Two of three (2/3): AVATAR To.") || !strings.Contains(words[0], "Port Lumen") {
		t.Errorf("%q, %v", words[0], err)
	}
	if words, _ = readPaper(printed(t, "ar", "قرار بشأن طلبك (3)")); !strings.Contains(words[0], "قرار بشأن طلبك (3)") {
		t.Errorf("%q", words[0])
	}
	filler := strings.Repeat("路面坑洞将于下周填补", 4)
	for _, mark := range exchange.DefaultMarks() {
		for lang, text := range map[string]string{"en": "this page is " + mark + " and stays inside", "zh": filler + " " + mark + " " + filler, "ar": "هذا " + mark + " جدا"} {
			b := printed(t, lang, text)
			if r, err := ownDocument(bytes.NewReader(b), int64(len(b)), "pdf", defaultLeaks(t)); r != exchange.ReasonLeak || err != nil {
				t.Errorf("%s in %s: %s, %v", mark, lang, word0(r), err)
			}
		}
	}
}

// TestOwnDocuments: what the office prints passes, in every language, short and over many pages.
func TestOwnDocuments(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("AVATAR To. Why not? ", 1200)
	for lang, words := range map[string]string{"en": "Granted", "fr": long, "ar": "قرار بشأن طلبك (3)", "zh": "关于您申请的决定 <&>"} {
		b := printed(t, lang, words)
		if r, err := ownDocument(bytes.NewReader(b), int64(len(b)), "pdf", defaultLeaks(t)); r != exchange.ReasonNone || err != nil {
			t.Errorf("%s: %s, %v, %v", lang, word0(r), err, faultOf(b))
		}
	}
}

// forged gives b with its objects changed, and table, id and trailer as they follow from the changed ones.
func forged(t *testing.T, b []byte, change func(objects []string) []string) []byte {
	t.Helper()
	body, _, _ := bytes.Cut(b[len(paperHeader):], []byte("xref\n0 "))
	var objects []string
	for i, o := range regexp.MustCompile(`(?s)\d+ 0 obj\n.*?endobj\n`).FindAllString(string(body), -1) {
		objects = append(objects, strings.TrimSuffix(strings.TrimPrefix(o, fmt.Sprintf("%d 0 obj\n", i+1)), "endobj\n"))
	}
	out, at, sum := []byte(paperHeader), []int{}, sha256.New()
	for i, o := range change(objects) {
		at = append(at, len(out))
		out = fmt.Appendf(out, "%d 0 obj\n%sendobj\n", i+1, o)
		sum.Write([]byte(o))
	}
	return append(out, paperEnd(at, len(out), sum.Sum(nil)[:16])...)
}

// TestForgedDocuments: whoever holds the inside can sign and number anything; a document that is more than ours does
// not pass, whatever else is right about it.
func TestForgedDocuments(t *testing.T) {
	good := printed(t, "en", "Granted")
	first := func(old, put string) func([]string) []string {
		return func(objects []string) []string {
			for i, o := range objects {
				if strings.Contains(o, old) {
					objects[i] = strings.Replace(o, old, put, 1)
					return objects
				}
			}
			t.Fatalf("no %q in the document", old)
			return nil
		}
	}
	plain := func(old string, body []byte) func([]string) []string { // in place of a stream, by what its object begins with
		return func(objects []string) []string {
			for i, o := range objects {
				if strings.HasPrefix(o, old) {
					var z bytes.Buffer
					w := zlib.NewWriter(&z)
					_, _ = w.Write(body)
					_ = w.Close()
					objects[i] = fmt.Sprintf("%s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\n", old, z.Len(), z.Bytes())
					return objects
				}
			}
			t.Fatalf("no object begins with %q", old)
			return nil
		}
	}
	if err := faultOf(forged(t, good, func(o []string) []string { return o })); err != nil {
		t.Fatalf("the forger changes what he should not: %v", err)
	}
	for name, change := range map[string]func([]string) []string{
		"script":            first("/Type /Catalog", "/Type /Catalog /OpenAction << /S /JavaScript /JS <61> >>"),
		"link":              first("/Tabs /S", "/Tabs /S /Annots [<< /Subtype /Link >>]"),
		"attached file":     first("/Type /Catalog", "/Type /Catalog /AF [5 0 R]"),
		"picture":           first("/Font <<", "/XObject << /F1 5 0 R >> /Font <<"),
		"escaped name":      first("/Type /Catalog", "/Type /C#61talog"),
		"literal string":    first("/Type /Catalog", "/Type /Catalog /Title (x)"),
		"comment":           first("/Type /Catalog", "%x\n/Type /Catalog"),
		"name twice":        first("/Type /Catalog", "/Type /Catalog /Type /Catalog"),
		"other producer":    first("/Producer ", "/Producer <FEFF0041> /Title "),
		"reference beyond":  first("/Pages 3 0 R", "/Pages 9999 0 R"),
		"padding":           first("/Type /Catalog", "/Type  /Catalog"),
		"unbounded number":  first("/Supplement 0", "/Supplement 1234567890"),
		"too deep":          first("/K [", "/K [[[[[[[ 1 ]]]]]] "),
		"object at the end": func(o []string) []string { return append(o, "<< /Length 3 >>\nstream\nabc\nendstream\n") },
		"stream twice":      first("/FontFile3", "/ToUnicode"),
		"other filter":      first("/Filter /FlateDecode", "/Filter /FlateDecode /Filter /ASCIIHexDecode"),
		"other profile":     plain("<< /N 3", []byte("any")),
		"bomb":              plain("<< /N 3", make([]byte, maxInflated+1)),
		"program as font":   plain("<< /Subtype /CIDFontType0C", []byte("\x01\x00\x04\x04\x00\x01\x04\x00\x00\x00\x01\x00\x00\x00\x02x")),
		"behind the data": func(o []string) []string {
			for i, x := range o {
				if strings.HasPrefix(x, "<< /N 3 ") {
					n := 0
					_, _ = fmt.Sscanf(x[strings.Index(x, "/Length"):], "/Length %d", &n)
					o[i] = strings.Replace(strings.Replace(x, fmt.Sprintf("/Length %d", n), fmt.Sprintf("/Length %d", n+4), 1), "\nendstream", "evil\nendstream", 1)
				}
			}
			return o
		},
		"element in the metadata": func(o []string) []string {
			return replaceIn(o, "<dc:format>", "<dc:source>x</dc:source><dc:format>")
		},
		"document type": func(o []string) []string { return replaceIn(o, "<x:xmpmeta", "<!DOCTYPE x><x:xmpmeta") },
	} {
		b := forged(t, good, change)
		if r, err := ownDocument(bytes.NewReader(b), int64(len(b)), "pdf", defaultLeaks(t)); err != nil || r != exchange.ReasonActive && r != exchange.ReasonSize {
			t.Errorf("%s: %s, %v", name, word0(r), err)
		}
	}
	for name, b := range map[string][]byte{
		"cut":             good[:len(good)-1],
		"appended":        append(bytes.Clone(good), "%%EOF\n"...),
		"update":          append(bytes.Clone(good), good[len(paperHeader):]...),
		"in front":        append([]byte("\n"), good...),
		"later version":   bytes.Replace(good, []byte("%PDF-1.7"), []byte("%PDF-2.0"), 1),
		"object moved":    bytes.Replace(good, []byte("2 0 obj"), []byte("4 0 obj"), 1),
		"another id":      bytes.Replace(good, []byte("/ID [<"), []byte("/ID [<00"), 1),
		"only a header":   []byte(paperHeader),
		"nothing in it":   []byte(paperHeader + "xref\n0 1\n"),
		"another archive": append(bytes.Clone(good), "PK\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...),
	} {
		if r, _ := ownDocument(bytes.NewReader(b), int64(len(b)), "pdf", defaultLeaks(t)); r == exchange.ReasonNone {
			t.Errorf("%s: passes", name)
		}
	}
	if r, _ := ownDocument(bytes.NewReader(good), int64(len(good)), "txt", defaultLeaks(t)); r != exchange.ReasonFileKind {
		t.Errorf("another ending: %s", word0(r))
	}
}

// TestForgedPages: what stands on a page is our own operators, and every glyph says something.
func TestForgedPages(t *testing.T) {
	good := printed(t, "en", "Granted")
	for body, want := range map[string]string{
		"BT\n/F1 9 Tf\n[<0001>] TJ\nET\n":    "",
		"BT\n/F1 9 Tf\n[<FFFE>] TJ\nET\n":    "says nothing",
		"BT\n/F1 9 Tf\n[<000>] TJ\nET\n":     "a word that we do not write",
		"BT\n[<0001>] TJ\nET\n":              "says nothing",
		"BT\n/F1 9 Tf\n[<0001>] TJ\n":        "ends within a text",
		"BT\n/F1 9 Tf\n(a) Tj\nET\n":         "a word that we do not write",
		"BI /W 1 ID x EI\n":                  "a word that we do not write",
		"/Im0 Do\n":                          "a word that we do not write",
		"BT\n3 Tr /F1 9 Tf\n[<0001>] TJ\nET": "a word that we do not write",
	} {
		b := forged(t, good, func(objects []string) []string {
			n := 0
			for _, o := range objects {
				if i := strings.Index(o, "/Contents "); i >= 0 {
					_, _ = fmt.Sscanf(o[i:], "/Contents %d", &n)
				}
			}
			var z bytes.Buffer
			w := zlib.NewWriter(&z)
			_, _ = w.Write([]byte(body))
			_ = w.Close()
			objects[n-1] = fmt.Sprintf("<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\n", z.Len(), z.Bytes())
			return objects
		})
		if err := faultOf(b); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", body, err, want)
		}
	}
}

// replaceIn changes a stream that is not compressed, with its length.
func replaceIn(objects []string, old, put string) []string {
	for i, o := range objects {
		if strings.Contains(o, old) {
			n := 0
			_, _ = fmt.Sscanf(o[strings.Index(o, "/Length"):], "/Length %d", &n)
			o = strings.Replace(o, fmt.Sprintf("/Length %d", n), fmt.Sprintf("/Length %d", n+len(put)-len(old)), 1)
			objects[i] = strings.Replace(o, old, put, 1)
		}
	}
	return objects
}

// TestEveryByteCounts changes one byte at a time: nearly none can be changed unseen, and what passes is still a
// document that another reader finds no fault in.
func TestEveryByteCounts(t *testing.T) {
	good := printed(t, "en", "Granted")
	for i := 0; i < len(good); i += 7 {
		b := bytes.Clone(good)
		b[i] ^= 1
		if err := faultOf(b); !errors.Is(err, errPaper) {
			t.Errorf("byte %d of %d can be changed: %v", i, len(good), err)
		}
	}
}

// TestForgerIsReal: qpdf reads what the forger makes, so the guard refuses working documents, not broken ones.
func TestForgerIsReal(t *testing.T) {
	b := forged(t, printed(t, "en", "Granted"), func(o []string) []string {
		o[0] = strings.Replace(o[0], "/Type /Catalog", "/Type /Catalog /OpenAction << /S /JavaScript /JS <61> >>", 1)
		return o
	})
	file := t.TempDir() + "/forged.pdf"
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "qpdf", "--check", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func FuzzOwnDocument(f *testing.F) {
	f.Add(printed(f, "en", "Granted"))
	f.Add([]byte(paperHeader + "1 0 obj\n<< /Type /Catalog >>\nendobj\nxref\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := ownDocument(bytes.NewReader(b), int64(len(b)), "pdf", defaultLeaks(t)); err != nil {
			t.Fatal(err)
		}
		_ = readFont(b)
		_ = readContent(b)
		_ = readMetadata(b)
	})
}
