package broadcast

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

var (
	noon  = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	night = time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC)
	phone = channels.Address{Channel: "sms", Value: "+447700800001"}
	bot   = channels.Address{Channel: "chat", Value: "42"}
	mail  = channels.Address{Channel: "email", Value: "a@x.example"}
)

func planner() Planner {
	return Planner{Languages: []string{"en", "fr"}, Carries: func(c string) bool { return c != "web" },
		Daytime: func(t time.Time) time.Time {
			if t.Hour() < 8 {
				return time.Date(t.Year(), t.Month(), t.Day(), 8, 0, 0, 0, t.Location())
			}
			return t
		}}
}

func storm() Campaign {
	return Campaign{Broadcast: exchange.Broadcast{ID: "01KBROADCAST0000000000000A", List: "alerts", Priority: "routine", Bodies: []exchange.Body{
		{Lang: "en", Text: "Storm – stay “inside”."}, {Lang: "fr", Text: "Tempête."}, {Lang: "en", Channel: "chat", Text: "Storm in the chat."}}}}
}

func person(reaches ...gateway.Reach) Recipient {
	return Recipient{Contact: gateway.Contact{ID: "c1", Lang: "en", Created: noon, Reaches: reaches}}
}

// TestWordsOfARecipient: their language before the city's, the channel's own body before the common one.
func TestWordsOfARecipient(t *testing.T) {
	for _, x := range []struct {
		lang     string
		at       channels.Address
		text, is string
	}{{"en", phone, "Storm - stay \"inside\".", "en"}, {"fr", phone, "Tempete.", "fr"}, {"fr", bot, "Tempête.", "fr"}, {"ar", phone, "Storm - stay \"inside\".", "en"}, {"en", bot, "Storm in the chat.", "en"}} {
		r := person(gateway.Reach{Address: x.at, Heard: noon})
		r.Contact.Lang = x.lang
		v := planner().Plan(storm(), r, noon)
		if v.State != Sending || v.Delivery.Message.Text != x.text || v.Delivery.Message.Lang != x.is || v.Delivery.Message.To != x.at {
			t.Errorf("%s at %s: %+v", x.lang, x.at, v)
		}
	}
	c := storm()
	c.Broadcast.Bodies = c.Broadcast.Bodies[2:]
	if v := planner().Plan(c, person(gateway.Reach{Address: phone, Heard: noon}), noon); v.State != Skipped || v.Reason != NoText {
		t.Errorf("without words for the channel: %+v", v)
	}
}

// TestWhoIsNotTold, and why.
func TestWhoIsNotTold(t *testing.T) {
	at := func(change func(*gateway.Reach)) Recipient {
		r := gateway.Reach{Address: phone, Heard: noon}
		change(&r)
		return person(r)
	}
	urgent := storm()
	urgent.Broadcast.Priority, urgent.Broadcast.Expires = exchange.PriorityEmergency, noon.Add(time.Hour)
	late := storm()
	late.Broadcast.Expires = noon
	failed := at(func(*gateway.Reach) {})
	failed.Attempt, failed.Tried, failed.Reason = 1, []channels.Address{phone}, Reason(channels.Unreachable)
	rejected := failed
	rejected.Reason = Reason(channels.Rejected)
	for name, x := range map[string]struct {
		c    Campaign
		r    Recipient
		want string
	}{
		"stopped":                 {storm(), at(func(r *gateway.Reach) { r.Stopped = true }), "skipped opted_out"},
		"stopped, in danger":      {urgent, at(func(r *gateway.Reach) { r.Stopped = true }), "sending "},
		"blocked, in danger":      {urgent, at(func(r *gateway.Reach) { r.Stopped, r.Blocked = true, true }), "skipped opted_out"},
		"dead":                    {storm(), at(func(r *gateway.Reach) { r.Dead = true }), "skipped no_address"},
		"somebody else's perhaps": {storm(), at(func(r *gateway.Reach) { r.Unsure = true }), "skipped no_address"},
		"a web page":              {storm(), at(func(r *gateway.Reach) { r.Address.Channel = "web" }), "skipped no_address"},
		"left the list":           {storm(), person(), "skipped no_consent"},
		"forgotten":               {storm(), Recipient{Contact: gateway.Contact{ID: "c1"}}, "skipped gone"},
		"too late":                {late, at(func(*gateway.Reach) {}), "skipped expired"},
		"bounced":                 {storm(), failed, "bounced unreachable"},
		"rejected":                {storm(), rejected, "failed rejected"},
	} {
		v := planner().Plan(x.c, x.r, noon)
		if got := fmt.Sprint(v.State, " ", v.Reason); got != x.want {
			t.Errorf("%s: %s, not %s", name, got, x.want)
		}
	}
}

// TestQuietHours wait for the day, but not an emergency, and not past the end.
func TestQuietHours(t *testing.T) {
	for priority, want := range map[string]time.Duration{"routine": 7 * time.Hour, "emergency": 0} {
		c := storm()
		c.Broadcast.Priority = priority
		r := person(gateway.Reach{Address: phone, Heard: noon})
		r.Contact.Quiet = true
		v := planner().Plan(c, r, night)
		if want == 0 && v.State != Sending || want > 0 && (v.State != Queued || !v.Again.Equal(night.Add(want))) {
			t.Errorf("%s: %+v", priority, v)
		}
		c.Broadcast.Expires = night.Add(time.Hour)
		if v := planner().Plan(c, r, night); (v.State == Skipped) != (want > 0) {
			t.Errorf("%s: what ends before the day: %+v", priority, v)
		}
	}
}

// TestPoliciesByPriority: an emergency is rather sent twice, all else rather not.
func TestPoliciesByPriority(t *testing.T) {
	r := person(gateway.Reach{Address: phone, Heard: noon})
	for _, x := range []struct {
		priority, policy string
		once             bool
	}{{"routine", "", true}, {"statutory", "", true}, {"emergency", "", false}, {"emergency", Once, true}, {"routine", Reach, false}} {
		c := storm()
		c.Broadcast.Priority, c.Broadcast.Policy = x.priority, x.policy
		v := planner().Plan(c, r, noon)
		if v.Delivery == nil || v.Delivery.Once != x.once || v.Delivery.Message.Urgent != (x.priority == "emergency") {
			t.Errorf("%s %s: %+v", x.priority, x.policy, v.Delivery)
		}
	}
}

// TestEveryWalkEnds: whatever the addresses are and however each one fails, a recipient comes to a final state after at most
// one try of each, and no address is tried twice.
func TestEveryWalkEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := person()
		for i, a := range []channels.Address{phone, bot, mail, {Channel: "web", Value: "s"}} {
			if !rapid.Bool().Draw(t, "has") {
				continue
			}
			r.Contact.Reaches = append(r.Contact.Reaches, gateway.Reach{Address: a, Heard: noon.Add(time.Duration(i) * time.Minute),
				Stopped: rapid.Bool().Draw(t, "stopped"), Dead: rapid.Bool().Draw(t, "dead")})
		}
		seen := map[channels.Address]bool{}
		for range len(r.Contact.Reaches) + 1 {
			v := planner().Plan(storm(), r, noon)
			if v.State.Final() {
				if len(seen) > 0 && v.State == Skipped && v.Reason != Reason(channels.Stopped) {
					t.Fatalf("tried at %d addresses, and said never to be: %+v", len(seen), v)
				}
				return
			}
			to := v.Delivery.Message.To
			if seen[to] {
				t.Fatalf("%s is tried twice", to)
			}
			seen[to] = true
			r.Attempt, r.Tried = r.Attempt+1, append(r.Tried, to)
			r.Reason = Reason(rapid.SampledFrom([]channels.Kind{channels.Unreachable, channels.Stopped, channels.Rejected}).Draw(t, "kind"))
		}
		t.Fatal("it never ends")
	})
}

// TestCountsAreTheSums: a Tally holds each sum, the whole and the phase, and crosses.
func TestCountsAreTheSums(t *testing.T) {
	c := storm()
	c.Expanded = true
	counts := Count(c, Running, []Sum{{Queued, "sms", Reason(channels.Unreachable), 2}, {Accepted, "chat", "", 3}, {Bounced, "", Reason(channels.Unreachable), 4}})
	if err := (exchange.Tally{ID: "t1", About: c.Broadcast.ID, At: noon, Counts: counts}).Check(); err != nil {
		t.Error(err)
	}
	if counts[0].Count != 9 {
		t.Errorf("%d recipients", counts[0].Count)
	}
	if open, tried, bounced := Weigh([]Sum{{Queued, "sms", Reason(channels.Unreachable), 2}, {Sending, "sms", "", 1}, {Accepted, "chat", "", 3}, {Bounced, "", "unreachable", 4}}); open != 3 || tried != 9 || bounced != 6 {
		t.Errorf("open %d, tried %d, bounced %d", open, tried, bounced)
	}
}
