package exchange

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultFollow is how often a ring's folder is looked at.
const DefaultFollow = 10 * time.Second

// Keys is a folder of keys and the ring that follows it: what an operator puts there is used within seconds, without
// a restart. A folder that is broken changes nothing: the ring stays as it was, and it is an alarm until the folder is
// whole again. Only revocations count at once, whatever else is wrong there.
type Keys struct {
	Ring *Ring
	Dir  string
	Log  *slog.Logger

	Now   func() time.Time // nil: time.Now
	Every time.Duration    // 0: DefaultFollow

	mu     sync.Mutex
	seen   [32]byte // what the folder looked like
	fault  string   // what was logged of it
	broken atomic.Bool
}

// OpenKeys loads the ring of p from dir. suites are those that it allows; none: all.
func OpenKeys(dir string, p Party, log *slog.Logger, suites ...Suite) (*Keys, error) {
	k := &Keys{Dir: dir, Log: log}
	seen, err := k.look()
	if err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	if k.Ring, err = LoadRing(dir, p); err != nil {
		return nil, err
	}
	k.Ring.Allow(suites...)
	k.seen = seen
	return k, nil
}

// Broken tells that the folder is broken since it was last changed: an alarm.
func (k *Keys) Broken() bool { return k.broken.Load() }

func (k *Keys) now() time.Time {
	if k.Now != nil {
		return k.Now()
	}
	return time.Now()
}

// Run follows the folder until ctx ends, then gives nil.
func (k *Keys) Run(ctx context.Context) error {
	tick := time.NewTicker(orDefault(k.Every, DefaultFollow))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			_ = k.Look() // it is logged and kept
		}
	}
}

// Look reads the folder again if it changed, or if it was broken. The error says what is wrong with it.
func (k *Keys) Look() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	seen, err := k.look()
	if err == nil && seen == k.seen && !k.broken.Load() {
		return nil
	}
	if err == nil {
		err = k.reload()
	}
	k.tell(err)
	if err == nil {
		k.seen = seen
	}
	return err
}

// look gives a digest of what is in the folder: names, sizes, times.
func (k *Keys) look() ([32]byte, error) {
	entries, err := os.ReadDir(k.Dir)
	if err != nil {
		return [32]byte{}, err
	}
	h := sha256.New()
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return [32]byte{}, err
		}
		fmt.Fprintf(h, "%q %d %d %o\n", e.Name(), info.Size(), info.ModTime().UnixNano(), info.Mode())
	}
	return [32]byte(h.Sum(nil)), nil
}

// reload replaces what the ring holds by what the folder holds. What is missing there besides the revoked is taken for
// an accident.
func (k *Keys) reload() error {
	revoked, broken := readRevocations(k.Dir)
	k.Ring.Revoke(revoked...)
	next, err := LoadRing(k.Dir, k.Ring.Party)
	if err = errors.Join(broken, err); err != nil {
		return err
	}
	if err := k.Ring.covers(next, k.now()); err != nil {
		return err
	}
	k.Ring.take(next)
	return nil
}

// covers tells what next lacks that this ring has.
func (r *Ring) covers(next *Ring, now time.Time) error {
	have, then := r.view(), next.view()
	then.suites, then.revoked = have.suites, have.revoked
	var errs []error
	for _, n := range needs(r.Party) {
		_, had := have.current(n.owner, n.use, now)
		if _, has := then.current(n.owner, n.use, now); had && !has {
			errs = append(errs, fmt.Errorf("ring of %s: the folder has no valid key of %s to %s any more", r.Party, n.owner, n.use))
		}
	}
	return errors.Join(errs...)
}

// take replaces the keys. What was revoked stays so.
func (r *Ring) take(next *Ring) {
	keys := next.view().keys
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = keys
}

// tell logs a change for better or worse, once.
func (k *Keys) tell(err error) {
	k.broken.Store(err != nil)
	switch {
	case err != nil && err.Error() != k.fault:
		k.fault = err.Error()
		k.Log.Error("keys can't be read again; those of before are used", "party", k.Ring.Party, "dir", k.Dir, "err", err)
	case err == nil:
		k.fault = ""
		k.Log.Info("keys read again", "party", k.Ring.Party, "keys", len(k.Ring.Keys()))
		for _, t := range k.Ring.Troubles(k.now()) {
			k.Log.Error("keys need an operator", "party", k.Ring.Party, "trouble", t.String())
		}
	}
}
