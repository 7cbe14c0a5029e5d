package table

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
)

const odsHead = `<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="t" xmlns:text="x" xmlns:style="s">` +
	`<office:automatic-styles><style:style style:name="h"><style:table-properties table:display="false"/></style:style></office:automatic-styles><office:body><office:spreadsheet>`

func odsOf(t *testing.T, content string) []byte {
	return packed(t, "mimetype", odsType, "META-INF/manifest.xml", manifest, "content.xml", odsHead+content+`</office:spreadsheet></office:body></office:document-content>`)
}

func odsString(s string) string {
	return `<table:table-cell office:value-type="string"><text:p>` + s + `</text:p></table:table-cell>`
}

func TestODS(t *testing.T) {
	b := odsOf(t, `<table:table table:name="Lists" table:style-name="h"><table:table-row>`+odsString("HS code")+`</table:table-row></table:table>`+
		`<table:table table:name="Readme"><table:table-row>`+odsString("hello")+`</table:table-row></table:table>`+
		`<table:table table:name="Goods"><table:table-column table:number-columns-repeated="2"/><table:table-column table:visibility="collapse"/>`+
		`<table:table-header-rows><table:table-row>`+odsString("HS code")+odsString("Net kg")+odsString("Description")+odsString("Period")+`</table:table-row></table:table-header-rows>`+
		`<table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="1024"/></table:table-row>`+
		`<table:table-row><table:table-cell office:value-type="float" office:value="12.50"><text:p>12,5</text:p></table:table-cell>`+
		`<table:table-cell office:value-type="boolean" office:boolean-value="true"/>`+
		`<table:table-cell office:value-type="string"><office:annotation><text:p>no</text:p></office:annotation><text:p>a<text:s text:c="2"/>b<text:span>c</text:span></text:p><text:p>d</text:p></table:table-cell>`+
		`<table:table-cell office:value-type="date" office:date-value="2026-11-23"/></table:table-row>`+
		`<table:table-row table:visibility="filter" table:number-rows-repeated="2"><table:table-cell office:value-type="time" office:time-value="PT09H30M00S"/>`+
		`<table:table-cell table:number-columns-repeated="2" office:value-type="float" office:value="7"/><table:table-cell table:formula="of:=1"/></table:table-row>`+
		`<table:table-row table:number-rows-repeated="1048569"><table:table-cell/></table:table-row></table:table>`)
	got := read(t, "goods.ods", b)
	same(t, "numbers", numbers(got), []int{4, 5, 6})
	same(t, "rows", plainRows(got), [][]string{{"12.50", "true", "a  bc\nd", "2026-11-23"}, {"09:30:00", "7", "7", ""}, {"09:30:00", "7", "7", ""}})
	same(t, "sheet", got.Sheet, "Goods")
	for about, want := range map[Topic]string{
		OtherSheets: `["Readme"] [] 1`, HiddenRows: `[] [5 6] 2`, HiddenColumns: `["Description"] [] 1`, EmptyRows: `[] [] 2`, NoValue: `[] [5 6] 2`,
	} {
		n, _ := got.Note(about)
		same(t, string(about), fmt.Sprintf("%q %v %d", n.Names, n.Rows, n.Count), want)
	}
	flat := strings.ReplaceAll(odsHead, "document-content", "document") + `<table:table table:name="G"><table:table-row>` + odsString("HS code") + `</table:table-row><table:table-row>` + odsString("1") + `</table:table-row></table:table></office:spreadsheet></office:body></office:document>`
	same(t, "flat", plainRows(read(t, "x.fods", []byte(flat))), [][]string{{"1"}})
}

func TestODSThatIsRefused(t *testing.T) {
	head := `<table:table><table:table-row>` + odsString("HS code") + `</table:table-row>`
	for name, c := range map[string]struct {
		b    []byte
		want Reason
	}{
		"rows":     {odsOf(t, head+`<table:table-row table:number-rows-repeated="999999">`+odsString("1")+`</table:table-row></table:table>`), TooManyRows},
		"far rows": {odsOf(t, head+strings.Repeat(`<table:table-row table:number-rows-repeated="1048576">`+odsString("1")+`</table:table-row>`, 3)+`</table:table>`), Broken},
		"columns":  {odsOf(t, head+`<table:table-row><table:table-cell table:number-columns-repeated="999999999999999999999" office:value-type="float" office:value="7"/></table:table-row></table:table>`), TooWide},
		"locked":   {packed(t, "META-INF/manifest.xml", `<m><file-entry><encryption-data/></file-entry></m>`, "content.xml", "x"), Password},
		"letter":   {packed(t, "content.xml", `<document-content><body><text/></body></document-content>`), NotATable},
	} {
		t.Run(name, func(t *testing.T) { refused(t, c.b, Defaults(), c.want) })
	}
}

func TestXML(t *testing.T) {
	got := read(t, "goods.xml", []byte(`<?xml version="1.0" encoding="UTF-8"?>
<d:declaration xmlns:d="urn:d" version="2"><period>2026-11</period>
 <sender><name>North Dock</name></sender>
 <rows><row id="a"><d:description>A &amp; B</d:description><weight unit="kg"><x>1</x></weight><tag>p</tag><tag>q</tag></row>
 <row id="b"><description><![CDATA[<c>]]></description><!-- aside --><net><net_kg>5</net_kg></net></row></rows></d:declaration>`))
	same(t, "header", got.Header, []string{"id", "description", "weight/unit", "weight/x", "tag", "net/net_kg"})
	same(t, "rows", plainRows(got), [][]string{{"a", "A & B", "kg", "1", "p, q", ""}, {"b", "<c>", "", "", "", "5"}})
	same(t, "fields", got.Fields, []Pair{{"version", Cell{Text: "2"}, 0}, {"period", Cell{Text: "2026-11"}, 0}, {"name", Cell{Text: "North Dock"}, 0}})
	same(t, "item", got.Dialect.Item, "declaration/rows/row")
	one := read(t, "x.xml", []byte(`<d><period>2026-11</period><rows><row><description>A</description></row></rows></d>`))
	same(t, "one row", []any{one.Header, plainRows(one), one.Fields}, []any{[]string{"description"}, [][]string{{"A"}}, []Pair{{"period", Cell{Text: "2026-11"}, 0}}})
	latin, _ := charmap.ISO8859_15.NewEncoder().String(`<?xml version="1.0" encoding="ISO-8859-15"?><r><row><description>5 €</description></row><row><description>é</description></row></r>`)
	same(t, "latin", plainRows(read(t, "x.xml", []byte(latin))), [][]string{{"5 €"}, {"é"}})
}

func TestJSON(t *testing.T) {
	got := read(t, "goods.json", []byte(`{"period": "2026-11", "sender": {"name": "North Dock"}, "tags": ["a"], "none": [],
	"rows": [{"description": "A", "kg": 12345678901234567890, "net": {"x": -1.50}, "l": ["p", 2]}, {"description": null, "kg": 1e3, "ok": true}]}`))
	same(t, "header", got.Header, []string{"description", "kg", "net/x", "l", "ok"})
	same(t, "rows", plainRows(got), [][]string{{"A", "12345678901234567890", "-1.50", "p, 2", ""}, {"", "1000", "", "", "true"}})
	same(t, "fields", got.Fields, []Pair{{"period", Cell{Text: "2026-11"}, 0}, {"name", Cell{Text: "North Dock"}, 0}})
	same(t, "list", plainRows(read(t, "x", []byte(`[{"description": "A"}]`))), [][]string{{"A"}})
	same(t, "lists", plainRows(read(t, "x", []byte(`[["description", "x"], ["A", 1]]`))), [][]string{{"A", "1"}})
	same(t, "object", plainRows(read(t, "x", []byte(`{"description": "A", "net": {"kg": 1}}`))), [][]string{{"A", "1"}})
	same(t, "csv after all", plainRows(read(t, "x", []byte("[kg],description\n1,2\n"))), [][]string{{"1", "2"}})
}

func TestTreesThatAreRefused(t *testing.T) {
	for text, want := range map[string]Reason{
		`<!DOCTYPE a [<!ENTITY x "y">]><a><description>&x;</description></a>`: DTD,
		`<a><description>&x;</description></a>`:                               DTD,
		`<a><description>`:                                                    Broken,
		`<a><b><c/></b></a>`:                                                  NoHeader,
		`<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>`: OldFormat,
		`{"description": "a", "description": "b"}`:        TwiceNamed,
		`[{"description": "a", "description": "b"}]`:      TwiceNamed,
		`[{"description": "a"`:                            Broken,
		`[{"description": "a"}] x`:                        Broken,
		`{"a": [{"b": 1}]}`:                               NoHeader,
		`{}`:                                              Empty,
		`[{"description": [{"a": 1}]}]`:                   Broken,
		`<html><body><p>no table</p></body></html>`:       NotATable,
		`<table><tr><td>a<td>b<tr><td>1<td>2</table>`:     NoHeader,
		strings.Repeat("<a>", 40):                         TooDeep,
		strings.Repeat("[", 40):                           Broken,
		strings.Repeat(`{"a":`, 40):                       TooDeep,
		"<table>" + strings.Repeat("<tr><td><table>", 40): TooDeep,
	} {
		t.Run(text[:min(len(text), 40)], func(t *testing.T) { refused(t, []byte(text), Defaults(), want) })
	}
}

const pasted = `<html><body><p>Dear office,</p><table><tr><td>
<table border=0><tr><th>HS code<th colspan=2>Net kg<th>Description</tr>
<tr><td rowspan="2">1&nbsp;</td><td>2<td><td><p>a</p><p>b</td></tr><tr><td>3<td>4<td>c</table>
</td></tr></table><script>var x = "<table>"</script><blockquote><table><tr><td>HS code<td>x<tr><td>9<td>9</table></blockquote></body></html>`

func TestHTML(t *testing.T) {
	got := read(t, "goods.xls", []byte(pasted))
	same(t, "rows", plainRows(got), [][]string{{"1", "2", "", "a b"}, {"", "3", "4", "c"}})
	got, found, err := Body(pasted, "", goods, Defaults())
	same(t, "body", []any{len(got.Rows), found, err}, []any{2, true, nil})
}

func TestBody(t *testing.T) {
	text := "Dear office\n\tindented\n\nHS code\tNet kg\r\n1\t2\r\n3\t4\r\n\r\nBye\n> HS code\tx\n> 1\t2\n"
	got, found, err := Body("<p>nothing</p>", text, goods, Defaults())
	if !found || err != nil {
		t.Fatal(found, err)
	}
	same(t, "rows", []any{got.Format, numbers(got), plainRows(got)}, []any{Text, []int{2, 3}, [][]string{{"1", "2"}, {"3", "4"}}})
	for _, none := range []string{"", "Dear\nall", "a\tb\nc\td", "> HS code\tx\n> 1\t2\n", "HS code\tNet kg"} {
		if _, found, err := Body("<table><tr><td>HS<td>x<tr><td>1<td>2</table>", none, goods, Defaults()); found || err != nil {
			t.Errorf("%q: %v %v", none, found, err)
		}
	}
	l := Defaults()
	l.Rows = 1
	if _, found, err := Body("", text, goods, l); !found || err == nil {
		t.Errorf("too many rows: %v %v", found, err)
	}
}
