package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"gatehouse/configs/secret"
	"gatehouse/exchange"
	"gatehouse/exchange/diode"
)

// diodeRow is a one-way link at its default pace of 50 MB/s on the wire: what it carries, and what it survives,
// against the same bytes as plain UDP packets at the same pace.
func diodeRow(ctx context.Context, b *bench) ([]line, error) {
	files, err := b.newDiode(b.of(60, 4), exchange.PartSize) // over all rounds some 200 MB
	if err != nil {
		return nil, err
	}
	goodput, err := b.turns(ctx, "diode", side{"diode", files.goodput}, side{"plain UDP", files.plainRate})
	if err != nil {
		return nil, err
	}
	short, err := b.newDiode(b.of(1000, 60), 1000)
	if err != nil {
		return nil, err
	}
	short.loss = 0.2
	whole, err := b.turns(ctx, "diode-loss", side{"diode", short.whole}, side{"plain UDP", short.plainWhole})
	if err != nil {
		return nil, err
	}
	return []line{
		{what: "diode goodput, both ends durable", unit: "MB/s", peer: "plain UDP at the same pace; with parity and two passes a third is left",
			rounds: pairs(goodput), aim: aim{least: 0.25}},
		{what: fmt.Sprintf("diode, envelopes of %.0f kB at 20 %% loss", float64(len(short.sealed[0].Bytes))/1e3), unit: "% whole", peer: "the same as plain UDP packets", rounds: pairs(whole),
			aim: aim{least: 100}, byOurs: true},
	}, nil
}

// oneWay is envelopes to carry, and how bad the wire is.
type oneWay struct {
	b      *bench
	sealed []exchange.Envelope
	bytes  int
	loss   float64
}

func (b *bench) newDiode(n, size int) (*oneWay, error) {
	dir, err := b.folder()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if err := exchange.MakeKeys(dir, exchange.Parties(), now); err != nil {
		return nil, err
	}
	origin, err := exchange.LoadRing(filepath.Join(dir, string(exchange.Extranet)), exchange.Extranet)
	if err != nil {
		return nil, err
	}
	o, head, rng := &oneWay{b: b}, exchange.Head{Epoch: 1}, rand.NewChaCha8([32]byte{})
	for i := range n {
		part := make([]byte, size)
		_, _ = rng.Read(part)
		sum := sha256.Sum256(part)
		p := exchange.Part{File: "f", Of: fmt.Sprint("c", i), Number: 1, Count: 1, SHA256: hex.EncodeToString(sum[:]), Bytes: part}
		content, err := exchange.Encode(p)
		if err != nil {
			return nil, err
		}
		s, err := origin.Seal(exchange.Up, head, exchange.Parcel{ID: fmt.Sprint("p", i), Kind: p.Kind(), Content: content, Created: now}, now)
		if err != nil {
			return nil, err
		}
		o.sealed = append(o.sealed, exchange.Envelope{Lane: exchange.Up, Epoch: s.Head.Epoch, Seq: s.Head.Seq, Bytes: s.Bytes})
		o.bytes += len(s.Bytes)
		head = s.Head
	}
	return o, nil
}

// goodput is how many bytes of envelopes a second the link makes durable at its far end.
func (o *oneWay) goodput(ctx context.Context) (float64, error) {
	begun := time.Now()
	n, err := o.carry(ctx, time.Minute)
	if err == nil && n < len(o.sealed) {
		err = fmt.Errorf("%d of %d envelopes came", n, len(o.sealed))
	}
	return float64(o.bytes) / 1e6 / time.Since(begun).Seconds(), err
}

// whole is which share of the envelopes arrives.
func (o *oneWay) whole(ctx context.Context) (float64, error) {
	n, err := o.carry(ctx, 10*time.Second)
	return 100 * float64(n) / float64(len(o.sealed)), err
}

// carry sends the envelopes over a link, and gives how many came out at its far end before limit.
func (o *oneWay) carry(ctx context.Context, limit time.Duration) (n int, err error) {
	out, err := o.b.folder()
	if err != nil {
		return 0, err
	}
	in, err := o.b.folder()
	if err != nil {
		return 0, err
	}
	at, err := freeUDP(ctx)
	if err != nil {
		return 0, err
	}
	c := diode.Config{Address: at, Key: secret.New("a key of the benchmark alone, 32 long"), Dir: in}
	r, err := diode.OpenReceiver(c, quiet())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	wire, shut, err := badWire(ctx, at, o.loss)
	if err != nil {
		return 0, err
	}
	defer shut()
	c.Dir, c.Address = out, wire
	s, err := diode.OpenSender(c, quiet())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return o.through(ctx, s, r, limit)
}

func (o *oneWay) through(ctx context.Context, s *diode.Sender, r *diode.Receiver, limit time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var sent error
	var post sync.WaitGroup
	post.Go(func() {
		for _, e := range o.sealed {
			err := diode.ErrFull
			for errors.Is(err, diode.ErrFull) {
				err = s.Send(ctx, e)
			}
			if sent = err; err != nil {
				cancel()
				return
			}
		}
	})
	n := 0
	err := r.Receive(ctx, func(context.Context, exchange.Envelope) error {
		if n++; n == len(o.sealed) {
			cancel()
		}
		return nil
	})
	post.Wait()
	return n, errors.Join(err, sent)
}
