package console

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"slices"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// heldPage is one thing that waits, left, or ended: exactly what leaves, why it waits, and what the reader may do.
type heldPage struct {
	heldLine
	Views     []view
	MayReview bool
	Own       bool // the reader wrote it
	Overdue   bool
	Stops     bool // nobody may release it
	Form      form
}

// heldItem shows one thing whole. Its text belongs to a case, so the look is in the log first.
func (c *Console) heldItem(w http.ResponseWriter, r *http.Request, v *visit) error {
	return c.heldWith(w, r, v, http.StatusOK, form{})
}

func (c *Console) heldWith(w http.ResponseWriter, r *http.Request, v *visit, status int, f form) error {
	h, err := c.Store.Held(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	l, ok, err := c.line(r, v, h)
	if err != nil {
		return err
	}
	if !ok {
		return adapters.ErrNotFound
	}
	p := heldPage{heldLine: l, Views: c.views(h, l.Record), Own: v.Me.ID == h.By, Stops: h.Stops(), Form: f}
	if h.Review != nil && h.State == adapters.Left && h.Review.By == "" {
		right := adapters.Releaser
		if h.Message != nil {
			right = adapters.Approver
		}
		p.MayReview, p.Overdue = !p.Own && v.Me.Has(right), v.Now.After(h.Review.Due)
	}
	return c.render(w, v, status, "held-item", p)
}

// decided ends a form of the item's page: back to the list, or the page again with what is wrong.
func (c *Console) decided(w http.ResponseWriter, r *http.Request, v *visit, said string, err error) error {
	var fault adapters.Fault
	if errors.As(err, &fault) {
		return c.heldWith(w, r, v, http.StatusUnprocessableEntity, formOf(r, "held", fault))
	}
	if err != nil {
		return err
	}
	return c.said(w, r, said, c.back(r, r.PathValue("id")))
}

// review stores what the second person thinks of what left without one.
func (c *Console) review(w http.ResponseWriter, r *http.Request, v *visit) error {
	fine := r.PostFormValue("fine") == "yes"
	err := c.Desk.Review(r.Context(), v.Me, r.PathValue("id"), fine, r.PostFormValue("note"))
	if err == nil {
		c.Log.Info("reviewed", "held_id", r.PathValue("id"), "staff", v.Me.ID, "fine", fine)
	}
	return c.decided(w, r, v, "console.said.reviewed", err)
}

// Waiting is how much waits for the reader: what they may release and what they are to look at again.
func (s *sheet) Waiting() int {
	if s.todo == nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		t, err := s.c.Store.Todo(ctx, s.Me)
		if err != nil {
			s.c.Log.Error("what waits can't be counted", "err", err)
		}
		s.todo = &t
	}
	return int(s.todo.Second + s.todo.Reviews)
}

// maxCopies bounds the copies of one case that the auditor sees.
const maxCopies = 200

// copyOf gives the auditor what left, byte for byte. The store logs the look before it opens the copy.
func (c *Console) copyOf(w http.ResponseWriter, r *http.Request, v *visit) error {
	rec, err := c.Store.Record(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	all, err := c.Store.Copies(r.Context(), rec.ID(), maxCopies)
	if err != nil {
		return err
	}
	id := r.PathValue("copy")
	if !slices.ContainsFunc(all, func(k adapters.Copy) bool { return k.ID == id }) {
		return adapters.ErrNotFound
	}
	b, err := c.Store.Copy(r.Context(), id, adapters.Read{At: v.Now, Staff: v.Me.ID, Case: rec.ID(), What: "copy", About: rec.Case.Reference})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": id + ".json"}))
	_, err = w.Write(b)
	return err
}

// factorPage is where staff enrol their second factor.
type factorPage struct {
	Enrolled bool
	Secret   string // in groups of four, as people type it
	Form     form
}

func (c *Console) factor(w http.ResponseWriter, r *http.Request, v *visit) error {
	return c.factorWith(w, r, v, http.StatusOK, form{})
}

func (c *Console) factorWith(w http.ResponseWriter, r *http.Request, v *visit, status int, f form) error {
	p := factorPage{Form: f}
	var err error
	if p.Enrolled, err = c.Factors.Enrolled(r.Context(), v.Me); err != nil {
		return err
	}
	if !p.Enrolled {
		secret, err := c.Factors.Begin(r.Context(), v.Me)
		if err != nil {
			return err
		}
		for chunk := range slices.Chunk([]byte(secret), 4) {
			p.Secret += string(chunk) + " "
		}
	}
	return c.render(w, v, status, "factor", p)
}

func (c *Console) confirmFactor(w http.ResponseWriter, r *http.Request, v *visit) error {
	err := c.Factors.Confirm(r.Context(), v.Me, r.PostFormValue("code"))
	var fault adapters.Fault
	if errors.As(err, &fault) {
		return c.factorWith(w, r, v, http.StatusUnprocessableEntity, formOf(r, "factor", fault))
	}
	if err != nil {
		return err
	}
	c.Log.Info("second factor enrolled", "staff", v.Me.ID)
	return c.said(w, r, "console.said.factor", "/factor")
}

// heldSaid tells where a thing that was just written stands, for the sentence that says so.
func (c *Console) heldSaid(r *http.Request, id string) string {
	h, err := c.Store.Held(r.Context(), id)
	switch {
	case err != nil || h.State == adapters.AwaitsSecond && len(h.Leaks) == 0:
		return "console.said.held"
	case h.State == adapters.AwaitsSecond:
		return "console.said.leak"
	case h.Release().Policy == adapters.PolicyEmergency:
		return "console.said.emergency"
	}
	return "console.said.leaving"
}

// draftLeaks gives the fields of a draft's pages in which a leak rule fires, for its second person.
func (c *Console) draftLeaks(v *visit, d adapters.Draft) []exchange.Leak {
	var out []exchange.Leak
	for _, ch := range d.Pages {
		pub := exchange.Publication{ID: d.ID, Sort: "answer", Name: d.Name, Lang: ch.Lang, Body: ch.Body}
		for _, k := range c.Policy.Judge(adapters.Outward{Doc: pub, Who: v.Me}, v.Now).Leaks {
			k.Field = ch.Lang
			out = append(out, k)
		}
	}
	return out
}
