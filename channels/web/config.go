package web

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"gatehouse/configs/secret"
)

// Config is what an operator sets for the web chat. Zero values take the defaults of WithDefaults.
type Config struct {
	// Key signs session tokens, at least 16 bytes, the same on all gateways. Changing it ends every session.
	Key secret.Value `yaml:"key"`
	// PublicURL is where citizens see the gateway: the origin that browsers may chat from. Empty: the origin's host
	// must be the one that the request names.
	PublicURL string `yaml:"public_url"`
	// Origins are further origins that may chat, such as https://www.example.org.
	Origins []string `yaml:"origins"`
	// TrustedProxies are networks (CIDR) whose X-Forwarded-For counts. Empty: the peer's address counts.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// Languages are the languages that the chat knows, the first being the one for everybody else.
	Languages []string `yaml:"languages"`

	// MaxConnections bounds open chats on this gateway, MaxPerHost those of one IPv4 address or IPv6 /64.
	MaxConnections int `yaml:"max_connections"`
	MaxPerHost     int `yaml:"max_per_host"`
	// MaxFrame is the longest frame in bytes, MaxText the longest message in characters.
	MaxFrame int `yaml:"max_frame"`
	MaxText  int `yaml:"max_text"`

	// Messages of one session, messages of one host and new sessions of one host: so many at once, so many a minute.
	MessageBurst      int `yaml:"message_burst"`
	MessagesPerMinute int `yaml:"messages_per_minute"`
	HostBurst         int `yaml:"host_burst"`
	HostPerMinute     int `yaml:"host_per_minute"`
	SessionBurst      int `yaml:"session_burst"`
	SessionsPerMinute int `yaml:"sessions_per_minute"`

	// Ping is how often an idle connection is asked whether it lives; silent for two and a half pings, it is closed.
	Ping time.Duration `yaml:"ping"`
	// Poll is how often a connection looks at the store although nobody woke it.
	Poll time.Duration `yaml:"poll"`
	// HelloTimeout is how long a connection may stay without a hello.
	HelloTimeout time.Duration `yaml:"hello_timeout"`
	// WriteTimeout is how long a browser may take nothing before it is dropped; AcceptTimeout bounds storing.
	WriteTimeout  time.Duration `yaml:"write_timeout"`
	AcceptTimeout time.Duration `yaml:"accept_timeout"`
}

// MinKey is the least length of Config.Key in bytes: 128 bits.
const MinKey = 16

// WithDefaults fills what is not set.
func (c Config) WithDefaults() Config {
	if len(c.Languages) == 0 {
		c.Languages = []string{"en", "fr", "ar", "zh"}
	}
	number := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	number(&c.MaxConnections, 20000)
	number(&c.MaxPerHost, 200) // an office or a mobile carrier's gateway is one host
	number(&c.MaxFrame, 16<<10)
	number(&c.MaxText, 4000)
	number(&c.MessageBurst, 10)
	number(&c.MessagesPerMinute, 30)
	number(&c.HostBurst, 200)
	number(&c.HostPerMinute, 1200)
	number(&c.SessionBurst, 200)
	number(&c.SessionsPerMinute, 120)
	span := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	span(&c.Ping, 30*time.Second)
	span(&c.Poll, time.Minute)
	span(&c.HelloTimeout, 15*time.Second)
	span(&c.WriteTimeout, 10*time.Second)
	span(&c.AcceptTimeout, 10*time.Second)
	return c
}

// Validate gives all faults joined.
func (c Config) Validate() error {
	var all []error
	fault := func(format string, a ...any) { all = append(all, fmt.Errorf(format, a...)) }
	if n := len(c.Key.Reveal()); n < MinKey {
		fault("key: has %d bytes; at least %d, random", n, MinKey)
	}
	if c.PublicURL != "" && originOf(c.PublicURL) == "" {
		fault("public_url: is no web address; write one such as https://www.example.org")
	}
	for i, o := range c.Origins {
		if originOf(o) == "" {
			fault("origins: entry %d is no web address; write one such as https://www.example.org", i+1)
		}
	}
	for i, p := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			fault("trusted_proxies: entry %d is no network; write one such as 10.0.0.0/8", i+1)
		}
	}
	for key, n := range map[string]int{
		"max_connections": c.MaxConnections, "max_per_host": c.MaxPerHost, "max_frame": c.MaxFrame, "max_text": c.MaxText,
		"message_burst": c.MessageBurst, "messages_per_minute": c.MessagesPerMinute, "host_burst": c.HostBurst,
		"host_per_minute": c.HostPerMinute, "session_burst": c.SessionBurst, "sessions_per_minute": c.SessionsPerMinute,
	} {
		if n < 0 {
			fault("%s: is %d; must be positive, or 0 for the default", key, n)
		}
	}
	for key, d := range map[string]time.Duration{
		"ping": c.Ping, "poll": c.Poll, "hello_timeout": c.HelloTimeout, "write_timeout": c.WriteTimeout, "accept_timeout": c.AcceptTimeout,
	} {
		if d < 0 {
			fault("%s: is %s; must be positive, or 0 for the default", key, d)
		}
	}
	return errors.Join(all...)
}

// originOf is scheme://host[:port] of a web address in lower case, or empty.
func originOf(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

func (c Config) allowed() map[string]bool {
	set := map[string]bool{}
	for _, o := range append([]string{c.PublicURL}, c.Origins...) {
		if o = originOf(o); o != "" {
			set[o] = true
		}
	}
	return set
}

func (c Config) proxies() []netip.Prefix {
	var all []netip.Prefix
	for _, p := range c.TrustedProxies {
		if prefix, err := netip.ParsePrefix(p); err == nil {
			all = append(all, prefix.Masked())
		}
	}
	return all
}
