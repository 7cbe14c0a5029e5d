package desk

import (
	"context"
	"fmt"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// Erase implements adapters.Eraser: what is open is called off without a word, because nobody is left to tell; what the
// service's law keeps stays as the case with its answers and its decision, the talk before it goes; the rest is deleted.
func (d *Desk) Erase(ctx context.Context, party string, _ []string) (adapters.Erased, error) {
	var out adapters.Erased
	all, err := d.Store.Party(ctx, party)
	if err != nil {
		return out, fmt.Errorf("erase: %w", err)
	}
	now := d.Now()
	for _, r := range all {
		until := d.Until(r.Case.Service, end(r, now))
		if !until.After(now) {
			if err := d.Store.EraseRecord(ctx, r.ID()); err != nil {
				return out, fmt.Errorf("erase: %w", err)
			}
			out.Gone++
			continue
		}
		if err := d.Store.Strip(ctx, stripped(r, now), adapters.Entry{ID: r.ID() + ".forgotten", At: now, By: adapters.ByOffice, Kind: adapters.Forgot}); err != nil {
			return out, fmt.Errorf("erase: %w", err)
		}
		if out.Kept++; until.After(out.Until) {
			out.Until = until
		}
	}
	return out, nil
}

// end is when a record ended: an open one does now.
func end(r adapters.Record, now time.Time) time.Time {
	if r.Closed() {
		return r.Changed
	}
	return now
}

// stripped is what the law keeps of a record.
func stripped(r adapters.Record, now time.Time) adapters.Record {
	if !r.Closed() {
		r.State, r.Decision, r.Changed = exchange.Decided, exchange.Withdrawn, now
	}
	r.Case.Story = nil
	r.Assignee, r.Lock, r.Held = "", adapters.Lock{}, ""
	return r
}

// retirePage is how many records one look of Retire takes.
const retirePage = 200

// Retire implements adapters.Retirer: it deletes decided cases whose service keeps them no longer.
func (d *Desk) Retire(ctx context.Context) (int, error) {
	gone, after := 0, ""
	for {
		page, err := d.Store.Ended(ctx, after, retirePage)
		if err != nil {
			return gone, fmt.Errorf("retire: %w", err)
		}
		for _, r := range page {
			after = r.ID()
			if d.Until(r.Case.Service, r.Changed).After(d.Now()) {
				continue
			}
			if err := d.Store.EraseRecord(ctx, r.ID()); err != nil {
				return gone, fmt.Errorf("retire: %w", err)
			}
			gone++
		}
		if len(page) < retirePage {
			return gone, nil
		}
	}
}
