package table

import "fmt"

// Trouble is why a file gives no table: each reason has its own sentence, with the fix, in the reply.
type Trouble struct {
	Reason Reason
	Detail string // a name, a type or the parser's words, for the log and for those who write programs; never a cell
	Row    int    // where, as the sender's program shows it; 0: nowhere in particular
	Count  int    // how many there are, where a limit is broken and that was counted
	Limit  int64  // the limit that is broken
	Names  []string
}

// Error says it in English, for logs.
func (t *Trouble) Error() string {
	s := "table: " + string(t.Reason)
	if t.Row > 0 {
		s += fmt.Sprintf(" at row %d", t.Row)
	}
	if t.Detail != "" {
		s += ": " + t.Detail
	}
	return s
}

// Reason is a kind of trouble. Its text is stable: it may be part of a text's key.
type Reason string

// The reasons.
const (
	Empty        Reason = "empty"          // no bytes, or no cell that is filled in
	NotATable    Reason = "not_a_table"    // a picture, a PDF, a letter: Detail is its type
	NoHeader     Reason = "no_header"      // no row holds known words: Names are those of the first row
	Broken       Reason = "broken"         // cut off or damaged: Detail
	OpenQuote    Reason = "open_quote"     // CSV: a quote that is opened in Row and never closed
	Encoding     Reason = "encoding"       // no encoding of ours
	NUL          Reason = "nul"            // zero bytes in a text
	Password     Reason = "password"       // a workbook or zip that is encrypted
	OldFormat    Reason = "old_format"     // .xls, .xlsb or "XML Spreadsheet 2003": save it as .xlsx
	Macros       Reason = "macros"         // a workbook with macros: save it as .xlsx
	Winmail      Reason = "winmail"        // winmail.dat (MS-OXTNEF)
	TooBig       Reason = "too_big"        // over Limits.Bytes
	TooManyRows  Reason = "too_many_rows"  // over Limits.Rows
	TooWide      Reason = "too_wide"       // over Limits.Columns
	TooManyCells Reason = "too_many_cells" // over Limits.Cells
	LongCell     Reason = "long_cell"      // over Limits.Cell
	Bomb         Reason = "bomb"           // unzips to too much: size, ratio or entries
	TooDeep      Reason = "too_deep"       // over Limits.Depth
	DTD          Reason = "dtd"            // XML with a document type or entities
	TwiceNamed   Reason = "twice_named"    // JSON with one name twice in an object, or a header with one word twice
	SeveralFiles Reason = "several_files"  // a zip with more than one table: Names
	ZipInZip     Reason = "zip_in_zip"     // a zip within a zip
	AllErrors    Reason = "all_errors"     // at least half of the cells show a formula's error
)

func trouble(r Reason, format string, args ...any) *Trouble {
	return &Trouble{Reason: r, Detail: fmt.Sprintf(format, args...)}
}
