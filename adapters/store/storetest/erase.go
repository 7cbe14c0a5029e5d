package storetest

import (
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// erasures wait for what is on its way, are leased, and are known when they come again.
func (t *suite) erasures() {
	c := t.aCase()
	t.must(t.s.TakeCase(t.Context(), t.next(), c, "desk", t.now))
	e := exchange.Erasure{ID: t.id(), Party: "p1", At: t.now}
	for range 2 {
		t.must(t.s.Forget(t.Context(), t.next(), e, t.now))
	}
	due := func() []adapters.Forgetting {
		t.Helper()
		f, err := t.s.DueErasures(t.Context(), t.now, 10, time.Minute)
		t.must(err)
		return f
	}
	if f := due(); len(f) != 0 {
		t.Errorf("while its case is on its way: %+v", f)
	}
	t.ready()
	t.must(t.s.Done(t.Context(), c.ID, "42", nil, t.now))
	t.now = t.now.Add(time.Minute)
	f := due()
	if len(f) != 1 || f[0].Connector != "desk" || f[0].Party != "p1" {
		t.Fatalf("due: %+v", f)
	}
	if again := due(); len(again) != 0 {
		t.Errorf("leased twice: %+v", again)
	}
	cases, err := t.s.PartyCases(t.Context(), "p1", "desk")
	if t.must(err); len(cases) != 1 || cases[0] != c.ID {
		t.Errorf("cases %v", cases)
	}
	f[0].State, f[0].Result = adapters.ErasureKept, adapters.Erased{Kept: 1, Until: t.now.AddDate(2, 0, 0)}
	t.must(t.s.Erasing(t.Context(), f[0]))
	t.must(t.s.Scrub(t.Context(), c.ID))
	_, err = t.s.Case(t.Context(), c.ID)
	t.is("a scrubbed case", err, adapters.ErrForgotten)
	t.must(t.s.TakeCase(t.Context(), t.next(), c, "desk", t.now))
	if r := t.ready(); len(r) != 0 {
		t.Errorf("a scrubbed case comes again: %+v", r)
	}
	t.must(t.s.Forget(t.Context(), t.next(), exchange.Erasure{ID: t.id(), Party: "p", At: t.now.Add(time.Hour)}, t.now))
	all, err := t.s.Erasures(t.Context(), 10)
	t.must(err)
	if len(all) != 2 || all[0].Connector != "" || all[0].State != adapters.ErasureDone || all[1].Result.Kept != 1 {
		t.Errorf("erasures: %+v", all)
	}
}

// erasing holds one erasure of a person at a time for a second person; once it left, the outside has to confirm it.
func (t *suite) erasing() {
	c := t.aCase()
	t.must(t.s.TakeCase(t.Context(), t.next(), c, "desk", t.now))
	t.ready()
	t.must(t.s.Done(t.Context(), c.ID, "42", nil, t.now))
	r := t.put("waste", time.Hour, nil)
	ask := func() adapters.Held {
		id := t.id()
		return adapters.Held{ID: id, Case: r.ID(), By: "rosa", At: t.now, State: adapters.AwaitsSecond,
			Erase: &adapters.Erasing{Forget: exchange.Forget{ID: id, Party: "p1", At: t.now}, Reference: r.Case.Reference, Because: "asked in writing"}}
	}
	h := ask()
	for range 2 {
		t.must(t.s.Hold(t.Context(), h, adapters.Entry{ID: t.id(), Kind: adapters.Erase}, nil))
	}
	t.is("a second one", t.s.Hold(t.Context(), ask(), adapters.Entry{ID: t.id()}, nil), adapters.ErrPending)
	t.is("released by who asked", t.s.Release(t.Context(), h.ID, exchange.Released{By: "rosa", Second: "rosa"}, t.now), adapters.ErrSamePerson)
	t.must(t.s.Release(t.Context(), h.ID, exchange.Released{By: "rosa", Second: "vera"}, t.now.Add(time.Minute)))
	if due, err := t.s.Forgets(t.Context(), t.now, 10); err != nil || len(due) != 0 {
		t.Errorf("it leaves before its time: %v, %v", due, err)
	}
	t.now = t.now.Add(time.Minute)
	due, err := t.s.Forgets(t.Context(), t.now, 10)
	if t.must(err); len(due) != 1 || due[0].Second != "vera" {
		t.Fatalf("due: %+v", due)
	}
	t.must(t.s.Sent(t.Context(), h.ID, exchange.Parcel{ID: h.ID, Kind: exchange.KindForget, Content: []byte("{}"), Created: t.now}))
	t.is("sent twice", t.s.Sent(t.Context(), h.ID, exchange.Parcel{ID: h.ID}), adapters.ErrGone)
	t.is("asked again meanwhile", t.s.Hold(t.Context(), ask(), adapters.Entry{ID: t.id()}, nil), adapters.ErrPending)
	all, err := t.s.Erasures(t.Context(), 10)
	if t.must(err); len(all) != 1 || all[0].State != adapters.ErasureAsked || all[0].By != "rosa" {
		t.Errorf("asked: %+v", all)
	}
	t.must(t.s.Forget(t.Context(), t.next(), exchange.Erasure{ID: h.ID, Party: "p1", At: t.now}, t.now))
	all, err = t.s.Erasures(t.Context(), 10)
	if t.must(err); len(all) != 1 || all[0].State != adapters.ErasureDue || all[0].Connector != "desk" || all[0].Second != "vera" {
		t.Errorf("confirmed: %+v", all)
	}
}
