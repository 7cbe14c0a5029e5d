// Package telegram is a stand-in for Telegram's Bot API (https://core.telegram.org/bots/api) for one bot, and for the
// persons who chat with it.
//
// The rule: what a bot would notice is as at Telegram: methods, parameters, the forms they come in, error codes and
// descriptions, the order and confirmation of updates. It differs in three points, for use on one machine: a webhook
// may be plain http, a bot may write first, and a failed webhook is tried again within seconds.
package telegram

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
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

// Config is the bot that the stand-in serves.
type Config struct {
	// Token is "<bot's id>:<secret>".
	Token secret.Value `yaml:"token"`
	// Username of the bot, without "@"; empty stands for portlumen_bot. Name is shown to persons; empty: Port Lumen.
	Username string `yaml:"username"`
	Name     string `yaml:"name"`
	// Keep is how many messages are kept; 0 stands for 20000.
	Keep int `yaml:"keep"`
}

const (
	defaultUsername = "portlumen_bot"
	defaultName     = "Port Lumen"
	defaultKeep     = 20_000
	// keepBytes bounds all files kept.
	keepBytes = 512 << 20
	// maxChats bounds the persons known.
	maxChats = 100_000
)

var tokenForm = regexp.MustCompile(`^[0-9]{3,15}:[A-Za-z0-9_-]{6,64}$`)

// Validate returns all faults joined.
func (c Config) Validate() error {
	var errs []error
	if !tokenForm.MatchString(c.Token.Reveal()) {
		errs = append(errs, errors.New("token: is not a bot's token; digits, a colon and 6 to 64 letters, digits, _ or - would be right"))
	}
	if c.Keep < 0 {
		errs = append(errs, errors.New("keep: is negative; 0 stands for the default"))
	}
	return errors.Join(errs...)
}

// House is what the stand-in gets from the program around it. Every field is set.
type House struct {
	Log  *slog.Logger
	Now  func() time.Time
	Book *faults.Book
}

// Bot is the stand-in. It is safe for many goroutines.
type Bot struct {
	cfg     Config
	house   House
	self    User
	entries *shelf.Shelf[Entry]
	courier *courier.Courier
	client  *http.Client
	uploads chan struct{}
	counts  counts
	// numbers gives message ids, update ids and callback ids. It starts from the clock, so that a later run's ids
	// are new to a bot that remembers those of an earlier one.
	numbers atomic.Int64

	mu      sync.Mutex
	persons map[int64]Person
	blocked map[int64]bool
	queries map[string]uint64 // callback query → the entry whose button was pressed
	asked   []string          // their ids, oldest first
	queue   queue
	hook    webhook
}

// Open starts the stand-in; it works until Close or the end of ctx.
func Open(ctx context.Context, cfg Config, h House) (*Bot, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("telegram: %w", err)
	}
	if cfg.Username == "" {
		cfg.Username = defaultUsername
	}
	if cfg.Name == "" {
		cfg.Name = defaultName
	}
	if cfg.Keep == 0 {
		cfg.Keep = defaultKeep
	}
	digits, _, _ := strings.Cut(cfg.Token.Reveal(), ":")
	id, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("telegram: token: %w", err)
	}
	b := &Bot{
		cfg: cfg, house: h, courier: courier.Open(ctx), uploads: make(chan struct{}, maxUploads),
		self:    User{ID: id, IsBot: true, FirstName: cfg.Name, Username: cfg.Username},
		entries: shelf.New(shelf.Limits{Items: cfg.Keep, Weight: keepBytes}, Entry.weight),
		client: &http.Client{
			Timeout:       hookTimeout,
			Transport:     &http.Transport{MaxIdleConnsPerHost: courier.Width},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		persons: map[int64]Person{}, blocked: map[int64]bool{}, queries: map[string]uint64{},
		queue: queue{changed: make(chan struct{})},
	}
	b.numbers.Store(h.Now().Unix())
	return b, nil
}

// Close stops the webhook and waits for requests under way.
func (b *Bot) Close() {
	b.courier.Close()
	b.client.CloseIdleConnections()
}

// Self is the bot as persons see it.
func (b *Bot) Self() User { return b.self }

// Entries is what was said, by chat id in decimal.
func (b *Bot) Entries() *shelf.Shelf[Entry] { return b.entries }

// Key is the key of a chat among the Entries.
func Key(chat int64) string { return strconv.FormatInt(chat, 10) }

func (b *Bot) number() int64 { return b.numbers.Add(1) }

// counts since the start.
type counts struct {
	calls, taken, inbound, webhooks atomic.Uint64
}

// Stats are counts since the start.
type Stats struct {
	// Calls counts requests with the right token, Taken the messages that the bot sent.
	Calls uint64 `json:"calls"`
	Taken uint64 `json:"taken"`
	// Inbound counts updates made, Webhooks the requests made to the bot, repeats included.
	Inbound  uint64 `json:"inbound"`
	Webhooks uint64 `json:"webhooks"`
	// Pending counts updates that the bot has not confirmed; Lost those that fell out of the queue.
	Pending int    `json:"pending"`
	Lost    uint64 `json:"lost"`
	// Dropped counts messages that no longer can be looked at.
	Dropped uint64 `json:"dropped"`
}

// Stats returns the counts.
func (b *Bot) Stats() Stats {
	_, dropped := b.entries.Count()
	b.mu.Lock()
	defer b.mu.Unlock()
	return Stats{
		Calls: b.counts.calls.Load(), Taken: b.counts.taken.Load(), Inbound: b.counts.inbound.Load(),
		Webhooks: b.counts.webhooks.Load(), Pending: len(b.queue.pending), Lost: b.queue.lost, Dropped: dropped,
	}
}
