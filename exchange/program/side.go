package program

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"gatehouse/exchange"
)

// Side is the two links of the extranet or the intranet, opened: it sends into the one and receives from the other.
type Side struct{ Out, In End }

// Gauges gives the figures of those links that keep some, each with the end that it is of.
func (s Side) Gauges() []exchange.Gauge {
	var all []exchange.Gauge
	for _, e := range []struct {
		name string
		end  End
	}{{"out", s.Out}, {"in", s.In}} {
		g, ok := e.end.(interface{ Gauges() []exchange.Gauge })
		if !ok {
			continue
		}
		for _, x := range g.Gauges() {
			x.Labels, x.Values = append([]string{"link"}, x.Labels...), append([]string{e.name}, x.Values...)
			all = append(all, x)
		}
	}
	return all
}

// OpenSide opens the ends of up and down that p, which is no guard, has. A directory without an interval of its own is
// looked at every poll.
func OpenSide(p exchange.Party, up, down Link, poll time.Duration, log *slog.Logger) (s Side, err error) {
	out, in, to, from := up, down, "up", "down"
	if p == exchange.Intranet {
		out, in, to, from = down, up, "down", "up"
	}
	for _, x := range exchange.Stretches() {
		switch p {
		case x.Sender():
			if s.Out, err = out.every(poll).OpenSender(x, log); err != nil {
				return Side{}, errors.Join(fmt.Errorf("%s.%w", to, err), s.Close())
			}
		case x.Receiver():
			if s.In, err = in.every(poll).OpenReceiver(x, log); err != nil {
				return Side{}, errors.Join(fmt.Errorf("%s.%w", from, err), s.Close())
			}
		}
	}
	return s, nil
}

// SideFaults tells what is wrong with a side's statement of isolation and its two links, put under exchange.
func SideFaults(isolation string, up, down Link, fault func(string, ...any)) {
	Faults("exchange", Honest("isolation", isolation, map[string]Link{"up": up, "down": down}), fault)
	Faults("exchange.up", errors.Join(up.Validate(), up.dials(false)), fault)
	Faults("exchange.down", errors.Join(down.Validate(), down.dials(false)), fault)
	if f := up.folder(); f != "" && filepath.Clean(f) == filepath.Clean(down.folder()) {
		fault("exchange.down: has the same folder as up; write two")
	}
}

// CheckSide looks at what the links of p point to.
func CheckSide(p exchange.Party, up, down Link) error {
	first, second := exchange.LinkA, exchange.LinkD
	if p == exchange.Intranet {
		first, second = exchange.LinkB, exchange.LinkC
	}
	return under("exchange", errors.Join(under("up", up.Check(first, p)), under("down", down.Check(second, p))))
}

// every sets how often a directory is looked at, where nothing is said.
func (l Link) every(poll time.Duration) Link {
	if l.Dir != "" && l.Interval == 0 {
		l.Interval = poll
	}
	return l
}

// Close closes what is open.
func (s Side) Close() error {
	var errs []error
	for _, e := range []End{s.Out, s.In} {
		if e != nil {
			errs = append(errs, e.Close())
		}
	}
	return errors.Join(errs...)
}
