package bundle

import (
	"bufio"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Current is the name under which the installed bundle is found in the guard's folder of bundles: a link to the
// folder of one bundle, so that a configuration, its rules and signatures change at once.
const Current = "current"

// folderForm names an installed bundle's folder by the moment that it was made.
const folderForm = "bundle-20060102T150405Z"

// ErrOlder means a bundle that is not newer than the installed one.
var ErrOlder = errors.New("is not newer than the installed bundle")

// Verify reads the whole of a bundle against the public key file, and keeps nothing of it.
func Verify(pub, file string) (Head, error) {
	h, err := read(pub, file, func(Head, []byte) (func(File) (io.WriteCloser, error), error) {
		return func(File) (io.WriteCloser, error) { return nowhere{}, nil }, nil
	})
	if err != nil {
		return h, fmt.Errorf("verify bundle: %w", err)
	}
	return h, nil
}

type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) Close() error                { return nil }

// read verifies the head, then gives each file to what place opens for it.
func read(pub, file string, place func(Head, []byte) (func(File) (io.WriteCloser, error), error)) (Head, error) {
	key, err := readPublic(pub)
	if err != nil {
		return Head{}, err
	}
	f, err := os.Open(file)
	if err != nil {
		return Head{}, err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	h, raw, err := readHead(r, key)
	if err != nil {
		return Head{}, err
	}
	open, err := place(h, raw)
	if err != nil {
		return h, err
	}
	for _, x := range h.Files {
		w, err := open(x)
		if err != nil {
			return h, err
		}
		if err := errors.Join(x.copy(w, r), w.Close()); err != nil {
			return h, err
		}
	}
	if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
		return h, errors.New("there is more after the last file")
	}
	return h, nil
}

// Install verifies a bundle against the key pinned in dir, unpacks it beside the others there and lets Current name
// it, in one step. Of the older ones the last is kept.
func Install(dir, file string) (Head, error) {
	var folder string
	h, err := read(filepath.Join(dir, OperatorPub), file, func(h Head, raw []byte) (func(File) (io.WriteCloser, error), error) {
		if now, err := Installed(dir); err == nil && !h.Made.After(now.Made) {
			return nil, fmt.Errorf("%w of %s", ErrOlder, now.Made.Format(time.RFC3339))
		}
		folder = filepath.Join(dir, h.Made.UTC().Format(folderForm))
		if err := os.RemoveAll(folder); err != nil { // what a crash left
			return nil, err
		}
		if err := os.Mkdir(folder, 0o755); err != nil {
			return nil, err
		}
		open := func(x File) (io.WriteCloser, error) { return create(folder, x.Name) }
		w, err := create(folder, HeadName)
		if err != nil {
			return nil, err
		}
		_, err = w.Write(raw)
		return open, errors.Join(err, w.Close())
	})
	if err == nil {
		err = swap(dir, folder)
	}
	if err != nil {
		if folder != "" {
			os.RemoveAll(folder)
		}
		return h, fmt.Errorf("install bundle: %w", err)
	}
	return h, nil
}

// durable is a file that is synced before it is closed.
type durable struct{ *os.File }

// Close syncs first.
func (d durable) Close() error { return errors.Join(d.Sync(), d.File.Close()) }

func create(folder, name string) (io.WriteCloser, error) {
	p := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(p, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	return durable{f}, err
}

// swap lets Current name folder, and takes away all but the one before.
func swap(dir, folder string) error {
	before, _ := os.Readlink(filepath.Join(dir, Current))
	next := filepath.Join(dir, "."+Current)
	os.Remove(next)
	if err := os.Symlink(filepath.Base(folder), next); err != nil {
		return err
	}
	if err := os.Rename(next, filepath.Join(dir, Current)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	all, err := d.Readdirnames(-1)
	for _, n := range all {
		if strings.HasPrefix(n, "bundle-") && n != filepath.Base(folder) && n != before {
			os.RemoveAll(filepath.Join(dir, n))
		}
	}
	return errors.Join(err, d.Sync())
}

// Installed gives the head of the bundle that is in use, after its signature; the files are not read.
func Installed(dir string) (Head, error) {
	key, err := readPublic(filepath.Join(dir, OperatorPub))
	if err != nil {
		return Head{}, fmt.Errorf("installed bundle: %w", err)
	}
	h, err := installed(dir, key)
	if err != nil {
		return Head{}, fmt.Errorf("installed bundle: %w", err)
	}
	return h, nil
}

func installed(dir string, key ed25519.PublicKey) (Head, error) {
	f, err := os.Open(filepath.Join(dir, Current, HeadName))
	if err != nil {
		return Head{}, err
	}
	defer f.Close()
	h, _, err := readHead(bufio.NewReader(f), key)
	return h, err
}

// Check holds every file of the installed bundle against its signed digest.
func Check(dir string) (Head, error) {
	h, err := Installed(dir)
	if err != nil {
		return h, err
	}
	for _, x := range h.Files {
		if err := copyFile(nowhere{}, filepath.Join(dir, Current, filepath.FromSlash(x.Name)), x); err != nil {
			return h, fmt.Errorf("installed bundle: %w", err)
		}
	}
	return h, nil
}
