// Package service says what a citizen can ask for: a Service with its Fields and Checks, from one file that drives
// every channel, and the Draft that fills up while a person answers.
//
// The rule: a fixed subset of JSON Schema 2020-12 for the data, a dialogue overlay for the words; standard library
// only, because both sides of the border and the guard read it. A Service is never changed after Load.
package service

import (
	"slices"
	"strings"
	"time"
)

// Words is a text in each language, by BCP 47 tag.
type Words map[string]string

// In gives the text in lang, else in English, else in the first language by tag.
func (w Words) In(lang string) string {
	if s, ok := w[lang]; ok {
		return s
	}
	if s, ok := w["en"]; ok {
		return s
	}
	tags := make([]string, 0, len(w))
	for t := range w {
		tags = append(tags, t)
	}
	if len(tags) == 0 {
		return ""
	}
	slices.Sort(tags)
	return w[tags[0]]
}

// Kind is what filing the service means.
type Kind string

// The kinds of service.
const (
	Application  Kind = "application"  // a decision is owed
	Report       Kind = "report"       // something is to be put right
	Declaration  Kind = "declaration"  // a return that the law asks for
	Subscription Kind = "subscription" // joins or leaves lists; consent is recorded
	Ask          Kind = "ask"          // an inquiry handed to a person
)

// PutTo is the answer of an Ask that names the department which owns what is asked about; without it the service's own
// department has the case.
const PutTo = "department"

// Privacy says what may be told where. Special services never show content by SMS or Telegram.
type Privacy string

// The levels of privacy.
const (
	Open     Privacy = "open"
	Personal Privacy = "personal"
	Special  Privacy = "special"
)

// Service is one thing that a citizen can ask for, on every channel.
type Service struct {
	Code  string `yaml:"code"` // "WST-BULK"; "ask" is the hand-over to a person
	Kind  Kind   `yaml:"kind"`
	Name  Words  `yaml:"name"`
	Short Words  `yaml:"short"` // the name for a text message, up to 24 letters; empty: Name
	About Words  `yaml:"about"` // one or two sentences: for whom, what it costs, how long it takes
	// Noun is the short name that numbers the questions: "Pickup" in "Pickup 1/4".
	Noun Words `yaml:"noun"`
	// Sent is said after the reference. {field} stands for an answer as people read it, {promise} for the date of the
	// next step.
	Sent       Words    `yaml:"sent"`
	Department string   `yaml:"department"` // a code in City.Departments
	Connector  string   `yaml:"connector"`  // where the office registers it: "desk"
	Channels   []string `yaml:"channels"`   // empty: all
	Privacy    Privacy  `yaml:"privacy"`    // default personal
	// Trust says who may file by mail: "company", one whose address is registered for the company that declares, in a
	// mail that its domain or a signature vouches for; "admin", the same of an admin's; empty: anybody, and staff see how sure
	// the sender is.
	Trust string `yaml:"trust"`
	// Behalf names the field, of kind person, that holds whom a helper files it for. A form with one asks that by itself;
	// empty: the gateway asks, where it has to.
	Behalf string `yaml:"behalf"`
	// Document says when a decision also leaves as a document: "always" or "never"; empty: where one is owed, of an
	// application or a declaration.
	Document string `yaml:"document"`
	// Booking is the day that a case books; Choices what its person can do while it is open, see Acts.
	Booking Booking `yaml:"booking"`
	Choices []Act   `yaml:"choices"`
	// Declare says how a declaration in rows is taken in.
	Declare Declare `yaml:"declare"`
	// Promise is an ISO 8601 duration of working days, "P3D": by then the next step is taken.
	Promise string `yaml:"promise"`
	// Retention is an ISO 8601 duration, "P2Y": how long the law keeps a case after its end, FORGET ME or not; empty:
	// DefaultRetention. "P0D" keeps nothing.
	Retention string `yaml:"retention"`
	// Keywords open the form on every channel, per language.
	Keywords map[string][]string `yaml:"keywords"`
	// Aliases are further local parts for declare+<alias>@.
	Aliases []string `yaml:"aliases"`
	// List is the list that a Subscription joins. With ListBy it is a prefix: one list for each answer of that field.
	List   string `yaml:"list"`
	ListBy string `yaml:"list_by"`
	// Compact lets the keyword carry all answers: "TAX 2026-10 412 30".
	Compact bool `yaml:"compact"`
	// Photo: a form that was sent by SMS is answered with a link by which photos can follow.
	Photo bool `yaml:"photo"`
	// Shortcuts are answers for one fixed argument of the keyword: "0" of "TAX 0". What is left open takes its Default.
	Shortcuts map[string]map[string]string `yaml:"shortcuts"`
	// Tables are rates that change by date, for lookup() in a rule.
	Tables   map[string][]Row `yaml:"tables"`
	Schema   Schema           `yaml:"schema"`
	Dialogue Dialogue         `yaml:"x-dialogue"`

	city *City
}

// Row is one line of a table: from this key on (compared as text) the value holds.
type Row struct {
	From  string `yaml:"from"`
	Value string `yaml:"value"`
}

// Dialogue is the overlay of words: what is asked, in which order, and the checks over several fields.
type Dialogue struct {
	Fields []Field `yaml:"fields"` // in the order asked
	Checks []Check `yaml:"checks"`
}

// Check is a rule over the whole form.
type Check struct {
	ID      string `yaml:"id"`
	Rule    string `yaml:"rule"`  // must be true, see Rule; not looked at while a field it names has no answer
	Field   string `yaml:"field"` // the field that is asked again
	Message Words  `yaml:"message"`
	// Stated is Message for a row of a file, with {column} for its values: "Net kg {net} is more than Gross kg {gross}."
	Stated Words `yaml:"stated"`
}

// Fields gives the fields in the order asked.
func (s *Service) Fields() []Field { return s.Dialogue.Fields }

// Field gives the field of that name.
func (s *Service) Field(name string) (*Field, bool) {
	for i := range s.Dialogue.Fields {
		if s.Dialogue.Fields[i].Name == name {
			return &s.Dialogue.Fields[i], true
		}
	}
	return nil, false
}

// FileField gives the field that takes files; a service has one at most.
func (s *Service) FileField() (*Field, bool) {
	for i := range s.Dialogue.Fields {
		if s.Dialogue.Fields[i].Kind == File {
			return &s.Dialogue.Fields[i], true
		}
	}
	return nil, false
}

// TrustCompany is the Trust of a service that asks for a registered address.
const TrustCompany = "company"

// TrustAdmin is the Trust of a service that asks for the registered address of an admin of the company.
const TrustAdmin = "admin"

// ForCompany tells whether only who is registered for the company that a form names may file it.
func (s *Service) ForCompany() bool { return s.Trust == TrustCompany || s.Trust == TrustAdmin }

// Declarant gives the field that names the company which a form is from: the first of kind company.
func (s *Service) Declarant() (*Field, bool) {
	for i := range s.Dialogue.Fields {
		if s.Dialogue.Fields[i].Kind == Company {
			return &s.Dialogue.Fields[i], true
		}
	}
	return nil, false
}

// Required tells whether the schema asks for the field.
func (s *Service) Required(name string) bool { return slices.Contains(s.Schema.Required, name) }

// AtCounter is the channel of clerks who write for a person: every service can be done there.
const AtCounter = "counter"

// Offered tells whether the service can be used on a channel.
func (s *Service) Offered(channel string) bool {
	return channel == AtCounter || len(s.Channels) == 0 || slices.Contains(s.Channels, channel)
}

// Documented tells whether its decisions also leave as documents.
func (s *Service) Documented() bool {
	if s.Document == "" {
		return s.Kind == Application || s.Kind == Declaration
	}
	return s.Document == "always"
}

// City gives the city that the service belongs to: its calendars, districts and streets.
func (s *Service) City() *City { return s.city }

// Lists gives the lists that a filled Subscription joins.
func (s *Service) Lists(answers map[string][]string) []string {
	if s.List == "" || s.ListBy == "" {
		return strings.Fields(s.List)
	}
	var all []string
	for _, v := range answers[s.ListBy] {
		all = append(all, s.List+"-"+v)
	}
	return all
}

// closing is the hour at which a promised day ends, local time.
const closing = 17

// Due gives the end of the working day by which the next step is taken, in loc. Something filed on a day off, or
// after closing, counts from the next working day.
func (s *Service) Due(filed time.Time, loc *time.Location) time.Time {
	return s.due(s.Promise, filed, loc)
}

func (s *Service) due(span string, filed time.Time, loc *time.Location) time.Time {
	days, _ := WorkingDays(span)
	work := s.workdays()
	d := DayOf(filed.In(loc))
	if filed.In(loc).Hour() >= closing {
		d = d.Add(1)
	}
	d = work.next(d)
	for range days {
		d = work.next(d.Add(1))
	}
	return time.Date(d.Year, d.Month, d.Number, closing, 0, 0, 0, loc)
}

func (s *Service) workdays() Calendar {
	if s.city != nil {
		if c, ok := s.city.Calendars[Workdays]; ok {
			return c
		}
	}
	return Calendar{Weekdays: []string{"mon", "tue", "wed", "thu", "fri"}}
}
