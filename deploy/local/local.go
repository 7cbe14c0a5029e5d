package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"gatehouse/adapters/console"
	office "gatehouse/adapters/program"
	"gatehouse/channels/email"
	"gatehouse/configs/password"
	"gatehouse/configs/secret"
	"gatehouse/configs/serve"
	"gatehouse/deploy/carriers"
	"gatehouse/deploy/carriers/names"
	"gatehouse/deploy/clock"
	"gatehouse/exchange"
	border "gatehouse/exchange/guard"
	guard "gatehouse/exchange/program"
	"gatehouse/gateway/portal/counter"
	gateway "gatehouse/gateway/program"
)

// Config is the whole of local.yaml: every side's own configuration under its name.
type Config struct {
	// Data is the folder of everything that is kept; deleting it starts afresh.
	Data  string     `yaml:"data"`
	Level slog.Level `yaml:"log_level"`
	// Seed fills new stores with people, companies and their cases of the year before (deploy/past). Only with
	// office.demo.
	Seed     bool            `yaml:"seed"`
	Gateway  gateway.Config  `yaml:"gateway"`
	Up       guard.Config    `yaml:"up"`
	Down     guard.Config    `yaml:"down"`
	Office   office.Config   `yaml:"office"`
	Carriers carriers.Config `yaml:"carriers"`
}

// Validate checks every part once what is made at the first start is there.
func (c *Config) Validate() error {
	if c.Data == "" {
		return errors.New("data: is empty; name a folder, such as ./data")
	}
	whole := *c
	whole.keys(func(string) string { return strings.Repeat("x", 32) })
	var all []error
	for _, part := range []struct {
		name string
		err  error
	}{{"gateway", whole.Gateway.Validate()}, {"up", c.Up.Validate()}, {"down", c.Down.Validate()}, {"office", c.Office.Validate()},
		{"carriers", c.Carriers.Validate()}} {
		if part.err == nil {
			continue
		}
		for _, line := range strings.Split(part.err.Error(), "\n") {
			all = append(all, fmt.Errorf("%s.%s", part.name, line))
		}
	}
	return errors.Join(append(append(all, c.alone()...), c.sameEnds()...)...)
}

// keys fills the signing keys that were left empty; made gives the one of a name.
func (c *Config) keys(made func(name string) string) {
	fill := func(v *secret.Value, name string) {
		if v.IsZero() {
			*v = secret.New(made(name))
		}
	}
	fill(&c.Gateway.LinkKey, "link")
	if m := c.Gateway.Channels.Email; m != nil {
		mail := *m
		fill(&mail.Key, "mail")
		c.Gateway.Channels.Email = &mail
	}
	if w := c.Gateway.Channels.Web; w != nil {
		web := *w
		fill(&web.Key, "web")
		if at, ok := strings.CutPrefix(c.Gateway.PublicURL, "http://127.0.0.1:"); ok && at != "0" {
			web.Origins = append(slices.Clone(web.Origins), "http://localhost:"+at) // people type either
		}
		c.Gateway.Channels.Web = &web
	}
	if t := c.Gateway.Channels.Chat; t != nil {
		chat := *t
		fill(&chat.WebhookSecret, "telegram")
		c.Gateway.Channels.Chat = &chat
	}
}

// firstStart makes what a fresh machine does not have: the border's keys and the signing keys.
func (c *Config) firstStart() error {
	dir := filepath.Join(c.Data, "keys")
	if err := exchange.MakeKeys(dir, exchange.Parties(), time.Now()); err != nil {
		return err
	}
	var failed error
	c.keys(func(name string) string {
		s, err := kept(filepath.Join(dir, name+".secret"))
		failed = errors.Join(failed, err)
		return s
	})
	return failed
}

// kept reads a secret, or makes it at the first start.
func kept(file string) (string, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		s := rand.Text()
		return s, os.WriteFile(file, []byte(s), 0o600)
	}
	return string(b), err
}

// Run runs the stand-in carriers and all three sides until ctx ends. When somebody asks to start afresh it begins again
// with nothing kept; ready is called once all the same.
func Run(ctx context.Context, c Config, out io.Writer, log *slog.Logger, ready func(map[string]string)) error {
	var told sync.Once
	for {
		err := c.run(ctx, out, log, func(a map[string]string) { told.Do(func() { ready(a) }) })
		if !errors.Is(err, errAfresh) || ctx.Err() != nil {
			fmt.Fprintln(out, "stopped")
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return nil // stopped before all of it ran
			}
			return err
		}
		if err := c.empty(); err != nil {
			return err
		}
	}
}

// run is one run of everything; errAfresh ends it so that another may begin.
func (c Config) run(ctx context.Context, out io.Writer, log *slog.Logger, ready func(map[string]string)) error {
	if err := c.firstStart(); err != nil {
		return fmt.Errorf("first start: %w", err)
	}
	c.demoClerk()
	clock, err := clock.Open(c.clockFile())
	if err != nil {
		return err
	}
	ctx, afresh := context.WithCancelCause(ctx)
	defer afresh(nil)
	c.Carriers.Clock = day{clock, c.ownStores(), afresh}
	town, err := services(c.Gateway.ServicesDir)
	if err != nil {
		return err
	}
	if err := c.seed(ctx, town, clock.Now, log); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	c.Carriers.Now, c.Carriers.Zone = clock.Now, town.City.Location()
	err = c.sides(ctx, clock, out, log, ready)
	if (err == nil || errors.Is(err, context.Canceled)) && errors.Is(context.Cause(ctx), errAfresh) {
		return errAfresh
	}
	return err
}

// sides runs the stand-in carriers and all three sides by one clock until ctx ends.
func (c Config) sides(ctx context.Context, clock *clock.Clock, out io.Writer, log *slog.Logger, ready func(map[string]string)) error {
	o := gateway.Options{Log: log.With("side", "extranet"), Now: clock.Now, Hold: clock.Hold}
	c.Carriers.Log = log.With("side", "carriers")
	stand, err := carriers.Start(ctx, c.Carriers)
	if err != nil {
		return err
	}
	defer stand.Close()
	c.toCarriers(stand)
	var notes []string // of the up guard
	board := &board{want: 3, all: map[string]string{}, ready: func(a map[string]string) {
		c.fromCarriers(stand, a)
		c.greet(out, stand, a, notes)
		ready(a)
	}}
	for name, addr := range stand.Addresses() {
		board.all[name] = addr
	}
	o.Ready = board.add
	run, ctx := errgroup.WithContext(ctx)
	run.Go(func() error { return of("gateway", gateway.Run(ctx, c.Gateway, o)) })
	run.Go(func() error {
		return guard.RunWith(ctx, c.Up, guard.Options{Log: log.With("side", "border"), Now: clock.Now, Ready: func(said []string) {
			notes = said // read once all are there, under the board's lock
			board.add(nil)
		}})
	})
	run.Go(func() error {
		return guard.RunWith(ctx, c.Down, guard.Options{Log: log.With("side", "border"), Now: clock.Now})
	})
	run.Go(func() error {
		return of("office", office.Run(ctx, c.Office, office.Options{Log: log.With("side", "intranet"), Now: clock.Now, Ready: board.add}))
	})
	return run.Wait()
}

// demoClerk is the one account of the demo's counter; its password is everybody's.
const demoClerk = "counter"

func (c *Config) demoClerk() {
	if c.Office.Demo && len(c.Gateway.Counter.Clerks) == 0 {
		c.Gateway.Counter.Clerks = []counter.Clerk{{ID: demoClerk, Label: "Counter 1, town hall", PasswordHash: secret.New(password.Hash(console.DemoPassword))}}
	}
}

// of names the side that failed, and for a port that is taken the variable that moves it: both sides have a "listen".
func of(side string, err error) error {
	var port *serve.Taken
	switch {
	case err == nil:
		return nil
	case errors.As(err, &port):
		return fmt.Errorf("%s.%w (%s in the environment)", side, err, strings.ToUpper(side+"_"+port.Setting))
	case errors.Is(err, syscall.EADDRINUSE): // no server of serve's: the mail listener
		return fmt.Errorf("%s: %w (SMTP_LISTEN in the environment)", side, err)
	}
	return fmt.Errorf("%s: %w", side, err)
}

// board gathers the addresses of both sides and tells them once all are there.
type board struct {
	mu    sync.Mutex
	want  int
	all   map[string]string
	ready func(map[string]string)
}

func (b *board) add(a map[string]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for k, v := range a {
		b.all[k] = v
	}
	if b.want--; b.want == 0 {
		b.ready(b.all)
	}
}

// toCarriers puts the stand-ins' real addresses where a port 0 was written.
func (c *Config) toCarriers(stand *carriers.Carriers) {
	all := &c.Gateway.Channels
	if s := all.SMS; s != nil && portZero(s.BaseURL) {
		sms := *s
		sms.BaseURL, all.SMS = stand.URL(), &sms
	}
	if t := all.Chat; t != nil && portZero(t.APIURL) {
		chat := *t
		chat.APIURL, all.Chat = stand.URL(), &chat
	}
	if m := all.Email; m != nil && portZero(m.Relay.URL) {
		mail := *m
		mail.Relay.URL, all.Email = "smtp://"+stand.MailAddr(), &mail
	}
	if m := all.Email; m != nil && strings.HasSuffix(m.Origin.Resolver, ":0") {
		mail := *m
		mail.Origin.Resolver, all.Email = stand.DNSAddr(), &mail
	}
	if m := all.Email; m != nil && len(m.DKIM) == 0 && stand.DNS.Key(m.Domain) != nil {
		mail := *m
		mail.DKIM, all.Email = []email.DKIM{{Selector: names.Selector, Key: stand.DNS.Key(m.Domain)}}, &mail
	}
}

func portZero(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Port() == "0"
}

// fromCarriers tells the stand-ins where the gateway is.
func (c *Config) fromCarriers(stand *carriers.Carriers, a map[string]string) {
	stand.SMS.SetWebhooks(a["public_url"] + "/hooks/sms")
	if smtp := a["smtp"]; smtp != "" {
		host, port, err := net.SplitHostPort(smtp)
		if err == nil && (host == "" || host == "0.0.0.0" || host == "::") {
			smtp = net.JoinHostPort("127.0.0.1", port)
		}
		stand.Mail.SetGateway(smtp)
	}
}

// greet prints where to click.
func (c *Config) greet(out io.Writer, stand *carriers.Carriers, a map[string]string, notes []string) {
	fmt.Fprintf(out, `
  Gatehouse is running, with the demo city %s.   Isolation: %s (one process on one machine)

  Citizens    web, search, forms, chat   %s
              a phone, a chat, a mailbox %s
              mail to help@%s goes to    %s
  The city    %s
  The clock   can be moved on            %s/clock
  Staff       the console                http://%s
              the counter, as %q   http://%s/counter
  Operators   metrics                    http://%s/metrics   http://%s/metrics
  Files       %s;
              %s
  Documents   %s
  Kept in     %s   (log: gatehouse.log; delete the folder to start afresh)

  Staff of the demo, password %q:
`, c.Gateway.Name, c.Gateway.Exchange.Isolation, a["public_url"], stand.URL(), c.domain(), a["smtp"], c.holds(), stand.URL(), a["office"], demoClerk, a["private_listen"],
		a["private_listen"], a["office_private"], decoded(notes), c.scan(), c.documents(), c.Data, console.DemoPassword)
	for _, s := range console.DemoStaff() {
		fmt.Fprintf(out, "    %-10s %-22s %-10s %s\n", s.ID, s.Name, s.Department, roles(s.Roles))
	}
	c.chart(out, a)
	fmt.Fprint(out, "\n  Ctrl-C ends it.\n\n")
}

// decoded says how foreign files are judged here, as the guard found it, not as the file asks for it.
func decoded(notes []string) string {
	s := "are decoded at the border in a sandbox of their own, pictures and PDF made anew"
	for _, n := range notes {
		switch {
		case strings.HasSuffix(n, border.NoNamespaces):
			s = strings.Replace(s, "in a sandbox of their own", "WITHOUT a sandbox of namespaces (in a child with limits alone)", 1)
		case strings.HasSuffix(n, border.NoRenderer):
			s = strings.Replace(s, "pictures and PDF made anew", "pictures made anew, PDF refused (install poppler-utils)", 1)
		case strings.HasPrefix(n, "the virus scanner"):
			s += "; " + n
		}
	}
	return s
}

// scan says who looks for viruses.
func (c *Config) scan() string {
	if c.Up.Clamd.Address == "" {
		return "no virus scan (CLAMD is empty)"
	}
	return "scanned for viruses by " + c.Up.Clamd.Address
}

func (c *Config) domain() string {
	if m := c.Gateway.Channels.Email; m != nil {
		return m.Domain
	}
	return "portlumen.example"
}

func roles[T ~string](all []T) string {
	var names []string
	for _, r := range all {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}
