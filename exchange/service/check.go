package service

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Fault is one thing wrong with a form's answers.
type Fault struct {
	Field string
	// ID is a schema keyword ("required", "maxLength"), "calendar", "computed", "company", "format", or a Check's ID.
	ID string
	// Row counts from 1 and Column names the column, where the fault is in one row of a Rows field.
	Row    int
	Column string
	// Want is what would be right, where one value is: a computed result.
	Want string
}

func number(s string) json.Number { return json.Number(s) }

// Data gives the answers as the JSON instance that Schema describes. Answers without a property keep their text, so
// that the schema refuses them.
func (s *Service) Data(answers map[string][]string) map[string]any {
	data := map[string]any{}
	for name, values := range answers {
		if len(values) == 0 {
			continue
		}
		p := s.Schema.Properties[name]
		if p.Type != "array" {
			data[name] = instance(values[0], p.Type)
			continue
		}
		list := make([]any, 0, len(values))
		for _, v := range values {
			if f, ok := s.Field(name); ok && f.Kind == Rows {
				list = append(list, rowData(f, p.Items, v))
				continue
			}
			list = append(list, instance(v, p.Items.typeName()))
		}
		data[name] = list
	}
	return data
}

func (s *Schema) typeName() string {
	if s == nil {
		return "string"
	}
	return s.Type
}

func instance(v, typ string) any {
	switch typ {
	case "number", "integer":
		if _, ok := rat(number(v)); ok {
			return number(v)
		}
	case "boolean":
		return v == "yes"
	}
	return v
}

// Fill adds what need not be said: defaults, and what Compute adds.
func (s *Service) Fill(answers map[string][]string, now time.Time) {
	for _, f := range s.Dialogue.Fields {
		if f.Default != "" && len(answers[f.Name]) == 0 && s.Required(f.Name) {
			s.put(answers, f, f.Default, s.scope(answers, now))
		}
	}
	s.Compute(answers, now)
}

// Compute adds the results of computed fields that have no answer. A rule may use the result of a field before it.
func (s *Service) Compute(answers map[string][]string, now time.Time) {
	for _, f := range s.Dialogue.Fields {
		if f.Kind == Computed && len(answers[f.Name]) == 0 {
			s.put(answers, f, f.Rule, s.scope(answers, now))
		}
	}
}

func (s *Service) put(answers map[string][]string, f Field, rule string, sc Scope) {
	r, err := ParseRule(rule)
	if err != nil {
		return
	}
	if v, ok := r.Value(sc, f.Decimals); ok {
		answers[f.Name] = []string{v}
	}
}

func (s *Service) scope(answers map[string][]string, now time.Time) Scope {
	cells := func(name string) ([]string, bool) { return s.cells(name, answers) }
	return Scope{Answers: answers, Tables: s.Tables, Today: s.Today(now), Cells: cells}
}

// Today gives the day at now where the city is.
func (s *Service) Today(now time.Time) Day {
	if s.city != nil {
		return DayOf(now.In(s.city.Location()))
	}
	return DayOf(now)
}

// Check names everything that keeps the answers from being filed at now, in the order of the fields. Fields that only
// some channels ask are not missed, see CheckOn.
func (s *Service) Check(answers map[string][]string, now time.Time) []Fault {
	return s.CheckOn("", answers, now)
}

// CheckOn is Check for a form filled on a channel: what that channel asks must be there.
func (s *Service) CheckOn(channel string, answers map[string][]string, now time.Time) []Fault {
	all := s.CheckGiven(answers, now)
	for i := range s.Dialogue.Fields {
		f := &s.Dialogue.Fields[i]
		on := f.On(channel) && (channel != "" || len(f.Channels) == 0)
		needed := s.Required(f.Name) || f.Must && on && s.Applies(f, answers)
		if needed && len(answers[f.Name]) == 0 {
			all = append(all, Fault{Field: f.Name, ID: "required"})
		}
	}
	s.sort(all)
	return all
}

func (s *Service) sort(all []Fault) {
	slices.SortStableFunc(all, func(a, b Fault) int { return s.index(a.Field) - s.index(b.Field) })
}

// Applies tells whether the field's When holds; true without one, false while that is not known.
func (s *Service) Applies(f *Field, answers map[string][]string) bool {
	holds, known := s.when(f, answers)
	return holds && known
}

// Void tells whether the field's When is known not to hold: its answer is not filed.
func (s *Service) Void(f *Field, answers map[string][]string) bool {
	holds, known := s.when(f, answers)
	return known && !holds
}

func (s *Service) when(f *Field, answers map[string][]string) (holds, known bool) {
	if f.When == "" {
		return true, true
	}
	r, err := ParseRule(f.When)
	if err != nil {
		return false, false
	}
	return r.Holds(Scope{Answers: answers})
}

// Prune drops the answers to fields that are Void.
func (s *Service) Prune(answers map[string][]string) {
	for i := range s.Dialogue.Fields {
		if f := &s.Dialogue.Fields[i]; s.Void(f, answers) {
			delete(answers, f.Name)
		}
	}
}

// CheckGiven is Check for a form that is still being filled: what is not answered yet is no fault.
func (s *Service) CheckGiven(answers map[string][]string, now time.Time) []Fault {
	all := s.schemaFaults(answers)
	bad, at := map[string]bool{}, map[string]bool{}
	note := func(f Fault) { bad[f.Field], at[f.place()] = true, true }
	for _, f := range all {
		note(f)
	}
	for i := range s.Dialogue.Fields {
		f := &s.Dialogue.Fields[i]
		if bad[f.Name] && f.Kind != Rows {
			continue
		}
		for _, fault := range s.checkField(f, answers, now) {
			if !at[fault.place()] {
				note(fault)
				all = append(all, fault)
			}
		}
	}
	for _, c := range s.Dialogue.Checks {
		r, err := ParseRule(c.Rule)
		if err != nil || bad[c.Field] {
			continue
		}
		if holds, ok := r.Holds(s.scope(answers, now)); ok && !holds {
			all = append(all, Fault{Field: c.Field, ID: c.ID})
		}
	}
	s.sort(all)
	return all
}

// schemaFaults gives the first fault of each field, and of each cell of its rows.
func (s *Service) schemaFaults(answers map[string][]string) []Fault {
	var all []Fault
	seen := map[string]bool{}
	for _, f := range s.Schema.Validate(s.Data(answers)) {
		if f.Keyword == "required" && !strings.Contains(f.At, ".") {
			continue
		}
		fault := s.faultAt(f)
		if !seen[fault.place()] {
			seen[fault.place()] = true
			all = append(all, fault)
		}
	}
	return all
}

// place is the field, or the cell, that a fault is in.
func (f Fault) place() string { return fmt.Sprintf("%s.%d.%s", f.Field, f.Row, f.Column) }

func (s *Service) faultAt(f SchemaFault) Fault {
	at := strings.SplitN(f.At, ".", 3)
	fault := Fault{Field: at[0], ID: f.Keyword}
	if field, ok := s.Field(at[0]); ok && field.Kind == Rows && len(at) > 1 {
		n, _ := strconv.Atoi(at[1])
		fault.Row = n + 1
		if len(at) > 2 {
			fault.Column = at[2]
		}
	}
	return fault
}

func (s *Service) checkField(f *Field, answers map[string][]string, now time.Time) []Fault {
	var all []Fault
	for i, v := range answers[f.Name] {
		if f.Kind == Rows {
			for _, fault := range s.ruleRow(f, f.RowValues(v), answers, now) {
				fault.Row = i + 1
				all = append(all, fault)
			}
			continue
		}
		if fault, wrong := s.checkValue(f, v, answers, now); wrong {
			return append(all, fault)
		}
	}
	return all
}

func (s *Service) checkValue(f *Field, v string, answers map[string][]string, now time.Time) (Fault, bool) {
	id, want := "", ""
	switch {
	case utf8.RuneCountInString(v) > MaxAnswer:
		id = "maxLength"
	case (f.Kind == Choice || f.Kind == Choices) && !f.has(v):
		id = "enum"
	case f.Kind == Date && f.Calendar != "" && !s.offered(f, v, now):
		id = "calendar"
	case f.Kind == Company && !CompanyNumber(v):
		id = "company"
	case f.Kind == Code && !f.coded(v), f.Kind == Time && !IsTime(v):
		id = "format"
	case f.Kind == Computed:
		var wrong bool
		if want, wrong = s.computed(f, v, answers, now); wrong {
			id = "computed"
		}
	}
	return Fault{Field: f.Name, ID: id, Want: want}, id != ""
}

// MaxAnswer bounds one value of one field, in characters; in bytes it then stays within what may cross.
const MaxAnswer = 2000

func (f *Field) has(value string) bool {
	_, ok := f.Option(value)
	return ok
}

func (s *Service) offered(f *Field, value string, now time.Time) bool {
	d, ok := ParseDay(value)
	return ok && s.Days(f).Offered(d, s.Today(now))
}

// Days gives the field's calendar; without one every day is open.
func (s *Service) Days(f *Field) Calendar {
	if s.city == nil {
		return Calendar{}
	}
	return s.city.Calendars[f.Calendar]
}

func (s *Service) computed(f *Field, given string, answers map[string][]string, now time.Time) (string, bool) {
	r, err := ParseRule(f.Rule)
	if err != nil {
		return "", false
	}
	want, ok := r.Value(s.scope(answers, now), f.Decimals)
	if !ok {
		return "", false
	}
	a, okA := rat(number(given))
	b, okB := rat(number(want))
	if !okA || !okB {
		return want, given != want
	}
	diff := new(big.Rat).Sub(a, b)
	return want, diff.Abs(diff).Cmp(ratOf(f.Tolerance)) > 0
}

func (s *Service) index(field string) int {
	for i, f := range s.Dialogue.Fields {
		if f.Name == field {
			return i
		}
	}
	return len(s.Dialogue.Fields)
}

// Message gives the words for a fault in lang; empty when the service file has none for it.
func (s *Service) Message(f Fault, lang string) string {
	field, ok := s.Field(f.Field)
	checks := s.Dialogue.Checks
	if ok && f.Row > 0 {
		checks = field.Checks
	}
	for _, c := range checks {
		if c.ID == f.ID {
			return c.Message.In(lang)
		}
	}
	if !ok {
		return ""
	}
	if column, ok := field.Column(f.Column); ok {
		return column.Error.In(lang)
	}
	return field.Error.In(lang)
}

// CompanyNumber tells whether s is NN-NNNNNN-X with the right check letter: the eight digits mod 97 mod 26, 1 = A …
// 25 = Y, 0 = Z.
func CompanyNumber(s string) bool {
	if len(s) != 11 || s[2] != '-' || s[9] != '-' {
		return false
	}
	n := 0
	for _, c := range s[:2] + s[3:9] {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return s[10] == "ZABCDEFGHIJKLMNOPQRSTUVWXY"[n%97%26]
}
