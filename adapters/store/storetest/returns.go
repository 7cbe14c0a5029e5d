package storetest

import (
	"strings"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// declares registers a declaration of a company for a period.
func (t *suite) declares(company, period string, change func(*adapters.Return)) adapters.Record {
	t.Helper()
	t.now = t.now.Add(time.Second)
	return t.put("revenue", time.Hour, func(r *adapters.Record) {
		r.Case.Service, r.Case.FiledAt = "DEC-GOODS", t.now
		r.Return = &adapters.Return{Company: company, Period: period, Rows: 3}
		if change != nil {
			change(r.Return)
		}
	})
}

func (t *suite) returns() {
	const northdock, harbour = "12-345678-C", "10-000001-Y"
	until := t.now.Add(time.Hour)
	open := t.declares(northdock, "2026-W46", func(r *adapters.Return) { r.Open, r.OpenUntil = 2, until })
	gone := t.declares(northdock, "2026-W47", nil)
	t.declares(harbour, "2026-W47", nil)
	kept := t.declares(harbour, "2026-W45", func(r *adapters.Return) {
		r.Kept = []adapters.KeptRow{{Number: 15, Row: "a; b", Due: t.now.Add(2 * time.Hour)}, {Number: 16, Row: "a; c", Due: t.now.Add(time.Hour)}}
	})
	t.put("waste", time.Hour, nil)
	listed := func(companies []string, periods ...string) string {
		t.Helper()
		all, err := t.s.Returned(t.Context(), "DEC-GOODS", companies, periods)
		t.must(err)
		var got []string
		for _, r := range all {
			got = append(got, r.Company+" "+r.Period)
		}
		return strings.Join(got, ", ")
	}
	if got := listed(nil, "2026-W46", "2026-W47"); got != "12-345678-C 2026-W46, 12-345678-C 2026-W47, 10-000001-Y 2026-W47" {
		t.Errorf("all: %s", got)
	}
	if got := listed([]string{harbour}, "2026-W46", "2026-W47"); got != "10-000001-Y 2026-W47" {
		t.Errorf("one company: %s", got)
	}
	_, err := t.s.Change(t.Context(), gone.ID(), nil, func(r *adapters.Record) ([]exchange.Notice, error) {
		r.State, r.Decision = exchange.Decided, exchange.Withdrawn
		return nil, nil
	})
	t.must(err)
	if got := listed([]string{northdock}, "2026-W46", "2026-W47"); got != "12-345678-C 2026-W46" {
		t.Errorf("with what was withdrawn: %s", got)
	}
	all, err := t.s.ReturnsOf(t.Context(), northdock, 5)
	t.must(err)
	if len(all) != 1 || all[0].ID != open.ID() || all[0].Open != 2 || !all[0].OpenUntil.Equal(until) || all[0].Rows != 3 || !all[0].Filed.Equal(open.Case.FiledAt) {
		t.Errorf("of a company: %+v", all)
	}
	t.keptRows(kept)
}

// keptRows: a case is in the list of those with kept rows until each is decided, and again when the word did not leave.
func (t *suite) keptRows(kept adapters.Record) {
	waiting := func() int {
		t.Helper()
		page, _, err := t.s.List(t.Context(), adapters.Filter{Departments: []string{"*"}, Kept: true, Sort: adapters.ByReview})
		t.must(err)
		return len(page)
	}
	if waiting() != 1 {
		t.Fatalf("%d cases with kept rows", waiting())
	}
	h := adapters.Held{ID: t.id(), Case: kept.ID(), By: "mei", At: t.now, State: adapters.AwaitsSecond, Notice: &exchange.Notice{ID: t.id(), Case: kept.ID()}}
	judge := func(number int) func(*adapters.Record) error {
		return func(r *adapters.Record) error {
			return r.Return.Judge([]adapters.RowJudged{{Number: number, Verdict: adapters.AcceptRow}}, "mei", h.ID)
		}
	}
	t.is("a row that is not kept", t.s.Hold(t.Context(), h, adapters.Entry{ID: t.id()}, judge(7)), adapters.ErrGone)
	t.must(t.s.Hold(t.Context(), h, adapters.Entry{ID: t.id()}, func(r *adapters.Record) error {
		return r.Return.Judge([]adapters.RowJudged{{Number: 15, Verdict: adapters.RefuseRow, Why: "no"}, {Number: 16, Verdict: adapters.AcceptRow}}, "mei", h.ID)
	}))
	if waiting() != 0 {
		t.Error("decided rows still wait")
	}
	t.must(t.s.TakeBack(t.Context(), h.ID, "otto", adapters.Declined, adapters.Entry{ID: t.id(), Text: "no"}, t.now))
	r, err := t.s.Record(t.Context(), kept.ID())
	t.must(err)
	if waiting() != 1 || len(r.Return.Waiting()) != 2 || r.Return.Kept[0].Why != "" {
		t.Errorf("what was declined counts: %+v", r.Return)
	}
}
