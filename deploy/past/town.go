package past

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

// book is configs/city/past.yaml.
type book struct {
	People    []folk              `yaml:"people"`
	Companies map[string][]string `yaml:"companies"` // names by trade
	Stories   []story             `yaml:"stories"`
}

// folk are the people of one language.
type folk struct {
	Lang   string   `yaml:"lang"`
	Count  int      `yaml:"count"`
	Given  []string `yaml:"given"`
	Family []string `yaml:"family"`
	Order  string   `yaml:"order"` // "family": that comes first, without a space
}

// story is one kind of thing that is filed, and how it may end.
type story struct {
	Service  string            `yaml:"service"`
	Count    int               `yaml:"count"`
	Of       string            `yaml:"of"` // the trade of who files it; empty: citizens
	By       []string          `yaml:"by"` // channels, one is drawn
	Form     map[string]string `yaml:"form"`
	Words    []service.Words   `yaml:"words"`
	Note     string            `yaml:"note"` // what staff write for each other
	Question *pair             `yaml:"question"`
	Pairs    []pair            `yaml:"pairs"` // of an inquiry: what was asked and answered
	Ends     []struct {
		Decision string        `yaml:"decision"`
		Weight   int           `yaml:"weight"`
		Reason   service.Words `yaml:"reason"`
	} `yaml:"ends"`
}

type pair struct {
	Ask   service.Words `yaml:"ask"`
	Reply service.Words `yaml:"reply"`
}

// The first numbers of the two ranges that the seed uses, out of Ofcom's +44 7700 900000 to 900999 for drama: a
// newcomer's own trials at the stand-in phone begin elsewhere.
const (
	firstPhone   = 447700900300
	firstCompany = 447700900500
	firstChat    = 500300
)

// party is a person or a company, with all that the gateway comes to know of them.
type party struct {
	n              int
	name, lang     string
	trade          string // empty: a citizen
	number, domain string // of a company
	home, district string
	addresses      map[string]channels.Address // by channel

	contact  gateway.Contact
	matters  []gateway.Matter
	consents []gateway.Consent
	wakes    []gateway.Wake
}

// writes tells whether the party writes on one of the channels. To the counter everybody comes.
func (p *party) writes(by []string) bool {
	return slices.ContainsFunc(by, func(channel string) bool { return channel == service.AtCounter || !p.addresses[channel].IsZero() })
}

// town draws everybody, the same each time.
func (b *book) town(c *service.City) []*party {
	chance := rand.New(rand.NewPCG(1, 0))
	var all []*party
	add := func(p *party) {
		p.n = len(all)
		p.home, p.district = house(c, chance)
		all = append(all, p)
	}
	for _, f := range b.People {
		for i := range f.Count {
			add(f.person(i, len(all)))
		}
	}
	first := len(all)
	for _, trade := range []string{"lodging", "food", "port", "works"} {
		for _, name := range b.Companies[trade] {
			add(company(name, trade, len(all)-first))
		}
	}
	return all
}

func (f folk) person(i, n int) *party {
	given, family := f.Given[i%len(f.Given)], f.Family[i/len(f.Given)%len(f.Family)]
	p := &party{name: given + " " + family, lang: f.Lang, addresses: map[string]channels.Address{
		"sms": {Channel: "sms", Value: fmt.Sprintf("+%d", firstPhone+n)},
	}}
	if f.Order == "family" {
		p.name = family + given
	}
	if n%3 == 0 {
		p.addresses["chat"] = channels.Address{Channel: "chat", Value: fmt.Sprint(firstChat + n)}
	}
	if f.Lang == "en" && n%3 == 1 {
		p.addresses["email"] = channels.Address{Channel: "email", Value: strings.ToLower(given+"."+family) + "@mail.example"}
	}
	return p
}

func company(name, trade string, n int) *party {
	p := &party{name: name, lang: "en", trade: trade, number: companyNumber(21_000_417 + 3_571*n),
		domain: strings.ToLower(strings.ReplaceAll(name, " ", "-")) + ".example"}
	p.addresses = map[string]channels.Address{"email": {Channel: "email", Value: "office@" + p.domain}}
	if trade == "lodging" {
		p.addresses["sms"] = channels.Address{Channel: "sms", Value: fmt.Sprintf("+%d", firstCompany+n)}
	}
	return p
}

// companyNumber adds the check letter that service.CompanyNumber asks for.
func companyNumber(n int) string {
	return fmt.Sprintf("%02d-%06d-%c", n/1_000_000, n%1_000_000, "ZABCDEFGHIJKLMNOPQRSTUVWXY"[n%97%26])
}

// house is one of the gazetteer's.
func house(c *service.City, chance *rand.Rand) (place, district string) {
	s := c.Streets[chance.IntN(len(c.Streets))]
	return fmt.Sprintf("%d %s, %s", s.From+chance.IntN(s.To-s.From+1), s.Name, s.Postcode), s.District
}

// settle gives a party its contact before anything was filed.
func (p *party) settle(id string, since time.Time) {
	p.contact = gateway.Contact{ID: id, Lang: p.lang, Created: since}
	for _, channel := range []string{"sms", "chat", "email"} {
		if a, ok := p.addresses[channel]; ok {
			p.contact.Reaches = append(p.contact.Reaches, gateway.Reach{Address: a, Heard: since})
		}
	}
}

// take keeps what an outcome changes. What was owed was delivered long ago, and what crosses is handed over by play.
func (p *party) take(o gateway.Outcome) {
	heard := map[channels.Address]time.Time{}
	for _, r := range p.contact.Reaches {
		heard[r.Address] = r.Heard
	}
	p.contact = o.Contact
	for i := range p.contact.Reaches {
		if r := &p.contact.Reaches[i]; r.Heard.Before(heard[r.Address]) {
			r.Heard = heard[r.Address]
		}
	}
	for _, m := range o.Matters {
		p.matters = append(without(p.matters, func(old gateway.Matter) bool { return old.ID == m.ID }), m)
	}
	for _, w := range o.Wakes {
		p.wakes = without(p.wakes, func(old gateway.Wake) bool { return old.Kind == w.Kind && old.Subject == w.Subject })
		if !w.At.IsZero() {
			p.wakes = append(p.wakes, w)
		}
	}
	p.consents = append(p.consents, o.Consents...)
}

// without gives the elements that drop does not pick.
func without[T any](all []T, drop func(T) bool) []T {
	var out []T
	for _, x := range all {
		if !drop(x) {
			out = append(out, x)
		}
	}
	return out
}

// matter gives one of the party's.
func (p *party) matter(id string) gateway.Matter {
	for _, m := range p.matters {
		if m.ID == id {
			return m
		}
	}
	return gateway.Matter{}
}
