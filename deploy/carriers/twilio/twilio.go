// Package twilio is a stand-in for Twilio's Programmable Messaging: the REST API of messages and media
// (https://www.twilio.com/docs/messaging/api), signed webhooks and status callbacks, and the phones at the far end.
//
// The rule: what a client of the real API would not notice may be simplified; what it would notice may not. Status
// codes, error codes, field names, signatures and the order of events are Twilio's.
package twilio

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/configs/secret"
	"gatehouse/deploy/carriers/courier"
	"gatehouse/deploy/carriers/faults"
	"gatehouse/deploy/carriers/shelf"
)

// Config is the account that the stand-in serves.
type Config struct {
	// AccountSID is "AC" and 32 hex digits.
	AccountSID string `yaml:"account_sid"`
	// AuthToken is the password of the API and the key of the signatures.
	AuthToken secret.Value `yaml:"auth_token"`
	// Numbers are the account's own, in E.164. A phone writes to the first unless it says otherwise.
	Numbers []string `yaml:"numbers"`
	// Webhooks get the inbound messages, one message each in turn; a retry goes to the next. Several stand for the
	// machines behind a load balancer. Each URL is signed as it is written here.
	Webhooks []string `yaml:"webhooks"`
	// RetryFor is how long a webhook or status callback is tried again after a failed connection, a time-out, a 429
	// or a 5xx. 0: as Twilio by default, one more try when the connection itself failed.
	RetryFor time.Duration `yaml:"retry_for"`
	// ReceiptAfter is the time from queued to sent, and from sent to delivered; 0 stands for 50 ms.
	ReceiptAfter time.Duration `yaml:"receipt_after"`
	// PlainOptOut leaves OptOutType out of the webhooks, as an account without Advanced Opt-Out gets them.
	PlainOptOut bool `yaml:"plain_opt_out"`
	// Keep is how many messages are kept; 0 stands for 20000.
	Keep int `yaml:"keep"`
}

// Defaults of Config.
const (
	defaultReceiptAfter = 50 * time.Millisecond
	defaultKeep         = 20_000
	// keepBytes bounds all pictures kept.
	keepBytes = 256 << 20
)

var (
	accountForm = regexp.MustCompile(`^AC[0-9a-f]{32}$`)
	tokenForm   = regexp.MustCompile(`^[A-Za-z0-9]+$`) // all that Twilio's clients let through
	numberForm  = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
)

// Validate returns all faults joined.
func (c Config) Validate() error {
	var errs []error
	fault := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if !accountForm.MatchString(c.AccountSID) {
		fault("account_sid: is not an account's SID; AC and 32 hex digits would be right")
	}
	if !tokenForm.MatchString(c.AuthToken.Reveal()) {
		fault("auth_token: is not a token; letters and digits would be right")
	}
	if len(c.Numbers) == 0 {
		fault("numbers: is empty; at least one number such as +447700900000 would be right")
	}
	for i, n := range c.Numbers {
		if !numberForm.MatchString(n) {
			fault("numbers[%d]: is not E.164; a number such as +447700900000 would be right", i)
		}
	}
	for i, h := range c.Webhooks {
		if !isURL(h) {
			fault("webhooks[%d]: is not a URL; http://127.0.0.1:8080/hooks/sms would be right", i)
		}
	}
	for key, n := range map[string]int64{"retry_for": int64(c.RetryFor), "receipt_after": int64(c.ReceiptAfter), "keep": int64(c.Keep)} {
		if n < 0 {
			fault("%s: is negative; 0 stands for the default", key)
		}
	}
	return errors.Join(errs...)
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// House is what the stand-in gets from the program around it. Every field is set.
type House struct {
	Log  *slog.Logger
	Now  func() time.Time
	Book *faults.Book
	// BaseURL is where the API is reached, without a slash at the end: media URLs begin with it.
	BaseURL string
}

// Carrier is the stand-in. It is safe for many goroutines.
type Carrier struct {
	cfg      Config
	house    House
	run      string // 16 hex digits that differ between runs; with the message's number they make its SID
	messages *shelf.Shelf[Message]
	courier  *courier.Courier
	client   *http.Client
	turn     atomic.Uint64
	counts   counts

	mu      sync.Mutex
	hooks   []string
	stopped map[string]bool // "ours person"
}

// Open starts the stand-in; it works until Close or the end of ctx.
func Open(ctx context.Context, cfg Config, h House) (*Carrier, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("twilio: %w", err)
	}
	if cfg.ReceiptAfter == 0 {
		cfg.ReceiptAfter = defaultReceiptAfter
	}
	if cfg.Keep == 0 {
		cfg.Keep = defaultKeep
	}
	run := make([]byte, 8)
	rand.Read(run)
	c := &Carrier{
		cfg: cfg, house: h, run: hex.EncodeToString(run), hooks: cfg.Webhooks, stopped: map[string]bool{},
		messages: shelf.New(shelf.Limits{Items: cfg.Keep, Weight: keepBytes}, Message.weight),
		courier:  courier.Open(ctx),
		client: &http.Client{
			Timeout:       hookTimeout,
			Transport:     &http.Transport{MaxIdleConnsPerHost: courier.Width},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	for _, s := range faults.Magic() {
		if s.Kind == faults.Stopped {
			c.stop(s.Number(), true)
		}
	}
	return c, nil
}

// Close stops the webhooks and waits for those under way.
func (c *Carrier) Close() {
	c.courier.Close()
	c.client.CloseIdleConnections()
}

// Number is the account's first number: what a phone writes to.
func (c *Carrier) Number() string { return c.cfg.Numbers[0] }

// SetWebhooks changes where inbound messages go from now on.
func (c *Carrier) SetWebhooks(urls ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hooks = append([]string(nil), urls...)
}

// hook picks the webhook of a try: n counts the messages, attempt the tries from 1.
func (c *Carrier) hook(n uint64, attempt int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.hooks) == 0 {
		return ""
	}
	return c.hooks[(n+uint64(attempt)-1)%uint64(len(c.hooks))]
}

// Messages is what the phones sent and got, by the phone's number.
func (c *Carrier) Messages() *shelf.Shelf[Message] { return c.messages }

// sid makes the SID of the message numbered seq; kind is SM, or MM with media.
func (c *Carrier) sid(kind string, seq uint64) string {
	return fmt.Sprintf("%s%s%016x", kind, c.run, seq)
}

// find returns the message with this SID.
func (c *Carrier) find(sid string) (shelf.Item[Message], bool) {
	if len(sid) != 34 || sid[2:18] != c.run {
		return shelf.Item[Message]{}, false
	}
	seq, err := strconv.ParseUint(sid[18:], 16, 64)
	if err != nil {
		return shelf.Item[Message]{}, false
	}
	it, ok := c.messages.Get(seq)
	return it, ok && it.Value.SID == sid
}

// maxStopped bounds the list of those who opted out; past it nobody more can.
const maxStopped = 100_000

// stop blocks or unblocks what the account sends to a person, and tells whether that changed anything. The block is
// kept for all numbers of the account, as in one Messaging Service.
func (c *Carrier) stop(person string, on bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.stopped[person]
	switch {
	case on && len(c.stopped) < maxStopped:
		c.stopped[person] = true
	case !on:
		delete(c.stopped, person)
	}
	return was != on
}

// Stopped tells whether the person has opted out.
func (c *Carrier) Stopped(person string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopped[person]
}

func (c *Carrier) ours(number string) bool {
	for _, n := range c.cfg.Numbers {
		if n == number {
			return true
		}
	}
	return false
}

// counts since the start.
type counts struct {
	creates, taken, inbound, webhooks, callbacks atomic.Uint64
}

// Stats are counts since the start.
type Stats struct {
	// Creates counts requests to send that were authorised, Taken those answered or meant to be answered 201.
	Creates uint64 `json:"creates"`
	Taken   uint64 `json:"taken"`
	// Inbound counts what persons sent, Webhooks and Callbacks the requests made to the gateway, repeats included.
	Inbound   uint64 `json:"inbound"`
	Webhooks  uint64 `json:"webhooks"`
	Callbacks uint64 `json:"callbacks"`
	// Waiting counts webhooks and callbacks not done yet.
	Waiting int `json:"waiting"`
	// Dropped counts messages that no longer can be looked at.
	Dropped uint64 `json:"dropped"`
}

// Stats returns the counts.
func (c *Carrier) Stats() Stats {
	_, dropped := c.messages.Count()
	return Stats{
		Creates: c.counts.creates.Load(), Taken: c.counts.taken.Load(), Inbound: c.counts.inbound.Load(),
		Webhooks: c.counts.webhooks.Load(), Callbacks: c.counts.callbacks.Load(),
		Waiting: c.courier.Waiting(), Dropped: dropped,
	}
}

// country guesses the ISO 3166 code that Twilio would name for a number; empty when it is neither of the demo's.
func country(number string) string {
	switch {
	case strings.HasPrefix(number, "+44"):
		return "GB"
	case strings.HasPrefix(number, "+1"):
		return "US"
	}
	return ""
}
