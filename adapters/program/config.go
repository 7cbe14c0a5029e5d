// Package program runs the intranet side: the office with its connectors, the staff console and its end of the border,
// as the configuration says.
//
// The rule: this is the only package of the side that sees all its rooms. It knows nothing of the extranet.
package program

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"gatehouse/adapters/console"
	"gatehouse/adapters/release"
	"gatehouse/configs/paper"
	"gatehouse/exchange"
	border "gatehouse/exchange/program"
)

// Config is the whole of office.yaml.
type Config struct {
	// Name of the city or office, as staff read it.
	Name string `yaml:"name"`
	// Listen is the staff console's host:port, PrivateListen that of metrics and profiles.
	Listen        string `yaml:"listen"`
	PrivateListen string `yaml:"private_listen"`
	// Store is sqlite:PATH or postgres://….
	Store string `yaml:"store"`
	// KeyFile seals the copies of what left and the second factors. It lies outside the database, is made at the first
	// start, and is kept as carefully. Empty: beside a SQLite store.
	KeyFile string `yaml:"key_file"`
	// Owner names this process among those on one store; empty: right for a store of its own.
	Owner string `yaml:"owner"`
	// AnswersDir and ServicesDir replace the demo city that is built in.
	AnswersDir  string         `yaml:"answers_dir"`
	ServicesDir string         `yaml:"services_dir"`
	Console     console.Config `yaml:"console"`
	// Undo is how long something public can be taken back before it leaves (default 1m).
	Undo time.Duration `yaml:"undo"`
	// Documents are what decisions leave with besides their words.
	Documents Documents `yaml:"documents"`
	// Release is how what staff write may leave.
	Release release.Config `yaml:"release"`
	// Demo seeds the demo city's staff with passwords that are printed at start. Never where real cases are.
	Demo bool `yaml:"demo"`
	// Staff are the people who may log in; with demo it must be empty.
	Staff    []console.Account `yaml:"staff"`
	Level    slog.Level        `yaml:"log_level"`
	Exchange Exchange          `yaml:"exchange"`
}

// Documents says how decision documents are made.
type Documents struct {
	// Off: decisions leave as text alone.
	Off bool `yaml:"off"`
	// Letterhead are the lines below the name of the city: address, telephone.
	Letterhead []string `yaml:"letterhead"`
	// Check is an https address where a document can be checked, with {reference} for the case's; empty: none is named.
	Check string `yaml:"check"`
	// Fonts are the operator's own; Debian's Noto packages are found without.
	Fonts paper.Config `yaml:"fonts"`
}

// maxLetterhead bounds the lines of a letterhead.
const maxLetterhead = 6

// Validate gives all faults joined.
func (d *Documents) Validate() error {
	var all []error
	if len(d.Letterhead) > maxLetterhead {
		all = append(all, fmt.Errorf("letterhead: has %d lines; at most %d", len(d.Letterhead), maxLetterhead))
	}
	if d.Check != "" && !strings.HasPrefix(d.Check, "https://") {
		all = append(all, fmt.Errorf("check: is %q; an address that begins with https://", d.Check))
	}
	border.Faults("fonts", d.Fonts.Validate(), func(format string, a ...any) { all = append(all, fmt.Errorf(format, a...)) })
	return errors.Join(all...)
}

// Exchange is this side's end of the border.
type Exchange struct {
	// Isolation is stated, never implied: physical, logical or none. Physical needs two links that carry nothing back.
	Isolation string `yaml:"isolation"`
	// Keys is the folder with this side's keys and the public keys of the guards and the extranet.
	Keys string `yaml:"keys"`
	// Suites are those that this side seals with and takes; empty: all.
	Suites []exchange.Suite `yaml:"suites"`
	// Up is link B, from the up guard; Down is link C, to the down guard.
	Up   border.Link `yaml:"up"`
	Down border.Link `yaml:"down"`
	// AckEvery is the fixed clock of receipts for the up lane (default 10s), Resend when an envelope without a receipt
	// goes out again (default 1m), Poll how often the folders are looked at (default 200ms).
	AckEvery time.Duration `yaml:"ack_every"`
	// AckIdle is when a receipt goes although nothing but receipts came (default: ack_every, a cadence that says nothing).
	AckIdle time.Duration `yaml:"ack_idle"`
	Resend  time.Duration `yaml:"resend"`
	Poll    time.Duration `yaml:"poll"`
	// BeatEvery is how often a heartbeat goes out and how often the guard's is awaited (default 5s), the same at all four
	// ends. A medium that is carried by hand needs hours.
	BeatEvery time.Duration `yaml:"beat_every"`
	// LogFile is the hash-chained log of what this side sent and received, on a disk of this machine; empty: beside the
	// SQLite database. Reconciliations of the office lie in the folder <log_file>.days.
	LogFile string `yaml:"log_file"`
}

// Validate gives all faults joined.
func (c *Config) Validate() error {
	var all []error
	fault := func(format string, a ...any) { all = append(all, fmt.Errorf(format, a...)) }
	if c.Name == "" {
		fault("name: is empty; write the name of the city or office")
	}
	for key, addr := range map[string]string{"listen": c.Listen, "private_listen": c.PrivateListen} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			fault("%s: is %q; write host:port, such as 127.0.0.1:9090", key, addr)
		}
	}
	if !strings.HasPrefix(c.Store, "sqlite:") && !strings.HasPrefix(c.Store, "postgres://") {
		fault("store: must begin with sqlite: or postgres://")
	}
	if c.KeyFile == "" && strings.HasPrefix(c.Store, "postgres://") {
		fault("key_file: is empty; name a file outside the database, the same for every office, such as ./data/office.key")
	}
	if c.Undo < 0 || c.Undo > time.Hour {
		fault("undo: is %s; from 0s to 1h", c.Undo)
	}
	c.Exchange.faults(c.Store, fault)
	border.Faults("console", c.Console.Validate(), fault)
	border.Faults("documents", c.Documents.Validate(), fault)
	border.Faults("release", c.Release.Validate(), fault)
	for i, a := range c.Staff {
		border.Faults(fmt.Sprintf("staff.%d", i), a.Validate(), fault)
	}
	if c.Demo && len(c.Staff) > 0 {
		fault("staff: is not empty although demo is true; the demo brings its own people")
	}
	return errors.Join(all...)
}

func (x Exchange) faults(store string, fault func(string, ...any)) {
	if x.Keys == "" {
		fault("exchange.keys: is empty; name a folder")
	}
	if err := exchange.CheckSuites(x.Suites); err != nil {
		fault("exchange.suites: %w", err)
	}
	border.SideFaults(x.Isolation, x.Up, x.Down, fault)
	border.Faults("exchange", exchange.CheckBeatEvery(x.BeatEvery), fault)
	border.Faults("exchange", border.CheckEvidence(x.LogFile, store), fault)
}
