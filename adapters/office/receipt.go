package office

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// stamps holds what crossed of the gateway's chain of receipts against what crossed before. What does not fit is an alarm,
// and keeps no case back: the case is in, and its receipt is what is in doubt.
func (o *Office) stamps(ctx context.Context, told []exchange.Stamp, ordered bool) error {
	if len(told) == 0 {
		return nil
	}
	wrong, err := o.Store.Stamp(ctx, told, ordered, o.Now())
	for _, n := range wrong {
		o.Log.Error("receipt of the gateway does not fit to its chain: it may be dated back", "number", n)
	}
	return err
}

// registered signs that a case is registered, where the gateway gave out a receipt for it. Without a key, or a number that a
// receipt can hold, the person is told without it.
func (o *Office) registered(c exchange.Case, ref string, at time.Time) []exchange.Registration {
	if len(c.Receipts) == 0 || o.Sign == nil {
		return nil
	}
	first, at := c.Receipts[len(c.Receipts)-1], at.UTC().Truncate(time.Second)
	r, err := exchange.Registration{ID: o.NewID(), Signed: at, Of: first.ID, Digest: first.Digest, Number: registerNumber(ref, c.Reference), At: at}.Register(o.Facts(c), o.Sign)
	if err != nil {
		o.Log.Error("registration is told without a receipt", "case_id", c.ID, "err", err)
		return nil
	}
	return []exchange.Registration{r}
}

// registerNumber is the number in the connector's system, as far as it can cross; else the case's own reference.
func registerNumber(ref, reference string) string {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/+@=-"
	if ref == "" || len(ref) > 128 || strings.Trim(ref, allowed) != "" {
		return reference
	}
	return ref
}

// receipt gives the parcel that tells a person that their case is registered. Over its share of the day it is held
// inside, under an id that is the same when the errand is repeated.
func (o *Office) receipt(ctx context.Context, e adapters.Errand, ref string) ([]exchange.Parcel, error) {
	n := o.received(*e.Case)
	n.Registered = o.registered(*e.Case, ref, n.At)
	return o.releaseReceipt(ctx, n, e.CaseID)
}

// addedReceipt gives the parcel with the receipt that what was added to a declaration is registered too, an amendment or a
// withdrawal for which the gateway gave one out; nothing for any other. It leaves the state of the case as it is.
func (o *Office) addedReceipt(ctx context.Context, e adapters.Errand) ([]exchange.Parcel, error) {
	if len(e.Addition.Receipts) == 0 || o.Sign == nil {
		return nil, nil
	}
	c, err := o.Store.Case(ctx, e.CaseID)
	if errors.Is(err, adapters.ErrForgotten) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the case of an addition: %w", err)
	}
	c.Receipts = e.Addition.Receipts
	n := o.received(c)
	n.State, n.Promise = "", time.Time{}
	if n.Registered = o.registered(c, e.Ref, n.At); len(n.Registered) == 0 {
		return nil, nil
	}
	return o.releaseReceipt(ctx, n, e.ID)
}

// releaseReceipt lets a receipt out, or holds it back under the name of what it is for.
func (o *Office) releaseReceipt(ctx context.Context, n exchange.Notice, of string) ([]exchange.Parcel, error) {
	p, err := o.Gate.Release(ctx, n)
	if errors.Is(err, adapters.ErrQuota) {
		h := o.holdBack(n, err)
		h.ID = of + ".received"
		h.Notice.ID = h.ID
		o.Log.Warn("receipt held back", "case_id", n.Case, "err", err)
		return nil, o.Store.HoldBack(ctx, h)
	}
	if err != nil {
		return nil, fmt.Errorf("release of the receipt: %w", err)
	}
	return []exchange.Parcel{p}, nil
}
