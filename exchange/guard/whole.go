package guard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"gatehouse/exchange"
	"gatehouse/exchange/guard/media"
)

// whole is a file whose Parts are all in, while it is judged.
type whole struct {
	plain   *os.File // it, without a name on the disk
	size    int64
	sha256  string // as announced
	ext     string
	policy  media.Policy
	worker  *Worker
	scan    ScanConfig
	prove   func(context.Context, ScanConfig) error
	leaks   *exchange.Leaks
	made    *os.File // for what is rebuilt
	rebuilt string   // by which check; empty: the file itself goes on
}

// judgeDigest holds the file against what the document announced.
func judgeDigest(_ context.Context, w *whole) (exchange.Reason, error) {
	sum, n, err := digestOf(w.plain)
	switch {
	case err != nil:
		return exchange.ReasonFailed, err
	case n != w.size || sum != w.sha256:
		return exchange.ReasonSchema, nil
	}
	return exchange.ReasonNone, nil
}

func digestOf(f io.ReaderAt) (sum string, size int64, err error) {
	h := sha256.New()
	n, err := io.Copy(h, io.NewSectionReader(f, 0, 1<<62))
	if err != nil {
		return "", 0, fmt.Errorf("read whole file: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}

// judgeDocument lets a file leave that is a document of our own making.
func judgeDocument(_ context.Context, w *whole) (exchange.Reason, error) {
	return ownDocument(w.plain, w.size, w.ext, w.leaks)
}

// judgeMedia asks the worker. A worker that fails refuses the file; one that can't be shut in judges nothing.
func judgeMedia(ctx context.Context, w *whole) (exchange.Reason, error) {
	t := media.Task{Ext: w.ext, Room: int64(partsOf(w.size)) * exchange.PartSize, Policy: w.policy}
	a, err := w.worker.Judge(ctx, w.plain, t, w.made)
	switch {
	case err != nil:
		return exchange.ReasonFailed, err
	case a.Reason == exchange.ReasonNone && a.Rebuilt:
		switch a.Check { // the words are ours, not the worker's
		case "picture", "entries":
			w.rebuilt = a.Check
		default:
			w.rebuilt = "pages"
		}
	}
	return a.Reason, nil
}

// errLie means that a worker handed out what rebuilding never writes.
var errLie = fmt.Errorf("%w: what it rebuilt is not of the form that is written", errWorker)

// judgeRebuilt reads what the worker wrote, within the room that it had, and holds it to the plain form.
func judgeRebuilt(_ context.Context, w *whole) (exchange.Reason, error) {
	if w.rebuilt == "" {
		return exchange.ReasonNone, nil
	}
	room := int64(partsOf(w.size)) * exchange.PartSize
	b, err := io.ReadAll(io.NewSectionReader(w.made, 0, room+1))
	if err != nil {
		return exchange.ReasonFailed, fmt.Errorf("read rebuilt file: %w", err)
	}
	if len(b) == 0 || int64(len(b)) > room || media.Verify(b, w.ext) != nil {
		return exchange.ReasonFailed, errLie
	}
	return exchange.ReasonNone, nil
}

// judgeWhole runs the filters for whole files. The lane's lock is open meanwhile, so that the status can be read.
func (g *Guard) judgeWhole(ctx context.Context, w *whole) (exchange.Reason, []exchange.Trial, error) {
	g.mu.Unlock()
	defer g.mu.Lock()
	var trials []exchange.Trial
	for _, f := range g.wholes {
		reason, err := guardedWhole(ctx, f, w)
		if errors.Is(err, errWorker) {
			g.o.Log.Error("the worker failed: its file is refused", "lane", g.o.Lane, "filter", f.Name, "err", err)
			g.alarms.worker.Add(1)
			err = nil
		}
		if err != nil {
			g.alarms.waiting(err)
			g.proof = proof{} // another scanner may answer next
			return exchange.ReasonFailed, trials, fmt.Errorf("filter %s: %w", f.Name, err)
		}
		result := "pass"
		if reason != exchange.ReasonNone {
			result = word(reason)
		}
		trials = append(trials, exchange.Trial{Filter: f.Name, Result: result})
		if reason != exchange.ReasonNone {
			return reason, trials, nil
		}
	}
	return exchange.ReasonNone, trials, nil
}

func guardedWhole(ctx context.Context, f wholeFilter, w *whole) (reason exchange.Reason, err error) {
	defer func() {
		if recover() != nil {
			reason, err = exchange.ReasonFailed, nil
		}
	}()
	return f.Judge(ctx, w)
}
