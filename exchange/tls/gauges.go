package tls

import (
	"sync/atomic"

	"gatehouse/exchange"
)

// counts are what happened since the start, and how many connections stand.
type counts struct{ up, links, refused, envelopes, later atomic.Int64 }

func (c *counts) gauges() []exchange.Gauge {
	figure := func(name, help string, v int64) exchange.Gauge {
		return exchange.Gauge{Name: "tls_" + name, Help: help, Value: float64(v)}
	}
	return []exchange.Gauge{
		figure("connected", "Connections with the neighbour that stand: 0 for long is an alarm.", c.up.Load()),
		figure("connections", "Connections with the neighbour since the start.", c.links.Load()),
		figure("refused", "Connections that did not prove to be the neighbour since the start: look at the log.", c.refused.Load()),
		figure("envelopes", "Envelopes acknowledged since the start.", c.envelopes.Load()),
		figure("later", "Envelopes that the receiver put off since the start.", c.later.Load()),
	}
}

// Gauges gives the counts as a program's metrics, and what waits in the folder.
func (s *Sender) Gauges() []exchange.Gauge {
	names, err := s.queue.Names()
	if err != nil {
		names = nil // the sending itself says so
	}
	return append(s.line.counts.gauges(), exchange.Gauge{Name: "tls_waiting", Help: "Envelopes that wait to be acknowledged.", Value: float64(len(names))})
}

// Gauges gives the counts as a program's metrics.
func (r *Receiver) Gauges() []exchange.Gauge { return r.line.counts.gauges() }
