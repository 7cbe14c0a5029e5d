// Package chat carries conversations through Telegram's Bot API: long poll or webhook in, messages, buttons and
// documents out.
//
// The rule: the token is part of every URL of that API, so no error of net/http and no URL may get into a log or an
// error. An update is confirmed (the offset moves, the webhook answers 200) only after the Inbox took it. Telegram
// has no receipts: Accepted is its last word on a message.
package chat

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/secret"
)

// Mode is how updates come in.
type Mode string

// Poll asks Telegram for updates and needs no public address; Webhook lets Telegram call us.
const (
	Poll    Mode = "poll"
	Webhook Mode = "webhook"
)

// Limits of Telegram's (core.telegram.org/bots/api) and the defaults of ours.
const (
	// MaxText is the longest text of one message, in UTF-16 units; longer ones are split by whoever writes them.
	MaxText = 4096

	maxCaption = 1024     // of a document
	maxData    = 64       // bytes of callback_data
	maxButtons = 100      // of one keyboard
	maxFiles   = 10       // of one album
	maxUpload  = 50 << 20 // of one document that a bot sends

	defaultAPIURL      = "https://api.telegram.org"
	defaultPollTimeout = 10 * time.Second
	defaultTimeout     = 15 * time.Second
	defaultInFlight    = 30 // Telegram takes about that many messages a second
	defaultFileBytes   = 20 << 20
	defaultFileTimeout = 30 * time.Second
)

// Config is one bot.
type Config struct {
	// APIURL is the base of /bot<token>/<method>; replaces https://api.telegram.org.
	APIURL string `yaml:"api_url"`
	// Token is BotFather's: "<bot id>:<secret>".
	Token secret.Value `yaml:"token"`
	// Mode is "poll" or "webhook".
	Mode string `yaml:"mode"`
	// WebhookSecret comes back in a header of every webhook: 1 to 256 of A-Z a-z 0-9 _ -.
	WebhookSecret secret.Value `yaml:"webhook_secret"`
	// PublicURL is the gateway as Telegram sees it; https, for a webhook alone.
	PublicURL string `yaml:"public_url"`
	// PollTimeout is how long Telegram holds an empty poll open, whole seconds up to 50 s. Another gateway takes over
	// the polling of one that died within PollTimeout and 5 s.
	PollTimeout time.Duration `yaml:"poll_timeout"`
	// Timeout bounds one request other than a poll, MaxInFlight how many messages are sent at once.
	Timeout     time.Duration `yaml:"timeout"`
	MaxInFlight int           `yaml:"max_in_flight"`
	// MaxFileBytes bounds one inbound file (Telegram gives bots 20 MB at most) and FileTimeout its transfer.
	MaxFileBytes int           `yaml:"max_file_bytes"`
	FileTimeout  time.Duration `yaml:"file_timeout"`
}

// WithDefaults fills in what was left out.
func (c Config) WithDefaults() Config {
	if c.APIURL == "" {
		c.APIURL = defaultAPIURL
	}
	if c.Mode == "" {
		c.Mode = string(Poll)
	}
	if c.PollTimeout == 0 {
		c.PollTimeout = defaultPollTimeout
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.MaxInFlight == 0 {
		c.MaxInFlight = defaultInFlight
	}
	if c.MaxFileBytes == 0 {
		c.MaxFileBytes = defaultFileBytes
	}
	if c.FileTimeout == 0 {
		c.FileTimeout = defaultFileTimeout
	}
	return c
}

// Validate names every fault of c, defaults applied.
func (c Config) Validate() error {
	c = c.WithDefaults()
	var faults []error
	check := func(ok bool, key, is, would string) {
		if !ok {
			faults = append(faults, fmt.Errorf("%s: %s; %s", key, is, would))
		}
	}
	check(isOrigin(c.APIURL), "api_url", "not an absolute http(s) URL", "the default is "+defaultAPIURL)
	check(isToken(c.Token.Reveal()), "token", "not a bot's token", "<digits>:<letters and digits>, from BotFather")
	check(c.Mode == string(Poll) || c.Mode == string(Webhook), "mode", "unknown", "poll or webhook")
	if c.Mode == string(Webhook) {
		s := c.WebhookSecret.Reveal()
		check(s != "" && len(s) <= 256 && isWord(s), "webhook_secret", "empty, too long or with signs", "1 to 256 of A-Z a-z 0-9 _ -")
		check(isOrigin(c.PublicURL), "public_url", "not an absolute http(s) URL", "for example https://city.example")
	}
	check(c.PollTimeout >= time.Second && c.PollTimeout <= 50*time.Second, "poll_timeout", "out of range", "1s to 50s, the default is 10s")
	check(c.Timeout > 0, "timeout", "not positive", "the default is 15s")
	check(c.MaxInFlight > 0, "max_in_flight", "not positive", "the default is 30")
	check(c.MaxFileBytes > 0, "max_file_bytes", "not positive", "the default is 20971520")
	check(c.FileTimeout > 0, "file_timeout", "not positive", "the default is 30s")
	return errors.Join(faults...)
}

// Channel is one Telegram bot. It is a channels.Listener, and with a webhook also a channels.Webhook. It is no
// channels.Finder: a bot can't ask for what it sent, so a message whose answer was lost may be sent twice.
type Channel struct {
	cfg    Config
	shared channels.Shared
	bot    string // the bot's id, in the open: the number before the colon of its token
	api    http.RoundTripper
	slots  chan struct{} // one a message in flight
}

// Open checks c and makes its channel; nothing is dialled.
func Open(c Config, s channels.Shared) (*Channel, error) {
	c = c.WithDefaults()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.APIURL, c.PublicURL = strings.TrimRight(c.APIURL, "/"), strings.TrimRight(c.PublicURL, "/")
	id, _, _ := strings.Cut(c.Token.Reveal(), ":")
	return &Channel{cfg: c, shared: s, bot: id, api: transport(c.MaxInFlight), slots: make(chan struct{}, c.MaxInFlight)}, nil
}

// Name is "chat".
func (c *Channel) Name() string { return "chat" }

func (c *Channel) address(value string) channels.Address {
	return channels.Address{Channel: c.Name(), Value: value}
}

func transport(inFlight int) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxIdleConns:           inFlight + 2,
		MaxIdleConnsPerHost:    inFlight + 2,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
}

func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

func isToken(s string) bool {
	id, rest, ok := strings.Cut(s, ":")
	return ok && id != "" && rest != "" && isWord(rest) && !strings.ContainsFunc(id, func(r rune) bool { return r < '0' || r > '9' })
}

func isWord(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '_' && r != '-'
	})
}
