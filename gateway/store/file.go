package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/configs/vault"
	"gatehouse/gateway"
)

const (
	// chunkSize is how much of a file is sealed and stored as one row, and all of it that is in memory at a time.
	chunkSize = 64 << 10
	// sniffed is how much of a file tells its type (mimesniff.spec.whatwg.org §5.2, with room).
	sniffed = 3072
	// abandoned is how old a half file must be to be swept: no upload takes that long.
	abandoned = 24 * time.Hour
)

// intake is a file whose chunks are stored but for the last, which goes in with the transaction that makes it count.
type intake struct {
	id   string
	mark []byte
	size int64
	raw  []byte // the file's key
	last []byte
	part int
}

// takeIn streams the files into chunks. A file without Open is one that is stored already.
func (s *Store) takeIn(ctx context.Context, files []channels.File) (stored []channels.File, in []*intake, err error) {
	for _, f := range files {
		if f.Open == nil {
			stored = append(stored, f)
			continue
		}
		i, done, err := s.ingest(ctx, f)
		if i != nil {
			in = append(in, i)
		}
		if err != nil {
			return nil, in, fmt.Errorf("store file: %w", err)
		}
		stored = append(stored, done)
	}
	return stored, in, nil
}

func (s *Store) ingest(ctx context.Context, f channels.File) (*intake, channels.File, error) {
	r, err := f.Open(ctx)
	if err != nil {
		return nil, f, err
	}
	defer func() { _ = r.Close() }()
	k, raw, err := s.vault.NewFileKey()
	if err != nil {
		return nil, f, err
	}
	in, sum := &intake{id: s.cfg.NewID(), raw: raw}, sha256.New()
	b := bufio.NewReaderSize(io.TeeReader(r, sum), chunkSize)
	head, _ := b.Peek(sniffed) // a short or broken file shows below
	f.Type = kind(f.Type, head)
	if err := s.chunks(ctx, in, k, b); err != nil {
		return in, f, err
	}
	f.Size, f.SHA256 = in.size, hex.EncodeToString(sum.Sum(nil))
	f.Open = s.opener(f.SHA256)
	in.mark = s.vault.Mark("file", f.SHA256)
	return in, f, nil
}

// chunks seals and stores what r gives. One byte is read ahead, because the last chunk says so in what binds it.
func (s *Store) chunks(ctx context.Context, in *intake, k vault.Key, r *bufio.Reader) error {
	buf := make([]byte, chunkSize)
	for {
		n, last, err := piece(r, buf)
		if err != nil {
			return err
		}
		in.size += int64(n)
		sealed := k.Seal("chunk", chunkName(in.id, in.part, last), buf[:n])
		if last {
			in.last = sealed
			return nil
		}
		if err := s.putChunk(ctx, in.id, in.part, sealed); err != nil {
			return err
		}
		in.part++
	}
}

// piece fills buf as far as r reaches, and tells whether that was all.
func piece(r *bufio.Reader, buf []byte) (n int, last bool, err error) {
	n, err = io.ReadFull(r, buf)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return n, true, nil
	}
	if err != nil {
		return n, false, err
	}
	_, err = r.Peek(1)
	if errors.Is(err, io.EOF) {
		return n, true, nil
	}
	return n, false, err
}

func chunkName(file string, part int, last bool) string {
	return fmt.Sprintf("%s/%d/%t", file, part, last)
}

func (s *Store) putChunk(ctx context.Context, file string, part int, body []byte) error {
	return s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if part == 0 {
			if err := tx.Send(ctx, "INSERT INTO ingest(file, at) VALUES ($1, $2)", file, micros(s.cfg.Now())); err != nil {
				return err
			}
		}
		return tx.Send(ctx, "INSERT INTO chunk(file, part, body) VALUES ($1, $2, $3)", file, part, body)
	})
}

// finish makes a file count, in the transaction of what it belongs to.
func (in *intake) finish(ctx context.Context, tx *database.Tx) error {
	if err := tx.Send(ctx, "INSERT INTO file(id, mark, size) VALUES ($1, $2, $3)", in.id, in.mark, in.size); err != nil {
		return err
	}
	if err := tx.Send(ctx, "INSERT INTO chunk(file, part, body) VALUES ($1, $2, $3)", in.id, in.part, in.last); err != nil {
		return err
	}
	if in.part == 0 {
		return nil
	}
	return tx.Send(ctx, "DELETE FROM ingest WHERE file = $1", in.id)
}

// hold makes the message's files count and its contact hold them.
func (s *Store) hold(ctx context.Context, tx *database.Tx, a *acceptance) error {
	for _, in := range a.files {
		k, err := s.partyKey(ctx, tx, a)
		if err != nil {
			return err
		}
		owner := inboundOwner(a.mark)
		if err := in.finish(ctx, tx); err != nil {
			return err
		}
		if err := putHolder(ctx, tx, owner, in.id, sealFile(k, owner, in.id, in.raw)); err != nil {
			return err
		}
	}
	return nil
}

func inboundOwner(mark []byte) string { return "inbound:" + name(mark) }

func sealFile(k vault.Key, owner, file string, raw []byte) []byte {
	return k.Seal("holder", owner+"/"+file, raw)
}

// putHolder adds a holder of a file. It fails when the file is gone, rather than let a case lose a file.
func putHolder(ctx context.Context, tx *database.Tx, owner, file string, sealed []byte) error {
	return tx.Send(ctx, `INSERT INTO holder(owner, file, sealed) VALUES ($1, (SELECT id FROM file WHERE id = $3), $2)
		ON CONFLICT (owner, file) DO UPDATE SET sealed = excluded.sealed`, owner, sealed, file)
}

// dropHolder lets an owner's files go, and deletes those that nobody holds any more.
func dropHolder(ctx context.Context, tx *database.Tx, owner string) error {
	var files []string
	err := each(tx.Query(ctx, "SELECT file FROM holder WHERE owner = $1", owner))(func(scan scanner) error {
		var id string
		if err := scan(&id); err != nil {
			return err
		}
		files = append(files, id)
		return nil
	})
	if err != nil || len(files) == 0 {
		return err
	}
	if err := tx.Send(ctx, "DELETE FROM holder WHERE owner = $1", owner); err != nil {
		return err
	}
	for _, id := range files {
		if err := collect(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

// collect deletes a file that nobody holds.
func collect(ctx context.Context, tx *database.Tx, file string) error {
	if err := tx.Send(ctx, "DELETE FROM file WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM holder WHERE file = $1)", file); err != nil {
		return err
	}
	return tx.Send(ctx, "DELETE FROM chunk WHERE file = $1 AND NOT EXISTS (SELECT 1 FROM file WHERE id = $1)", file)
}

// discard deletes what was stored of files that nothing will hold. What it misses is swept at the next start.
func (s *Store) discard(ctx context.Context, files []*intake) {
	for _, in := range files {
		if in.part == 0 {
			continue
		}
		err := s.db.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx *database.Tx) error { return forgetIngest(ctx, tx, in.id) })
		if err != nil {
			s.cfg.Log.WarnContext(ctx, "half file not deleted yet", "file_id", in.id, "err", err)
		}
	}
}

func forgetIngest(ctx context.Context, tx *database.Tx, file string) error {
	err := tx.Send(ctx, "DELETE FROM chunk WHERE file = $1 AND NOT EXISTS (SELECT 1 FROM file WHERE id = $1)", file)
	if err != nil {
		return err
	}
	return tx.Send(ctx, "DELETE FROM ingest WHERE file = $1", file)
}

// sweep deletes what uploads left that a crash cut off.
func (s *Store) sweep(ctx context.Context) error {
	var files []string
	before := micros(s.cfg.Now().Add(-abandoned))
	err := each(s.db.Read().Query(ctx, "SELECT file FROM ingest WHERE at < $1", before))(func(scan scanner) error {
		var id string
		err := scan(&id)
		files = append(files, id)
		return err
	})
	for _, id := range files {
		err = errors.Join(err, s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error { return forgetIngest(ctx, tx, id) }))
	}
	return err
}

// stored is a file that can be read: its id, its size and its key.
type stored struct {
	id   string
	size int64
	raw  []byte
	key  vault.Key
}

// find looks for a stored file by its digest, whoever holds it. gateway.ErrNotFound.
func (s *Store) find(ctx context.Context, q database.Querier, sha string) (stored, error) {
	return s.findBy(ctx, q, "f.mark = $1", s.vault.Mark("file", sha))
}

func (s *Store) findBy(ctx context.Context, q database.Querier, where string, arg any) (stored, error) {
	type copied struct {
		stored
		owner  string
		sealed []byte
	}
	var found []copied
	err := each(q.Query(ctx, "SELECT f.id, f.size, h.owner, h.sealed FROM file f JOIN holder h ON h.file = f.id WHERE "+where+" ORDER BY f.id LIMIT 8", arg))(
		func(scan scanner) error {
			var c copied
			err := scan(&c.id, &c.size, &c.owner, &c.sealed)
			found = append(found, c)
			return err
		})
	if err != nil {
		return stored{}, fmt.Errorf("look for file: %w", err)
	}
	for _, c := range found {
		if c.raw, err = s.open(ctx, q, "holder", c.owner+"/"+c.id, c.sealed); err == nil {
			c.key, err = vault.FileKey(c.raw)
			return c.stored, err
		}
		if !errors.Is(err, vault.ErrDestroyed) {
			return stored{}, err
		}
	}
	return stored{}, gateway.ErrNotFound
}

// File implements gateway.Files.
func (s *Store) File(ctx context.Context, sha string) (io.ReadCloser, error) {
	f, err := s.find(ctx, s.db.Read(), sha)
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	return &reader{ctx: ctx, store: s, file: f}, nil
}

func (s *Store) opener(sha string) func(context.Context) (io.ReadCloser, error) {
	return func(ctx context.Context) (io.ReadCloser, error) { return s.File(ctx, sha) }
}

// reader reads a stored file chunk by chunk. Its context is the one of the call that opened it, as with a request's
// body.
type reader struct {
	ctx   context.Context
	store *Store
	file  stored
	part  int
	rest  []byte
	done  bool
}

func (r *reader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.done {
			return 0, io.EOF
		}
		plain, last, err := r.store.chunk(r.ctx, r.file, r.part)
		if err != nil {
			return 0, fmt.Errorf("read file: %w", err)
		}
		r.rest, r.done = plain, last
		r.part++
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// Close ends the reading.
func (r *reader) Close() error {
	r.rest, r.done = nil, true
	return nil
}

// chunk opens one chunk of a file; last tells that none follows.
func (s *Store) chunk(ctx context.Context, f stored, part int) (plain []byte, last bool, err error) {
	var sealed []byte
	err = s.db.Read().QueryRow(ctx, "SELECT body FROM chunk WHERE file = $1 AND part = $2", f.id, part).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, gateway.ErrNotFound
	}
	if err != nil {
		return nil, false, err
	}
	last = int64(part+1)*chunkSize >= f.size
	plain, err = f.key.Open("chunk", chunkName(f.id, part, last), sealed)
	return plain, last, err
}

// section reads n bytes of a file from an offset that is a multiple of chunkSize.
func (s *Store) section(ctx context.Context, f stored, offset, n int64) ([]byte, error) {
	out := make([]byte, 0, min(n, f.size-offset))
	for part := int(offset / chunkSize); int64(len(out)) < n; part++ {
		plain, last, err := s.chunk(ctx, f, part)
		if err != nil {
			return nil, err
		}
		out = append(out, plain[:min(int64(len(plain)), n-int64(len(out)))]...)
		if last {
			break
		}
	}
	return out, nil
}

// kind is a file's media type: what its content shows where that says something, else what the sender claims.
func kind(claimed string, head []byte) string {
	found, _, _ := strings.Cut(http.DetectContentType(head), ";")
	claimed = strings.ToLower(strings.TrimSpace(claimed))
	vague := found == "application/octet-stream" || found == "text/plain" && textual(claimed) ||
		found == "application/zip" && zipped(claimed) || found == "text/xml" && strings.HasSuffix(claimed, "xml")
	if vague && claimed != "" {
		return claimed
	}
	return found
}

func textual(claimed string) bool {
	base, _, _ := strings.Cut(claimed, ";")
	return strings.HasPrefix(base, "text/") && base != "text/html" || base == "application/json" || base == "message/rfc822"
}

func zipped(claimed string) bool {
	return strings.Contains(claimed, "officedocument") || strings.Contains(claimed, "opendocument") || strings.Contains(claimed, "zip")
}
