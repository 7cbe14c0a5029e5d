package guard

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gatehouse/exchange"
)

// Kept is how long the guard keeps the very bytes that it sent on, so that an envelope which comes again goes on as
// the same bytes: encryption is randomised, and another envelope under the same number would be a replay. The lane's
// own (Ack, Heartbeat, History) are many, always one bucket long and soon acknowledged: they are kept for KeptOwn.
// What comes again later is sealed anew and says so.
const (
	Kept    = 24 * time.Hour
	KeptOwn = 15 * time.Minute
)

// journal is a directory with one file for each envelope sent on: the digest of the one that came, then the bytes of
// the one that goes.
type journal struct {
	dir    string
	keep   time.Duration
	sync   func(*os.File) error // a test lets it fail as a disk does
	pruned time.Time
}

func openJournal(dir string, keep time.Duration) (*journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return &journal{dir: dir, keep: keep, sync: (*os.File).Sync}, nil
}

func (j *journal) path(in exchange.Head) string {
	return filepath.Join(j.dir, fmt.Sprintf("%010d-%020d", in.Epoch, in.Seq))
}

// put makes the bytes durable under the number of the envelope that came. What an attempt before left is replaced:
// nothing was sent on for it, or the log would have its number.
func (j *journal) put(in exchange.Head, b []byte) error {
	tmp := filepath.Join(j.dir, "new")
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("keep envelope: %w", err)
	}
	_, err = f.Write(append(in.Digest[:], b...))
	if err == nil {
		err = j.sync(f)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keep envelope: %w", err)
	}
	if err := os.Rename(tmp, j.path(in)); err != nil {
		return fmt.Errorf("keep envelope: %w", err)
	}
	if err := syncDir(j.dir); err != nil {
		return fmt.Errorf("keep envelope: %w", err)
	}
	return nil
}

// get gives what was sent on for the envelope of that number; false: not kept any more.
func (j *journal) get(in exchange.Head) (digest [32]byte, b []byte, ok bool, err error) {
	raw, err := os.ReadFile(j.path(in))
	if errors.Is(err, os.ErrNotExist) {
		return digest, nil, false, nil
	}
	if err != nil {
		return digest, nil, false, fmt.Errorf("read kept envelope: %w", err)
	}
	if len(raw) < len(digest) {
		return digest, nil, false, fmt.Errorf("read kept envelope %d: it is cut", in.Seq)
	}
	return [32]byte(raw), raw[32:], true, nil
}

// prune deletes, a few times in its span, what is kept long enough.
func (j *journal) prune(now time.Time) error {
	if now.Sub(j.pruned) < j.keep/8 && !now.Before(j.pruned) {
		return nil
	}
	j.pruned = now
	entries, err := os.ReadDir(j.dir)
	if err != nil {
		return fmt.Errorf("prune journal: %w", err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && now.Sub(info.ModTime()) > j.keep {
			os.Remove(filepath.Join(j.dir, e.Name()))
		}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
