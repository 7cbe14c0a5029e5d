package program

import (
	"context"
	"errors"
	"io"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
	border "gatehouse/exchange/program"
)

// ping tells whether the office can take in and hand on: the store answers, and what crosses can be written down.
func (h *house) ping(ctx context.Context) error {
	return errors.Join(h.store.Ping(ctx), h.border.Ready())
}

// days is the folder of the reconciliations.
func (h *house) days() evidence.Reports {
	return evidence.Reports(border.Evidence(h.cfg.Exchange.LogFile, h.cfg.Store) + ".days")
}

// reconcile compares the extranet's report of a day with our own log, and keeps what comes of it. A report that can't
// be read is an alarm, and never better on a second look.
func (h *house) reconcile(ctx context.Context, t exchange.Tally) (mine bool, err error) {
	if !evidence.IsReport(t) {
		return false, nil
	}
	r, err := h.evidence.Reconcile(t, h.Now())
	if err != nil {
		h.Log.ErrorContext(ctx, "report of a day can't be compared", "about", t.About, "err", err)
		return true, nil
	}
	if err := h.days().Write(r); err != nil {
		return true, err
	}
	if !r.Equal {
		h.Log.ErrorContext(ctx, "journals of both sides differ", "day", r.Day, "differences", len(r.Differences), "first", r.Differences[0])
		return true, nil
	}
	h.Log.InfoContext(ctx, "journals of both sides are equal", "day", r.Day)
	return true, nil
}

// facts is what a receipt of a registration states that the gateway knows too.
func (h *house) facts(c exchange.Case) exchange.Facts {
	return exchange.Facts{Issuer: h.catalog.City.Domain, Case: c.Reference, Service: c.Service, Filed: c.FiledAt, Zone: h.catalog.City.Location()}
}

// latestDays is how many reconciliations the console looks at.
const latestDays = 14

// Log is the subcommand `office log`: it verifies and compares logs, and gives the exit code.
func Log(args []string, out, errs io.Writer) int { return border.Log("office", args, out, errs) }
