package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/deploy/carriers/courier"
	"gatehouse/deploy/carriers/faults"
)

const (
	// hookTimeout is how long the stand-in waits for a webhook's answer.
	hookTimeout = 15 * time.Second
	// longestBackoff between two tries of a webhook; the real service waits longer.
	longestBackoff = 2 * time.Second
	// hookFor is how long an update is tried: Telegram keeps it for a day.
	hookFor = 24 * time.Hour
	// maxHookAnswer bounds the answer of a webhook.
	maxHookAnswer = 1 << 20
)

// webhook is where updates go, when set. Bot.mu guards it.
type webhook struct {
	url, secret string
	most        int
	generation  int // changes with every setWebhook and deleteWebhook
	errorAt     int64
	errorText   string
}

var secretForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

func (b *Bot) setWebhook(c *call) (answer, *problem) {
	if c.params["url"] == "" {
		return b.deleteWebhook(c)
	}
	u, err := url.Parse(c.params["url"])
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return answer{}, bad("bad webhook: An HTTPS URL must be provided for webhook")
	}
	if s := c.params["secret_token"]; s != "" && !secretForm.MatchString(s) {
		return answer{}, bad("secret token contains unallowed characters")
	}
	most, err := strconv.Atoi(c.params["max_connections"])
	if err != nil || most < 1 || most > 100 {
		most = 40
	}
	b.allow(c)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.discard(c)
	next := webhook{url: u.String(), secret: c.params["secret_token"], most: most, generation: b.hook.generation}
	if same := b.hook; same.url == next.url && same.secret == next.secret && same.most == next.most {
		return answer{result: true, description: "Webhook is already set"}, nil
	}
	next.generation++
	b.hook = next
	for _, p := range b.queue.pending {
		b.hand(p)
	}
	close(b.queue.changed) // ends a poll under way
	b.queue.changed = make(chan struct{})
	return answer{result: true, description: "Webhook was set"}, nil
}

func (b *Bot) deleteWebhook(c *call) (answer, *problem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.discard(c)
	if b.hook.url == "" {
		return answer{result: true, description: "Webhook is already deleted"}, nil
	}
	b.hook = webhook{generation: b.hook.generation + 1}
	return answer{result: true, description: "Webhook was deleted"}, nil
}

// discard obeys drop_pending_updates. The caller holds b.mu.
func (b *Bot) discard(c *call) {
	if c.flag("drop_pending_updates") {
		b.queue.pending = nil
	}
}

func (b *Bot) webhookInfo(*call) (answer, *problem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]any{
		"url": b.hook.url, "has_custom_certificate": false, "pending_update_count": len(b.queue.pending),
	}
	if b.hook.url != "" {
		out["max_connections"] = b.hook.most
	}
	if b.hook.errorAt != 0 {
		out["last_error_date"], out["last_error_message"] = b.hook.errorAt, b.hook.errorText
	}
	if b.queue.allowed != nil {
		out["allowed_updates"] = b.queue.allowed
	}
	return answer{result: out}, nil
}

// hand brings an update to the webhook until it is taken. The updates of one chat keep their order. The caller holds
// b.mu.
func (b *Bot) hand(p pending) {
	if b.hook.url == "" {
		return
	}
	keys := []string{"chat " + Key(p.chat)}
	if b.house.Book.Strike(faults.Chat, faults.Inbound, Key(p.chat), Key(p.update.ID)).Kind == faults.Duplicate {
		keys = append(keys, "copy of "+Key(p.update.ID))
	}
	generation, began := b.hook.generation, time.Now()
	for _, key := range keys {
		ok := b.courier.Do(key, courier.Job{Try: func(ctx context.Context, attempt int) time.Duration {
			hook, live := b.live(generation)
			if !live || time.Since(began) > hookFor {
				return courier.Done
			}
			if !b.post(ctx, hook, p.update) {
				return courier.Backoff(attempt, longestBackoff)
			}
			b.mu.Lock()
			b.confirm(func(u Update) bool { return u.ID == p.update.ID })
			b.mu.Unlock()
			return courier.Done
		}})
		if !ok {
			b.house.Log.Warn("too many updates wait", "update_id", p.update.ID)
		}
	}
}

func (b *Bot) live(generation int) (webhook, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hook, b.hook.url != "" && b.hook.generation == generation
}

// post makes one request; true when the bot took the update.
func (b *Bot) post(ctx context.Context, hook webhook, u Update) bool {
	b.counts.webhooks.Add(1)
	body, err := json.Marshal(u)
	if err != nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.url, bytes.NewReader(body))
	if err != nil {
		b.failed("Wrong URL")
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	if hook.secret != "" {
		req.Header.Set("X-Telegram-Bot-Api-Secret-Token", hook.secret)
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.failed("Connection failed")
		return false
	}
	defer res.Body.Close()
	out, err := io.ReadAll(io.LimitReader(res.Body, maxHookAnswer))
	if err != nil || res.StatusCode < 200 || res.StatusCode > 299 {
		b.failed(fmt.Sprintf("Wrong response from the webhook: %s", res.Status))
		return false
	}
	b.obey(out)
	return true
}

func (b *Bot) failed(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hook.errorAt, b.hook.errorText = b.house.Now().Unix(), text
}

// obey runs the method that a webhook's answer may hold; its result is told to nobody
// (https://core.telegram.org/bots/api#making-requests-when-getting-updates).
func (b *Bot) obey(body []byte) {
	c := &call{params: map[string]string{}, files: map[string]File{}}
	if len(bytes.TrimSpace(body)) == 0 || c.readJSON(bytes.NewReader(body)) != nil {
		return
	}
	c.method = strings.ToLower(c.params["method"])
	if c.method == "" || slices.Contains([]string{"getupdates", "setwebhook", "deletewebhook"}, c.method) {
		return
	}
	if _, p := b.do(c); p != nil {
		b.house.Log.Warn("webhook's answer was refused", "code", p.code)
	}
}
