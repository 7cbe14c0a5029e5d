package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/twilio/twilio-go/client"

	"gatehouse/channels/sms"
	"gatehouse/deploy/carriers"
	"gatehouse/deploy/carriers/twilio"
	"gatehouse/gateway/store"
)

// webhookRow is signed webhooks to durable rows.
func webhookRow(ctx context.Context, b *bench) ([]line, error) {
	n := b.of(20_000, 2_000)
	raw := &rawSide{b: b, engine: sqliteEngine{}}
	figures, err := b.turns(ctx, "webhook",
		side{"webhook to durable", func(ctx context.Context) (float64, error) { return b.webhooks(ctx, n, raw) }},
		side{"bare handler", func(ctx context.Context) (float64, error) {
			return pushAll(ctx, n, bareHandler())
		}},
		side{"raw group commit", raw.run})
	if err != nil {
		return nil, err
	}
	var bare, commit []round
	for _, f := range figures {
		bare, commit = append(bare, round{f[1], 1}), append(commit, round{f[2], 1})
	}
	first := func(r round) float64 { return r.ours }
	return []line{{what: "webhook to durable, 64 in flight", unit: "req/s", peer: "the slower of bare handler and raw commit", rounds: pairs(figures),
		aim:  aim{least: 0.6},
		note: fmt.Sprintf("bare handler %s req/s, raw group commit of the same rows %s rows/s", digits(median(bare, first)), digits(median(commit, first)))}}, nil
}

// webhooks runs the real channel on a real store, and leaves its rows for the raw side.
func (b *bench) webhooks(ctx context.Context, n int, raw *rawSide) (rate float64, err error) {
	dir, err := b.folder()
	if err != nil {
		return 0, err
	}
	url := "sqlite:" + filepath.Join(dir, "gateway.db")
	s, err := store.Open(ctx, store.Config{URL: url, Log: quiet()})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if err := fillPeople(ctx, s); err != nil {
		return 0, err
	}
	ch, err := sms.Open(smsConfig(publicURL, "http://127.0.0.1:9"), shared(s))
	if err != nil {
		return 0, err
	}
	mux := http.NewServeMux()
	ch.Mount(mux, inbox{s})
	if rate, err = pushAll(ctx, n, mux); err != nil {
		return 0, err
	}
	if err := holds(ctx, s, n+people); err != nil {
		return 0, err
	}
	return rate, raw.take(ctx, url, s.Close)
}

// holds proves that everything that was acknowledged is in the store.
func holds(ctx context.Context, s *store.Store, n int) error {
	c, err := s.Counts(ctx)
	if err != nil {
		return err
	}
	if c.Inbound != int64(n) {
		return fmt.Errorf("acknowledged %d messages, stored %d", n, c.Inbound)
	}
	return nil
}

// publicURL is what webhooks are signed over; nothing is reached there.
const publicURL = "http://gateway.bench"

// pushAll pushes n signed webhooks at a handler.
func pushAll(ctx context.Context, n int, h http.Handler) (float64, error) {
	requests := make([][]byte, n)
	for i := range requests {
		requests[i] = hookRequest(publicURL, hookForm(sid(1, i), phone(i), words))
	}
	addr, stop, err := serveHTTP(ctx, h)
	if err != nil {
		return 0, err
	}
	defer stop()
	all, hangUp, err := callers(ctx, addr)
	if err != nil {
		return 0, err
	}
	defer hangUp()
	return closed(ctx, n, func(_ context.Context, w, i int) error { return all[w].push(requests[i]) })
}

// signatureRow is form and signature from the bytes of a webhook's body, on both sides.
func signatureRow(ctx context.Context, b *bench) ([]line, error) {
	n := b.of(100_000, 5_000)
	q := hookForm(sid(1, 1), phone(1), words)
	body, signature := []byte(q.Encode()), twilio.Sign(carriers.DemoAuthToken, publicURL+"/hooks/sms", q)
	figures, err := b.turns(ctx, "signature",
		side{"ours", func(context.Context) (float64, error) { return ownChecks(n, body, signature) }},
		side{"twilio-go", func(context.Context) (float64, error) { return libraryChecks(n/8, body, signature) }})
	if err != nil {
		return nil, err
	}
	return []line{{what: "signature check, one core", unit: "op/s", peer: "twilio-go RequestValidator", rounds: pairs(figures), aim: aim{least: 8}}}, nil
}

func ownChecks(n int, body []byte, signature string) (float64, error) {
	ch, err := sms.Open(smsConfig(publicURL, "http://127.0.0.1:9"), shared(nil))
	if err != nil {
		return 0, err
	}
	var r bytes.Reader
	begun := time.Now()
	for range n {
		r.Reset(body)
		if !ch.Genuine("/hooks/sms", &r, signature) {
			return 0, fmt.Errorf("signature %w", errRefused)
		}
	}
	return float64(n) / time.Since(begun).Seconds(), nil
}

func libraryChecks(n int, body []byte, signature string) (float64, error) {
	v := client.NewRequestValidator(carriers.DemoAuthToken)
	begun := time.Now()
	for range n {
		if !v.ValidateBody(publicURL+"/hooks/sms", body, signature) {
			return 0, fmt.Errorf("signature %w by the library", errRefused)
		}
	}
	return float64(n) / time.Since(begun).Seconds(), nil
}
