package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatehouse/adapters"
	"gatehouse/channels/text"
	"gatehouse/exchange"
)

// maxBulletins bounds the list of messages.
const maxBulletins = 100

// bulletin is a message with what the gateway counted of it.
type bulletin struct {
	adapters.Held
	Progress  *progress // nil: nothing was counted yet
	MayUndo   bool
	MaySecond bool
	New       string // id of a form that steers it
}

func (c *Console) messages(w http.ResponseWriter, r *http.Request, v *visit) error {
	all, err := c.Store.Bulletins(r.Context(), maxBulletins)
	if err != nil {
		return err
	}
	tallies, err := c.Store.Tallies(r.Context())
	if err != nil {
		return err
	}
	var list []bulletin
	for _, h := range all {
		list = append(list, c.bulletin(v, h, tallies))
	}
	return c.render(w, v, http.StatusOK, "messages", list)
}

func (c *Console) bulletin(v *visit, h adapters.Held, tallies []exchange.Tally) bulletin {
	b := bulletin{Held: h, New: c.NewID(), MayUndo: v.Me.ID == h.By || v.Me.ID == h.Second,
		MaySecond: h.State == adapters.AwaitsSecond && v.Me.ID != h.By && v.Me.Has(adapters.Approver)}
	if i := slices.IndexFunc(tallies, func(t exchange.Tally) bool { return t.About == h.ID }); i >= 0 {
		b.Progress = progressOf(tallies[i])
	}
	return b
}

// message shows one message, how far it is, and what steers it.
func (c *Console) message(w http.ResponseWriter, r *http.Request, v *visit) error {
	h, err := c.Store.Held(r.Context(), r.PathValue("id"))
	if err == nil && h.Message == nil {
		err = adapters.ErrNotFound
	}
	if err != nil {
		return err
	}
	tallies, err := c.Store.Tallies(r.Context())
	if err != nil {
		return err
	}
	return c.render(w, v, http.StatusOK, "bulletin", c.bulletin(v, h, tallies))
}

// steer pauses, resumes or cancels a message that left.
func (c *Console) steer(w http.ResponseWriter, r *http.Request, v *visit) error {
	id, act := r.PathValue("id"), r.PostFormValue("act")
	form := r.PostFormValue("id")
	if !validID(form) {
		form = c.NewID()
	}
	if !slices.Contains([]string{"pause", "resume", "cancel"}, act) {
		return adapters.ErrNotFound
	}
	if err := c.Desk.Steer(r.Context(), v.Me, id, act, form); err != nil {
		return err
	}
	c.Log.Info("message steered", "held_id", id, "act", act, "staff", v.Me.ID)
	return c.said(w, r, "console.said.steered", "/messages/"+url.PathEscape(id))
}

type messagePage struct {
	Lists     []choice
	Services  []choice
	Languages []string
	New       string
	Form      form
	Sizes     map[string]text.Size
	Checked   bool
}

// lists are those that the services let people join.
func (c *Console) lists(lang, chosen string) []choice {
	var out []choice
	add := func(name, label string) {
		if !slices.ContainsFunc(out, func(o choice) bool { return o.Value == name }) {
			out = append(out, choice{name, label, name == chosen})
		}
	}
	for _, s := range c.Catalog.All() {
		f, by := s.Field(s.ListBy)
		switch {
		case s.List == "":
		case !by:
			add(s.List, s.Name.In(lang))
		default:
			for _, o := range f.Options {
				for _, name := range s.Lists(map[string][]string{s.ListBy: {o.Value}}) {
					add(name, s.Name.In(lang)+" · "+o.Label.In(lang))
				}
			}
		}
	}
	return out
}

// ListName is what people call a list.
func (s *sheet) ListName(name string) string {
	for _, l := range s.c.lists(s.Lang, "") {
		if l.Value == name {
			return l.Label
		}
	}
	return name
}

// services are those whose people a message may be for.
func (c *Console) services(lang, chosen string) []choice {
	var out []choice
	for _, s := range c.Catalog.All() {
		out = append(out, choice{s.Code, s.Name.In(lang), s.Code == chosen})
	}
	return out
}

func (c *Console) messagePage(v *visit, f form) messagePage {
	p := messagePage{Lists: c.lists(v.Lang, f.Value["list"]), Services: c.services(v.Lang, f.Value["service"]), Languages: c.Catalog.City.Languages, New: c.NewID(), Form: f, Sizes: map[string]text.Size{}}
	for _, l := range p.Languages {
		p.Sizes[l] = text.Measure(exchange.NormalizeLine(f.Value["text-"+l]))
	}
	return p
}

func (c *Console) newMessage(w http.ResponseWriter, _ *http.Request, v *visit) error {
	return c.render(w, v, http.StatusOK, "message", c.messagePage(v, form{}))
}

// sendMessage checks a message to a list, and holds it for its second person when it was asked to.
func (c *Console) sendMessage(w http.ResponseWriter, r *http.Request, v *visit) error {
	b, err := c.broadcast(r, v)
	if err == nil && r.PostFormValue("act") != "propose" {
		p := c.messagePage(v, formOf(r, "message", adapters.Fault{}))
		p.Checked = true
		return c.render(w, v, http.StatusOK, "message", p)
	}
	if err == nil {
		err = c.Desk.Send(r.Context(), v.Me, b, r.PostFormValue("code"))
	}
	var fault adapters.Fault
	if errors.As(err, &fault) {
		return c.render(w, v, http.StatusUnprocessableEntity, "message", c.messagePage(v, formOf(r, "message", fault)))
	}
	if err != nil {
		return err
	}
	said := c.heldSaid(r, b.ID)
	if said == "console.said.held" {
		said = "console.said.proposed"
	}
	return c.said(w, r, said, "/messages")
}

// broadcast reads the form. A language without a text gets the city's first.
func (c *Console) broadcast(r *http.Request, v *visit) (exchange.Broadcast, error) {
	b := exchange.Broadcast{ID: r.PostFormValue("id"), Priority: "routine"}
	if !validID(b.ID) {
		b.ID = c.NewID()
	}
	if p := r.PostFormValue("priority"); p == "statutory" || p == "emergency" {
		b.Priority = p
	}
	if err := c.audience(r, v, &b); err != nil {
		return b, err
	}
	if s := r.PostFormValue("expires"); s != "" {
		t, err := time.ParseInLocation("2006-01-02T15:04", s, c.Catalog.City.Location())
		if err != nil || t.Before(v.Now) {
			return b, adapters.Fault{Field: "expires", Key: "console.fault.day"}
		}
		b.Expires = t
	}
	if b.Priority == exchange.PriorityEmergency && b.Expires.IsZero() {
		return b, adapters.Fault{Field: "expires", Key: "console.fault.no_end"}
	}
	if !b.Expires.IsZero() && !b.Starts.Before(b.Expires) {
		return b, adapters.Fault{Field: "starts", Key: "console.fault.ends_first"}
	}
	for _, lang := range c.Catalog.City.Languages {
		s := strings.TrimSpace(exchange.Normalize(r.PostFormValue("text-" + lang)))
		subject := exchange.NormalizeLine(r.PostFormValue("subject-" + lang))
		if s == "" {
			continue
		}
		if text.Measure(s).Segments > maxSegments {
			return b, adapters.Fault{Field: "text-" + lang, Key: "console.fault.long"}
		}
		b.Bodies = append(b.Bodies, exchange.Body{Lang: lang, Subject: subject, Text: s})
	}
	if first := c.Catalog.City.Languages[0]; len(b.Bodies) == 0 || b.Bodies[0].Lang != first {
		return b, adapters.Fault{Field: "text-" + first, Key: "console.fault.first_language"}
	}
	return b, nil
}

// audience reads whom it is for, and when it begins. Who did not join is told of danger, or what the law asks, alone.
func (c *Console) audience(r *http.Request, v *visit, b *exchange.Broadcast) error {
	list := r.PostFormValue("list")
	known := slices.ContainsFunc(c.lists(v.Lang, ""), func(l choice) bool { return l.Value == list })
	switch b.Audience = r.PostFormValue("audience"); b.Audience {
	case "", "list":
		b.Audience, b.List = "", list
	case exchange.AudienceArea:
		b.Of = list
	case exchange.AudienceEveryone:
		known = true
	case exchange.AudienceService:
		b.Of = r.PostFormValue("service")
		_, known = c.Catalog.ByCode(b.Of)
	default:
		known = false
	}
	if !known {
		return adapters.Fault{Field: "list", Key: "console.fault.list"}
	}
	if b.Audience == exchange.AudienceArea || b.Audience == exchange.AudienceEveryone {
		b.Basis = exchange.NormalizeLine(r.PostFormValue("basis"))
		if b.Priority == "routine" {
			return adapters.Fault{Field: "priority", Key: "console.fault.not_joined"}
		}
		if b.Basis == "" || len(b.Basis) > maxBasis {
			return adapters.Fault{Field: "basis", Key: "console.fault.basis"}
		}
	}
	if s := r.PostFormValue("starts"); s != "" {
		t, err := time.ParseInLocation("2006-01-02T15:04", s, c.Catalog.City.Location())
		if err != nil || t.Before(v.Now) {
			return adapters.Fault{Field: "starts", Key: "console.fault.day"}
		}
		b.Starts = t
	}
	return nil
}

// maxBasis bounds Broadcast.Basis, in bytes.
const maxBasis = 300

// Whom names the audience of a message.
func (s *sheet) Whom(b *exchange.Broadcast) string {
	switch b.Audience {
	case "":
		return s.ListName(b.List)
	case exchange.AudienceArea:
		return s.T("cast.whom.area", "list", s.ListName(b.Of))
	case exchange.AudienceService:
		return s.T("cast.whom.service", "service", s.Service(b.Of))
	}
	return s.T("cast.whom." + b.Audience)
}

// Terms are what else was decided on a message, in words: its kind, when it begins and ends, and the law it stands on.
func (s *sheet) Terms(b *exchange.Broadcast) []string {
	out := []string{s.T("messages." + b.Priority)}
	if !b.Starts.IsZero() {
		out = append(out, s.T("cast.from", "time", s.At(b.Starts)))
	}
	if !b.Expires.IsZero() {
		out = append(out, s.T("cast.until", "time", s.At(b.Expires)))
	}
	if b.Basis != "" {
		out = append(out, b.Basis)
	}
	return out
}

// maxSegments bounds a message to a list: more would cost each recipient's share and be cut by carriers.
const maxSegments = 6
