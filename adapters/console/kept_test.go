package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// keeps adds rows that the company filed as stated to a case.
func (h *hall) keeps(id string, numbers ...int64) {
	h.Helper()
	a := exchange.Addition{ID: exchange.NewID(h.now()), Case: id, Act: exchange.ActKeep, At: h.now(), Channel: "email"}
	for i, n := range numbers {
		a.Answers = append(a.Answers, exchange.Answer{Field: "goods", Value: keptText})
		a.Kept = append(a.Kept, exchange.KeptRow{Number: n, At: int64(i + 1)})
	}
	h.must(h.desk.Add(h.Context(), id, a, h.store))
}

const keptText = "hs=847130; country=DE; net=1240; gross=1190; value=5000; currency=EUR; package=P-15"

// TestOfficerLooksAtKeptRows: the rows show what is wrong, the queue by when, and the word on each leaves as a reply does:
// by a second person where its author may not release.
func TestOfficerLooksAtKeptRows(t *testing.T) {
	h := open(t)
	id := h.declare("12-345678-C", "2026-W47", h.now(), func(c *exchange.Case) { c.Lang = "en"; row(c) })
	mei := h.login("mei")
	if list := mei.get("/?view=rows", http.StatusOK); strings.Contains(list, id) {
		t.Error("a case without kept rows is in their queue")
	}
	h.keeps(id, 15, 16, 17)
	contains(t, mei.get("/?view=rows", http.StatusOK), id, "3 rows", "Wed 2 Dec")
	page := mei.get("/cases/"+id, http.StatusOK)
	contains(t, page, "Rows filed as stated", "Row 15", "<mark>", "Net kg 1,240 is more than Gross kg 1,190.", "To be looked at by Wed 2 Dec")
	to := "/cases/" + id + "/rows"
	_, body := mei.post(to, http.StatusUnprocessableEntity, "releasable", "yes")
	contains(t, body, "Choose for at least one row")
	_, body = mei.post(to, http.StatusUnprocessableEntity, "releasable", "yes", "verdict-15", "refuse")
	contains(t, body, "Say why")
	_, body = mei.post(to, http.StatusUnprocessableEntity, "releasable", "yes", "verdict-15", "ask", "why-15", "Is it 1,140?")
	contains(t, body, "day")
	mei.post(to, http.StatusSeeOther, "releasable", "yes", "verdict-15", "accept", "verdict-16", "refuse", "why-16", "It can't weigh that.", "verdict-17", "ask", "why-17", "Is it 1,140?", "promise", "2026-12-04")
	rec, err := h.store.Record(t.Context(), id)
	h.must(err)
	held, err := h.store.Held(t.Context(), rec.Held)
	h.must(err)
	want := "An officer has looked at rows that you filed as stated:\nRow 15: accepted as stated.\nRow 16: not accepted. It can't weigh that.\nRow 17: we have a question. Is it 1,140?\nPlease reply by Fri 4 Dec."
	if n := held.Notice; n.Text != want || n.State != exchange.WaitingYou || n.Correct != 1 || held.By != "mei" {
		t.Errorf("told %+v", n)
	}
	if k := rec.Return.Kept; k[0].Verdict != adapters.AcceptRow || k[1].Why != "It can't weigh that." || len(rec.Return.Waiting()) != 1 || rec.Return.Waiting()[0].Number != 17 {
		t.Errorf("noted %+v", k)
	}
	if held.State == adapters.AwaitsSecond {
		t.Fatal("mei may release")
	}
	mei.post("/held/"+held.ID+"/undo", http.StatusSeeOther)
	contains(t, mei.get("/?view=rows", http.StatusOK), "3 rows")
	mei.post(to, http.StatusSeeOther, "releasable", "yes", "verdict-15", "accept", "verdict-16", "accept", "verdict-17", "accept")
	h.pass(2 * time.Minute)
	_, err = h.store.Depart(t.Context(), h.now(), func() string { return exchange.NewID(h.now()) })
	h.must(err)
	contains(t, mei.get("/cases/"+id, http.StatusOK), "accepted as stated", "Row 17: accepted as stated.")
	if list := mei.get("/?view=rows", http.StatusOK); strings.Contains(list, id) {
		t.Error("decided rows are still in the queue")
	}
	mei.post(to, http.StatusUnprocessableEntity, "releasable", "yes", "verdict-15", "refuse", "why-15", "no")
	h.login("otto").post(to, http.StatusForbidden, "releasable", "yes", "verdict-15", "accept")
}

// TestKeptRowsNeedTheSecondPerson where whoever looks may not release alone.
func TestKeptRowsNeedTheSecondPerson(t *testing.T) {
	h := open(t)
	for _, p := range DemoStaff() {
		if p.ID == "mei" {
			p.Roles = []adapters.Role{adapters.Officer}
			rec, err := h.store.Person(t.Context(), "mei")
			h.must(err)
			p.Hash = rec.Hash
			h.must(h.store.Employ(t.Context(), p))
		}
	}
	id := h.declare("12-345678-C", "2026-W47", h.now(), row)
	h.keeps(id, 15)
	mei := h.login("mei")
	mei.get("/cases/"+id, http.StatusOK)
	mei.post("/cases/"+id+"/rows", http.StatusSeeOther, "releasable", "yes", "verdict-15", "accept")
	rec, err := h.store.Record(t.Context(), id)
	h.must(err)
	held, err := h.store.Held(t.Context(), rec.Held)
	h.must(err)
	if held.State != adapters.AwaitsSecond || !strings.Contains(held.Notice.Text, "Ligne 15 : acceptée telle quelle.") {
		t.Errorf("%s: %s", held.State, held.Notice.Text)
	}
}
