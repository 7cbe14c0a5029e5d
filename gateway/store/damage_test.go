package store

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/gateway"
)

// TestDamage: a row that can't be read, or that was put in another's place, holds up its own contact alone.
func TestDamage(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s, err := Open(t.Context(), Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "x.db"), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	from := func(i int) channels.Address { return channels.Address{Channel: "sms", Value: fmt.Sprint("+1555", i)} }
	for i := range 3 {
		for _, text := range []string{"first", "second"} {
			id := fmt.Sprint("sms:", i, text)
			if _, err := s.Accept(t.Context(), channels.Message{ID: id, From: from(i), Text: text, At: now}); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The first message of one contact is damaged; that of another is replaced by its own second one.
	damage(t, s, "UPDATE inbound SET body = x'0102' WHERE number = 1", "UPDATE inbound SET body = (SELECT body FROM inbound WHERE number = 4) WHERE number = 3")
	seen := map[string]int{}
	for range 2 * gateway.MaxAttempts {
		turns, err := s.Claim(t.Context(), now, 10, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range turns {
			seen[x.Message.From.Value+" "+x.Message.Text]++
			o := gateway.Outcome{Claim: x.Claim, Contact: x.Contact}
			o.Deliveries = []gateway.Delivery{{ID: x.Message.ID, Queue: channels.Reply, Must: true, Message: channels.Message{To: x.Message.From, Text: "re " + x.Message.Text}}}
			if err := s.Commit(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(unreadablePause)
	}
	if got, want := fmt.Sprint(seen), "map[+15550 second:1 +15551 second:1 +15552 first:1 +15552 second:1]"; got != want {
		t.Errorf("answered %s, want %s", got, want)
	}
	damage(t, s, "UPDATE delivery SET body = x'0102' WHERE id = 'sms:2first'")
	texts := ""
	for range 3 {
		leased, err := s.Lease(t.Context(), channels.Reply, now, 10, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range leased {
			texts += l.ID + " "
		}
	}
	if strings.Contains(texts, "sms:2first") || strings.Count(texts, "second") != 3 {
		t.Errorf("leased %s", texts)
	}
	if n, err := s.Counts(t.Context()); err != nil || n.InboundAside != 2 || n.Failed != 1 {
		t.Errorf("%+v, %v", n, err)
	}
}

func damage(t *testing.T, s *Store, queries ...string) {
	t.Helper()
	err := s.db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		for _, q := range queries {
			if _, err := tx.Exec(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOneGatewayOfAName: a second start on the same file would take the first one's claims as its own.
func TestOneGatewayOfAName(t *testing.T) {
	c := Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "x.db")}
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second gateway on one file: %v", err)
	}
}

func TestConfig(t *testing.T) {
	for want, c := range map[string]Config{
		"":                      {URL: "sqlite:x.db"},
		"key_file: is missing":  {URL: "postgres://h/db"},
		"url: is not a store":   {URL: "mysql://h"},
		"queue: is -1":          {URL: "sqlite:x.db", Queue: -1},
		"readers: is 9999":      {URL: "sqlite:x.db", Readers: 9999},
		"batch: is 99999; from": {URL: "postgres://h/db", KeyFile: "k", Batch: 99999},
		"url: names no file":    {URL: "sqlite:"},
	} {
		err := c.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
}

func TestKind(t *testing.T) {
	pdf, zip, png := "%PDF-1.4\n", "PK\x03\x04", "\x89PNG\x0d\x0a\x1a\x0a"
	for _, x := range []struct{ claimed, head, want string }{
		{"", "", "text/plain"}, {"", "a,b\n1,2", "text/plain"}, {"text/csv", "a,b\n1,2", "text/csv"}, {"Text/CSV; charset=utf-8", "a,b", "text/csv; charset=utf-8"},
		{"application/json", "{}", "application/json"}, {"image/png", "plain words", "text/plain"}, {"text/csv", pdf, "application/pdf"},
		{"image/png", png, "image/png"}, {"application/pdf", png, "image/png"}, {"text/plain", "<html><script>", "text/html"}, {"text/html", "plain words", "text/plain"},
		{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", zip, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
		{"image/png", zip, "application/zip"}, {"application/x-odd", "\x00\x01\x02", "application/x-odd"}, {"", "\x00\x01\x02", "application/octet-stream"},
		{"application/xml", "<?xml version", "application/xml"},
	} {
		if got := kind(x.claimed, []byte(x.head)); got != x.want {
			t.Errorf("%q as %q: %s, want %s", x.head, x.claimed, got, x.want)
		}
	}
}
