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

func (c *Console) messagePage(v *visit, f form) messagePage {
	p := messagePage{Lists: c.lists(v.Lang, f.Value["list"]), Languages: c.Catalog.City.Languages, New: c.NewID(), Form: f, Sizes: map[string]text.Size{}}
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
	b := exchange.Broadcast{ID: r.PostFormValue("id"), List: r.PostFormValue("list"), Priority: "routine"}
	if !validID(b.ID) {
		b.ID = c.NewID()
	}
	if !slices.ContainsFunc(c.lists(v.Lang, ""), func(l choice) bool { return l.Value == b.List }) {
		return b, adapters.Fault{Field: "list", Key: "console.fault.list"}
	}
	if p := r.PostFormValue("priority"); p == "statutory" || p == "emergency" {
		b.Priority = p
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

// maxSegments bounds a message to a list: more would cost each recipient's share and be cut by carriers.
const maxSegments = 6
