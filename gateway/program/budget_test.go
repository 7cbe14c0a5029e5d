package program

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/gateway"
	"gatehouse/gateway/volatile/local"
)

// till is a budget by a clock of the test's.
func till(t *testing.T, texts Texts) (*budget, *time.Time) {
	t.Helper()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	return &budget{texts: texts.with("44"), limiter: local.New(func() time.Time { return now }), log: slog.New(slog.DiscardHandler),
		over: map[string]bool{}, held: map[string]int64{}}, &now
}

func textTo(number string, q channels.Queue) gateway.Leased {
	d := gateway.Delivery{ID: "d", Queue: q}
	d.Message.To = channels.Address{Channel: "sms", Value: number}
	return gateway.Leased{Delivery: d}
}

func (b *budget) gauge(name string) float64 {
	for _, g := range b.Gauges() {
		if g.Name+" "+strings.Join(g.Values, "") == name {
			return g.Value
		}
	}
	return 0
}

// TestTextsHaveABudget: an alarm at half, then each text waits until there is room again.
func TestTextsHaveABudget(t *testing.T) {
	b, now := till(t, Texts{Hour: 10, Address: 5})
	spend := func(number string) time.Duration {
		t.Helper()
		wait, err := b.spend(t.Context(), textTo(number, channels.Reply))
		if err != nil {
			t.Fatalf("%s: %v", number, err)
		}
		return wait
	}
	for i := range 5 {
		if wait := spend("+447700900001"); wait != 0 {
			t.Errorf("text %d waits %v", i+1, wait)
		}
	}
	if b.gauge("texts_half_spent 44") != 0 {
		t.Error("the alarm is on at half already")
	}
	if wait := spend("+447700900001"); wait <= 0 || wait > 13*time.Minute || b.gauge("texts_held address") != 1 {
		t.Errorf("the sixth text to one number waits %v", wait)
	}
	spend("+447700900002")
	if b.gauge("texts_half_spent 44") != 1 {
		t.Error("no alarm over half")
	}
	for range 4 {
		spend("+447700900003")
	}
	if wait := spend("+447700900004"); wait <= 0 || b.gauge("texts_held hour") != 1 {
		t.Errorf("the eleventh text in an hour waits %v", wait)
	}
	*now = now.Add(time.Hour)
	if wait := spend("+447700900004"); wait != 0 || b.gauge("texts_half_spent 44") != 0 {
		t.Errorf("an hour later it waits %v, alarm %v", wait, b.gauge("texts_half_spent 44"))
	}
}

// TestARetryTakesOneToken: a text that waits for its country's hour, or that the carrier put off, takes one of its number's
// tokens in all; the others of the number's budget go to other texts.
func TestARetryTakesOneToken(t *testing.T) {
	b, now := till(t, Texts{Hour: 2, Address: 3})
	spend := func(id, number string, attempt int) time.Duration {
		t.Helper()
		d := textTo(number, channels.Reply)
		d.ID, d.Attempt = id, attempt
		wait, err := b.spend(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		return wait
	}
	const number = "+447700900001"
	if spend("a", "+447700900002", 1)+spend("b", "+447700900002", 1) != 0 {
		t.Fatal("the hour has no room at first")
	}
	for range 9 {
		if spend("c", number, 1) == 0 {
			t.Fatal("the hour has room for a third")
		}
	}
	*now = now.Add(30 * time.Minute) // one more for the country; the number got none back beside the one that is gone
	if wait := spend("c", number, 1); wait != 0 {
		t.Errorf("it waits %v more", wait)
	}
	for attempt := 2; attempt < 9; attempt++ {
		if wait := spend("c", number, attempt); wait != 0 {
			t.Errorf("a text that the carrier put off waits %v at its try %d", wait, attempt)
		}
	}
	*now = now.Add(time.Minute)
	b.texts.Hour = 1000
	for _, id := range []string{"d", "e", "f"} {
		if wait := spend(id, number, 1); wait != 0 {
			t.Errorf("%s waits %v", id, wait)
		}
	}
	if len(b.paid) != 0 {
		t.Errorf("it still remembers %v", b.paid)
	}
}

// TestTextsStayAtHome: a country that is not named gets nothing, one that is named its own budget, by the longest prefix.
func TestTextsStayAtHome(t *testing.T) {
	b, _ := till(t, Texts{Abroad: map[string]int{"351": 2, "3519": 1, "4477009009": 1}})
	for _, c := range []struct {
		number string
		wait   bool
		err    error
	}{
		{"+447700900001", false, nil}, {"+33612345678", false, errCountry}, {"+12025550123", false, errCountry}, {"60777", false, nil},
		{"+351211111111", false, nil}, {"+351211111112", false, nil}, {"+351211111113", true, nil}, {"+351911111111", false, nil}, {"+351911111112", true, nil},
		{"+447700900900", false, nil}, {"+447700900901", true, nil},
	} {
		wait, err := b.spend(t.Context(), textTo(c.number, channels.Notice))
		if (wait > 0) != c.wait || !errors.Is(err, c.err) {
			t.Errorf("%s waits %v, %v", c.number, wait, err)
		}
	}
	if b.gauge("texts_held country") != 2 {
		t.Errorf("%v refused for their country", b.gauge("texts_held country"))
	}
}

// TestNoBudgetHoldsBackWhatMustBeTold: danger, the law, released broadcasts, other channels, and what the carrier may
// have already.
func TestNoBudgetHoldsBackWhatMustBeTold(t *testing.T) {
	b, _ := till(t, Texts{Hour: 1, Address: 1})
	urgent, must, again := textTo("+33612345678", channels.Reply), textTo("+33612345678", channels.Notice), textTo("+33612345678", channels.Reply)
	urgent.Message.Urgent, must.Must, again.Since = true, true, time.Now()
	chat := textTo("4711", channels.Reply)
	chat.Message.To.Channel = "chat"
	for range 3 {
		for i, d := range []gateway.Leased{urgent, must, again, chat, textTo("+33612345678", channels.Broadcast)} {
			if wait, err := b.spend(t.Context(), d); wait != 0 || err != nil {
				t.Errorf("%d waits %v, %v", i, wait, err)
			}
		}
	}
}

func TestBudgetsAreChecked(t *testing.T) {
	for want, texts := range map[string]Texts{
		"": {Hour: 10, Home: "44", Abroad: map[string]int{"351": 5}}, "+44": {Home: "+44"}, "0044": {Home: "0044"},
		"abroad: 351": {Abroad: map[string]int{"351": 0}}, "above 0": {Hour: -1},
	} {
		err := errors.Join(texts.faults()...)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v gives %v, want %q", texts, err, want)
		}
	}
}

// TestTextAbroadEndsWithItsReason: it is not tried, and the delivery keeps why.
func TestTextAbroadEndsWithItsReason(t *testing.T) {
	b, _ := till(t, Texts{})
	c := &carrier{name: "sms"}
	s := sending(nil, c)
	s.budget = b
	out := s.one(t.Context(), newGate(), textTo("+33612345678", channels.Reply))
	if out.Err == nil || out.Err.Kind != channels.Rejected || out.Err.Code != heldCountry || !out.Again.IsZero() || c.count() != 0 {
		t.Errorf("%+v after %d sendings", out, c.count())
	}
}
