package mediatest

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"strings"
)

// PDF is a document with one page of text, and further objects from number 6 on. catalog is put into its catalog.
func PDF(catalog string, more ...string) []byte {
	var b bytes.Buffer
	var at []int
	object := func(s string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), s)
	}
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	object("<</Type/Catalog/Pages 2 0 R" + catalog + ">>")
	object("<</Type/Pages/Count 1/Kids[3 0 R]>>")
	object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 5 0 R>>>>/Contents 4 0 R>>")
	draw := "BT /F 24 Tf 72 720 Td (Hello) Tj ET"
	object(fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", len(draw), draw))
	object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
	for _, s := range more {
		object(s)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, start)
	return b.Bytes()
}

// objects is an object stream with that text, packed.
func objects(text string) string {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, err := w.Write([]byte(text))
	must(err)
	must(w.Close())
	return fmt.Sprintf("<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n%s\nendstream", z.Len(), z.String())
}

func pdfs() []File {
	drawn := func(name string, b []byte) File {
		return File{Name: name, Ext: "pdf", Bytes: b, Want: pass, Rebuilt: true}
	}
	acts := func(name string, b []byte) File { return File{Name: name, Ext: "pdf", Bytes: b, Want: active} }
	return []File{
		drawn("pdf", PDF("")),
		drawn("pdf that opens at a page", PDF("/OpenAction[3 0 R/Fit]")),
		drawn("pdf with an object stream", PDF("", objects("6 0 <</A 1>>"))),
		{"pdf without an ending, with a title", "", PDF("", "<</Title(hidden words)>>"), pass, true, "hidden words"},

		acts("pdf with a script", PDF("/OpenAction 6 0 R", "<</S/JavaScript/JS(app.alert\\(1\\))>>")),
		acts("pdf with a script, name escaped", PDF("/Names 6 0 R", "<</#4aava#53cript 7 0 R>>", "<</S/J#61vaScript/#4a#53(x)>>")),
		acts("pdf that starts a program", PDF("/OpenAction<</S/Launch/F(cmd.exe)>>")),
		acts("pdf with an action on a page", PDF("/AA<</O 6 0 R>>")),
		acts("pdf with a file within", PDF("/Names<</EmbeddedFiles 6 0 R>>", "<</Type/Filespec/EF<</F 7 0 R>>>>", "<</Type/EmbeddedFile/Length 2>>stream\nMZ\nendstream")),
		acts("pdf with a form of its own", PDF("/AcroForm<</XFA 6 0 R>>")),
		acts("pdf that sends a form", PDF("", "<</S/SubmitForm/F(http://example.org)>>")),
		acts("pdf that opens another", PDF("", "<</S/GoToR/F(a.pdf)>>")),
		acts("pdf with a film", PDF("", "<</Subtype/RichMedia>>")),
		acts("pdf with a script in an object stream", PDF("", objects("6 0 <</S/JavaScript/JS(x)>>"))),
		acts("pdf with objects packed in another way", PDF("", "<</Type/ObjStm/Filter[/ASCIIHexDecode/FlateDecode]/Length 2>>stream\n00\nendstream")),
		acts("pdf with a script behind a stream that is none", PDF("", "(stream\n) <</S/JavaScript/JS(x)>> (endstream)")),
		{"pdf that is encrypted", "pdf", PDF("/Encrypt 6 0 R", "<</Filter/Standard/V 2>>"), packed, false, ""},
		{"pdf whose objects unpack to much", "pdf", PDF("", objects("6 0 "+strings.Repeat(" ", 9<<20))), packed, false, ""},
		{"pdf cut", "pdf", PDF("")[:400], kind, false, ""},
		{"pdf's head alone", "pdf", []byte("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"), kind, false, ""},
		{"pdf with bytes behind its end", "pdf", append(PDF(""), "MZ\x90\x00"...), kind, false, ""},
		{"pdf without pages", "pdf", []byte("%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"), kind, false, ""},
	}
}

// polyglots are two files in one.
func polyglots() []File {
	archive := string(Zip("a.txt", "hello"))
	return []File{
		{"pdf and archive", "pdf", append(PDF(""), archive...), packed, false, ""},
		{"photo and archive", "jpg", append(JPEG(16, 16), archive...), packed, false, ""},
		{"picture and archive", "png", append(PNG(16, 16), archive...), packed, false, ""},
		{"gif and java archive", "gif", append(GIF(1), archive...), packed, false, ""},
		{"text and archive", "txt", []byte("hello\n" + archive), kind, false, ""},
		{"photo and pdf", "jpg", segment(JPEG(16, 16), 0xfe, string(PDF(""))), active, false, ""},
		{"text and pdf", "txt", []byte("hello\n%PDF-1.7\n"), active, false, ""},
		{"archive and pdf", "zip", Zip("a.txt", "%PDF-1.7\n"), packed, false, ""},
		{"sheet and pdf", "xlsx", Zip("%PDF-1.7", "x", "[Content_Types].xml", types, "xl/workbook.xml", workbook), active, false, ""},
	}
}
