package database_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/configs/database"
	"gatehouse/configs/database/databasetest"

	"go.uber.org/goleak"
)

const insert = "INSERT INTO item(id, body, n) VALUES ($1, $2, $3)"

func TestSQLite(t *testing.T) {
	suite(t, func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "sub", "a b?.db") })
}

func TestPostgres(t *testing.T) {
	s := databasetest.Postgres(t)
	suite(t, func(t *testing.T) string { return s.Database(t) })
}

func suite(t *testing.T, url func(*testing.T) string) {
	for name, test := range map[string]func(*testing.T, string){
		"a bad row fails alone": badRow, "groups too": badGroupRow, "a panic fails alone": panics, "own errors undo nothing else": ownErrors,
		"nothing swallowed commits": swallowed, "full queue": fullQueue, "close drains": closeDrains, "callers give up": giveUp,
		"many producers": producers, "opened twice at once": openTwice, "newer tables": newerTables, "deferred writes": deferred, "several questions": several,
		"views stand still": views, "readers can't write": readersCantWrite,
	} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			t.Cleanup(func() { goleak.VerifyNone(t, before) })
			test(t, url(t))
		})
	}
}

func open(t *testing.T, url string, o database.Options) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), url, migrations(t, url), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func migrations(t *testing.T, url string) fs.FS {
	t.Helper()
	engine, _, _ := strings.Cut(url, ":")
	return os.DirFS(filepath.Join("testdata", engine))
}

func put(id string, n int) func(context.Context, *database.Tx) error {
	return func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, insert, id, []byte("x"), n)
		return err
	}
}

func count(t *testing.T, q database.Querier) (n int) {
	t.Helper()
	if err := q.QueryRow(context.Background(), "SELECT count(*) FROM item").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// hold keeps the writer busy until the returned function is called, so that what follows gathers into one group.
func hold(t *testing.T, db *database.DB) (release func()) {
	t.Helper()
	begun, end, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var once sync.Once
	go func() {
		ended <- db.Write(context.Background(), func(context.Context, *database.Tx) error {
			once.Do(func() { close(begun) })
			<-end
			return nil
		})
	}()
	<-begun
	return func() {
		close(end)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// together runs n writes so that they share one transaction, and gives their errors.
func together(t *testing.T, db *database.DB, n int, write func(i int) error) []error {
	t.Helper()
	release := hold(t, db)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = write(i) })
	}
	until(t, "the writes wait", func() bool { return db.Waiting() == n })
	release()
	wg.Wait()
	return errs
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 2 min: %s", what)
		}
		<-tick.C
	}
}

func badRow(t *testing.T, url string) {
	db := open(t, url, database.Options{})
	errs := together(t, db, 9, func(i int) error {
		if i == 4 {
			return db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				if err := put("half", 0)(ctx, tx); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, insert, "bad", make([]byte, 2000), 0)
				return err
			})
		}
		return db.Write(t.Context(), put(fmt.Sprint(i), i))
	})
	only(t, errs, 4)
	if n := count(t, db.Read()); n != 8 {
		t.Errorf("%d rows, want 8", n)
	}
}

func only(t *testing.T, errs []error, bad int) {
	t.Helper()
	for i, err := range errs {
		if (err != nil) != (i == bad) {
			t.Errorf("job %d: %v", i, err)
		}
	}
}

func badGroupRow(t *testing.T, url string) {
	db := open(t, url, database.Options{})
	var calls atomic.Int32
	type row struct {
		id   string
		size int
		seen bool
	}
	g := database.NewGroup(db, func(ctx context.Context, tx *database.Tx, rows []*row) error {
		calls.Add(1)
		for _, r := range rows {
			if err := tx.Send(ctx, insert, r.id, make([]byte, r.size), 0); err != nil {
				return err
			}
			r.seen = true
		}
		return nil
	})
	rows := make([]*row, 9)
	errs := together(t, db, 9, func(i int) error {
		rows[i] = &row{id: fmt.Sprint(i), size: 10}
		if i == 7 {
			rows[i].size = 2000
		}
		return g.Write(t.Context(), rows[i])
	})
	only(t, errs, 7)
	if n := calls.Load(); n != 10 {
		t.Errorf("%d calls, want one for all and one for each", n)
	}
	if n := count(t, db.Read()); n != 8 || !rows[0].seen {
		t.Errorf("%d rows, want 8", n)
	}
}

func panics(t *testing.T, url string) {
	db := open(t, url, database.Options{})
	errs := together(t, db, 3, func(i int) error {
		if i == 1 {
			return db.Write(t.Context(), func(context.Context, *database.Tx) error { panic("oops") })
		}
		return db.Write(t.Context(), put(fmt.Sprint(i), i))
	})
	only(t, errs, 1)
	if n := count(t, db.Read()); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

func ownErrors(t *testing.T, url string) {
	db := open(t, url, database.Options{})
	refused := errors.New("refused")
	var runs atomic.Int32
	errs := together(t, db, 4, func(i int) error {
		switch i {
		case 0: // changes nothing: the others need not run again
			return db.Write(t.Context(), func(context.Context, *database.Tx) error { return refused })
		default:
			return db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				runs.Add(1)
				return put(fmt.Sprint(i), i)(ctx, tx)
			})
		}
	})
	if only(t, errs, 0); !errors.Is(errs[0], refused) {
		t.Errorf("error %v", errs[0])
	}
	if runs.Load() != 3 {
		t.Errorf("%d runs, want 3", runs.Load())
	}
	err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return errors.Join(put("undone", 1)(ctx, tx), refused)
	})
	if !errors.Is(err, refused) || count(t, db.Read()) != 3 {
		t.Errorf("%v, %d rows", err, count(t, db.Read()))
	}
}

func swallowed(t *testing.T, url string) {
	db := open(t, url, database.Options{})
	err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, _ = tx.Exec(ctx, insert, "bad", make([]byte, 2000), 0)
		_ = put("good", 1)(ctx, tx)
		return nil
	})
	n := count(t, db.Read())
	if (err == nil) != (n == 1) {
		t.Errorf("answer %v with %d rows", err, n)
	}
}

func fullQueue(t *testing.T, url string) {
	db := open(t, url, database.Options{Queue: 2})
	release := hold(t, db)
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			if err := db.Write(context.Background(), put(fmt.Sprint(i), i)); err != nil {
				t.Error(err)
			}
		})
	}
	until(t, "the queue is full", func() bool { return db.Waiting() == 2 })
	if err := db.Write(t.Context(), put("late", 0)); !errors.Is(err, database.ErrBusy) {
		t.Errorf("full queue: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.WriteWait(ended, put("late", 0)); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	wg.Go(func() {
		if err := db.WriteWait(context.Background(), put("patient", 0)); err != nil {
			t.Error(err)
		}
	})
	release()
	wg.Wait()
	if n := count(t, db.Read()); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
}

func closeDrains(t *testing.T, url string) {
	db := open(t, url, database.Options{Batch: 4})
	errs := make(chan error, 50)
	release := hold(t, db)
	for i := range 50 {
		go func() { errs <- db.Write(context.Background(), put(fmt.Sprint(i), i)) }()
	}
	until(t, "the writes wait", func() bool { return db.Waiting() == 50 })
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	release()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if err := db.Write(t.Context(), put("late", 0)); !errors.Is(err, database.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if n := count(t, open(t, url, database.Options{}).Read()); n != 50 {
		t.Errorf("%d rows, want 50", n)
	}
}

func giveUp(t *testing.T, url string) {
	db := open(t, url, database.Options{})
	release := hold(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { gone <- db.Write(ctx, put("gone", 0)) }()
	until(t, "it waits", func() bool { return db.Waiting() == 1 })
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("gave up with %v", err)
	}
	release()
	if err := db.Write(t.Context(), put("next", 0)); err != nil {
		t.Error(err)
	}
	if n := count(t, db.Read()); n != 1 {
		t.Errorf("%d rows: what was given up was written", n)
	}
}

func producers(t *testing.T, url string) {
	dbs := []*database.DB{open(t, url, database.Options{Batch: 16}), open(t, url, database.Options{Batch: 16})}
	var wg sync.WaitGroup
	for p := range 64 {
		wg.Go(func() {
			for i := range 20 {
				// All add to one row: two writers at a time would lose some.
				err := dbs[p%2].Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
					var n int
					err := tx.QueryRow(ctx, "SELECT n FROM item WHERE id = $1", "sum").Scan(&n)
					if errors.Is(err, sql.ErrNoRows) {
						return put("sum", 1)(ctx, tx)
					}
					if err != nil {
						return err
					}
					return tx.Send(ctx, "UPDATE item SET n = $1 WHERE id = $2", n+1, "sum")
				})
				if err != nil {
					t.Errorf("write %d/%d: %v", p, i, err)
				}
			}
		})
	}
	wg.Wait()
	var n int
	if err := dbs[0].Read().QueryRow(t.Context(), "SELECT n FROM item WHERE id = $1", "sum").Scan(&n); err != nil || n != 64*20 {
		t.Errorf("sum %d, %v; want %d", n, err, 64*20)
	}
}

func openTwice(t *testing.T, url string) {
	errs := make(chan error, 4)
	for i := range 4 {
		go func() {
			db, err := database.Open(context.Background(), url, migrations(t, url), database.Options{})
			if err == nil {
				err = errors.Join(db.Write(context.Background(), put(fmt.Sprint(i), i)), db.Close())
			}
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := count(t, open(t, url, database.Options{}).Read()); n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
}

func newerTables(t *testing.T, url string) {
	db := open(t, url, database.Options{})
	err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO goose_db_version(version_id, is_applied) VALUES ($1, $2)", 99, true)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := database.Open(t.Context(), url, migrations(t, url), database.Options{}); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("opened tables of a newer program: %v", err)
	}
}

func deferred(t *testing.T, url string) {
	db := open(t, url, database.Options{})
	var inside int
	err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		for i := range 3 {
			if err := tx.Send(ctx, insert, fmt.Sprint(i), []byte("x"), i); err != nil {
				return err
			}
		}
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM item").Scan(&inside); err != nil {
			return err
		}
		return tx.Send(ctx, "DELETE FROM item WHERE id = $1", "0")
	})
	if err != nil || inside != 3 || count(t, db.Read()) != 2 {
		t.Errorf("%v: %d inside, %d after", err, inside, count(t, db.Read()))
	}
	for what, id := range map[string]any{"refused by the engine": nil, "refused by the driver": struct{}{}} {
		errs := together(t, db, 3, func(i int) error {
			return db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				if i == 1 {
					return tx.Send(ctx, insert, id, []byte("x"), 0)
				}
				return tx.Send(ctx, insert, fmt.Sprint(what, i), []byte("x"), 0)
			})
		})
		only(t, errs, 1)
	}
	if n := count(t, db.Read()); n != 6 {
		t.Errorf("%d rows, want 6", n)
	}
}

func several(t *testing.T, url string) {
	db := open(t, url, database.Options{})
	var first, second int
	take := func(into *int) func(func(...any) error) error {
		return func(scan func(...any) error) error { return scan(into) }
	}
	err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		if err := tx.Send(ctx, insert, "a", []byte("x"), 5); err != nil {
			return err
		}
		return tx.Several(ctx,
			database.Ask{Query: "UPDATE item SET n = n + $1 RETURNING n", Args: []any{2}, Row: take(&first)},
			database.Ask{Query: "SELECT n * $1 FROM item", Args: []any{10}, Row: take(&second)})
	})
	if err != nil || first != 7 || second != 70 {
		t.Errorf("%v: %d, %d", err, first, second)
	}
	errs := together(t, db, 3, func(i int) error {
		return db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			body := make([]byte, 10+2000*(i%2))
			return tx.Several(ctx, database.Ask{Query: insert + " RETURNING n", Args: []any{fmt.Sprint(i), body, i}, Row: take(new(int))})
		})
	})
	if only(t, errs, 1); count(t, db.Read()) != 3 {
		t.Errorf("%d rows, want 3", count(t, db.Read()))
	}
}

func views(t *testing.T, url string) {
	db := open(t, url, database.Options{})
	err := db.View(t.Context(), func(ctx context.Context, q database.Querier) error {
		before := count(t, q)
		if err := db.Write(ctx, put("new", 1)); err != nil {
			return err
		}
		if after := count(t, q); after != before {
			t.Errorf("the view moved from %d to %d rows", before, after)
		}
		return nil
	})
	if err != nil || count(t, db.Read()) != 1 {
		t.Errorf("%v, %d rows", err, count(t, db.Read()))
	}
}

func readersCantWrite(t *testing.T, url string) {
	db := open(t, url, database.Options{})
	rows, err := db.Read().Query(t.Context(), insert+" RETURNING id", "x", []byte("x"), 1)
	if err == nil {
		for rows.Next() {
		}
		err = errors.Join(rows.Err(), rows.Close())
	}
	if err == nil || count(t, db.Read()) != 0 {
		t.Errorf("a reader wrote: %v", err)
	}
}

func TestCheck(t *testing.T) {
	for url, ok := range map[string]bool{
		"sqlite:./data/gateway.db": true, "sqlite:/x/y.db": true, "postgres://u:p@h:5432/db": true, "postgresql://h/db": true,
		"": false, "sqlite:": false, "sqlite::memory:": false, "mysql://h/db": false, "postgres://u:secret@h:port/db": false, "data.db": false,
	} {
		err := database.Check(url)
		if (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestKilledServer(t *testing.T) {
	s := databasetest.Postgres(t, "fsync=on")
	db := open(t, s.Database(t), database.Options{})
	if err := db.Write(t.Context(), put("before", 1)); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if err := db.Write(t.Context(), put("during", 1)); err == nil {
		t.Error("written without a server")
	}
	s.Start(t)
	if err := db.Write(t.Context(), put("after", 1)); err != nil {
		t.Errorf("not again after the restart: %v", err)
	}
	if n := count(t, db.Read()); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

func TestOneOwner(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
	db := open(t, url, database.Options{Owner: "a/b"})
	if _, err := database.Open(t.Context(), url, migrations(t, url), database.Options{Owner: "a/b"}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second program of one name: %v", err)
	}
	open(t, url, database.Options{Owner: "other"})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, url, database.Options{Owner: "a/b"})
}

// TestGatheredFailureIsNotLost: a statement that the driver can't write is found out by a later job's question; the job
// that sent it fails, the other does not.
func TestGatheredFailureIsNotLost(t *testing.T) {
	s := databasetest.Postgres(t)
	db := open(t, s.Database(t), database.Options{})
	errs := together(t, db, 2, func(i int) error {
		return db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			if i == 0 {
				return tx.Send(ctx, insert, struct{}{}, []byte("x"), 0)
			}
			var n int
			return tx.QueryRow(ctx, "SELECT count(*) FROM item").Scan(&n)
		})
	})
	only(t, errs, 0)
}

// TestCauseIsNamed: what failed among the gathered statements is what the caller hears, whichever call noticed.
func TestCauseIsNamed(t *testing.T) {
	s := databasetest.Postgres(t)
	db := open(t, s.Database(t), database.Options{})
	err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		if err := tx.Send(ctx, insert, nil, []byte("x"), 0); err != nil {
			return err
		}
		var n int
		return tx.QueryRow(ctx, "SELECT count(*) FROM item").Scan(&n)
	})
	if err == nil || !strings.Contains(err.Error(), "null value") {
		t.Errorf("the cause is hidden: %v", err)
	}
}

func TestModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := open(t, "sqlite:"+path, database.Options{})
	if err := db.Write(t.Context(), put("a", 1)); err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		i, err := os.Stat(path + end)
		if err != nil {
			t.Fatal(err)
		}
		if i.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v", end, i.Mode())
		}
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1"} {
		var got string
		err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			return tx.QueryRow(ctx, "PRAGMA "+pragma).Scan(&got)
		})
		if err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", pragma, got, err, want)
		}
	}
}
