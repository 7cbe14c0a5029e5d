package media

import (
	"bytes"
	"encoding/xml"
	"errors"
	"path"
	"strings"

	"gatehouse/exchange"
)

// openDocument is the media type of an ODF file (its first entry, in clear) and the ending that goes with it.
func openDocument() map[string]string {
	return map[string]string{
		"application/vnd.oasis.opendocument.spreadsheet": "ods",
		"application/vnd.oasis.opendocument.text":        "odt",
	}
}

// officeType tells which office document a ZIP is, as its ending; "": it is an archive.
func (f *file) officeType() (string, error) {
	names := map[string]entry{}
	for _, e := range f.zip.entries {
		names[e.name] = e
	}
	if e, ok := names["mimetype"]; ok && e.size < 256 {
		b, err := f.zip.open(f, e)
		return openDocument()[string(b)], err
	}
	if _, ok := names["[Content_Types].xml"]; !ok {
		return "", nil
	}
	if _, ok := names["xl/workbook.xml"]; ok {
		return "xlsx", nil
	}
	if _, ok := names["word/document.xml"]; ok {
		return "docx", nil
	}
	return "", nil
}

// checkOffice lets an office document (ECMA-376 or ODF) pass that has no macros, objects, scripts, or links to
// elsewhere but those that a person clicks. Every entry is unpacked and read; one of a kind that is not expected is a
// file within the file.
func checkOffice(f *file) (exchange.Reason, error) {
	if f.kind != kindZip {
		return exchange.ReasonNone, nil
	}
	is, err := f.officeType()
	switch {
	case err != nil:
		return zipReason(err)
	case is == "":
		return exchange.ReasonNone, nil // an archive: rebuildArchive decides
	case f.Policy.Office == Refuse, f.Ext != "" && f.Ext != is:
		return exchange.ReasonFileKind, nil
	}
	for _, e := range f.zip.entries {
		name := strings.ToLower(e.name)
		if activeEntry(name) {
			return exchange.ReasonActive, nil
		}
		b, err := f.zip.open(f, e)
		if err != nil {
			return zipReason(err)
		}
		if reason := officeEntry(name, b); reason != exchange.ReasonNone {
			return reason, nil
		}
	}
	f.answer.Check = "office"
	return exchange.ReasonNone, nil
}

// activeEntry tells whether an entry of that name can do something, or is a document within the document.
func activeEntry(name string) bool {
	for _, s := range []string{
		"vbaproject", "vbadata", "activex", "embeddings/", "externallinks/", "macrosheets/", "dialogsheets/", "ctrlprops/", "customui",
		"basic/", "scripts/", "object ", "objectreplacements/", "afchunk", "webextensions/", "querytables/", "connections.xml", "model/item",
	} {
		if strings.Contains(name, s) {
			return true
		}
	}
	return false
}

// officeEntry judges what an entry holds by its kind.
func officeEntry(name string, b []byte) exchange.Reason {
	k := sniff(b)
	opaque := len(b) <= 1<<20 && k != kindArchive && k != kindActive && k != kindZip && k != kindPDF && !bytes.HasPrefix(b, []byte("MZ"))
	switch ext := path.Ext(name); {
	case strings.HasSuffix(name, "/"):
		if len(b) > 0 {
			return exchange.ReasonArchive
		}
		return exchange.ReasonNone
	case ext == ".xml" || ext == ".rels" || ext == ".vml" || ext == ".rdf":
		return xmlReason(walkOffice(b, ext == ".rels"))
	case k == kindPNG || k == kindJPEG || k == kindGIF, name == "mimetype":
		return exchange.ReasonNone
	case name == "layout-cache", strings.Contains(name, "printersettings") && ext == ".bin":
		if opaque {
			return exchange.ReasonNone
		}
	}
	return exchange.ReasonActive
}

// walkOffice reads one part of an office document.
func walkOffice(b []byte, relations bool) error {
	if len(b) == 0 {
		return nil
	}
	w := &walker{}
	if err := walkXML(bytes.NewReader(b), func(e xml.StartElement) error {
		if relations && e.Name.Local == "Relationship" {
			return relation(e)
		}
		return w.element(e)
	}, w.text); err != nil {
		return err
	}
	return w.end()
}

// relation judges a link of one part to another (ECMA-376 part 2 §8.3): outside the document only what a person
// clicks, with a scheme that shows where it leads.
func relation(e xml.StartElement) error {
	kind, target, external := "", "", false
	for _, a := range e.Attr {
		switch a.Name.Local {
		case "Type":
			kind = strings.ToLower(a.Value)
		case "Target":
			target = a.Value
		case "TargetMode":
			external = !strings.EqualFold(a.Value, "Internal")
		}
	}
	for _, s := range []string{"vbaproject", "oleobject", "relationships/package", "attachedtemplate", "externallink", "/control", "activex", "/frame", "afchunk", "subdocument", "customui", "extensibility", "mailmerge", "recipientdata"} {
		if strings.Contains(kind, s) {
			return errActive
		}
	}
	if (external || strings.Contains(target, ":")) && (!strings.HasSuffix(kind, "/hyperlink") || !clickable(target)) {
		return errActive
	}
	return nil
}

// clickable tells whether a link leads to a place in the document, a web page or a mailbox.
func clickable(target string) bool {
	t := strings.ToLower(strings.TrimSpace(target))
	for _, s := range []string{"http://", "https://", "mailto:", "#"} {
		if strings.HasPrefix(t, s) {
			return true
		}
	}
	return !strings.Contains(t, ":") && !strings.HasPrefix(t, "//") && !strings.HasPrefix(t, `\\`)
}

// walker gathers what is spread over several elements.
type walker struct {
	fields strings.Builder // instructions of a text's fields, which may be cut into runs
}

// acting are elements, by their local names, that act or bring something from elsewhere: macros and event listeners,
// objects, dynamic data exchange, linked sections and sheets.
func acting() string {
	return " script event-listener object object-ole plugin applet floating-frame dde-source dde-link dde-connection-decl " +
		"dde-connection-decls section-source table-source cell-range-source database-source-table database-source-sql " +
		"database-source-query ddeLink oleLink oleObject externalReference externalLink control altChunk webPublishObject " +
		"OLEObject subDoc attachedTemplate mailMerge dataConnection "
}

func (w *walker) element(e xml.StartElement) error {
	local := e.Name.Local
	if strings.Contains(acting(), " "+local+" ") {
		return errActive
	}
	for _, a := range e.Attr {
		v := strings.ToLower(a.Value)
		switch {
		case a.Name.Local == "href" && local != "a" && !inside(a.Value), a.Name.Local == "href" && !clickable(a.Value):
			return errActive
		case a.Name.Local == "ContentType" && (strings.Contains(v, "macroenabled") || strings.Contains(v, "vbaproject") || strings.Contains(v, "oleobject") || strings.Contains(v, "activex")):
			return errActive
		case a.Name.Local == "formula" && calls(a.Value), a.Name.Local == "ddeService", a.Name.Local == "onLoad":
			return errActive
		case a.Name.Local == "instr":
			w.fields.WriteString(a.Value)
		}
	}
	return nil
}

// inside tells whether a link that a program follows by itself stays in the document.
func inside(target string) bool {
	return target == "" || strings.HasPrefix(target, "#") || !strings.Contains(target, ":") && !strings.HasPrefix(target, "/") && !strings.Contains(target, "..") && !strings.Contains(target, "\\")
}

func (w *walker) text(in string, s []byte) error {
	switch in {
	case "f", "formula", "formula1", "formula2", "definedName":
		if calls(string(s)) {
			return errActive
		}
	case "instrText", "delInstrText":
		w.fields.Write(s)
	}
	return nil
}

// calls tells whether a formula reaches out of its sheet.
func calls(s string) bool {
	s = strings.ToUpper(strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\n' {
			return -1
		}
		return r
	}, s))
	for _, f := range []string{"DDE(", "WEBSERVICE(", "CALL(", "REGISTER(", "REGISTER.ID(", "EXEC(", "RTD(", "SQL.REQUEST(", "IMPORTXML(", "IMPORTDATA(", "FILE://", "'HTTP", ".XLSM]", ".XLSX]", "|'"} {
		if strings.Contains(s, f) {
			return true
		}
	}
	return false
}

// end judges the fields of a text once they are whole.
func (w *walker) end() error {
	s := strings.ToUpper(w.fields.String())
	for _, f := range []string{"DDE", "INCLUDETEXT", "INCLUDEPICTURE", "IMPORT", "MACROBUTTON", "DATABASE", "RD "} {
		if strings.Contains(s, f) {
			return errActive
		}
	}
	return nil
}

// rebuildArchive opens an archive, if the policy takes any: each entry has to pass the list for itself, none may be
// an archive, and a new archive with what they became goes on.
func rebuildArchive(f *file) (exchange.Reason, error) {
	if f.kind != kindZip {
		return exchange.ReasonNone, nil
	}
	if f.Policy.Archives != Rebuild || f.Ext != "" && f.Ext != "zip" {
		return exchange.ReasonArchive, nil
	}
	reason, err := f.repack()
	switch {
	case errors.Is(err, errZip):
		return exchange.ReasonArchive, nil
	case err == nil && reason == exchange.ReasonNone:
		f.answer = Answer{Check: "entries", Rebuilt: true}
	}
	return reason, err
}
