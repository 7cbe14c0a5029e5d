package gateway_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/gateway"
)

// lapse lets a wake come due, and gives what was said.
func (w *world) lapse(kind gateway.WakeKind) string {
	w.t.Helper()
	i := slices.IndexFunc(w.wakes, func(k gateway.Wake) bool { return k.Kind == kind })
	if i < 0 {
		return ""
	}
	k := w.wakes[i]
	o := w.d.Wake(gateway.Turn{Now: w.now, NewID: w.newID, Claim: gateway.Claim{Contact: w.contact.ID, Wake: k, Fence: 1}, Contact: w.contact,
		Draft: w.draft, Matters: w.matters, Corrections: w.open}, k)
	return w.apply(o)
}

// TestMissedPromise apologises once, by day, with a working day as the new date, and raises the case.
func TestMissedPromise(t *testing.T) {
	w := newWorld(t)
	m := w.filed(phone)
	if at := w.wakeAt(gateway.WakePromise); !at.Equal(m.Promise) || m.Promise.IsZero() {
		t.Fatalf("the clock is wound for %v, promised is %v", at, m.Promise)
	}
	before := len(w.crossed)
	w.now = m.Promise.Add(5 * time.Hour) // at night
	if got := w.lapse(gateway.WakePromise); got != "" || len(w.crossed) != before {
		t.Fatalf("at night it says %q", got)
	}
	if w.now = w.wakeAt(gateway.WakePromise); w.now.Hour() != 8 {
		t.Fatalf("it is put off until %v", w.now)
	}
	got := w.lapse(gateway.WakePromise)
	again := w.matters[0].Promise
	if !strings.Contains(got, "we are late, sorry") || !again.After(w.now) || again.Weekday() == time.Saturday || again.Weekday() == time.Sunday {
		t.Errorf("it says %q, the new date is %v", got, again)
	}
	a, ok := w.crossed[len(w.crossed)-1].Document.(exchange.Addition)
	if !ok || a.Act != exchange.ActRaise || a.Case != m.ID || a.Check() != nil {
		t.Errorf("crossed is %+v", a)
	}
	w.now = again.Add(time.Hour)
	if got := w.lapse(gateway.WakePromise); got != "" || !w.wakeAt(gateway.WakePromise).IsZero() {
		t.Errorf("it apologises again: %q", got)
	}
}

// TestKeptPromise: words, a question and a decision stop the clock; a new date moves it; a bare change does not.
func TestKeptPromise(t *testing.T) {
	later := monday.Add(20 * 24 * time.Hour)
	for name, c := range map[string]struct {
		n    exchange.Notice
		want time.Time
	}{
		"reply":    {exchange.Notice{Text: "We come on Thursday."}, time.Time{}},
		"question": {exchange.Notice{State: exchange.WaitingYou, Text: "Which floor?"}, time.Time{}},
		"decision": {exchange.Notice{Decision: exchange.Granted, Reason: "Yes."}, time.Time{}},
		"new date": {exchange.Notice{State: exchange.InOA, Promise: later}, later},
		"received": {exchange.Notice{State: exchange.Received}, time.Unix(1, 0)},
	} {
		w := newWorld(t)
		m := w.filed(phone)
		if c.want.Equal(time.Unix(1, 0)) {
			c.want = m.Promise
		}
		w.notice(m, c.n)
		if at := w.wakeAt(gateway.WakePromise); !at.Equal(c.want) {
			t.Errorf("%s: the clock is wound for %v, want %v", name, at, c.want)
		}
	}
	w, ref := decided(t)
	w.text("reopen " + ref)
	if got := w.text("It is the second."); !strings.Contains(got, "Next step by") || w.wakeAt(gateway.WakePromise).IsZero() {
		t.Errorf("opened again it promises nothing: %q", got)
	}
}
