package exchange

import "time"

// Gauges gives what a side's metrics show of the border, for an alarm each: depth and age of what has not crossed, what
// was sent often without an answer, heartbeats, gaps, clocks, and whether the journal can be written.
func (s PortState) Gauges(now time.Time) []Gauge {
	in := s.Lane.Opposite()
	one := func(name, help string, l Lane, v float64) Gauge {
		return Gauge{"border_" + name, help, []string{"lane"}, []string{string(l)}, v}
	}
	out := []Gauge{
		one("holding", "1 while this process works the lanes; another holds them otherwise.", s.Lane, flag(s.Holding)),
		one("head_seq", "The last number given out.", s.Lane, float64(s.Head.Seq)),
		one("waiting", "Documents without a number.", s.Lane, float64(s.Depth.Waiting)),
		one("unacked", "Envelopes that no receipt covers yet.", s.Lane, float64(s.Depth.Unacked)),
		one("oldest_seconds", "Since the oldest of both was put in.", s.Lane, since(s.Depth.Oldest, now)),
		one("overdue", "Envelopes sent five times and more without a receipt: an alarm.", s.Lane, float64(s.Overdue)),
		one("acked_seconds", "Since the last receipt came; 0: none since the start.", s.Lane, since(s.Acked, now)),
		one("heard_seconds", "Since the guard's last heartbeat came; 0: none since the start.", in, since(s.Pulse.Heard, now)),
		one("gaps", "Gaps since the start.", in, float64(s.Pulse.Gaps)),
		one("skew_seconds", "The guard's clock minus ours.", in, s.Pulse.Skew.Seconds()),
		one("stale_beats", "Heartbeats older than one before them: a clock set back, or played again.", in, float64(s.Pulse.Stale)),
		one("aside", "Envelopes that were not genuine: an alarm.", in, float64(s.Aside)),
		one("history_differs", "Lines of a history that are not as what arrived: an alarm.", in, float64(s.Differs)),
		{"border_journal_broken", "1 while the journal can't be written and the border stands still.", nil, nil, flag(s.Journal != nil)},
	}
	for _, t := range []Trouble{TroubleSilent, TroubleGap, TroubleSkew, TroubleOrigin} {
		out = append(out, Gauge{"border_trouble", "1 while something is wrong on the lane: silent, gap, skew or origin.",
			[]string{"lane", "trouble"}, []string{string(in), string(t)}, flag(s.Pulse.Troubles()[t])})
	}
	return out
}

// Gauges gives them for this port.
func (p *Port) Gauges() []Gauge { return p.State().Gauges(p.Now()) }

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func since(t, now time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(now.Sub(t).Seconds(), 0)
}
