package portal

import (
	"fmt"
	"net/url"
	"strings"

	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// Rows of a page: how many are open to begin with, how many more a click opens, and the most that one page takes.
const (
	firstRows = 2
	moreRows  = 3
	mostRows  = 20
)

// columnView is one column of rows.
type columnView struct {
	service.Field
	Required bool
}

func columnViews(s *service.Service, f *service.Field, lang string) []columnView {
	var all []columnView
	for i := range f.Fields {
		all = append(all, columnView{f.Fields[i], s.CellRequired(f, f.Fields[i].Name)})
	}
	return all
}

// rowViews gives the cells that were typed, and some empty rows.
func rowViews(f *service.Field, typed []string) [][]string {
	var all [][]string
	for _, row := range typed {
		values := f.RowValues(row)
		cells := make([]string, len(f.Fields))
		for i := range f.Fields {
			cells[i] = values[f.Fields[i].Name]
		}
		all = append(all, cells)
	}
	open := firstRows
	if len(typed) > 0 {
		open = moreRows
	}
	for range min(open, mostRows-len(typed)) {
		all = append(all, make([]string, len(f.Fields)))
	}
	return all
}

// cellName is a cell's name in the form, "goods.0.hs".
func cellName(field string, row int, column string) string {
	return fmt.Sprintf("%s.%d.%s", field, row, column)
}

// typedRows reads the rows in canonical form; those left empty don't count.
func typedRows(s *service.Service, f *service.Field, values url.Values) []string {
	var rows []string
	for n := range mostRows {
		cells := map[string]string{}
		for i := range f.Fields {
			column := &f.Fields[i]
			v := values.Get(cellName(f.Name, n, column.Name))
			v = strings.TrimSpace(exchange.Normalize(strings.ToValidUTF8(v[:min(len(v), maxValue)], "")))
			if v != "" {
				cells[column.Name] = canonical(s, column, v)
			}
		}
		if len(cells) > 0 {
			rows = append(rows, f.RowText(cells))
		}
	}
	return rows
}

// Cell names a cell for the page.
func (f fieldView) Cell(row int, column string) string { return cellName(f.Name, row, column) }

// Line is the number of a row as people count.
func (f fieldView) Line(row int) int { return row + 1 }

// worded is the service's words for a fault, with its row where it is in one.
func (p *Portal) worded(s *service.Service, fault service.Fault, lang string) string {
	why := s.Message(fault, lang)
	f, ok := s.Field(fault.Field)
	if !ok || fault.Row == 0 {
		return why
	}
	label := f.Label.In(lang)
	if column, ok := f.Column(fault.Column); ok {
		label = column.Label.In(lang)
	}
	return p.text(lang, "form.fault.row", "row", fault.Row, "label", label, "why", why)
}
