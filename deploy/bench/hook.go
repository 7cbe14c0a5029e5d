package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/sms"
	"gatehouse/configs/secret"
	"gatehouse/deploy/carriers"
	"gatehouse/deploy/carriers/twilio"
	"gatehouse/exchange"
	"gatehouse/gateway/store"
	"gatehouse/gateway/volatile/local"
)

// people is how many write in a run, so that most messages come from somebody known.
const people = 2000

const words = "Good morning. The street light in front of number 14 has been dark since Sunday, and the crossing is hard " +
	"to see in the evening. Could somebody have a look at it?"

// phonePrefix begins everybody's number; their own number among people follows.
const phonePrefix = "+1555"

func phone(i int) string { return number(i % people) }

// number is that of person i, of up to ten million.
func number(i int) string { return fmt.Sprintf("%s%07d", phonePrefix, i) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// shared is what the house lends a channel, without Redis.
func shared(history channels.History) channels.Shared {
	l := local.New(time.Now)
	return channels.Shared{Log: quiet(), Now: time.Now, NewID: func() string { return exchange.NewID(time.Now()) },
		Lease: l, Limiter: l, Fanout: l, History: history}
}

// inbox stores what a channel hears, like the gateway's own.
type inbox struct{ store *store.Store }

func (i inbox) Accept(ctx context.Context, m channels.Message) error {
	_, err := i.store.Accept(ctx, m)
	return err
}

func (i inbox) Report(ctx context.Context, r channels.Receipt) error { return i.store.Report(ctx, r) }

func smsConfig(public, api string) sms.Config {
	return sms.Config{BaseURL: api, AccountSID: carriers.DemoAccountSID(), AuthToken: secret.New(carriers.DemoAuthToken),
		From: carriers.DemoNumber, PublicURL: public}
}

// hookForm is a text as Twilio's webhook tells it.
func hookForm(sid, from, body string) url.Values {
	return url.Values{
		"MessageSid": {sid}, "SmsSid": {sid}, "SmsMessageSid": {sid}, "AccountSid": {carriers.DemoAccountSID()},
		"ApiVersion": {"2010-04-01"}, "From": {from}, "To": {carriers.DemoNumber}, "Body": {body}, "SmsStatus": {"received"},
		"NumMedia": {"0"}, "NumSegments": {"1"}, "FromCountry": {"US"}, "FromState": {"CA"}, "FromCity": {"PORT LUMEN"},
		"FromZip": {"94105"}, "ToCountry": {"GB"}, "ToState": {""}, "ToCity": {""}, "ToZip": {""},
	}
}

// sid is a MessageSid that no other message of the process has.
func sid(run, i int) string { return fmt.Sprintf("SM%08x%024x", run, i) }

// hookRequest is the signed request as bytes, so that making it costs no side anything.
func hookRequest(public string, q url.Values) []byte {
	hook, body := public+"/hooks/sms", q.Encode()
	host := strings.TrimPrefix(public, "http://")
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST /hooks/sms HTTP/1.1\r\nHost: %s\r\nUser-Agent: TwilioProxy/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"X-Twilio-Signature: %s\r\nContent-Length: %d\r\n\r\n%s", host, twilio.Sign(carriers.DemoAuthToken, hook, q), len(body), body)
	return b.Bytes()
}

// caller is a kept connection that pushes requests by hand: a client library would take more of the machine than the
// server that is measured.
type caller struct {
	conn net.Conn
	r    *bufio.Reader
}

func call(ctx context.Context, addr string) (*caller, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &caller{conn, bufio.NewReader(conn)}, nil
}

// callers opens one connection for each of those in flight; close ends them.
func callers(ctx context.Context, addr string) (all []*caller, hangUp func(), err error) {
	hangUp = func() {
		for _, c := range all {
			c.conn.Close()
		}
	}
	for range inFlight {
		c, err := call(ctx, addr)
		if err != nil {
			hangUp()
			return nil, nil, err
		}
		all = append(all, c)
	}
	return all, hangUp, nil
}

// callTimeout ends a server that does not answer.
const callTimeout = 30 * time.Second

// push sends a request and reads its answer, which has to be 200.
func (c *caller) push(request []byte) error {
	if err := c.conn.SetDeadline(time.Now().Add(callTimeout)); err != nil {
		return err
	}
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	status, err := c.r.ReadSlice('\n')
	if err != nil {
		return err
	}
	ok := bytes.HasPrefix(status, []byte("HTTP/1.1 200 "))
	said := string(status)
	length, err := c.head()
	if err != nil {
		return err
	}
	if _, err := c.r.Discard(length); err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("webhook %w: %s", errRefused, strings.TrimSpace(said))
	}
	return nil
}

// head reads the header and gives the length of the body.
func (c *caller) head() (length int, err error) {
	for {
		b, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(b) <= 2 {
			return length, nil
		}
		if n, ok := bytes.CutPrefix(b, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(n))); err != nil {
				return 0, err
			}
		}
	}
}

// serveHTTP serves a handler on a free port of this machine.
func serveHTTP(ctx context.Context, h http.Handler) (addr string, stop func(), err error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: callTimeout, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	return l.Addr().String(), func() { s.Close(); <-done }, nil
}

// bareHandler reads a webhook whole and answers it as ours does: no check, no store.
func bareHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 64<<10)); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><Response/>`)
	})
}
