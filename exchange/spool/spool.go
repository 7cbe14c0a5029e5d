// Package spool is the link by directory: the sender puts each envelope into it as one file, the receiver takes the
// file away once it is handled. The directory may be a disk between two programs, or a medium carried by hand.
//
// The rule: a file has its name only when it is whole and durable, so a reader never sees half of one; and whatever
// else lies in the directory is not followed, not read beyond the bound, and not trusted.
package spool

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gatehouse/exchange"

	"golang.org/x/sys/unix"
)

// DefaultInterval is how often the receiver looks into the directory.
const DefaultInterval = 200 * time.Millisecond

// MaxFiles bounds what may lie in the directory, so that neither end drowns when the other stopped: Send reports
// ErrFull above it.
const MaxFiles = 20_000

// MaxRefused bounds the files put aside; beyond it they are deleted, with a line in the log.
const MaxRefused = 1000

// ErrFull means that the receiver has not taken away what was sent. Nothing is lost: send again later.
var ErrFull = errors.New("link is full")

// Config is a spool link in a configuration.
type Config struct {
	Dir      string        `yaml:"dir"`
	Interval time.Duration `yaml:"interval"` // 0: DefaultInterval
}

// Validate gives all faults joined.
func (c Config) Validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("dir: is missing; the path of the directory that both ends see"))
	}
	if c.Interval < 0 || c.Interval > time.Minute {
		errs = append(errs, errors.New("interval: is out of range; 1ms to 1m, or 0 for 200ms"))
	}
	return errors.Join(errs...)
}

// Link is one directory. Several senders may use it at once, one receiver alone.
type Link struct {
	dir      string
	interval time.Duration
	log      *slog.Logger
	now      func() time.Time
	sync     func(*os.File) error // a test lets it fail as a disk does
	sent     chan struct{}        // tells a receiver in the same process that there is something
	// Of the receiver alone: what was deleted because refused was full, and when it was seen to be full.
	deleted uint64
	full    time.Time
}

// deletedSaid is after how many deleted files the log says so again.
const deletedSaid = 1000

// recount is how long the folder of refused ones is believed to be full.
const recount = 10 * time.Second

// Open prepares the directory, making it where it is missing.
func Open(c Config, log *slog.Logger) (*Link, error) {
	if err := os.MkdirAll(filepath.Join(c.Dir, "refused"), 0o750); err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	if c.Interval == 0 {
		c.Interval = DefaultInterval
	}
	return &Link{dir: c.Dir, interval: c.Interval, log: log, now: time.Now, sync: (*os.File).Sync, sent: make(chan struct{}, 1)}, nil
}

// suffix is that of an envelope's file.
const suffix = ".envelope"

// name sorts by lane, epoch and number. A heartbeat stands before all, so that it is heard while the lane waits, and
// takes the place of one that was not: they never pile up.
func name(e exchange.Envelope) string {
	if e.IsBeat() {
		return beatName(e.Lane)
	}
	return fmt.Sprintf("%s-%010d-%020d%s", e.Lane, e.Epoch, e.Seq, suffix)
}

func beatName(l exchange.Lane) string { return fmt.Sprintf("beat-%s%s", l, suffix) }

// Send implements exchange.Link: written aside, synced, renamed, and the directory synced.
func (l *Link) Send(ctx context.Context, e exchange.Envelope) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := exchange.ParseEnvelope(e.Bytes); err != nil {
		return fmt.Errorf("send by spool: %w", err)
	}
	if e.Seq%64 == 0 {
		if _, total, err := l.names(1); err != nil || total > MaxFiles {
			return fmt.Errorf("send by spool: %w", errors.Join(err, ErrFull))
		}
	}
	if err := l.write(name(e), e.Bytes); err != nil {
		return fmt.Errorf("send by spool: %w", err)
	}
	select {
	case l.sent <- struct{}{}:
	default:
	}
	return nil
}

func (l *Link) write(name string, b []byte) error {
	f, err := os.CreateTemp(l.dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = l.sync(f)
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(l.dir, name))
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	return l.syncDir()
}

func (l *Link) syncDir() error {
	d, err := os.Open(l.dir)
	if err != nil {
		return err
	}
	return errors.Join(l.sync(d), d.Close())
}

// maxListed bounds the names that are held at once: a neighbour may put a million files into the directory, and
// each listing reads them all.
const maxListed = 1 << 15

// names lists the envelopes in the directory, lowest number first and at most so many, and sweeps away what a crashed
// sender left. total is how many there are.
func (l *Link) names(most int) (names []string, total int, err error) {
	d, err := os.Open(l.dir)
	if err != nil {
		return nil, 0, err
	}
	defer d.Close()
	for {
		entries, err := d.ReadDir(1024)
		for _, e := range entries {
			switch {
			case strings.HasSuffix(e.Name(), suffix):
				names, total = append(names, e.Name()), total+1
			case strings.HasPrefix(e.Name(), ".new-"):
				l.sweep(e)
			}
		}
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return nil, 0, err
		}
		if ended || len(names) >= 2*most {
			slices.Sort(names)
			names = names[:min(len(names), most)]
		}
		if ended {
			return names, total, nil
		}
	}
}

func (l *Link) sweep(e os.DirEntry) {
	if info, err := e.Info(); err == nil && l.now().Sub(info.ModTime()) > time.Hour {
		os.Remove(filepath.Join(l.dir, e.Name()))
	}
}

// Receive implements exchange.Link. It looks at the directory's time each interval and lists it when that changed.
func (l *Link) Receive(ctx context.Context, handle func(context.Context, exchange.Envelope) error) error {
	tick := time.NewTicker(l.interval)
	defer tick.Stop()
	var w watch
	var last string
	for {
		if w.changed(l.dir, l.now()) {
			if again := l.drain(ctx, handle, &last); again {
				w = watch{}
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.sent:
		case <-tick.C:
		}
	}
}

// watch tells whether a directory needs to be listed.
type watch struct {
	modified, listed time.Time
}

// settled is how much older than the listing a directory's time must be, so that nothing can have come after the
// listing under the same time: file systems count in ticks, some in whole seconds.
const settled = 3 * time.Second

// relist is when the directory is listed although it seems unchanged.
const relist = 10 * time.Second

func (w *watch) changed(dir string, now time.Time) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return true
	}
	if info.ModTime().Equal(w.modified) && w.listed.Sub(w.modified) > settled && now.Sub(w.listed) < relist {
		return false
	}
	w.modified, w.listed = info.ModTime(), now
	return true
}

// drain handles what is there. True: something may remain, look again at the next tick. What an envelope waits for
// is logged once, not at each look.
func (l *Link) drain(ctx context.Context, handle func(context.Context, exchange.Envelope) error, last *string) bool {
	names, _, err := l.names(maxListed)
	if err != nil {
		l.log.Error("spool can't be listed", "err", err)
		return true
	}
	heard := l.now()
	for _, n := range names {
		if ctx.Err() != nil {
			return true
		}
		if now := l.now(); now.Sub(heard) >= hearEvery || now.Before(heard) {
			heard = now
			l.hear(ctx, handle)
		}
		if err := l.take(ctx, n, handle); err != nil {
			if says := n + err.Error(); ctx.Err() == nil && says != *last {
				*last = says
				l.log.Warn("envelope waits in the spool", "file", n, "err", err)
			}
			return true
		}
		*last = ""
	}
	return len(names) > 0
}

// hearEvery is how often heartbeats are looked for while many envelopes are handled: a lane that is busy for minutes
// is not silent.
const hearEvery = time.Second

func (l *Link) hear(ctx context.Context, handle func(context.Context, exchange.Envelope) error) {
	for _, lane := range []exchange.Lane{exchange.Up, exchange.Down} {
		if err := l.take(ctx, beatName(lane), handle); err != nil && ctx.Err() == nil {
			l.log.Warn("heartbeat waits in the spool", "lane", lane, "err", err)
		}
	}
}

// take handles one file. An error leaves it where it is.
func (l *Link) take(ctx context.Context, n string, handle func(context.Context, exchange.Envelope) error) error {
	e, err := l.read(n)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = handle(ctx, e)
	}
	switch {
	case err == nil:
		return os.Remove(filepath.Join(l.dir, n))
	case errors.Is(err, exchange.ErrAside):
		return l.putAside(n, err)
	}
	return err
}

// read gives the envelope of a plain file of that name, never more than MaxEnvelope bytes and never through a link.
func (l *Link) read(n string) (exchange.Envelope, error) {
	var none exchange.Envelope
	f, err := os.OpenFile(filepath.Join(l.dir, n), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ELOOP) {
		return none, fmt.Errorf("%w: a symbolic link", exchange.ErrAside)
	}
	if err != nil {
		return none, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return none, err
	}
	if !info.Mode().IsRegular() || info.Size() > exchange.MaxEnvelope {
		return none, fmt.Errorf("%w: not a plain file of at most %d bytes", exchange.ErrAside, exchange.MaxEnvelope)
	}
	b := make([]byte, info.Size())
	if _, err := f.ReadAt(b, 0); err != nil {
		return none, err
	}
	e, err := exchange.ParseEnvelope(b)
	if err != nil {
		return none, err
	}
	if name(e) != n {
		return none, fmt.Errorf("%w: the name is not that of its number", exchange.ErrAside)
	}
	return e, nil
}

// Refuse keeps bytes that came another way among those put aside here, with the reason.
func (l *Link) Refuse(b []byte, why error) error {
	e, err := exchange.ParseEnvelope(b)
	n := name(e)
	if err != nil {
		n = fmt.Sprintf("%x%s", sha256.Sum256(b), suffix)
	}
	if err := l.write(n, b); err != nil {
		return fmt.Errorf("put aside: %w", err)
	}
	return l.putAside(n, why)
}

// fullAside tells whether refused holds all that is kept. Once it does, it is counted again only after a while.
func (l *Link) fullAside() (bool, error) {
	if since := l.now().Sub(l.full); since >= 0 && since < recount {
		return true, nil
	}
	aside, err := os.ReadDir(filepath.Join(l.dir, "refused"))
	if err != nil || len(aside) < 2*MaxRefused {
		return false, err
	}
	l.full = l.now()
	return true, nil
}

// putAside moves a file into refused, with the reason beside it.
func (l *Link) putAside(n string, why error) error {
	from := filepath.Join(l.dir, n)
	full, err := l.fullAside()
	if err != nil {
		return fmt.Errorf("put aside: %w", err)
	}
	if full {
		if l.deleted++; l.deleted%deletedSaid == 1 { // a flood must not fill the log
			l.log.Error("envelope deleted, the folder of refused ones is full", "file", n, "deleted", l.deleted, "err", why)
		}
		return os.RemoveAll(from)
	}
	l.log.Error("envelope put aside", "file", n, "err", why)
	to := filepath.Join(l.dir, "refused", fmt.Sprintf("%d-%s", l.now().UnixNano(), n))
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("put aside: %w", err)
	}
	if err := os.WriteFile(to+".reason", []byte(why.Error()+"\n"), 0o640); err != nil {
		return fmt.Errorf("put aside: %w", err)
	}
	return nil
}
