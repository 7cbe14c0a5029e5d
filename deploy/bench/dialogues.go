package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	gateway "gatehouse/gateway/program"
)

// deskCommand is how this program is called again to be a gateway in a process of its own, as chatsCommand is.
const deskCommand = "serve-desk"

// dialoguesRow is a crowd that fills in a form by text, all of them at once, and stops in the middle of it.
func dialoguesRow(ctx context.Context, b *bench) ([]line, error) {
	n := b.of(10_000, 300)
	rate := line{what: fmt.Sprintf("messages of %d dialogues at once", n), unit: "msg/s", peer: "inquiries of the same people"}
	heap := line{what: fmt.Sprintf("open dialogue, heap and stacks each, of %d", n), unit: "kB", aim: aim{most: 1}}
	rss := heap
	rss.what = fmt.Sprintf("open dialogue, resident memory each, of %d", n)
	for range minRounds {
		d, err := b.dialogues(ctx, n)
		if err != nil {
			return nil, err
		}
		rate.rounds = append(rate.rounds, round{d.messages, d.inquiries})
		heap.rounds = append(heap.rounds, round{ours: d.each.heap})
		rss.rounds = append(rss.rounds, round{ours: d.each.rss})
	}
	return []line{rate, heap, rss}, nil
}

// crowd is what a crowd in dialogues showed: rates a second, and the memory that each dialogue added.
type crowd struct {
	messages, inquiries float64
	each                weight
}

// least is the smallest weight that is told: a dialogue rests in the store, so the memory of a process may well shrink
// while ten thousand are opened.
const least = 0.001

// dialogues lets n people ask once, so that they are known, and then go two questions into a form.
func (b *bench) dialogues(ctx context.Context, n int) (c crowd, err error) {
	d, s, err := b.openDeskApart(ctx, n)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	if c.inquiries, err = d.crowd(ctx, n, 1, question); err != nil {
		return c, fmt.Errorf("inquiries: %w", err)
	}
	empty, err := s.weigh(0)
	if err != nil {
		return c, err
	}
	if c.messages, err = d.crowd(ctx, n, 2, "BOOK", "14 quay st"); err != nil {
		return c, fmt.Errorf("dialogues: %w", err)
	}
	full, err := s.weigh(0)
	if err != nil {
		return c, err
	}
	c.each = weight{max(least, (full.heap-empty.heap)/float64(n)), max(least, (full.rss-empty.rss)/float64(n))}
	return c, nil
}

// crowd has each of n people send those texts, one after the other, each once the answer to the one before has come,
// and gives texts a second. Run tells the texts from those of other runs.
func (d *desk) crowd(ctx context.Context, n, run int, texts ...string) (rate float64, err error) {
	for at, text := range texts {
		requests := make([][]byte, n)
		for i := range requests {
			requests[i] = hookRequest(d.public, hookForm(sid(10*run+at, i), number(i), text))
		}
		one, err := closed(ctx, n, func(ctx context.Context, _, i int) error { return d.ask(ctx, i, requests[i]) })
		if err != nil {
			return 0, err
		}
		rate += 1 / one
	}
	return float64(len(texts)) / rate, nil
}

// openDeskApart is openDesk with the gateway in a process of its own.
func (b *bench) openDeskApart(ctx context.Context, n int) (*desk, *server, error) {
	c, err := openCarrier(ctx, n)
	if err != nil {
		return nil, nil, err
	}
	dir, err := b.folder()
	if err != nil {
		return nil, nil, errors.Join(err, c.stop())
	}
	s, err := startServer(ctx, deskCommand, dir, c.url)
	if err != nil {
		return nil, nil, errors.Join(err, c.stop())
	}
	d := &desk{carrier: c, public: s.addr, lines: make(chan *caller, 4*inFlight)}
	d.stop = func() error {
		d.hangUp()
		return errors.Join(s.stop(), c.stop())
	}
	if err := d.dial(ctx); err != nil {
		return nil, nil, errors.Join(err, d.stop())
	}
	return d, s, nil
}

// serveDesk is the process: a folder and the carrier's address are its arguments. It ends with its input.
func serveDesk(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	if len(args) != 2 {
		fmt.Fprintln(errs, "bench:", deskCommand, "takes a folder and the carrier's address")
		return 2
	}
	if err := desked(ctx, args[0], args[1], in, out); err != nil {
		fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	return 0
}

func desked(ctx context.Context, dir, api string, in io.Reader, out io.Writer) error {
	config, err := deskConfig(dir, api)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	ready, done := make(chan map[string]string, 1), make(chan error, 1)
	go func() {
		done <- gateway.Run(ctx, config, gateway.Options{Log: quiet(), Ready: func(a map[string]string) { ready <- a }})
	}()
	select {
	case a := <-ready:
		err = tell(a["public_url"], dir, func() int64 { return 0 }, in, out)
	case err := <-done:
		return fmt.Errorf("gateway did not start: %w", err)
	}
	end()
	return errors.Join(err, <-done)
}
