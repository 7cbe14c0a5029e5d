package program

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// metrics serves the sums of the store and what is known of the keys, the links and the lanes.
func metrics(s adapters.Store, k, links, lanes gauged) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(&counts{s}, gauges{k}, gauges{links}, gauges{lanes})
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
}

// counts reads the sums when asked, so that they can't drift from the rows.
type counts struct{ store adapters.Store }

// Describe sends nothing: the metrics are known when collected (an unchecked collector).
func (*counts) Describe(chan<- *prometheus.Desc) {}

// Collect reads the sums, for at most two seconds.
func (c *counts) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	gauge := func(name, help string, label ...string) *prometheus.Desc {
		return prometheus.NewDesc("gatehouse_"+name, help, label, nil)
	}
	n, err := c.store.Counts(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(gauge("records", "Cases inside."), err)
		return
	}
	records := gauge("records", "Cases inside, by state.", "state")
	down := gauge("down_lane", "Documents for the down lane, by state.", "state")
	errands := gauge("errands", "Cases on their way to a connector, by state.", "state")
	reviews := gauge("reviews", "What left without a second person and is to be looked at, by state.", "state")
	receipts := gauge("receipts", "Receipts of the gateway, as far as they crossed, by state.", "state")
	for _, m := range []struct {
		desc  *prometheus.Desc
		state string
		value int64
	}{
		{records, "open", n.Open}, {records, "late", n.Late}, {records, "unclaimed", n.Unclaimed}, {records, "holding", n.Holding},
		{reviews, "due", n.ToReview}, {reviews, "overdue", n.Overdue},
		{down, "waiting", n.DownWaiting}, {down, "unacked", n.DownUnacked}, {errands, "waiting", n.Errands}, {errands, "stuck", n.Stuck},
		{receipts, "backdated", n.Backdated},
	} {
		out <- prometheus.MustNewConstMetric(m.desc, prometheus.GaugeValue, float64(m.value), m.state)
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
