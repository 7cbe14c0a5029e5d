package program

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/diode"
	"gatehouse/exchange/spool"
	"gatehouse/exchange/tls"
)

// Link is one link in a configuration, the same at all three programs. Exactly one kind is written; a lone string
// stands for dir.
type Link struct {
	// Dir is the directory that both ends see: a disk between two programs, or what a medium is copied from and to.
	Dir string `yaml:"dir,plain"`
	// Interval is how often dir is looked at; 0: 200ms.
	Interval time.Duration `yaml:"interval"`
	// Carried says that dir is a medium carried by hand, or is filled by a one-way device. A directory that both sides
	// can write is a way back.
	Carried bool `yaml:"carried"`
	// TLS is mutual TLS 1.3, for sites that accept logical separation. A guard dials, a side listens.
	TLS *tls.Config `yaml:"tls"`
	// Diode is one-way UDP, for a wire that carries in one direction alone. Both ends write the same address and key.
	Diode *diode.Config `yaml:"diode"`
}

// End is one opened half of a link. Close ends what it keeps running; nothing that Send took is lost by it.
type End interface {
	exchange.Link
	io.Closer
}

// kind is how a link carries envelopes: its key in the configuration, the folder that it uses, the most that may be
// said of its isolation, and how it is opened. A further kind is one more entry in kinds.
type kind struct {
	key, dir       string
	isolation      string
	validate       func() error
	check          func(exchange.Stretch, exchange.Party) error // what it points to; nil: nothing
	send, received func(exchange.Stretch, *slog.Logger) (End, error)
}

// kinds gives those that are written.
func (l Link) kinds() []kind {
	var all []kind
	if l.Dir != "" {
		all = append(all, l.directory())
	}
	if l.TLS != nil {
		all = append(all, overTLS(*l.TLS))
	}
	if l.Diode != nil {
		all = append(all, overDiode(*l.Diode))
	}
	return all
}

func overTLS(c tls.Config) kind {
	return kind{
		key: "tls", dir: c.Dir, isolation: Logical,
		validate: func() error { return under("tls", c.Validate()) },
		check:    func(s exchange.Stretch, self exchange.Party) error { return under("tls", tls.Check(c, s, self)) },
		send:     func(s exchange.Stretch, log *slog.Logger) (End, error) { return tls.OpenSender(c, s, log) },
		received: func(s exchange.Stretch, log *slog.Logger) (End, error) { return tls.OpenReceiver(c, s, log) },
	}
}

// overDiode never waits for an answer, so physical isolation may be stated over it: that its wire is one-way is the
// hardware's doing and the operator's word.
func overDiode(c diode.Config) kind {
	return kind{
		key: "diode", dir: c.Dir, isolation: Physical,
		validate: func() error { return under("diode", c.Validate()) },
		check: func(s exchange.Stretch, self exchange.Party) error {
			if s.Receiver() != self {
				return nil
			}
			return under("diode", diode.Check(c))
		},
		send:     func(_ exchange.Stretch, log *slog.Logger) (End, error) { return diode.OpenSender(c, log) },
		received: func(_ exchange.Stretch, log *slog.Logger) (End, error) { return diode.OpenReceiver(c, log) },
	}
}

func (l Link) directory() kind {
	k := kind{key: "dir", dir: l.Dir, isolation: Logical}
	if l.Carried {
		k.isolation = Physical
	}
	c := spool.Config{Dir: l.Dir, Interval: l.Interval}
	open := func(_ exchange.Stretch, log *slog.Logger) (End, error) {
		s, err := spool.Open(c, log)
		return still{s}, err
	}
	k.validate, k.send, k.received = c.Validate, open, open
	return k
}

// still is an end that keeps nothing running.
type still struct{ exchange.Link }

// Close does nothing.
func (still) Close() error { return nil }

// Kind is the key of the link's kind: dir, tls or diode.
func (l Link) Kind() string {
	if all := l.kinds(); len(all) > 0 {
		return all[0].key
	}
	return "none"
}

// String says to people what the link is.
func (l Link) String() string {
	switch l.Kind() {
	case "dir":
		if l.Carried {
			return "carried by hand or one-way device, folder " + l.Dir
		}
		return "shared folder " + l.Dir
	case "tls":
		if l.TLS.Listen != "" {
			return "mutual TLS 1.3, listens at " + l.TLS.Listen
		}
		return "mutual TLS 1.3, dials " + strings.Join(l.TLS.Dial, ", ")
	case "diode":
		return "one-way UDP to " + l.Diode.Address
	}
	return "none"
}

// Validate gives all faults joined, each beginning with its key, or with ": " when it is of the link as a whole.
func (l Link) Validate() error {
	all := l.kinds()
	if len(all) != 1 {
		return whole(all)
	}
	errs := []error{all[0].validate()}
	if l.Dir == "" {
		for key, set := range map[string]bool{"interval": l.Interval != 0, "carried": l.Carried} {
			if set {
				errs = append(errs, fmt.Errorf("%s: belongs to dir, but the link is %s; leave it out", key, all[0].key))
			}
		}
	}
	return errors.Join(errs...)
}

func whole(all []kind) error {
	if len(all) == 0 {
		return errors.New(": is empty; write dir: and a folder, or a group tls or diode")
	}
	var keys []string
	for _, k := range all {
		keys = append(keys, k.key)
	}
	return fmt.Errorf(": is %s at once; write one of them", strings.Join(keys, " and "))
}

// Check looks at what the link points to, for the end of s that self has: certificates and their names.
func (l Link) Check(s exchange.Stretch, self exchange.Party) error {
	if all := l.kinds(); len(all) == 1 && all[0].check != nil {
		return all[0].check(s, self)
	}
	return nil
}

// folder is the link's; empty: it has none.
func (l Link) folder() string {
	if all := l.kinds(); len(all) == 1 {
		return all[0].dir
	}
	return ""
}

// dials tells what is wrong with who opens the connection: a guard does, so that it has no open port on a data side.
func (l Link) dials(guard bool) error {
	switch {
	case l.TLS == nil:
		return nil
	case guard && l.TLS.Listen != "":
		return errors.New("tls.listen: is written, but a guard opens no port; write dial: [host:port] of the neighbour, which listens")
	case !guard && len(l.TLS.Dial) > 0:
		return errors.New("tls.dial: is written, but the guard dials; write listen: host:port")
	}
	return nil
}

// OpenSender opens the half that puts envelopes in.
func (l Link) OpenSender(s exchange.Stretch, log *slog.Logger) (End, error) {
	return l.open(func(k kind) (End, error) { return k.send(s, log) })
}

// OpenReceiver opens the half that takes envelopes out.
func (l Link) OpenReceiver(s exchange.Stretch, log *slog.Logger) (End, error) {
	return l.open(func(k kind) (End, error) { return k.received(s, log) })
}

func (l Link) open(half func(kind) (End, error)) (End, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	k := l.kinds()[0]
	end, err := half(k)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.key, err)
	}
	return end, nil
}

// What may be stated of a site's isolation: one-way hardware or a hand; software on hosts of their own; nothing.
const (
	Physical = "physical"
	Logical  = "logical"
	None     = "none"
)

// Honest tells what is wrong with the isolation that a program states, given its links by their keys. A weaker word
// than the links allow is always honest.
func Honest(key, stated string, links map[string]Link) error {
	if stated == Logical || stated == None {
		return nil
	}
	if stated != Physical {
		return fmt.Errorf("%s: is %q; state physical, logical or none", key, stated)
	}
	var errs []error
	for _, name := range sortedKeys(links) {
		for _, k := range links[name].kinds() {
			if k.isolation != Physical {
				errs = append(errs, k.overstated(name))
			}
		}
	}
	return errors.Join(errs...)
}

func (k kind) overstated(name string) error {
	if k.key == "dir" {
		return fmt.Errorf("%s.carried: is false, but isolation is physical; a shared directory can be written from both sides. Say true if a one-way device or a hand carries it, or write isolation: logical", name)
	}
	return fmt.Errorf("%s.%s: answers its sender, but isolation is physical; write isolation: %s, or a diode", name, k.key, k.isolation)
}

func sortedKeys(m map[string]Link) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// under puts a key before each line of err.
func under(key string, err error) error {
	var all []error
	Faults(key, err, func(format string, a ...any) { all = append(all, fmt.Errorf(format, a...)) })
	return errors.Join(all...)
}

// lines gives joined errors one by one.
func lines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

// Faults calls fault for each of err's lines, put under key.
func Faults(key string, err error, fault func(string, ...any)) {
	for _, line := range lines(err) {
		if strings.HasPrefix(line, ": ") {
			fault("%s%s", key, line)
			continue
		}
		fault("%s.%s", key, line)
	}
}
