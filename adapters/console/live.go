package console

import (
	"time"

	"gatehouse/exchange"
)

// livePage is the border as the running program sees it.
type livePage struct {
	State    exchange.PortState
	Lanes    []lanePage
	Keys     []keyPage
	Troubles []trouble
}

// lanePage is one lane in the picture: who stands in it, and whether each hop beats.
type lanePage struct {
	Name   exchange.Lane
	Stops  []string // keys of the stations' names, in the order in which a document passes
	Bad    bool
	Since  time.Time // of the last sign; zero: none since the start
	Number uint64
	Open   int64 // documents on their way; of the lane up: what the origin says waits
}

// keyPage is a key as people compare and count it.
type keyPage struct {
	exchange.KeyState
	Days, Left int
}

// trouble is something an operator must look at: the key of its sentence, and a number for it.
type trouble struct {
	Text string
	N    int
}

// live gathers what the running border knows. Seconds-old is new enough: the page is asked for anew by a person.
func (c *Console) live(b borderPage) *livePage {
	if c.Live == nil {
		return nil
	}
	s := c.Live.State()
	p := &livePage{State: s}
	down := lanePage{Name: exchange.Down, Stops: []string{"intranet", "down-guard", "extranet"}, Since: s.Acked, Number: s.Head.Seq,
		Open: b.Border.Waiting + b.Border.Unacked, Bad: s.Overdue > 0}
	up := lanePage{Name: exchange.Up, Stops: []string{"extranet", "up-guard", "intranet"}, Since: s.Pulse.Heard, Number: b.Border.Heard.Contiguous,
		Open: int64(s.Pulse.Origin.Waiting), Bad: s.Pulse.Silent || s.Pulse.Gap || s.Pulse.OriginSilent}
	p.Lanes = []lanePage{up, down}
	for _, k := range c.Live.Keys() {
		p.Keys = append(p.Keys, keyPage{k, days(k.Age), days(k.Left)})
	}
	p.Troubles = c.troubles(s)
	return p
}

func days(d time.Duration) int { return int(d.Hours() / 24) }

func (c *Console) troubles(s exchange.PortState) []trouble {
	var out []trouble
	add := func(holds bool, text string, n int) {
		if holds {
			out = append(out, trouble{"border.trouble." + text, n})
		}
	}
	keys, broken := c.Live.KeyTroubles()
	add(!s.Holding, "elsewhere", 0)
	add(s.Pulse.Silent, "silent", exchange.BeatsMissed)
	add(s.Pulse.OriginSilent, "origin", 0)
	add(s.Pulse.Gap, "gap", 0)
	add(s.Pulse.Skewed, "skew", int(s.Pulse.Skew.Abs().Seconds()))
	add(s.Overdue > 0, "overdue", s.Overdue)
	add(s.Aside > 0, "aside", int(s.Aside))
	add(s.Journal != nil, "journal", 0)
	differ := 0
	for _, d := range c.Live.Days() {
		if !d.Equal {
			differ++
		}
	}
	add(differ > 0, "days", differ)
	add(len(keys) > 0, "keys", len(keys))
	add(broken, "broken", 0)
	return out
}
