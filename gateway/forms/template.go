package forms

import (
	"fmt"
	"strings"

	"gatehouse/exchange/service"
)

// Template lists the entries of a form, to be filled in a mail or as the columns of a file. What can be chosen, or an
// example, stands in front of the colon: left as it is, it must not file everything. A form's rows have one line each,
// semicolons between the cells.
func (c *Clerk) Template(s *service.Service, lang string) string {
	var b strings.Builder
	for i := range s.Fields() {
		f := &s.Fields()[i]
		if f.Kind == service.File || f.Kind == service.Computed && !s.Required(f.Name) || !f.On("email") {
			continue
		}
		label := f.Label.In(lang) + " (" + f.Name + ")"
		if hint := c.hint(f, lang); hint != "" {
			label += " [" + hint + "]"
		}
		fmt.Fprintf(&b, "%s: \n", label)
	}
	return strings.TrimRight(b.String(), "\n")
}

// hint is what can be chosen, the columns of a row, or an example.
func (c *Clerk) hint(f *service.Field, lang string) string {
	switch {
	case len(f.Options) > 0:
		return choices(f, lang)
	case f.Kind == service.Consent:
		return strings.Join([]string{first(c.Texts.Words(lang, "yes")), first(c.Texts.Words(lang, "no"))}, " / ")
	case f.Kind == service.Rows:
		var labels []string
		for i := range f.Fields {
			labels = append(labels, f.Fields[i].Label.In(lang))
		}
		return strings.Join(labels, "; ")
	}
	return strings.NewReplacer(":", ".", "=", "").Replace(f.Example.In(lang))
}
