package program

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gatehouse/exchange"
)

func TestKeysAreInTheMetrics(t *testing.T) {
	dir := t.TempDir()
	if err := exchange.MakeKeys(dir, exchange.Parties(), time.Now()); err != nil {
		t.Fatal(err)
	}
	k, err := exchange.OpenKeys(filepath.Join(dir, string(exchange.Extranet)), exchange.Extranet, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	k.Now = func() time.Time { return time.Now().Add(exchange.KeyLife - time.Hour) } // an hour before the end
	reg := prometheus.NewRegistry()
	reg.MustRegister(gauges{k})
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]int{}
	for _, f := range all {
		lines[f.GetName()] = len(f.GetMetric())
		if f.GetName() == "gatehouse_key_alarm" && f.GetMetric()[0].GetGauge().GetValue() != 1 {
			t.Error("no alarm an hour before the end")
		}
	}
	n := len(k.Ring.Keys())
	if n < 5 || lines["gatehouse_key_age_seconds"] != n || lines["gatehouse_key_left_seconds"] != n || lines["gatehouse_key_alarm"] != n || lines["gatehouse_keys_broken"] != 1 {
		t.Errorf("%d keys, lines %v", n, lines)
	}
}
