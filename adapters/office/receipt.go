package office

import (
	"context"
	"strings"
	"time"

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
