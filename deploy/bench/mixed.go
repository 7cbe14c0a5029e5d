package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"gatehouse/channels/web"
)

// traffic is one kind of what comes in, at its rate a second.
type traffic struct {
	name string
	rate float64
	do   func(ctx context.Context, run, i int) error
}

// mixedRow is a steady load of everything at once: questions by text, in the web chat and by mail, and declarations. Each kind
// is held against itself at the same rate with nothing beside it.
func mixedRow(ctx context.Context, b *bench) ([]line, error) {
	seconds := b.of(8, 2)
	var lines []line
	for round1 := range minRounds {
		t, err := b.openTown(ctx, people)
		if err != nil {
			return nil, err
		}
		together, alone, err := t.mixed(ctx, seconds)
		if err = errors.Join(err, t.stop()); err != nil {
			return nil, err
		}
		for i, k := range t.kinds() {
			if round1 == 0 {
				for _, q := range []string{"p50", "p99"} {
					lines = append(lines, line{what: fmt.Sprintf("mixed load, %s, %s", k.name, q), unit: "ms", peer: "the same alone"})
				}
			}
			lines[2*i].rounds = append(lines[2*i].rounds, round{together[i].p50, alone[i].p50})
			lines[2*i+1].rounds = append(lines[2*i+1].rounds, round{together[i].p99, alone[i].p99})
		}
	}
	return lines, nil
}

// kinds are what comes in. A text, a chat and a mail ask what a page answers; a declaration has a hundred rows.
func (t *town) kinds() []traffic {
	file, _ := writeText(goods(100)) // a buffer takes all
	return []traffic{
		{"question by text", 50, func(ctx context.Context, run, i int) error {
			return t.ask(ctx, i, hookRequest(t.public, hookForm(sid(run, i), phone(i), question)))
		}},
		{"question by chat", 20, func(ctx context.Context, _, _ int) error { return t.chat(ctx) }},
		{"question by mail", 20, func(ctx context.Context, run, i int) error {
			from := fmt.Sprintf("p%d-%d@mail.example", run, i)
			_, err := t.mail(ctx, from, "help@portlumen.example", []byte("From: "+from+"\r\nSubject: Old sofa\r\nMessage-ID: <"+from+">\r\n\r\n"+question+"?\r\n"))
			return err
		}},
		{"declaration of 100 rows", 2, func(ctx context.Context, run, i int) error {
			from := clerk(100*run + i)
			_, err := t.mail(ctx, from, "declare+goods@portlumen.example", goodsMail(from, "goods.csv", file))
			return err
		}},
	}
}

// mixed runs each kind alone, then all together.
func (t *town) mixed(ctx context.Context, seconds int) (together, alone []span, err error) {
	all := t.kinds()
	together, alone = make([]span, len(all)), make([]span, len(all))
	for i, k := range all {
		if alone[i], err = k.steady(ctx, 1, seconds); err != nil {
			return nil, nil, fmt.Errorf("%s alone: %w", k.name, err)
		}
	}
	faults := make([]error, len(all))
	var wg sync.WaitGroup
	for i, k := range all {
		wg.Go(func() { together[i], faults[i] = k.steady(ctx, 2, seconds) })
	}
	wg.Wait()
	return together, alone, errors.Join(faults...)
}

func (k traffic) steady(ctx context.Context, run, seconds int) (span, error) {
	took, err := open(ctx, int(k.rate*float64(seconds)), k.rate, func(ctx context.Context, i int) error { return k.do(ctx, run, i) })
	if err != nil {
		return span{}, err
	}
	return spanOf(took), nil
}

// chat opens a web chat, asks, and waits for the answer.
func (t *town) chat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c, _, err := websocket.DefaultDialer.DialContext(ctx, "ws://"+strings.TrimPrefix(t.public, "http://")+web.Path, nil) //nolint:bodyclose // it has none
	if err != nil {
		return fmt.Errorf("open chat: %w", err)
	}
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(callTimeout)); err != nil {
		return err
	}
	for _, f := range []map[string]any{{"type": "hello", "session": "", "after": 0}, {"type": "message", "id": "1", "text": question}} {
		if err := c.WriteJSON(f); err != nil {
			return fmt.Errorf("chat: %w", err)
		}
	}
	for {
		var f struct{ Type, Text, Code string }
		if err := c.ReadJSON(&f); err != nil {
			return fmt.Errorf("chat: %w", err)
		}
		switch f.Type {
		case "message":
			return nil
		case "error":
			return fmt.Errorf("chat: %w: %s", errRefused, f.Code)
		}
	}
}
