package service

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Validate names every fault of a service's file, each as "key: what is wrong; what would be right".
func (s *Service) Validate() error {
	var all []error
	add := func(key, format string, a ...any) { all = append(all, fmt.Errorf(key+": "+format, a...)) }
	if s.Privacy == "" {
		s.Privacy = Personal
	}
	if s.Code == "" || len(s.Code) > 20 || strings.ContainsAny(s.Code, " +@/") {
		add("code", "is %q; up to 20 letters, digits and hyphens", s.Code)
	}
	if !slices.Contains([]Kind{Application, Report, Declaration, Subscription, Ask}, s.Kind) {
		add("kind", "is %q; one of application, report, declaration, subscription, ask", s.Kind)
	}
	if !slices.Contains([]Privacy{Open, Personal, Special}, s.Privacy) {
		add("privacy", "is %q; open, personal or special", s.Privacy)
	}
	if f, ok := s.Field(s.Behalf); s.Behalf != "" && (!ok || f.Kind != Person) {
		add("behalf", "is %q; the name of a field of kind person", s.Behalf)
	}
	if _, ok := s.Declarant(); s.Trust != "" && (!s.ForCompany() || !ok) {
		add("trust", "is %q; company or admin, in a service with a field of kind company, or empty", s.Trust)
	}
	if !slices.Contains([]string{"", "always", "never"}, s.Document) {
		add("document", "is %q; always, never or empty", s.Document)
	}
	if _, err := WorkingDays(s.Promise); err != nil {
		add("promise", "%v", err)
	}
	if _, err := ParseSpan(s.Retention); s.Retention != "" && err != nil {
		add("retention", "%v", err)
	}
	for i, c := range s.Channels {
		if !slices.Contains(channels(), c) {
			add(fmt.Sprintf("channels.%d", i), "is %q; one of %v", c, channels())
		}
	}
	all = append(all, s.wordFaults()...)
	all = append(all, s.Schema.faults("schema")...)
	all = append(all, s.fieldFaults()...)
	all = append(all, s.ruleFaults()...)
	all = append(all, s.bookingFaults()...)
	all = append(all, s.declareFaults()...)
	return errors.Join(all...)
}

func (s *Service) languages() []string {
	if s.city == nil {
		return nil
	}
	return s.city.Languages
}

func (s *Service) missing(key string, w Words) []error {
	var all []error
	for _, l := range s.languages() {
		if w[l] == "" {
			all = append(all, fmt.Errorf("%s: has no words in %s", key, l))
		}
	}
	return all
}

func (s *Service) wordFaults() []error {
	all := append(s.missing("name", s.Name), s.missing("about", s.About)...)
	if s.Kind != Ask {
		all = append(all, s.missing("noun", s.Noun)...)
	}
	return all
}

func (s *Service) fieldFaults() []error {
	var all []error
	seen := map[string]bool{}
	files := 0
	for i := range s.Dialogue.Fields {
		f, key := &s.Dialogue.Fields[i], fmt.Sprintf("x-dialogue.fields.%d", i)
		if seen[f.Name] {
			all = append(all, fmt.Errorf("%s.name: %q is there twice", key, f.Name))
		}
		seen[f.Name] = true
		if f.Kind == File {
			files++
		}
		if files > 1 {
			all = append(all, fmt.Errorf("%s.kind: one field takes all the files of a form", key))
		}
		if _, ok := s.Schema.Properties[f.Name]; !ok {
			all = append(all, fmt.Errorf("%s.name: %q is not in schema.properties", key, f.Name))
		}
		all = append(all, s.oneField(key, f)...)
	}
	for name := range s.Schema.Properties {
		if !seen[name] {
			all = append(all, fmt.Errorf("schema.properties.%s: has no entry in x-dialogue.fields", name))
		}
	}
	return all
}

func (s *Service) oneField(key string, f *Field) []error {
	var all []error
	if !slices.Contains(kinds(), f.Kind) {
		all = append(all, fmt.Errorf("%s.kind: is %q; one of %v", key, f.Kind, kinds()))
	}
	if list := s.Schema.Properties[f.Name].Type == "array"; list != f.Many() {
		all = append(all, fmt.Errorf("%s.kind: %s and the schema's type differ: choices, file and rows are arrays, no other is", key, f.Kind))
	}
	for i, c := range f.Channels {
		if !slices.Contains(channels(), c) {
			all = append(all, fmt.Errorf("%s.channels.%d: is %q; one of %v", key, i, c, channels()))
		}
	}
	all = append(all, s.rowFaults(key, f)...)
	return append(all, s.fieldItself(key, f)...)
}

// fieldItself names what is wrong with a field, or with a column of rows.
func (s *Service) fieldItself(key string, f *Field) []error {
	all := s.missing(key+".label", f.Label)
	if f.Asked() {
		if f.Kind != Rows { // the columns ask
			all = append(all, s.missing(key+".ask", f.Ask)...)
		}
		all = append(all, s.missing(key+".error", f.Error)...)
	}
	all = append(all, f.codeFaults(key)...)
	if choice := f.Kind == Choice || f.Kind == Choices; choice != (len(f.Options) > 0) {
		all = append(all, fmt.Errorf("%s.options: a choice has options, and no other kind", key))
	}
	for j, o := range f.Options {
		all = append(all, s.missing(fmt.Sprintf("%s.options.%d.label", key, j), o.Label)...)
		if o.Value == "" || len(o.Value) > 32 {
			all = append(all, fmt.Errorf("%s.options.%d.value: must have 1 to 32 bytes", key, j))
		}
	}
	if f.Calendar != "" && s.city != nil {
		if _, ok := s.city.Calendars[f.Calendar]; !ok {
			all = append(all, fmt.Errorf("%s.calendar: %q is not in the city's calendars", key, f.Calendar))
		}
	}
	return all
}

func channels() []string { return []string{"sms", "chat", "web", "email", AtCounter} }

func kinds() []FieldKind {
	return []FieldKind{Text, Choice, Choices, Number, Money, Date, Time, Month, Place, Person, Company, Phone, Mail, File,
		Consent, Computed, Code, Rows}
}

func (s *Service) ruleFaults() []error {
	var all []error
	rule := func(key, text string) {
		if text == "" {
			return
		}
		if _, err := ParseRule(text); err != nil {
			all = append(all, fmt.Errorf("%s: %w", key, err))
		}
	}
	for i, f := range s.Dialogue.Fields {
		key := fmt.Sprintf("x-dialogue.fields.%d", i)
		rule(key+".default", f.Default)
		rule(key+".rule", f.Rule)
		rule(key+".when", f.When)
		if strings.Contains(f.When, "today") || strings.Contains(f.When, "_month") {
			all = append(all, fmt.Errorf("%s.when: must hang on answers alone, not on the day", key))
		}
		if (f.Kind == Computed) != (f.Rule != "") {
			all = append(all, fmt.Errorf("%s.rule: a computed field has a rule, and no other kind", key))
		}
	}
	for i, c := range s.Dialogue.Checks {
		key := fmt.Sprintf("x-dialogue.checks.%d", i)
		rule(key+".rule", c.Rule)
		if _, ok := s.Field(c.Field); !ok || c.ID == "" || c.Rule == "" {
			all = append(all, fmt.Errorf("%s: needs id, rule and the field that is asked again", key))
		}
		all = append(all, s.missing(key+".message", c.Message)...)
	}
	return all
}
