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
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

// TestNothingOpensAfterForgetMe steals the disk with the key file. Before FORGET ME the thief reads the person's words in
// every table, or the test could not fail; after it neither what is left on the disk nor a copy of the sealed values
// that was made before opens with what is left.
func TestNothingOpensAfterForgetMe(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		forgottenForGood(t, "sqlite:"+filepath.Join(dir, "x.db"), func() []byte {
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
		forgottenForGood(t, url, func() []byte { return server.Dump(t, url) })
	})
}

func forgottenForGood(t *testing.T, url string, left func() []byte) {
	e := &erasing{T: t, url: url, keyFile: filepath.Join(t.TempDir(), "key"), root: "case1"}
	e.open()
	e.fileCase()
	e.tellMuch()
	e.acknowledge()
	keys, bodies := e.everything()
	if n := e.opened(keys, bodies); n < 7 {
		t.Fatalf("before FORGET ME the thief reads only %d values", n)
	}
	e.forgetMe()
	keysLeft, _ := e.everything()
	if n := e.opened(keysLeft, bodies); n != 0 {
		t.Errorf("the thief who copied the values before reads %d with the keys of after", n)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	disk := left()
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

const told = "zanzibarmarker"

// tellMuch puts the marker into everything that a contact has.
func (e *erasing) tellMuch() {
	e.Helper()
	ctx, from := e.Context(), channels.Address{Channel: "web", Value: "session"}
	file := channels.File{Name: told, Type: "text/plain", Size: -1, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(strings.Repeat(told, 100))), nil
	}}
	_, err := e.Accept(ctx, channels.Message{ID: "web:2", From: from, Text: told, Files: []channels.File{file}})
	e.must(err)
	turns, err := e.Claim(ctx, time.Now(), 1, time.Hour)
	e.must(err)
	t, now := turns[0], time.Now()
	o := gateway.Outcome{Claim: t.Claim, Contact: t.Contact}
	o.Conversation = &gateway.Conversation{Address: from, Lines: []exchange.Said{{At: now, Who: "person", Text: told}}}
	o.Draft = &gateway.Draft{ID: "draft1", Address: from, Form: service.Draft{Answers: map[string][]string{"f": {told}}}, Files: t.Message.Files, Touched: now}
	m := t.Matters[0]
	m.Events = append(m.Events, gateway.Event{At: now, Text: told})
	o.Matters = []gateway.Matter{m}
	o.Deliveries = []gateway.Delivery{{ID: "delivery1", Queue: channels.Reply, Message: channels.Message{To: from, Text: told}}}
	o.Consents = []gateway.Consent{{Address: from, List: "alerts", Said: told, At: now}}
	e.must(e.Commit(ctx, o))
}

// forgetMe says it, and sends the last word.
func (e *erasing) forgetMe() {
	e.Helper()
	ctx, from := e.Context(), channels.Address{Channel: "web", Value: "session"}
	_, err := e.Accept(ctx, channels.Message{ID: "web:3", From: from, Text: "forget me " + told})
	e.must(err)
	turns, err := e.Claim(ctx, time.Now(), 1, time.Hour)
	e.must(err)
	e.must(e.Commit(ctx, gateway.Outcome{Claim: turns[0].Claim, Contact: turns[0].Contact, Forget: true,
		Deliveries: []gateway.Delivery{{ID: "last", Queue: channels.Reply, Message: channels.Message{To: from, Text: told}}}}))
	leased, err := e.Lease(ctx, channels.Reply, time.Now(), 1, time.Hour)
	e.must(err)
	e.must(e.Settle(ctx, []gateway.Settlement{{ID: leased[0].ID, Fence: leased[0].Fence}}))
	_, err = e.Tend(ctx, time.Now().Add(time.Hour))
	e.must(err)
}

// everything takes what a thief would: all wrapped keys, and all that a contact's keys sealed.
func (e *erasing) everything() (keys, bodies []kept) {
	e.Helper()
	take := func(into *[]kept, table, query string) {
		e.must(each(e.db.Read().Query(e.Context(), query))(func(scan scanner) error {
			k := kept{table: table}
			var id []byte
			err := scan(&id, &k.key, &k.sealed)
			k.row = string(id)
			switch table {
			case "reach", "conversation", "inbound":
				k.row = name(id)
			}
			*into = append(*into, k)
			return err
		}))
	}
	take(&keys, "key", "SELECT owner, id, wrapped FROM key")
	for table, query := range map[string]string{
		"contact": "SELECT id, 0, body FROM contact", "reach": "SELECT address, 0, body FROM reach", "conversation": "SELECT address, 0, body FROM conversation",
		"draft": "SELECT id, 0, body FROM draft", "matter": "SELECT id, 0, body FROM matter", "inbound": "SELECT mark, 0, body FROM inbound",
		"delivery": "SELECT id, 0, body FROM delivery", "consent": "SELECT CAST(number AS TEXT), 0, body FROM consent", "holder": "SELECT owner || '/' || file, 0, sealed FROM holder",
	} {
		take(&bodies, table, query)
	}
	return keys, bodies
}

// opened counts the values that open with the key file and those keys.
func (e *erasing) opened(keys, bodies []kept) (n int) {
	e.Helper()
	secret, err := vault.Read(e.keyFile)
	e.must(err)
	v, err := vault.New(secret)
	e.must(err)
	for _, k := range keys {
		key, err := v.Unwrap(k.key, k.sealed)
		e.must(err)
		for _, b := range bodies {
			if _, err := key.Open(b.table, b.row, b.sealed); err == nil {
				n++
			}
		}
	}
	return n
}
