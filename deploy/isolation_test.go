package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"gatehouse/configs/secret"
	"gatehouse/exchange"
	"gatehouse/exchange/diode"
	"gatehouse/exchange/exchangetest"
)

// oneWire is the smallest border: an outside, an inside, and a one-way wire between them.
func oneWire(t *testing.T) *strand {
	t.Helper()
	return (&middle{newSpace(t, "the middle")}).lay("up", 1, newSpace(t, "the outside"), newSpace(t, "the inside"))
}

// over runs a diode link over the wire, and gives its ends.
func (w *strand) over(t *testing.T) (s *diode.Sender, r *diode.Receiver) {
	t.Helper()
	c := diode.Config{Address: w.hears + ":4701", Key: secret.New(wireKey), Dir: t.TempDir(), Gap: 200 * time.Millisecond}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	w.to.do(func() (err error) {
		r, err = diode.OpenReceiver(c, log)
		return err
	})
	t.Cleanup(func() { r.Close() })
	c.Dir = t.TempDir()
	w.from.do(func() (err error) {
		s, err = diode.OpenSender(c, log)
		return err
	})
	t.Cleanup(func() { s.Close() })
	return s, r
}

// cargo makes small envelopes and large ones.
func cargo(t *testing.T, small, large int) []exchange.Envelope {
	t.Helper()
	rings, _ := exchangetest.Rings(t, time.Now())
	c := exchangetest.NewChain(rings[exchange.Extranet], exchange.Up, time.Now)
	rng := rand.NewChaCha8([32]byte{1})
	var all []exchange.Envelope
	for i := range small + large {
		id := fmt.Sprintf("d%d", i)
		var d exchange.Document = exchange.Erasure{ID: id, Party: "p", At: time.Now()}
		if i%(small/large+1) == 0 {
			b := make([]byte, 400_000)
			rng.Read(b)
			sum := sha256.Sum256(b)
			d = exchange.Part{File: "f", Of: id, Number: 1, Count: 1, SHA256: hex.EncodeToString(sum[:]), Bytes: b}
		}
		all = append(all, c.Seal(t, exchangetest.ParcelOf(t, id, d, time.Now())))
	}
	return all
}

// cross sends envelopes and waits until each arrived as it was.
func cross(t *testing.T, s *diode.Sender, r *diode.Receiver, es []exchange.Envelope) {
	t.Helper()
	for _, e := range es {
		if err := s.Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	missing := map[[32]byte]uint64{}
	for _, e := range es {
		missing[e.Head().Digest] = e.Seq
	}
	err := r.Receive(ctx, func(_ context.Context, e exchange.Envelope) error {
		if missing[e.Head().Digest] != e.Seq {
			t.Errorf("number %d came twice, or was never sent", e.Seq)
		}
		if delete(missing, e.Head().Digest); len(missing) == 0 {
			cancel()
		}
		return nil
	})
	if err != nil || len(missing) > 0 {
		t.Fatalf("%d of %d are missing, %v; sender %+v, receiver %+v", len(missing), len(es), err, s.Stats(), r.Stats())
	}
}

// TestNothingComesBack: envelopes cross a one-way wire that loses a twentieth of all packets, while who is root at its
// far end sends every kind of frame at its near end. None arrives. With a hole in the diode they do, so they would
// have been seen.
func TestNothingComesBack(t *testing.T) {
	w := oneWire(t)
	w.rules("numgen random mod 100000 < 5000 drop")
	s, r := w.over(t)
	h := w.hostile(t)
	tried := h.try()
	cross(t, s, r, cargo(t, 60, 3))
	tried += h.try()
	if tried < 2*263 {
		t.Errorf("only %d frames were tried", tried)
	}
	if got := w.from.received(w.near); got != 0 {
		t.Errorf("%d frames came back", got)
	}
	if got := w.count("escaped"); got != 0 {
		t.Errorf("%d frames left the middle for the outside", got)
	}
	if got := w.count("returned"); got < tried*8/10 {
		t.Errorf("the diode stopped %d frames of %d: the rest went another way", got, tried)
	}
	if got := w.count("ours"); got == 0 || w.count("others") != 0 {
		t.Errorf("%d packets went forward, and %d others", got, w.count("others"))
	}
	if st := r.Stats(); st.Missing == 0 || st.Recovered == 0 || st.Lost != 0 || st.Foreign != 0 {
		t.Errorf("the loss is not to be seen: %+v", st)
	}

	w.hole()
	before := w.from.received(w.near)
	tried = h.try()
	eventually(t, "frames through the hole", func() bool { return w.from.received(w.near)-before >= tried*8/10 })
}

// TestBadWires: the kernel's own losses, doubles and flipped bits, on real packets. Flipped ones reach the receiver:
// a veth checks no UDP checksum.
func TestBadWires(t *testing.T) {
	w := oneWire(t)
	es := cargo(t, 60, 3)
	for _, c := range []struct {
		name, rules string
		seen        func(r diode.ReceiverStats) bool
	}{
		{"a clean wire", "", func(r diode.ReceiverStats) bool { return r.Missing == 0 && r.Foreign == 0 && r.Duplicates == 0 }},
		{"20 % lost", "numgen random mod 100 < 20 drop", func(r diode.ReceiverStats) bool { return r.Missing > 0 && r.Recovered > 0 }},
		{"the first 50 of every 1000 lost", "numgen inc mod 1000 < 50 drop", func(r diode.ReceiverStats) bool { return r.Missing > 0 && r.Recovered > 0 }},
		{"10 % doubled", `numgen random mod 100 < 10 dup to "WIREexit"`, func(r diode.ReceiverStats) bool { return r.Duplicates > 0 }},
		{"10 % with a byte changed", "numgen random mod 100 < 10 @th,96,8 set 0xff", func(r diode.ReceiverStats) bool { return r.Foreign > 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.rules(c.rules)
			s, r := w.over(t)
			cross(t, s, r, es)
			if st := r.Stats(); !c.seen(st) || st.Lost != 0 || st.Malformed != 0 {
				t.Errorf("%+v", st)
			}
			if got := w.from.received(w.near); got != 0 {
				t.Errorf("%d frames came back", got)
			}
		})
	}
}
