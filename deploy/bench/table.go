package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// line is one line of the table.
type line struct {
	what, unit string
	peer       string // what ours is held against; empty: nothing, the figure is absolute
	rounds     []round
	aim        aim
	byOurs     bool // the aim is an absolute figure although there is a peer
	note       string
	err        error // why it could not be measured
}

// round is one turn of ours and of its peer.
type round struct{ ours, peer float64 }

// aim is what a line has to reach: a ratio, or an absolute figure where there is no peer. Zero: none is set.
type aim struct {
	least, most float64
}

// minRounds is the least number of turns that make a row.
const minRounds = 3

// failed tells a line that was not measured as it has to be.
func (l line) failed() bool { return l.fault() != nil }

func (l line) fault() error {
	if l.err != nil {
		return l.err
	}
	if len(l.rounds) < minRounds {
		return fmt.Errorf("ran %d times; at least %d", len(l.rounds), minRounds)
	}
	for _, r := range l.rounds {
		if !measured(r.ours) || l.peer != "" && !measured(r.peer) {
			return errors.New("one side gave no figure")
		}
	}
	return nil
}

func measured(f float64) bool { return f > 0 && !math.IsInf(f, 0) }

// figure is what the aim is about: the median of the ratios, or of the figures where there is no peer.
func (l line) figure() float64 {
	return median(l.rounds, func(r round) float64 {
		if l.peer == "" {
			return r.ours
		}
		return r.ours / r.peer
	})
}

func (l line) verdict() string {
	f := l.figure()
	if l.byOurs {
		f = line{rounds: l.rounds}.figure()
	}
	switch {
	case l.aim == aim{}:
		return ""
	case f < l.aim.least || l.aim.most > 0 && f > l.aim.most:
		return "below"
	}
	return "ok"
}

// aimed is the aim as the table shows it.
func (l line) aimed() string {
	if l.byOurs || l.peer == "" && l.unit != "" {
		return l.aim.String() + " " + l.unit
	}
	return l.aim.String()
}

func (a aim) String() string {
	switch {
	case a.least > 0:
		return "≥ " + digits(a.least)
	case a.most > 0:
		return "≤ " + digits(a.most)
	}
	return "-"
}

// median of what f gives for each of the rounds.
func median(rounds []round, f func(round) float64) float64 {
	all := make([]float64, len(rounds))
	for i, r := range rounds {
		all[i] = f(r)
	}
	slices.Sort(all)
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}

// digits shows three of them, and thousands whole.
func digits(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", f), "0"), ".")
}

// show prints the table, and beneath it what stands beside a line.
func show(out io.Writer, lines []line) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ROW\tOURS\tPEER\tRATIO\tSPREAD\tAIM\tVERDICT\tHELD AGAINST")
	for _, l := range lines {
		if err := l.fault(); err != nil {
			fmt.Fprintf(w, "%s\t-\t-\t-\t-\t%s\tFAILED\t%s\n", l.what, l.aimed(), cmp.Or(strings.ReplaceAll(err.Error(), "\n", "; "), "-"))
			continue
		}
		ours := digits(median(l.rounds, func(r round) float64 { return r.ours })) + " " + l.unit
		if l.peer == "" {
			fmt.Fprintf(w, "%s\t%s\t-\t-\t%s\t%s\t%s\t-\n", l.what, ours, l.spread(), l.aimed(), l.verdict())
			continue
		}
		peer := digits(median(l.rounds, func(r round) float64 { return r.peer })) + " " + l.unit
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.what, ours, peer, digits(l.figure()), l.spread(), l.aimed(), l.verdict(), l.peer)
	}
	_ = w.Flush()
	for _, l := range lines {
		if l.note != "" {
			fmt.Fprintf(out, "%s: %s\n", l.what, l.note)
		}
	}
}

// spread shows the least and the largest of what the figure is the median of.
func (l line) spread() string {
	least, most := math.Inf(1), 0.0
	for _, r := range l.rounds {
		f := line{peer: l.peer, rounds: []round{r}}.figure()
		least, most = min(least, f), max(most, f)
	}
	return digits(least) + "…" + digits(most)
}
