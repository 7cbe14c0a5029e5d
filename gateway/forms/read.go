package forms

import (
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange/service"
)

// miss is why an answer was not taken.
type miss struct {
	text  string   // what is wrong; empty: the field's own words
	offer []string // what is offered instead
}

// maxEcho bounds what is quoted back of an answer that was not understood, in characters.
const maxEcho = 20

// read turns words into the canonical values of a field.
func (c *Clerk) read(s *service.Service, f *service.Field, offered []string, said string, sc Scene) ([]string, *miss) {
	said = strings.TrimSpace(said)
	if said == "" || utf8.RuneCountInString(said) > service.MaxAnswer {
		return nil, &miss{}
	}
	switch f.Kind {
	case service.Choice, service.Choices:
		return c.readChoice(f, said, sc)
	case service.Consent:
		return c.readConsent(said)
	case service.Date:
		return c.readDate(s, f, offered, said, sc)
	case service.File:
		return nil, &miss{}
	}
	v, ok := c.readPlain(s, f, said, sc)
	if !ok {
		return nil, &miss{}
	}
	return []string{v}, nil
}

func (c *Clerk) readPlain(s *service.Service, f *service.Field, said string, sc Scene) (string, bool) {
	switch f.Kind {
	case service.Number:
		return ParseNumber(said, s.SchemaOf(f).Type == "integer")
	case service.Money:
		v, ok := ParseNumber(strings.Trim(strings.ToUpper(said), " €$£EURO"), false)
		if !ok || strings.Contains(v, ".") && len(v)-strings.IndexByte(v, '.') > 3 {
			return "", false
		}
		return twoDecimals(v), true
	case service.Month:
		return c.ParseMonth(said, s.Today(sc.Now))
	case service.Time:
		return ParseTime(said)
	case service.Code:
		return f.ReadCode(text.Digits(said))
	case service.Company:
		return readCompany(said)
	case service.Phone:
		return readPhone(said, s.City())
	case service.Mail:
		a, err := mail.ParseAddress(said)
		if err != nil {
			return "", false
		}
		return a.Address, true
	}
	return strings.Join(strings.Fields(said), " "), true
}

func (c *Clerk) readConsent(said string) ([]string, *miss) {
	yes, ok := c.Grammar.Yes(said)
	switch {
	case !ok:
		return nil, &miss{}
	case yes:
		return []string{"yes"}, nil
	}
	return []string{"no"}, nil
}

// readChoice reads numbers of the list, else labels, values and synonyms of any language.
func (c *Clerk) readChoice(f *service.Field, said string, sc Scene) ([]string, *miss) {
	many := f.Kind == service.Choices
	if numbers, ok := c.Grammar.Numbers(said); ok && (many || len(numbers) == 1) {
		return c.pick(f, numbers, sc)
	}
	if v, ok := c.match(f, said); ok {
		return []string{v}, nil
	}
	if !many {
		return nil, &miss{}
	}
	var values []string
	for _, part := range c.words(said) {
		v, ok := c.match(f, part)
		if n, isNumber := c.Grammar.Number(part); !ok && isNumber && n >= 1 && n <= len(f.Options) {
			v, ok = f.Options[n-1].Value, true
		}
		if !ok {
			return nil, &miss{}
		}
		if !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return nil, &miss{}
	}
	return values, nil
}

// words splits "a sofa and a fridge" at commas and the word for and.
func (c *Clerk) words(said string) []string {
	var parts []string
	for _, p := range strings.FieldsFunc(said, func(r rune) bool { return strings.ContainsRune(",;+&/\n،、，；和与", r) }) {
		var run []string
		for _, w := range strings.Fields(p) {
			if c.Grammar.Is("and", w) {
				parts, run = append(parts, strings.Join(run, " ")), nil
				continue
			}
			run = append(run, w)
		}
		parts = append(parts, strings.Join(run, " "))
	}
	return slices.DeleteFunc(parts, func(p string) bool { return p == "" })
}

func (c *Clerk) pick(f *service.Field, numbers []int, sc Scene) ([]string, *miss) {
	var values []string
	for _, n := range numbers {
		if v := strconv.Itoa(n); len(numbers) == 1 && n > len(f.Options) && f.Kind == service.Choice && slices.ContainsFunc(f.Options, func(o service.Option) bool { return o.Value == v }) {
			return []string{v}, nil // "12" of 12 months
		}
		if n < 1 || n > len(f.Options) {
			key := "form.notlisted"
			if f.Kind == service.Choices {
				key = "form.notlisted.several"
			}
			return nil, &miss{text: c.say(sc, key, texts.Args{"answer": n, "n": len(f.Options)})}
		}
		if v := f.Options[n-1].Value; !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values, nil
}

// match finds the option that said names, in any language: its value, a label or a synonym, whole; articles before
// it don't count.
func (c *Clerk) match(f *service.Field, said string) (string, bool) {
	want := c.Grammar.Fold(said)
	bare := want
	for _, a := range []string{"a ", "an ", "the ", "one ", "my ", "old ", "un ", "une ", "le ", "la ", "les ", "des ", "du ", "mon ", "ma "} {
		bare = strings.TrimPrefix(bare, a)
	}
	if want == "" {
		return "", false
	}
	for _, o := range f.Options {
		names := []string{o.Value}
		for _, l := range o.Label {
			names = append(names, l)
		}
		for _, list := range o.Synonyms {
			names = append(names, list...)
		}
		for _, n := range names {
			if n = c.Grammar.Fold(n); n == want || n == bare {
				return o.Value, true
			}
		}
	}
	return "", false
}

// takePlace proposes, confirms, or asks for the house number.
func (c *Clerk) takePlace(d *service.Draft, s *service.Service, f *service.Field, said string, sc Scene) *miss {
	if len(d.Offered) > 0 {
		if done, m := c.confirmPlace(d, s, f, said, sc); done {
			return m
		}
	}
	found := s.City().Places(said)
	if len(found) == 0 {
		return &miss{}
	}
	d.Offered, d.Misses = nil, 0
	for _, p := range found {
		if f.House && p.House == 0 {
			d.Offered = []string{houseWanted + p.String()}
			return nil
		}
		d.Offered = append(d.Offered, p.String())
	}
	return nil
}

// confirmPlace reads an answer to proposals; done is false when it is another address.
func (c *Clerk) confirmPlace(d *service.Draft, s *service.Service, f *service.Field, said string, sc Scene) (bool, *miss) {
	if street, ok := strings.CutPrefix(d.Offered[0], houseWanted); ok {
		if n, ok := c.Grammar.Number(said); ok {
			found := s.City().Places(strconv.Itoa(n) + " " + street)
			if len(found) == 0 {
				return true, &miss{offer: d.Offered}
			}
			d.Offered = []string{found[0].String()}
			return true, nil
		}
		return false, nil
	}
	if len(d.Offered) == 1 {
		yes, ok := c.Grammar.Yes(said)
		switch {
		case ok && yes:
			return true, c.store(d, s, f, d.Offered, sc)
		case ok:
			d.Offered = nil
			return true, nil
		}
		return false, nil
	}
	if n, ok := c.Grammar.Number(said); ok {
		if n < 1 || n > len(d.Offered) {
			return true, &miss{text: c.say(sc, "form.notlisted", texts.Args{"answer": n, "n": len(d.Offered)}), offer: d.Offered}
		}
		return true, c.store(d, s, f, d.Offered[n-1:n], sc)
	}
	if i := slices.Index(d.Offered, strings.TrimSpace(said)); i >= 0 {
		return true, c.store(d, s, f, d.Offered[i:i+1], sc)
	}
	return false, nil
}

// explain words a miss: first what is wrong with an example, then the list or other words, then the way to a person.
func (c *Clerk) explain(s *service.Service, f *service.Field, d *service.Draft, m miss, said string, sc Scene) Prompt {
	if column := openColumn(f, d); column != nil {
		f = column
	}
	why := m.text
	if why == "" {
		why = strings.ReplaceAll(f.Error.In(sc.Lang), "{answer}", echo(said))
	}
	var p Prompt
	list := ""
	switch {
	case len(m.offer) > 0 && f.Kind == service.Date:
		var days []service.Day
		for _, o := range m.offer {
			if day, ok := service.ParseDay(o); ok {
				days = append(days, day)
			}
		}
		list, p.Options = c.days(d, days, sc)
		list = c.say(sc, "form.nearest", texts.Args{"list": list})
	case f.Kind == service.Place && len(d.Offered) > 0:
		p = c.proposals(d, sc)
		list = p.Text
	case d.Misses >= 2 || f.Kind == service.Choice || m.text == "":
		list, p.Options = c.choices(s, f, d, sc)
	default:
		_, p.Options = c.choices(s, f, d, sc)
	}
	p.Text = join(sc, why, list)
	if d.Misses == 2 && f.Example.In(sc.Lang) != "" && len(p.Options) == 0 {
		p.Text = join(sc, why, c.say(sc, "form.example", texts.Args{"example": f.Example.In(sc.Lang)}))
	}
	if d.Misses >= 3 {
		p.Text = join(sc, p.Text, c.say(sc, "form.person", nil))
	}
	return p
}

func echo(said string) string {
	r := []rune(strings.Join(strings.Fields(said), " "))
	return string(r[:min(len(r), maxEcho)])
}

// ParseNumber reads a number in any script's digits: "412", "1 240", "1,240" for a whole one, "12,5" or "12.5". What
// could be both a thousand and a fraction ("1,240" where fractions are allowed) is not read.
func ParseNumber(said string, whole bool) (string, bool) {
	s := strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", "'", "", "٬", ",", "٫", ".").Replace(text.Digits(strings.TrimSpace(said)))
	if s == "" || len(s) > 18 || strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != ',' && r != '.' }) {
		return "", false
	}
	seps := strings.Count(s, ",") + strings.Count(s, ".")
	i := strings.LastIndexAny(s, ",.")
	switch {
	case seps == 0:
		return strings.TrimLeft(s[:len(s)-1], "0") + s[len(s)-1:], true
	case whole && grouped(s):
		return ParseNumber(strings.NewReplacer(",", "", ".", "").Replace(s), true)
	case whole || seps > 1 || i == 0 || i == len(s)-1 || len(s)-i == 4 && s[0] != '0':
		return "", false
	}
	head, ok := ParseNumber(s[:i], true)
	return head + "." + s[i+1:], ok
}

// grouped tells whether s is digits in groups of three by one kind of separator.
func grouped(s string) bool {
	sep := s[strings.IndexAny(s, ",.")]
	parts := strings.Split(s, string(sep))
	for i, p := range parts {
		if strings.ContainsAny(p, ",.") || i > 0 && len(p) != 3 || i == 0 && (p == "" || len(p) > 3 || p[0] == '0') {
			return false
		}
	}
	return true
}

func twoDecimals(v string) string {
	head, tail, _ := strings.Cut(v, ".")
	return head + "." + (tail + "00")[:2]
}

// readCompany reads "12 345678 c" as "12-345678-C"; the check letter is checked by the service.
func readCompany(said string) (string, bool) {
	s := strings.ToUpper(strings.NewReplacer("-", "", " ", "", ".", "").Replace(text.Digits(said)))
	if len(s) != 9 {
		return "", false
	}
	s = s[:2] + "-" + s[2:8] + "-" + s[8:]
	return s, service.CompanyNumber(s)
}

// readPhone reads a number as E.164; one with a leading 0 is of the city's country.
func readPhone(said string, city *service.City) (string, bool) {
	s := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "/", "").Replace(text.Digits(said))
	switch {
	case strings.HasPrefix(s, "00"):
		s = "+" + s[2:]
	case strings.HasPrefix(s, "0") && city != nil && city.Country != "":
		s = "+" + city.Country + s[1:]
	}
	if len(s) < 8 || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return "", false
	}
	return s, !strings.ContainsFunc(s[1:], func(r rune) bool { return r < '0' || r > '9' })
}
