package table

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// spent reads a file and tells how many bytes were allocated in all, freed ones too.
func spent(t *testing.T, b []byte, l Limits) (uint64, Table, error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := Read(t.Context(), file("f", b), goods, l)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, got, err
}

// endless packs a text over and over: as an entry it says to have size bytes, and unzips to copies times its length.
func endless(t *testing.T, name, start, text string, copies int, size uint64, more ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(more); i += 2 {
		w, err := z.Create(more[i])
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(more[i+1]))
	}
	w, err := z.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, UncompressedSize64: size, CompressedSize64: uint64(len(deflated(start)) + copies*len(deflated(text)))})
	if err != nil {
		t.Fatal(err)
	}
	w.Write(deflated(start))
	w.Write(bytes.Repeat(deflated(text), copies))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// deflated is a text as a piece of a stream that others may follow.
func deflated(text string) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	w.Write([]byte(text))
	w.Flush()
	return b.Bytes()
}

// TestHostileFiles holds what a file can make us allocate. The limits of what unzips are small, for the time of the
// test; the ratio of bytes allocated to bytes allowed is what counts.
func TestHostileFiles(t *testing.T) {
	const mega = 1 << 20
	l := Defaults()
	l.Unzipped, l.Bytes = 2*mega, 2*mega
	head := `<sheetData><row><c t="inlineStr"><is><t>HS code</t></is></c></row>`
	book := []string{"[Content_Types].xml", bookTypes, "_rels/.rels", bookRels, "xl/_rels/workbook.xml.rels", strings.Replace(bookLinks, `<Relationship Id="t" Type="http://x/styles" Target="styles.xml"/>`, "", 1),
		"xl/workbook.xml", `<workbook xmlns:r="urn:r"><sheets><sheet name="Goods" r:id="a"/></sheets></workbook>`}
	many := func(part string, n int) string { return strings.Repeat(part, n) }
	numbered := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for _, c := range []struct {
		name  string
		b     []byte
		want  Reason
		spend uint64 // MiB
	}{
		{"bomb that says so", endless(t, "a.csv", "", many("0,0\n", 1<<16), 1000, 10<<30), Bomb, 3},
		{"bomb that lies", endless(t, "a.csv", "", many("0,0\n", 1<<16), 1000, mega), Broken, 8},
		{"bomb of rows", endless(t, "xl/worksheets/sheet1.xml", "<worksheet>"+head, many("<row><c><v>1</v></c></row>", 1<<12), 100, mega/4, append([]string{"xl/sharedStrings.xml", "<sst/>"}, book...)...), Broken, 96},
		{"bomb of strings", endless(t, "xl/sharedStrings.xml", "<sst>", many("<si><t>x</t></si>", 1<<12), 100, mega/4, append([]string{"xl/worksheets/sheet1.xml", head + "</sheetData>"}, book...)...), Broken, 96},
		{"bomb of ratio", endless(t, "xl/worksheets/sheet1.xml", "<worksheet>"+head, many("<row></row>", 1<<16), 2, mega+mega/2, append([]string{"xl/sharedStrings.xml", "<sst/>"}, book...)...), Bomb, 64},
		{"many entries", packed(t, strings.Split(strings.TrimSuffix(numbered(3000, "e%d\x00\x00"), "\x00"), "\x00")...), Bomb, 4},
		{"laughs", []byte(`<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;</l>`), DTD, 1},
		{"deep XML", []byte(many("<a>", 100_000)), TooDeep, 2},
		{"deep sheet", rawBook(t, many("<a>", 100_000), "", ""), TooDeep, 4},
		{"attributes", []byte("<a " + many(`b="" `, 220_000) + "/>"), LongCell, 90},
		{"names of elements", []byte("<a>" + numbered(20_000, "<n%d/>") + "</a>"), TooWide, 30},
		{"names of columns", []byte("<a><r><description>x</description>" + numbered(3000, "<n%d/>") + "</r></a>"), TooWide, 16},
		{"text of XML", []byte("<a><r><description>" + many("x", 900_000) + "</description></r></a>"), LongCell, 16},
		{"repeats of a leaf", []byte("<a><r>" + many("<description>xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx</description>", 2_000) + "</r></a>"), LongCell, 32},
		{"deep JSON", []byte(many(`{"a":`, 100_000)), TooDeep, 4},
		{"brackets", []byte(many("[", 1_000_000)), Broken, 4},
		{"keys", []byte("[{" + numbered(5_000, `"n%d":1,`) + `"x":1}]`), TooWide, 8},
		{"a string", []byte(`[{"description":"` + many("x", 1_000_000) + `"}]`), LongCell, 16},
		{"lists", []byte(`{"x":[]` + numbered(500, `,"n%d":[{"a":1}]`) + "}"), TooManyCells, 8},
		{"an open quote", []byte(`HS code,"` + many("x", 1_000_000)), OpenQuote, 6},
		{"quotes", []byte("HS code\n" + many(`""`, 100_000)), LongCell, 8},
		{"commas", []byte("HS code\n" + many(",", 200_000)), LongCell, 10},
		{"wide rows", []byte("HS code\n" + many(many(",", 250)+"x\n", 2100)), TooManyCells, 40},
		{"new lines", []byte(many("\n", 200_000)), Empty, 8},
		{"rows", []byte("HS code\n" + many("1\n", 120_000)), TooManyRows, 20},
		{"far cells", rawBook(t, head+many(`<row><c r="XFD2"/><c/></row>`, 1), "", ""), Broken, 2},
		{"one text in all cells", rawBook(t, head+many(`<row>`+many(`<c t="s"><v>0</v></c>`, 20)+`</row>`, 200)+"</sheetData>", "<si><t>"+many("x", 30_000)+"</t></si>", ""), TooManyCells, 16},
		{"repeated cells", odsOf(t, `<table:table><table:table-row>`+odsString("HS code")+`</table:table-row>`+many(`<table:table-row table:number-rows-repeated="1000000"><table:table-cell table:number-columns-repeated="16384" office:value-type="float" office:value="1"/></table:table-row>`, 100)+`</table:table>`), TooWide, 4},
		{"spaces", odsOf(t, `<table:table><table:table-row>`+odsString("HS code")+odsString(many(`<text:s text:c="1000"/>`, 20_000))+odsString("x")+`</table:table-row><table:table-row>`+odsString("1")+`</table:table-row></table:table>`), "", 64},
		{"deep tables", []byte(many("<table><tr><td>", 60_000)), TooDeep, 4},
		{"spans", []byte("<table><tr><td>HS code<td>x" + many("<tr>"+many("<td colspan=1000 rowspan=65534>", 20), 100) + "</table>"), NotATable, 128},
		{"a tag", []byte("<table " + many("x", 1_100_000)), LongCell, 16},
		{"cells of a page", []byte("<table><tr><td>HS code" + many("<td>x", 50_000)), TooWide, 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			spend, _, err := spent(t, c.b, l)
			var tr *Trouble
			if c.want != "" && (!errors.As(err, &tr) || tr.Reason != c.want) || c.want == "" && err != nil {
				t.Errorf("want %s, got %v", c.want, err)
			}
			if spend > 2*c.spend*mega { // the race detector takes its part
				t.Errorf("allocated %d KiB for %d KiB, allowed are %d MiB", spend>>10, len(c.b)>>10, 2*c.spend)
			}
		})
	}
}

// TestTheLargestFilesThatAreTaken reads as much as is allowed.
func TestTheLargestFilesThatAreTaken(t *testing.T) {
	const columns = 40
	l := Defaults()
	row := strings.TrimSuffix(strings.Repeat("1234567.25;", columns), ";") + "\n"
	text := "HS code" + strings.Repeat(";", columns-1) + "\n" + strings.Repeat(row, l.Rows)
	spend, got, err := spent(t, []byte(text), l)
	if err != nil || len(got.Rows) != l.Rows || spend > 64<<20 {
		t.Errorf("CSV: %d rows, %d KiB, %v", len(got.Rows), spend>>10, err)
	}
	b := workbook(t, func(f *excelize.File) {
		w, err := f.NewStreamWriter("Sheet1")
		if err != nil {
			t.Fatal(err)
		}
		w.SetRow("A1", []any{"HS code", "Net kg"})
		for i := range l.Rows {
			w.SetRow(fmt.Sprintf("A%d", i+2), []any{fmt.Sprintf("text %d", i), 12.5})
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	})
	spend, got, err = spent(t, b, l)
	if err != nil || len(got.Rows) != l.Rows || spend > 64<<20 {
		t.Errorf("XLSX: %d rows, %d KiB, %v", len(got.Rows), spend>>10, err)
	}
	text += row
	if tr := refused(t, []byte(text), l, TooManyRows); tr.Count != l.Rows+1 {
		t.Errorf("counted %d rows", tr.Count)
	}
}
