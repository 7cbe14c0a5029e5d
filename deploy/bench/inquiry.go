package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gatehouse/configs/secret"
	"gatehouse/deploy/carriers"
	"gatehouse/deploy/carriers/faults"
	"gatehouse/deploy/carriers/twilio"
	"gatehouse/exchange"
	guard "gatehouse/exchange/program"
	gateway "gatehouse/gateway/program"
)

// question is one that a page answers surely.
const question = "how do i get rid of an old sofa"

// inquiryRow is a question's way from the webhook until its answer is at the carrier, while the gateway is half as
// busy as it can be. The parts are measured at the same rate, each round after the whole.
func inquiryRow(ctx context.Context, b *bench) ([]line, error) {
	n := b.of(people/2, 300)
	var whole, sum []span
	var top []round
	var said string
	for range minRounds {
		var w span
		var rate float64
		_, err := b.profiled(ctx, "inquiry", true, side{run: func(ctx context.Context) (_ float64, err error) {
			w, rate, err = b.inquiries(ctx, n)
			return rate, err
		}})
		if err != nil {
			return nil, fmt.Errorf("inquiry: %w", err)
		}
		p, err := b.parts(ctx, n, rate)
		if err != nil {
			return nil, fmt.Errorf("inquiry's parts: %w", err)
		}
		whole, sum, top = append(whole, w), append(sum, p.sum()), append(top, round{2 * rate, 1})
		said = p.String()
	}
	half, tail := line{}, line{}
	for i := range whole {
		half.rounds = append(half.rounds, round{whole[i].p50, sum[i].p50})
		tail.rounds = append(tail.rounds, round{whole[i].p99, sum[i].p99})
	}
	half.what, tail.what = "inquiry to answer at half load, p50", "inquiry to answer at half load, p99"
	half.unit, tail.unit = "ms", "ms"
	half.peer = "accept, step, commit, send alone"
	tail.peer, tail.aim = half.peer, aim{most: 2}
	tail.note = fmt.Sprintf("saturation %s inquiries/s; of the last round in ms, p50/p99: %s",
		digits(median(top, func(r round) float64 { return r.ours })), said)
	return []line{half, tail}, nil
}

// span is a p50 and a p99 in milliseconds.
type span struct{ p50, p99 float64 }

func spanOf(sorted []time.Duration) span {
	return span{millis(quantile(sorted, 0.5)), millis(quantile(sorted, 0.99))}
}

// desk is the real gateway in this process, with the stand-in carrier before it.
type desk struct {
	carrier *carrier
	public  string
	lines   chan *caller
	stop    func() error
}

// inquiries finds how many inquiries a second the gateway answers, and how long they take at half of that rate.
func (b *bench) inquiries(ctx context.Context, n int) (took span, rate float64, err error) {
	d, err := b.openDesk(ctx, n)
	if err != nil {
		return span{}, 0, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	run := func(k int) func(context.Context, int) error {
		requests := make([][]byte, n)
		for i := range requests {
			requests[i] = hookRequest(d.public, hookForm(sid(k, i), phone(i), question))
		}
		return func(ctx context.Context, i int) error { return d.ask(ctx, i, requests[i]) }
	}
	inTurn := func(k int) (float64, error) {
		ask := run(k)
		return closed(ctx, n, func(ctx context.Context, _, i int) error { return ask(ctx, i) })
	}
	if _, err := inTurn(1); err != nil { // everybody is known from now on
		return span{}, 0, err
	}
	top, err := inTurn(2)
	if err != nil {
		return span{}, 0, err
	}
	all, err := open(ctx, n, top/2, run(3))
	if err != nil {
		return span{}, 0, err
	}
	return spanOf(all), top / 2, nil
}

func (b *bench) openDesk(ctx context.Context, n int) (*desk, error) {
	c, err := openCarrier(ctx, n)
	if err != nil {
		return nil, err
	}
	dir, err := b.folder()
	if err != nil {
		return nil, errors.Join(err, c.stop())
	}
	config, err := deskConfig(dir, c.url)
	if err != nil {
		return nil, errors.Join(err, c.stop())
	}
	running, end := context.WithCancel(ctx)
	ready, done := make(chan map[string]string, 1), make(chan error, 1)
	go func() {
		done <- gateway.Run(running, config, gateway.Options{Log: quiet(), Ready: func(a map[string]string) { ready <- a }})
	}()
	d := &desk{carrier: c, lines: make(chan *caller, 4*inFlight)}
	d.stop = func() error {
		end()
		d.hangUp()
		return errors.Join(<-done, c.stop())
	}
	select {
	case a := <-ready:
		d.public = a["public_url"]
	case err := <-done:
		done <- err
		return nil, errors.Join(errors.New("gateway did not start"), d.stop())
	}
	if err := d.dial(ctx); err != nil {
		return nil, errors.Join(err, d.stop())
	}
	return d, nil
}

// dial opens the lines that webhooks are pushed on.
func (d *desk) dial(ctx context.Context) error {
	for range cap(d.lines) {
		l, err := call(ctx, strings.TrimPrefix(d.public, "http://"))
		if err != nil {
			return err
		}
		d.lines <- l
	}
	return nil
}

func (d *desk) hangUp() {
	for len(d.lines) > 0 {
		(<-d.lines).conn.Close()
	}
}

func deskConfig(dir, api string) (gateway.Config, error) {
	keys := filepath.Join(dir, "keys")
	if err := exchange.MakeKeys(keys, exchange.Parties(), time.Now()); err != nil {
		return gateway.Config{}, err
	}
	channel := smsConfig("", api)
	return gateway.Config{
		Name: "Port Lumen", Listen: "127.0.0.1:0", PrivateListen: "127.0.0.1:0", PublicURL: "http://127.0.0.1:0",
		Store: "sqlite:" + filepath.Join(dir, "gateway.db"), KeyFile: filepath.Join(dir, "gateway.key"),
		Texts:   gateway.Texts{Home: strings.TrimPrefix(phonePrefix, "+"), Hour: 1 << 30, Address: 1 << 20}, // its people never rest
		LinkKey: secret.New("a-key-of-the-bench-alone"), Channels: gateway.Channels{SMS: &channel},
		Exchange: gateway.Exchange{Isolation: "none", Keys: filepath.Join(keys, string(exchange.Extranet)),
			Up: guard.Link{Dir: filepath.Join(dir, "up")}, Down: guard.Link{Dir: filepath.Join(dir, "down")}},
	}, nil
}

// ask pushes the question of person i and waits until the answer is at the carrier.
func (d *desk) ask(ctx context.Context, i int, request []byte) error {
	got := d.carrier.got[i]
	for len(got) > 0 { // a second text of an earlier answer
		<-got
	}
	l := <-d.lines
	err := l.push(request)
	d.lines <- l
	if err != nil {
		return err
	}
	select {
	case <-got:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(callTimeout):
		return fmt.Errorf("no answer came to person %d", i)
	}
}

// carrier is the stand-in, with an ear at its door that hears for whom a text comes in.
type carrier struct {
	url  string
	got  []chan struct{} // by person
	stop func() error
}

func openCarrier(ctx context.Context, n int) (*carrier, error) {
	c := &carrier{got: make([]chan struct{}, n)}
	for i := range c.got {
		c.got[i] = make(chan struct{}, 8)
	}
	mux := http.NewServeMux()
	addr, stop, err := serveHTTP(ctx, c.listen(mux))
	if err != nil {
		return nil, err
	}
	c.url = "http://" + addr
	t, err := twilio.Open(ctx, twilio.Config{AccountSID: carriers.DemoAccountSID(), AuthToken: secret.New(carriers.DemoAuthToken),
		Numbers: []string{carriers.DemoNumber}}, twilio.House{Log: quiet(), Now: time.Now, Book: faults.NewBook(), BaseURL: c.url})
	if err != nil {
		stop()
		return nil, err
	}
	t.Mount(mux)
	c.stop = func() error { t.Close(); stop(); return nil }
	return c, nil
}

func (c *carrier) listen(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/Messages.json") {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			c.hear(body)
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		next.ServeHTTP(w, r)
	})
}

func (c *carrier) hear(body []byte) {
	q, err := url.ParseQuery(string(body))
	if err != nil {
		return
	}
	i, err := strconv.Atoi(strings.TrimPrefix(q.Get("To"), phonePrefix))
	if err != nil || i < 0 || i >= len(c.got) {
		return
	}
	select {
	case c.got[i] <- struct{}{}:
	default:
	}
}
