package store_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/configs/database/databasetest"
	"gatehouse/gateway/store"
	"gatehouse/gateway/store/postgres"
	"gatehouse/gateway/store/sqlite"
)

// producers is how many callers insert at once, each waiting for its answer.
const producers = 64

// BenchmarkAccept measures durable inserts of messages against a bare group commit of the same rows: the same three
// tables, statements and sizes, through the same engine, without sealing, lookups or marks. The figure to look at is
// the ratio of the two, taken in one run.
func BenchmarkAccept(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		compare(b, func(b *testing.B) string { return "sqlite:" + filepath.Join(b.TempDir(), "gateway.db") })
	})
	b.Run("postgres", func(b *testing.B) {
		s := databasetest.Postgres(b, "fsync=on")
		compare(b, func(b *testing.B) string { return s.Database(b) })
	})
}

func compare(b *testing.B, url func(*testing.B) string) {
	const each = 20_000
	for b.Loop() {
		var bare, full time.Duration
		for range 3 {
			bare += bareInserts(b, url(b), each)
			full += accepts(b, url(b), each)
		}
		b.ReportMetric(float64(3*each)/bare.Seconds(), "bare/s")
		b.ReportMetric(float64(3*each)/full.Seconds(), "accepts/s")
		b.ReportMetric(bare.Seconds()/full.Seconds(), "ratio")
	}
}

func produce(b *testing.B, n int, f func(i int) error) time.Duration {
	b.Helper()
	begun := time.Now()
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := p; i < n; i += producers {
				if err := f(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(begun)
}

const text = "Good morning. The street light in front of number 14 has been dark since Sunday, and the crossing is hard to see in the evening. Could somebody have a look at it?"

func accepts(b *testing.B, url string, n int) time.Duration {
	s, err := store.Open(b.Context(), store.Config{URL: url, KeyFile: filepath.Join(b.TempDir(), "key")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	accept := func(i int) error {
		_, err := s.Accept(context.Background(), channels.Message{ID: "sms:SM" + hex.EncodeToString(fmt.Append(nil, "message ", i)), From: channels.Address{Channel: "sms", Value: fmt.Sprintf("+1555%07d", i%2000)},
			To: channels.Address{Channel: "sms", Value: "+15550100"}, At: time.Now(), Text: text, Trust: channels.CarrierVerified})
		return err
	}
	produce(b, 2000, func(i int) error { return accept(n + i) }) // the people of the run have written before
	return produce(b, n, accept)
}

// bareInserts writes rows of the same sizes into the same tables by the same multi-row statements.
func bareInserts(b *testing.B, url string, n int) time.Duration {
	tables := sqlite.Tables()
	if url[0] == 'p' {
		tables = postgres.Tables()
	}
	db, err := database.Open(b.Context(), url, tables, database.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	g := database.NewGroup(db, func(ctx context.Context, tx *database.Tx, rows []*bareRow) error { return bare(ctx, tx, rows) })
	insert := func(i int) error {
		r := &bareRow{number: int64(i + 1), mark: make([]byte, 16), body: make([]byte, 37+330), contact: fmt.Sprintf("01JDGP0000000000000%07d", i%2000)}
		rand.Read(r.mark)
		rand.Read(r.body)
		return g.Write(context.Background(), r)
	}
	produce(b, 2000, func(i int) error { return insert(n + i) })
	return produce(b, n, insert)
}

type bareRow struct {
	number     int64
	mark, body []byte
	contact    string
}

func bareRows(rows []*bareRow) (heard, inbound, turns [][]any) {
	for _, r := range rows {
		heard = append(heard, []any{r.mark})
		inbound = append(inbound, []any{r.number, r.mark, r.contact, r.number, 0, r.body})
		turns = append(turns, []any{r.contact, r.number, r.number, "", 0, 0, 0})
	}
	return heard, inbound, turns
}

func bare(ctx context.Context, tx *database.Tx, rows []*bareRow) error {
	heard, inbound, turns := bareRows(rows)
	return store.BareInsert(ctx, tx, heard, inbound, turns)
}
