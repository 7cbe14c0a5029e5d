package portal

import (
	"regexp"
	"slices"
	"strings"
	"time"

	published "gatehouse/configs/answers"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// State gives the public words for a case's state, or for how it was decided.
func (v view) State(s exchange.State, d exchange.Decision) string {
	if s == exchange.Decided && d != exchange.Undecided {
		return v.T("decision." + string(d))
	}
	if s == "" {
		return v.T("state.note")
	}
	return v.T("state." + string(s))
}

// Plain is a text without its Markdown.
func (v view) Plain(markdown string) string { return plain(markdown) }

// Day writes the local day of a moment.
func (v view) Day(t time.Time) string {
	if c := v.p.city(); c != nil {
		t = t.In(c.Location())
	}
	return service.DayOf(t).In(v.Lang)
}

// Date writes a day of the front matter of a page with its year, or as it stands there.
func (v view) Date(on published.Date) string {
	s := string(on)
	if d, ok := service.ParseDay(s); ok {
		return d.In(v.Lang) + " " + s[:4]
	}
	return s
}

// Department gives the public name of a department.
func (v view) Department(code string) string {
	if c := v.p.city(); c != nil {
		if name := c.Department(code, v.Lang); name != "" {
			return name
		}
	}
	return code
}

// city is what all services share; nil when there is no service.
func (p *Portal) city() *service.City {
	for _, s := range p.Services.All() {
		if c := s.City(); c != nil {
			return c
		}
	}
	return nil
}

// part is a piece of a reply: words, or an address to follow.
type part struct{ Text, Link string }

// spoken cuts a reply into its lines; empty ones are left out.
func spoken(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(s string) bool { return strings.TrimSpace(s) == "" })
}

var address = regexp.MustCompile(`https?://[^\s<>"]*[^\s<>".,;:!?)]`)

// said cuts a reply where an address begins and ends.
func said(text string) []part {
	var all []part
	at := 0
	for _, m := range address.FindAllStringIndex(text, -1) {
		link := text[m[0]:m[1]]
		all = append(all, part{Text: text[at:m[0]]}, part{link, link})
		at = m[1]
	}
	return append(all, part{Text: text[at:]})
}
