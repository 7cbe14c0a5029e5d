package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/guard"
	"gatehouse/exchange/spool"
)

// hopRow is a guard's whole hop of a 2 kB case, against the sum of what no guard can do without.
func hopRow(ctx context.Context, b *bench) ([]line, error) {
	h, err := b.newHop(b.of(3_000, 300))
	if err != nil {
		return nil, err
	}
	figures, err := b.turns(ctx, "hop",
		side{"guard", h.guard},
		side{"primitives", h.primitives})
	if err != nil {
		return nil, err
	}
	return []line{{what: "guard hop of a 2 kB case", unit: "envelopes/s", peer: "its primitives alone: open, check, sign, seal, three durable writes",
		rounds: pairs(figures), aim: aim{least: 0.7}}}, nil
}

// hop is envelopes that an origin sealed, and the up guard's ring.
type hop struct {
	b      *bench
	ring   *exchange.Ring
	sealed []exchange.Envelope
}

func (b *bench) newHop(n int) (*hop, error) {
	dir, err := b.folder()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if err := exchange.MakeKeys(dir, exchange.Parties(), now); err != nil {
		return nil, err
	}
	h := &hop{b: b}
	if h.ring, err = exchange.LoadRing(filepath.Join(dir, string(exchange.UpGuard)), exchange.UpGuard); err != nil {
		return nil, err
	}
	origin, err := exchange.LoadRing(filepath.Join(dir, string(exchange.Extranet)), exchange.Extranet)
	if err != nil {
		return nil, err
	}
	head := exchange.Head{Epoch: 1}
	for i := range n {
		c := exchange.Case{ID: fmt.Sprint("c", i), Service: "ask", Text: strings.Repeat("a word ", 280), FiledAt: now}
		content, err := exchange.Encode(c)
		if err != nil {
			return nil, err
		}
		s, err := origin.Seal(exchange.Up, head, exchange.Parcel{ID: c.ID, Kind: c.Kind(), Content: content, Created: now}, now)
		if err != nil {
			return nil, err
		}
		h.sealed = append(h.sealed, exchange.Envelope{Lane: exchange.Up, Epoch: s.Head.Epoch, Seq: s.Head.Seq, Bytes: s.Bytes})
		head = s.Head
	}
	return h, nil
}

// feed hands the envelopes over as a link does, and counts those that were taken. It sends nothing.
type feed struct {
	sealed []exchange.Envelope
	taken  atomic.Int64
}

// Send is not for this side.
func (*feed) Send(context.Context, exchange.Envelope) error {
	return errors.New("the feed is read alone")
}

// Receive gives each envelope once.
func (f *feed) Receive(ctx context.Context, handle func(context.Context, exchange.Envelope) error) error {
	for _, e := range f.sealed {
		if err := handle(ctx, e); err != nil {
			return err
		}
		f.taken.Add(1)
	}
	return nil
}

// guard is the whole of it: opened, judged, sealed, kept, logged, handed over to the next link.
func (h *hop) guard(ctx context.Context) (rate float64, err error) {
	dir, err := h.b.folder()
	if err != nil {
		return 0, err
	}
	out, err := spool.Open(spool.Config{Dir: filepath.Join(dir, "b")}, quiet())
	if err != nil {
		return 0, err
	}
	in := &feed{sealed: h.sealed}
	g, err := guard.Open(guard.Options{Lane: exchange.Up, Ring: h.ring, In: in, Out: out, LogFile: filepath.Join(dir, "log"),
		Dir: filepath.Join(dir, "journal"), Limits: guard.Limits{DocumentsPerHour: 1 << 30}, Log: quiet()})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	begun := time.Now()
	if err := g.Run(ctx); err != nil {
		return 0, err
	}
	if s := g.Status(); int(s.Passed) != len(h.sealed) {
		return 0, fmt.Errorf("%d of %d envelopes passed", s.Passed, len(h.sealed))
	}
	return float64(len(h.sealed)) / time.Since(begun).Seconds(), nil
}

// primitives opens, parses and seals each envelope, keeps the bytes in a file of their own, appends a record to a log
// and puts the envelope into the link: each durable, as a guard's must be.
func (h *hop) primitives(ctx context.Context) (rate float64, err error) {
	dir, err := h.b.folder()
	if err != nil {
		return 0, err
	}
	out, err := spool.Open(spool.Config{Dir: filepath.Join(dir, "b")}, quiet())
	if err != nil {
		return 0, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return 0, err
	}
	defer log.Close()
	begun, head := time.Now(), exchange.Head{Epoch: 1}
	for _, e := range h.sealed {
		if head, err = h.primitive(ctx, e, head, dir, log, out); err != nil {
			return 0, err
		}
	}
	return float64(len(h.sealed)) / time.Since(begun).Seconds(), nil
}

func (h *hop) primitive(ctx context.Context, e exchange.Envelope, head exchange.Head, dir string, log *os.File, out exchange.Link) (exchange.Head, error) {
	now := time.Now()
	u, err := h.ring.Unseal(exchange.Up, e, now)
	if err != nil {
		return head, err
	}
	if _, err := exchange.Decode(u.Header.Kind, u.Content); err != nil {
		return head, err
	}
	n, err := h.ring.Endorse(exchange.Up, head, u, u.Content, exchange.Verdict{Rules: guard.RuleSet}, now)
	if err != nil {
		return head, err
	}
	if err := lay(dir, fmt.Sprintf("%d.envelope", n.Head.Seq), n.Bytes); err != nil {
		return head, err
	}
	if _, err := log.Write(n.Bytes[:min(512, len(n.Bytes))]); err != nil { // about as long as a record
		return head, err
	}
	if err := log.Sync(); err != nil {
		return head, err
	}
	return n.Head, out.Send(ctx, exchange.Envelope{Lane: exchange.Up, Epoch: n.Head.Epoch, Seq: n.Head.Seq, Bytes: n.Bytes})
}

// lay writes a file under its name once it is whole and durable.
func lay(dir, name string, b []byte) error {
	file := filepath.Join(dir, name)
	f, err := os.Create(file + ".part")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(file+".part", file); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
