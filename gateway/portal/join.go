package portal

import (
	"net/http"
	"net/url"
	"strings"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

// whereField names the question of a subscription's page that is no field of the service: which address is to get it.
// Its owner confirms there; until then nothing is on.
const whereField = "where"

// onPage tells whether a service has a form here: the web carries it, or it joins lists on an address that is typed in.
func onPage(s *service.Service) bool {
	joins := s.Kind == service.Subscription && (s.Offered("sms") || s.Offered("email"))
	return (s.Offered("web") || joins) && len(s.Fields()) > 0
}

func (p *Portal) whereView(lang string, typed map[string][]string, faults map[string]string) fieldView {
	return fieldView{Field: service.Field{Name: whereField, Kind: service.Text}, Question: p.text(lang, "join.where"),
		Hint: p.text(lang, "join.hint"), Required: true, Values: typed[whereField], Fault: faults[whereField]}
}

// addressee reads the address that a form comes from, and how sure it is: that of a subscription, and that of who declares
// for a company; zero for every other service. typed keeps what was written.
func (p *Portal) addressee(r *http.Request, s *service.Service, typed map[string][]string, values url.Values, faults []service.Fault) (channels.Address, channels.Trust, []service.Fault) {
	if forCompany(s) {
		a, trust, ok := p.sender(r, values)
		if said, _, _ := p.named(values); !ok {
			typed[clerkField] = []string{said}
			faults = append(faults, service.Fault{Field: clerkField, ID: clerkField})
		}
		return a, trust, faults
	}
	if s.Kind != service.Subscription {
		return channels.Address{}, channels.Unverified, faults
	}
	said := values.Get(whereField)
	said = strings.TrimSpace(exchange.NormalizeLine(strings.ToValidUTF8(said[:min(len(said), maxWhere)], "")))
	typed[whereField] = []string{said}
	to, ok := gateway.Reachable(p.Services.City, said)
	if !ok || !s.Offered(to.Channel) {
		faults = append(faults, service.Fault{Field: whereField, ID: whereField})
	}
	return to, channels.Unverified, faults
}

// maxWhere bounds a typed address, in bytes (RFC 5321 §4.5.3.1.3 allows 256).
const maxWhere = 256
