package service

import (
	"fmt"
	"strings"
	"time"
)

// Declare says how a declaration in rows is taken in.
type Declare struct {
	// Company and Period name the fields that hold who declares and what for. A return is known again by them.
	Company string `yaml:"company"`
	Period  string `yaml:"period"`
	// Partial says what of a file with faults is filed: "rows" (default) its right rows at once, "whole" nothing before
	// all is right. The filing time is kept in both.
	Partial string `yaml:"partial"`
	// Correct is an ISO 8601 duration of working days, "P9D", by which wrong rows can be put right; empty: DefaultCorrect.
	Correct string `yaml:"correct"`
	// Review is by when an officer looks at a row that is filed as stated; empty: the service's Promise.
	Review string `yaml:"review"`
	// Nil: a period in which nothing happened is declared by the word NIL.
	Nil bool `yaml:"nil"`
	// Due says for which periods a company that declares by this service owes it, and by when.
	Due Due `yaml:"due"`
}

// How much of a file with faults is filed.
const (
	PartialRows  = "rows"
	PartialWhole = "whole"
)

// DefaultCorrect is how long rows can be put right where the service does not say.
const DefaultCorrect = "P5D"

// CorrectBy is until when the rows of a declaration that was filed then can be put right.
func (s *Service) CorrectBy(filed time.Time, loc *time.Location) time.Time {
	span := s.Declare.Correct
	if span == "" {
		span = DefaultCorrect
	}
	return s.due(span, filed, loc)
}

// ReviewBy is by when an officer has looked at what was filed as stated at now.
func (s *Service) ReviewBy(now time.Time, loc *time.Location) time.Time {
	span := s.Declare.Review
	if span == "" {
		span = s.Promise
	}
	return s.due(span, now, loc)
}

// RowsField gives the field that has rows; nil: the service has none.
func (s *Service) RowsField() *Field {
	for i := range s.Dialogue.Fields {
		if s.Dialogue.Fields[i].Kind == Rows {
			return &s.Dialogue.Fields[i]
		}
	}
	return nil
}

// State words a check with the values of a row in it, {column}; empty: the check has no such words.
func (f *Field) State(c Check, cells map[string]string, lang string) string {
	said := c.Stated.In(lang)
	for i := range f.Fields {
		column := &f.Fields[i]
		said = strings.ReplaceAll(said, "{"+column.Name+"}", column.grouped(cells[column.Name], lang))
	}
	return said
}

// grouped shows a value as people read it, thousands apart.
func (f *Field) grouped(v, lang string) string {
	shown := f.show(v, lang)
	if f.Kind != Number && f.Kind != Money {
		return shown
	}
	end := strings.IndexAny(shown, ".,")
	if end < 0 {
		end = len(shown)
	}
	apart := ","
	if lang == "fr" {
		apart = "\u202f"
	}
	for i := end - 3; i > 0; i -= 3 {
		shown = shown[:i] + apart + shown[i:]
	}
	return shown
}

func (s *Service) declareFaults() []error {
	var all []error
	add := func(key, format string, a ...any) { all = append(all, fmt.Errorf("declare."+key+": "+format, a...)) }
	d := s.Declare
	if _, ok := s.Field(d.Period); d.Period != "" && !ok {
		add("period", "is %q; the name of a field", d.Period)
	}
	if f, ok := s.Field(d.Company); d.Company != "" && (!ok || f.Kind != Company) {
		add("company", "is %q; the name of a field of kind company", d.Company)
	}
	if d.Partial != "" && d.Partial != PartialRows && d.Partial != PartialWhole {
		add("partial", "is %q; rows or whole", d.Partial)
	}
	for _, span := range [][2]string{{"correct", d.Correct}, {"review", d.Review}} {
		if _, err := WorkingDays(span[1]); span[1] != "" && err != nil {
			add(span[0], "%v", err)
		}
	}
	return append(all, s.dueFaults()...)
}
