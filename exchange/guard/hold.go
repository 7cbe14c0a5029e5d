package guard

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
)

// A Part that is in its place is held: its envelope lies in custody as it came, the log says so, and it has no number
// on the next hop yet, so its sender keeps it too. With the last Part the file is judged as a whole; the decision and,
// if there is one, the rebuilt file are durable before the first Part goes on. Then one envelope goes on for each that
// was held, in order, so that the numbers have no gap and every step can be done again after a crash.
//
// A rebuilt file never has more Parts than came: what is rebuilt is made smaller until it has room. Where it has
// fewer, its last Part is carried again by the envelopes that are left over; taking a Part twice changes nothing.

// hold takes a Part into custody.
func (g *Guard) hold(e exchange.Envelope, r evidence.Record) error {
	if err := g.custody.keep(heldName(r.In.Head()), bytes.NewReader(e.Bytes)); err != nil {
		return err
	}
	g.step("held")
	r.Event, r.Filters = "held", nil
	return g.note(r)
}

// note appends a record that nothing goes on for, and takes it into memory.
func (g *Guard) note(r evidence.Record) error {
	now := g.o.Now()
	if err := g.log.Append(now, r); err != nil {
		return err
	}
	r.At = stamp(now)
	return g.memory.apply(r)
}

// finish judges the files that are whole and lets go of what is decided, the oldest document first.
func (g *Guard) finish(ctx context.Context) error {
	for {
		d, ok := g.memory.nextDue()
		if !ok {
			return nil
		}
		if err := g.settle(ctx, d); err != nil {
			return err
		}
	}
}

// settle does all that can be done for one document.
func (g *Guard) settle(ctx context.Context, d *pendingDocument) error {
	for _, f := range d.order {
		if d.reason != exchange.ReasonNone || f.judged != nil || !f.whole() {
			continue
		}
		if err := g.decide(ctx, d, f); err != nil {
			return err
		}
	}
	for _, f := range d.order {
		for f.released < len(f.held) && (d.reason != exchange.ReasonNone || f.judged != nil) {
			if err := g.release(ctx, d, f); err != nil {
				return err
			}
		}
	}
	delete(g.memory.due, d.id)
	return g.custody.sweep(g.memory)
}

// decide judges a file and writes the decision down.
func (g *Guard) decide(ctx context.Context, d *pendingDocument, f *pendingFile) error {
	plain, err := g.custody.scratch()
	if err != nil {
		return err
	}
	defer plain.Close()
	made, err := g.custody.scratch()
	if err != nil {
		return err
	}
	defer made.Close()
	w := &whole{plain: plain, made: made, size: f.Size, sha256: f.SHA256, ext: f.Ext, policy: g.o.Media, worker: g.o.Worker, scan: g.o.Scan, prove: g.prove, leaks: g.o.Leaks}
	r := evidence.Record{Event: "judged", Lane: g.o.Lane, Judged: &evidence.Judged{Of: d.id, File: f.ID}}
	switch err := g.gather(f, plain); {
	case errors.Is(err, exchange.ErrAside):
		r.Reason = exchange.ReasonForged // its key was revoked meanwhile
	case err != nil:
		return err
	default:
		if r.Reason, r.Filters, err = g.judgeWhole(ctx, w); err != nil {
			return err
		}
	}
	if r.Reason == exchange.ReasonNone && w.rebuilt != "" {
		if err := g.keepRebuilt(d, f, w, r.Judged); err != nil {
			return err
		}
	}
	g.step("decided")
	return g.note(r)
}

// gather puts the held Parts of a file together.
func (g *Guard) gather(f *pendingFile, plain *os.File) error {
	if len(f.held) < partsOf(f.Size) {
		return fmt.Errorf("%w: some of its parts went on before they were held", exchange.ErrAside)
	}
	for i, h := range f.held {
		p, _, err := g.part(h)
		if err != nil {
			return err
		}
		if _, err := plain.WriteAt(p.Bytes, int64(i)*exchange.PartSize); err != nil {
			return fmt.Errorf("put parts together: %w", err)
		}
	}
	return nil
}

// part opens a held envelope.
func (g *Guard) part(h exchange.Head) (exchange.Part, exchange.Unsealed, error) {
	e, err := g.custody.get(h)
	if err != nil {
		return exchange.Part{}, exchange.Unsealed{}, err
	}
	u, err := g.o.Ring.Unseal(g.o.Lane, e, g.o.Now())
	if err != nil {
		return exchange.Part{}, u, err
	}
	d, err := exchange.Decode(u.Header.Kind, u.Content)
	p, ok := d.(exchange.Part)
	if err != nil || !ok || u.Head != h {
		return p, u, fmt.Errorf("held envelope %d is not the one that was judged", h.Seq)
	}
	return p, u, nil
}

func (g *Guard) keepRebuilt(d *pendingDocument, f *pendingFile, w *whole, j *evidence.Judged) (err error) {
	if j.To, j.Size, err = digestOf(w.made); err != nil {
		return err
	}
	j.Filter = w.rebuilt
	return g.custody.keep(rebuiltName(d, f), io.NewSectionReader(w.made, 0, j.Size))
}

// release lets the next held Part of a file go on, or refuses it with its document.
func (g *Guard) release(ctx context.Context, d *pendingDocument, f *pendingFile) error {
	h := f.held[f.released]
	r := evidence.Record{Event: "passed", Lane: g.o.Lane, In: evidence.MarkOf(h), Kind: exchange.KindPart, Reason: d.reason,
		Part: &evidence.Piece{Of: d.id, File: f.ID, Number: f.released + 1}}
	_, u, err := g.part(h)
	switch {
	case errors.Is(err, exchange.ErrAside) && d.reason == exchange.ReasonNone:
		r.Reason = exchange.ReasonForged
	case err != nil && d.reason == exchange.ReasonNone:
		return err
	}
	u.Head = h // a refusal needs no more
	v := exchange.Verdict{Refused: r.Reason, Filters: trialsOf(f, r.Reason)}
	content := u.Content
	if r.Reason != exchange.ReasonNone {
		r.Event, r.Of = "refused", d.id
		v.Of = d.id
	} else if j := f.judged; j.To != "" {
		if content, err = g.rebuiltPart(d, f); err != nil {
			return err
		}
		r.Replaced = &exchange.Replaced{From: f.SHA256, To: j.To, Filter: j.Filter}
		v.Replaced = []exchange.Replaced{*r.Replaced}
	}
	r.Parcel, r.Size, r.Filters = u.Header.Parcel, len(content), v.Filters
	return g.emit(ctx, u, content, v, r)
}

// trialsOf is what the filters said of a file, for the verdict on its Parts.
func trialsOf(f *pendingFile, reason exchange.Reason) []exchange.Trial {
	if len(f.trials) > 0 {
		return f.trials
	}
	return []exchange.Trial{{Filter: "part", Result: word(reason)}}
}

// rebuiltPart is the Part of a rebuilt file that takes the place of the next held one.
func (g *Guard) rebuiltPart(d *pendingDocument, f *pendingFile) ([]byte, error) {
	count := partsOf(f.judged.Size)
	number := min(f.released+1, count)
	at := int64(number-1) * exchange.PartSize
	b, err := g.custody.section(rebuiltName(d, f), at, int(min(exchange.PartSize, f.judged.Size-at)))
	if err != nil {
		return nil, err
	}
	content, err := exchange.Encode(exchange.Part{File: f.ID, Of: d.id, Number: number, Count: count, SHA256: hexOf(b), Bytes: b})
	if err != nil {
		return nil, fmt.Errorf("rebuilt part: %w", err)
	}
	return content, nil
}

// owed is an envelope that the log says went on, while nobody can be sure that it did.
type owed struct {
	in    exchange.Head
	bytes []byte
}

// pay sends what is owed. Nobody else would: the link let go of the Part that was held for it.
func (g *Guard) pay(ctx context.Context) error {
	if g.owed == nil {
		return nil
	}
	e, err := exchange.ParseEnvelope(g.owed.bytes)
	if err != nil {
		return fmt.Errorf("kept envelope %d is damaged: %s", g.owed.in.Seq, err.Error())
	}
	if err := g.send(ctx, e.Head(), g.owed.bytes); err != nil {
		return err
	}
	g.owed = nil
	return nil
}

// recall finds out at the start what is owed: the last envelope of a Part, which a crash may have kept from going.
func (g *Guard) recall() error {
	h := g.memory.lastPart
	if h == nil {
		return nil
	}
	_, b, ok, err := g.journal.get(*h)
	if ok {
		g.owed = &owed{in: *h, bytes: b}
	}
	return err
}

func hexOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
