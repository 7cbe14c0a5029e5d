package chat

import (
	"context"
	"io"
	"net/http"

	"gatehouse/channels"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// maxUpdate bounds one webhook; Telegram's updates stay far below 100 KiB.
const maxUpdate = 1 << 20

// secretHeader proves that the webhook was set by us (Bot API, setWebhook, secret_token).
const secretHeader = "X-Telegram-Bot-Api-Secret-Token"

// Mount registers POST /hooks/chat, in webhook mode alone.
func (c *Channel) Mount(mux *http.ServeMux, in channels.Inbox) {
	if c.cfg.Mode != string(Webhook) {
		return
	}
	mux.HandleFunc("POST /hooks/chat", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(c.hook(w, r, in)) })
}

// hook takes one update and gives the HTTP status. Telegram repeats whatever is not answered 2xx, so that only what
// may get better is answered otherwise.
func (c *Channel) hook(w http.ResponseWriter, r *http.Request, in channels.Inbox) int {
	if !c.cfg.WebhookSecret.Equal(r.Header.Get(secretHeader)) {
		c.shared.Log.WarnContext(r.Context(), "telegram webhook with a wrong secret")
		return http.StatusForbidden
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxUpdate))
	if err != nil {
		return http.StatusRequestEntityTooLarge
	}
	h, ok := c.read(raw)
	if !ok {
		return http.StatusBadRequest
	}
	if !c.accept(r.Context(), h, in) {
		return http.StatusServiceUnavailable
	}
	if h.press != "" {
		c.answer(r.Context(), []string{h.press})
	}
	return http.StatusOK
}

// announce sets the webhook, as often as it takes, and waits for the end.
func (c *Channel) announce(ctx context.Context) {
	for attempt := 1; ctx.Err() == nil; attempt++ {
		e := c.setWebhook(ctx)
		if e == nil {
			c.shared.Log.InfoContext(ctx, "telegram webhook set")
			<-ctx.Done()
			return
		}
		c.shared.Log.WarnContext(ctx, "telegram webhook not set", "kind", e.Kind, "code", e.Code, "attempt", attempt, "err", e.Err)
		pause(ctx, max(backoff(attempt), e.After))
	}
}

func (c *Channel) setWebhook(ctx context.Context) *channels.Error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	// By name: the library's own type does not know the secret.
	_, e := c.method(ctx, "setWebhook", tg.Params{
		"url": c.cfg.PublicURL + "/hooks/chat", "secret_token": c.cfg.WebhookSecret.Reveal(), "allowed_updates": allowed,
	})
	return e
}
