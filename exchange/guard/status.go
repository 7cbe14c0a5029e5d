package guard

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
)

// Status is the guard's state at one moment.
type Status struct {
	Lane    exchange.Lane
	At      time.Time
	In, Out exchange.Head
	Passed  uint64 // since the log began
	Refused map[exchange.Reason]uint64
	Pending int
	Held    int       // Parts that wait for the rest of their file
	Last    time.Time // of the last envelope; zero: none yet
	Tip     evidence.Tip
	Keys    []exchange.Gauge
	Links   []exchange.Gauge // which the program adds
	Pulse   exchange.Pulse   // of the origin
	Counts
}

// Status gives it; safe at any time.
func (g *Guard) Status() Status {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.memory
	refused := map[exchange.Reason]uint64{}
	for r, n := range m.refused {
		refused[r] = n
	}
	var keys []exchange.Gauge
	if g.o.Keys != nil {
		keys = g.o.Keys.Gauges()
	}
	counts := g.counts
	counts.Worker, counts.Scanner = g.alarms.worker.Load(), g.alarms.scanner.Load()
	return Status{
		Keys: keys, Lane: g.o.Lane, At: g.o.Now(), In: m.in, Out: m.out, Passed: m.passed, Refused: refused, Pending: len(m.pending), Last: m.last,
		Tip: g.log.Tip(), Held: len(m.held), Pulse: g.watch.Pulse(), Counts: counts,
	}
}

// report hands the status out until ctx ends, and once more then.
func (g *Guard) report(ctx context.Context) {
	if g.o.Status == nil {
		return
	}
	tick := time.NewTicker(g.o.StatusEvery)
	defer tick.Stop()
	for {
		g.o.Status(g.Status())
		select {
		case <-ctx.Done():
			g.o.Status(g.Status())
			return
		case <-tick.C:
		}
	}
}

// Text is the status in Prometheus' text format (version 0.0.4), for a file: a guard has no port to ask.
func (s Status) Text(isolation string) string {
	var b strings.Builder
	metric := func(name, help, kind string, lines ...string) {
		fmt.Fprintf(&b, "# HELP gatehouse_guard_%s %s\n# TYPE gatehouse_guard_%s %s\n", name, help, name, kind)
		for _, l := range lines {
			fmt.Fprintf(&b, "gatehouse_guard_%s%s\n", name, l)
		}
	}
	lane := fmt.Sprintf("{lane=%q", s.Lane)
	one := func(v any) string { return fmt.Sprintf("%s} %v", lane, v) }
	metric("info", "What this guard is.", "gauge", fmt.Sprintf("%s,rules=%q,isolation=%q} 1", lane, RuleSet, isolation))
	metric("passed_total", "Envelopes that passed since the log began.", "counter", one(s.Passed))
	var refused []string
	for r, n := range s.Refused {
		refused = append(refused, fmt.Sprintf("%s,reason=%q} %d", lane, word(r), n))
	}
	slices.Sort(refused)
	metric("refused_total", "Envelopes refused since the log began.", "counter", refused...)
	metric("aside_total", "Envelopes put aside as not genuine since the start: an alarm.", "counter", one(s.Aside))
	metric("repeats_total", "Envelopes sent on again since the start.", "counter", one(s.Repeats))
	metric("waits_total", "Tries at an envelope that had to wait since the start.", "counter", one(s.Waits))
	metric("worker_failures_total", "Files refused because the worker failed, since the start: an alarm.", "counter", one(s.Worker))
	metric("scan_failures_total", "Tries at which the virus scanner gave no verdict, since the start: an alarm, the lane waits.", "counter", one(s.Scanner))
	metric("in_seq", "Number of the last envelope that came.", "gauge", fmt.Sprintf("%s,epoch=\"%d\"} %d", lane, s.In.Epoch, s.In.Seq))
	metric("out_seq", "Number of the last envelope that went on.", "gauge", fmt.Sprintf("%s,epoch=\"%d\"} %d", lane, s.Out.Epoch, s.Out.Seq))
	metric("pending_documents", "Documents whose files are not all in.", "gauge", one(s.Pending))
	metric("held_parts", "Parts that wait for the rest of their file.", "gauge", one(s.Held))
	metric("log_records", "Records in the log; the label is the hash of the last.", "gauge", fmt.Sprintf("%s,head=\"%x\"} %d", lane, s.Tip.Hash, s.Tip.N))
	metric("last_envelope_timestamp_seconds", "When the last envelope came.", "gauge", one(seconds(s.Last)))
	metric("origin_heard_timestamp_seconds", "When the origin's last heartbeat came; 0: none since the start.", "gauge", one(seconds(s.Pulse.Heard)))
	metric("origin_seq", "Number of the last envelope that the origin gave out, as its heartbeat says.", "gauge", one(s.Pulse.Head.Seq))
	metric("origin_skew_seconds", "The origin's clock minus this one.", "gauge", one(s.Pulse.Skew.Seconds()))
	metric("gaps_total", "Gaps before this guard since the start.", "counter", one(s.Pulse.Gaps))
	metric("trouble", "1 while something is wrong before this guard: silent, gap or skew.", "gauge", s.troubles(lane)...)
	metric("status_timestamp_seconds", "When this was written.", "gauge", one(seconds(s.At)))
	s.gauges(metric)
	return b.String()
}

// gauges adds what is known of the keys and the links, each metric with all its lines together.
func (s Status) gauges(metric func(name, help, kind string, lines ...string)) {
	lines, helps := map[string][]string{}, map[string]string{}
	for _, g := range slices.Concat(s.Keys, s.Links) {
		line := fmt.Sprintf("{lane=%q", s.Lane)
		for i, l := range g.Labels {
			line += fmt.Sprintf(",%s=%q", l, g.Values[i])
		}
		lines[g.Name], helps[g.Name] = append(lines[g.Name], fmt.Sprintf("%s} %.0f", line, g.Value)), g.Help
	}
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		metric(name, helps[name], "gauge", lines[name]...)
	}
}

func (s Status) troubles(lane string) []string {
	var all []string
	for t, is := range s.Pulse.Troubles() {
		n := 0
		if is {
			n = 1
		}
		if t != exchange.TroubleOrigin { // of a guard, the origin is the one before it
			all = append(all, fmt.Sprintf("%s,trouble=%q} %d", lane, t, n))
		}
	}
	slices.Sort(all)
	return all
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// WriteStatus replaces the file at path as a whole, so that a reader never sees half of it.
func WriteStatus(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".status-*")
	if err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write status: %w", err)
	}
	return nil
}
