package forms

import (
	"strings"

	"gatehouse/exchange/service"
)

// WholeFaults checks a form with rows as a whole: its own fields, and the sums over its rows. While rows are open
// nothing that the missing ones could mend counts.
func (c *Clerk) WholeFaults(s *service.Service, answers map[string][]string, open bool, sc Scene) []MailFault {
	f, rows := s.RowsField(), answers
	if open { // a sum is not known yet, nor is a count
		rows = map[string][]string{}
		for name, v := range answers {
			if name != f.Name {
				rows[name] = v
			}
		}
	}
	var all []MailFault
	s.Compute(rows, sc.Now)
	for _, fault := range s.CheckOn(sc.Channel, rows, sc.Now) {
		field, ok := s.Field(fault.Field)
		if !ok || open && (field == f || fault.ID != "required" && overRows(s, fault.ID)) {
			continue
		}
		said := ""
		if len(answers[fault.Field]) > 0 && field.Kind != service.Rows {
			said = s.Show(fault.Field, answers[fault.Field], sc.Lang)
		}
		all = append(all, MailFault{Label: field.Label.In(sc.Lang), Said: quoted(said), Want: c.wanted(s, fault, sc)})
	}
	return all
}

// overRows tells whether a check of the form looks at its rows.
func overRows(s *service.Service, id string) bool {
	for _, check := range s.Dialogue.Checks {
		if check.ID == id && strings.Contains(check.Rule, s.RowsField().Name+".") {
			return true
		}
	}
	return false
}

// wholeEntries reads the entries that belong to the form and not to a row; what is missing is not looked at yet.
func (c *Clerk) wholeEntries(s *service.Service, entries []Entry, sc Scene) (map[string][]string, []MailFault) {
	answers := map[string][]string{}
	var faults []MailFault
	for _, e := range entries {
		f, ok := c.fieldNamed(s, e.Name)
		if !ok || f.Kind == service.Rows {
			continue
		}
		values, m := c.readEntry(s, f, e.Value, sc)
		if m == nil {
			m = c.wrongOne(s, f, values, sc)
		}
		if m != nil {
			want := firstWords(m.text, c.wanted(s, service.Fault{Field: f.Name}, sc))
			faults = append(faults, MailFault{Label: f.Label.In(sc.Lang), Said: quoted(e.Value), Want: want})
			continue
		}
		answers[f.Name] = append(answers[f.Name], values...)
	}
	s.Prune(answers)
	return answers, faults
}
