package service

import (
	"fmt"
	"slices"
	"strings"
)

// FieldKind is how a field is asked, read and shown.
type FieldKind string

// The kinds of field. The canonical form of a value stands behind each.
const (
	Text     FieldKind = "text"     // as written, spaces trimmed
	Choice   FieldKind = "choice"   // an Option's Value
	Choices  FieldKind = "choices"  // one or more Options' Values
	Number   FieldKind = "number"   // decimal with a point: "412", "1.5"
	Money    FieldKind = "money"    // two decimals: "12.30"
	Date     FieldKind = "date"     // "2026-12-03"
	Time     FieldKind = "time"     // "14:30"
	Month    FieldKind = "month"    // "2026-10"
	Place    FieldKind = "place"    // "14 Quay St, PL2 4AB"
	Person   FieldKind = "person"   // a name
	Company  FieldKind = "company"  // "12-345678-C", check letter right
	Phone    FieldKind = "phone"    // E.164: "+447700900123"
	Mail     FieldKind = "mail"     // addr-spec
	File     FieldKind = "file"     // the lower-case SHA-256 of a stored file
	Consent  FieldKind = "consent"  // "yes" or "no"
	Computed FieldKind = "computed" // the result of Rule, as decimal text
	Code     FieldKind = "code"     // capitals and figures, written as Format writes them
	Rows     FieldKind = "rows"     // one RowText a row: "hs=090121; country=BR"
)

// Field is one question: its kind, its words and what its answers may do.
type Field struct {
	Name  string    `yaml:"name"` // the key in schema.properties
	Kind  FieldKind `yaml:"kind"`
	Label Words     `yaml:"label"` // a noun for summaries, the console and mail templates
	Ask   Words     `yaml:"ask"`   // the question; options are added by the dialogue
	SMS   Words     `yaml:"sms"`   // the wording on SMS, where it must be shorter
	Help  Words     `yaml:"help"`  // what ? tells
	Error Words     `yaml:"error"` // what is wrong, with an example; {answer} is what the person wrote
	// Stated is Error for a row of a file, said after the value: "must have 6, 8 or 10 digits."
	Stated Words `yaml:"stated"`
	// Example is a right answer, as a person writes it.
	Example Words    `yaml:"example"`
	Options []Option `yaml:"options"`
	// Calendar names the calendar whose days may be chosen; Closed is said of a day that is not one, {day}.
	Calendar string `yaml:"calendar"`
	Closed   Words  `yaml:"closed"`
	// House: a place needs its house number.
	House bool `yaml:"house"`
	// Crosses lets a phone or mail address that was given as an answer cross the border.
	Crosses bool `yaml:"crosses"`
	// Quiet fields are not asked in a dialogue; a web form, a mail or the summary may fill them.
	Quiet bool `yaml:"quiet"`
	// Default is a rule whose result is taken when nothing is said: "last_month".
	Default string `yaml:"default"`
	// Rule computes a Computed field; a value that the person gives must be within Tolerance of it.
	Rule      string  `yaml:"rule"`
	Tolerance float64 `yaml:"tolerance"`
	// Decimals of a Computed field's result.
	Decimals int `yaml:"decimals"`
	// When is a rule: the field belongs to the form only while it holds. Whether it holds is not known while a field
	// that it names has no answer; the field is then not asked. It may not name a day or month.
	When string `yaml:"when"`
	// Must: where the field is asked it needs an answer, though the schema can't require it everywhere.
	Must bool `yaml:"must"`
	// Channels that ask the field; empty: all that offer the service.
	Channels []string `yaml:"channels"`
	// Past: a day without a year, or a weekday, is the last such day, not the next one.
	Past bool `yaml:"past"`
	// Format names how a Code is written and checked, see Formats; empty: capitals and figures, checked by the schema.
	Format string `yaml:"format"`
	// Patterns are the number plates that a Code of the format "plate" may have, the first that fits.
	Patterns []Plate `yaml:"patterns"`
	// Fields are the columns of Rows, in order, and Checks the rules over one row.
	Fields []Field `yaml:"fields"`
	Checks []Check `yaml:"checks"`
}

// Plate is how one country writes number plates, without spaces and hyphens.
type Plate struct {
	Country string `yaml:"country"` // ISO 3166 alpha-2, or the sign on the plate
	Pattern string `yaml:"pattern"` // of RE2
}

// Option is one of the values of a choice.
type Option struct {
	Value    string              `yaml:"value"`
	Label    Words               `yaml:"label"`
	Synonyms map[string][]string `yaml:"synonyms"`
}

// Asked tells whether a dialogue asks the field.
func (f *Field) Asked() bool { return !f.Quiet && f.Kind != Computed }

// Many tells whether the field takes several values.
func (f *Field) Many() bool { return f.Kind == Choices || f.Kind == File || f.Kind == Rows }

// On tells whether a channel asks the field.
func (f *Field) On(channel string) bool {
	return len(f.Channels) == 0 || slices.Contains(f.Channels, channel)
}

// Option gives the option with that value.
func (f *Field) Option(value string) (*Option, bool) {
	for i := range f.Options {
		if f.Options[i].Value == value {
			return &f.Options[i], true
		}
	}
	return nil, false
}

// Show writes a field's values as people read them in lang: labels for options, "Thu 3 Dec" for a date. A field that
// the service does not know shows its values as they are.
func (s *Service) Show(field string, values []string, lang string) string {
	f, ok := s.Field(field)
	if !ok {
		return strings.Join(values, ", ")
	}
	if f.Kind == Rows {
		return f.showRows(values, lang)
	}
	shown := make([]string, 0, len(values))
	for _, v := range values {
		shown = append(shown, f.show(v, lang))
	}
	return strings.Join(shown, comma(lang))
}

// shownRows is how many rows are written out where they are one of many lines.
const shownRows = 3

// showRows writes the first rows, and how many there are where that is more.
func (f *Field) showRows(values []string, lang string) string {
	var shown []string
	for _, v := range values[:min(len(values), shownRows)] {
		shown = append(shown, f.ShowRow(v, lang))
	}
	if len(values) > shownRows {
		shown = append(shown, fmt.Sprintf("… (%d)", len(values)))
	}
	return strings.Join(shown, " / ")
}

// ShowRow writes one row's values in the order of its columns.
func (f *Field) ShowRow(v, lang string) string {
	row := f.RowValues(v)
	var cells []string
	for i := range f.Fields {
		if cell := row[f.Fields[i].Name]; cell != "" {
			cells = append(cells, f.Fields[i].show(cell, lang))
		}
	}
	return strings.Join(cells, comma(lang))
}

func (f *Field) show(v, lang string) string {
	switch f.Kind {
	case Choice, Choices:
		if o, ok := f.Option(v); ok {
			return o.Label.In(lang)
		}
	case Date:
		d, ok := ParseDay(v)
		switch {
		case ok && f.Past: // a birth is of any year
			return d.FullIn(lang)
		case ok:
			return d.In(lang)
		}
	case Month:
		return MonthIn(v, lang)
	case Consent:
		return yesNo(v, lang)
	case Number, Money, Computed:
		return decimal(v, lang)
	case File:
		if len(v) > 8 {
			return v[:8]
		}
	}
	return v
}

func comma(lang string) string {
	switch lang {
	case "ar":
		return "، "
	case "zh":
		return "、"
	}
	return ", "
}

func yesNo(v, lang string) string {
	words := map[string][2]string{"en": {"yes", "no"}, "fr": {"oui", "non"}, "ar": {"نعم", "لا"}, "zh": {"是", "否"}}
	w, ok := words[lang]
	switch {
	case ok && v == "yes":
		return w[0]
	case ok && v == "no":
		return w[1]
	}
	return v
}

func decimal(v, lang string) string {
	if lang == "fr" {
		return strings.Replace(v, ".", ",", 1)
	}
	return v
}
