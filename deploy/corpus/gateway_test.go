package corpus

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/channels/email"
	"gatehouse/channels/email/origin/origintest"
	"gatehouse/configs/secret"
	"gatehouse/deploy/carriers/faults"
	"gatehouse/deploy/carriers/relay"
	"gatehouse/exchange"
	guard "gatehouse/exchange/program"
	"gatehouse/gateway"
	program "gatehouse/gateway/program"
	"gatehouse/gateway/store"
)

// monday is when the gateway starts: 23 November 2026, 09:00 where Port Lumen is (UTC-1).
var monday = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// patience bounds every wait; the machine may be busy.
const patience = 2 * time.Minute

// city is a whole gateway with its store and border, the world of mail around it, and a name server.
type city struct {
	t      *testing.T
	dir    string
	smtp   string // where the gateway takes mail
	mta    string // where the world of mail does
	names  *origintest.Names
	people *people
	world  *relay.Relay
	store  *store.Store // a second look at the gateway's, for its counts
	guard  *exchange.Ring
	judged *judged
	now    func() time.Time
	passed map[string]bool // envelopes that were looked at
	filed  int64           // documents in them that the gateway owed the border
}

// open starts a gateway that judges mail by its own checks, with the companies' register already there.
func open(t *testing.T, clerks []string) *city {
	t.Helper()
	began := time.Now()
	c := &city{t: t, dir: t.TempDir(), names: origintest.Serve(t), judged: &judged{}, passed: map[string]bool{},
		now: func() time.Time { return monday.Add(time.Since(began)) }}
	c.people = settle(t, c.names, c.dir)
	c.openWorld()
	keys := filepath.Join(c.dir, "keys")
	if err := exchange.MakeKeys(keys, exchange.Parties(), monday); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.guard, err = exchange.LoadRing(filepath.Join(keys, string(exchange.UpGuard)), exchange.UpGuard); err != nil {
		t.Fatal(err)
	}
	c.openStore(clerks)
	c.run(program.Config{
		Name: "Port Lumen", Listen: "127.0.0.1:0", PrivateListen: "127.0.0.1:0", PublicURL: "http://127.0.0.1:0",
		Store: c.url(), KeyFile: filepath.Join(c.dir, "gateway.key"), Owner: "gateway", LinkKey: secret.New("a-key-of-the-corpus-alone"),
		Channels: program.Channels{Email: &email.Config{
			Listen: "127.0.0.1:0", Domain: "portlumen.example", Key: secret.New("a-key-of-the-corpus-alone"),
			Relay:  email.Relay{URL: "smtp://" + c.mta, TLS: email.TLSNone},
			Origin: email.Origin{Check: email.CheckSelf, Resolver: c.names.Addr, Authorities: []string{c.people.authority}},
			DKIM:   []email.DKIM{{Selector: "ours", Kind: email.KindRSA, Key: c.people.ours}},
		}},
		Exchange: program.Exchange{Isolation: "none", Keys: filepath.Join(keys, string(exchange.Extranet)), Poll: 10 * time.Millisecond,
			Up: guard.Link{Dir: c.link()}, Down: guard.Link{Dir: filepath.Join(c.dir, "down")}},
	})
	return c
}

func (c *city) url() string  { return "sqlite:" + filepath.Join(c.dir, "gateway.db") }
func (c *city) link() string { return filepath.Join(c.dir, "up") }

// openWorld is the relay that takes the gateway's mail.
func (c *city) openWorld() {
	l, err := new(net.ListenConfig).Listen(c.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	c.mta = l.Addr().String()
	c.world, err = relay.Open(context.Background(), relay.Config{}, l, relay.House{Log: slog.New(slog.DiscardHandler), Now: c.now, Book: faults.NewBook()})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(c.world.Close)
}

// openStore puts the register of companies into the store, as publications of the inside do.
func (c *city) openStore(clerks []string) {
	var err error
	c.store, err = store.Open(c.t.Context(), store.Config{URL: c.url(), KeyFile: filepath.Join(c.dir, "gateway.key"), Owner: "corpus", Now: c.now})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { c.store.Close() })
	list := func(name string, l exchange.Listing) {
		p := exchange.Publication{ID: name, Sort: exchange.SortRegister, Name: name, Revision: 1, Body: l.Body(), At: monday}
		if err := c.store.Publish(c.t.Context(), p, 0); err != nil {
			c.t.Fatal(err)
		}
	}
	list(northdock, exchange.Listing{Company: "Northdock Goods"})
	for i, address := range clerks {
		list(fmt.Sprintf("%s/%d", northdock, i+1), exchange.Listing{Address: address, Admin: i == 0})
	}
}

func (c *city) run(config program.Config) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan map[string]string, 1), make(chan error, 1)
	go func() {
		ended <- program.Run(ctx, config, program.Options{Log: slog.New(c.judged), Now: c.now, Ready: func(a map[string]string) { ready <- a }})
	}()
	c.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			c.t.Errorf("gateway: %v", err)
		}
	})
	select {
	case a := <-ready:
		c.smtp = a["smtp"]
	case err := <-ended:
		ended <- err
		c.t.Fatalf("the gateway did not start: %v", err)
	}
}

// judged keeps the verdict on the last mail, which the gateway logs.
type judged struct {
	slog.Handler
	mu   sync.Mutex
	last string
}

// Enabled is for all levels.
func (*judged) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs is for all alike.
func (j *judged) WithAttrs([]slog.Attr) slog.Handler { return j }

// WithGroup is for all alike.
func (j *judged) WithGroup(string) slog.Handler { return j }

// Handle keeps a verdict.
func (j *judged) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "mail judged" {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "verdict" {
			j.last = a.Value.String()
		}
		return true
	})
	return nil
}

// take gives the verdict and forgets it.
func (j *judged) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	v := j.last
	j.last = ""
	return v
}

// rest waits until everything heard is answered, every answer is on its way and what was filed is at the border. It gives
// what came there since the last time.
func (c *city) rest() []exchange.Document {
	c.t.Helper()
	var fresh []exchange.Document
	var n gateway.Counts
	c.eventually("the gateway is at rest", func() bool {
		fresh = append(fresh, c.crossed()...)
		var err error
		if n, err = c.store.Counts(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
		return n.InboundOpen == 0 && n.Owed == 0 && c.filed >= n.CrossingsOpen
	})
	return append(fresh, c.crossed()...)
}

// crossed reads the documents that stand at the border and were not looked at yet.
func (c *city) crossed() []exchange.Document {
	all, err := filepath.Glob(filepath.Join(c.link(), "up-*.envelope"))
	if err != nil {
		c.t.Fatal(err)
	}
	slices.Sort(all)
	var fresh []exchange.Document
	for _, file := range all {
		if c.passed[file] {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			c.t.Fatal(err)
		}
		e, err := exchange.ParseEnvelope(b)
		if err != nil {
			c.t.Fatal(err)
		}
		u, err := c.guard.Unseal(exchange.Up, e, c.now())
		if err != nil {
			c.t.Fatal(err)
		}
		d, err := exchange.Decode(u.Header.Kind, bytes.Clone(u.Content))
		if err != nil {
			c.t.Fatal(err)
		}
		c.passed[file] = true
		switch d.Kind() {
		case exchange.KindAck, exchange.KindHeartbeat, exchange.KindHistory: // the lane's own
			continue
		}
		c.filed++
		fresh = append(fresh, d)
	}
	return fresh
}

// mailbox gives what the gateway answered to an address, the oldest first. What it sends unasked is not among it.
func (c *city) mailbox(address string) []relay.Mail {
	var all []relay.Mail
	for _, item := range c.world.Mails().Of(strings.ToLower(address), 0) {
		if item.Value.Field("Auto-Submitted") == "auto-replied" {
			all = append(all, item.Value)
		}
	}
	return all
}

func (c *city) eventually(what string, holds func() bool) {
	c.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-end:
			c.t.Fatalf("waited in vain: %s", what)
		}
	}
}
