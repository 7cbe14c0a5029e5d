package diode

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/exchange"

	"golang.org/x/sys/unix"
)

// suffix is that of an envelope's file.
const suffix = ".envelope"

// Bounds of a shelf, so that neither end drowns when its neighbour stopped.
const (
	maxFiles = 20_000
	maxBytes = 2 << 30
	// maxRefused bounds the envelopes put aside; beyond it they are deleted, with a line in the log.
	maxRefused = 1000
)

// ErrFull means that the link has not carried yet what was sent before. Nothing is lost: send again later.
var ErrFull = errors.New("link is full")

// shelf is a folder of envelopes, each a file that has its name only when it is whole and durable. One process has it.
type shelf struct {
	dir   string
	lock  *os.File
	fsync func(*os.File) error // a test lets it fail as a disk does

	mu    sync.Mutex
	files map[string]int // bytes by name
	bytes int
}

// openShelf makes the folder where it is missing, takes it for this process, and sweeps away what a crash left half
// written.
func openShelf(dir string) (*shelf, error) {
	if err := os.MkdirAll(filepath.Join(dir, "refused"), 0o750); err != nil {
		return nil, fmt.Errorf("dir: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("dir: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("dir: %s is in use by another process; each end needs a folder of its own: %w", dir, err)
	}
	s := &shelf{dir: dir, lock: lock, fsync: (*os.File).Sync, files: map[string]int{}}
	if err := s.load(); err != nil {
		s.close()
		return nil, fmt.Errorf("dir: %w", err)
	}
	return s, nil
}

// load lists the envelopes that an earlier process left.
func (s *shelf) load() error {
	entries, err := os.ReadDir(s.dir)
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), ".new-"):
			err = errors.Join(err, os.Remove(filepath.Join(s.dir, e.Name())))
		case strings.HasSuffix(e.Name(), suffix):
			info, failed := e.Info()
			if failed != nil {
				err = errors.Join(err, failed)
				continue
			}
			s.note(e.Name(), int(info.Size()))
		}
	}
	return err
}

// note books an envelope's file; none with a size below zero.
func (s *shelf) note(name string, size int) {
	if !strings.HasSuffix(name, suffix) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes -= s.files[name]
	delete(s.files, name)
	if size >= 0 {
		s.files[name] = size
		s.bytes += size
	}
}

// held is what lies on the shelf.
func (s *shelf) held() (files, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.files), s.bytes
}

// names lists the envelopes, lowest first.
func (s *shelf) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.files))
}

func (s *shelf) close() { s.lock.Close() }

// put writes a file aside, syncs it, gives it its name and syncs the folder.
func (s *shelf) put(name string, b []byte) error {
	f, err := os.CreateTemp(s.dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = s.fsync(f)
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(s.dir, name))
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	s.note(name, len(b))
	d, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(s.fsync(d), d.Close())
}

// get reads an envelope; its errors are ErrAside when the file can never be one.
func (s *shelf) get(name string) (exchange.Envelope, error) {
	f, err := os.OpenFile(filepath.Join(s.dir, name), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ELOOP) {
		return exchange.Envelope{}, fmt.Errorf("%w: a symbolic link", exchange.ErrAside)
	}
	if err != nil {
		return exchange.Envelope{}, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return exchange.Envelope{}, fmt.Errorf("%w: not a plain file", exchange.ErrAside)
	}
	b, err := io.ReadAll(io.LimitReader(f, exchange.MaxEnvelope+1))
	if err != nil {
		return exchange.Envelope{}, err
	}
	return exchange.ParseEnvelope(b)
}

func (s *shelf) remove(name string) error {
	if err := os.RemoveAll(filepath.Join(s.dir, name)); err != nil {
		return err
	}
	s.note(name, -1)
	return nil
}

// putAside moves an envelope into refused, with the reason beside it. False: that folder is full, and it was deleted.
func (s *shelf) putAside(name string, why error, now time.Time) (bool, error) {
	aside, err := os.ReadDir(filepath.Join(s.dir, "refused"))
	if err != nil {
		return false, fmt.Errorf("put aside: %w", err)
	}
	if len(aside) >= 2*maxRefused {
		return false, s.remove(name)
	}
	to := filepath.Join(s.dir, "refused", fmt.Sprintf("%d-%s", now.UnixNano(), name))
	if err := os.Rename(filepath.Join(s.dir, name), to); err != nil {
		return false, fmt.Errorf("put aside: %w", err)
	}
	s.note(name, -1)
	if err := os.WriteFile(to+".reason", []byte(why.Error()+"\n"), 0o640); err != nil {
		return false, fmt.Errorf("put aside: %w", err)
	}
	return true, nil
}
