package gateway_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

// azores is where Port Lumen's clocks are: an hour behind UTC, on it in summer; they change at 1:00 UTC.
func azores(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Atlantic/Azores")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// local is a time as the city's clocks show it.
func local(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation(time.DateTime, s, azores(t))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// ring gives the earliest wake to the dispatcher, at its time, and what was said. The store hands them out so.
func (w *world) ring() string {
	w.t.Helper()
	next := slices.MinFunc(w.wakes, func(a, b gateway.Wake) int { return a.At.Compare(b.At) })
	if next.At.After(w.now) {
		w.now = next.At
	}
	turn := gateway.Turn{Now: w.now, NewID: w.newID, NewReference: w.newReference, Claim: gateway.Claim{Contact: "c1", Wake: next},
		Contact: w.contact, Draft: w.draft, Matters: w.matters}
	for _, r := range w.contact.Reaches {
		if talk, ok := w.convs[r.Address]; ok {
			turn.Talks = append(turn.Talks, talk)
		}
	}
	return w.apply(w.d.Wake(turn, next))
}

func (w *world) wakeAt(kind gateway.WakeKind) time.Time {
	for _, k := range w.wakes {
		if k.Kind == kind {
			return k.At.In(azores(w.t))
		}
	}
	return time.Time{}
}

// TestWakesOfADraft: when a form by text is reminded of and deleted, to the second, through the days on which the
// clocks change.
func TestWakesOfADraft(t *testing.T) {
	for _, c := range []struct{ name, touched, remind, end string }{
		{"by day", "2026-11-22 16:30:05", "2026-11-23 16:30:05", "2026-11-30 08:00:00"},
		{"the last second of the day", "2026-11-22 19:59:59", "2026-11-23 19:59:59", "2026-11-30 08:00:00"},
		{"the first second of the night", "2026-11-22 20:00:00", "2026-11-24 08:00:00", "2026-11-30 08:00:00"},
		{"before dawn", "2026-11-22 07:59:59", "2026-11-23 08:00:00", "2026-11-30 08:00:00"},
		{"at dawn", "2026-11-22 08:00:00", "2026-11-23 08:00:00", "2026-11-30 08:00:00"},
		{"just before midnight", "2026-11-22 23:59:59", "2026-11-24 08:00:00", "2026-11-30 08:00:00"},
		{"24 hours later it is an hour earlier", "2026-10-24 12:00:00", "2026-10-25 11:00:00", "2026-11-01 08:00:00"},
		{"24 hours later it is before dawn", "2026-10-24 08:30:00", "2026-10-25 08:00:00", "2026-11-01 08:00:00"},
		{"24 hours later it is night", "2026-03-28 19:30:00", "2026-03-30 08:00:00", "2026-04-05 08:00:00"},
		{"deleted on the short day", "2026-03-21 10:00:00", "2026-03-22 10:00:00", "2026-03-29 08:00:00"},
		{"deleted on the long day", "2026-10-17 10:00:00", "2026-10-18 10:00:00", "2026-10-25 08:00:00"},
	} {
		w := newWorld(t)
		w.now = local(t, c.touched)
		w.text("BOOK")
		if got := w.wakeAt(gateway.WakeRemind); !got.Equal(local(t, c.remind)) {
			t.Errorf("%s: reminded at %s, want %s", c.name, got, c.remind)
		}
		if got := w.wakeAt(gateway.WakeEnd); !got.Equal(local(t, c.end)) {
			t.Errorf("%s: deleted at %s, want %s", c.name, got, c.end)
		}
	}
}

// TestReminderOnceThenDeletedWithNotice walks a form that nobody goes on with.
func TestReminderOnceThenDeletedWithNotice(t *testing.T) {
	w := newWorld(t)
	w.now = local(t, "2026-11-22 16:30:05")
	w.text("BOOK")
	w.text("14 quay st")
	w.text("1")
	pending, touched := w.convs[phone], w.draft.Touched
	want := "Your pickup form is not sent yet. It is kept until Sun 29 Nov. Reply GO to go on at question 3, or DROP to delete it."
	if got := w.ring(); got != want || !w.now.Equal(local(t, "2026-11-23 16:30:05")) {
		t.Fatalf("at %s: %s", w.now, got)
	}
	if d := w.last.Deliveries[0]; d.Queue != channels.Notice || d.Message.To != phone || d.Must {
		t.Errorf("the reminder is %+v", d)
	}
	if !w.draft.Touched.Equal(touched) || w.convs[phone].Heard != pending.Heard || len(w.wakes) != 1 {
		t.Errorf("a reminder is nothing that the person did: %+v, %+v", w.draft, w.wakes)
	}
	if got := w.text("1,3"); !strings.HasPrefix(got, "Pickup 4/4. Which day?") {
		t.Fatalf("an answer after the reminder: %s", got)
	}
	w.ring()
	kept := service.DayOf(w.now.In(azores(t))).Add(6)
	if got := w.ring(); !strings.Contains(got, "was not sent and is deleted now") || w.draft != nil || !w.last.DropDraft {
		t.Fatalf("at the end: %s, %+v", got, w.draft)
	}
	if want := kept.Add(1).String() + " 08:00:00"; !w.now.Equal(local(t, want)) || len(w.wakes) != 0 {
		t.Errorf("deleted at %s, want %s; left %v", w.now, want, w.wakes)
	}
	if got := w.text("GO"); !strings.HasPrefix(got, "No form is open") {
		t.Errorf("GO after the end: %s", got)
	}
}

// TestPauseKeepsWhatItPromises: to the last second of the day that PAUSE names, the form is there.
func TestPauseKeepsWhatItPromises(t *testing.T) {
	for _, c := range []struct {
		at   string
		kept bool
	}{{"2026-11-29 23:59:59", true}, {"2026-11-30 07:59:59", true}, {"2026-11-30 08:00:00", false}} {
		w := newWorld(t)
		w.now = local(t, "2026-11-22 00:00:01")
		w.text("BOOK")
		if got := w.text("PAUSE"); !strings.Contains(got, "until Sun 29 Nov") {
			t.Fatalf("PAUSE: %s", got)
		}
		w.now = local(t, c.at)
		got := w.text("GO")
		if c.kept != strings.HasPrefix(got, "Pickup 1/4") {
			t.Errorf("at %s: %s", c.at, got)
		}
		if !c.kept && (!strings.Contains(got, "is deleted now") || w.draft != nil || len(w.wakes) != 0) {
			t.Errorf("a message came before the wake: %s, %v", got, w.wakes)
		}
	}
}

// TestClockJumps: a clock that jumped, or a gateway that was away, sends no reminder by night and none beside the
// deletion.
func TestClockJumps(t *testing.T) {
	begin := func() *world {
		w := newWorld(t)
		w.now = local(t, "2026-11-22 16:30:05")
		w.text("BOOK")
		return w
	}
	w := begin()
	w.now = local(t, "2026-11-24 03:00:00")
	if got := w.ring(); got != "" || !w.wakeAt(gateway.WakeRemind).Equal(local(t, "2026-11-24 08:00:00")) {
		t.Errorf("by night: %q, then %v", got, w.wakes)
	}
	if got := w.ring(); !strings.Contains(got, "not sent yet") {
		t.Errorf("in the morning: %s", got)
	}
	w = begin()
	w.now = local(t, "2027-02-01 12:00:00")
	if got := w.ring(); got != "" {
		t.Errorf("reminded of what is over: %s", got)
	}
	if got := w.ring(); !strings.Contains(got, "is deleted now") {
		t.Errorf("the end: %s", got)
	}
	w = begin()
	w.now = local(t, "2026-11-20 12:00:00") // set back: nothing is due, and nothing lost
	w.text("14 quay st")
	if w.draft == nil || !w.wakeAt(gateway.WakeRemind).Equal(local(t, "2026-11-21 12:00:00")) {
		t.Errorf("set back: %v", w.wakes)
	}
}

// TestWebChatIsToldAfterHalfAnHour: the window says that the form is kept; answers go on to be taken.
func TestWebChatIsToldAfterHalfAnHour(t *testing.T) {
	w := newWorld(t)
	w.now = local(t, "2026-11-22 22:00:00")
	w.say(tab, "BOOK")
	if got := w.ring(); !strings.Contains(got, "is not sent yet") || !w.now.Equal(local(t, "2026-11-22 22:30:00")) {
		t.Fatalf("at %s: %s", w.now, got)
	}
	if d := w.last.Deliveries[0]; d.Message.To != tab {
		t.Errorf("told on %s", d.Message.To)
	}
	w.now = w.now.Add(48 * time.Hour)
	if got := w.say(tab, "14 quay st"); !strings.HasPrefix(got, "Pickup 2/4") {
		t.Errorf("an answer two days later: %s", got)
	}
}

// TestNobodyIsRemindedWhoStopped: the form ends quietly, at its time.
func TestNobodyIsRemindedWhoStopped(t *testing.T) {
	w := newWorld(t)
	w.text("BOOK")
	w.text("STOP")
	for len(w.wakes) > 0 {
		if got := w.ring(); got != "" {
			t.Errorf("after STOP: %s", got)
		}
	}
	if w.draft != nil {
		t.Error("the form stays")
	}
}

// TestWakesFollowTheForm: each of DROP, SEND and a new form leaves no wake behind, and a stale one does nothing.
func TestWakesFollowTheForm(t *testing.T) {
	w := newWorld(t)
	w.text("BOOK")
	old := slices.Clone(w.wakes)
	w.text("DROP")
	if len(w.wakes) != 0 {
		t.Errorf("after DROP: %v", w.wakes)
	}
	w.text("BOOK 14 Quay St, 1 3, 3 Dec")
	live := slices.Clone(w.wakes)
	w.wakes = slices.Clone(old)
	if got := w.ring(); got != "" || w.draft == nil {
		t.Errorf("a wake of the old form: %s", got)
	}
	w.wakes = slices.Clone(live)
	w.text("SEND")
	if w.draft != nil || slices.ContainsFunc(w.wakes, func(k gateway.Wake) bool { return k.Kind != gateway.WakePromise && k.Subject != old[0].Subject }) {
		t.Errorf("after SEND: %v", w.wakes)
	}
	o := w.d.Wake(gateway.Turn{Now: w.now, Claim: gateway.Claim{Wake: gateway.Wake{Kind: "of tomorrow", Subject: "s"}}}, gateway.Wake{Kind: "of tomorrow"})
	if len(o.Wakes) != 1 || !o.Wakes[0].At.Equal(w.now.Add(time.Hour)) {
		t.Errorf("a kind that only a newer gateway knows: %+v", o.Wakes)
	}
}
