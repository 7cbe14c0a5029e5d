package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"

	"gatehouse/channels"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// maxAnswer bounds what is read of one answer: fifty updates, each far below 100 KiB, are the longest.
const maxAnswer = 8 << 20

// trip is one request to Telegram and what is known of its answer. It is the library's HTTP client: the library takes
// no context and would let a transport error, with the token in its URL, through.
type trip struct {
	ctx    context.Context
	next   http.RoundTripper
	held   atomic.Bool // a connection was held, so the request may be out
	status int
}

// call lets do make its request through the library, bound to ctx, and gives the result of the answer.
func (c *Channel) call(ctx context.Context, do func(*tg.BotAPI) (*tg.APIResponse, error)) (json.RawMessage, *channels.Error) {
	t := &trip{ctx: ctx, next: c.api}
	// Built by hand: the library's constructors call the network.
	bot := &tg.BotAPI{Token: c.cfg.Token.Reveal(), Client: t}
	bot.SetAPIEndpoint(strings.ReplaceAll(c.cfg.APIURL, "%", "%%") + "/bot%s/%s")
	res, err := do(bot)
	if err != nil {
		return nil, c.failure(res, err, t)
	}
	return res.Result, nil
}

// method calls a method with plain parameters.
func (c *Channel) method(ctx context.Context, name string, p tg.Params) (json.RawMessage, *channels.Error) {
	return c.call(ctx, func(b *tg.BotAPI) (*tg.APIResponse, error) { return b.MakeRequest(name, p) })
}

// Do sends r within the bound context and gives the whole answer from memory. It follows no redirect.
func (t *trip) Do(r *http.Request) (*http.Response, error) {
	ctx := httptrace.WithClientTrace(t.ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { t.held.Store(true) }})
	res, err := t.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	t.status = res.StatusCode
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// redact keeps an error that could show the token from being shown at all.
func (c *Channel) redact(err error) error {
	_, key, _ := strings.Cut(c.cfg.Token.Reveal(), ":")
	if s := err.Error(); strings.Contains(s, key) {
		return errors.New("cause withheld: it names the token")
	}
	return err
}
