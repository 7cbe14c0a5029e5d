package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// inFlight is how many callers push at once, each waiting for its answer.
const inFlight = 64

// side is one of those that take turns. It gives its figure: a rate, a time, a size.
type side struct {
	name string
	run  func(ctx context.Context) (float64, error)
}

// rounds is how many turns a row takes: more of them, and shorter, help against a machine that is busy by fits.
func (b *bench) rounds() int { return b.of(5, minRounds) }

// turns lets the sides take turns, as often as a row needs, every other time in the opposite order, and gives the
// figures of each round in the order of sides. A profile is kept of the first side.
func (b *bench) turns(ctx context.Context, name string, sides ...side) ([][]float64, error) {
	var all [][]float64
	for n := range b.rounds() {
		figures := make([]float64, len(sides))
		for i := range sides {
			if n%2 == 1 {
				i = len(sides) - 1 - i
			}
			f, err := b.profiled(ctx, name, i == 0, sides[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", sides[i].name, err)
			}
			figures[i] = f
		}
		all = append(all, figures)
	}
	return all, nil
}

func (b *bench) profiled(ctx context.Context, name string, ours bool, s side) (float64, error) {
	runtime.GC() // what the other side left is not this one's
	if b.profiles == "" || !ours {
		return s.run(ctx)
	}
	f, err := os.Create(filepath.Join(b.profiles, name+".cpu.pprof"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return 0, err
	}
	defer pprof.StopCPUProfile()
	return s.run(ctx)
}

// pairs makes rounds of ours, the first figure, and of the least of the others.
func pairs(figures [][]float64) []round {
	var all []round
	for _, f := range figures {
		all = append(all, round{f[0], slices.Min(f[1:])})
	}
	return all
}

// closed does n things, inFlight at a time, and gives how many a second. The first error ends it.
func closed(ctx context.Context, n int, do func(ctx context.Context, worker, i int) error) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for w := range inFlight {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(ctx, w, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(begun)
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	return float64(n) / took.Seconds(), nil
}

// open does n things at a steady rate, whether or not those before are done, and gives how long each took from the
// moment it was due, shortest first. Waiting for one's turn counts.
func open(ctx context.Context, n int, rate float64, do func(ctx context.Context, i int) error) ([]time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	took := make([]time.Duration, n)
	var wg sync.WaitGroup
	begun := time.Now()
	for i := range n {
		due := begun.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		if !until(ctx, due) {
			break
		}
		wg.Go(func() {
			if err := do(ctx, i); err != nil {
				cancel(err)
			}
			took[i] = time.Since(due)
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	slices.Sort(took)
	return took, nil
}

func until(ctx context.Context, due time.Time) bool {
	if wait := time.Until(due); wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// quantile gives what a share of the sorted times stays under.
func quantile(sorted []time.Duration, share float64) time.Duration {
	return sorted[min(int(float64(len(sorted))*share), len(sorted)-1)]
}

// millis is a time as the table shows it.
func millis(d time.Duration) float64 { return d.Seconds() * 1000 }

var errRefused = errors.New("was refused")
