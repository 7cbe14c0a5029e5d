package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/pressly/goose/v3"

	_ "modernc.org/sqlite" // the driver
)

// openSQLite opens the file at path. synchronous=FULL makes a commit survive a power cut (sqlite.org/pragma.html
// #pragma_synchronous); once commits are grouped it costs no more than NORMAL. secure_delete overwrites what is
// deleted, and temp_store keeps sorting off the disk.
func openSQLite(ctx context.Context, path string, migrations fs.FS, o Options) (*DB, error) {
	if err := touch(path); err != nil {
		return nil, err
	}
	db := &DB{engine: SQLite}
	if o.Owner != "" {
		var err error
		if db.unlock, err = lockFile(path+"."+url.PathEscape(o.Owner)+".lock", syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			return nil, fmt.Errorf("%s is in use by another program named %s: stop that one, or give this one another store or owner: %w", path, o.Owner, err)
		}
	}
	if err := db.openSQLite(ctx, path, migrations, o); err != nil {
		if db.unlock != nil {
			db.unlock()
		}
		return nil, err
	}
	return db, nil
}

func (db *DB) openSQLite(ctx context.Context, path string, migrations fs.FS, o Options) error {
	unlock, err := lockFile(path+".lock", syscall.LOCK_EX)
	if err != nil {
		return fmt.Errorf("lock migrations: %w", err)
	}
	defer unlock()
	common := slices.Clip([]string{"busy_timeout(10000)", "foreign_keys(1)", "temp_store(memory)"})
	write, err := sql.Open("sqlite", dsn(path, append(common,
		"journal_mode(wal)", "synchronous(full)", "secure_delete(1)", "journal_size_limit(67108864)", "cache_size(-16000)")))
	if err != nil {
		return err
	}
	if err := migrate(ctx, goose.DialectSQLite3, write, migrations); err != nil {
		return errors.Join(err, write.Close())
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", dsn(path, append(common, "query_only(1)", "cache_size(-4000)")))
	if err != nil {
		return errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(o.Readers)
	read.SetMaxIdleConns(o.Readers)
	db.write, db.read = write, read
	return nil
}

func dsn(path string, pragmas []string) string {
	q := url.Values{"_pragma": pragmas}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// touch makes the file for its owner alone; SQLite gives its -wal and -shm the same mode.
func touch(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make folder of store: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("make store: %w", err)
	}
	return f.Close()
}

// lockFile holds an advisory lock on a file beside the database; the kernel lets go when the program ends, however it
// ends. The database itself can't be locked that way: closing any descriptor of it would drop SQLite's own locks.
func lockFile(path string, how int) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}
