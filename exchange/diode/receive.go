package diode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"gatehouse/exchange"
)

// Receive implements exchange.Link. It handles what arrived, lowest number first.
func (r *Receiver) Receive(ctx context.Context, handle func(context.Context, exchange.Envelope) error) error {
	r.one.Lock()
	defer r.one.Unlock()
	t := time.NewTicker(retry)
	defer t.Stop()
	last := ""
	for {
		bell := r.wake
		if r.drain(ctx, handle, &last) {
			bell = nil // something waits; what comes now is looked at with the next try
		}
		select {
		case <-ctx.Done():
			return nil
		case <-bell:
		case <-t.C:
		}
	}
}

// Send implements exchange.Link: it is an error, the receiving half never sends.
func (r *Receiver) Send(context.Context, exchange.Envelope) error {
	return fmt.Errorf("send by a diode's receiver: %w", errOneWay)
}

// drain handles what is there. True: an envelope has to wait. What it waits for is logged once, not at each try.
func (r *Receiver) drain(ctx context.Context, handle func(context.Context, exchange.Envelope) error, last *string) bool {
	for _, n := range r.shelf.names() {
		if ctx.Err() != nil {
			return true
		}
		if err := r.handle(ctx, n, handle); err != nil {
			if says := n + err.Error(); ctx.Err() == nil && says != *last {
				*last = says
				r.log.Warn("envelope waits behind the diode", "file", n, "err", err)
			}
			return true
		}
		*last = ""
	}
	return false
}

// handle hands one envelope on. An error leaves it where it is.
func (r *Receiver) handle(ctx context.Context, n string, handle func(context.Context, exchange.Envelope) error) error {
	e, err := r.shelf.get(n)
	if errors.Is(err, os.ErrNotExist) {
		return r.shelf.remove(n)
	}
	if err == nil && nameOf(e) != n {
		err = fmt.Errorf("%w: the name is not that of its number", exchange.ErrAside)
	}
	if err == nil {
		err = handle(ctx, e)
	}
	switch {
	case err == nil:
		return r.shelf.remove(n)
	case errors.Is(err, exchange.ErrAside):
		kept, failed := r.shelf.putAside(n, err, r.now())
		r.log.Error("envelope put aside", "file", n, "kept", kept, "err", err)
		return failed
	}
	return err
}
