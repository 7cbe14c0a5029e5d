// Package program runs the extranet side: it opens the store, the channels, the index and the border as the
// configuration says, and ties them together.
//
// The rule: this is the only package of the side that sees all its rooms. What runs on one machine or on many is
// decided here alone.
package program

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"gatehouse/channels/chat"
	"gatehouse/channels/email"
	"gatehouse/channels/sms"
	"gatehouse/channels/web"
	"gatehouse/configs/secret"
	"gatehouse/exchange"
	border "gatehouse/exchange/program"
	"gatehouse/gateway/portal/counter"
	"gatehouse/gateway/volatile/redis"
)

// Config is the whole of gateway.yaml.
type Config struct {
	// Name of the city or office, as citizens read it.
	Name string `yaml:"name"`
	// Listen is the public web's host:port, PrivateListen that of metrics and profiles.
	Listen        string `yaml:"listen"`
	PrivateListen string `yaml:"private_listen"`
	// PublicURL is how carriers and citizens see the gateway; Twilio signs it. A port 0 in it becomes the real one.
	PublicURL string `yaml:"public_url"`
	// Store is sqlite:PATH or postgres://…; KeyFile holds the key that seals what it keeps, outside the database.
	Store   string `yaml:"store"`
	KeyFile string `yaml:"key_file"`
	// Owner names this gateway among those on one store, so that what it had under way comes back at once after a
	// restart; no two running gateways share one. Empty: right for a store of its own.
	Owner string `yaml:"owner"`
	// LinkKey signs the links that show a case or go on with a form, at least 16 characters, the same on all gateways.
	LinkKey secret.Value `yaml:"link_key"`
	// Redis is redis://… when several gateways share what is volatile; empty: in-process.
	Redis secret.Value `yaml:"redis"`
	// AnswersDir and ServicesDir replace the demo city that is built in; empty: the demo city.
	AnswersDir  string `yaml:"answers_dir"`
	ServicesDir string `yaml:"services_dir"`
	// Level of the log: debug, info, warn or error.
	Level    slog.Level `yaml:"log_level"`
	Channels Channels   `yaml:"channels"`
	// Texts are the budgets of outbound text messages.
	Texts Texts `yaml:"texts"`
	// Rates are how fast each channel may send, over all gateways.
	Rates Rates `yaml:"rates"`
	// Counter is for clerks who write for people, on the private listener.
	Counter  counter.Config `yaml:"counter"`
	Exchange Exchange       `yaml:"exchange"`
}

// minKey is the least length of a signing key, in characters.
const minKey = 16

// Channels holds one block a channel; a channel without a block is off.
type Channels struct {
	SMS   *sms.Config   `yaml:"sms"`
	Email *email.Config `yaml:"email"`
	Chat  *chat.Config  `yaml:"chat"`
	Web   *web.Config   `yaml:"web"`
}

// has tells whether a channel is set up.
func (c Channels) has(name string) bool {
	return map[string]bool{"sms": c.SMS != nil, "email": c.Email != nil, "chat": c.Chat != nil, "web": c.Web != nil}[name]
}

// Exchange is this side's end of the border.
type Exchange struct {
	// Isolation is stated, never implied: physical, logical or none. Physical needs two links that carry nothing back.
	Isolation string `yaml:"isolation"`
	// Keys is the folder with this side's keys and the public keys of the guards and the intranet.
	Keys string `yaml:"keys"`
	// Suites are those that this side seals with and takes; empty: all.
	Suites []exchange.Suite `yaml:"suites"`
	// Up is link A, to the up guard; Down is link D, from the down guard.
	Up   border.Link `yaml:"up"`
	Down border.Link `yaml:"down"`
	// AckEvery is the fixed clock of receipts for the down lane (default 10s), Resend when an envelope without a
	// receipt goes out again (default 1m), Poll how often the folders are looked at (default 200ms).
	AckEvery time.Duration `yaml:"ack_every"`
	// AckIdle is when a receipt goes although nothing but receipts came (default: ack_every, a cadence that says nothing).
	AckIdle time.Duration `yaml:"ack_idle"`
	Resend  time.Duration `yaml:"resend"`
	Poll    time.Duration `yaml:"poll"`
	// BeatEvery is how often a heartbeat goes out and how often the guard's is awaited (default 5s), the same at all four
	// ends. A medium that is carried by hand needs hours.
	BeatEvery time.Duration `yaml:"beat_every"`
	// LogFile is the hash-chained log of what this side sent and received, on a disk of this machine; empty: beside the
	// SQLite database.
	LogFile string `yaml:"log_file"`
	// OutboxLimit is how many documents may wait for the border before no more is taken in (default 20000).
	OutboxLimit int64 `yaml:"outbox_limit"`
}

// Validate gives all faults joined.
func (c *Config) Validate() error {
	var all []error
	fault := func(format string, a ...any) { all = append(all, fmt.Errorf(format, a...)) }
	if c.Name == "" {
		fault("name: is empty; write the name of the city or office")
	}
	all = append(all, c.Texts.faults()...)
	all = append(all, c.Rates.faults(c.Channels.has)...)
	for key, addr := range map[string]string{"listen": c.Listen, "private_listen": c.PrivateListen} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			fault("%s: is %q; write host:port, such as 127.0.0.1:8080", key, addr)
		}
	}
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		fault("public_url: is %q; write how carriers reach the gateway, such as https://gate.example.org", c.PublicURL)
	}
	if !strings.HasPrefix(c.Store, "sqlite:") && !strings.HasPrefix(c.Store, "postgres://") {
		fault("store: must begin with sqlite: or postgres://")
	}
	if c.KeyFile == "" {
		fault("key_file: is empty; name a file outside the database, such as ./data/gateway.key")
	}
	if len(c.LinkKey.Reveal()) < minKey {
		fault("link_key: has %d characters; at least %d random ones", len(c.LinkKey.Reveal()), minKey)
	}
	if !c.Redis.IsZero() {
		if err := (redis.Config{URL: c.Redis}).Validate(); err != nil {
			fault("redis: can't be used: %v; write redis://host:6379/0, or leave it empty", err)
		}
	}
	for key, dir := range map[string]string{"answers_dir": c.AnswersDir, "services_dir": c.ServicesDir} {
		if i, err := os.Stat(dir); dir != "" && (err != nil || !i.IsDir()) {
			fault("%s: is %q, which is no folder here; name one, or leave it empty for the demo city", key, dir)
		}
	}
	c.sampleKeys(fault)
	c.Exchange.faults(c.Store, fault)
	border.Faults("counter", c.Counter.Validate(), fault)
	all = append(all, c.Channels.faults(c.PublicURL)...)
	return errors.Join(all...)
}

// sampleKeys finds keys that everybody can read in the sample: links, reply addresses and sessions could be forged. A
// gateway that its own machine alone reaches may have them, to be tried out.
func (c *Config) sampleKeys(fault func(string, ...any)) {
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Hostname() == "localhost" || err == nil && ip.IsLoopback() {
		return
	}
	known := func(name string, key secret.Value) {
		if strings.HasPrefix(key.Reveal(), "change-me") {
			fault("%s: is the sample's, which everybody knows; set at least %d random characters", name, minKey)
		}
	}
	known("link_key", c.LinkKey)
	if m := c.Channels.Email; m != nil {
		known("channels.email.key", m.Key)
	}
	if w := c.Channels.Web; w != nil {
		known("channels.web.key", w.Key)
	}
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
	if x.OutboxLimit < 0 {
		fault("exchange.outbox_limit: is negative; 1 or more, or 0 for %d", defaultOutbox)
	}
	border.Faults("exchange", border.CheckEvidence(x.LogFile, store), fault)
}

// withPublic gives the blocks that left public_url out the gateway's own.
func (c Channels) withPublic(url string) Channels {
	if c.SMS != nil && c.SMS.PublicURL == "" {
		sms := *c.SMS
		sms.PublicURL, c.SMS = url, &sms
	}
	if c.Chat != nil && c.Chat.PublicURL == "" {
		chat := *c.Chat
		chat.PublicURL, c.Chat = url, &chat
	}
	if c.Web != nil && c.Web.PublicURL == "" {
		web := *c.Web
		web.PublicURL, c.Web = url, &web
	}
	return c
}

func (c Channels) faults(public string) []error {
	c = c.withPublic(public)
	var all []error
	under := func(name string, err error) {
		for _, e := range parts(err) {
			all = append(all, fmt.Errorf("channels.%s.%w", name, e))
		}
	}
	if c.SMS != nil {
		under("sms", c.SMS.Validate())
	}
	if c.Email != nil {
		under("email", c.Email.Validate())
	}
	if c.Chat != nil {
		under("chat", c.Chat.Validate())
	}
	if c.Web != nil {
		under("web", c.Web.Validate())
	}
	return all
}

func parts(err error) []error {
	if err == nil {
		return nil
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	return []error{err}
}
