package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database/databasetest"
	"gatehouse/gateway/store"
)

// insertRow is durable inserts on both engines.
func insertRow(ctx context.Context, b *bench) ([]line, error) {
	lines := []line{b.inserts(ctx, "SQLite", sqliteEngine{})}
	h := &host{ctx: ctx}
	defer h.end()
	var server *databasetest.Server
	err := h.try(func() { server = databasetest.Postgres(h, "fsync=on") })
	if err != nil {
		return append(lines, line{what: insertName("PostgreSQL"), aim: insertAim(), err: err}), nil
	}
	return append(lines, b.inserts(ctx, "PostgreSQL", postgresEngine{func() (url string, err error) {
		err = h.try(func() { url = server.Database(h) })
		return url, err
	}})), nil
}

func insertName(engine string) string { return "durable inserts, 64 producers, " + engine }
func insertAim() aim                  { return aim{least: 0.8} }

func (b *bench) inserts(ctx context.Context, name string, e engine) line {
	n := b.of(20_000, 3_000)
	l := line{what: insertName(name), unit: "rows/s", peer: "raw group commit of the same rows", aim: insertAim()}
	raw := &rawSide{b: b, engine: e}
	figures, err := b.turns(ctx, "insert-"+name,
		side{"Accept", func(ctx context.Context) (float64, error) { return b.accepts(ctx, n, e, raw) }},
		side{"raw group commit", raw.run})
	l.rounds, l.err = pairs(figures), err
	return l
}

// text is message i of a run, from somebody known.
func text(run, i int) channels.Message {
	return channels.Message{ID: "sms:" + sid(run, i), From: channels.Address{Channel: "sms", Value: phone(i)},
		To: channels.Address{Channel: "sms", Value: "+15550100"}, At: time.Now(), Text: words, Trust: channels.CarrierVerified}
}

// fillPeople lets everybody write once.
func fillPeople(ctx context.Context, s *store.Store) error {
	_, err := closed(ctx, people, func(ctx context.Context, _, i int) error {
		_, err := s.Accept(ctx, text(0, i))
		return err
	})
	return err
}

// accepts stores n messages, and leaves their rows for the raw side.
func (b *bench) accepts(ctx context.Context, n int, e engine, raw *rawSide) (rate float64, err error) {
	url, err := e.url(b)
	if err != nil {
		return 0, err
	}
	dir, err := b.folder()
	if err != nil {
		return 0, err
	}
	s, err := store.Open(ctx, store.Config{URL: url, KeyFile: filepath.Join(dir, "key"), Log: quiet()})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if err := fillPeople(ctx, s); err != nil {
		return 0, err
	}
	rate, err = closed(ctx, n, func(ctx context.Context, _, i int) error {
		_, err := s.Accept(ctx, text(1, i))
		return err
	})
	if err != nil {
		return 0, err
	}
	if err := holds(ctx, s, n+people); err != nil {
		return 0, err
	}
	return rate, raw.take(ctx, url, s.Close)
}

// host is what a helper for tests needs of its test: it collects what ends later, and turns a fatal fault into an
// error of try.
type host struct {
	testing.TB // never set: a method that is not here must not be called
	ctx        context.Context
	later      []func()
}

type fatal struct{ error }

// Helper does nothing.
func (*host) Helper() {}

// Context is the run's.
func (h *host) Context() context.Context { return h.ctx }

// Cleanup keeps f until end.
func (h *host) Cleanup(f func()) { h.later = append(h.later, f) }

// Fatal ends the call of try under way.
func (*host) Fatal(args ...any) { panic(fatal{errors.New(fmt.Sprint(args...))}) }

// Fatalf ends the call of try under way.
func (*host) Fatalf(format string, args ...any) { panic(fatal{fmt.Errorf(format, args...)}) }

// Logf writes to the standard error stream.
func (*host) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// try calls f, and gives the fault that ended it.
func (*host) try(f func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case fatal:
			err = p
		default:
			panic(p)
		}
	}()
	f()
	return nil
}

// end runs what was kept, last first.
func (h *host) end() {
	for i := len(h.later) - 1; i >= 0; i-- {
		h.later[i]()
	}
	h.later = nil
}
