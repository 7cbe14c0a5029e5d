package service

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Fault is one thing wrong with a form's answers.
type Fault struct {
	Field string
	// ID is a schema keyword ("required", "maxLength"), "calendar", "computed", "company", "unknown", or a Check's ID.
	ID string
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
	return Scope{Answers: answers, Tables: s.Tables, Today: s.Today(now)}
}

// Today gives the day at now where the city is.
func (s *Service) Today(now time.Time) Day {
	if s.city != nil {
		return DayOf(now.In(s.city.Location()))
	}
	return DayOf(now)
}

// Check names everything that keeps the answers from being filed at now, in the order of the fields.
func (s *Service) Check(answers map[string][]string, now time.Time) []Fault {
	all := s.CheckGiven(answers, now)
	for _, f := range s.Schema.Required {
		if len(answers[f]) == 0 {
			all = append(all, Fault{Field: f, ID: "required"})
		}
	}
	slices.SortStableFunc(all, func(a, b Fault) int { return s.index(a.Field) - s.index(b.Field) })
	return all
}

// CheckGiven is Check for a form that is still being filled: what is not answered yet is no fault.
func (s *Service) CheckGiven(answers map[string][]string, now time.Time) []Fault {
	var all []Fault
	bad := map[string]bool{}
	for _, f := range s.Schema.Validate(s.Data(answers)) {
		field, _, _ := strings.Cut(f.At, ".")
		if f.Keyword == "required" && !strings.Contains(f.At, ".") || bad[field] {
			continue
		}
		bad[field] = true
		all = append(all, Fault{Field: field, ID: f.Keyword})
	}
	for _, f := range s.Dialogue.Fields {
		if fault, wrong := s.checkField(&f, answers, now); wrong && !bad[f.Name] {
			bad[f.Name] = true
			all = append(all, fault)
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
	slices.SortStableFunc(all, func(a, b Fault) int { return s.index(a.Field) - s.index(b.Field) })
	return all
}

func (s *Service) checkField(f *Field, answers map[string][]string, now time.Time) (Fault, bool) {
	for _, v := range answers[f.Name] {
		switch {
		case utf8.RuneCountInString(v) > MaxAnswer:
			return Fault{Field: f.Name, ID: "maxLength"}, true
		case (f.Kind == Choice || f.Kind == Choices) && !f.has(v):
			return Fault{Field: f.Name, ID: "enum"}, true
		case f.Kind == Date && f.Calendar != "" && !s.offered(f, v, now):
			return Fault{Field: f.Name, ID: "calendar"}, true
		case f.Kind == Company && !CompanyNumber(v):
			return Fault{Field: f.Name, ID: "company"}, true
		case f.Kind == Computed:
			if want, wrong := s.computed(f, v, answers, now); wrong {
				return Fault{Field: f.Name, ID: "computed", Want: want}, true
			}
		}
	}
	return Fault{}, false
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
	for _, c := range s.Dialogue.Checks {
		if c.ID == f.ID {
			return c.Message.In(lang)
		}
	}
	if field, ok := s.Field(f.Field); ok {
		return field.Error.In(lang)
	}
	return ""
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
