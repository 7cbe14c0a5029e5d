package office

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatehouse/adapters"
)

// retireEvery is how often connectors are asked to delete what the law keeps no longer.
const retireEvery = time.Hour

// Erase hands what has to be forgotten to each connector. It gives how many ended.
func (o *Office) Erase(ctx context.Context) (int, error) {
	due, err := o.Store.DueErasures(ctx, o.Now(), batch, lease)
	if err != nil {
		return 0, err
	}
	ended := 0
	for _, f := range due {
		f.Attempts++
		if err := o.forget(ctx, &f); err != nil {
			f.Next, f.Cause = o.Now().Add(delay(f.Attempts)), cause(err)
			o.Log.Warn("erasure put off", "erasure_id", f.ID, "connector", f.Connector, "attempt", f.Attempts, "err", err)
		} else {
			ended++
			o.Log.Info("erasure ended", "erasure_id", f.ID, "connector", f.Connector, "state", f.State, "gone", f.Result.Gone, "kept", f.Result.Kept)
		}
		if err := o.Store.Erasing(context.WithoutCancel(ctx), f); err != nil {
			return ended, err
		}
	}
	return ended, nil
}

// errNoConnector: it is not configured any more, and may come back.
var errNoConnector = errors.New("no such connector")

// forget runs one erasure at its connector.
func (o *Office) forget(ctx context.Context, f *adapters.Forgetting) error {
	c := o.Connectors[f.Connector]
	if c == nil {
		return errNoConnector
	}
	cases, err := o.Store.PartyCases(ctx, f.Party, f.Connector)
	if err != nil {
		return err
	}
	e, ok := c.(adapters.Eraser)
	if !ok {
		f.State, f.Cause = adapters.ErasureByHand, ""
		return nil
	}
	if f.Result, err = e.Erase(ctx, f.Party, cases); err != nil {
		return fmt.Errorf("erase at connector: %w", err)
	}
	f.State, f.Cause = adapters.ErasureDone, ""
	if f.Result.Kept > 0 {
		f.State = adapters.ErasureKept
		return nil
	}
	for _, id := range cases {
		if err := o.Store.Scrub(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// retiring retires at the start and then every hour, until ctx ends.
func (o *Office) retiring(ctx context.Context) {
	for ctx.Err() == nil {
		if err := o.Retire(ctx); err != nil && ctx.Err() == nil {
			o.Log.Error("cases past their time are kept", "err", err)
		}
		o.rest(ctx, retireEvery, nil, true)
	}
}

// Retire lets connectors delete what the law keeps no longer.
func (o *Office) Retire(ctx context.Context) error {
	for _, c := range o.Connectors {
		r, ok := c.(adapters.Retirer)
		if !ok {
			continue
		}
		n, err := r.Retire(ctx)
		if err != nil {
			return fmt.Errorf("connector %s: %w", c.Name(), err)
		}
		if n > 0 {
			o.Log.Info("cases deleted because the law keeps them no longer", "connector", c.Name(), "count", n)
		}
	}
	return nil
}

// sendForgets puts erasures whose time has come into the down lane. It gives how many.
func (o *Office) sendForgets(ctx context.Context) (int, error) {
	due, err := o.Store.Forgets(ctx, o.Now(), batch)
	if err != nil {
		return 0, err
	}
	for _, h := range due {
		f := h.Erase.Forget
		f.At = o.Now()
		p, err := o.Gate.Release(ctx, f)
		if err == nil {
			err = o.Store.Sent(ctx, h.ID, p)
		}
		switch {
		case heldBack(err):
			o.Log.Warn("erasure returned", "forget_id", h.ID, "err", err)
			err = o.Store.TurnBack(ctx, h.ID)
		case err == nil:
			o.Posted()
			o.Log.Info("erasure released", "forget_id", h.ID, "case_id", h.Case)
		}
		if err != nil && !errors.Is(err, adapters.ErrGone) {
			return 0, fmt.Errorf("release of erasure %s: %w", h.ID, err)
		}
	}
	return len(due), nil
}
