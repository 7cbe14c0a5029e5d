package counter

import (
	"errors"
	"net/http"
	"slices"

	"gatehouse/exchange"
	"gatehouse/gateway"
)

// maxLetters is how many letters one page shows.
const maxLetters = 50

// slipView is what is printed for the person.
type slipView struct {
	Lang   string
	Matter gateway.Matter
	Track  string
}

// slip prints the reference of a case that was filed in this visit.
func (c *Counter) slip(w http.ResponseWriter, r *http.Request, v *view) {
	one, ok := c.visits(r.Context())[r.PathValue("id")]
	lines, err := c.lines(r.Context(), one)
	ref := r.PathValue("reference")
	if !ok || err != nil || !slices.Contains(filed(lines), ref) {
		http.Redirect(w, r, Root+"/", http.StatusSeeOther)
		return
	}
	m, err := c.Store.Tracked(r.Context(), ref)
	if err != nil {
		c.fail(w, r, "read a case", err)
		return
	}
	c.show(w, r, http.StatusOK, "slip", v, slipView{Lang: one.Lang, Matter: m, Track: c.Track(ref)})
}

// caseView is what a clerk reads out.
type caseView struct{ Matter gateway.Matter }

// lookUp shows a case by its reference, once the clerk attests who asks. Who looked, when and at what is logged first.
func (c *Counter) lookUp(w http.ResponseWriter, r *http.Request, v *view) {
	if !c.genuine(w, r, v, r.PostFormValue("token")) {
		return
	}
	asked := clip(r.PostFormValue("reference"), 40)
	ref, ok := exchange.ParseReference(asked)
	if !ok {
		c.front(w, r, http.StatusUnprocessableEntity, v, homeView{Wrong: asked})
		return
	}
	if r.PostFormValue("attest") != "yes" {
		c.front(w, r, http.StatusUnprocessableEntity, v, homeView{Unsworn: true})
		return
	}
	if !c.record(w, r, v.Clerk.ID, "lookup", ref) {
		return
	}
	m, err := c.Store.Tracked(r.Context(), ref)
	if errors.Is(err, gateway.ErrNotFound) {
		c.front(w, r, http.StatusNotFound, v, homeView{Unknown: ref})
		return
	}
	if err != nil {
		c.fail(w, r, "read a case", err)
		return
	}
	c.show(w, r, http.StatusOK, "case", v, caseView{m})
}

// letters lists who can be told by post alone.
func (c *Counter) letters(w http.ResponseWriter, r *http.Request, v *view) {
	all, err := c.Store.Letters(r.Context(), maxLetters)
	if err != nil {
		c.fail(w, r, "read letters", err)
		return
	}
	c.show(w, r, http.StatusOK, "letters", v, all)
}

// posted marks a letter as sent.
func (c *Counter) posted(w http.ResponseWriter, r *http.Request, v *view) {
	if !c.genuine(w, r, v, r.PostFormValue("token")) {
		return
	}
	all, err := c.Store.Letters(r.Context(), maxLetters)
	if err != nil {
		c.fail(w, r, "read letters", err)
		return
	}
	i := slices.IndexFunc(all, func(l gateway.Letter) bool { return l.ID == r.PathValue("id") })
	if i >= 0 {
		if !c.record(w, r, v.Clerk.ID, "letter", all[i].Reference) {
			return
		}
		if err := c.Store.Posted(r.Context(), all[i].ID, v.Clerk.ID, c.Now()); err != nil {
			c.fail(w, r, "mark a letter", err)
			return
		}
	}
	http.Redirect(w, r, Root+"/letters", http.StatusSeeOther)
}
