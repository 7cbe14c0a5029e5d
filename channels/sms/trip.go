package sms

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/twilio/twilio-go/client"
	twilio "github.com/twilio/twilio-go/rest/api/v2010"
)

// maxAnswer bounds what is read of one answer: a page of the message list is the longest, about 1 KiB a message.
const maxAnswer = 1 << 20

// trip is one request to Twilio and what is known of its answer. The library takes neither a context nor a base
// URL and keeps neither status nor headers of an error, so this transport stands between it and the network.
type trip struct {
	ctx  context.Context
	base *url.URL
	next http.RoundTripper

	held   atomic.Bool // a connection was held, so the request may be out
	status int
	header http.Header
}

// service is Twilio's API for one request, bound to ctx.
func (c *Channel) service(ctx context.Context) (*twilio.ApiService, *trip) {
	x := &trip{ctx: ctx, base: c.base, next: c.api}
	bound := &client.Client{
		Credentials: client.NewCredentials(c.cfg.AccountSID, c.cfg.AuthToken.Reveal()),
		HTTPClient: &http.Client{Transport: x, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}
	bound.SetAccountSid(c.cfg.AccountSID)
	return twilio.NewApiServiceWithClient(bound), x
}

// RoundTrip sends r to the configured base within the bound context, and gives the whole answer from memory: the
// library forgets to close the body of an error.
func (x *trip) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := httptrace.WithClientTrace(x.ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { x.held.Store(true) }})
	out := r.Clone(ctx)
	out.URL.Scheme, out.URL.Host, out.URL.Path = x.base.Scheme, x.base.Host, x.base.Path+r.URL.Path
	out.Host = x.base.Host
	res, err := x.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	x.status, x.header = res.StatusCode, res.Header
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

func (x *trip) after(now time.Time) time.Duration {
	return retryAfter(x.header.Get("Retry-After"), now)
}
