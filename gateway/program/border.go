package program

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/receipt"
	"gatehouse/gateway"
	"gatehouse/gateway/broadcast"
)

// arrivalBatch is how many documents from inside are handled between two looks at the lane.
const arrivalBatch = 64

// arrivalAttempts is how often an arrival is tried before it is set aside; with the pauses between, four minutes.
const arrivalAttempts = 8

// storyteller turns what comes from inside into words for people. *gateway.Dispatcher is it.
type storyteller interface {
	Notice(t gateway.Tiding, n exchange.Notice) (gateway.Outcome, error)
	Refused(t gateway.Tiding, r exchange.Reason) (gateway.Outcome, error)
	Registration(m gateway.Matter, n exchange.Notice, keys receipt.Keys) ([]byte, error)
	Forget(now time.Time, newID func() string, all gateway.Dossier, f exchange.Forget) gateway.Outcome
}

// arrivals handles what the down lane brought, strictly in order, each in the transaction of what it causes.
type arrivals struct {
	store  gateway.Store
	ledger broadcast.Ledger
	lane   exchange.Incoming
	tell   storyteller
	now    func() time.Time
	ids    func() string
	bell   bell
	done   func() // rings the outbox
	pages  func() // rings the index
	cast   func() // rings the caster
	keys   func() receipt.Keys
	log    *slog.Logger

	arriving, telling trials // by number of the lane, by parcel
}

func (a *arrivals) run(ctx context.Context) error {
	working, end := linger(ctx, grace)
	defer end()
	for ctx.Err() == nil {
		n := a.round(working)
		n += a.refusals(working)
		if n == 0 {
			a.bell.wait(ctx, idle)
			continue
		}
		a.done()
	}
	return nil
}

// round handles what is next on the lane, in order. One that fails holds up its own case alone: it is tried again
// later, and set aside when it failed for long.
func (a *arrivals) round(ctx context.Context) int {
	next, err := a.lane.Next(ctx, arrivalBatch)
	if err != nil {
		a.log.ErrorContext(ctx, "read the down lane", "err", err)
		return 0
	}
	handled, waiting, b := 0, map[string]bool{}, gather(next)
	for i, x := range next {
		d, err := b.docs[i], b.faults[i]
		if b.owner(x, d) != nil {
			continue // with its notice
		}
		about := caseOf(d)
		key := strconv.FormatUint(x.Head.Seq, 10)
		if waiting[about] || !a.arriving.due(key, a.now()) || !b.complete(d) {
			waiting[about] = about != ""
			continue
		}
		if err == nil {
			err = safely(func() error { return a.one(ctx, d, x.Head.Seq, b) })
		}
		switch {
		case err == nil:
			a.arriving.forget(key)
			handled++
		case errors.Is(err, gateway.ErrLost): // another worker has it, or the contact changed: look again
			return handled
		default:
			waiting[about] = about != ""
			handled += a.failed(ctx, x, key, err)
		}
	}
	return handled
}

// failed puts an arrival off. The last trial is made while the store can be written, so that a full disk or a lost
// database never sets aside what is right.
func (a *arrivals) failed(ctx context.Context, x exchange.Arrival, key string, cause error) int {
	n := a.arriving.fail(key, a.now())
	a.log.ErrorContext(ctx, "arrival", "lane", exchange.Down, "seq", x.Head.Seq, "kind", x.Parcel.Kind, "attempt", n, "err", cause)
	if n <= arrivalAttempts || a.store.Ping(ctx) != nil {
		return 0
	}
	if err := a.lane.Handled(ctx, []uint64{x.Head.Seq}); err != nil {
		return 0
	}
	a.log.ErrorContext(ctx, "arrival set aside", "lane", exchange.Down, "seq", x.Head.Seq, "kind", x.Parcel.Kind, "parcel_id", x.Parcel.ID)
	a.arriving.forget(key)
	return 1
}

// decoded gives the document of an arrival; nil: what was refused on its way has none.
func decoded(x exchange.Arrival) (exchange.Document, error) {
	if x.Refused != exchange.ReasonNone {
		return nil, nil
	}
	d, err := exchange.Decode(x.Parcel.Kind, x.Parcel.Content)
	return d, wrapped("decode", err)
}

func wrapped(tried string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", tried, err)
}

// caseOf names what an arrival is kept in order with; empty: nothing.
func caseOf(d exchange.Document) string {
	if n, ok := d.(exchange.Notice); ok {
		return n.Case
	}
	return ""
}

func (a *arrivals) one(ctx context.Context, d exchange.Document, seq uint64, b batch) error {
	switch d := d.(type) {
	case exchange.Notice:
		return a.notice(ctx, d, seq, b.of[d.ID])
	case exchange.Publication:
		defer a.pages()
		return a.store.Publish(ctx, d, seq)
	case exchange.Broadcast:
		defer a.cast()
		return a.ledger.Open(ctx, d, seq)
	case exchange.Control:
		defer a.cast()
		return a.ledger.Steer(ctx, d, seq)
	case exchange.Forget:
		return a.forget(ctx, d, seq)
	}
	return a.lane.Handled(ctx, []uint64{seq})
}

// notice tells a person; p are the pieces of its document, nil when it has none.
func (a *arrivals) notice(ctx context.Context, n exchange.Notice, seq uint64, p *pieces) error {
	t, err := a.tiding(ctx, n.Case)
	if errors.Is(err, gateway.ErrNotFound) {
		a.log.WarnContext(ctx, "notice to nobody: its person was forgotten", "case_id", n.Case)
		return a.orphan(ctx, seq, p)
	}
	if err != nil {
		return err
	}
	if t.Paper = p.file(n); t.Paper == nil && p != nil {
		a.log.ErrorContext(ctx, "decision goes without its document", "case_id", n.Case, "notice_id", n.ID, "refused", p.refused)
	}
	if t.Registered, err = a.registered(t.Matter, n); err != nil {
		a.log.ErrorContext(ctx, "receipt of a registration is left out", "case_id", n.Case, "notice_id", n.ID, "err", err)
	}
	o, err := a.tell.Notice(t, n)
	if err != nil {
		return err
	}
	o.Arrival = seq
	if p != nil {
		o.Parts = p.seqs
	}
	if err := a.store.Commit(ctx, o); err != nil {
		return err
	}
	a.log.InfoContext(ctx, "notice taken", "case_id", n.Case, "state", n.State, "decision", n.Decision)
	return nil
}

// registered gives the receipt that a notice brings.
func (a *arrivals) registered(m gateway.Matter, n exchange.Notice) ([]byte, error) {
	if a.keys == nil {
		return nil, nil
	}
	return a.tell.Registration(m, n, a.keys())
}

// orphan counts a notice to a person who was forgotten; its document's pieces are handled with it.
func (a *arrivals) orphan(ctx context.Context, seq uint64, p *pieces) error {
	if p != nil && len(p.seqs) > 0 {
		if err := a.lane.Handled(ctx, p.seqs); err != nil {
			return err
		}
	}
	return a.store.Orphaned(ctx, seq)
}

func (a *arrivals) tiding(ctx context.Context, matter string) (gateway.Tiding, error) {
	c, m, err := a.store.Matter(ctx, matter)
	if err != nil {
		return gateway.Tiding{}, err
	}
	return gateway.Tiding{Now: a.now(), NewID: a.ids, Contact: c, Matter: m}, nil
}

// forget ends a person whom the inside was asked to forget. Keys, rows, the Erasure that confirms it and the mark of the
// arrival are one transaction; who is gone already is confirmed too, so that the inside waits for nobody.
func (a *arrivals) forget(ctx context.Context, f exchange.Forget, seq uint64) error {
	all, err := a.store.Dossier(ctx, f.Party)
	if errors.Is(err, gateway.ErrNotFound) {
		a.log.InfoContext(ctx, "nobody is left to forget", "forget_id", f.ID)
		return a.store.Gone(ctx, seq, exchange.Erasure{ID: f.ID, Party: f.Party, At: a.now().UTC()})
	}
	if err != nil {
		return err
	}
	o := a.tell.Forget(a.now(), a.ids, all, f)
	o.Arrival = seq
	if err := a.store.Commit(ctx, o); err != nil {
		return err
	}
	a.log.InfoContext(ctx, "a person is forgotten on the word of the inside", "forget_id", f.ID)
	return nil
}

// refusals tells people what the border did not let through.
func (a *arrivals) refusals(ctx context.Context) int {
	list, err := a.store.Refusals(ctx, arrivalBatch)
	if err != nil {
		a.log.ErrorContext(ctx, "read refusals", "err", err)
		return 0
	}
	told := 0
	for _, r := range list {
		if !a.telling.due(r.Parcel, a.now()) {
			continue
		}
		err := safely(func() error { return a.refusal(ctx, r) })
		if err != nil && !errors.Is(err, gateway.ErrLost) {
			n := a.telling.fail(r.Parcel, a.now())
			a.log.ErrorContext(ctx, "tell a refusal", "parcel_id", r.Parcel, "attempt", n, "err", err)
			continue
		}
		a.telling.forget(r.Parcel)
		told++
	}
	return told
}

func (a *arrivals) refusal(ctx context.Context, r gateway.RefusedParcel) error {
	t, err := a.tiding(ctx, r.Matter)
	if errors.Is(err, gateway.ErrNotFound) {
		return nil // forgotten a moment ago
	}
	if err != nil {
		return err
	}
	o, err := a.tell.Refused(t, r.Reason)
	if err != nil {
		return err
	}
	o.Told = r.Parcel
	return a.store.Commit(ctx, o)
}
