// Package carriers stands in for the carriers of a gateway: Twilio, Telegram, the world of mail and the DNS, each
// speaking the real protocol, so that the gateway's own adapters run against it unchanged. People hold the phones,
// chats and mailboxes in the browser; tests hold them through this package or through the control API.
//
// The rule: a stand-in never makes things easier than the real carrier. It may make them harder: by magic numbers and
// addresses (faults.Magic lists them; they are +44 7700 900900 to 900999, the chats of the same digits, and
// <word>@magic.example) and by the rules of a test (Carriers.Faults, or POST /control/faults).
//
// It keeps everything in memory, has no accounts and no passwords of its own, and belongs on a loopback address.
package carriers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"gatehouse/configs/secret"
	"gatehouse/deploy/carriers/faults"
	"gatehouse/deploy/carriers/names"
	"gatehouse/deploy/carriers/pages"
	"gatehouse/deploy/carriers/relay"
	"gatehouse/deploy/carriers/telegram"
	"gatehouse/deploy/carriers/twilio"

	"golang.org/x/net/netutil"
)

// Config is the whole stand-in. The zero Config serves the demo's accounts on free ports of 127.0.0.1.
type Config struct {
	// Listen is where pages, the control API, Twilio's and Telegram's APIs are served; empty: 127.0.0.1:0.
	Listen string `yaml:"listen"`
	// MailboxListen is where the relay takes mail; empty: 127.0.0.1:0.
	MailboxListen string `yaml:"mailbox_listen"`
	// DNSListen is where names are answered, on UDP and TCP; empty: 127.0.0.1:0.
	DNSListen string `yaml:"dns_listen"`
	// PublicURL is how the gateway reaches Listen, without a slash at the end; empty: http:// and the real address.
	PublicURL string `yaml:"public_url"`

	SMS  twilio.Config   `yaml:"sms"`
	Chat telegram.Config `yaml:"chat"`
	Mail relay.Config    `yaml:"mail"`
	DNS  names.Config    `yaml:"dns"`

	// People are whom the start page offers; empty stands for those of the demo.
	People []pages.Person `yaml:"people"`

	// Log and Now are for the program around; nil stands for silence and the clock.
	Log *slog.Logger     `yaml:"-"`
	Now func() time.Time `yaml:"-"`
	// Clock lets people move the day of the demo, whose time Now is, shown in Zone; nil: nobody can.
	Clock pages.Clock    `yaml:"-"`
	Zone  *time.Location `yaml:"-"`
}

// The demo's accounts. They open nothing but a stand-in.
const (
	DemoAuthToken = "DemoAuthTokenOfTheStandIn"
	DemoNumber    = "+447700900000"
	DemoToken     = "700700:DemoTokenOfTheStandIn"
	DemoDomain    = "portlumen.example"
)

// DemoAccountSID is "AC", 31 zeros and a one.
func DemoAccountSID() string { return "AC" + strings.Repeat("0", 31) + "1" }

// WithDefaults fills in the demo's values for what is empty.
func (c Config) WithDefaults() Config {
	for _, addr := range []*string{&c.Listen, &c.MailboxListen, &c.DNSListen} {
		if *addr == "" {
			*addr = "127.0.0.1:0"
		}
	}
	if c.SMS.AccountSID == "" {
		c.SMS.AccountSID = DemoAccountSID()
	}
	if c.SMS.AuthToken.IsZero() {
		c.SMS.AuthToken = secret.New(DemoAuthToken)
	}
	if len(c.SMS.Numbers) == 0 {
		c.SMS.Numbers = []string{DemoNumber}
	}
	if c.Chat.Token.IsZero() {
		c.Chat.Token = secret.New(DemoToken)
	}
	if len(c.Mail.Domains) == 0 {
		c.Mail.Domains = []string{DemoDomain}
	}
	if len(c.People) == 0 {
		c.People = demoPeople()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	return c
}

// Validate returns all faults joined; each names its key.
func (c Config) Validate() error {
	c = c.WithDefaults()
	var errs []error
	for key, addr := range map[string]string{"listen": c.Listen, "mailbox_listen": c.MailboxListen, "dns_listen": c.DNSListen} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			errs = append(errs, fmt.Errorf("%s: is not host:port; 127.0.0.1:8070 would be right", key))
		}
	}
	if c.PublicURL != "" && (!strings.HasPrefix(c.PublicURL, "http") || strings.HasSuffix(c.PublicURL, "/")) {
		errs = append(errs, errors.New("public_url: is not a URL without a slash at the end; http://127.0.0.1:8070 would be right"))
	}
	for key, err := range map[string]error{
		"sms": c.SMS.Validate(), "chat": c.Chat.Validate(), "mail": c.Mail.Validate(), "dns": c.DNS.Validate(),
	} {
		errs = append(errs, prefixed(key, err)...)
	}
	return errors.Join(errs...)
}

// prefixed puts the key of a part before each of its faults.
func prefixed(key string, err error) []error {
	if err == nil {
		return nil
	}
	var all []error
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range j.Unwrap() {
			all = append(all, fmt.Errorf("%s.%w", key, e))
		}
		return all
	}
	return []error{fmt.Errorf("%s.%w", key, err)}
}

// Carriers are the running stand-ins.
type Carriers struct {
	// The carriers themselves, for all that the methods here do not offer.
	SMS  *twilio.Carrier
	Chat *telegram.Bot
	Mail *relay.Relay
	DNS  *names.Server
	// Faults decides who misbehaves.
	Faults *faults.Book

	cfg       Config
	url       string
	pages     *pages.Pages
	addresses map[string]string
	server    *http.Server
	stop      context.CancelFunc
	serving   sync.WaitGroup
	closing   sync.Once
}

const (
	// maxConns bounds the connections to the pages and APIs.
	maxConns = 1024
	// patience is how long requests under way may go on after Close, which follows upon the end of the gateway.
	patience = time.Second
)

// Start opens all stand-ins. They work until Close, or until ctx ends; Close must be called in either case.
func Start(ctx context.Context, cfg Config) (*Carriers, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("carriers: %w", err)
	}
	cfg = cfg.WithDefaults()
	s, err := listen(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("carriers: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	c := &Carriers{cfg: cfg, Faults: faults.NewBook(), url: cfg.PublicURL, addresses: s.addresses(), stop: stop}
	if c.url == "" {
		c.url = "http://" + c.addresses["carriers"]
	}
	if err := c.open(ctx, s); err != nil {
		stop()
		s.close()
		c.closeParts()
		return nil, fmt.Errorf("carriers: %w", err)
	}
	c.server = &http.Server{
		Handler: c.handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	c.serving.Go(func() {
		if err := c.server.Serve(netutil.LimitListener(s.web, maxConns)); err != nil && !errors.Is(err, http.ErrServerClosed) {
			cfg.Log.Error("carriers' pages ended", "err", err)
		}
	})
	return c, nil
}

func (c *Carriers) open(ctx context.Context, s *sockets) (err error) {
	cfg := c.cfg
	c.SMS, err = twilio.Open(ctx, cfg.SMS, twilio.House{Log: cfg.Log, Now: cfg.Now, Book: c.Faults, BaseURL: c.url})
	if err != nil {
		return err
	}
	c.Chat, err = telegram.Open(ctx, cfg.Chat, telegram.House{Log: cfg.Log, Now: cfg.Now, Book: c.Faults})
	if err != nil {
		return err
	}
	c.Mail, err = relay.Open(ctx, cfg.Mail, s.mail, relay.House{Log: cfg.Log, Now: cfg.Now, Book: c.Faults})
	if err != nil {
		return err
	}
	if c.DNS, err = names.Open(cfg.DNS, s.packets, s.names, cfg.Log); err != nil {
		return err
	}
	for _, p := range cfg.People {
		known := telegram.Person{ID: int64(p.Chat), FirstName: p.Name, Lang: p.Lang, Phone: p.Phone}
		if err := c.Chat.SetPerson(known); p.Chat != 0 && err != nil {
			return fmt.Errorf("people: %s: %w", p.Name, err)
		}
	}
	c.pages, err = pages.Open(pages.House{
		Log: cfg.Log, SMS: c.SMS, Chat: c.Chat, Mail: c.Mail, People: cfg.People, Addresses: c.addresses, Clock: cfg.Clock, Zone: cfg.Zone,
	})
	return err
}

// Close ends everything and waits for it; it takes 5 s at most.
func (c *Carriers) Close() {
	c.closing.Do(func() {
		c.stop() // ends long polls, streams and slow answers
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if c.server.Shutdown(ctx) != nil {
			c.server.Close()
		}
		c.serving.Wait()
		c.closeParts()
	})
}

func (c *Carriers) closeParts() {
	if c.SMS != nil {
		c.SMS.Close()
	}
	if c.Chat != nil {
		c.Chat.Close()
	}
	if c.Mail != nil {
		c.Mail.Close()
	}
	if c.DNS != nil {
		c.DNS.Close()
	}
}

// URL is the base of the pages, of the control API, of Twilio's API (TWILIO_BASE_URL) and of Telegram's
// (TELEGRAM_API_URL).
func (c *Carriers) URL() string { return c.url }

// MailAddr is the host:port of the relay (SMTP_RELAY), DNSAddr that of the name server (DNS_RESOLVER).
func (c *Carriers) MailAddr() string { return c.addresses["mailbox"] }

// DNSAddr is the host:port of the name server.
func (c *Carriers) DNSAddr() string { return c.addresses["dns"] }

// Addresses names where the stand-ins really listen: carriers, mailbox, dns.
func (c *Carriers) Addresses() map[string]string { return c.addresses }
