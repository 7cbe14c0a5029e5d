// Package forms turns words into the fields of a service and fields into words: it asks, reads the answer in four
// languages, proposes places and days, explains what is wrong in three steps, and shows all before it is sent.
//
// The rule: an answer that was given is never lost. A text that can't be read changes nothing but the count of
// misses; a Draft stays whole through BACK, a change of language and a change of channel.
package forms

import (
	"maps"
	"slices"
	"strings"
	"time"

	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange/service"
)

// Reader reads what people say in any language. *dialogue.Grammar is it.
type Reader interface {
	// Number reads exactly one menu number, Numbers a list of them.
	Number(s string) (int, bool)
	Numbers(s string) ([]int, bool)
	// Yes reads a yes or no; ok is false for anything else.
	Yes(s string) (yes, ok bool)
	// Is tells whether the whole of s is a word of a list in the texts ("tomorrow", "and").
	Is(list, s string) bool
	// Fold brings s to the form that is compared.
	Fold(s string) string
}

// Clerk fills forms. It is read-only and safe for concurrent use.
type Clerk struct {
	Texts    *texts.Catalog
	Grammar  Reader
	Services *service.Catalog
}

// Option is one thing to press; Value is understood when it is typed.
type Option struct{ Label, Value string }

// Prompt is what is said next.
type Prompt struct {
	Text    string
	Options []Option
}

// Scene is where and when a form is filled.
type Scene struct {
	Lang    string
	Channel string // channels.Address.Channel: sms is brief, the others have lines
	Now     time.Time
}

func (s Scene) brief() bool { return s.Channel == "sms" }

// Step is what became of an answer.
type Step int

// The answer was taken; or it was not understood, and Prompt says what would be right.
const (
	Taken Step = iota
	Missed
)

// Begin opens a form of s with what followed its keyword, taken as answers where the service is Compact. Words that
// can't be read as answers are left aside, and the first question is asked.
func (c *Clerk) Begin(s *service.Service, rest string, sc Scene) service.Draft {
	d := service.Draft{Service: s.Code, Answers: map[string][]string{}, Lang: sc.Lang, Channel: sc.Channel}
	rest = strings.TrimSpace(rest)
	if short, ok := s.Shortcuts[text.Digits(rest)]; ok {
		for field, v := range short {
			d.Answers[field] = []string{v}
		}
		s.Fill(d.Answers, sc.Now)
	}
	d.At = next(s, d)
	if rest != "" && s.Compact && len(d.Answers) == 0 {
		c.takeAll(&d, s, rest, sc)
	}
	return d
}

// Clone copies a draft, so that a Step changes nothing that it was given.
func Clone(d service.Draft) service.Draft {
	answers := make(map[string][]string, len(d.Answers))
	for k, v := range d.Answers {
		answers[k] = slices.Clone(v)
	}
	d.Answers, d.Offered, d.Row = answers, slices.Clone(d.Offered), maps.Clone(d.Row)
	return d
}

// next is the index of the first field that is asked and has no answer yet; the number of fields means the summary.
func next(s *service.Service, d service.Draft) int {
	for i, f := range s.Fields() {
		if _, answered := d.Answers[f.Name]; !answered && wanted(s, &f, &d) {
			return i
		}
	}
	return len(s.Fields())
}

// wanted tells whether the form asks the field, as it is filled and where.
func wanted(s *service.Service, f *service.Field, d *service.Draft) bool {
	return f.Asked() && f.On(d.Channel) && s.Applies(f, d.Answers)
}

// needed tells whether the question may not be left out.
func needed(s *service.Service, f *service.Field) bool { return s.Required(f.Name) || f.Must }

// settle notes where the form is filled now. A question that this channel does not ask gives way to the next one.
func settle(s *service.Service, d *service.Draft, sc Scene) {
	d.Channel = sc.Channel
	if AtSummary(s, *d) || wanted(s, &s.Fields()[d.At], d) {
		return
	}
	d.At, d.Changing, d.Offered, d.Row = next(s, *d), false, nil, nil
}

// AtSummary tells whether everything that is asked has an answer.
func AtSummary(s *service.Service, d service.Draft) bool { return d.At >= len(s.Fields()) }

// Back goes to the question before; at the first one nothing changes. What was answered stays until it is answered
// anew.
func (c *Clerk) Back(s *service.Service, d *service.Draft) {
	d.Misses = 0
	if backInRow(s, d) {
		return
	}
	if d.Changing {
		d.Changing, d.At, d.Offered = false, len(s.Fields()), nil
		return
	}
	if len(d.Offered) > 0 && !AtSummary(s, *d) && s.Fields()[d.At].Kind == service.Place {
		d.Offered = nil
		return
	}
	for i := min(d.At, len(s.Fields())) - 1; i >= 0; i-- {
		if wanted(s, &s.Fields()[i], d) {
			d.At, d.Offered = i, nil
			return
		}
	}
}

// Skip leaves an optional question out; false: the question needs an answer.
func (c *Clerk) Skip(s *service.Service, d *service.Draft) bool {
	if AtSummary(s, *d) {
		return false
	}
	f := &s.Fields()[d.At]
	if f.Kind == service.Rows && d.Row != nil {
		return c.skipCell(s, d, f)
	}
	if needed(s, f) || len(d.Answers[f.Name]) > 0 && f.Kind == service.Rows {
		return false
	}
	d.Answers[s.Fields()[d.At].Name] = nil
	c.advance(s, d)
	return true
}

// Answer reads text as the answer to the question that is open, or several answers in order. When it can't be read
// the draft is unchanged but for Misses, and the prompt says what would be right.
func (c *Clerk) Answer(s *service.Service, d *service.Draft, said string, sc Scene) (Step, Prompt) {
	settle(s, d, sc)
	if AtSummary(s, *d) {
		return c.atSummary(s, d, said, sc)
	}
	f := s.Fields()[d.At]
	trial := Clone(*d)
	miss := c.take(&trial, s, said, sc)
	if miss != nil && c.takeAll(&trial, s, said, sc) {
		miss = nil
	}
	if miss != nil {
		d.Misses++
		d.Offered = trial.Offered
		return Missed, c.explain(s, &f, d, *miss, said, sc)
	}
	*d = trial
	return Taken, Prompt{}
}

// atSummary picks the line to change.
func (c *Clerk) atSummary(s *service.Service, d *service.Draft, said string, sc Scene) (Step, Prompt) {
	lines := asked(s, d)
	if n, ok := c.Grammar.Number(said); ok && n >= 1 && n <= len(lines) {
		d.At, d.Changing, d.Offered, d.Misses = lines[n-1], true, nil, 0
		return Taken, Prompt{}
	}
	d.Misses++
	return Missed, c.Ask(s, d, sc)
}

func asked(s *service.Service, d *service.Draft) []int {
	var all []int
	for i, f := range s.Fields() {
		if wanted(s, &f, d) {
			all = append(all, i)
		}
	}
	return all
}

// takeAll reads several answers in one text: parts between commas, else between spaces after a keyword. All parts
// must be read, from the open question on; otherwise nothing is taken.
func (c *Clerk) takeAll(d *service.Draft, s *service.Service, said string, sc Scene) bool {
	for _, split := range []func(string) []string{byComma, strings.Fields} {
		parts := split(said)
		if len(parts) < 2 && len(d.Answers) > 0 || len(parts) > 30 {
			continue
		}
		trial := Clone(*d)
		if c.takeParts(&trial, s, parts, sc) {
			*d = trial
			return true
		}
	}
	return false
}

func byComma(s string) []string {
	parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(",;\n،，；、", r) })
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return slices.DeleteFunc(parts, func(p string) bool { return p == "" })
}

// takeParts takes for each question as many parts as it can read, the longest run first.
func (c *Clerk) takeParts(d *service.Draft, s *service.Service, parts []string, sc Scene) bool {
	for len(parts) > 0 {
		if AtSummary(s, *d) {
			return false
		}
		n := min(len(parts), longest(s.Fields()[d.At].Kind))
		for ; n > 0; n-- {
			trial := Clone(*d)
			trial.Offered = nil
			if c.takeSure(&trial, s, strings.Join(parts[:n], ", "), sc) {
				*d = trial
				break
			}
		}
		if n == 0 {
			return false
		}
		parts = parts[n:]
	}
	return true
}

// longest is how many parts one answer may have. A number has one: "412 300" after a keyword are two answers.
func longest(k service.FieldKind) int {
	switch k {
	case service.Number, service.Money, service.Consent, service.Time:
		return 1
	}
	return 30
}

// takeSure is take for one of several answers: a place that has to be confirmed counts when it is the only one.
func (c *Clerk) takeSure(d *service.Draft, s *service.Service, said string, sc Scene) bool {
	f := &s.Fields()[d.At]
	if f.Kind == service.Text || f.Kind == service.Person || f.Kind == service.Rows {
		return false
	}
	if f.Kind == service.Place {
		found := s.City().Places(said)
		if len(found) != 1 || f.House && found[0].House == 0 {
			return false
		}
		return c.store(d, s, f, []string{found[0].String()}, sc) == nil
	}
	return c.take(d, s, said, sc) == nil
}

// take reads one answer. A place is only proposed: the question stays open with Offered set.
func (c *Clerk) take(d *service.Draft, s *service.Service, said string, sc Scene) *miss {
	f := &s.Fields()[d.At]
	switch f.Kind {
	case service.Place:
		return c.takePlace(d, s, f, said, sc)
	case service.Rows:
		return c.takeRow(d, s, f, said, sc)
	}
	values, m := c.read(s, f, d.Offered, said, sc)
	if m != nil {
		d.Offered = m.offer
		return m
	}
	return c.store(d, s, f, values, sc)
}

// store keeps an answer, unless a check refuses it. A check that asks another field again leads there.
func (c *Clerk) store(d *service.Draft, s *service.Service, f *service.Field, values []string, sc Scene) *miss {
	if m := c.keep(d, s, f, values, sc); m != nil {
		return m
	}
	c.advance(s, d)
	return nil
}

func (c *Clerk) keep(d *service.Draft, s *service.Service, f *service.Field, values []string, sc Scene) *miss {
	before := maps.Clone(d.Answers)
	d.Answers[f.Name] = values
	forget(s, d)
	for _, fault := range s.CheckGiven(d.Answers, sc.Now) {
		if fault.Field == f.Name {
			d.Answers = before
			return &miss{text: s.Message(fault, sc.Lang)}
		}
		if fault.Row > 0 { // a row is put right before it is sent, and the others stay
			continue
		}
		delete(d.Answers, fault.Field)
		d.Changing = false
	}
	return nil
}

// forget drops computed results, because an answer that they hang on may have changed.
func forget(s *service.Service, d *service.Draft) {
	for _, f := range s.Fields() {
		if f.Kind == service.Computed {
			delete(d.Answers, f.Name)
		}
	}
}

func (c *Clerk) advance(s *service.Service, d *service.Draft) {
	d.At, d.Offered, d.Row, d.Misses, d.Changing = next(s, *d), nil, nil, 0, false
}

// Merge takes answers that were given on a page: each field of given has these values from now on, and none where there
// are none. What a check refuses stays as it was. The question that is open stays open, because its answer may be under
// way; where the form rests, it goes on at the first one without an answer.
func (c *Clerk) Merge(s *service.Service, d *service.Draft, given map[string][]string, rests bool, sc Scene) {
	before := maps.Clone(d.Answers)
	for name, values := range given {
		if f, ok := s.Field(name); !ok || f.Kind == service.Computed || f.Kind == service.File {
			continue
		}
		delete(d.Answers, name)
		if len(values) > 0 {
			d.Answers[name] = values
		}
	}
	forget(s, d)
	for _, fault := range s.CheckGiven(d.Answers, sc.Now) {
		if _, ok := given[fault.Field]; !ok || fault.Row > 0 {
			continue
		}
		delete(d.Answers, fault.Field)
		if values, ok := before[fault.Field]; ok {
			d.Answers[fault.Field] = values
		}
	}
	if _, open := given[fieldAt(s, d)]; rests && (open || d.Row == nil) {
		c.advance(s, d)
	}
}

// fieldAt names the field that is asked; at the summary it is empty.
func fieldAt(s *service.Service, d *service.Draft) string {
	if AtSummary(s, *d) {
		return ""
	}
	return s.Fields()[d.At].Name
}

// Attach keeps stored files as answers of the form's file field; false: the form takes none, or no more.
func (c *Clerk) Attach(s *service.Service, d *service.Draft, sums []string) bool {
	for _, f := range s.Fields() {
		if f.Kind != service.File {
			continue
		}
		all := append(slices.Clone(d.Answers[f.Name]), sums...)
		if m := s.Schema.Properties[f.Name].MaxItems; m != nil && len(all) > *m {
			return false
		}
		d.Answers[f.Name] = all
		if !AtSummary(s, *d) && s.Fields()[d.At].Name == f.Name {
			c.advance(s, d)
		}
		return true
	}
	return false
}

// Finish completes the answers and checks them all. When something keeps the form from being filed, the draft goes
// to that question and the text says why.
func (c *Clerk) Finish(s *service.Service, d *service.Draft, sc Scene) (why string, ok bool) {
	settle(s, d, sc)
	s.Prune(d.Answers)
	s.Fill(d.Answers, sc.Now)
	for _, fault := range s.CheckOn(sc.Channel, d.Answers, sc.Now) {
		for i, f := range s.Fields() {
			if f.Name != fault.Field || f.Kind == service.Computed {
				continue
			}
			forget(s, d)
			d.At, d.Offered, d.Changing = i, nil, false
			if fault.Row > 0 {
				reopenRow(d, &f, fault)
				return c.message(s, fault, sc), false
			}
			delete(d.Answers, f.Name)
			return s.Message(fault, sc.Lang), false
		}
	}
	return "", true
}
