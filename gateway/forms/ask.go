package forms

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"gatehouse/configs/texts"
	"gatehouse/exchange/service"
)

// offers is how many days a calendar question shows.
const offers = 3

// Ask words the question that is open, or the summary. It notes in the draft what it offers.
func (c *Clerk) Ask(s *service.Service, d *service.Draft, sc Scene) Prompt {
	settle(s, d, sc)
	if AtSummary(s, *d) {
		return c.summary(s, d, sc)
	}
	f := &s.Fields()[d.At]
	step, steps := position(s, d)
	if f.Kind == service.Rows {
		return c.askRow(s, d, f, step, steps, sc)
	}
	body := worded(f, sc)
	if len(d.Offered) > 0 && f.Kind == service.Place {
		p := c.proposals(d, sc)
		p.Text = c.say(sc, "form.step", texts.Args{"noun": s.Noun.In(sc.Lang), "step": step, "steps": steps, "ask": p.Text})
		return p
	}
	list, options := c.choices(s, f, d, sc)
	body = join(sc, body, list)
	if !needed(s, f) {
		body = join(sc, body, c.say(sc, "form.skip", nil))
	}
	if step == 1 && d.Misses == 0 && !d.Changing {
		body = join(sc, body, c.say(sc, "form.keys", nil))
	}
	return Prompt{
		Text:    c.say(sc, "form.step", texts.Args{"noun": s.Noun.In(sc.Lang), "step": step, "steps": steps, "ask": body}),
		Options: options,
	}
}

// worded is the field's question, the short one where there is little room.
func worded(f *service.Field, sc Scene) string {
	if w := f.SMS.In(sc.Lang); w != "" && sc.brief() {
		return w
	}
	return f.Ask.In(sc.Lang)
}

func (c *Clerk) say(sc Scene, key string, a texts.Args) string {
	return c.Texts.Text(sc.Lang, "citizen."+key, a)
}

func join(sc Scene, a, b string) string {
	switch {
	case a == "" || b == "":
		return a + b
	case strings.HasPrefix(b, "\n"):
		return a + b
	}
	last, _ := utf8.DecodeLastRuneInString(a)
	ends := !unicode.IsLetter(last) && !unicode.IsDigit(last)
	switch {
	case sc.Lang == "zh" && ends:
		return a + b
	case sc.Lang == "zh":
		return a + "。" + b
	case ends:
		return a + " " + b
	}
	return a + ". " + b
}

// Within writes a service's noun as it stands within a sentence: "Pickup" heads a question, "your pickup form" doesn't.
func Within(noun string) string {
	first, n := utf8.DecodeRuneInString(noun)
	if second, _ := utf8.DecodeRuneInString(noun[n:]); unicode.IsUpper(second) {
		return noun
	}
	return string(unicode.ToLower(first)) + noun[n:]
}

// position counts the questions: a place is two, because it is confirmed.
func position(s *service.Service, d *service.Draft) (step, steps int) {
	for i, f := range s.Fields() {
		if !wanted(s, &f, d) {
			continue
		}
		if i == d.At {
			step = steps + 1
			if f.Kind == service.Place && len(d.Offered) > 0 {
				step++
			}
		}
		steps++
		if f.Kind == service.Place {
			steps++
		}
	}
	return step, steps
}

// Position gives the number of the question that is open, from 1.
func (c *Clerk) Position(s *service.Service, d service.Draft) int {
	n, _ := position(s, &d)
	return n
}

// choices words what can be picked and notes it in the draft.
func (c *Clerk) choices(s *service.Service, f *service.Field, d *service.Draft, sc Scene) (string, []Option) {
	switch f.Kind {
	case service.Choice, service.Choices:
		return c.listed(f, sc)
	case service.Consent:
		return c.say(sc, "form.yesno", nil), []Option{{s.Show(f.Name, []string{"yes"}, sc.Lang), "1"}, {s.Show(f.Name, []string{"no"}, sc.Lang), "2"}}
	case service.Date:
		if f.Calendar != "" {
			list, options := c.days(d, s.Days(f).Next(s.Today(sc.Now), offers), sc)
			return c.say(sc, "form.days", texts.Args{"list": list, "example": f.Example.In(sc.Lang)}), options
		}
	}
	return "", nil
}

func (c *Clerk) listed(f *service.Field, sc Scene) (string, []Option) {
	labels, options := make([]string, 0, len(f.Options)), make([]Option, 0, len(f.Options))
	for _, o := range f.Options {
		label := capital(o.Label.In(sc.Lang))
		labels = append(labels, label)
		options = append(options, Option{Label: label, Value: o.Value})
	}
	list := Numbered(labels, sc.brief())
	if f.Kind == service.Choices {
		list = c.say(sc, "form.several", texts.Args{"list": list})
	}
	return list, options
}

// capital writes a label as it stands at the head of a line; within a sentence it is as the service file has it.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// Numbered writes "1 Furniture 2 Fridge", one a line where there is room.
func Numbered(labels []string, brief bool) string {
	var b strings.Builder
	for i, l := range labels {
		switch {
		case !brief:
			b.WriteByte('\n')
		case i > 0:
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d %s", i+1, l)
	}
	return b.String()
}

func (c *Clerk) days(d *service.Draft, days []service.Day, sc Scene) (string, []Option) {
	var labels []string
	var options []Option
	d.Offered = nil
	for _, day := range days {
		labels = append(labels, day.In(sc.Lang))
		options = append(options, Option{Label: day.In(sc.Lang), Value: day.String()})
		d.Offered = append(d.Offered, day.String())
	}
	return Numbered(labels, sc.brief()), options
}

// houseWanted marks the one proposal whose house number is missing.
const houseWanted = "house:"

func (c *Clerk) proposals(d *service.Draft, sc Scene) Prompt {
	if street, ok := strings.CutPrefix(d.Offered[0], houseWanted); ok {
		return Prompt{Text: c.say(sc, "form.house", texts.Args{"street": street})}
	}
	if len(d.Offered) == 1 {
		yes, no := c.Texts.Words(sc.Lang, "yes"), c.Texts.Words(sc.Lang, "no")
		return Prompt{
			Text:    c.say(sc, "form.right", texts.Args{"place": d.Offered[0]}),
			Options: []Option{{first(yes), "1"}, {first(no), "2"}},
		}
	}
	var options []Option
	for _, p := range d.Offered {
		options = append(options, Option{Label: p, Value: p})
	}
	return Prompt{Text: c.say(sc, "form.which", texts.Args{"list": Numbered(d.Offered, sc.brief())}), Options: options}
}

func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// summary shows every answer with the number that changes it, and what was computed from them.
func (c *Clerk) summary(s *service.Service, d *service.Draft, sc Scene) Prompt {
	s.Fill(d.Answers, sc.Now)
	var lines []string
	for _, f := range s.Fields() {
		values := d.Answers[f.Name]
		ask := wanted(s, &f, d)
		if !ask && len(values) == 0 || s.Void(&f, d.Answers) {
			continue
		}
		shown := s.Show(f.Name, values, sc.Lang)
		if f.Kind == service.Place && sc.brief() { // the postcode was confirmed before
			shown, _, _ = strings.Cut(shown, ", ")
		}
		if f.Kind == service.File {
			shown = fmt.Sprint(len(values))
		}
		if !sc.brief() || labelled(f.Kind) {
			shown = f.Label.In(sc.Lang) + ": " + shown
		}
		if ask {
			shown = fmt.Sprintf("%d %s", len(numbered(lines))+1, shown)
		}
		lines = append(lines, shown)
	}
	sep := " "
	if !sc.brief() {
		sep = "\n"
		lines = append([]string{""}, lines...)
	}
	send := first(c.Texts.Words(sc.Lang, "send"))
	return Prompt{
		Text:    c.say(sc, "form.summary", texts.Args{"list": strings.Join(lines, sep)}),
		Options: []Option{{Label: send, Value: send}},
	}
}

func numbered(lines []string) []string {
	var all []string
	for _, l := range lines {
		if l != "" && l[0] >= '0' && l[0] <= '9' {
			all = append(all, l)
		}
	}
	return all
}

// labelled kinds mean nothing without their label.
func labelled(k service.FieldKind) bool {
	switch k {
	case service.Number, service.Money, service.Consent, service.Computed, service.File, service.Text,
		service.Code, service.Time:
		return true
	}
	return false
}

// Help words what ? tells: the field's own help, an example, and the question again.
func (c *Clerk) Help(s *service.Service, d *service.Draft, sc Scene) Prompt {
	if AtSummary(s, *d) {
		return c.summary(s, d, sc)
	}
	f := &s.Fields()[d.At]
	p := c.Ask(s, d, sc)
	help := f.Help.In(sc.Lang)
	if column := openColumn(f, d); column != nil && column.Help.In(sc.Lang) != "" {
		help = column.Help.In(sc.Lang)
	}
	p.Text = join(sc, help, p.Text)
	return p
}
