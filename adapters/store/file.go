package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"gatehouse/adapters"
	"gatehouse/configs/database"
	"gatehouse/exchange"
)

// expect notes a file that a document needs.
func expect(ctx context.Context, tx *database.Tx, doc string, f exchange.FileRef) error {
	return tx.Send(ctx, `INSERT INTO files (id, doc, size) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, f.ID, doc, f.Size)
}

func keepPart(ctx context.Context, tx *database.Tx, p exchange.Part) error {
	return tx.Send(ctx, `INSERT INTO parts (file, number, of_count, bytes) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		p.File, p.Number, p.Count, p.Bytes)
}

// incomplete counts the files of a document of which a part is missing. An empty file has none.
const incomplete = `SELECT COUNT(*) FROM files f WHERE f.doc = $1 AND f.size > 0 AND
	(SELECT COUNT(*) FROM parts p WHERE p.file = f.id) <
	COALESCE((SELECT p.of_count FROM parts p WHERE p.file = f.id ORDER BY p.number LIMIT 1), 1)`

// readiness of a document by its files.
func readiness(ctx context.Context, tx *database.Tx, doc string) (string, error) {
	n, err := one(ctx, tx, number, incomplete, doc)
	if n > 0 {
		return needsParts, err
	}
	return ready, err
}

// Open gives the bytes of a file that is complete.
func (s *Store) Open(ctx context.Context, f exchange.FileRef) (io.ReadCloser, error) {
	var have, of int64
	err := s.db.Read().QueryRow(ctx, `SELECT COUNT(*), COALESCE(MIN(of_count), 1) FROM parts WHERE file = $1`, f.ID).Scan(&have, &of)
	if err != nil {
		return nil, wrap("open file", err)
	}
	if f.Size > 0 && have < of {
		return nil, wrap("open file", adapters.ErrNotFound)
	}
	return &reading{ctx: ctx, q: s.db.Read(), file: f, after: -1, sum: sha256.New()}, nil
}

// reading streams the parts of a file, one in memory at a time.
type reading struct {
	ctx   context.Context
	q     database.Querier
	file  exchange.FileRef
	after int64
	rest  []byte
	sum   hash.Hash
	ended bool
}

// Read gives the next bytes; at the end it checks the sum.
func (r *reading) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.ended {
			return 0, r.check()
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *reading) next() error {
	type part struct {
		number int64
		bytes  []byte
	}
	parts, err := list(r.ctx, r.q, func(w row) (p part, err error) { return p, w.Scan(&p.number, &p.bytes) },
		`SELECT number, bytes FROM parts WHERE file = $1 AND number > $2 ORDER BY number LIMIT 1`, r.file.ID, r.after)
	if err != nil {
		return wrap("read file", err)
	}
	if len(parts) == 0 {
		r.ended = true
		return nil
	}
	r.after, r.rest = parts[0].number, parts[0].bytes
	r.sum.Write(r.rest)
	return nil
}

func (r *reading) check() error {
	if got := hex.EncodeToString(r.sum.Sum(nil)); got != r.file.SHA256 {
		return fmt.Errorf("read file %s: %w", r.file.ID, adapters.ErrAltered)
	}
	return io.EOF
}

// Close has nothing to free.
func (r *reading) Close() error { return nil }

// Keep stores a file of the inside, streaming it, and fills in size and SHA-256. Parts that were stored before a
// failure stay behind unnamed; the id is not used again.
func (s *Store) Keep(ctx context.Context, f exchange.FileRef, from io.Reader) (exchange.FileRef, error) {
	sum, size := sha256.New(), int64(0)
	buf := make([]byte, exchange.PartSize)
	for i := 0; ; i++ {
		n, err := io.ReadFull(from, buf)
		if n > 0 {
			sum.Write(buf[:n])
			size += int64(n)
			if err := s.keepChunk(ctx, exchange.Part{File: f.ID, Number: i, Bytes: buf[:n]}); err != nil {
				return f, err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return f, wrap("read upload", err)
		}
	}
	f.Size, f.SHA256 = size, hex.EncodeToString(sum.Sum(nil))
	return f, s.write(ctx, "keep file", func(ctx context.Context, tx *database.Tx) error {
		return expect(ctx, tx, "", f)
	})
}

func (s *Store) keepChunk(ctx context.Context, p exchange.Part) error {
	return s.write(ctx, "keep file", func(ctx context.Context, tx *database.Tx) error { return keepPart(ctx, tx, p) })
}
