package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// TestCellSaysHowACompanyStands holds every state against what was declared for a week, and when.
func TestCellSaysHowACompanyStands(t *testing.T) {
	catalog, err := theCity()
	if err != nil {
		t.Fatal(err)
	}
	s, _ := catalog.ByCode("DEC-GOODS")
	week, _ := s.PeriodNamed("2026-W47")
	loc := catalog.City.Location()
	deadline := week.Deadline(loc)
	duty := adapters.Duty{Service: "DEC-GOODS", From: "2026-11-16"}
	in := func(filed time.Time, rows, open int) adapters.ReturnLine {
		return adapters.ReturnLine{ID: "c", Filed: filed, Rows: rows, Open: open, OpenUntil: deadline}
	}
	for name, c := range map[string]struct {
		duty adapters.Duty
		all  []adapters.ReturnLine
		now  time.Time
		want string
	}{
		"due":                 {duty, nil, deadline.Add(-time.Second), standDue},
		"missing":             {duty, nil, deadline, standMissing},
		"not owed":            {adapters.Duty{}, nil, deadline, standNone},
		"begins later":        {adapters.Duty{Service: "DEC-GOODS", From: "2026-11-23"}, nil, deadline, standNone},
		"ended before":        {adapters.Duty{Service: "DEC-GOODS", Until: "2026-11-15"}, nil, deadline, standNone},
		"filed":               {duty, []adapters.ReturnLine{in(deadline.Add(-1), 3, 0)}, deadline, standFiled},
		"nil":                 {duty, []adapters.ReturnLine{in(deadline.Add(-1), 0, 0)}, deadline, standNil},
		"late":                {duty, []adapters.ReturnLine{in(deadline, 3, 0)}, deadline, standLate},
		"late nil":            {duty, []adapters.ReturnLine{in(deadline, 0, 0)}, deadline, standLate},
		"open":                {duty, []adapters.ReturnLine{in(deadline.Add(-1), 3, 2)}, deadline, standOpen},
		"in time, then more":  {duty, []adapters.ReturnLine{in(deadline.Add(-1), 3, 0), in(deadline.Add(1), 1, 0)}, deadline, standFiled},
		"nil, then something": {duty, []adapters.ReturnLine{in(deadline.Add(-1), 0, 0), in(deadline.Add(-1), 1, 0)}, deadline, standFiled},
		"filed, not owed":     {adapters.Duty{}, []adapters.ReturnLine{in(deadline.Add(-1), 3, 0)}, deadline, standFiled},
	} {
		if got := cellOf(week, c.duty, c.all, c.now, loc); got.Stand != c.want {
			t.Errorf("%s: %s", name, got.Stand)
		}
	}
}

// owe registers a company that declares goods from 2 November on.
func (h *hall) owe(number, name string) {
	h.Helper()
	mei, vera := h.login("mei"), h.login("vera")
	to, _ := mei.post("/companies/new", http.StatusSeeOther, "act", "save", "number", number, "name", name, "declares", "DEC-GOODS", "from-DEC-GOODS", "2026-11-02")
	vera.get(to, http.StatusOK)
	vera.post(to+"/confirm", http.StatusSeeOther)
}

// declare files goods of a week.
func (h *hall) declare(number, week string, at time.Time, change func(*exchange.Case)) string {
	h.Helper()
	return h.file("DEC-GOODS", func(c *exchange.Case) {
		c.Channel, c.Trust, c.FiledAt = "email", "company", at
		c.Answers = []exchange.Answer{{Field: "company", Value: number}, {Field: "week", Value: week}}
		change(c)
	})
}

func row(c *exchange.Case) {
	c.Answers = append(c.Answers, exchange.Answer{Field: "goods", Value: keptText})
}

// TestReturnsByCompanyAndPeriod: the grid says for each week who declared, and its file says the same.
func TestReturnsByCompanyAndPeriod(t *testing.T) {
	h := open(t)
	h.owe("12-345678-C", "Northdock Goods")
	h.owe("10-000001-Y", "Harbour Trade")
	before := time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC)
	h.declare("12-345678-C", "2026-W45", before, row)
	h.declare("12-345678-C", "2026-W46", before.Add(9*24*time.Hour), func(c *exchange.Case) {
		row(c)
		c.Rows = []exchange.Rows{{Filed: 18, Open: 2, Until: h.now().Add(48 * time.Hour)}}
	})
	h.declare("10-000001-Y", "2026-W45", before, func(*exchange.Case) {})
	rosa := h.login("mei")
	page := rosa.get("/returns", http.StatusOK)
	contains(t, page, "Northdock Goods", "Harbour Trade", "2026-W47", "missing: 1", "due: 2", "corrections open: 1", "nil: 1", "filed: 1", "2 rows until")
	if strings.Contains(page, "2026-W48") {
		t.Error("the week that runs is asked for")
	}
	only := rosa.get("/returns?stand=missing&q=harb", http.StatusOK)
	contains(t, only, "Harbour Trade")
	if strings.Contains(only, "Northdock") {
		t.Error("the search gives all")
	}
	contains(t, rosa.get("/returns?to=2026-W45", http.StatusOK), "Later periods")
	out := rosa.get("/returns.csv?service=DEC-GOODS", http.StatusOK)
	contains(t, out, "number,name,service,period,due,state,filed,rows,to_correct,reference", "10-000001-Y,Harbour Trade,DEC-GOODS,2026-W46,2026-11-18,missing,,,,",
		"12-345678-C,Northdock Goods,DEC-GOODS,2026-W46,2026-11-18,open,2026-11-18T12:00:00Z,18,2,", "2026-W45,2026-11-11,nil,2026-11-09T12:00:00Z,0,0,")
	h.must(h.store.TakeTally(t.Context(), 1, exchange.WaitingTally("t1", exchange.Waiting{Parked: map[string]int64{"12-345678-C": 2, "": 1}, Oldest: h.now().Add(-48 * time.Hour)}, h.now())))
	contains(t, rosa.get("/returns", http.StatusOK), "3 mails wait", "The oldest came Sun 22 Nov")
	page = rosa.get("/companies/12-345678-C", http.StatusOK)
	contains(t, page, "2 mails wait", "corrections open", "2026-W47", "/cases/")
	h.login("vera").get("/returns", http.StatusForbidden)
}
