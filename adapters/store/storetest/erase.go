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
