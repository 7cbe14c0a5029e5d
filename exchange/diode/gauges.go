package diode

import "gatehouse/exchange"

// figure is one gauge of an end, without labels.
func figure(name, help string, value float64) exchange.Gauge {
	return exchange.Gauge{Name: "link_" + name, Help: help, Value: value}
}

// Gauges gives the counts as a program's metrics.
func (s *Sender) Gauges() []exchange.Gauge {
	c := s.Stats()
	return []exchange.Gauge{
		figure("packets", "Packets sent, or received as genuine and new, since the start.", float64(c.Packets)),
		figure("envelopes", "Envelopes sent in all passes, or received whole, since the start.", float64(c.Envelopes)),
		figure("faults", "Packets that the network refused to take since the start; they were tried again.", float64(c.Faults)),
		figure("waiting", "Envelopes that wait for a pass, or to be handled.", float64(c.Queued)),
	}
}

// Gauges gives the counts as a program's metrics.
func (r *Receiver) Gauges() []exchange.Gauge {
	c := r.Stats()
	silent := 0.0
	if c.Silent {
		silent = 1
	}
	return []exchange.Gauge{
		figure("packets", "Packets sent, or received as genuine and new, since the start.", float64(c.Packets)),
		figure("envelopes", "Envelopes sent in all passes, or received whole, since the start.", float64(c.Envelopes)),
		figure("waiting", "Envelopes that wait for a pass, or to be handled.", float64(c.Waiting)),
		figure("missing", "Packets of the sender that did not come since the start.", float64(c.Missing)),
		figure("foreign", "Packets of another size or with a wrong MAC since the start.", float64(c.Foreign)),
		figure("malformed", "Genuine packets that are not what a sender says since the start.", float64(c.Malformed)),
		figure("duplicates", "Packets that came before, since the start.", float64(c.Duplicates)),
		figure("replayed", "Packets of an earlier start of the sender since the start: a recording, an alarm.", float64(c.Replayed)),
		figure("recovered", "Blocks restored from parity since the start.", float64(c.Recovered)),
		figure("lost", "Envelopes given up since the start; their sender sends them again.", float64(c.Lost)),
		figure("memory_bytes", "What envelopes in the making take.", float64(c.Memory)),
		figure("buffer_bytes", "What waits in the kernel's receive buffer.", float64(c.Kernel.Waiting)),
		figure("dropped", "Packets that found the receive buffer full since the start.", float64(c.Dropped)),
		figure("heard_timestamp_seconds", "When the sender was last heard.", float64(c.LastHeard.Unix())),
		figure("silent", "1 when three heartbeats went by without a sound: an alarm.", silent),
	}
}
