// Package program runs a guard: one process for one lane, with the keys of that lane alone.
//
// The rule: everything that it does stands in its configuration, which comes from its operator's hand and never over
// a lane; and what isolates the two sides is said in it, not guessed.
package program

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/guard"
	"gatehouse/exchange/guard/media"
)

// Config is the whole of guard.yaml.
type Config struct {
	// Lane is up (extranet to intranet) or down.
	Lane exchange.Lane `yaml:"lane"`
	// Isolation says what separates the two sides: physical, logical or none. It is printed, logged and shown in the
	// status. Physical needs a link towards the intranet, B or C, that carries nothing back.
	Isolation string `yaml:"isolation"`
	// Keys is the folder with this guard's keys and the public keys of its two neighbours.
	Keys string `yaml:"keys"`
	// Suites are those that this guard seals with and takes; empty: all.
	Suites []exchange.Suite `yaml:"suites"`
	In     Link             `yaml:"in"`  // link A of the lane up, C of the lane down
	Out    Link             `yaml:"out"` // link B, D
	// LogFile is the hash-chained log; Dir keeps what was sent on for a day, and files until they are judged.
	LogFile string `yaml:"log_file"`
	Dir     string `yaml:"dir"`
	// Bundle is the folder in which `guard bundle install` puts configuration, rules and signatures, with the operator's
	// public key; the guard does not start unless what is installed is as signed. Empty: none is used.
	Bundle string `yaml:"bundle"`
	// StatusFile is written every StatusEvery (default 10s) in Prometheus' text format; empty: none. As often the folder
	// of keys is looked at.
	StatusFile  string        `yaml:"status_file"`
	StatusEvery time.Duration `yaml:"status_every"`
	// AckEvery is the least time between two receipts that leave by the lane down (default 10s); ack_every of the
	// intranet must not be below it.
	AckEvery time.Duration `yaml:"ack_every"`
	// BeatEvery is how often a heartbeat goes on and how often the origin's is awaited (default 5s), the same at all
	// four ends. A medium that is carried by hand needs hours.
	BeatEvery time.Duration `yaml:"beat_every"`
	Limits    guard.Limits  `yaml:"limits"`
	// Leak is what a text going down must not hold; of the lane down alone.
	Leak *exchange.LeakConfig `yaml:"leak"`
	// Files says what becomes of each kind of foreign file, Worker bounds the child that decodes one, and Clamd names
	// the virus scanner.
	Files  media.Policy       `yaml:"files"`
	Worker guard.WorkerConfig `yaml:"worker"`
	Clamd  guard.ScanConfig   `yaml:"clamd"`
	Level  slog.Level         `yaml:"log_level"`
}

// WithDefaults fills in what is empty.
func (c Config) WithDefaults() Config {
	c.Limits, c.Files, c.Worker, c.Clamd = c.Limits.WithDefaults(), c.Files.WithDefaults(), c.Worker.WithDefaults(), c.Clamd.WithDefaults()
	if c.StatusEvery == 0 {
		c.StatusEvery = 10 * time.Second
	}
	if c.AckEvery == 0 {
		c.AckEvery = exchange.DefaultAckEvery
	}
	if c.BeatEvery == 0 {
		c.BeatEvery = exchange.DefaultBeatEvery
	}
	return c
}

// Party is who this guard is.
func (c Config) Party() exchange.Party {
	if c.Lane == exchange.Down {
		return exchange.DownGuard
	}
	return exchange.UpGuard
}

// inner is the link towards the intranet, by its key: out of the lane up, in of the lane down. It decides what a guard
// may state: where that one is one-way nothing flows back, whatever lies on its other side.
func (c *Config) inner() map[string]Link {
	if c.Lane == exchange.Down {
		return map[string]Link{"in": c.In}
	}
	return map[string]Link{"out": c.Out}
}

// Validate gives all faults joined.
func (c *Config) Validate() error {
	var all []error
	fault := func(format string, a ...any) { all = append(all, fmt.Errorf(format, a...)) }
	if c.Lane != exchange.Up && c.Lane != exchange.Down {
		fault("lane: is %q; write up or down", c.Lane)
	}
	for _, err := range lines(Honest("isolation", c.Isolation, c.inner())) {
		fault("%s", err)
	}
	if err := exchange.CheckSuites(c.Suites); err != nil {
		fault("suites: %w", err)
	}
	for _, f := range []struct{ key, value string }{{"keys", c.Keys}, {"log_file", c.LogFile}, {"dir", c.Dir}} {
		if f.value == "" {
			fault("%s: is empty; write a path", f.key)
		}
	}
	if c.StatusEvery < 0 || c.StatusEvery > time.Hour {
		fault("status_every: is out of range; 0s (for 10s) to 1h")
	}
	if c.AckEvery != 0 && (c.AckEvery < 10*time.Millisecond || c.AckEvery > time.Hour) {
		fault("ack_every: is out of range; 10ms to 1h, or 0s for 10s")
	}
	if err := exchange.CheckBeatEvery(c.BeatEvery); err != nil {
		all = append(all, err)
	}
	Faults("in", errors.Join(c.In.Validate(), c.In.dials(true)), fault)
	Faults("out", errors.Join(c.Out.Validate(), c.Out.dials(true)), fault)
	Faults("limits", c.Limits.Validate(), fault)
	Faults("files", c.Files.Validate(), fault)
	Faults("worker", c.Worker.Validate(), fault)
	Faults("clamd", c.Clamd.Validate(), fault)
	if c.Worker.Sandbox == guard.SandboxAuto && c.Isolation != "none" {
		fault("worker.sandbox: is auto, which is for a demo whose isolation is none; write namespaces, or none and answer for it")
	}
	if c.Leak != nil && c.Lane != exchange.Down {
		fault("leak: is set, but only the lane down looks for leaks; take it out")
	}
	if c.Leak != nil {
		Faults("leak", c.Leak.Validate(), fault)
	}
	c.apart(fault)
	return errors.Join(all...)
}

// apart sees to it that no path lies where a neighbour can write.
func (c *Config) apart(fault func(string, ...any)) {
	if in := c.In.folder(); in != "" && filepath.Clean(in) == filepath.Clean(c.Out.folder()) {
		fault("out: has the same folder as in; write two")
	}
	for _, f := range []struct{ key, path string }{{"keys", c.Keys}, {"log_file", c.LogFile}, {"dir", c.Dir}, {"bundle", c.Bundle}, {"status_file", c.StatusFile}} {
		for _, l := range []string{c.In.folder(), c.Out.folder()} {
			if l != "" && f.path != "" && within(f.path, l) {
				fault("%s: lies in the link's folder %s; write a path that no neighbour can reach", f.key, l)
			}
		}
	}
}

func within(path, dir string) bool {
	rel, err := filepath.Rel(filepath.Clean(dir), filepath.Clean(path))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
