package channels

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// inMemory is how much of a Spool is held in memory, in bytes; a larger one goes to a temporary file.
const inMemory = 64 << 10

// Spool holds what came in, a mail or an upload, while it is worked on: a little in memory, all of a larger one in a
// temporary file that has no name and is encrypted under a key which lives in memory alone, so that a crash leaves no
// citizen's words on the disk. Writes come first, from one goroutine; then reads, from any.
type Spool struct {
	dir   string
	mem   []byte
	file  *os.File
	block cipher.Block
	out   cipher.Stream
	size  int64
}

// NewSpool is an empty spool with its file in dir; "" is the system's folder for temporary files.
func NewSpool(dir string) *Spool { return &Spool{dir: dir} }

// Size is how much was written, in bytes.
func (s *Spool) Size() int64 { return s.size }

// Write appends. It fails when the disk is full.
func (s *Spool) Write(p []byte) (int, error) {
	if s.file == nil && len(s.mem)+len(p) <= inMemory {
		s.mem = append(s.mem, p...)
		s.size += int64(len(p))
		return len(p), nil
	}
	if s.file == nil {
		if err := s.spill(); err != nil {
			return 0, err
		}
	}
	return len(p), s.append(p)
}

// spill moves what is in memory to a file.
func (s *Spool) spill() error {
	f, err := os.CreateTemp(s.dir, "spool-*")
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	s.file = f
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	if s.block, err = aes.NewCipher(key); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	s.out = s.stream(0)
	head := s.mem
	s.mem, s.size = nil, 0
	return s.append(head)
}

func (s *Spool) append(p []byte) error {
	var buf [4096]byte
	for len(p) > 0 {
		n := min(len(p), len(buf))
		s.out.XORKeyStream(buf[:n], p[:n])
		if _, err := s.file.Write(buf[:n]); err != nil {
			return fmt.Errorf("spool: %w", err)
		}
		s.size += int64(n)
		p = p[n:]
	}
	return nil
}

// stream is the key stream from an offset: the counter is the block's number, and each file has its own key.
func (s *Spool) stream(offset int64) cipher.Stream {
	var iv [aes.BlockSize]byte
	binary.BigEndian.PutUint64(iv[8:], uint64(offset/aes.BlockSize))
	c := cipher.NewCTR(s.block, iv[:])
	var skip [aes.BlockSize]byte
	n := offset % aes.BlockSize
	c.XORKeyStream(skip[:n], skip[:n])
	return c
}

// Section reads n bytes from an offset.
func (s *Spool) Section(offset, n int64) io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.mem[offset : offset+n])
	}
	return cipher.StreamReader{S: s.stream(offset), R: io.NewSectionReader(s.file, offset, n)}
}

// All reads everything.
func (s *Spool) All() io.Reader { return s.Section(0, s.size) }

// Close lets go of the file and of the memory.
func (s *Spool) Close() {
	if s.file != nil {
		s.file.Close()
	}
	s.mem = nil
}
