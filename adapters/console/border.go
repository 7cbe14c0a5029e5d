package console

import (
	"net/http"
	"strconv"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// logSize is how many reads a page of the log shows.
const logSize = 100

type borderPage struct {
	Border   adapters.Border
	Live     *livePage // nil: not known here
	Held     int       // what has not left
	Stuck    []adapters.Trouble
	Erasures []adapters.Forgetting
	Tallies  []exchange.Tally
	Counts   adapters.Counts
}

// border shows how the lanes stand and what does not get through.
func (c *Console) border(w http.ResponseWriter, r *http.Request, v *visit) (err error) {
	var p borderPage
	if p.Border, err = c.Store.Border(r.Context()); err != nil {
		return err
	}
	if p.Stuck, err = c.Store.Stuck(r.Context(), 50); err != nil {
		return err
	}
	if p.Erasures, err = c.Store.Erasures(r.Context(), 50); err != nil {
		return err
	}
	if p.Tallies, err = c.Store.Tallies(r.Context()); err != nil {
		return err
	}
	if p.Counts, err = c.Store.Counts(r.Context()); err != nil {
		return err
	}
	p.Live, p.Held = c.live(p), int(p.Counts.Holding)
	return c.render(w, v, http.StatusOK, "border", p)
}

type readsPage struct {
	Staff, Case string
	Reads       []adapters.Read
	Everybody   []adapters.Staff
	Next        int // skip of the next page; 0: none
}

// reads shows the auditor who looked at what.
func (c *Console) reads(w http.ResponseWriter, r *http.Request, v *visit) error {
	q := r.URL.Query()
	p := readsPage{Staff: q.Get("staff"), Case: q.Get("case")}
	skip, _ := strconv.Atoi(q.Get("skip"))
	id := p.Case
	if ref, ok := exchange.ParseReference(p.Case); ok {
		rec, err := c.Store.ByReference(r.Context(), ref)
		if err != nil && !notFound(err) {
			return err
		}
		id = rec.ID()
	}
	reads, more, err := c.Store.Reads(r.Context(), p.Staff, id, logSize, min(max(skip, 0), 1_000_000))
	if err != nil {
		return err
	}
	if p.Reads = reads; more {
		p.Next = skip + logSize
	}
	if p.Everybody, err = c.Store.Everybody(r.Context()); err != nil {
		return err
	}
	return c.render(w, v, http.StatusOK, "reads", p)
}
