package service

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// RowText writes the cells of one row as its canonical value, "hs=090121; country=BR", in the order of the columns.
// A semicolon or a line break within a cell becomes a comma.
func (f *Field) RowText(cells map[string]string) string {
	var parts []string
	for i := range f.Fields {
		name := f.Fields[i].Name
		if v := strings.TrimSpace(strings.NewReplacer(";", ",", "\n", ", ").Replace(cells[name])); v != "" {
			parts = append(parts, name+"="+v)
		}
	}
	return strings.Join(parts, "; ")
}

// RowValues reads what RowText wrote. A part without a name stands under "", so that the schema refuses it.
func (f *Field) RowValues(row string) map[string]string {
	cells := map[string]string{}
	for _, part := range strings.Split(row, ";") {
		name, v, named := strings.Cut(strings.TrimSpace(part), "=")
		if !named {
			name, v = "", name
		}
		cells[name] = v
	}
	return cells
}

// Column gives the column of that name.
func (f *Field) Column(name string) (*Field, bool) {
	for i := range f.Fields {
		if f.Fields[i].Name == name {
			return &f.Fields[i], true
		}
	}
	return nil, false
}

func rowData(f *Field, items *Schema, row string) map[string]any {
	data := map[string]any{}
	for name, v := range f.RowValues(row) {
		p := items.Properties[name]
		data[name] = instance(v, p.Type)
	}
	return data
}

// Cell gives the schema of a column.
func (s *Service) Cell(f *Field, column string) Schema {
	if items := s.Schema.Properties[f.Name].Items; items != nil {
		return items.Properties[column]
	}
	return Schema{}
}

// SchemaOf gives the schema of a field, or of a column where f points into a Rows field of s.
func (s *Service) SchemaOf(f *Field) Schema {
	for i := range s.Dialogue.Fields {
		field := &s.Dialogue.Fields[i]
		for j := range field.Fields {
			if &field.Fields[j] == f {
				return s.Cell(field, f.Name)
			}
		}
	}
	return s.Schema.Properties[f.Name]
}

// CellRequired tells whether each row needs the column.
func (s *Service) CellRequired(f *Field, column string) bool {
	items := s.Schema.Properties[f.Name].Items
	return items != nil && slices.Contains(items.Required, column)
}

// CheckRow names what is wrong with a row that is being given; a column without a cell is no fault yet.
func (s *Service) CheckRow(f *Field, cells map[string]string, answers map[string][]string, now time.Time) []Fault {
	for i := range f.Fields {
		column := f.Fields[i].Name
		v, given := cells[column]
		if !given || v == "" {
			continue
		}
		p := s.Cell(f, column)
		if found := p.Validate(instance(v, p.Type)); len(found) > 0 {
			return []Fault{{Field: f.Name, ID: found[0].Keyword, Row: 1, Column: column}}
		}
	}
	return s.ruleRow(f, cells, answers, now)
}

// ruleRow holds a row against the checks of its columns' kinds, and against the rules over one row.
func (s *Service) ruleRow(f *Field, cells map[string]string, answers map[string][]string, now time.Time) []Fault {
	var all []Fault
	sc := s.scope(overlay(answers, cells), now)
	for i := range f.Fields {
		column := &f.Fields[i]
		v, given := cells[column.Name]
		if !given || v == "" {
			continue
		}
		if fault, wrong := s.checkValue(column, v, answers, now); wrong {
			all = append(all, Fault{Field: f.Name, ID: fault.ID, Row: 1, Column: column.Name})
		}
	}
	for _, c := range f.Checks {
		r, err := ParseRule(c.Rule)
		if err != nil {
			continue
		}
		if holds, ok := r.Holds(sc); ok && !holds {
			all = append(all, Fault{Field: f.Name, ID: c.ID, Row: 1, Column: c.Field})
		}
	}
	return all
}

func overlay(answers map[string][]string, cells map[string]string) map[string][]string {
	all := make(map[string][]string, len(answers)+len(cells))
	for k, v := range answers {
		all[k] = v
	}
	for k, v := range cells {
		if v != "" {
			all[k] = []string{v}
		}
	}
	return all
}

// cells gives the values of "rows.column" in each row that has one; known is false where there is no such column.
func (s *Service) cells(name string, answers map[string][]string) (values []string, known bool) {
	field, column, _ := strings.Cut(name, ".")
	f, ok := s.Field(field)
	if !ok || f.Kind != Rows {
		return nil, false
	}
	if _, ok := f.Column(column); !ok {
		return nil, false
	}
	for _, row := range answers[field] {
		if v := f.RowValues(row)[column]; v != "" {
			values = append(values, v)
		}
	}
	return values, true
}

// rowFaults names what is wrong with the columns of a Rows field.
func (s *Service) rowFaults(key string, f *Field) []error {
	if (f.Kind == Rows) != (len(f.Fields) > 0) {
		return []error{fmt.Errorf("%s.fields: rows have columns, and no other kind", key)}
	}
	items := s.Schema.Properties[f.Name].Items
	if f.Kind != Rows {
		return nil
	}
	if items == nil || items.Type != "object" {
		return []error{fmt.Errorf("%s.kind: rows need items of type object in the schema", key)}
	}
	var all []error
	for i := range f.Fields {
		column, under := &f.Fields[i], fmt.Sprintf("%s.fields.%d", key, i)
		if slices.Contains([]FieldKind{Rows, File, Place, Computed, Choices}, column.Kind) || !slices.Contains(kinds(), column.Kind) {
			all = append(all, fmt.Errorf("%s.kind: is %q; a column holds one value that can be read by itself", under, column.Kind))
		}
		if _, ok := items.Properties[column.Name]; !ok {
			all = append(all, fmt.Errorf("%s.name: %q is not in the schema's items", under, column.Name))
		}
		all = append(all, s.fieldItself(under, column)...)
	}
	for i, c := range f.Checks {
		under := fmt.Sprintf("%s.checks.%d", key, i)
		if _, err := ParseRule(c.Rule); err != nil {
			all = append(all, fmt.Errorf("%s.rule: %w", under, err))
		}
		if _, ok := f.Column(c.Field); !ok || c.ID == "" {
			all = append(all, fmt.Errorf("%s: needs id, rule and the column that is asked again", under))
		}
		all = append(all, s.missing(under+".message", c.Message)...)
	}
	return all
}
