package gateway

import (
	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// Level says who a filing comes from, and with that what it may do. It stands in exchange.Case.Trust and
// exchange.Addition.Trust, where staff read it. A mail has one of these five, or is
// confirmed out of one of the lower three; what is sent from a page in the name of a
// mail address is judged like a mail, and every other channel has its own
// channels.Trust there.
//
//	level           the address is              and the mail is                   a service that asks       any other
//	                                                                              for a company             service
//	company-signed  registered for the company  signed, by an authority that the  filed                     filed
//	                                            operator named (S/MIME)
//	company         registered for the company  of its domain (SPF, DKIM, DMARC)  filed                     filed
//	known           registered for the company  anything                          parked, confirmed by the  filed, marked
//	                or linked by its person                                       registered address
//	confirmed       not known, or any other     anything, and a registered        filed                     –
//	                                            address confirmed it by a link;
//	                registered for the company  no mail, but sent from a page
//	                                            to which a link in a mail led
//	domain          not known                   of its domain, or proven by a     parked, the same          filed, marked
//	                                            link
//	unverified      not known                   anything                          parked, the same          filed, marked
//
// The company is the one that the form names (service.Declarant). Who is registered for another is a third party here,
// however well the mail is proven. Without such a field it is any company that the address is registered for.
type Level string

// The levels of a mail, strongest first.
const (
	CompanySigned Level = "company-signed"
	ByCompany     Level = "company"
	Known         Level = "known"
	OfDomain      Level = "domain"
	Unverified    Level = "unverified"
	Confirmed     Level = "confirmed"
)

// Enough tells whether l lets a declaration be filed where the service asks for a company (service.TrustCompany).
func (l Level) Enough() bool { return l == CompanySigned || l == ByCompany || l == Confirmed }

// entitled tells whether the sender of a mail is proven well enough to file a service for a company, by its number; empty:
// for any.
func (t Turn) entitled(s *service.Service, company string) bool {
	l := t.level(company)
	if !l.Enough() || s.Trust != service.TrustAdmin || l == Confirmed {
		return l.Enough()
	}
	for _, r := range t.Register {
		if r.Admin && (company == "" || r.Company == company) {
			return true
		}
	}
	return false
}

// level judges a mail about a company, by its number; empty: about none. Of another channel it is the carrier's word.
func (t Turn) level(company string) Level {
	m := t.Message
	if t.parked != nil {
		return Confirmed
	}
	if m.From.Channel != byMail {
		return Level(m.Trust)
	}
	registered := len(t.Register) > 0
	if company != "" {
		_, registered = t.registeredFor(company)
	}
	switch {
	case registered && m.Trust == channels.Signed:
		return CompanySigned
	case registered && m.Trust == channels.DomainVerified:
		return ByCompany
	case registered && m.Trust == channels.Proven:
		return Confirmed
	case registered || t.Contact.linked(m.From):
		return Known
	case m.Trust == channels.DomainVerified || m.Trust == channels.Signed || m.Trust == channels.Proven:
		return OfDomain
	}
	return Unverified
}

// linked tells whether the person has proved by a code that a is theirs beside another address.
func (c Contact) linked(a channels.Address) bool {
	for _, r := range c.Reaches {
		if r.Address != a && r.Address.Channel != byWeb && !r.Dead {
			return true
		}
	}
	return false
}

// companyOf is the number of the company that a filled form is from; empty: it names none.
func companyOf(s *service.Service, given map[string][]string) string {
	f, ok := s.Declarant()
	if !ok || len(given[f.Name]) == 0 {
		return ""
	}
	return exchange.NormalizeLine(given[f.Name][0])
}
