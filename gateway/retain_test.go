package gateway_test

import (
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/gateway"

	"pgregory.net/rapid"
)

// TestKeptUntilIsWhatWasSaid holds the day that MY DATA names against the moment at which the case goes: all of that day it
// is there, and at midnight by the city's clock it is gone.
func TestKeptUntilIsWhatWasSaid(t *testing.T) {
	services := mustServices(t)
	codes := []string{"NO-SUCH"}
	for _, s := range services.All() {
		codes = append(codes, s.Code)
	}
	rapid.Check(t, func(r *rapid.T) {
		end := time.Unix(rapid.Int64Range(1_700_000_000, 2_000_000_000).Draw(r, "end"), 0).UTC()
		m := gateway.Matter{Service: rapid.SampledFrom(codes).Draw(r, "service"), State: rapid.SampledFrom([]exchange.State{exchange.Decided, exchange.Blocked}).Draw(r, "state"),
			FiledAt: end.Add(-time.Hour), Events: []gateway.Event{{At: end.Add(-time.Hour)}, {At: end}}}
		now := end.Add(time.Hour)
		if rapid.Bool().Draw(r, "clocks go forward that night") {
			end = time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
			m.FiledAt, m.Events[0].At, m.Events[1].At, now = end.Add(-time.Hour), end.Add(-time.Hour), end, end.Add(time.Hour)
		}
		gone := gateway.KeptUntil(services, m, now)
		said := gateway.Disclose(services, gateway.Dossier{Matters: []gateway.Matter{m}}, "email", now).Cases[0].KeptUntil
		zone := services.City.Location()
		if last := gone.Add(-time.Second).In(zone).Format(time.DateOnly); last != said {
			r.Fatalf("it stays until %s, and %s was said", last, said)
		}
		if gone.In(zone).Format(time.DateOnly) == said {
			r.Fatalf("it goes at %s, and %s was said", gone.In(zone), said)
		}
		if !gone.After(end.Add(30*24*time.Hour)) || gone.Before(services.Until(m.Service, end)) {
			r.Fatalf("%s goes at %s, ended at %s", m.Service, gone, end)
		}
		m.State = exchange.Reopened
		if open := gateway.KeptUntil(services, m, now.AddDate(20, 0, 0)); !open.After(now.AddDate(20, 0, 0)) {
			r.Fatalf("an open case would go at %s", open)
		}
	})
}

// TestEndOfACaseWithoutEvents: what has no time line ended when it was filed at the latest.
func TestEndOfACaseWithoutEvents(t *testing.T) {
	filed := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	if got := (gateway.Matter{State: exchange.Decided, FiledAt: filed}).End(filed.Add(time.Hour)); !got.Equal(filed) {
		t.Errorf("it ended at %s", got)
	}
}
