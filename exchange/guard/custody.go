package guard

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"gatehouse/exchange"
)

// custody is the directory of what is held: the envelopes of Parts as they came, so sealed to this guard's key, and
// rebuilt files until their last Part went on. A name there is made of numbers alone, never of anything that came.
type custody struct{ dir string }

func openCustody(dir string) (*custody, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open custody: %w", err)
	}
	return &custody{dir: dir}, nil
}

func heldName(h exchange.Head) string { return fmt.Sprintf("%010d-%020d", h.Epoch, h.Seq) }

func rebuiltName(d *pendingDocument, f *pendingFile) string {
	return fmt.Sprintf("%s-%03d", heldName(d.head), f.index)
}

// keep makes what r gives durable under a name. Doing it again writes it again.
func (c *custody) keep(name string, r io.Reader) error {
	tmp := filepath.Join(c.dir, ".new")
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, filepath.Join(c.dir, name))
	}
	if err == nil {
		err = syncDir(c.dir)
	}
	if err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	return nil
}

// get gives a held envelope.
func (c *custody) get(h exchange.Head) (exchange.Envelope, error) {
	b, err := os.ReadFile(filepath.Join(c.dir, heldName(h)))
	if err != nil {
		return exchange.Envelope{}, fmt.Errorf("held envelope %d: %w", h.Seq, err)
	}
	e, err := exchange.ParseEnvelope(b)
	if err != nil {
		// Not wrapped: it would count as ErrAside, and what came is blameless.
		return exchange.Envelope{}, fmt.Errorf("held envelope %d is damaged: %s", h.Seq, err.Error())
	}
	return e, nil
}

// section reads n bytes of a rebuilt file from an offset.
func (c *custody) section(name string, at int64, n int) ([]byte, error) {
	f, err := os.Open(filepath.Join(c.dir, name))
	if err != nil {
		return nil, fmt.Errorf("rebuilt file: %w", err)
	}
	defer f.Close()
	b := make([]byte, n)
	if got, err := f.ReadAt(b, at); got < n {
		return nil, fmt.Errorf("rebuilt file: %w", err)
	}
	return b, nil
}

// scratch gives a file without a name: what is in it ends with it.
func (c *custody) scratch() (*os.File, error) {
	fd, err := unix.Open(c.dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(fd), "scratch"), nil
	}
	f, err := os.CreateTemp(c.dir, ".scratch-") // not every file system can do it
	if err != nil {
		return nil, fmt.Errorf("hold: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, fmt.Errorf("hold: %w", errors.Join(err, f.Close()))
	}
	return f, nil
}

// sweep deletes what is held no longer.
func (c *custody) sweep(m *memory) error {
	keep := map[string]bool{}
	for _, d := range m.pending {
		for _, f := range d.files {
			for _, h := range f.held[f.released:] {
				keep[heldName(h)] = true
			}
			if f.judged != nil && f.released < len(f.held) {
				keep[rebuiltName(d, f)] = true
			}
		}
	}
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return fmt.Errorf("sweep custody: %w", err)
	}
	for _, e := range entries {
		if !keep[e.Name()] && !strings.HasPrefix(e.Name(), ".new") {
			os.Remove(filepath.Join(c.dir, e.Name()))
		}
	}
	return nil
}
