package exchange

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// HistoryEvery is how often a side tells again what it sent last, and MaxHistory how much of it.
const (
	HistoryEvery = 15 * time.Minute
	MaxHistory   = 500
)

// Journal is a side's evidence of what it sent and what it received; evidence.Side is it. Each method makes durable
// what it was given, together, before it returns; giving it again is harmless. While nothing can be written nothing is
// sent, taken in or acknowledged.
type Journal interface {
	// Ready tells whether a record can be taken now. Where the one before could not, it tries.
	Ready(now time.Time) error
	// Fault is why the last record could not be taken; nil: it could.
	Fault() error
	// Sent takes what is about to leave in this side's lane, lowest number first. What is there already is passed over.
	Sent(now time.Time, batch []Numbered) error
	// Received takes what arrived, in the origin's order without a gap.
	Received(now time.Time, batch []Arrival) error
	// Heard is the origin's number up to which Received was given everything.
	Heard() (epoch uint32, seq uint64)
	// Told takes what an Ack says was refused of this side's lane.
	Told(now time.Time, a Ack) error
	// Last gives what was sent last in an epoch, at most MaxHistory, oldest first, each as sent or refused.
	Last(epoch uint32) []Passed
	// Report sums up the oldest whole day that no report was sent of, for the other side to compare; false: none.
	Report(now time.Time) (Tally, bool, error)
}

// Reconciliation is how one day stands in the journals of both sides.
type Reconciliation struct {
	Day         string    `json:"day"` // 2026-03-09, UTC, by the extranet's clock
	At          time.Time `json:"at"`
	Equal       bool      `json:"equal"`
	Lanes       []LaneDay `json:"lanes"`
	Differences []string  `json:"differences"` // each names lane, numbers and what is wrong; at most 200
}

// LaneDay is one lane of a Reconciliation, in envelopes.
type LaneDay struct {
	Lane   Lane  `json:"lane"`
	Theirs int64 `json:"theirs"` // of the extranet's journal
	Ours   int64 `json:"ours"`   // of the intranet's, in the same range
}

// keepRecord brings the journal up to what was kept. An error stops the lane: nothing is sent and nothing acknowledged.
func (p *Port) keepRecord(ctx context.Context) error {
	if p.Journal == nil {
		return nil
	}
	err := p.Journal.Ready(p.Now())
	for full := true; full && err == nil; {
		epoch, seq := p.Journal.Heard()
		var batch []Arrival
		if batch, err = p.Incoming.Kept(ctx, epoch, seq, recordBatch); err != nil {
			return err
		}
		if full = len(batch) == recordBatch; len(batch) > 0 {
			err = p.Journal.Received(p.Now(), batch)
		}
	}
	return p.recorded(err)
}

// recordBatch is how many arrivals share one sync of the journal.
const recordBatch = 256

// recorded tells the operator when the journal stops and when it goes on.
func (p *Port) recorded(err error) error {
	p.lock.Lock()
	before := p.state.Journal
	p.state.Journal = err
	p.lock.Unlock()
	switch {
	case err != nil && before == nil:
		p.counts.alarms.Add(1)
		p.Log.Error("journal can't be written; the border stands still", "lane", p.Lane, "err", err)
	case err == nil && before != nil:
		p.Log.Info("journal is written again", "lane", p.Lane)
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// Ready tells whether this side can take part in the exchange: its journal can be written.
func (p *Port) Ready() error {
	if p.Journal == nil {
		return nil
	}
	return p.Journal.Fault()
}

// proven clamps what is acknowledged to what stands in the journal.
func (p *Port) proven(h Heard) Heard {
	if p.Journal == nil || h.Epoch == 0 {
		return h
	}
	epoch, seq := p.Journal.Heard()
	if epoch != h.Epoch {
		seq = 0
	}
	h.Contiguous = min(h.Contiguous, seq)
	return h
}

// retell puts a History and the report of a day into the lane when their time has come.
func (p *Port) retell(ctx context.Context, s *holding) error {
	now := p.Now()
	if p.Journal == nil || now.Sub(s.history) < HistoryEvery && !now.Before(s.history) {
		return nil
	}
	s.history = now
	states := p.Journal.Last(s.head.Epoch)
	for i := range states {
		if states[i].Seq <= p.settledTo(s.head.Epoch) && states[i].State == StateSent {
			states[i].State = StateSettled
		}
	}
	h := History{Lane: p.Lane, Epoch: s.head.Epoch, States: states}
	if err := p.enqueue(ctx, p.newOwn(KindHistory), h, now); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	if !Crosses(KindTally, p.Lane) {
		return nil
	}
	if err := p.tellHead(ctx, now); err != nil { // nor for this
		p.Log.Error("head of the receipts is not told", "lane", p.Lane, "err", err)
	}
	t, due, err := p.Journal.Report(now)
	if err == nil && due {
		err = p.enqueue(ctx, t.ID, t, now)
	}
	if err != nil { // the exchange does not wait for a report
		p.Log.Error("report of the day is not made", "lane", p.Lane, "err", err)
	}
	return nil
}

// tellHead tells the head of the chain of receipts, where there is one.
func (p *Port) tellHead(ctx context.Context, now time.Time) error {
	if p.Receipts == nil {
		return nil
	}
	h, err := p.Receipts(ctx)
	if err != nil || h.Number == 0 {
		return err
	}
	id := p.newOwn(KindTally)
	return p.enqueue(ctx, id, HeadTally(id, h, now), now)
}

func (p *Port) newOwn(k Kind) string { return string(k) + "-" + p.NewID() }

func (p *Port) enqueue(ctx context.Context, id string, d Document, now time.Time) error {
	b, err := Encode(d)
	if err != nil {
		return err
	}
	return p.Outgoing.Enqueue(ctx, Parcel{ID: id, Kind: d.Kind(), Content: b, Created: now})
}

// settledTo is up to where an Ack settled the epoch, as far as this process knows.
func (p *Port) settledTo(epoch uint32) uint64 {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.upTo.Epoch != epoch {
		return 0
	}
	return p.upTo.Seq
}

// compare holds a History against what was kept. What is only missing is asked for by the Acks; what its sender has
// settled and so no longer has, or what arrived as another envelope, is for an operator.
func (p *Port) compare(ctx context.Context, h History) error {
	if len(h.States) == 0 || h.Lane != p.Lane.Opposite() {
		return nil
	}
	kept, err := p.Incoming.Kept(ctx, h.Epoch, h.States[0].Seq-1, MaxHistory)
	if err != nil {
		return err
	}
	have := map[uint64]string{}
	for _, a := range kept {
		if a.Origin.Epoch == h.Epoch {
			have[a.Origin.Seq] = hex.EncodeToString(a.Origin.Digest[:])
		}
	}
	for _, s := range h.States {
		digest, ok := have[s.Seq]
		switch {
		case ok && digest != s.Digest:
			p.differs(h.Epoch, s).Error("history names another envelope than the one that arrived")
		case !ok && s.State == StateSettled:
			p.differs(h.Epoch, s).Error("history names as settled what is not here; was this side restored from an older copy?")
		}
	}
	return nil
}

// differs counts a line of a History that is not as what arrived, and gives the log to say it in.
func (p *Port) differs(epoch uint32, s Passed) *slog.Logger {
	p.counts.alarms.Add(1)
	p.counts.differs.Add(1)
	return p.Log.With("lane", p.Lane.Opposite(), "epoch", epoch, "seq", s.Seq, "parcel_id", s.ID)
}

// errNoEvidence keeps an arrival on the link while the journal can't be written.
var errNoEvidence = errors.New("the journal can't be written; nothing is taken in")
