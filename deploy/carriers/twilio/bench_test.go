package twilio_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"gatehouse/configs/secret"
	"gatehouse/deploy/carriers/faults"
	stand "gatehouse/deploy/carriers/twilio"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account = "AC00000000000000000000000000000001"
	token   = "tokenOfTheTests01"
	ours    = "+447700900000"
	person  = "+447700900123"
)

// rewrite sends what is meant for api.twilio.com to the stand-in: twilio-go has no setting for it.
type rewrite struct {
	base *url.URL
	next http.RoundTripper
}

func (t rewrite) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = t.base.Scheme, t.base.Host, t.base.Host
	return t.next.RoundTrip(r)
}

type bench struct {
	*stand.Carrier
	book *faults.Book
	api  *api.ApiService
	base string
	http *http.Client
}

func open(t *testing.T, change func(*stand.Config)) *bench {
	t.Helper()
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	cfg := stand.Config{
		AccountSID: account, AuthToken: secret.New(token), Numbers: []string{ours}, ReceiptAfter: time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	book := faults.NewBook()
	c, err := stand.Open(t.Context(), cfg, stand.House{
		Log: slog.New(slog.DiscardHandler), Now: time.Now, Book: book, BaseURL: srv.URL,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Mount(mux)
	base, _ := url.Parse(srv.URL)
	transport := &http.Transport{ResponseHeaderTimeout: time.Minute}
	hc := &http.Client{Transport: rewrite{base, transport}} // no Timeout: twilio-go leaves the bodies of errors open
	t.Cleanup(func() {
		c.Close()
		transport.CloseIdleConnections()
		srv.Close()
	})
	return &bench{Carrier: c, book: book, api: service(hc, token), base: srv.URL, http: hc}
}

func service(hc *http.Client, password string) *api.ApiService {
	c := &client.Client{Credentials: client.NewCredentials(account, password), HTTPClient: hc}
	c.SetAccountSid(account)
	return api.NewApiService(client.NewRequestHandler(c))
}

func create(to, body string) *api.CreateMessageParams {
	p := &api.CreateMessageParams{}
	return p.SetTo(to).SetFrom(ours).SetBody(body)
}

// post is one request that a gateway got.
type post struct {
	q      url.Values
	signed bool
}

// gateway is the far side of webhooks and callbacks; it checks signatures with Twilio's own helper.
type gateway struct {
	*httptest.Server
	mu     sync.Mutex
	got    []post
	answer func(n int, w http.ResponseWriter)
}

func hear(t *testing.T, answer func(n int, w http.ResponseWriter)) *gateway {
	t.Helper()
	g := &gateway{answer: answer}
	v := client.NewRequestValidator(token)
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		q, _ := url.ParseQuery(string(body))
		g.mu.Lock()
		g.got = append(g.got, post{q, v.ValidateBody(g.URL+r.URL.RequestURI(), body, r.Header.Get("X-Twilio-Signature"))})
		n := len(g.got)
		g.mu.Unlock()
		if g.answer != nil {
			g.answer(n, w)
		}
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *gateway) posts() []post {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.got)
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

func fields(posts []post, name string) []string {
	var out []string
	for _, p := range posts {
		out = append(out, p.q.Get(name))
	}
	return out
}
