package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"gatehouse/exchange"
	border "gatehouse/exchange/program"
)

// openKeys opens the extranet's keys, and none but these.
func (g *house) openKeys(context.Context) error {
	x := g.cfg.Exchange
	keys, err := exchange.OpenKeys(x.Keys, exchange.Extranet, g.Log, x.Suites...)
	if err != nil {
		return fmt.Errorf("exchange.keys: %w", err)
	}
	keys.Now, g.keys = g.Now, keys
	if _, _, err := keys.Ring.ReceiptKey(g.Now()); err != nil {
		g.Log.Error("no declaration can be filed: its receipt can't be signed", "err", err)
	}
	return nil
}

// openBorder opens this side's end of both lanes.
func (g *house) openBorder(context.Context) (err error) {
	x, keys := g.cfg.Exchange, g.keys
	if g.links, err = border.OpenSide(exchange.Extranet, x.Up, x.Down, x.Poll, g.Log); err != nil {
		return fmt.Errorf("exchange.%w", err)
	}
	if g.evidence, err = border.OpenEvidence(border.Evidence(x.LogFile, g.cfg.Store), exchange.Extranet, g.Now(), g.Log); err != nil {
		return fmt.Errorf("exchange.%w", err)
	}
	owner := g.cfg.Owner
	if owner == "" && strings.HasPrefix(g.cfg.Store, "sqlite:") {
		owner = "sole"
	}
	if owner == "" {
		owner = g.newID()
	}
	g.border = &exchange.Port{Lane: exchange.Up, Ring: keys.Ring, Outgoing: g.store.Outgoing(), Incoming: g.store.Incoming(), Out: g.links.Out, In: g.links.In,
		Owner: owner, Log: g.Log, Now: g.Now, NewID: g.newID, Wake: g.arrivals.bell.ring, AckEvery: x.AckEvery, AckIdle: x.AckIdle, Resend: x.Resend, BeatEvery: x.BeatEvery,
		Journal: g.evidence, Receipts: g.store.ReceiptHead,
		Counts: func(ctx context.Context) (exchange.Tally, error) {
			w, err := g.store.Waiting(ctx)
			return exchange.WaitingTally("", w, time.Time{}), err
		}}
	return nil
}

// ping tells whether this gateway can take in and hand on: the store answers, and what crosses can be written down.
func (g *house) ping(ctx context.Context) error {
	return errors.Join(g.store.Ping(ctx), g.border.Ready())
}

// Log is the subcommand `gateway log`: it verifies and compares logs, and gives the exit code.
func Log(args []string, out, errs io.Writer) int { return border.Log("gateway", args, out, errs) }
