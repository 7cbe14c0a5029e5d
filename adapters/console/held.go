package console

import (
	"net/http"
	"net/url"

	"gatehouse/adapters"
)

// maxHeld bounds the list of what waits to leave.
const maxHeld = 200

// heldLine is one thing that waits, and what the reader may do about it.
type heldLine struct {
	adapters.Held
	Record    *adapters.Record
	MayUndo   bool
	MaySecond bool
}

// held lists what waits to leave: for a second person, or for its undo time.
func (c *Console) held(w http.ResponseWriter, r *http.Request, v *visit) error {
	all, err := c.Store.Pending(r.Context(), maxHeld)
	if err != nil {
		return err
	}
	var lines []heldLine
	for _, h := range all {
		l, ok, err := c.line(r, v, h)
		if err != nil {
			return err
		}
		if ok {
			lines = append(lines, l)
		}
	}
	reviews, err := c.reviews(r, v)
	if err != nil {
		return err
	}
	return c.render(w, v, http.StatusOK, "held", heldList{lines, reviews})
}

// heldList is what waits to leave, and what left and is to be looked at again.
type heldList struct{ Lines, Reviews []heldLine }

// reviews lists what the reader is to look at again: not what they wrote.
func (c *Console) reviews(r *http.Request, v *visit) ([]heldLine, error) {
	if !v.Me.Has(adapters.Releaser, adapters.Approver, adapters.Auditor) {
		return nil, nil
	}
	all, err := c.Store.ToReview(r.Context(), maxHeld)
	if err != nil {
		return nil, err
	}
	var lines []heldLine
	for _, h := range all {
		if h.By == v.Me.ID {
			continue
		}
		l, ok, err := c.line(r, v, h)
		if err != nil {
			return nil, err
		}
		if ok {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// line is h as the reader sees it; false: it is not theirs to see. Text of a case on this page is a look at it.
func (c *Console) line(r *http.Request, v *visit, h adapters.Held) (heldLine, bool, error) {
	l := heldLine{Held: h, MayUndo: v.Me.ID == h.By || v.Me.ID == h.Second}
	waits := h.State == adapters.AwaitsSecond && v.Me.ID != h.By
	if h.Message != nil {
		l.MaySecond = waits && v.Me.Has(adapters.Approver)
		return l, v.Me.Has(adapters.Publisher, adapters.Approver, adapters.Auditor), nil
	}
	rec, err := c.Store.Record(r.Context(), h.Case)
	if notFound(err) { // another system's case, held back at the gate: for who sees everything
		l.MaySecond = waits && v.Me.Has(adapters.Releaser)
		return l, v.Me.MaySee("*"), nil
	}
	if err != nil || !v.Me.MaySee(rec.Department) {
		return l, false, err
	}
	l.Record = &rec
	l.MaySecond = waits && v.Me.Has(adapters.Releaser)
	err = c.Store.Looked(r.Context(), adapters.Read{At: v.Now, Staff: v.Me.ID, Case: rec.ID(), What: "held", About: rec.Case.Reference})
	return l, true, err
}

// back is where a form about something held returns to.
func (c *Console) back(r *http.Request, id string) string {
	h, err := c.Store.Held(r.Context(), id)
	if err == nil && h.Message == nil && r.PostFormValue("from") == "case" {
		return "/cases/" + url.PathEscape(h.Case)
	}
	if err == nil && h.Message != nil && r.PostFormValue("from") == "messages" {
		return "/messages"
	}
	return "/held"
}

func (c *Console) undo(w http.ResponseWriter, r *http.Request, v *visit) error {
	id := r.PathValue("id")
	if err := c.Desk.Undo(r.Context(), v.Me, id); err != nil {
		return err
	}
	return c.said(w, r, "console.said.undone", c.back(r, id))
}

func (c *Console) release(w http.ResponseWriter, r *http.Request, v *visit) error {
	id := r.PathValue("id")
	err := c.Desk.Release(r.Context(), v.Me, id)
	if err == nil {
		c.Log.Info("released by a second person", "held_id", id, "staff", v.Me.ID)
	}
	return c.decided(w, r, v, "console.said.leaving", err)
}

func (c *Console) decline(w http.ResponseWriter, r *http.Request, v *visit) error {
	err := c.Desk.Decline(r.Context(), v.Me, r.PathValue("id"), r.PostFormValue("why"))
	return c.decided(w, r, v, "console.said.declined", err)
}
