package table

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"
)

// allFormats ends with the two that come back as XLSX.
var allFormats = []Format{CSV, XLSX, ODS, XML, JSON, HTML, Text}

// drawn is a table as Read may give it.
func drawn(t *rapid.T) Table {
	format := rapid.SampledFrom(allFormats[:5]).Draw(t, "format")
	out := Table{Format: format, File: "goods.bin", Sheet: "Goods", Header: []string{"HS code", "Net kg", "Description"}, HeaderRow: 1}
	out.Dialect = Dialect{Comma: rapid.SampledFrom([]rune(commas)).Draw(t, "comma"), Encoding: rapid.SampledFrom([]string{"utf-8", "utf-16le", "utf-16be", "windows-1252"}).Draw(t, "encoding")}
	switch format {
	case XML:
		out.Dialect.Item, out.Dialect.Paths = "d/rows/row", []string{"@id", "net/kg", "description"}
	case JSON:
		out.Dialect.Item, out.Dialect.Paths = rapid.SampledFrom([]string{"", "d/rows"}).Draw(t, "item"), []string{"id", "net/kg", "description"}
	}
	for n := range rapid.IntRange(1, 6).Draw(t, "rows") {
		r := Row{Number: 2 + 3*n}
		for range out.Header {
			r.Cells = append(r.Cells, cellOf(t, format))
		}
		r.Cells[0] = Cell{Text: "k" + rapid.StringMatching(`[0-9]{1,6}`).Draw(t, "key")}
		out.Rows = append(out.Rows, r)
	}
	return out
}

func cellOf(t *rapid.T, format Format) Cell {
	text := rapid.OneOf(
		rapid.String(), rapid.StringMatching(`[=+\-@'"#;,|\t\r\n _x0041&<>\]]{0,12}`),
		rapid.SampledFrom([]string{"-5", "=1+1", "+33 1", "'=x", "''-x", "#REF!", "a\r\nb", "  two  spaces  ", "_x000D_", "]]>", "é€中"}),
	).Draw(t, "text")
	j := job{Limits: Defaults()}
	c, err := j.cell(text, Words, 1)
	if err != nil {
		c = Cell{Text: "refused"} // what a file could not hold is no cell of one
	}
	if c.Kind == Error {
		c = Cell{Text: "no errors"} // half of all would refuse the file
	}
	if format == CSV || format == XML || rapid.Bool().Draw(t, "words") {
		return c
	}
	typed := []Cell{{"12.5", Number}, {"-7", Number}, {"123456789012345678", Number}, {"true", Bool}}
	if format != JSON {
		typed = append(typed, Cell{"2026-11-23", Date}, Cell{"2026-11-23T09:30:01", Date}, Cell{"23:59:58", Date})
	}
	return rapid.SampledFrom(typed).Draw(t, "typed")
}

// TestACopyReadsAgain is the property of every copy: what comes back says what was sent, row by row.
func TestACopyReadsAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := drawn(t)
		var rows []int
		var marks []Mark
		for _, r := range sent.Rows {
			rows = append(rows, r.Number)
			marks = append(marks, Mark{r.Number, rapid.IntRange(-1, 2).Draw(t, "column"), "=must be " + rapid.String().Draw(t, "why")})
		}
		name, b, err := Copy(sent, marks, rows, Labels{Row: "Ligne", Problem: "à corriger"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(t.Context(), file(name, b), nil, Defaults())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if a, z := facts(sent), facts(got); !slices.EqualFunc(a, z, maps.Equal[map[string]Cell]) {
			t.Fatalf("%s:\nsent %q\n got %q", name, a, z)
		}
		for i, r := range got.Rows {
			if r.Of != sent.Rows[i].Number {
				t.Fatalf("row %d is said to be %d", sent.Rows[i].Number, r.Of)
			}
		}
	})
}

// facts are the cells of each row that say something, by a name of their column that all formats share.
func facts(t Table) []map[string]Cell {
	names := map[string]string{"HS code": "id", "Net kg": "kg", "Description": "description", "net/kg": "kg"}
	var all []map[string]Cell
	for _, r := range t.Rows {
		row := map[string]Cell{}
		for i, h := range t.Header {
			if n, ok := names[h]; ok {
				h = n
			}
			if c := r.Cell(i); c != (Cell{}) {
				row[h] = c
			}
		}
		all = append(all, row)
	}
	return all
}

func TestACopyIsMarked(t *testing.T) {
	sent := Table{Format: XLSX, File: `C:\a\goods-3-rows.xlsx`, Sheet: "Goods", Header: []string{"HS code", "Net kg"}, Rows: []Row{
		{Number: 6, Cells: []Cell{{Text: "1"}, {Text: "2"}}}, {Number: 7, Cells: []Cell{{Text: "=cmd"}, {"-5", Number}}}, {Number: 15, Of: 30, Cells: []Cell{{Text: "x"}}},
	}}
	marks := []Mark{{7, 1, "too small"}, {7, 0, "must have 6 digits"}, {15, -1, "-twice"}, {99, 0, "gone"}}
	name, b, err := Copy(sent, marks, []int{15, 7}, Labels{"Row", "Problem"})
	if err != nil || name != "goods-2-rows.xlsx" {
		t.Fatal(name, err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, _ := f.GetRows("Goods")
	same(t, "rows", rows, [][]string{
		{"HS code", "Net kg", "Row (row#)", "Problem (problem#)"},
		{"'=cmd", "-5", "7", "Net kg: too small; HS code: must have 6 digits"},
		{"x", "", "30", "'-twice"},
	})
	notes, _ := f.GetComments("Goods")
	if len(notes) != 2 {
		t.Errorf("notes: %v", notes)
	}
	for at, want := range map[string]bool{"A2": true, "B2": true, "C2": false, "A3": false} {
		n, _ := f.GetCellStyle("Goods", at)
		s, _ := f.GetStyle(n)
		if got := slices.Contains(s.Fill.Color, yellow); got != want {
			t.Errorf("%s is marked: %v", at, got)
		}
	}
	for format, want := range map[Format]string{
		CSV:  "\uFEFFHS code,Net kg,Row (row#),Problem (problem#)\r\n'=cmd,-5,7,Net kg: too small; HS code: must have 6 digits\r\nx,,30,'-twice\r\n",
		JSON: "[\n{\"_row\": 7, \"_problem\": \"Net kg: too small; HS code: must have 6 digits\", \"HS code\": \"'=cmd\", \"Net kg\": -5},\n{\"_row\": 30, \"_problem\": \"'-twice\", \"HS code\": \"x\", \"Net kg\": \"\"}\n]\n",
		ODS:  `<office:annotation><text:p>too small</text:p></office:annotation><text:p>-5</text:p>`,
	} {
		sent.Format = format
		_, b, err := Copy(sent, marks, []int{15, 7}, Labels{"Row", "Problem"})
		if err != nil {
			t.Fatal(err)
		}
		if format == ODS {
			b = contentOf(t, b)
		}
		if !strings.Contains(string(b), want) {
			t.Errorf("%s:\n%q\nlacks\n%q", format, b, want)
		}
	}
}

func contentOf(t *testing.T, b []byte) []byte {
	j := job{Limits: Defaults()}
	p, err := j.open(b)
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.bytes(p.named["content.xml"], 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestACopyOfXML(t *testing.T) {
	sent := read(t, "g.xml", []byte(`<d><rows><row id="a"><description>x</description></row><row id="b"><description>y</description><w><k>1</k></w></row></rows></d>`))
	name, b, err := Copy(sent, []Mark{{2, 1, "no -->"}}, []int{2}, Labels{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "xml", name+string(b), "g-1-row.xml<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<d>\n<rows>\n<!-- description: no ‐‐> -->\n<row _row=\"2\" id=\"b\"><description>y</description><w><k>1</k></w></row>\n</rows>\n</d>\n")
}

func TestNamesOfCopies(t *testing.T) {
	for sent, want := range map[string]string{
		"goods.xlsx": "goods-0-rows.csv", "goods.tsv": "goods-0-rows.tsv", "../../etc/pass\x00wd": "passwd-0-rows.csv", `a"b;c.csv`: "a_b_c-0-rows.csv",
		"": "table-0-rows.csv", "...": "table-0-rows.csv", "货物-1-row.csv": "货物-0-rows.csv", strings.Repeat("x", 300): strings.Repeat("x", 60) + "-0-rows.csv",
	} {
		name, _, err := Copy(Table{Format: CSV, File: sent, Header: []string{"a"}}, nil, nil, Labels{})
		if err != nil || name != want {
			t.Errorf("%q: %q, %v", sent, name, err)
		}
	}
}

func TestGuard(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "a": "a", "-5": "-5", "+1 234,5": "+1 234,5", "-5+cmd": "'-5+cmd", "=1": "'=1", "@x": "'@x", "\tx": "'\tx", "＝1": "'＝1", "--5": "'--5", "-": "'-",
	} {
		if got := guard(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
