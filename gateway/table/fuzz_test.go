package table

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// tight are limits that a fuzzer reaches.
func tight() Limits {
	return Limits{Bytes: 1 << 16, Unzipped: 1 << 18, Ratio: 200, Entries: 30, Rows: 20, Columns: 12, Cells: 150, Cell: 200, Depth: 12}
}

// hold reads a file and holds whatever comes of it against what Read promises; a table is copied and read again.
func hold(t *testing.T, b []byte, known func(string) bool) {
	got, err := Read(t.Context(), file("f", b), known, tight())
	if err != nil {
		var tr *Trouble
		if !errors.As(err, &tr) || tr.Reason == "" {
			t.Fatalf("no trouble: %v", err)
		}
		return
	}
	within(t, got)
	again(t, got, known)
}

// within holds a table to the limits and to its own promises.
func within(t *testing.T, got Table) {
	l := tight()
	if len(got.Rows) > l.Rows || len(got.Header) > l.Columns || got.Format == "" {
		t.Fatalf("%d rows, %d columns of %q", len(got.Rows), len(got.Header), got.Format)
	}
	last, cells := 0, 0
	for _, r := range got.Rows {
		if r.Number <= last || len(r.Cells) > len(got.Header) || !filled(r.Cells) {
			t.Fatalf("row %d after %d: %q", r.Number, last, r.Cells)
		}
		last = r.Number
		cells += len(r.Cells)
		for _, c := range r.Cells {
			if !utf8.ValidString(c.Text) || c.Text != clean(c.Text) || c.Kind == Words && utf8.RuneCountInString(c.Text) > l.Cell {
				t.Fatalf("row %d has %q", r.Number, c.Text)
			}
		}
	}
	if cells > l.Cells {
		t.Fatalf("%d cells", cells)
	}
}

// again copies a table and reads the copy.
func again(t *testing.T, sent Table, known func(string) bool) {
	var rows []int
	var marks []Mark
	for i, r := range sent.Rows {
		rows = append(rows, r.Number)
		marks = append(marks, Mark{r.Number, i%(len(sent.Header)+1) - 1, "=why"})
	}
	name, b, err := Copy(sent, marks, rows, Labels{"Row", "Problem"})
	if err != nil {
		t.Fatal(err)
	}
	l := tight()
	l.Bytes, l.Unzipped, l.Columns, l.Cells, l.Cell, l.Rows = 1<<20, 1<<21, 2*l.Columns, 4*l.Cells, 1<<15, l.Rows+1
	got, err := Read(t.Context(), file(name, b), known, l)
	if len(sent.Rows) == 0 || errs(sent) > 0 {
		return
	}
	if err != nil {
		t.Fatalf("the copy of %q as %s: %v\n%q", facts(sent), name, err, b)
	}
	if a, z := texts(sent), texts(got); !slices.EqualFunc(a, z, maps.Equal[map[string]string]) {
		t.Fatalf("%s:\nsent %q\n got %q\n%q", name, a, z, b)
	}
	for i, r := range got.Rows {
		if of := sent.Rows[i].Of; r.Of != sent.Rows[i].Number && r.Of != of {
			t.Fatalf("row %d is said to be %d", sent.Rows[i].Number, r.Of)
		}
	}
}

func errs(t Table) int {
	n, _ := t.Note(FormulaErrors)
	return n.Count
}

// texts are what each row says, by header; rows that say nothing are left out, as a formula without value does.
func texts(t Table) []map[string]string {
	var all []map[string]string
	for _, row := range facts(t) {
		said := map[string]string{}
		for h, c := range row {
			if c.Text != "" {
				said[h] = c.Text
			}
		}
		if len(said) > 0 {
			all = append(all, said)
		}
	}
	return all
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"HS code;Net kg\n1;2,5\n", "sep=,\nHS code,x\n\"a\"\"b\",'=1\n", "\xFF\xFEa\x00,\x00b\x00", "Period: 2026\nHS code\tx\r\n1\t\"2\r\n3\"\r\n", "\xC7\xE1\xE6\xD5\xDD;HS code\n1;2", "a,b\n#REF!,1\n1,2\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		hold(t, b, nil)
		hold(t, b, goods)
	})
}

func FuzzXLSX(f *testing.F) {
	f.Add(`<sheetData><row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="3" hidden="1"><c r="B3" s="1"><v>46349.5</v></c></row></sheetData><mergeCells><mergeCell ref="A1:B2"/></mergeCells>`, `<si><t>HS code</t></si>`, `<workbookPr date1904="1"/>`)
	f.Add(`<cols><col min="1" max="2" hidden="1"/></cols><sheetData><row><c t="inlineStr"><is><t>a_x0041_</t></is></c><c t="b"><v>1</v></c></row><row><c t="e"><f>x</f></c><c><v>1E+15</v></c></row></sheetData>`, `<si><r><t>x</t></r><rPh/></si>`, "")
	f.Fuzz(func(t *testing.T, sheet, shared, more string) { hold(t, rawBook(t, sheet, shared, more), nil) })
}

func FuzzODS(f *testing.F) {
	f.Add(`<table:table table:name="a"><table:table-row>` + odsString("HS code") + odsString("x") + `</table:table-row><table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="2" office:value-type="float" office:value="1.50"/></table:table-row></table:table>`)
	f.Add(`<table:table table:name="a"><table:table-column table:visibility="collapse"/><table:table-row table:visibility="filter"><table:table-cell table:number-columns-spanned="2" office:value-type="date" office:date-value="2026-11-23"/><table:covered-table-cell/><table:table-cell office:value-type="time" office:time-value="PT1H"/></table:table-row></table:table>`)
	f.Fuzz(func(t *testing.T, content string) {
		hold(t, packed(t, "content.xml", odsHead+content+`</office:spreadsheet></office:body></office:document-content>`), nil)
	})
}

func FuzzXML(f *testing.F) {
	for _, s := range []string{`<a><p>1</p><r i="1"><description>x</description><w><k>2</k></w></r><r><description/></r></a>`, `<?xml version="1.0" encoding="iso-8859-1"?><a b="c"/>`, `<r _row="3">x<!-- y --><![CDATA[z]]></r>`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = append([]byte("<a>"), b...)
		hold(t, b, nil)
		hold(t, append(b, "</a>"...), goods)
	})
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`[{"description":"x","n":{"a":1.50,"b":[1,"2"]}},{"ok":true,"z":null}]`, `{"period":"2026","rows":[{"_row":7,"a":1e3}]}`, `[["a","b"],[1,2]]`, `{"a":{"b":{}}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		hold(t, append([]byte("["), b...), nil)
		hold(t, append([]byte("{"), b...), nil)
	})
}

func FuzzHTML(f *testing.F) {
	f.Add(pasted)
	f.Add("<table><tr><td rowspan=2>HS code<td colspan=3>x<tr><td>1<td>2<tr><td>3</table>")
	f.Fuzz(func(t *testing.T, page string) {
		hold(t, []byte("<table>"+page), nil)
		if got, found, err := Body(page, page, goods, tight()); found && err == nil {
			within(t, got)
		}
	})
}

func FuzzZip(f *testing.F) {
	f.Add(packed(f, "a.csv", "HS code,x\n1,2\n", "b.txt", "hello"))
	f.Add(rawBook(f, `<sheetData><row><c t="inlineStr"><is><t>HS code</t></is></c></row><row><c><v>1</v></c></row></sheetData>`, "", ""))
	f.Add(workbook(f, func(x *excelize.File) { set(x, "Sheet1", map[string]any{"A1": "HS code", "A2": 1}) }))
	f.Add([]byte(oleMagic + "\x00"))
	f.Fuzz(func(t *testing.T, b []byte) { hold(t, b, goods) })
}

func FuzzMark(f *testing.F) {
	f.Add(byte(0), byte(0), "Net kg", "a", "=1", "-5", "why")
	f.Add(byte(1), byte(1), "_x0041_", "a\nb", "\"", "'-x", "")
	f.Add(byte(2), byte(2), "x  y", "]]>", "&", "\t", "-->")
	f.Fuzz(func(t *testing.T, format, comma byte, header, a, b, c, why string) {
		sent := Table{Format: allFormats[int(format)%len(allFormats)], File: header, Sheet: a, Header: []string{"key", "other"}}
		sent.Dialect = Dialect{Comma: rune(commas[int(comma)%len(commas)]), Item: "d/row"}
		j := job{ctx: context.Background(), Limits: tight()}
		if h, err := j.cell(header, Words, 1); err == nil && h.Text != "" && h.Kind == Words && !strings.ContainsAny(header, "/#@") && !strings.HasPrefix(h.Text, "_") && sent.Format != XML {
			sent.Header[1] = h.Text
		}
		for i, text := range []string{a, b, c} {
			cell, err := j.cell(text, Words, 1)
			if err != nil || cell.Kind != Words {
				return
			}
			sent.Rows = append(sent.Rows, Row{Number: i + 2, Cells: []Cell{{Text: "k"}, cell}})
		}
		if strings.EqualFold(sent.Header[0], sent.Header[1]) {
			return
		}
		again(t, sent, nil)
		_, out, err := Copy(sent, []Mark{{2, 1, why}, {3, -1, why}}, []int{2, 3}, Labels{a, b})
		if err != nil {
			t.Fatal(err)
		}
		if sent.Format == CSV {
			harmless(t, out, sent.Dialect.Comma)
		}
	})
}

// harmless holds that no cell of a CSV starts what a spreadsheet would calculate.
func harmless(t *testing.T, b []byte, comma rune) {
	s := scanner{text: string(bytes.TrimPrefix(b, []byte("\uFEFF"))), comma: byte(comma)}
	for s.next() {
		for _, f := range s.fields {
			if risky(f) {
				t.Fatalf("%q may be calculated", f)
			}
		}
	}
	if s.open > 0 {
		t.Fatal(io.ErrUnexpectedEOF)
	}
}
