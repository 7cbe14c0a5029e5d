package store

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database/databasetest"
	"gatehouse/configs/vault"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// erasing is a store with one case that waits at the border, and the key file of a thief who comes later.
type erasing struct {
	*testing.T
	*Store
	url, keyFile string
	root         string
}

// TestNothingOpensAfterTheAck steals the disk with the key file: before the Ack the case and its file can be read, or
// the test could not fail; after it they can't, because their keys are nowhere, not in what the engine left behind
// either. SQLite is looked at once it was closed: while it runs, its log keeps older pages until it begins anew.
func TestNothingOpensAfterTheAck(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		nothingOpens(t, "sqlite:"+filepath.Join(dir, "x.db"), func() []byte {
			var all []byte
			names, _ := filepath.Glob(filepath.Join(dir, "x.db*"))
			for _, n := range names {
				b, err := os.ReadFile(n)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, b...)
			}
			return all
		})
	})
	t.Run("postgres", func(t *testing.T) {
		server := databasetest.Postgres(t)
		url := server.Database(t)
		nothingOpens(t, url, func() []byte { return server.Dump(t, url) })
	})
}

func nothingOpens(t *testing.T, url string, left func() []byte) {
	e := &erasing{T: t, url: url, keyFile: filepath.Join(t.TempDir(), "key"), root: "case1"}
	e.open()
	e.fileCase()
	keys, bodies := e.copied()
	if n := e.readable(keys, bodies); n != 2 {
		t.Fatalf("before the Ack the thief reads %d values, not the case and its file's key", n)
	}
	e.acknowledge()
	keysLeft, bodiesLeft := e.copied()
	if len(keysLeft)+len(bodiesLeft) != 0 {
		t.Errorf("after the Ack %d keys and %d values are kept", len(keysLeft), len(bodiesLeft))
	}
	if n := e.readable(keysLeft, bodies); n != 0 {
		t.Errorf("the thief who copied the values before reads %d with the keys of after", n)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	disk := left()
	if len(disk) < 10_000 {
		t.Fatalf("only %d bytes are left", len(disk))
	}
	for _, secret := range append(bodies, keys...) {
		if bytes.Contains(disk, secret.sealed) || bytes.Contains(disk, []byte(hex.EncodeToString(secret.sealed))) {
			t.Errorf("%s %s is still on the disk", secret.table, secret.row)
		}
	}
	e.open()
	for _, b := range bodies {
		if _, err := e.Store.open(context.Background(), e.db.Read(), b.table, b.row, b.sealed); !errors.Is(err, vault.ErrDestroyed) {
			t.Errorf("%s %s: %v", b.table, b.row, err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func (e *erasing) open() {
	e.Helper()
	s, err := Open(e.Context(), Config{URL: e.url, KeyFile: e.keyFile})
	if err != nil {
		e.Fatal(err)
	}
	e.Store = s
}

func (e *erasing) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e *erasing) fileCase() {
	e.Helper()
	ctx, from := e.Context(), channels.Address{Channel: "web", Value: "session"}
	content := bytes.Repeat([]byte("marker of the file "), 10_000)
	_, err := e.Accept(ctx, channels.Message{ID: "web:1", From: from, Text: "x", Files: []channels.File{{Name: "a.txt", Type: "text/plain", Size: -1,
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}}})
	e.must(err)
	turns, err := e.Claim(ctx, time.Now(), 1, time.Hour)
	e.must(err)
	f := turns[0].Message.Files[0]
	now := time.Now()
	o := gateway.Outcome{Claim: turns[0].Claim, Contact: turns[0].Contact}
	o.Matters = []gateway.Matter{{ID: e.root, Reference: "PL-1", Service: "s", Name: "n", Lang: "en", Address: from, State: exchange.Queued, FiledAt: now, Promise: now}}
	o.Crossings = []gateway.Crossing{{Matter: e.root, Files: []channels.File{f}, FileIDs: []string{"f1"}, Document: exchange.Case{
		ID: e.root, Reference: "PL-1", Service: "s", Lang: "en", Channel: "web", FiledAt: now, Promise: now, Trust: "none", Party: "p", Name: "Ann",
		Text: "marker of the case", Files: []exchange.FileRef{{ID: "f1", Name: "a.txt", Type: "text/plain", Size: f.Size, SHA256: f.SHA256}}}}}
	e.must(e.Commit(ctx, o))
}

// acknowledge numbers all that waits and settles it.
func (e *erasing) acknowledge() {
	e.Helper()
	ctx, out := e.Context(), e.Outgoing()
	fence, head, _, err := out.Seize(ctx, "x", time.Hour)
	e.must(err)
	waiting, err := out.Waiting(ctx, 100)
	e.must(err)
	var batch []exchange.Numbered
	next := head
	for _, p := range waiting {
		next.Seq++
		batch = append(batch, exchange.Numbered{Parcel: p.ID, Head: next, Bytes: []byte("sealed for the border")})
	}
	e.must(out.Number(ctx, fence, head, batch))
	e.must(out.Settle(ctx, exchange.Ack{Lane: exchange.Up, Epoch: 1, Contiguous: next.Seq, At: time.Now()}))
}

// kept is one sealed value as it lies in the database.
type kept struct {
	table, row string
	key        int64
	sealed     []byte
}

// copied takes what a thief would: the wrapped keys of the crossing, and what they sealed.
func (e *erasing) copied() (keys, bodies []kept) {
	e.Helper()
	take := func(into *[]kept, table, query string) {
		e.must(each(e.db.Read().Query(e.Context(), query, crossingOwner(e.root)))(func(scan scanner) error {
			k := kept{table: table}
			err := scan(&k.row, &k.key, &k.sealed)
			*into = append(*into, k)
			return err
		}))
	}
	take(&keys, "key", "SELECT owner, id, wrapped FROM key WHERE owner = $1")
	take(&bodies, "parcel", "SELECT id, 0, body FROM parcel WHERE 'crossing:' || id = $1 AND body IS NOT NULL")
	take(&bodies, "holder", "SELECT owner || '/' || file, 0, sealed FROM holder WHERE owner = $1")
	return keys, bodies
}

// readable counts what opens with the key file and those keys.
func (e *erasing) readable(keys, bodies []kept) (n int) {
	e.Helper()
	secret, err := vault.Read(e.keyFile)
	e.must(err)
	v, err := vault.New(secret)
	e.must(err)
	for _, k := range keys {
		key, err := v.Unwrap(k.key, k.sealed)
		e.must(err)
		for _, b := range bodies {
			if plain, err := key.Open(b.table, b.row, b.sealed); err == nil && (b.table == "holder" || strings.Contains(string(plain), "marker of the case")) {
				n++
			}
		}
	}
	return n
}
