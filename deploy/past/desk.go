package past

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"gatehouse/adapters"
	"gatehouse/adapters/desk"
	"gatehouse/adapters/office"
	"gatehouse/adapters/release"
	"gatehouse/exchange"
)

// play is one plan on its way, with a desk whose clock is the case's own.
type play struct {
	*plan
	id    func(time.Time) string // of what the desk writes; each place counts for itself, so that a repeat draws the same
	out   func(time.Time) string // of what the gateway writes
	slip  func(time.Time) string // of what departs
	doc   exchange.Case
	desk  *desk.Desk
	at    time.Time // the desk's clock
	leave time.Time // when what the office wrote last leaves; zero: nothing does
}

// board is the office's side, as its program builds it.
type board struct {
	store  Office
	city   office.City
	policy release.Config
	keys   *exchange.Ring
	now    time.Time
	words  func(template, lang string) string
}

// open gives p its desk: the built-in one, by the clock of the case.
func (b *board) open(p *play) error {
	chance := rand.New(rand.NewPCG(4, uint64(p.n)))
	policy, err := release.New(b.policy, chance.IntN)
	if err != nil {
		return err
	}
	gate := b.gate(policy)
	p.desk = desk.Open(desk.Shared{Store: b.store, Gate: gate, Policy: policy, Now: func() time.Time { return p.at },
		NewID: func() string { return p.id(p.at) }, UndoTime: adapters.Undo, Department: b.city.DepartmentOf, Known: b.city.Known, Returned: b.city.Returned,
		Until: b.city.Catalog.Until, Words: b.words})
	return nil
}

// gate approves and signs as the office's does.
func (b *board) gate(policy *release.Policy) office.Gate {
	return office.Gate{Person: b.store.Person, Words: b.words,
		Second: func(d exchange.Document) (exchange.Document, error) { return b.keys.Approve(d, b.now) },
		Sign:   func(d exchange.Document) (exchange.Document, error) { return b.keys.Release(d, b.now) },
		Check:  func(ctx context.Context, d exchange.Document) error { return policy.Check(ctx, b.store, d) }}
}

// receive takes the case as it comes over the border, and what an officer does with it first.
func (b *board) receive(ctx context.Context, p *play) error {
	if err := b.open(p); err != nil {
		return err
	}
	p.at = p.filed.Add(3 * time.Second)
	if err := b.store.TakeCase(ctx, 0, p.doc, desk.Name, p.at); err != nil {
		return err
	}
	ref, err := p.desk.Submit(ctx, p.doc, nil)
	if err == nil {
		err = b.store.Done(ctx, p.doc.ID, ref, nil, p.at)
	}
	if err != nil || p.stage == unread {
		return err
	}
	p.at = p.claimed
	if err := p.desk.Claim(ctx, p.officer, p.doc.ID); err != nil {
		return err
	}
	if p.story.Note != "" && p.n%3 == 0 {
		p.at = p.claimed.Add(30 * time.Second)
		if err := p.desk.Note(ctx, p.officer, p.doc.ID, p.story.Note); err != nil {
			return err
		}
	}
	switch {
	case p.stage == asked, p.stage >= held && p.doubt:
		return p.tell(ctx, p.asking, adapters.Public{State: exchange.WaitingYou, Text: p.story.Question.Ask.In(p.who.lang)})
	case p.stage >= held:
		return p.decide(ctx)
	}
	return nil
}

// answered puts the person's reply to the case, and decides it.
func (p *play) answered(ctx context.Context, a exchange.Addition) error {
	p.at = p.replied.Add(3 * time.Second)
	if err := p.desk.Add(ctx, p.doc.ID, a, nil); err != nil {
		return err
	}
	return p.decide(ctx)
}

func (p *play) decide(ctx context.Context) error {
	end := p.story.Ends[p.end]
	reason := end.Reason
	if p.pair != nil {
		reason = p.pair.Reply
	}
	return p.tell(ctx, p.told, adapters.Public{State: exchange.Decided, Decision: exchange.Decision(end.Decision), Reason: reason.In(p.who.lang)})
}

// tell writes to the person; a colleague releases what the officer may not.
func (p *play) tell(ctx context.Context, at time.Time, words adapters.Public) error {
	p.at = at
	words.ID, words.Releasable = p.id(at), true
	if err := p.desk.Tell(ctx, p.officer, p.doc.ID, words); err != nil {
		return err
	}
	h, err := p.desk.Store.Held(ctx, words.ID)
	if err != nil {
		return err
	}
	if h.State == adapters.AwaitsSecond && (p.stage != held || words.State != exchange.Decided) {
		p.at = at.Add(10 * time.Minute)
		if err := p.desk.Release(ctx, p.second, words.ID); err != nil {
			return err
		}
		h.State = adapters.Leaving
	}
	if h.State == adapters.Leaving {
		p.leave = p.at.Add(adapters.Undo)
	}
	return nil
}

// depart lets out what all plays wrote, each at its own minute, in order.
func (b *board) depart(ctx context.Context, due []*play) error {
	for _, p := range due {
		if _, err := b.store.Depart(ctx, p.leave, func() string { return p.slip(p.leave) }); err != nil {
			return err
		}
		p.leave = time.Time{}
	}
	return nil
}

// notices gives all that left the desk, and the cursor behind it.
func (b *board) notices(ctx context.Context, after int64) ([]exchange.Notice, int64, error) {
	var all []exchange.Notice
	for {
		some, last, err := b.store.Decided(ctx, after, adapters.MaxList)
		if err != nil || len(some) == 0 {
			return all, after, err
		}
		all, after = append(all, some...), last
	}
}

// review lets a colleague look at what left without a second person, but for the last week's.
func (b *board) review(ctx context.Context, by adapters.Staff, some *play) error {
	all, err := b.store.ToReview(ctx, 1000)
	for _, h := range all {
		if err != nil {
			return err
		}
		if some.at = h.At.Add(26 * time.Hour); some.at.Before(b.now.AddDate(0, 0, -6)) {
			err = some.desk.Review(ctx, by, h.ID, true, "")
		}
	}
	if errors.Is(err, adapters.ErrGone) {
		return nil
	}
	return err
}
