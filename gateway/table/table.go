// Package table reads what a clerk attaches (CSV, XLSX, ODS, XML, JSON, a table in HTML, or one of these in a zip) into
// one neutral Table, and gives rows back in a marked copy in the sender's own format.
//
// The rule: what a file is, is told by its bytes, never by its name or type; and nothing that a file says of itself is
// believed before it was counted. Every parser stops at its Limits: memory is bounded by them, not by the file. What
// the cells mean is the caller's: this package knows no service.
package table

import (
	"context"
	"io"
)

// File is what was attached.
type File struct {
	Name, Type string // as the sender says; used for the name of a marked copy alone
	Size       int64  // bytes; 0: unknown
	Open       func(context.Context) (io.ReadCloser, error)
}

// Limits bound what is read of one file. A zero limit allows nothing: start with Defaults.
type Limits struct {
	Bytes    int64 // of the file
	Unzipped int64 // bytes of all that is unzipped of it, counted while reading
	Ratio    int   // of unzipped to packed bytes, for an entry of more than 1 MiB
	Entries  int   // of a zip
	Rows     int   // under the header
	Columns  int   // up to the last cell that is filled in
	Cells    int   // of the whole table, with the empty ones up to the last filled one of each row
	Cell     int   // characters of one cell
	Depth    int   // of elements or members in each other
}

// Defaults are the limits that a reply states: 10 MB and 5,000 rows. 32,767 characters are what a cell of Excel holds
// (support.microsoft.com, "Excel specifications and limits").
func Defaults() Limits {
	return Limits{
		Bytes: 10 << 20, Unzipped: 64 << 20, Ratio: 200, Entries: 1000,
		Rows: 5000, Columns: 256, Cells: 500_000, Cell: 32_767, Depth: 32,
	}
}

// Format is what a table was written in.
type Format string

// The formats. A file with tabs or semicolons is CSV as well: its Dialect tells.
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
	ODS  Format = "ods"
	XML  Format = "xml"
	JSON Format = "json"
	HTML Format = "html" // a table in a page, or pasted in a mail
	Text Format = "text" // lines with tabs in a mail
)

// Dialect is what a marked copy has to repeat of the file it answers.
type Dialect struct {
	Comma    rune     // CSV: what stands between the cells
	Encoding string   // "utf-8", "utf-16le", "utf-16be", "windows-1252", "windows-1256", "gb18030"
	Item     string   // XML: the elements down to that of a row, "declaration/rows/row"; JSON: the members, "" a plain list
	Paths    []string // XML, JSON: where each column is within its row: "kg", "weight/net"; XML: "@kg" an attribute
}

// Table is one table: a header, and rows as wide as they are filled in.
type Table struct {
	Format    Format
	Dialect   Dialect
	File      string // its own name; inside a zip that of the entry
	Sheet     string // of a workbook
	Header    []string
	HeaderRow int // 0: columns are named in each row (XML, JSON)
	Rows      []Row
	Fields    []Pair // what stands above or beside the rows, for the form's own fields
	Notes     []Note
}

// Row is one row under the header.
type Row struct {
	// Number is 1-based, as the sender's own program shows it: the row of a sheet, the record of a CSV, the how-manieth
	// element of XML and JSON.
	Number int
	// Of is the number in the file that was first sent, where this is a row of a marked copy; 0 otherwise.
	Of    int
	Cells []Cell // by column of the header; may be shorter, never longer
}

// Cell gives the cell of a column, an empty one where the row is shorter.
func (r Row) Cell(column int) Cell {
	if column < 0 || column >= len(r.Cells) {
		return Cell{}
	}
	return r.Cells[column]
}

// Cell is what one cell says: space around it is gone, and so are control characters other than new lines and tabs.
type Cell struct {
	// Text is a number with a point and without an exponent (Number), an ISO 8601 date, time or both (Date), "true" or
	// "false" (Bool), the name of a spreadsheet's error as #REF! (Error), else what was typed.
	Text string
	Kind Kind
}

// Kind tells what a cell is for the program that made it. A CSV has but Words and errors.
type Kind uint8

// The kinds of cell.
const (
	Words   Kind = iota // text, or empty
	Number              // of a spreadsheet or of JSON
	Date                // a date, a time of day, or both
	Bool                // true or false
	Error               // a formula that went wrong
	Formula             // a formula without the value it had: the text is empty
)

// Pair is a field beside the rows: "Period: 2026-11" in a title row, or an element beside those of the rows.
type Pair struct {
	Name  string
	Value Cell
	Row   int // where it stands; 0 in XML and JSON
}

// Note is something that was left aside or guessed, so that the reply can say it.
type Note struct {
	About Topic
	Names []string // sheets, columns, entries, an encoding: at most 20
	Rows  []int    // at most 20
	Count int      // how many there are of it in all
}

// Topic is what a Note is about.
type Topic string

// The topics.
const (
	OtherSheets   Topic = "other_sheets"   // sheets with cells that were not read: Names
	HiddenRows    Topic = "hidden_rows"    // read like the others: Rows
	HiddenColumns Topic = "hidden_columns" // read like the others: Names
	MergedHeader  Topic = "merged_header"  // cells of the header joined together: Names are their references
	TitleRows     Topic = "title_rows"     // rows above the header: Rows
	EmptyRows     Topic = "empty_rows"     // rows without any content between or under the others: Count
	FormulaErrors Topic = "formula_errors" // cells that show an error: Rows
	NoValue       Topic = "no_value"       // formulas that were stored without their value: Rows
	Guessed       Topic = "guessed"        // the encoding was guessed: Names
	OtherFiles    Topic = "other_files"    // entries of a zip that are no table: Names
	Unnamed       Topic = "unnamed"        // cells under no header were left aside: Rows
)

// listed bounds the names and rows of a note.
const listed = 20

// note counts one more thing of a topic.
func (t *Table) note(about Topic, name string, row int) {
	i := 0
	for i < len(t.Notes) && t.Notes[i].About != about {
		i++
	}
	if i == len(t.Notes) {
		t.Notes = append(t.Notes, Note{About: about})
	}
	n := &t.Notes[i]
	n.Count++
	if name != "" && len(n.Names) < listed {
		n.Names = append(n.Names, name)
	}
	if row > 0 && len(n.Rows) < listed {
		n.Rows = append(n.Rows, row)
	}
}

// Note gives what was noted on a topic.
func (t Table) Note(about Topic) (Note, bool) {
	for _, n := range t.Notes {
		if n.About == about {
			return n, true
		}
	}
	return Note{}, false
}
