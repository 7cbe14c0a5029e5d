package table

import (
	"archive/zip"
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// workbook makes a file with another program's writer.
func workbook(t testing.TB, fill func(*excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	fill(f)
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func set(f *excelize.File, sheet string, cells map[string]any) {
	for at, v := range cells {
		if err := f.SetCellValue(sheet, at, v); err != nil {
			panic(err)
		}
	}
}

// packed makes a zip of texts, in their order.
func packed(t testing.TB, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: parts[i], Method: zip.Store}) // not packed, for the speed of fuzzing
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(parts[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	bookTypes = `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`
	bookRels  = `<Relationships><Relationship Id="r1" Type="http://x/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	bookLinks = `<Relationships><Relationship Id="a" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="s" Type="http://x/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="t" Type="http://x/styles" Target="styles.xml"/></Relationships>`
	bookStyles = `<styleSheet><numFmts><numFmt numFmtId="200" formatCode="&quot;d&quot;0.0"/><numFmt numFmtId="201" formatCode="[$-409]d\.m\.yy;@"/><numFmt numFmtId="202" formatCode="000000"/></numFmts>` +
		`<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="200"/><xf numFmtId="201"/><xf numFmtId="21"/><xf numFmtId="202"/></cellXfs></styleSheet>`
)

// rawBook is a workbook of one sheet, written by hand.
func rawBook(t testing.TB, sheet, shared, more string) []byte {
	return packed(t, "[Content_Types].xml", bookTypes, "_rels/.rels", bookRels,
		"xl/workbook.xml", `<workbook xmlns:r="urn:r">`+more+`<sheets><sheet name="Goods" sheetId="1" r:id="a"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", bookLinks, "xl/sharedStrings.xml", "<sst>"+shared+"</sst>", "xl/styles.xml", bookStyles,
		"xl/worksheets/sheet1.xml", `<worksheet>`+sheet+`</worksheet>`)
}

func TestXLSXOfAnotherProgram(t *testing.T) {
	b := workbook(t, func(f *excelize.File) {
		set(f, "Sheet1", map[string]any{
			"A1": "Goods, week 47", "A2": "Period", "B2": "2026-11",
			"A4": "HS code", "B4": "Net kg", "C4": "Description", "D4": "Period",
			"A5": "010121", "B5": 12.5, "C5": "=not a formula", "D5": time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
			"A6": 123456789012345, "B6": 0.1 + 0.2, "C6": true, "D6": time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC),
			"A8": "x", "D8": 12 * time.Hour,
		})
		f.MergeCell("Sheet1", "E3", "F4")
		f.SetRowVisible("Sheet1", 6, false)
		f.SetColVisible("Sheet1", "C", false)
		f.NewSheet("Lists")
		set(f, "Lists", map[string]any{"A1": "HS code"})
		f.SetSheetVisible("Lists", false)
		f.NewSheet("Notes")
		set(f, "Notes", map[string]any{"A1": "hello"})
		f.NewSheet("Blank")
	})
	got := read(t, "goods.xlsx", b)
	same(t, "header", got.Header, []string{"HS code", "Net kg", "Description", "Period"})
	same(t, "numbers", numbers(got), []int{5, 6, 8})
	same(t, "rows", plainRows(got), [][]string{
		{"010121", "12.5", "=not a formula", "2026-11-23"},
		{"123456789012345", "0.3", "true", "2026-11-23T09:30:00"},
		{"x", "", "", "12:00:00"},
	})
	same(t, "kinds", kinds(got), []Kind{Words, Number, Words, Date, Number, Number, Bool, Date, Words, Words, Words, Date})
	same(t, "fields", got.Fields, []Pair{{"Period", Cell{Text: "2026-11"}, 2}})
	same(t, "sheet", []any{got.Sheet, got.HeaderRow}, []any{"Sheet1", 4})
	for about, want := range map[Topic]string{
		OtherSheets: `["Notes"] [] 1`, HiddenRows: `[] [6] 1`, HiddenColumns: `["Description"] [] 1`, MergedHeader: `["E3:F4"] [] 1`, TitleRows: `[] [1 2] 2`, EmptyRows: `[] [] 2`,
	} {
		n, _ := got.Note(about)
		same(t, string(about), fmt.Sprintf("%q %v %d", n.Names, n.Rows, n.Count), want)
	}
}

func kinds(t Table) []Kind {
	var all []Kind
	for _, r := range t.Rows {
		for i := range t.Header {
			all = append(all, r.Cell(i).Kind)
		}
	}
	return all
}

func TestXLSXTakesTheSheetWithAKnownHeader(t *testing.T) {
	b := workbook(t, func(f *excelize.File) {
		set(f, "Sheet1", map[string]any{"A1": "Read me", "B1": "first"})
		f.NewSheet("Data")
		set(f, "Data", map[string]any{"A1": "HS code", "A2": "1"})
	})
	got := read(t, "x.xlsx", b)
	n, _ := got.Note(OtherSheets)
	same(t, "sheets", []any{got.Sheet, n.Names}, []any{"Data", []string{"Sheet1"}})
}

func TestXLSXCells(t *testing.T) {
	for _, c := range []struct {
		cell, want string
		kind       Kind
	}{
		{`<c r="A2"><v>1.2345678901234568E+17</v></c>`, "123456789012346000", Number},
		{`<c r="A2"><v>12345678901234567890</v></c>`, "12345678901234567890", Number},
		{`<c r="A2"><v>1.1E-3</v></c>`, "0.0011", Number},
		{`<c r="A2"><v>-5</v></c>`, "-5", Number},
		{`<c r="A2" t="n"><v>abc</v></c>`, "abc", Words},
		{`<c r="A2" t="s"><v>1</v></c>`, "rich text", Words},
		{`<c r="A2" t="inlineStr"><is><t> in_x0041_ line </t></is></c>`, "inA line", Words},
		{`<c r="A2" t="str"><f>A1</f><v>cached</v></c>`, "cached", Words},
		{`<c r="A2"><f>1+1</f><v>2</v></c>`, "2", Number},
		{`<c r="A2"><f>1+1</f></c>`, "", Formula},
		{`<c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v></c>`, "#DIV/0!", Error},
		{`<c r="A2" t="b"><v>1</v></c>`, "true", Bool},
		{`<c r="A2" t="d"><v>2026-11-23T00:00:00</v></c>`, "2026-11-23", Date},
		{`<c r="A2" s="1"><v>46349</v></c>`, "2026-11-23", Date},
		{`<c r="A2" s="1"><v>59</v></c>`, "1900-02-28", Date},
		{`<c r="A2" s="1"><v>60</v></c>`, "1900-02-29", Words},
		{`<c r="A2" s="1"><v>61</v></c>`, "1900-03-01", Date},
		{`<c r="A2" s="1"><v>46348.9999999</v></c>`, "2026-11-23", Date},
		{`<c r="A2" s="2"><v>7.5</v></c>`, "7.5", Number},
		{`<c r="A2" s="5"><v>10121</v></c>`, "010121", Words},
		{`<c r="A2" s="5"><v>1.5</v></c>`, "1.5", Number},
		{`<c r="A2" s="3"><v>46349.5</v></c>`, "2026-11-23T12:00:00", Date},
		{`<c r="A2" s="4"><v>0.25</v></c>`, "06:00:00", Date},
		{`<c s="1"><v>99999999</v></c>`, "99999999", Number},
	} {
		sheet := `<sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>Net kg</t></is></c></row><row r="2">` + c.cell + `<c r="C2"><v>1</v></c></row><row r="3"><c r="C3"><v>1</v></c></row></sheetData>`
		b := rawBook(t, sheet, `<si><t>HS code</t></si><si><r><t>rich </t></r><r><rPr/><t>text</t></r><rPh><t>no</t></rPh></si>`, "")
		got := read(t, "x.xlsx", b).Rows[0].Cell(0)
		same(t, c.cell, got, Cell{c.want, c.kind})
	}
	mac := rawBook(t, `<sheetData><row><c t="s"><v>0</v></c></row><row><c s="1"><v>1</v></c></row></sheetData>`, `<si><t>HS code</t></si>`, `<workbookPr date1904="1"/>`)
	same(t, "1904", plainRows(read(t, "x.xlsx", mac)), [][]string{{"1904-01-02"}})
}

func TestXLSXThatIsRefused(t *testing.T) {
	head := `<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>HS code</t></is></c></row>`
	narrow := Defaults()
	narrow.Columns, narrow.Rows = 3, 2
	row := func(n int) string { return fmt.Sprintf(`<row r="%d"><c><v>1</v></c></row>`, n) }
	for name, c := range map[string]struct {
		b    []byte
		want Reason
	}{
		"rows":       {rawBook(t, head+row(2)+row(3)+row(4)+`</sheetData>`, "", ""), TooManyRows},
		"columns":    {rawBook(t, head+`<row r="2"><c r="XFD2"><v>1</v></c></row></sheetData>`, "", ""), TooWide},
		"backwards":  {rawBook(t, head+row(3)+row(2)+`</sheetData>`, "", ""), Broken},
		"cells back": {rawBook(t, head+`<row><c r="B2"><v>1</v></c><c r="A2"><v>1</v></c></row></sheetData>`, "", ""), Broken},
		"string":     {rawBook(t, head+`<row><c t="s"><v>7</v></c></row></sheetData>`, "", ""), Broken},
		"cut":        {rawBook(t, head+`<row><c><v>1</v>`, "", ""), Broken},
		"doctype":    {rawBook(t, `<!DOCTYPE x [<!ENTITY a "b">]>`+head+`</sheetData>`, "", ""), DTD},
		"macros":     {packed(t, "[Content_Types].xml", bookTypes, "xl/vbaProject.bin", "x"), Macros},
		"excel 4":    {packed(t, "[Content_Types].xml", bookTypes, "xl/macrosheets/sheet1.xml", "x"), Macros},
		"xlsb":       {packed(t, "[Content_Types].xml", bookTypes, "xl/workbook.bin", "x"), OldFormat},
		"letter":     {packed(t, "[Content_Types].xml", bookTypes, "word/document.xml", "x"), NotATable},
		"drawing":    {packed(t, "[Content_Types].xml", bookTypes), NotATable},
		"empty":      {rawBook(t, `<sheetData/>`, "", ""), Empty},
		"errors":     {rawBook(t, head+`<row><c t="e"><v>#REF!</v></c></row></sheetData>`, "", ""), AllErrors},
	} {
		t.Run(name, func(t *testing.T) { refused(t, c.b, narrow, c.want) })
	}
}

func TestZips(t *testing.T) {
	goodsCSV := "HS code,Net kg\n1,2\n"
	got := read(t, "x.zip", packed(t, "__MACOSX/._goods.csv", "x", "a/goods.csv", goodsCSV, "a/.DS_Store", "x", "readme.txt", "Dear all,\nhello"))
	n, _ := got.Note(OtherFiles)
	same(t, "zip", []any{got.File, got.Format, n.Names}, []any{"goods.csv", CSV, []string{"readme.txt"}})
	same(t, "workbook", read(t, "x.zip", packed(t, "g.xlsx", string(workbook(t, func(f *excelize.File) {
		set(f, "Sheet1", map[string]any{"A1": "HS code", "A2": 7})
	})))).File, "g.xlsx")
	refused(t, packed(t, "a.csv", goodsCSV, "b.csv", goodsCSV), Defaults(), SeveralFiles)
	refused(t, packed(t, "a.zip", string(packed(t, "a.csv", goodsCSV))), Defaults(), ZipInZip)
	refused(t, packed(t), Defaults(), Empty)
	refused(t, packed(t, "a.pdf", "%PDF-1.7"), Defaults(), NotATable)
	refused(t, packed(t, "mimetype", odsType, "encrypted-package", "x"), Defaults(), Password)
	refused(t, packed(t, "Index/Document.iwa", "x"), Defaults(), NotATable)
	refused(t, packed(t, "a.csv", goodsCSV)[:60], Defaults(), Broken)
	locked := packed(t, "a.csv", goodsCSV)
	at := bytes.Index(locked, []byte(entry))
	locked[at+8] |= 1
	refused(t, locked, Defaults(), Password)
}
