package console

import (
	"net/http"
	"strings"

	"gatehouse/adapters"
	"gatehouse/configs/answers"
	"gatehouse/exchange"
)

// maxDrafts bounds the list of drafts.
const maxDrafts = 100

func (c *Console) drafts(w http.ResponseWriter, r *http.Request, v *visit) error {
	all, err := c.Store.Drafts(r.Context(), false, maxDrafts)
	if err != nil {
		return err
	}
	return c.render(w, v, http.StatusOK, "drafts", all)
}

// compared is one text before and after.
type compared struct {
	Name          string // key of its label
	Before, After string
	Changed       bool
}

type draftPage struct {
	Draft   adapters.Draft
	Changes []draftChange
	May     bool // the reader is the second person
	Leaks   []exchange.Leak
}

type draftChange struct {
	Lang  string
	Over  uint64
	Stale bool // a newer revision was published meanwhile
	Parts []compared
	After answers.Page
}

// draft shows what would change, before and after side by side.
func (c *Console) draft(w http.ResponseWriter, r *http.Request, v *visit) error {
	d, err := c.Store.Draft(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	p := draftPage{Draft: d, May: v.Me.Has(adapters.Approver) && v.Me.ID != d.By && d.State == adapters.Proposed}
	if d.State == adapters.Proposed && !d.Staff {
		p.Leaks = c.draftLeaks(v, d)
	}
	for _, ch := range d.Pages {
		x, err := c.compare(r, d, ch)
		if err != nil {
			return err
		}
		p.Changes = append(p.Changes, x)
	}
	return c.render(w, v, http.StatusOK, "draft", p)
}

func (c *Console) compare(r *http.Request, d adapters.Draft, ch adapters.Change) (draftChange, error) {
	x := draftChange{Lang: ch.Lang, Over: ch.Over}
	var before answers.Page
	stored, err := c.Store.Page(r.Context(), d.Name, ch.Lang)
	if err != nil && !notFound(err) {
		return x, err
	}
	if err == nil {
		x.Stale = stored.Revision != ch.Over && d.State == adapters.Proposed
		if before, err = answers.Parse(d.Name, ch.Lang, []byte(stored.Body)); err != nil {
			return x, err
		}
	}
	if x.After, err = answers.Parse(d.Name, ch.Lang, []byte(ch.Body)); err != nil {
		return x, err
	}
	a := x.After
	for _, t := range []compared{
		{Name: "title", Before: before.Title, After: a.Title}, {Name: "sms", Before: before.SMS, After: a.SMS},
		{Name: "chat", Before: before.Chat, After: a.Chat}, {Name: "page", Before: before.Page, After: a.Page},
		{Name: "asks", Before: strings.Join(before.Asks, "\n"), After: strings.Join(a.Asks, "\n")},
		{Name: "review_by", Before: string(before.ReviewBy), After: string(a.ReviewBy)},
		{Name: "audience", Before: string(before.Audience), After: string(a.Audience)},
	} {
		t.Changed = t.Before != t.After
		x.Parts = append(x.Parts, t)
	}
	return x, nil
}

// publish is the approver's yes: the pages become the next revisions, and those for the public cross at once.
func (c *Console) publish(w http.ResponseWriter, r *http.Request, v *visit) error {
	d, err := c.Store.Draft(r.Context(), r.PathValue("id"))
	switch {
	case err != nil:
		return err
	case d.State != adapters.Proposed:
		return adapters.ErrGone
	case d.By == v.Me.ID:
		return adapters.ErrSamePerson
	case r.PostFormValue("releasable") != "yes":
		return adapters.Fault{Field: "releasable", Key: "console.fault.label"}
	}
	var pages []adapters.Page
	var say []exchange.Parcel
	for _, ch := range d.Pages {
		page := adapters.Page{Name: d.Name, Lang: ch.Lang, Revision: ch.Over + 1, Title: ch.Title, Staff: d.Staff, Body: ch.Body,
			By: d.By, Over: v.Me.ID, At: v.Now}
		parcel, crosses, err := c.publication(r, page)
		if err != nil {
			return err
		}
		if crosses {
			say = append(say, parcel)
		}
		pages = append(pages, page)
	}
	if err := c.Store.Publish(r.Context(), d.ID, v.Me.ID, pages, say); err != nil {
		return err
	}
	c.Posted()
	c.Log.Info("answer published", "answer", d.Name, "draft_id", d.ID, "by", d.By, "second", v.Me.ID, "languages", len(pages))
	return c.said(w, r, "console.said.published", "/answers/"+d.Name)
}

// publication is a page as it crosses. One for staff stays inside; if the public could read it before, it is removed
// there.
func (c *Console) publication(r *http.Request, p adapters.Page) (exchange.Parcel, bool, error) {
	pub := exchange.Publication{ID: c.NewID(), Sort: "answer", Name: p.Name, Lang: p.Lang, Revision: p.Revision, Body: p.Body, At: p.At,
		Release: exchange.Released{Policy: adapters.PolicySecond, Label: exchange.Releasable, By: p.By, Second: p.Over, At: p.At}}
	if p.Staff {
		old, err := c.Store.Page(r.Context(), p.Name, p.Lang)
		if notFound(err) || err == nil && old.Staff {
			return exchange.Parcel{}, false, nil
		}
		if err != nil {
			return exchange.Parcel{}, false, err
		}
		pub.Removed, pub.Body = true, ""
	}
	approved, err := c.Gate.Approve(r.Context(), pub)
	if err != nil {
		return exchange.Parcel{}, false, err
	}
	parcel, err := c.Gate.Release(r.Context(), approved)
	return parcel, err == nil, err
}

func (c *Console) reject(w http.ResponseWriter, r *http.Request, v *visit) error {
	why := strings.TrimSpace(r.PostFormValue("why"))
	if why == "" {
		return adapters.Fault{Field: "why", Key: "console.fault.empty"}
	}
	if err := c.Store.Reject(r.Context(), r.PathValue("id"), v.Me.ID, why); err != nil {
		return err
	}
	return c.said(w, r, "console.said.rejected", "/drafts")
}
