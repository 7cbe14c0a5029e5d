package program

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"gatehouse/channels"
	"gatehouse/gateway"
)

// inbox is what channels and pages speak to: it stores, wakes the workers, and only then returns.
type inbox struct {
	store gateway.Intake
	hide  func(channels.Message) channels.Message // what nobody needs to send us
	wake  func()
	log   *slog.Logger
}

// Accept stores m, without numbers that must not lie here and with its pictures bare. A repeat is accepted again and changes nothing.
func (i *inbox) Accept(ctx context.Context, m channels.Message) error {
	m = i.hide(m)
	m.Files = slices.Clone(m.Files)
	for n, f := range m.Files {
		m.Files[n] = channels.Bare(f)
	}
	fresh, err := i.store.Accept(ctx, m)
	if err != nil {
		i.log.WarnContext(ctx, "message not accepted", "channel", m.From.Channel, "err", err)
		return err
	}
	if fresh {
		i.log.DebugContext(ctx, "message accepted", "message_id", m.ID, "from", m.From)
		i.wake()
	}
	return nil
}

// Report stores a carrier's word.
func (i *inbox) Report(ctx context.Context, r channels.Receipt) error {
	return i.store.Report(ctx, r)
}

// bell wakes one loop: rings while it is busy are remembered as one.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// wait returns at a ring, after d, or when ctx ends.
func (b bell) wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-b:
	case <-t.C:
	case <-ctx.Done():
	}
}
