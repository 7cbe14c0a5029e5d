package chat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
	"gatehouse/configs/secret"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

func parameters(after int) *tg.ResponseParameters { return &tg.ResponseParameters{RetryAfter: after} }

func slogTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestBackoff(t *testing.T) {
	last := time.Duration(0)
	for attempt := 1; attempt < 100; attempt++ {
		d := backoff(attempt)
		if d < last || d < firstPause || d > lastPause {
			t.Fatalf("attempt %d waits %v after %v", attempt, d, last)
		}
		last = d
	}
	if last != lastPause {
		t.Errorf("ends at %v, want %v", last, lastPause)
	}
}

func (k *standIn) enqueue(ids ...int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range ids {
		k.queue[id] = update(id, map[string]any{"text": fmt.Sprint("text ", id)})
	}
	k.wake()
}

// listen runs c until the function it gives is called, which waits for the end.
func listen(t *testing.T, c *Channel, in channels.Inbox) func() {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Listen(ctx, in) }()
	var once atomic.Bool
	stop := func() {
		if once.Swap(true) {
			return
		}
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Listen: %v", err)
			}
		case <-time.After(time.Minute):
			t.Error("Listen does not end")
		}
	}
	t.Cleanup(stop)
	return stop
}

// Two gateways, one bot: only one polls at a time, and when it stops the other goes on where it was.
func TestOnePollsAtATime(t *testing.T) {
	k := newStandIn(t)
	s, in := shared(), new(channeltest.Inbox)
	first := listen(t, openChannel(t, config(k), s), in)
	k.enqueue(1, 2)
	channeltest.Eventually(t, "two are heard", func() bool { return len(in.Messages()) == 2 })
	second := listen(t, openChannel(t, config(k), s), in)
	k.enqueue(3)
	channeltest.Eventually(t, "the third is heard", func() bool { return len(in.Messages()) == 3 })
	k.mu.Lock()
	if k.most != 1 { // later the server may not have noticed yet that the first has gone
		t.Errorf("%d polled at once", k.most)
	}
	k.mu.Unlock()
	first()
	k.enqueue(4)
	channeltest.Eventually(t, "the fourth is heard by the other", func() bool { return len(in.Messages()) == 4 })
	second()
	for i, m := range in.Messages() {
		if m.Text != fmt.Sprint("text ", i+1) {
			t.Errorf("message %d is %q", i, m.Text)
		}
	}
}

// What can't be stored is not passed over: nothing after it is confirmed before it.
func TestOrderIsKeptWhenBusy(t *testing.T) {
	k := newStandIn(t)
	in := new(channeltest.Inbox)
	in.FailNext(3, channels.ErrBusy)
	k.enqueue(1, 2, 3)
	listen(t, openChannel(t, config(k), shared()), in)
	channeltest.Eventually(t, "all are heard", func() bool { return len(in.Messages()) == 3 })
	if m := in.Messages()[0]; m.Text != "text 1" || in.Calls() != 6 {
		t.Errorf("first is %q after %d calls", m.Text, in.Calls())
	}
}

// After a week of silence Telegram goes on at a random id: a lower one must be heard too.
func TestLowerIDsAfterSilence(t *testing.T) {
	k := newStandIn(t)
	in := new(channeltest.Inbox)
	listen(t, openChannel(t, config(k), shared()), in)
	k.enqueue(1500)
	channeltest.Eventually(t, "the high id is heard", func() bool { return len(in.Messages()) == 1 })
	channeltest.Eventually(t, "an empty poll has asked afresh", func() bool {
		calls := k.callsOf("getUpdates")
		return len(calls) > 2 && calls[len(calls)-1]["offset"] == ""
	})
	k.mu.Lock()
	k.offset = 0
	k.mu.Unlock()
	k.enqueue(20)
	channeltest.Eventually(t, "the low id is heard", func() bool { return len(in.Messages()) == 2 })
}

func TestWebhookLeftOverIsRemoved(t *testing.T) {
	k := newStandIn(t)
	var removed atomic.Bool
	k.answerWith(func(method string, w http.ResponseWriter, _ *http.Request) bool {
		switch {
		case method == "deleteWebhook":
			removed.Store(true)
		case method == "getUpdates" && !removed.Load():
			refuse(w, 409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first", 0)
			return true
		}
		return false
	})
	in := new(channeltest.Inbox)
	k.enqueue(1)
	listen(t, openChannel(t, config(k), shared()), in)
	channeltest.Eventually(t, "it is heard", func() bool { return len(in.Messages()) == 1 })
}

func TestPollOutlivesFaults(t *testing.T) {
	k := newStandIn(t)
	var n atomic.Int64
	k.answerWith(func(method string, w http.ResponseWriter, _ *http.Request) bool {
		if method != "getUpdates" {
			return false
		}
		switch n.Add(1) {
		case 1:
			refuse(w, 502, "Bad Gateway", 0)
		case 2:
			panic(http.ErrAbortHandler)
		case 3:
			refuse(w, 401, "Unauthorized", 0)
		case 4:
			reply(w, "no list")
		case 5:
			reply(w, []any{"no update"})
		default:
			return false
		}
		return true
	})
	in := new(channeltest.Inbox)
	k.enqueue(1)
	listen(t, openChannel(t, config(k), shared()), in)
	channeltest.Eventually(t, "it is heard", func() bool { return len(in.Messages()) == 1 })
}

// brokenLease can't be asked.
type brokenLease struct{}

func (brokenLease) Acquire(context.Context, string, string, time.Duration) (bool, error) {
	return false, errors.New("redis is away")
}
func (brokenLease) Release(context.Context, string, string) error { return errors.New("redis is away") }

func TestPollsWithoutALease(t *testing.T) {
	k := newStandIn(t)
	s, in := shared(), new(channeltest.Inbox)
	s.Lease = brokenLease{}
	k.enqueue(1)
	listen(t, openChannel(t, config(k), s), in)
	channeltest.Eventually(t, "it is heard", func() bool { return len(in.Messages()) == 1 })
}

// slow holds Accept until it is let go, whatever happens to the context's parent.
type slow struct {
	entered, leave chan struct{}
	stored         atomic.Bool
}

func (s *slow) Accept(ctx context.Context, _ channels.Message) error {
	close(s.entered)
	<-s.leave
	s.stored.Store(ctx.Err() == nil)
	return ctx.Err()
}
func (s *slow) Report(context.Context, channels.Receipt) error { return nil }

func TestUpdateUnderWayIsFinished(t *testing.T) {
	k := newStandIn(t)
	in := &slow{entered: make(chan struct{}), leave: make(chan struct{})}
	k.enqueue(1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	c := openChannel(t, config(k), shared())
	go func() { done <- c.Listen(ctx, in) }()
	<-in.entered
	cancel()
	close(in.leave)
	if err := <-done; err != nil || !in.stored.Load() {
		t.Errorf("Listen: %v, stored %v", err, in.stored.Load())
	}
}

func TestPressIsAnswered(t *testing.T) {
	for _, mode := range []Mode{Poll, Webhook} {
		k := newStandIn(t)
		in := new(channeltest.Inbox)
		c := openChannel(t, config(k), shared())
		if mode == Poll {
			k.mu.Lock()
			k.queue[7] = press(nil)
			k.mu.Unlock()
			listen(t, c, in)
		} else if h, ok := c.read(press(nil)); !ok || !c.accept(t.Context(), h, in) {
			t.Error("not accepted")
		} else {
			c.answer(t.Context(), []string{h.press})
		}
		channeltest.Eventually(t, "the press is answered", func() bool { return len(k.callsOf("answerCallbackQuery")) == 1 })
		if got := k.callsOf("answerCallbackQuery")[0]["callback_query_id"]; got != "q1" || in.Messages()[0].Text != "2" {
			t.Errorf("%s: answered %q, heard %q", mode, got, in.Messages()[0].Text)
		}
	}
}

func TestWebhookIsSet(t *testing.T) {
	k := newStandIn(t)
	var n atomic.Int64
	k.answerWith(func(method string, w http.ResponseWriter, _ *http.Request) bool {
		if method == "setWebhook" && n.Add(1) < 3 {
			refuse(w, 502, "Bad Gateway", 0)
			return true
		}
		return false
	})
	cfg := config(k)
	cfg.Mode, cfg.PublicURL, cfg.WebhookSecret = "webhook", "https://city.example/", secret.New(hookSecret)
	listen(t, openChannel(t, cfg, shared()), new(channeltest.Inbox))
	channeltest.Eventually(t, "the webhook is set at last", func() bool { return len(k.callsOf("setWebhook")) == 3 })
	got := k.callsOf("setWebhook")[2]
	if got["url"] != "https://city.example/hooks/chat" || got["secret_token"] != hookSecret || got["allowed_updates"] != allowed {
		t.Errorf("%v", got)
	}
}

func TestPollMountsNothing(t *testing.T) {
	mux := http.NewServeMux()
	offline(t).Mount(mux, new(channeltest.Inbox))
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/chat", nil)
	if _, pattern := mux.Handler(r); pattern != "" {
		t.Errorf("poll mode serves %q", pattern)
	}
}
