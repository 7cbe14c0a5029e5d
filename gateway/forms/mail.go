package forms

import (
	"fmt"
	"strings"

	"gatehouse/configs/texts"
	"gatehouse/exchange/service"
)

// Bounds of what is read of a mailed form.
const (
	maxLines = 200 // of a mail's text
)

// Sheet is a table as it was sent; the first row names the columns.
type Sheet [][]string

// Entry is one value with the name that the person gave it.
type Entry struct{ Name, Value string }

// MailFault is one entry that keeps a mailed form from being filed: what stands there, and what would be right.
type MailFault struct{ Label, Said, Want string }

// Entries pairs the header with one row.
func (s Sheet) Entries(row int) []Entry {
	var all []Entry
	for i, name := range s[0] {
		if i < len(s[row]) && strings.TrimSpace(s[row][i]) != "" {
			all = append(all, Entry{name, s[row][i]})
		}
	}
	return all
}

// SheetEntries gives what the one row under a table's header says. ok is false when the table has another number of
// rows.
func (c *Clerk) SheetEntries(t Sheet) (entries []Entry, ok bool) {
	if len(t) != 2 {
		return nil, false
	}
	return t.Entries(1), true
}

// columns finds the columns of f in a table's header: place in the table to place in the row.
func (c *Clerk) columns(f *service.Field, header []string) map[int]int {
	all := map[int]int{}
	for at, name := range header {
		bare, _, _ := strings.Cut(name, "(")
		for n := range f.Fields {
			if c.called(&f.Fields[n], name) || c.called(&f.Fields[n], bare) {
				all[at] = n
			}
		}
	}
	return all
}

// Lines reads "Label: value" or "name=value" lines of a mail's text that name a field of s; other lines are prose.
func (c *Clerk) Lines(s *service.Service, body string) []Entry {
	var all []Entry
	for i, line := range strings.Split(body, "\n") {
		at := strings.IndexAny(line, ":=：")
		if i >= maxLines || at <= 0 {
			continue
		}
		name, value := line[:at], strings.TrimLeft(line[at:], ":=： \t")
		if f, ok := c.fieldNamed(s, name); ok && f.Kind != service.File && strings.TrimSpace(value) != "" {
			all = append(all, Entry{name, strings.TrimSpace(value)})
		}
	}
	return all
}

// fieldNamed finds a field by its name or its label in any language, or by the whole of what Template writes in front
// of the colon, because people fill the template in as it came.
func (c *Clerk) fieldNamed(s *service.Service, name string) (*service.Field, bool) {
	if f, ok := c.fieldCalled(s, name); ok {
		return f, true
	}
	label, _, _ := strings.Cut(name, "(")
	return c.fieldCalled(s, label)
}

func (c *Clerk) fieldCalled(s *service.Service, name string) (*service.Field, bool) {
	for i := range s.Dialogue.Fields {
		if f := &s.Dialogue.Fields[i]; c.called(f, name) {
			return f, true
		}
	}
	return nil, false
}

func (c *Clerk) called(f *service.Field, name string) bool {
	want := c.Grammar.Fold(name)
	if want == c.Grammar.Fold(f.Name) {
		return true
	}
	for _, l := range f.Label {
		if want == c.Grammar.Fold(l) {
			return true
		}
	}
	return false
}

// FromEntries reads a whole form at once and checks it. Every entry that is wrong or missing is named; the answers
// hold what could be read.
func (c *Clerk) FromEntries(s *service.Service, entries []Entry, sc Scene) (map[string][]string, []MailFault) {
	answers := map[string][]string{}
	said := map[string]string{}
	var faults []MailFault
	bad, rows := map[string]bool{}, map[string]int{}
	var at []int // the number that each row which could be read has among those that were sent
	for _, e := range entries {
		f, ok := c.fieldNamed(s, e.Name)
		if !ok {
			faults = append(faults, MailFault{Label: echo(e.Name), Said: quoted(e.Value), Want: c.say(sc, "mail.want.unknown", nil)})
			continue
		}
		said[f.Name] = e.Value
		rows[f.Name]++
		values, m := c.readEntry(s, f, e.Value, sc)
		if m != nil {
			bad[f.Name] = true
			want := m.text
			if want == "" {
				want = c.wanted(s, service.Fault{Field: f.Name}, sc)
			}
			faults = append(faults, MailFault{Label: c.label(f, rows[f.Name], sc), Said: quoted(e.Value), Want: want})
			continue
		}
		answers[f.Name] = append(answers[f.Name], values...)
		if f.Kind == service.Rows {
			at = append(at, rows[f.Name])
		}
	}
	s.Prune(answers)
	s.Compute(answers, sc.Now)
	for _, fault := range s.CheckOn(sc.Channel, answers, sc.Now) {
		f, ok := s.Field(fault.Field)
		hangs := ok && f.Kind == service.Computed && fault.ID == "required" // missing only because another entry is
		if !ok || bad[fault.Field] && fault.Row == 0 || hangs {
			continue
		}
		found := MailFault{Label: f.Label.In(sc.Lang), Said: quoted(said[f.Name]), Want: c.wanted(s, fault, sc)}
		if fault.Row > 0 {
			found.Label, found.Said = c.label(f, at[fault.Row-1], sc), quoted(f.RowValues(answers[f.Name][fault.Row-1])[fault.Column])
			if column, ok := f.Column(fault.Column); ok {
				found.Label += ", " + column.Label.In(sc.Lang)
			}
		}
		faults = append(faults, found)
	}
	return answers, faults
}

// label names an entry; one of several rows with its number.
func (c *Clerk) label(f *service.Field, row int, sc Scene) string {
	label := f.Label.In(sc.Lang)
	if f.Kind == service.Rows {
		label += fmt.Sprintf(" %d", row)
	}
	return label
}

// readEntry reads one value of a mailed form. A place must be the only one that fits.
func (c *Clerk) readEntry(s *service.Service, f *service.Field, said string, sc Scene) ([]string, *miss) {
	switch f.Kind {
	case service.Place:
		found := s.City().Places(said)
		if len(found) != 1 || f.House && found[0].House == 0 {
			return nil, &miss{}
		}
		return []string{found[0].String()}, nil
	case service.File: // the digest of a file that came along; no line of text can name one, see Lines
		return []string{said}, nil
	case service.Rows:
		cells, m := c.readRecord(s, f, said, sc)
		return []string{f.RowText(cells)}, m
	case service.Computed:
		v, ok := ParseNumber(said, false)
		if !ok {
			return nil, &miss{text: c.say(sc, "mail.want.other", nil)}
		}
		return []string{v}, nil
	}
	return c.read(s, f, nil, said, sc)
}

// choices are the labels of what can be chosen.
func choices(f *service.Field, lang string) string {
	var all []string
	for _, o := range f.Options {
		all = append(all, o.Label.In(lang))
	}
	return strings.Join(all, " / ")
}

// wanted words what would be right.
func (c *Clerk) wanted(s *service.Service, fault service.Fault, sc Scene) string {
	if fault.Want != "" {
		return c.say(sc, "mail.want.computed", texts.Args{"want": s.Show(fault.Field, []string{fault.Want}, sc.Lang)})
	}
	if m := s.Message(fault, sc.Lang); m != "" {
		return strings.ReplaceAll(m, "{answer}", "")
	}
	if fault.ID == "maxLength" {
		return c.say(sc, "mail.want.long", nil)
	}
	return c.say(sc, "mail.want.other", nil)
}

// quoted is what stands in a mail, short enough that nobody can use our answer to send words to others.
func quoted(said string) string {
	if said = echo(said); said == "" {
		return "-"
	}
	return `"` + said + `"`
}

// Word writes a fault as one line.
func (c *Clerk) Word(f MailFault, sc Scene) string {
	if f.Said == "-" {
		return c.say(sc, "mail.missing", texts.Args{"label": f.Label, "want": f.Want})
	}
	return c.say(sc, "mail.fault", texts.Args{"label": f.Label, "said": f.Said, "want": f.Want})
}

// List writes the answers as lines "Label: value".
func (c *Clerk) List(s *service.Service, answers map[string][]string, lang string) string {
	var b strings.Builder
	for _, f := range s.Fields() {
		if len(answers[f.Name]) > 0 && f.Kind != service.File {
			fmt.Fprintf(&b, "%s: %s\n", f.Label.In(lang), s.Show(f.Name, answers[f.Name], lang))
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
