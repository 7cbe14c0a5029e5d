package program

import (
	"context"
	"log/slog"
	"time"
)

// tendEvery is how often the store is asked what is to be deleted because its time has come.
const tendEvery = 10 * time.Second

// tender deletes what has to go by itself.
type tender struct {
	store interface {
		Tend(ctx context.Context, now time.Time) (int, error)
	}
	now func() time.Time
	log *slog.Logger
}

func (t *tender) run(ctx context.Context) error {
	bell := newBell() // nobody rings: it only counts the time
	for ctx.Err() == nil {
		n, err := t.store.Tend(ctx, t.now())
		switch {
		case err != nil && ctx.Err() == nil:
			t.log.ErrorContext(ctx, "delete what has to go", "err", err)
		case n > 0:
			t.log.InfoContext(ctx, "deleted because its time has come", "count", n)
			continue
		}
		bell.wait(ctx, tendEvery)
	}
	return nil
}
