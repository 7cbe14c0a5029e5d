package table

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// The fixed parts of a document (OpenDocument 1.3 part 2, §3): the type comes first and is not packed.
const (
	odsType  = "application/vnd.oasis.opendocument.spreadsheet"
	manifest = xml.Header + `<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">` +
		`<manifest:file-entry manifest:full-path="/" manifest:media-type="` + odsType + `"/>` +
		`<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>`
	odsStart = xml.Header + `<office:document-content office:version="1.3"` +
		` xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"` +
		` xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"` +
		` xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0"` +
		` xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"><office:automatic-styles>`
	odsDays  = `<number:year number:style="long"/><number:text>-</number:text><number:month number:style="long"/><number:text>-</number:text><number:day number:style="long"/>`
	odsClock = `<number:hours number:style="long"/><number:text>:</number:text><number:minutes number:style="long"/><number:text>:</number:text><number:seconds number:style="long"/>`
	odsShows = `<number:text-style style:name="N0"><number:text-content/></number:text-style>` +
		`<number:date-style style:name="N1">` + odsDays + `</number:date-style>` +
		`<number:date-style style:name="N2">` + odsDays + `<number:text> </number:text>` + odsClock + `</number:date-style>` +
		`<number:time-style style:name="N3">` + odsClock + `</number:time-style>`
)

func (t Table) ods(lines []line, l Labels) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "mimetype", Method: zip.Store})
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(w, odsType); err != nil {
		return nil, err
	}
	for _, part := range []struct{ name, text string }{
		{"META-INF/manifest.xml", manifest},
		{"content.xml", t.odsContent(lines, l)},
	} {
		w, err := z.Create(part.name)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, part.text); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (t Table) odsContent(lines []line, l Labels) string {
	var b strings.Builder
	b.WriteString(odsStart + odsShows)
	for n := range 4 {
		fmt.Fprintf(&b, `<style:style style:name="c%d" style:family="table-cell" style:data-style-name="N%d"/>`, n, n)
		fmt.Fprintf(&b, `<style:style style:name="w%d" style:family="table-cell" style:data-style-name="N%d"><style:table-cell-properties fo:background-color="#%s"/></style:style>`, n, n, yellow)
	}
	b.WriteString(`<style:style style:name="c" style:family="table-cell"/>` +
		`<style:style style:name="w" style:family="table-cell"><style:table-cell-properties fo:background-color="#` + yellow + `"/></style:style>` +
		`<style:style style:name="head" style:family="table-cell"><style:text-properties fo:font-weight="bold"/></style:style>` +
		`</office:automatic-styles><office:body><office:spreadsheet><table:table table:name="`)
	sheet := t.Sheet
	if sheet == "" {
		sheet = "Sheet1"
	}
	b.WriteString(escape(sheet) + `"><table:table-column table:number-columns-repeated="` + strconv.Itoa(len(t.Header)+2) + `"/><table:table-row>`)
	for _, h := range t.columns(l) {
		b.WriteString(`<table:table-cell table:style-name="head" office:value-type="string">` + odsText(h) + `</table:table-cell>`)
	}
	b.WriteString(`</table:table-row>`)
	for _, line := range lines {
		b.WriteString(`<table:table-row>`)
		for i, c := range line.cells {
			why, wrong := line.why[i]
			odsCell(&b, c, why, wrong)
		}
		odsCell(&b, Cell{strconv.Itoa(line.of), Number}, "", false)
		odsCell(&b, Cell{Text: line.sum}, "", false)
		b.WriteString(`</table:table-row>`)
	}
	b.WriteString(`</table:table></office:spreadsheet></office:body></office:document-content>`)
	return b.String()
}

// odsCell writes a cell by its kind, with what is wrong with it as a note.
func odsCell(b *strings.Builder, c Cell, why string, wrong bool) {
	typ, style := odsValue(c)
	mark := "c"
	if wrong {
		mark = "w"
	}
	b.WriteString(`<table:table-cell table:style-name="` + mark + style + `"` + typ + `>`)
	if why != "" {
		b.WriteString(`<office:annotation>` + odsText(why) + `</office:annotation>`)
	}
	if c.Text != "" {
		b.WriteString(odsText(c.Text))
	}
	b.WriteString(`</table:table-cell>`)
}

// odsValue gives the attributes of a value, and the number of the style that shows it.
func odsValue(c Cell) (attrs, style string) {
	switch {
	case c.Text == "":
		return "", "0"
	case c.Kind == Number:
		return ` office:value-type="float" office:value="` + escape(c.Text) + `"`, ""
	case c.Kind == Bool:
		return ` office:value-type="boolean" office:boolean-value="` + escape(c.Text) + `"`, ""
	case c.Kind != Date:
	case len(c.Text) == len(isoDate):
		return ` office:value-type="date" office:date-value="` + escape(c.Text) + `"`, "1"
	default:
		if t, err := time.Parse(isoTime, c.Text); err == nil {
			return ` office:value-type="time" office:time-value="` + t.Format("PT15H04M05S") + `"`, "3"
		}
		return ` office:value-type="date" office:date-value="` + escape(c.Text) + `"`, "2"
	}
	return ` office:value-type="string"`, "0"
}

// odsText writes paragraphs. More than one space is an element: readers take a run for one (part 3, §6.1.2).
func odsText(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		b.WriteString("<text:p>")
		before := ' '
		for _, r := range line {
			switch {
			case r == '\t':
				b.WriteString("<text:tab/>")
			case r == ' ' && before == ' ':
				b.WriteString("<text:s/>")
			default:
				b.WriteString(escape(string(r)))
			}
			before = r
		}
		b.WriteString("</text:p>")
	}
	return b.String()
}

func escape(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}
