package guard

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
)

// forgery is an envelope of someone who can write into a link and has what its name says. next is the true one that
// it is put in front of; w holds all keys there are.
type forgery func(t *testing.T, w *forge, next exchange.Envelope) exchange.Envelope

// forge is where forgeries are made: all keys in their folders, and what has passed before.
type forge struct {
	rings map[exchange.Party]*exchange.Ring
	dir   string
	first exchange.Envelope // number 1 on the first hop, which passed
	past  exchange.Envelope // the same on the second hop
	down  exchange.Envelope // number 1 of the other lane
}

func patched(at int, to ...byte) forgery {
	return func(_ *testing.T, _ *forge, next exchange.Envelope) exchange.Envelope {
		next.Bytes = bytes.Clone(next.Bytes)
		copy(next.Bytes[at:], to)
		return next
	}
}

// remade changes a true envelope and repairs what needs no key: the length and the digest of the body.
func remade(change func(b []byte) []byte) forgery {
	return func(_ *testing.T, _ *forge, next exchange.Envelope) exchange.Envelope {
		b := change(bytes.Clone(next.Bytes))
		sum := sha256.Sum256(b[128:])
		copy(b[96:], sum[:])
		n := len(b) - 128
		copy(b[36:], []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		return exchange.Envelope{Lane: next.Lane, Epoch: next.Epoch, Seq: next.Seq, Bytes: b}
	}
}

// asExtranet seals the next number with keys that are not the extranet's, taken for its own.
func asExtranet(owner exchange.Party, use exchange.Use) forgery {
	return func(t *testing.T, w *forge, next exchange.Envelope) exchange.Envelope {
		names, err := filepath.Glob(filepath.Join(w.dir, string(owner), string(owner)+"."+string(use)+".*.key"))
		if err != nil || len(names) != 1 {
			t.Fatalf("%v, %v", names, err)
		}
		k, err := exchange.ReadKey(names[0])
		if err != nil {
			t.Fatal(err)
		}
		k.Party, k.Use = exchange.Extranet, exchange.Sign
		return sealWith(t, next, append(w.rings[exchange.Extranet].Keys(), k)...)
	}
}

func sealWith(t *testing.T, next exchange.Envelope, keys ...exchange.Key) exchange.Envelope {
	t.Helper()
	r, err := exchange.NewRing(exchange.Extranet, keys...)
	if err != nil {
		t.Fatal(err)
	}
	n, err := r.Seal(exchange.Up, exchange.Head{Epoch: next.Epoch, Seq: next.Seq - 1}, exchangetest.ParcelOf(t, "x", caseWith("x"), noon), noon)
	if err != nil {
		t.Fatal(err)
	}
	return exchange.Envelope{Lane: exchange.Up, Epoch: next.Epoch, Seq: next.Seq, Bytes: n.Bytes}
}

func swapped(b []byte, i, j, n int) []byte {
	x := bytes.Clone(b[i : i+n])
	copy(b[i:], b[j:j+n])
	copy(b[j:], x)
	return b
}

// forgeries are what the up guard meets on link A.
func forgeries() map[string]forgery {
	return map[string]forgery{
		"keys of a stranger": func(t *testing.T, _ *forge, next exchange.Envelope) exchange.Envelope {
			strangers, _ := exchangetest.Rings(t, noon)
			c := exchangetest.NewChain(strangers[exchange.Extranet], exchange.Up, func() time.Time { return noon })
			c.Head = exchange.Head{Epoch: next.Epoch, Seq: next.Seq - 1}
			return c.Seal(t, exchangetest.ParcelOf(t, "x", caseWith("x"), noon))
		},
		"the intranet's signature":    asExtranet(exchange.Intranet, exchange.Sign),
		"the guard's own signature":   asExtranet(exchange.UpGuard, exchange.Sign),
		"the other guard's signature": asExtranet(exchange.DownGuard, exchange.Sign),
		"the release key's signature": asExtranet(exchange.Intranet, exchange.Release),
		"of the other lane":           func(_ *testing.T, w *forge, _ exchange.Envelope) exchange.Envelope { return w.down },
		"of the other lane, called this": func(_ *testing.T, w *forge, _ exchange.Envelope) exchange.Envelope {
			e := w.down
			e.Lane = exchange.Up
			return e
		},
		"lane changed":        patched(6, 2),
		"from the second hop": func(_ *testing.T, w *forge, _ exchange.Envelope) exchange.Envelope { return w.past },
		"hop changed":         patched(7, 2),
		"suite raised":        patched(5, 2),
		"no such suite":       patched(5, 9),
		"no magic":            patched(0, 'X'),
		"another version":     patched(4, 2),
		"previous changed":    patched(40, 0xff, 0xff),
		"zeros used":          patched(80, 1),
		"epoch raised":        patched(24, 0, 0, 0, 7),
		"an old one's number": patched(28, 0, 0, 0, 0, 0, 0, 0, 1),
		"length changed":      patched(36, 0, 0, 0, 1),
		"digest changed":      patched(96, 1),
		"body changed":        patched(600, 1, 2, 3),
		"recipient's key":     patched(16, 1, 2, 3),
		"sender's key":        patched(8, 1, 2, 3),
		"key ids swapped":     remade(func(b []byte) []byte { return swapped(b, 8, 16, 8) }),
		"body under a digest": remade(func(b []byte) []byte { b[700] ^= 1; return b }),
		"encapsulated key":    remade(func(b []byte) []byte { b[128] ^= 1; return b }),
		"cut": func(_ *testing.T, _ *forge, next exchange.Envelope) exchange.Envelope {
			next.Bytes = next.Bytes[:400]
			return next
		},
		"cut, and repaired": remade(func(b []byte) []byte { return b[:400] }),
		"body missing":      remade(func(b []byte) []byte { return b[:128] }),
		"longer":            remade(func(b []byte) []byte { return append(b, 0) }),
		"another one's body": func(t *testing.T, w *forge, next exchange.Envelope) exchange.Envelope {
			return remade(func(b []byte) []byte { return append(b[:128], w.first.Bytes[128:]...) })(t, w, next)
		},
		"replay of the first under the next number": func(t *testing.T, w *forge, next exchange.Envelope) exchange.Envelope {
			return remade(func(b []byte) []byte {
				copy(b[40:], w.first.Bytes[40:72])
				return append(b[:128], w.first.Bytes[128:]...)
			})(t, w, next)
		},
	}
}

// TestForgeriesAreAlarmsAndNeverRetries: each is put aside and counted, nothing goes on, and the true envelope of that
// number passes afterwards.
func TestForgeriesAreAlarmsAndNeverRetries(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	first := p.sealed(1)[0]
	p.mustHand(first)
	down := exchangetest.NewChain(p.rings[exchange.Intranet], exchange.Down, func() time.Time { return p.now })
	w := &forge{rings: p.rings, dir: p.keys, first: first, past: exchange.Envelope{Lane: exchange.Up, Epoch: 1, Seq: 1, Bytes: p.out[0]},
		down: down.Seal(t, exchangetest.ParcelOf(t, "d", exchange.Ack{Lane: exchange.Up}, noon))}
	next := p.sealed(1)[0]
	n := 0
	for name, f := range forgeries() {
		n++
		e := f(t, w, next)
		if err := p.hand(e); !errors.Is(err, exchange.ErrAside) {
			t.Errorf("%s: %v", name, err)
		}
		if s := p.guard.Status(); s.Aside != uint64(n) || s.Waits != 0 || s.In.Seq != 1 || len(p.out) != 1 {
			t.Fatalf("%s: %d aside, %d wait, %d went on", name, s.Aside, s.Waits, len(p.out))
		}
	}
	if n < 20 {
		t.Errorf("only %d forgeries", n)
	}
	p.mustHand(next)
	if a := p.arrived(); a.Origin != next.Head() {
		t.Errorf("the true one arrived as %+v", a.Head)
	}
}

// TestKeysOutOfTheirTimeAreAlarms: the same for a key that is over, is to come, or was revoked, by the guard's clock.
func TestKeysOutOfTheirTimeAreAlarms(t *testing.T) {
	for name, at := range map[string]func(p *post, e exchange.Envelope){
		"is valid no longer": func(p *post, _ exchange.Envelope) { p.now = noon.Add(exchange.KeyLife + exchange.KeyGrace + time.Hour) },
		"is not valid yet":   func(p *post, _ exchange.Envelope) { p.now = noon.Add(-time.Hour) },
		"was revoked": func(p *post, e exchange.Envelope) {
			p.rings[exchange.UpGuard].Revoke(exchange.Revocation{Party: exchange.Extranet, Use: exchange.Sign, ID: exchange.KeyID(e.Bytes[8:16])})
		},
	} {
		p := newPost(t, exchange.Up, Limits{})
		e := p.sealed(1)[0]
		at(p, e)
		if err := p.hand(e); !errors.Is(err, exchange.ErrAside) || !bytes.Contains([]byte(err.Error()), []byte(name)) {
			t.Errorf("%s: %v", name, err)
		}
		if s := p.guard.Status(); s.Aside != 1 || s.In.Seq != 0 || len(p.out) != 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// TestForgeriesAtTheEnd: what reaches link B past the guard, or from the wrong one, is put aside there with an alarm.
func TestForgeriesAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, exchange.Up, Limits{})
		p.now = noon
		e := p.sealed(1)[0]
		p.mustHand(e)
		past := exchange.Envelope{Lane: exchange.Up, Epoch: 1, Seq: 1, Bytes: p.out[0]}
		other := newPost(t, exchange.Up, Limits{}) // a guard of another town, with keys of its own
		other.mustHand(other.sealed(1)[0])
		down := newPost(t, exchange.Down, Limits{})
		down.cross(exchange.Ack{Lane: exchange.Up, At: noon})
		w := &forge{rings: p.rings, dir: p.keys, first: e, past: past}
		all := map[string]exchange.Envelope{
			"no verdict":          e,
			"hop changed":         patched(7, 2)(t, w, e),
			"another town's":      {Lane: exchange.Up, Epoch: 1, Seq: 1, Bytes: other.out[0]},
			"the other guard's":   {Lane: exchange.Up, Epoch: 1, Seq: 1, Bytes: down.out[0]},
			"lane changed":        patched(6, 2)(t, w, past),
			"suite raised":        patched(5, 2)(t, w, past),
			"number changed":      patched(28, 0, 0, 0, 0, 0, 0, 0, 9)(t, w, past),
			"body under a digest": remade(func(b []byte) []byte { b[700] ^= 1; return b })(t, w, past),
			"key ids swapped":     remade(func(b []byte) []byte { return swapped(b, 8, 16, 8) })(t, w, past),
			"the origin as guard": remade(func(b []byte) []byte { copy(b[8:16], e.Bytes[8:16]); return b })(t, w, past),
			"cut":                 remade(func(b []byte) []byte { return b[:500] })(t, w, past),
		}
		link, ctx := exchangetest.NewPipe(), t.Context()
		port := &exchange.Port{Lane: exchange.Down, Ring: p.end, Outgoing: exchangetest.NewOutgoing(), Incoming: p.ledger, Out: exchangetest.NewPipe(), In: link,
			Owner: "end", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return noon }}
		ctx, cancel := context.WithCancel(ctx)
		go func() { _ = port.Run(ctx) }()
		for _, x := range all {
			link.Put(x)
		}
		time.Sleep(time.Minute)
		if s := port.Status(); s.Aside != uint64(len(all)) || s.Alarms != s.Aside || s.Kept != 0 || len(link.Aside()) != len(all) {
			t.Errorf("%d forgeries: %+v, %d put aside by the link", len(all), s, len(link.Aside()))
		}
		link.Put(past)
		time.Sleep(time.Minute)
		if s := port.Status(); s.Kept != 1 {
			t.Errorf("the true one: %+v", s)
		}
		cancel()
		synctest.Wait()
	})
}
