package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/sms"
	"gatehouse/configs"
	published "gatehouse/configs/answers"
	"gatehouse/configs/city"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/answers"
	"gatehouse/gateway/store"
)

// part is what one step of an inquiry takes when nothing else runs.
type part struct {
	name string
	span
}

type parts []part

func (p parts) sum() (s span) {
	for _, v := range p {
		s.p50 += v.p50
		s.p99 += v.p99
	}
	return s
}

func (p parts) String() string {
	var all []string
	for _, v := range p {
		all = append(all, fmt.Sprintf("%s %s/%s", v.name, digits(v.p50), digits(v.p99)))
	}
	return strings.Join(all, ", ")
}

// bare is an inquiry taken apart: the same rooms that the gateway ties together, called one after the other.
type bare struct {
	store   *store.Store
	channel *sms.Channel
	carrier *carrier
	heart   *gateway.Dispatcher
	addr    string
	n       int
}

// parts measures accept, step, commit and send for n inquiries each, at a rate, each alone.
func (b *bench) parts(ctx context.Context, n int, rate float64) (p parts, err error) {
	w, shut, err := b.bare(ctx, n)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, shut()) }()
	steady := func(do func(context.Context, int) error) ([]time.Duration, error) { return open(ctx, n, rate, do) }
	known := func(do func(context.Context, int) error) ([]time.Duration, error) {
		_, err := closed(ctx, n, func(ctx context.Context, _, i int) error { return do(ctx, i) })
		return []time.Duration{0}, err
	}
	if _, err := w.pass(ctx, 1, known); err != nil { // everybody is known from now on
		return nil, err
	}
	return w.pass(ctx, 2, steady)
}

func (b *bench) bare(ctx context.Context, n int) (w *bare, shut func() error, err error) {
	w = &bare{n: n}
	var later []func() error
	shut = func() (err error) {
		for i := len(later) - 1; i >= 0; i-- {
			err = errors.Join(err, later[i]())
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, shut())
		}
	}()
	dir, err := b.folder()
	if err != nil {
		return nil, nil, err
	}
	if w.heart, err = heart(); err != nil {
		return nil, nil, err
	}
	if w.carrier, err = openCarrier(ctx, n); err != nil {
		return nil, nil, err
	}
	later = append(later, w.carrier.stop)
	if w.store, err = store.Open(ctx, store.Config{URL: "sqlite:" + filepath.Join(dir, "gateway.db"), Log: quiet()}); err != nil {
		return nil, nil, err
	}
	later = append(later, w.store.Close)
	if w.channel, err = sms.Open(smsConfig(publicURL, w.carrier.url), shared(w.store)); err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	w.channel.Mount(mux, inbox{w.store})
	addr, stop, err := serveHTTP(ctx, mux)
	if err != nil {
		return nil, nil, err
	}
	later = append(later, func() error { stop(); return nil })
	w.addr = addr
	return w, shut, nil
}

// pass lets everybody ask once, one part after the other.
func (w *bare) pass(ctx context.Context, run int, steady func(func(context.Context, int) error) ([]time.Duration, error)) (parts, error) {
	var p parts
	measure := func(name string, do func(context.Context, int) error) error {
		took, err := steady(do)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		p = append(p, part{name, spanOf(took)})
		return nil
	}
	if err := w.accept(ctx, run, measure); err != nil {
		return nil, err
	}
	turns, err := w.claim(ctx)
	if err != nil {
		return nil, err
	}
	outcomes := make([]gateway.Outcome, w.n)
	err = measure("step", func(_ context.Context, i int) (err error) {
		outcomes[i], err = w.heart.Step(turns[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	err = measure("commit", func(ctx context.Context, i int) error { return w.store.Commit(ctx, outcomes[i]) })
	if err != nil {
		return nil, err
	}
	err = w.send(ctx, measure)
	return p, err
}

type measure func(name string, do func(context.Context, int) error) error

func (w *bare) accept(ctx context.Context, run int, measure measure) error {
	requests := make([][]byte, w.n)
	for i := range requests {
		requests[i] = hookRequest(publicURL, hookForm(sid(run, i), phone(i), question))
	}
	lines := make(chan *caller, 4*inFlight)
	defer func() {
		for len(lines) > 0 {
			(<-lines).conn.Close()
		}
	}()
	for range cap(lines) {
		l, err := call(ctx, w.addr)
		if err != nil {
			return err
		}
		lines <- l
	}
	return measure("accept", func(_ context.Context, i int) error {
		l := <-lines
		defer func() { lines <- l }()
		return l.push(requests[i])
	})
}

// claim takes everybody's message.
func (w *bare) claim(ctx context.Context) (all []gateway.Turn, err error) {
	newID := func() string { return exchange.NewID(time.Now()) }
	for len(all) < w.n {
		turns, err := w.store.Claim(ctx, time.Now(), inFlight, time.Minute)
		if err != nil {
			return nil, err
		}
		if len(turns) == 0 {
			return nil, fmt.Errorf("claimed %d turns of %d", len(all), w.n)
		}
		for _, t := range turns {
			t.Now, t.NewID, t.NewReference = time.Now(), newID, exchange.NewReference
			all = append(all, t)
		}
	}
	return all, nil
}

// send leases everybody's answer, measures the sending, and settles.
func (w *bare) send(ctx context.Context, measure measure) error {
	var leased []gateway.Leased
	for len(leased) < w.n {
		l, err := w.store.Lease(ctx, channels.Reply, time.Now(), inFlight, time.Minute)
		if err != nil {
			return err
		}
		if len(l) == 0 {
			return fmt.Errorf("leased %d answers to %d questions", len(leased), w.n)
		}
		leased = append(leased, l...)
	}
	var mu sync.Mutex
	var settled []gateway.Settlement
	err := measure("send", func(ctx context.Context, i int) error {
		r, err := w.channel.Send(ctx, leased[i].Message)
		r.MessageID = leased[i].ID
		mu.Lock()
		defer mu.Unlock()
		settled = append(settled, gateway.Settlement{ID: leased[i].ID, Fence: leased[i].Fence, Receipt: r})
		return err
	})
	if err != nil {
		return err
	}
	return w.store.Settle(ctx, settled)
}

// heart is the dispatcher with the demo city's services and answers, as the gateway builds it.
func heart() (*gateway.Dispatcher, error) {
	services, err := service.Load(city.Services(), func(name string, b []byte, into any) error {
		return configs.Parse(name, b, into, os.LookupEnv)
	})
	if err != nil {
		return nil, err
	}
	words, err := texts.Load()
	if err != nil {
		return nil, err
	}
	pages, err := published.LoadFS(city.Answers(), "answers")
	if err != nil {
		return nil, err
	}
	var all []answers.Page
	for _, a := range pages {
		if a.Public() {
			from, to := a.Bounds(services.City.Location())
			all = append(all, answers.Page{ID: a.ID, Lang: a.Lang, Title: a.Title, Asks: a.Asks, SMS: a.SMS, Chat: a.Chat, Body: a.Page,
				URL: publicURL + "/" + a.Lang + "/answers/" + a.ID, Service: a.Service, Owner: a.Owner, From: from, To: to})
		}
	}
	return gateway.NewDispatcher(gateway.Rules{Texts: words, Services: services, Answers: answers.New(all), PublicURL: publicURL}), nil
}
