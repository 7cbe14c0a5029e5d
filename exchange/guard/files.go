package guard

import (
	"path"
	"strings"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
	"gatehouse/exchange/guard/media"
)

// judgeFiles looks at the files that a document going up announces: their sizes, and names whose ending says that
// they are programs, pages or archives. Their content is judged when it comes, by the filter part.
func judgeFiles(it *Item) (exchange.Reason, error) {
	var sum int64
	for _, f := range exchange.Files(it.Document) {
		if sum += f.Size; f.Size > it.Limits.FileBytes || sum > it.Limits.FilesBytes {
			return exchange.ReasonSize, nil
		}
		if !media.KnownEnding(extension(f.Name)) {
			return exchange.ReasonFileKind, nil
		}
	}
	return exchange.ReasonNone, nil
}

// judgeFilesDown lets nothing leave but the one PDF of a notice.
func judgeFilesDown(it *Item) (exchange.Reason, error) {
	for _, f := range exchange.Files(it.Document) {
		switch {
		case it.Header.Kind != exchange.KindNotice || f.Type != "application/pdf" || extension(f.Name) != "pdf":
			return exchange.ReasonFileKind, nil
		case f.Size > maxPDF:
			return exchange.ReasonSize, nil
		}
	}
	return exchange.ReasonNone, nil
}

// extension is the ending of a file's name in lower case: one to five letters and digits, at least one a letter. A
// name without such an ending has none.
func extension(name string) string {
	e := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	letter := false
	for _, c := range []byte(e) {
		switch {
		case 'a' <= c && c <= 'z':
			letter = true
		case c < '0' || c > '9':
			return ""
		}
	}
	if !letter || len(e) > 5 {
		return ""
	}
	return e
}

func announced(d exchange.Document) []evidence.Announced {
	var out []evidence.Announced
	for _, f := range exchange.Files(d) {
		out = append(out, evidence.Announced{ID: f.ID, Size: f.Size, SHA256: f.SHA256, Ext: extension(f.Name)})
	}
	return out
}

// idOf gives the id of a document that may announce files.
func idOf(d exchange.Document) string {
	switch x := d.(type) {
	case exchange.Case:
		return x.ID
	case exchange.Addition:
		return x.ID
	case exchange.Notice:
		return x.ID
	case exchange.Audience:
		return x.ID
	}
	return ""
}
