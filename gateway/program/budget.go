package program

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// Texts are the budgets of outbound text messages, against toll fraud and the pumping of codes. Replies and notices
// count. What does not: warnings of danger, what must be told by law, and broadcasts, which two people have released.
type Texts struct {
	// Hour is how many may go to the home country in an hour (default 5000).
	Hour int `yaml:"hour"`
	// Address is how many may go to one number in an hour (default 100).
	Address int `yaml:"address"`
	// Home is the home country's prefix without "+"; empty: the city's own.
	Home string `yaml:"home"`
	// Abroad are further prefixes with what may go there in an hour. All others get nothing.
	Abroad map[string]int `yaml:"abroad"`
}

// Default budgets, in texts an hour: a busy day of a city of 200,000, and a person who fills in form after form.
const (
	defaultTexts   = 5000
	defaultAddress = 100
)

// faults are what can't be a budget.
func (t Texts) faults() []error {
	var all []error
	if t.Hour < 0 || t.Address < 0 {
		all = append(all, errors.New("texts: hour and address are numbers above 0; leave them out for the defaults"))
	}
	for _, prefix := range append(slices.Sorted(maps.Keys(t.Abroad)), t.Home) {
		if strings.Trim(prefix, "0123456789") != "" || strings.HasPrefix(prefix, "0") {
			all = append(all, fmt.Errorf("texts: %q is no country prefix; write its digits alone, such as 351", prefix))
		}
		if n, ok := t.Abroad[prefix]; ok && n <= 0 {
			all = append(all, fmt.Errorf("texts: abroad: %s: is %d; write how many may go there in an hour", prefix, n))
		}
	}
	return all
}

// with fills in the defaults. country is the city's.
func (t Texts) with(country string) Texts {
	if t.Hour == 0 {
		t.Hour = defaultTexts
	}
	if t.Address == 0 {
		t.Address = defaultAddress
	}
	if t.Home == "" {
		t.Home = country
	}
	return t
}

// budget holds outbound texts to their Texts. The zero Texts, without a home country, hold nothing back.
type budget struct {
	texts   Texts
	limiter channels.Limiter
	log     *slog.Logger

	mu   sync.Mutex
	over map[string]bool  // by prefix: over half of its budget
	held map[string]int64 // texts held back, by reason
	paid map[string]bool  // deliveries that took their number's token and wait for their country's
}

// maxPaid bounds what is remembered of texts that wait: past it all is forgotten, and each takes one token more.
const maxPaid = 10_000

// Why a text is held back, as logs and metrics have it.
const (
	heldHour    = "hour"
	heldAddress = "address"
	heldCountry = "country"
)

// errCountry is the reason of a text that never leaves.
var errCountry = errors.New("no texts go to that country: texts.abroad does not name its prefix")

// spend takes one text from the budgets. wait is how long it is kept when one is used up; an error means that it never
// goes. A delivery takes one token of each, however often it is tried: what the carrier refused for now costs nothing more.
// A limiter that can't answer lets it go: a person waits.
func (b *budget) spend(ctx context.Context, d gateway.Leased) (wait time.Duration, err error) {
	m := d.Message
	if b == nil || b.texts.Home == "" || m.To.Channel != "sms" || m.Urgent || d.Must || d.Queue == channels.Broadcast || !d.Since.IsZero() || d.Attempt > 1 {
		return 0, nil
	}
	prefix, hour := b.prefix(m.To.Value)
	if hour == 0 {
		b.hold(ctx, heldCountry, d)
		return 0, errCountry
	}
	if !b.paidBy(d.ID) {
		if wait := b.take(ctx, "texts:to:"+m.To.Value, b.texts.Address); wait > 0 {
			b.hold(ctx, heldAddress, d)
			return wait, nil
		}
	}
	wait = b.take(ctx, "texts:"+prefix, hour)
	if b.pay(d.ID, wait > 0); wait > 0 {
		b.hold(ctx, heldHour, d)
		return wait, nil
	}
	if half, err := b.limiter.Take(ctx, "texts:half:"+prefix, anHour(max(hour/2, 1)), 1); err == nil {
		b.alarm(ctx, prefix, half > 0)
	}
	return 0, nil
}

func (b *budget) take(ctx context.Context, key string, n int) time.Duration {
	wait, err := b.limiter.Take(ctx, key, anHour(n), 1)
	if err != nil {
		return 0
	}
	return wait
}

// paidBy tells whether a delivery took its number's token at an earlier try.
func (b *budget) paidBy(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.paid[id]
}

// pay remembers that a delivery waits with its number's token taken, or forgets that when it goes.
func (b *budget) pay(id string, waits bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !waits {
		delete(b.paid, id)
		return
	}
	if b.paid == nil || len(b.paid) >= maxPaid {
		b.paid = map[string]bool{}
	}
	b.paid[id] = true
}

// anHour is a bucket that fills in an hour.
func anHour(n int) channels.Rate { return channels.Rate{Burst: n, Per: float64(n) / 3600} }

// prefix is the longest one that budgets know of a number in E.164, with what may go there; 0: nothing. A number without
// "+" is a short code of the country.
func (b *budget) prefix(number string) (prefix string, hour int) {
	digits, international := strings.CutPrefix(number, "+")
	if !international {
		return b.texts.Home, b.texts.Hour
	}
	for p, n := range b.texts.Abroad {
		if strings.HasPrefix(digits, p) && len(p) > len(prefix) {
			prefix, hour = p, n
		}
	}
	if strings.HasPrefix(digits, b.texts.Home) && len(b.texts.Home) > len(prefix) {
		return b.texts.Home, b.texts.Hour
	}
	return prefix, hour
}

func (b *budget) hold(ctx context.Context, why string, d gateway.Leased) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held[why]++
	b.log.WarnContext(ctx, "text held back by its budget", "message_id", d.ID, "queue", d.Queue, "reason", why)
}

// alarm is raised once when a prefix passes half of its budget, and goes out when it is below again.
func (b *budget) alarm(ctx context.Context, prefix string, on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if on && !b.over[prefix] {
		b.log.ErrorContext(ctx, "texts are over half of their budget", "prefix", prefix)
	}
	b.over[prefix] = on
}

// Gauges gives an alarm for each prefix over half of its budget, and how many texts were held back.
func (b *budget) Gauges() []exchange.Gauge {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []exchange.Gauge
	for _, prefix := range slices.Sorted(maps.Keys(b.over)) {
		v := 0.0
		if b.over[prefix] {
			v = 1
		}
		all = append(all, exchange.Gauge{Name: "texts_half_spent", Help: "1 while texts to a country are over half of their budget: an alarm.",
			Labels: []string{"prefix"}, Values: []string{prefix}, Value: v})
	}
	for _, why := range slices.Sorted(maps.Keys(b.held)) {
		all = append(all, exchange.Gauge{Name: "texts_held", Help: "Texts held back by their budgets since the start; those to a country without one never leave.",
			Labels: []string{"reason"}, Values: []string{why}, Value: float64(b.held[why])})
	}
	return all
}
