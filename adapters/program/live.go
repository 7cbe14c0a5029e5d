package program

import "gatehouse/exchange"

// live shows the console what the running border knows.
type live struct{ h *house }

func (l live) State() exchange.PortState { return l.h.border.State() }

func (l live) Keys() []exchange.KeyState { return l.h.keys.Ring.States(l.h.Now()) }

func (l live) KeyTroubles() ([]exchange.KeyTrouble, bool) {
	return l.h.keys.Ring.Troubles(l.h.Now()), l.h.keys.Broken()
}

func (l live) Days() []exchange.Reconciliation {
	days, err := l.h.days().Latest(latestDays)
	if err != nil {
		l.h.Log.Error("reconciliations can't be read", "err", err)
	}
	return days
}
