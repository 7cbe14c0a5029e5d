// Package sheet makes the spreadsheets that a service's form is filled in with: a header in the person's language, lists
// to choose from, and a frozen first row.
//
// The rule: a sheet says nothing of its own. Its columns, lists and limits are those of the service file, and what is
// filled in is checked like any other form: a spreadsheet's own checks are a help, never a proof.
package sheet

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"

	"github.com/xuri/excelize/v2"

	"gatehouse/exchange/service"
)

const (
	forms = "Form" // the sheet's name, and that of the hidden one with the lists
	lists = "Lists"
	// maxPrompt bounds the words that show beside a cell, and maxTitle those above them (ECMA-376 part 1, §18.3.1.32).
	maxPrompt = 255
	maxTitle  = 32
	// width of a column in characters.
	width = 24
)

// Words are the texts that a sheet needs beside the service's own.
type Words struct{ Yes, No string }

// column is one column: a field of the form, or of its rows.
type column struct {
	*service.Field
	schema service.Schema
	last   int // the last row that may be filled in
}

// columns gives what can be filled in by mail: the fields of the form, and those of its rows in the place of the rows.
func columns(s *service.Service) []column {
	last := 2
	for _, f := range s.Fields() {
		if f.Kind == service.Rows {
			last = 1 + most(s.Schema.Properties[f.Name])
		}
	}
	var all []column
	for i := range s.Dialogue.Fields {
		f := &s.Dialogue.Fields[i]
		switch {
		case f.Kind == service.File || f.Kind == service.Computed || !f.On("email"):
		case f.Kind == service.Rows:
			for j := range f.Fields {
				all = append(all, column{&f.Fields[j], s.Cell(f, f.Fields[j].Name), last})
			}
		default:
			all = append(all, column{f, s.Schema.Properties[f.Name], 2})
		}
	}
	return all
}

// most is how many rows a form takes, within what is read of a file.
func most(p service.Schema) int {
	if p.MaxItems != nil {
		return *p.MaxItems
	}
	return 5000
}

// header is a column's name as the reader of filled-in sheets knows it in every language: label and name.
func (c column) header(lang string) string { return c.Label.In(lang) + " (" + c.Name + ")" }

// CSV gives the header alone, in UTF-8 with a byte order mark, which spreadsheets need to read other scripts.
func CSV(s *service.Service, lang string) ([]byte, error) {
	var names []string
	for _, c := range columns(s) {
		names = append(names, c.header(lang))
	}
	b := bytes.NewBufferString("\xEF\xBB\xBF")
	w := csv.NewWriter(b)
	if err := w.Write(names); err != nil {
		return nil, fmt.Errorf("write a CSV header: %w", err)
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// XLSX gives a workbook with one sheet to fill in.
func XLSX(s *service.Service, lang string, words Words) ([]byte, error) {
	b := book{File: excelize.NewFile(), lang: lang, words: words}
	defer b.Close()
	if err := b.fill(columns(s)); err != nil {
		return nil, fmt.Errorf("make a spreadsheet of %s: %w", s.Code, err)
	}
	out, err := b.WriteToBuffer()
	if err != nil {
		return nil, fmt.Errorf("write a spreadsheet of %s: %w", s.Code, err)
	}
	return out.Bytes(), nil
}

type book struct {
	*excelize.File
	lang  string
	words Words
}

func (b *book) fill(all []column) error {
	if err := b.SetSheetName("Sheet1", forms); err != nil {
		return err
	}
	if _, err := b.NewSheet(lists); err != nil {
		return err
	}
	head, err := b.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{WrapText: true}})
	if err != nil {
		return err
	}
	plain, err := b.NewStyle(&excelize.Style{NumFmt: textFormat})
	if err != nil {
		return err
	}
	for i, c := range all {
		if err := b.column(i+1, c, head, plain); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	return b.view()
}

// textFormat keeps what is typed as it is typed: 2026-10 is no date, and 0042 keeps its zeros.
const textFormat = 49

// view freezes the header, hides the lists, and turns the sheet for scripts from right to left.
func (b *book) view() error {
	right := b.lang == "ar"
	if err := b.SetSheetView(forms, 0, &excelize.ViewOptions{RightToLeft: &right}); err != nil {
		return err
	}
	if err := b.SetSheetVisible(lists, false); err != nil {
		return err
	}
	return b.SetPanes(forms, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
}

func (b *book) column(n int, c column, head, plain int) error {
	name, err := excelize.ColumnNumberToName(n)
	if err != nil {
		return err
	}
	if err := b.SetColWidth(forms, name, name, width); err != nil {
		return err
	}
	if err := b.SetColStyle(forms, name, plain); err != nil {
		return err
	}
	if err := b.SetCellStr(forms, name+"1", c.header(b.lang)); err != nil {
		return err
	}
	if err := b.SetCellStyle(forms, name+"1", name+"1", head); err != nil {
		return err
	}
	return b.check(name, c)
}

// check puts the list, the bounds and the help of a column to its cells.
func (b *book) check(name string, c column) error {
	v := excelize.NewDataValidation(true)
	v.SetSqref(fmt.Sprintf("%s2:%s%d", name, name, c.last))
	choices := b.choices(c)
	switch {
	case len(choices) > 0 && c.Kind != service.Choices: // several choices are typed with commas between them
		for i, label := range choices {
			if err := b.SetCellStr(lists, fmt.Sprintf("%s%d", name, i+1), label); err != nil {
				return err
			}
		}
		v.SetSqrefDropList(fmt.Sprintf("%s!$%s$1:$%s$%d", lists, name, name, len(choices)))
		v.SetError(excelize.DataValidationErrorStyleStop, clip(c.Label.In(b.lang), maxTitle), clip(c.Error.In(b.lang), maxPrompt))
	default:
		if err := v.SetRange(0, service.MaxAnswer, excelize.DataValidationTypeTextLength, excelize.DataValidationOperatorBetween); err != nil {
			return err
		}
	}
	v.SetInput(clip(c.Label.In(b.lang), maxTitle), clip(b.prompt(c, choices), maxPrompt))
	return b.AddDataValidation(forms, v)
}

// choices are the labels of what can be chosen.
func (b *book) choices(c column) []string {
	if c.Kind == service.Consent {
		return []string{b.words.Yes, b.words.No}
	}
	var all []string
	for _, o := range c.Options {
		all = append(all, o.Label.In(b.lang))
	}
	return all
}

// prompt is the question with the choices, or with an example.
func (b *book) prompt(c column, choices []string) string {
	text := c.Ask.In(b.lang)
	switch example := c.Example.In(b.lang); {
	case c.Kind == service.Choices:
		text += "\n" + join(choices)
	case example != "":
		text += "\n" + example
	}
	return text
}

func join(all []string) string {
	out := ""
	for i, s := range all {
		if i > 0 {
			out += ", "
		}
		out += s
	}
	return out
}

// clip cuts a text to at most n UTF-16 units, as the format counts them.
func clip(s string, n int) string {
	r := []rune(s)
	for units(r) > n {
		r = r[:len(r)-1]
	}
	return string(slices.Clip(r))
}

func units(r []rune) int {
	n := len(r)
	for _, c := range r {
		if c > 0xFFFF {
			n++
		}
	}
	return n
}
