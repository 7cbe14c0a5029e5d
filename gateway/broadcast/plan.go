package broadcast

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// Planner decides what becomes of a row. It is pure: no store, no clock, no chance.
type Planner struct {
	// Languages are the city's, the first one the fall-back.
	Languages []string
	// Daytime is the first moment from t on at which something may be sent unasked.
	Daytime func(t time.Time) time.Time
	// Carries names the channels that are open here.
	Carries func(channel string) bool
}

// Plan says where, when and in which words a recipient is told, or why not.
func (p Planner) Plan(c Campaign, r Recipient, now time.Time) Verdict {
	v := Verdict{Contact: r.Contact.ID, State: Queued, Reason: r.Reason}
	if expires := c.Broadcast.Expires; !expires.IsZero() && !now.Before(expires) {
		return r.end(v, Skipped, Expired)
	}
	to, why := p.choose(c, r)
	if why != "" {
		return r.end(v, Skipped, why)
	}
	body, ok := p.body(c.Broadcast.Bodies, to.Channel, r.Contact.Lang)
	if !ok {
		return r.end(v, Skipped, NoText)
	}
	v.Channel = to.Channel
	if at := p.hour(c, r.Contact, now); at.After(now) {
		if expires := c.Broadcast.Expires; !expires.IsZero() && !at.Before(expires) {
			return r.end(v, Skipped, Expired)
		}
		v.Again = at
		return v
	}
	v.State, v.Delivery = Sending, p.delivery(c, r.Contact, to, body, now)
	return v
}

// end gives the final verdict: who was tried before failed for that, whatever keeps the next address from being tried.
func (r Recipient) end(v Verdict, s State, why Reason) Verdict {
	v.State, v.Reason = s, why
	if r.Attempt > 0 {
		v.State, v.Reason = FailedFor(r.Reason), r.Reason
	}
	return v
}

// End gives the final verdict of a row that is not sent any more, on the channel where it waits.
func (r Recipient) End(why Reason, channel string) Verdict {
	return r.end(Verdict{Contact: r.Contact.ID, Channel: channel}, Skipped, why)
}

// Weigh gives how many rows are open, how many were handed to a carrier, and how many of these bounced.
func Weigh(sums []Sum) (open, tried, bounced int64) {
	for _, s := range sums {
		switch s.State {
		case Queued, Sending:
			open += s.Rows
			if s.Reason == Reason(channels.Unreachable) {
				tried, bounced = tried+s.Rows, bounced+s.Rows
			}
		case Bounced:
			tried, bounced = tried+s.Rows, bounced+s.Rows
		case Accepted, Delivered, Failed:
			tried += s.Rows
		}
	}
	return open, tried, bounced
}

// FailedFor is the final state of somebody who was tried everywhere, by the reason of the last address.
func FailedFor(why Reason) State {
	switch why {
	case Reason(channels.Unreachable):
		return Bounced
	case Reason(channels.Stopped):
		return Skipped
	}
	return Failed
}

// hour is when a recipient may be told: in an emergency and unless they asked for the day, at once.
func (p Planner) hour(c Campaign, to gateway.Contact, now time.Time) time.Time {
	if c.Urgent() || !to.Quiet {
		return now
	}
	return p.Daytime(now)
}

// choose takes the address that was heard from last of those that may be used and were not tried.
func (p Planner) choose(c Campaign, r Recipient) (channels.Address, Reason) {
	if len(r.Contact.Reaches) == 0 {
		if r.Contact.Created.IsZero() {
			return channels.Address{}, Unknown
		}
		return channels.Address{}, NoConsent
	}
	var best gateway.Reach
	why := NoAddress
	for _, x := range r.Contact.Reaches {
		switch {
		case x.Blocked || x.Stopped && !c.Urgent():
			why = OptedOut
		case x.Dead || x.Unsure || !p.Carries(x.Address.Channel) || slices.Contains(r.Tried, x.Address):
		case best.Address.IsZero() || x.Heard.After(best.Heard):
			best = x
		}
	}
	if best.Address.IsZero() {
		return channels.Address{}, why
	}
	return best.Address, ""
}

// body picks the text: the person's language before the city's others, the channel's own before the common one.
func (p Planner) body(all []exchange.Body, channel, lang string) (exchange.Body, bool) {
	for _, l := range append([]string{lang}, p.Languages...) {
		for _, c := range []string{channel, ""} {
			for _, b := range all {
				if b.Lang == l && b.Channel == c {
					return b, true
				}
			}
		}
	}
	return exchange.Body{}, false
}

func (p Planner) delivery(c Campaign, who gateway.Contact, to channels.Address, b exchange.Body, now time.Time) *gateway.Delivery {
	id := DeliveryID(c.Broadcast.ID, who.ID, to)
	m := channels.Message{
		ID: id, From: channels.Address{Channel: to.Channel}, To: to, At: now, Lang: b.Lang, Subject: b.Subject, Text: b.Text,
		Queue: channels.Broadcast, Urgent: c.Urgent(), Expires: c.Broadcast.Expires,
	}
	if to.Channel == "sms" {
		m.Text = text.Plain(b.Text, text.StripAccents)
	}
	return &gateway.Delivery{ID: id, Contact: who.ID, Queue: channels.Broadcast, Message: m, Due: now, Broadcast: c.Broadcast.ID, Once: c.Policy() == Once}
}

// idLength is that of every id of ours.
const idLength = 26

// DeliveryID follows from the broadcast, the contact and the address, so that a repeat is the same row and the same mail.
// The broadcast's time stands in front: ids still sort by time.
func DeliveryID(broadcast, contact string, to channels.Address) string {
	sum := sha256.Sum256([]byte(broadcast + "\x00" + contact + "\x00" + to.String()))
	head := broadcast[:min(len(broadcast), 10)]
	return head + base32.HexEncoding.EncodeToString(sum[:])[:idLength-len(head)]
}

// Count gives the counts of a Tally: one for each sum, named "state/channel/reason", the whole as "recipients", and whether
// the audience is whole and the phase as names with a one.
func Count(c Campaign, phase Phase, sums []Sum) []exchange.Count {
	out := []exchange.Count{{Name: "recipients"}, {Name: "phase/" + string(phase), Count: 1}}
	if c.Expanded {
		out = append(out, exchange.Count{Name: "expanded", Count: 1})
	}
	for _, s := range sums {
		out[0].Count += s.Rows
		name := string(s.State) + "/" + s.Channel + "/" + string(s.Reason)
		out = append(out, exchange.Count{Name: name, Count: s.Rows})
	}
	return out[:min(len(out), maxCounts)]
}

// maxCounts is the bound of Tally.Counts. States, channels and reasons are closed sets that stay below it.
const maxCounts = 200
