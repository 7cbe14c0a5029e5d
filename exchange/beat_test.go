package exchange_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
)

func aHead(seq uint64) exchange.Head {
	return exchange.Head{Epoch: 1, Seq: seq, Digest: [32]byte{byte(seq), 1}}
}

func TestBeatsSayWhereTheEndsStand(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	rings, _ := exchangetest.Rings(t, now)
	own := exchange.HeartbeatOf(aHead(7), 3)
	e, err := rings[exchange.Extranet].SealBeat(exchange.Up, exchange.Beat{Own: own}, now)
	if err != nil || !e.IsBeat() {
		t.Fatalf("%v, %v", e.Seq, err)
	}
	if p, err := exchange.ParseEnvelope(e.Bytes); err != nil || p.Seq != e.Seq || !p.IsBeat() {
		t.Errorf("a link reads %d, %v", p.Seq, err)
	}
	b, err := rings[exchange.UpGuard].OpenBeat(exchange.Up, e, now)
	if err != nil || b.Own.Stands() != aHead(7) || b.Own.Waiting != 3 || !b.Own.At.Equal(now) || b.Origin.Seq != 0 {
		t.Errorf("%+v, %v", b, err)
	}
	onward := exchange.Beat{Own: exchange.HeartbeatOf(aHead(5), 0), Origin: exchange.Heartbeat{Epoch: 1, Seq: 7, At: now}}
	g, err := rings[exchange.UpGuard].SealBeat(exchange.Up, onward, now.Add(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	b, err = rings[exchange.Intranet].OpenBeat(exchange.Up, g, now)
	if err != nil || b.Own.Stands() != aHead(5) || b.Origin.Seq != 7 {
		t.Errorf("%+v, %v", b, err)
	}
	if len(e.Bytes) != len(g.Bytes) {
		t.Errorf("%d and %d bytes: not one size", len(e.Bytes), len(g.Bytes))
	}
	if g.Seq <= e.Seq {
		t.Error("a later beat has a lower number")
	}
}

// TestBeatsOfNobodyElse: a beat stands for nothing but itself, on its own hop, and no envelope for a beat.
func TestBeatsOfNobodyElse(t *testing.T) {
	now := time.Now()
	rings, _ := exchangetest.Rings(t, now)
	seal := func(p exchange.Party, l exchange.Lane) exchange.Envelope {
		t.Helper()
		e, err := rings[p].SealBeat(l, exchange.Beat{Own: exchange.HeartbeatOf(aHead(1), 0)}, now)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	open := func(p exchange.Party, l exchange.Lane, e exchange.Envelope) error {
		_, err := rings[p].OpenBeat(l, e, now)
		return err
	}
	flipped := seal(exchange.Extranet, exchange.Up)
	flipped.Bytes = bytes.Clone(flipped.Bytes)
	flipped.Bytes[len(flipped.Bytes)-1] ^= 1
	doc := exchangetest.NewChain(rings[exchange.Extranet], exchange.Up, time.Now).Seal(t, exchangetest.ParcelOf(t, "c", exchange.Case{ID: "c", Service: "ask"}, now))
	for name, err := range map[string]error{
		"past the guard":       open(exchange.Intranet, exchange.Up, seal(exchange.Extranet, exchange.Up)),
		"back to the guard":    open(exchange.UpGuard, exchange.Up, seal(exchange.UpGuard, exchange.Up)),
		"in the other lane":    open(exchange.DownGuard, exchange.Down, seal(exchange.Extranet, exchange.Up)),
		"one bit flipped":      open(exchange.UpGuard, exchange.Up, flipped),
		"a document as a beat": open(exchange.UpGuard, exchange.Up, doc),
		"a beat as a document": func() error {
			_, err := rings[exchange.UpGuard].Unseal(exchange.Up, seal(exchange.Extranet, exchange.Up), now)
			return err
		}(),
		"a guard's as a document": func() error {
			_, _, err := rings[exchange.Intranet].Open(exchange.Up, seal(exchange.UpGuard, exchange.Up), now)
			return err
		}(),
	} {
		if !errors.Is(err, exchange.ErrAside) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := rings[exchange.Intranet].SealBeat(exchange.Up, exchange.Beat{}, now); err == nil {
		t.Error("the end of a lane beats in it")
	}
}
