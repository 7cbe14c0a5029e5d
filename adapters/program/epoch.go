package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"gatehouse/adapters/store"
	"gatehouse/configs/command"
	"gatehouse/exchange"
)

// laneEpoch begins a new epoch of the lane down: after a store was restored on either side, or a key was revoked under
// which something is not acknowledged. With a moment, what left since goes again too: the gateway may have lost it with
// what it was restored from, and knows what it still has.
func laneEpoch(ctx context.Context, c Config, args []string, out io.Writer) (err error) {
	var since time.Time
	if len(args) > 0 {
		if since, err = time.Parse(time.RFC3339, args[0]); err != nil || len(args) > 1 {
			return fmt.Errorf("%w: lane epoch takes the moment of the gateway's copy, such as 2026-11-27T10:00:00Z, or nothing", command.ErrUsage)
		}
	}
	s, err := store.Open(ctx, c.Store, store.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now, KeyFile: c.KeyFile})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if !since.IsZero() {
		n, err := s.Resend(ctx, since)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%d documents and parts that left since %s go again\n", n, since.Format(time.RFC3339))
	}
	epoch, err := exchange.BeginEpoch(ctx, s.Outgoing(), time.Now())
	if err == nil {
		fmt.Fprintf(out, "epoch %d of the lane down began; what is not acknowledged is sent again in it\n", epoch)
	}
	return err
}
