package telegram_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"gatehouse/deploy/carriers/telegram"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// A poll returns what waits, again and again, until a higher offset confirms it.
func TestOffsetConfirms(t *testing.T) {
	b := open(t)
	for _, text := range []string{"one", "two", "three"} {
		must(t, 0, ignore(b.Say(chat, text)))
	}
	first := b.updates(t, 0, 0)
	again := b.updates(t, 0, 0)
	if len(first) != 3 || len(again) != 3 || first[0].UpdateID != again[0].UpdateID || first[0].Message.Text != "one" {
		t.Fatalf("first %v, again %v", first, again)
	}
	if b.Entries().Of(telegram.Key(chat), 0)[0].Value.Handed {
		t.Error("shown as read before it was confirmed")
	}
	rest := b.updates(t, first[0].UpdateID+1, 0)
	if len(rest) != 2 || rest[0].Message.Text != "two" {
		t.Errorf("after confirming one: %v", rest)
	}
	if !b.Entries().Of(telegram.Key(chat), 0)[0].Value.Handed {
		t.Error("not shown as read")
	}
	if last := b.updates(t, -1, 0); len(last) != 1 || last[0].Message.Text != "three" {
		t.Errorf("offset -1: %v", last)
	}
}

func TestLongPollWakes(t *testing.T) {
	b := open(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = b.Say(chat, "/start PL-1")
	})
	list := b.updates(t, 0, 15)
	wg.Wait()
	if len(list) != 1 || list[0].Message.Command() != "start" || list[0].Message.CommandArguments() != "PL-1" {
		t.Errorf("got %+v", list)
	}
}

func TestTwoPollersConflict(t *testing.T) {
	b := open(t)
	errs := make(chan error, 1)
	go func() {
		u := tg.NewUpdate(0)
		u.Timeout = 15
		_, err := b.bot.GetUpdates(u)
		errs <- err
	}()
	before := b.Stats().Calls
	wait(t, "the first poll", func() bool { return b.Stats().Calls > before || before > 1 })
	for {
		b.updates(t, 0, 0)
		select {
		case err := <-errs:
			var e *tg.Error
			if !errors.As(err, &e) || e.Code != 409 || !strings.Contains(e.Message, "other getUpdates") {
				t.Errorf("the first poller got %v", err)
			}
			return
		case <-t.Context().Done():
			t.Fatal("the first poller was never ended")
		default:
		}
	}
}

// hooked is a bot behind a webhook.
type hooked struct {
	*httptest.Server
	mu     sync.Mutex
	got    []tg.Update
	secret []string
}

func hear(t *testing.T, answer func(n int, w http.ResponseWriter)) *hooked {
	h := &hooked{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var u tg.Update
		_ = json.NewDecoder(r.Body).Decode(&u)
		h.mu.Lock()
		h.got = append(h.got, u)
		h.secret = append(h.secret, r.Header.Get("X-Telegram-Bot-Api-Secret-Token"))
		n := len(h.got)
		h.mu.Unlock()
		if answer != nil {
			answer(n, w)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hooked) texts() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, u := range h.got {
		out = append(out, u.Message.Text)
	}
	return out
}

func TestWebhook(t *testing.T) {
	b := open(t)
	h := hear(t, func(n int, w http.ResponseWriter) {
		switch n {
		case 1:
			w.WriteHeader(503)
		case 3:
			_, _ = io.WriteString(w, `{"method":"sendMessage","chat_id":1001,"text":"by answer"}`)
		}
	})
	must(t, 0, ignore(b.Say(chat, "before")))
	res, err := b.bot.MakeRequest("setWebhook", tg.Params{"url": h.URL + "/hooks/chat", "secret_token": "s3cret"})
	if err != nil || res.Description != "Webhook was set" {
		t.Fatalf("%+v %v", res, err)
	}
	must(t, 0, ignore(b.Say(chat, "after")))
	wait(t, "both, the first twice", func() bool { return slices.Equal(h.texts(), []string{"before", "before", "after"}) })
	wait(t, "confirmed", func() bool { return b.Stats().Pending == 0 })
	if h.secret[0] != "s3cret" {
		t.Errorf("secret %q", h.secret)
	}
	wait(t, "the answer's message", func() bool {
		last, _ := b.Entries().Last(telegram.Key(chat))
		return last.Value.Message.Text == "by answer"
	})
	info, err := b.bot.GetWebhookInfo()
	if err != nil || info.URL != h.URL+"/hooks/chat" || info.LastErrorMessage == "" || info.PendingUpdateCount != 0 {
		t.Errorf("info %+v %v", info, err)
	}
	var e *tg.Error
	if _, err := b.bot.GetUpdates(tg.NewUpdate(0)); !errors.As(err, &e) || e.Code != 409 {
		t.Errorf("poll beside a webhook: %v", err)
	}
	if _, err := b.bot.Request(tg.DeleteWebhookConfig{}); err != nil {
		t.Error(err)
	}
	must(t, 0, ignore(b.Say(chat, "polled")))
	if list := b.updates(t, 0, 0); len(list) != 1 || list[0].Message.Text != "polled" {
		t.Errorf("after deletion: %+v", list)
	}
}

func TestWebhookMagicDuplicate(t *testing.T) {
	b, h := open(t), hear(t, nil)
	must(t, 0, ignore(b.bot.MakeRequest("setWebhook", tg.Params{"url": h.URL})))
	must(t, 0, ignore(b.Say(900907, "twice")))
	wait(t, "two copies", func() bool { return slices.Equal(h.texts(), []string{"twice", "twice"}) })
	if h.got[0].UpdateID != h.got[1].UpdateID {
		t.Error("the copies are two updates")
	}
}

func TestSetWebhookRefuses(t *testing.T) {
	b := open(t)
	for _, p := range []tg.Params{{"url": "nowhere"}, {"url": "https://x.example", "secret_token": "no spaces"}} {
		if _, err := b.bot.MakeRequest("setWebhook", p); err == nil {
			t.Errorf("%v: taken", p)
		}
	}
}

func TestAllowedUpdates(t *testing.T) {
	b := open(t)
	u := tg.NewUpdate(0)
	u.AllowedUpdates = []string{"callback_query"}
	must(t, 0, ignore(b.bot.GetUpdates(u)))
	must(t, 0, ignore(b.Say(chat, "x")))
	if list := b.updates(t, 0, 0); len(list) != 0 {
		t.Errorf("got what was not asked for: %+v", list)
	}
}
