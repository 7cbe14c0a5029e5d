package program

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gatehouse/exchange"
	"gatehouse/gateway"
)

// metrics serves the sums of the store, the alarms of the channels and what else is known: of the keys, the links, the lanes.
func metrics(store gateway.Store, a *alarms, all ...gauged) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(&counts{store: store}, a)
	for _, g := range all {
		reg.MustRegister(gauges{g})
	}
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
}

// counts shows the store's sums as metrics. They are read when asked for, so they can't drift from the rows.
type counts struct{ store gateway.Store }

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("gatehouse_"+name, help, labels, nil)
}

// Describe sends nothing: the metrics are known when collected (an unchecked collector).
func (*counts) Describe(chan<- *prometheus.Desc) {}

// Collect reads the sums, for at most two seconds.
func (c *counts) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	n, err := c.store.Counts(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(gauge("messages", "Messages by state."), err)
		return
	}
	inbound := gauge("inbound_messages", "Messages heard, by state.", "state")
	owed := gauge("outbound_messages", "Messages owed, by state.", "state")
	people := gauge("people", "People that were forgotten, word from inside that found nobody, and clerks who are registered for companies.", "state")
	crossing := gauge("crossings", "Documents for the border, by state.", "state")
	wakes := gauge("wakes", "Things to be done at a time without a message, by state.", "state")
	for _, m := range []struct {
		desc  *prometheus.Desc
		state string
		value int64
	}{
		{inbound, "all", n.Inbound}, {inbound, "open", n.InboundOpen}, {inbound, "aside", n.InboundAside},
		{inbound, "nod", n.Nods}, {inbound, "parked", n.Parked}, {people, "clerks", n.Clerks},
		{owed, "owed", n.Owed}, {owed, "accepted", n.Accepted}, {owed, "delivered", n.Delivered}, {owed, "failed", n.Failed}, {owed, "held", n.MailsHeld},
		{crossing, "open", n.CrossingsOpen}, {crossing, "done", n.CrossingsDone}, {crossing, "blocked", n.Blocked},
		{wakes, "set", n.WakesSet}, {wakes, "aside", n.WakesAside},
		{people, "forgotten", n.Forgotten}, {people, "orphaned", n.Orphaned},
	} {
		out <- prometheus.MustNewConstMetric(m.desc, prometheus.GaugeValue, float64(m.value), m.state)
	}
}

// alarms remembers which channels are misconfigured: an operator has to act before anything leaves there.
type alarms struct {
	mu sync.Mutex
	on map[string]bool
}

func (a *alarms) set(channel string, on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.on == nil {
		a.on = map[string]bool{}
	}
	a.on[channel] = on
}

// Describe sends nothing: an unchecked collector.
func (*alarms) Describe(chan<- *prometheus.Desc) {}

// Collect gives one gauge a channel that was used.
func (a *alarms) Collect(out chan<- prometheus.Metric) {
	a.mu.Lock()
	defer a.mu.Unlock()
	desc := gauge("channel_alarm", "1 when a channel's account or settings are wrong.", "channel")
	for channel, on := range a.on {
		v := 0.0
		if on {
			v = 1
		}
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, channel)
	}
}

// gauged is what has figures: the border's keys, with their age and what they have left, and its links.
type gauged interface{ Gauges() []exchange.Gauge }

type gauges struct{ gauged }

// Describe sends nothing: an unchecked collector.
func (gauges) Describe(chan<- *prometheus.Desc) {}

// Collect reads the figures as they are.
func (k gauges) Collect(out chan<- prometheus.Metric) {
	for _, g := range k.Gauges() {
		desc := prometheus.NewDesc("gatehouse_"+g.Name, g.Help, g.Labels, nil)
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, g.Value, g.Values...)
	}
}
