package console

import (
	"slices"
	"strings"

	"gatehouse/exchange"
)

// progress is how far a message to many is, as the gateway last counted its ledger.
type progress struct {
	exchange.Tally
	Phase      string // running, paused, halted, stopped, ended
	Whole      bool   // everybody concerned is written down
	Recipients int64
	States     map[string]int64 // by state
	Channels   []channelLine
	Reasons    []reasonLine
}

// channelLine is how far one channel is.
type channelLine struct {
	Channel                           string
	Open, Sent, Arrived, Missed, Left int64
}

// reasonLine is how many were not told for one reason.
type reasonLine struct {
	State, Reason string
	Count         int64
}

// progressOf reads the counts of a Tally: "state/channel/reason", "phase/…", "recipients" and "expanded".
func progressOf(t exchange.Tally) *progress {
	p := &progress{Tally: t, States: map[string]int64{}}
	for _, n := range t.Counts {
		state, rest, _ := strings.Cut(n.Name, "/")
		channel, reason, _ := strings.Cut(rest, "/")
		switch state {
		case "recipients":
			p.Recipients = n.Count
		case "expanded":
			p.Whole = true
		case "phase":
			p.Phase = channel
		default:
			p.add(state, channel, reason, n.Count)
		}
	}
	return p
}

func (p *progress) add(state, channel, reason string, n int64) {
	p.States[state] += n
	if reason != "" && slices.Contains([]string{"bounced", "failed", "skipped"}, state) {
		i := slices.IndexFunc(p.Reasons, func(r reasonLine) bool { return r.State == state && r.Reason == reason })
		if i < 0 {
			i, p.Reasons = len(p.Reasons), append(p.Reasons, reasonLine{State: state, Reason: reason})
		}
		p.Reasons[i].Count += n
	}
	if channel == "" {
		return
	}
	i := slices.IndexFunc(p.Channels, func(c channelLine) bool { return c.Channel == channel })
	if i < 0 {
		i, p.Channels = len(p.Channels), append(p.Channels, channelLine{Channel: channel})
	}
	c := &p.Channels[i]
	switch state {
	case "queued", "sending":
		c.Open += n
	case "accepted":
		c.Sent += n
	case "delivered":
		c.Arrived += n
	case "skipped":
		c.Left += n
	default:
		c.Missed += n
	}
}

// Done is how many are told, or never will be.
func (p *progress) Done() int64 { return p.Recipients - p.States["queued"] - p.States["sending"] }

// Percent of the recipients are done, rounded down: 100 is all.
func (p *progress) Percent() int64 {
	if p.Recipients == 0 {
		return 0
	}
	return 100 * p.Done() / p.Recipients
}

// Left is everybody who was skipped.
func (p *progress) Left() int64 { return p.States["skipped"] }

// Missed is everybody who could not be told.
func (p *progress) Missed() int64 { return p.States["bounced"] + p.States["failed"] }

// Told is everybody whose carrier took it.
func (p *progress) Told() int64 { return p.States["accepted"] + p.States["delivered"] }

// Open tells whether it may still change.
func (p *progress) Open() bool { return p.Phase != "ended" && p.Phase != "stopped" }

// cast is a message on its page or in the list.
type cast struct {
	*sheet
	bulletin
}

// Cast joins a message with what templates say it with.
func (s *sheet) Cast(b bulletin) cast { return cast{s, b} }
