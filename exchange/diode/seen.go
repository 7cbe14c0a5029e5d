package diode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// generation is how many sendings one of the two files of a memory holds.
const generation = 1 << 16

// seen remembers the numbers of sendings that arrived, so that the second pass of one, or a recording of it, is known
// after a restart too. It is not synced: what a power cut takes from it can only make an envelope come twice, which
// every receiver bears. It is used by one goroutine at a time.
type seen struct {
	dir      string
	file     *os.File
	old, new map[uint64]bool
	writing  map[uint64]bool // whole, and not durable yet
}

func openSeen(dir string) (*seen, error) {
	s := &seen{dir: dir, old: map[uint64]bool{}, new: map[uint64]bool{}, writing: map[uint64]bool{}}
	err := errors.Join(s.load("seen.old", s.old), s.load("seen", s.new))
	if err == nil {
		s.file, err = os.OpenFile(filepath.Join(dir, "seen"), os.O_CREATE|os.O_RDWR, 0o600)
	}
	if err == nil {
		_, err = s.file.Seek(int64(len(s.new))*8, io.SeekStart) // half a number at the end is overwritten
	}
	if err != nil {
		return nil, fmt.Errorf("dir: %w", err)
	}
	return s, nil
}

func (s *seen) load(name string, into map[uint64]bool) error {
	f, err := os.Open(filepath.Join(s.dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, generation*8))
	for ; len(b) >= 8; b = b[8:] {
		into[binary.BigEndian.Uint64(b)] = true
	}
	return err
}

func (s *seen) has(n uint64) bool { return s.writing[n] || s.new[n] || s.old[n] }

// add remembers a sending whose envelope is durable.
func (s *seen) add(n uint64) error {
	delete(s.writing, n)
	if s.has(n) {
		return nil
	}
	if len(s.new) >= generation {
		if err := s.turn(); err != nil {
			return err
		}
	}
	s.new[n] = true
	_, err := s.file.Write(binary.BigEndian.AppendUint64(nil, n))
	return err
}

// turn begins a new file; the one before is kept, the one before that goes.
func (s *seen) turn() error {
	if err := os.Rename(s.file.Name(), filepath.Join(s.dir, "seen.old")); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(s.dir, "seen"), os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	s.file.Close()
	s.file, s.old, s.new = f, s.new, map[uint64]bool{}
	return nil
}

func (s *seen) close() error { return s.file.Close() }
