package telegram_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"gatehouse/configs/secret"
	"gatehouse/deploy/carriers/faults"
	"gatehouse/deploy/carriers/telegram"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token = "700700:secret-of-the-tests"
	chat  = int64(1001)
)

type bench struct {
	*telegram.Bot
	bot  *tg.BotAPI
	base string
	book *faults.Book
	http *http.Client
}

func open(t *testing.T) *bench {
	t.Helper()
	book := faults.NewBook()
	b, err := telegram.Open(t.Context(), telegram.Config{Token: secret.New(token)}, telegram.House{
		Log: slog.New(slog.DiscardHandler), Now: time.Now, Book: book,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(b.Handler())
	transport := &http.Transport{}
	hc := &http.Client{Transport: transport, Timeout: 2 * time.Minute}
	t.Cleanup(func() {
		b.Close()
		transport.CloseIdleConnections()
		srv.Close()
	})
	bot, err := tg.NewBotAPIWithClient(token, srv.URL+"/bot%s/%s", hc)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{Bot: b, bot: bot, base: srv.URL, book: book, http: hc}
}

func (b *bench) updates(t *testing.T, offset, timeout int) []tg.Update {
	t.Helper()
	u := tg.NewUpdate(offset)
	u.Timeout = timeout
	list, err := b.bot.GetUpdates(u)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func ignore[T any](_ T, err error) error { return err }

func must2(t *testing.T) func(tg.Message, error) tg.Message {
	return func(m tg.Message, err error) tg.Message {
		t.Helper()
		return must(t, m, err)
	}
}
