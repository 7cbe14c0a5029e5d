package program

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
	"gatehouse/exchange/guard"
)

// Run guards the lane until ctx ends, then gives nil within 5 s. A log that is not whole, or keys that are missing,
// are errors at the start.
func Run(ctx context.Context, c Config, log *slog.Logger) error {
	return RunWith(ctx, c, Options{Log: log})
}

// Options is what the caller of RunWith may set; Log alone is required.
type Options struct {
	Log *slog.Logger
	// Now is another clock than the machine's, for a demo whose day can be moved. It must not go back.
	Now func() time.Time
	// Ready is called once before the first envelope is judged, with what an operator should know of how files are
	// judged here, each a sentence.
	Ready func(notes []string)
}

// RunWith is Run with options.
func RunWith(ctx context.Context, c Config, o Options) (err error) {
	log, ready := o.Log, o.Ready
	if o.Now == nil {
		o.Now = time.Now
	}
	if ready == nil {
		ready = func([]string) {}
	}
	c = c.WithDefaults()
	g, notes, links, err := open(ctx, c, log, o.Now)
	defer func() { err = errors.Join(err, links.Close()) }()
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // stopped before it ran
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	log.Info("guard runs", "lane", c.Lane, "isolation", c.Isolation, "rules", guard.RuleSet)
	ready(notes)
	if err := g.Run(ctx); err != nil {
		return err
	}
	log.Info("guard ends", "lane", c.Lane)
	return nil
}

// open gives the guard and its links, which are to be closed after it, also when an error comes with them.
func open(ctx context.Context, c Config, log *slog.Logger, now func() time.Time) (*guard.Guard, []string, Side, error) {
	if err := checkBundle(c.Bundle); err != nil {
		return nil, nil, Side{}, err
	}
	keys, err := exchange.OpenKeys(c.Keys, c.Party(), log, c.Suites...)
	if err != nil {
		return nil, nil, Side{}, fmt.Errorf("keys: %w", err)
	}
	keys.Every, keys.Now = c.StatusEvery, now
	if err := os.MkdirAll(filepath.Dir(c.LogFile), 0o750); err != nil {
		return nil, nil, Side{}, fmt.Errorf("log_file: %w", err)
	}
	worker, notes, err := openWorker(ctx, c, log)
	if err != nil {
		return nil, nil, Side{}, err
	}
	links, err := openGuardLinks(c, log)
	if err != nil {
		return nil, nil, links, err
	}
	leaks, err := leaksOf(c)
	if err != nil {
		return nil, nil, links, err
	}
	g, err := guard.Open(guard.Options{
		Lane: c.Lane, Ring: keys.Ring, Keys: keys, In: links.In, Out: links.Out, LogFile: c.LogFile, Dir: c.Dir, Limits: c.Limits, Leaks: leaks, Log: log, Now: now,
		Media: c.Files, Worker: worker, Scan: c.Clamd,
		Status: status(c, links, log), StatusEvery: c.StatusEvery, BeatEvery: c.BeatEvery, AckEvery: c.AckEvery,
	})
	return g, notes, links, err
}

// openWorker lets the worker show that it works here, and says what an operator should know of how files are judged.
func openWorker(ctx context.Context, c Config, log *slog.Logger) (*guard.Worker, []string, error) {
	worker, notes, err := probed(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range notes {
		log.Warn("how files are judged", "lane", c.Lane, "note", n)
	}
	return worker, notes, nil
}

// proved notes what the virus scanner is worth. One that is blind is an error; one that does not answer may come later,
// and files wait for it and for its proof.
func proved(ctx context.Context, c Config) (notes []string, err error) {
	if c.Clamd.Address == "" {
		return []string{"no virus scan"}, nil
	}
	if c.Lane == exchange.Down {
		return nil, nil // nothing foreign leaves
	}
	switch err := c.Clamd.Prove(ctx, c.Files); {
	case errors.Is(err, guard.ErrBlind):
		return nil, fmt.Errorf("clamd: %w", err)
	case err != nil:
		return []string{fmt.Sprintf("the virus scanner does not answer, files wait for it (%s)", err)}, nil
	}
	return nil, nil
}

// probed gives a worker that works here, and notes on it. Down, nothing foreign comes and none is needed.
func probed(ctx context.Context, c Config) (worker *guard.Worker, notes []string, err error) {
	if worker, err = guard.NewWorker(c.Worker); err != nil {
		return nil, nil, err
	}
	if c.Lane == exchange.Up {
		if notes, err = worker.Probe(ctx, c.Files.WithDefaults()); err != nil {
			return nil, nil, fmt.Errorf("worker.%w", err)
		}
	}
	said, err := proved(ctx, c)
	return worker, append(notes, said...), err
}

// stretches are where this guard stands.
func (c Config) stretches() (in, out exchange.Stretch) {
	if c.Lane == exchange.Down {
		return exchange.LinkC, exchange.LinkD
	}
	return exchange.LinkA, exchange.LinkB
}

func openGuardLinks(c Config, log *slog.Logger) (s Side, err error) {
	in, out := c.stretches()
	if s.In, err = c.In.OpenReceiver(in, log); err != nil {
		return s, fmt.Errorf("in.%w", err)
	}
	if s.Out, err = c.Out.OpenSender(out, log); err != nil {
		return s, fmt.Errorf("out.%w", err)
	}
	return s, nil
}

// status writes the status file. A file that can't be written is said once each time it changes, and stops nothing.
func status(c Config, links Side, log *slog.Logger) func(guard.Status) {
	if c.StatusFile == "" && c.Bundle == "" {
		return nil
	}
	failed := ""
	age := &bundleAge{dir: c.Bundle, lane: c.Lane, log: log}
	return func(s guard.Status) {
		s.Links = links.Gauges()
		text := s.Text(c.Isolation) + age.text(s.At)
		if c.StatusFile == "" {
			return
		}
		err := guard.WriteStatus(c.StatusFile, text)
		if err != nil && err.Error() != failed {
			log.Error("status can't be written", "err", err)
			failed = err.Error()
		}
		if err == nil {
			failed = ""
		}
	}
}

// Check looks at what the configuration points to: the keys are there and valid, and the log is whole. It gives what
// -check prints.
func Check(c *Config) (string, error) {
	if err := checkBundle(c.Bundle); err != nil {
		return "", err
	}
	ring, err := exchange.LoadRing(c.Keys, c.Party())
	if err != nil {
		return "", fmt.Errorf("keys: %w; make them with: guard keys make -dir %s -party %s", err, filepath.Dir(c.Keys), c.Party())
	}
	ring.Allow(c.Suites...)
	if err := ring.Ready(time.Now()); err != nil {
		return "", fmt.Errorf("keys: %w; make or bring what is missing (guard keys show -dir %s -party %s)", err, c.Keys, c.Party())
	}
	if _, _, err := evidence.VerifyFile(c.LogFile, evidence.Tip{}); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("log_file: %w", err)
	}
	in, out := c.stretches()
	if err := errors.Join(under("in", c.In.Check(in, c.Party())), under("out", c.Out.Check(out, c.Party()))); err != nil {
		return "", err
	}
	said := "isolation: " + c.Isolation
	_, notes, err := probed(context.Background(), *c)
	if err != nil {
		return "", err
	}
	return strings.Join(append([]string{said}, notes...), "; "), nil
}
