package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/adapters/store/storetest"
	"gatehouse/configs/database/databasetest"
	"gatehouse/configs/vault"
	"gatehouse/exchange"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) adapters.Store {
		return opened(t, "sqlite:"+filepath.Join(t.TempDir(), "office.db"))
	})
}

func TestPostgres(t *testing.T) {
	server := databasetest.Postgres(t)
	storetest.Run(t, func(t *testing.T) adapters.Store { return opened(t, server.Database(t)) })
}

func opened(t *testing.T, url string) adapters.Store {
	t.Helper()
	s, err := Open(t.Context(), url, Options{Now: time.Now, KeyFile: filepath.Join(t.TempDir(), "office.key")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestKeyFileBelongsToItsStore: without the right file nothing opens, and none is made in its place.
func TestKeyFileBelongsToItsStore(t *testing.T) {
	dir := t.TempDir()
	url, key := "sqlite:"+filepath.Join(dir, "office.db"), filepath.Join(dir, "office.key")
	s, err := Open(t.Context(), url, Options{Now: time.Now, KeyFile: key})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other.key")
	if _, err := Open(t.Context(), url, Options{Now: time.Now, KeyFile: other}); !errors.Is(err, vault.ErrNoFile) {
		t.Errorf("missing: %v", err)
	}
	if _, err := vault.Create(other); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), url, Options{Now: time.Now, KeyFile: other}); err == nil {
		t.Error("another store's file opens it")
	}
}

// TestCopiesAreSealedOnDisk plants a marker in what leaves and reads the files of the store.
func TestCopiesAreSealedOnDisk(t *testing.T) {
	const marker = "MARKER-heliotrope-5521"
	dir := t.TempDir()
	s, err := Open(t.Context(), "sqlite:"+filepath.Join(dir, "office.db"), Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	n := exchange.Notice{ID: "n1", Case: "c1", Text: marker, At: time.Now(), Release: exchange.Released{Policy: "clean", Label: exchange.Releasable, By: "rosa"}}
	b, err := exchange.Encode(n)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tell(t.Context(), "desk", "", "1", []exchange.Parcel{{ID: "n1", Kind: exchange.KindNotice, Content: b, Created: time.Now()}}, nil, nil); err != nil {
		t.Fatal(err)
	}
	out := s.Outgoing()
	fence, head, ok, err := out.Seize(t.Context(), "x", time.Minute)
	if err != nil || !ok {
		t.Fatal(err)
	}
	next := exchange.Head{Epoch: head.Epoch, Seq: head.Seq + 1}
	if err := out.Number(t.Context(), fence, head, []exchange.Numbered{{Parcel: "n1", Head: next, Bytes: []byte("sealed")}}); err != nil {
		t.Fatal(err)
	}
	if err := out.Settle(t.Context(), exchange.Ack{Lane: exchange.Down, Epoch: next.Epoch, Contiguous: next.Seq}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Copy(t.Context(), "n1", adapters.Read{At: time.Now(), Staff: "otto", Case: "c1", What: "copy"})
	if err != nil || string(got) != string(b) {
		t.Errorf("copy %q, %v", got, err)
	}
	var kept []byte
	if err := s.db.Read().QueryRow(t.Context(), `SELECT content FROM outgoing WHERE id = 'n1'`).Scan(&kept); err != nil || len(kept) > 0 {
		t.Errorf("the lane still holds %q, %v", kept, err)
	}
	if err := s.db.Read().QueryRow(t.Context(), `SELECT sealed FROM copies WHERE id = 'n1'`).Scan(&kept); err != nil || bytes.Contains(kept, []byte(marker)) {
		t.Errorf("the copy is in clear: %q, %v", kept, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err = os.ReadFile(filepath.Join(dir, "office.db"))
	if err != nil || bytes.Contains(b, []byte(marker)) {
		t.Errorf("the marker is in the database's file: %v", err)
	}
}
