// Package sms carries texts through Twilio: a signed webhook in, its REST API out, status callbacks as receipts.
//
// The rule: nothing of a webhook is believed before its signature is checked, and nothing is answered 200 before the
// Inbox took it. Twilio repeats a webhook only when its URL says so: in the console the number's URL has to end in
// "#rc=5&rp=all" (Twilio, "Webhook connection overrides").
package sms

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/secret"
)

// Limits of Twilio's (docs: Messages resource, Media resource) and the defaults of ours.
const (
	// MaxText is the longest body that Twilio takes, in characters. Longer texts are split by whoever writes them.
	MaxText = 1600

	defaultBaseURL      = "https://api.twilio.com"
	defaultTimeout      = 15 * time.Second
	defaultInFlight     = 64
	defaultMedia        = 5 << 20 // what Twilio takes for one message
	defaultMediaTimeout = 10 * time.Second
)

// Config is one Twilio account and the number, or the service, that texts are sent from.
type Config struct {
	// BaseURL replaces https://api.twilio.com: another region, a proxy, a stand-in.
	BaseURL    string `yaml:"base_url"`
	AccountSID string `yaml:"account_sid"`
	// AuthToken signs webhooks and opens the API. Twilio's are letters and digits alone.
	AuthToken secret.Value `yaml:"auth_token"`
	// From is the number that texts come from, E.164, or a short code.
	From string `yaml:"from"`
	// MessagingServiceSID, when set, lets Twilio choose the sender from a pool instead of From.
	MessagingServiceSID string `yaml:"messaging_service_sid"`
	// PublicURL is the gateway as Twilio sees it; webhooks are signed over it.
	PublicURL string `yaml:"public_url"`
	// Timeout bounds one request to Twilio, MaxInFlight how many run at once.
	Timeout     time.Duration `yaml:"timeout"`
	MaxInFlight int           `yaml:"max_in_flight"`
	// ValidityPeriod, when set, is how long Twilio may hold a text back before it gives up: 1 s to 10 h.
	ValidityPeriod time.Duration `yaml:"validity_period"`
	// Accents is "keep" or "strip": whether ê becomes e so that a text fits GSM-7.
	Accents string `yaml:"accents"`
	// MaxMediaBytes bounds one inbound file and MediaTimeout its download.
	MaxMediaBytes int           `yaml:"max_media_bytes"`
	MediaTimeout  time.Duration `yaml:"media_timeout"`
	// MediaHosts are where Twilio's API redirects a download to; credentials are never sent there.
	MediaHosts []string `yaml:"media_hosts"`
}

// WithDefaults fills in what was left out.
func (c Config) WithDefaults() Config {
	if c.BaseURL == "" {
		c.BaseURL = defaultBaseURL
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.MaxInFlight == 0 {
		c.MaxInFlight = defaultInFlight
	}
	if c.Accents == "" {
		c.Accents = string(text.KeepAccents)
	}
	if c.MaxMediaBytes == 0 {
		c.MaxMediaBytes = defaultMedia
	}
	if c.MediaTimeout == 0 {
		c.MediaTimeout = defaultMediaTimeout
	}
	if c.MediaHosts == nil {
		c.MediaHosts = []string{"mms.twiliocdn.com", "media.twiliocdn.com"}
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
	check(isOrigin(c.BaseURL), "base_url", "not an absolute http(s) URL", "the default is "+defaultBaseURL)
	check(isOrigin(c.PublicURL), "public_url", "not an absolute http(s) URL", "for example https://city.example")
	check(c.AccountSID != "" && isAlphanumeric(c.AccountSID), "account_sid", "empty or with signs", "AC and 32 hex digits, from Twilio's console")
	check(!c.AuthToken.IsZero() && isAlphanumeric(c.AuthToken.Reveal()), "auth_token", "empty or with signs", "32 letters and digits, from Twilio's console")
	check(c.From != "" || c.MessagingServiceSID != "", "from", "empty, and no messaging_service_sid either", "a number such as +15550100")
	check(c.From == "" || isNumber(c.From), "from", "neither E.164 nor a short code", "a number such as +15550100")
	check(c.Timeout > 0, "timeout", "not positive", "the default is 15s")
	check(c.MaxInFlight > 0, "max_in_flight", "not positive", "the default is 64")
	check(c.ValidityPeriod == 0 || c.ValidityPeriod >= time.Second && c.ValidityPeriod <= 10*time.Hour,
		"validity_period", "outside of what Twilio takes", "1s to 10h, or 0 to leave it to Twilio")
	check(c.Accents == string(text.KeepAccents) || c.Accents == string(text.StripAccents), "accents", "unknown", "keep or strip")
	check(c.MaxMediaBytes > 0, "max_media_bytes", "not positive", "the default is 5242880")
	check(c.MediaTimeout > 0, "media_timeout", "not positive", "the default is 10s")
	return errors.Join(faults...)
}

// Channel is Twilio seen from the gateway. It is a channels.Webhook and a channels.Finder.
type Channel struct {
	cfg    Config
	shared channels.Shared
	base   *url.URL
	signer signer
	forms  sync.Pool // of *form
	api    http.RoundTripper
	media  *http.Client
	slots  chan struct{} // one a request in flight
}

// Open checks c and makes its channel; nothing is dialled.
func Open(c Config, s channels.Shared) (*Channel, error) {
	c = c.WithDefaults()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.BaseURL, c.PublicURL = strings.TrimRight(c.BaseURL, "/"), strings.TrimRight(c.PublicURL, "/")
	base, err := url.Parse(c.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base_url: %w", err)
	}
	ch := &Channel{cfg: c, shared: s, base: base, slots: make(chan struct{}, c.MaxInFlight)}
	ch.signer.open(c.AuthToken, c.PublicURL)
	ch.forms.New = func() any { return new(form) }
	ch.api = transport(c.MaxInFlight)
	ch.media = &http.Client{Transport: transport(4), Timeout: c.MediaTimeout, CheckRedirect: ch.mayFollow}
	return ch, nil
}

// Name is "sms".
func (c *Channel) Name() string { return "sms" }

// transport keeps as many connections as there are requests in flight: the default of two would make the others
// dial, and handshake, for each message.
func transport(inFlight int) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxIdleConns:           inFlight,
		MaxIdleConnsPerHost:    inFlight,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
}

func (c *Channel) address(value string) channels.Address {
	return channels.Address{Channel: c.Name(), Value: value}
}

func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

func isAlphanumeric(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// isNumber tells E.164 (ITU-T E.164: at most 15 digits) and short codes of three to eight digits.
func isNumber(s string) bool {
	digits, international := strings.CutPrefix(s, "+")
	if digits == "" || strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) {
		return false
	}
	if international {
		return digits[0] != '0' && len(digits) >= 7 && len(digits) <= 15
	}
	return len(digits) >= 3 && len(digits) <= 8
}

func (c *Channel) isMediaHost(host string) bool { return slices.Contains(c.cfg.MediaHosts, host) }
