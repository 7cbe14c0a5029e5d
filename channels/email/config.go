package email

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"gatehouse/configs/secret"
)

// Config is what an operator sets for mail. Zero values take the defaults of WithDefaults.
type Config struct {
	// Listen is where mail comes in, host:port; port 0 takes a free one.
	Listen string `yaml:"listen"`
	// Hostname is what we call ourselves in SMTP; it should be what the MX record names. Default: the domain.
	Hostname string `yaml:"hostname"`
	// Domain is the part after "@" of all our addresses.
	Domain string `yaml:"domain"`
	// Sender is the name shown beside our address.
	Sender string `yaml:"sender"`
	// Key proves the addresses that we hand out (replies to a case, delivery reports), at least 16 bytes, the same on
	// all gateways. Changing it breaks the reply addresses that people have.
	Key secret.Value `yaml:"key"`

	TLS    TLS    `yaml:"tls"`
	Relay  Relay  `yaml:"relay"`
	Origin Origin `yaml:"origin"`
	// STS is what others keep to when they deliver to us.
	STS STS `yaml:"sts"`
	// DKIM are the keys that sign what goes out; none: it goes unsigned, or the relay signs.
	DKIM []DKIM `yaml:"dkim"`

	// MaxMessage is the largest mail taken, in bytes as sent, which for files is a third more than their own size.
	MaxMessage int `yaml:"max_message"`
	// MaxRecipients of one mail, MaxErrors (unknown recipients, out-of-order commands) of one session.
	MaxRecipients int `yaml:"max_recipients"`
	MaxErrors     int `yaml:"max_errors"`
	// MaxSessions at a time, MaxPerHost of one IPv4 address or IPv6 /64.
	MaxSessions int `yaml:"max_sessions"`
	MaxPerHost  int `yaml:"max_per_host"`
	// CommandTimeout is how long a client may be silent, DataTimeout how long a whole mail may take, AcceptTimeout how
	// long storing may.
	CommandTimeout time.Duration `yaml:"command_timeout"`
	DataTimeout    time.Duration `yaml:"data_timeout"`
	AcceptTimeout  time.Duration `yaml:"accept_timeout"`
	// SpoolDir holds large mails while they are worked on, encrypted and without names. Default: the system's.
	SpoolDir string `yaml:"spool_dir"`
}

// TLS is how inbound mail is protected.
type TLS struct {
	// Cert and Key are PEM files. Without them STARTTLS is not offered, unless SelfSigned.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	// SelfSigned makes a certificate at each start: enough against listening, and for a demo.
	SelfSigned bool `yaml:"self_signed"`
	// Required refuses mail that comes unprotected. A public mail server must not (RFC 3207 §4).
	Required bool `yaml:"required"`
}

// Relay is the server that takes our mail to the world.
type Relay struct {
	// URL is smtp://host:port, or smtps://host:port for TLS from the first byte.
	URL string `yaml:"url"`
	// TLS is "none", "opportunistic" (STARTTLS when offered, any certificate) or "required" (and a valid certificate). A
	// password for a relay that is not on this machine needs its certificate checked.
	TLS string `yaml:"tls"`
	// User and Password log in, only over TLS or on this machine.
	User     string       `yaml:"user"`
	Password secret.Value `yaml:"password"`
	// Connections are kept, at most so many; idle ones are closed after Idle.
	Connections int           `yaml:"connections"`
	Idle        time.Duration `yaml:"idle"`
	// MaxMessage is the largest mail that the relay takes, in bytes as sent; a larger one is not even offered.
	MaxMessage int `yaml:"max_message"`
	// Timeout bounds each answer of the relay, DataTimeout the one after a whole mail.
	Timeout     time.Duration `yaml:"timeout"`
	DataTimeout time.Duration `yaml:"data_timeout"`
}

// Ways to protect the connection to the relay.
const (
	TLSNone          = "none"
	TLSOpportunistic = "opportunistic"
	TLSRequired      = "required"
)

// MinKey is the least length of Config.Key in bytes: 128 bits.
const MinKey = 16

// WithDefaults fills what is not set.
func (c Config) WithDefaults() Config {
	set := func(v *string, d string) {
		if *v == "" {
			*v = d
		}
	}
	number := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	span := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	set(&c.Hostname, c.Domain)
	set(&c.Sender, "Gatehouse")
	c.STS = c.STS.withDefaults(c.Hostname)
	number(&c.MaxMessage, 14<<20) // a file of 10 MiB in base64, and the words around it
	number(&c.MaxRecipients, 20)
	number(&c.MaxErrors, 10)
	number(&c.MaxSessions, 200)
	number(&c.MaxPerHost, 50)
	span(&c.CommandTimeout, 2*time.Minute)
	span(&c.DataTimeout, 10*time.Minute) // RFC 5321 §4.5.3.2.6
	span(&c.AcceptTimeout, 30*time.Second)
	set(&c.Relay.TLS, TLSOpportunistic)
	number(&c.Relay.Connections, 8)
	number(&c.Relay.MaxMessage, 25<<20)
	span(&c.Relay.Idle, 30*time.Second)
	span(&c.Relay.Timeout, 30*time.Second)
	span(&c.Relay.DataTimeout, 2*time.Minute)
	return c
}

// Validate gives all faults joined.
func (c Config) Validate() error {
	var all []error
	fault := func(format string, a ...any) { all = append(all, fmt.Errorf(format, a...)) }
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		fault("listen: %q is no address; write host:port, such as 127.0.0.1:2525", c.Listen)
	}
	if asciiDomain(c.Domain) == "" || !strings.Contains(c.Domain, ".") {
		fault("domain: %q is no mail domain; write one such as city.example", c.Domain)
	}
	if c.Hostname != "" && asciiDomain(c.Hostname) == "" {
		fault("hostname: %q is no host's name; write one such as mx.city.example", c.Hostname)
	}
	if strings.ContainsFunc(c.Sender, unseen) || len(c.Sender) > 100 {
		fault("sender: has control characters or is longer than 100 bytes; write a short name")
	}
	if n := len(c.Key.Reveal()); n < MinKey {
		fault("key: has %d bytes; at least %d, random", n, MinKey)
	}
	all = append(all, c.TLS.faults()...)
	all = append(all, c.Relay.faults()...)
	all = append(all, c.Origin.faults()...)
	all = append(all, c.STS.faults(c.TLS)...)
	for i, d := range c.DKIM {
		all = append(all, d.faults(i)...)
	}
	for key, n := range map[string]int{
		"max_message": c.MaxMessage, "max_recipients": c.MaxRecipients, "max_errors": c.MaxErrors,
		"max_sessions": c.MaxSessions, "max_per_host": c.MaxPerHost, "relay.connections": c.Relay.Connections, "relay.max_message": c.Relay.MaxMessage,
	} {
		if n < 0 {
			fault("%s: is %d; must be positive, or 0 for the default", key, n)
		}
	}
	for key, d := range map[string]time.Duration{
		"command_timeout": c.CommandTimeout, "data_timeout": c.DataTimeout, "accept_timeout": c.AcceptTimeout,
		"relay.idle": c.Relay.Idle, "relay.timeout": c.Relay.Timeout, "relay.data_timeout": c.Relay.DataTimeout,
	} {
		if d < 0 {
			fault("%s: is %s; must be positive, or 0 for the default", key, d)
		}
	}
	if c.SpoolDir != "" {
		if i, err := os.Stat(c.SpoolDir); err != nil || !i.IsDir() {
			fault("spool_dir: %q is no directory; make it, or leave the key out", c.SpoolDir)
		}
	}
	return errors.Join(all...)
}

func (t TLS) faults() []error {
	switch {
	case (t.Cert == "") != (t.Key == ""):
		return []error{errors.New("tls.cert: needs tls.key beside it, and the other way round")}
	case t.Cert != "" && t.SelfSigned:
		return []error{errors.New("tls.self_signed: is set beside tls.cert; choose one")}
	case t.Required && t.Cert == "" && !t.SelfSigned:
		return []error{errors.New("tls.required: needs a certificate; set tls.cert and tls.key")}
	case t.Cert != "":
		if _, err := tls.LoadX509KeyPair(t.Cert, t.Key); err != nil {
			return []error{fmt.Errorf("tls.cert: can't be used: %w; write PEM files that belong together", err)}
		}
	}
	return nil
}

func (r Relay) faults() []error {
	var all []error
	u, err := url.Parse(r.URL)
	if err != nil || (u.Scheme != "smtp" && u.Scheme != "smtps") || u.Hostname() == "" || u.Port() == "" || u.User != nil {
		all = append(all, errors.New("relay.url: is no relay; write smtp://host:port or smtps://host:port, without a password"))
	}
	switch r.TLS {
	case "", TLSNone, TLSOpportunistic, TLSRequired:
	default:
		all = append(all, fmt.Errorf("relay.tls: is %q; one of none, opportunistic, required", r.TLS))
	}
	if (r.User == "") != r.Password.IsZero() {
		all = append(all, errors.New("relay.user: needs relay.password beside it, and the other way round"))
	}
	if checked := r.TLS == TLSRequired || err == nil && u.Scheme == "smtps" && r.TLS != TLSNone; r.User != "" && !checked && err == nil && !here(u.Hostname()) {
		all = append(all, errors.New("relay.tls: does not check the relay, and a password goes to it; write required"))
	}
	return all
}

// here tells whether a host's name is this machine.
func here(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }
