// Package databasetest starts a private PostgreSQL for tests: its own folder, a Unix socket instead of a port, and a
// database for each test.
//
// The rule: a test that needs a server gets one or fails with one sentence; it never skips.
package databasetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience bounds initdb and the start; on a quiet machine both take about a second.
const patience = 60 * time.Second

// Server is one running PostgreSQL.
type Server struct {
	bin    string
	dir    string
	cred   *syscall.Credential
	extra  []string
	cmd    *exec.Cmd
	exited chan struct{}
}

// Postgres starts a server that ends with t. settings are server parameters such as "fsync=on"; fsync is off
// otherwise, because a test that kills the server leaves the operating system running.
func Postgres(t testing.TB, settings ...string) *Server {
	t.Helper()
	Need(t, "postgresql", "/usr/lib/postgresql/*/bin/postgres")
	s, err := prepare(settings)
	if err != nil {
		t.Fatalf("prepare a private PostgreSQL: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(s.dir) })
	s.Start(t)
	t.Cleanup(s.Kill)
	return s
}

func prepare(settings []string) (*Server, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	dir, err := os.MkdirTemp("", "gatehouse-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: filepath.Dir(slices.Max(found)), dir: dir}
	for _, v := range append([]string{"fsync=off"}, settings...) {
		s.extra = append(s.extra, "-c", v)
	}
	if err := s.settle(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := s.command(ctx, "initdb", "-D", filepath.Join(dir, "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync").CombinedOutput()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), os.RemoveAll(dir))
	}
	return s, nil
}

// settle gives the folder to the user whom Debian's package made, when we are root: PostgreSQL refuses to run as root.
func (s *Server) settle() error {
	if err := os.Chmod(s.dir, 0o755); err != nil || os.Geteuid() != 0 {
		return err
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	s.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(s.dir, int(uid), int(gid))
}

// command runs a program of the package as the server's user. It ends with the test binary, however that ends.
func (s *Server) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...)
	c.Dir = s.dir
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred, Pdeathsig: syscall.SIGQUIT}
	return c
}

// Start runs the server again after Kill, with the same data.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	args := append([]string{"-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=100",
		"-c", "logging_collector=off"}, s.extra...)
	s.cmd = s.command(context.Background(), "postgres", args...)
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatalf("start a private PostgreSQL: %v", err)
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start a private PostgreSQL: %v", err)
	}
	s.exited = make(chan struct{})
	go func() {
		defer close(s.exited)
		_ = s.cmd.Wait() // ended by Kill; what it said is in the log
	}()
	if err := s.ready(); err != nil {
		s.Kill()
		said, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		t.Fatalf("the private PostgreSQL does not answer: %v\n%s", err, said)
	}
}

func (s *Server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.url("postgres"))
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case <-s.exited:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Kill ends the server at once, without a checkpoint, and waits until it is gone.
func (s *Server) Kill() {
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	<-s.exited
}

// Database makes an empty database and gives its URL. It is dropped with the server.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := "t" + strings.ToLower(rand.Text())
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		t.Fatalf("make a test database: %v", err)
	}
	defer func() { _ = c.Close(ctx) }()
	if _, err := c.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatalf("make a test database: %v", err)
	}
	return s.url(name)
}

// Dump gives what pg_dump writes of a database.
func (s *Server) Dump(t testing.TB, url string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := s.command(ctx, "pg_dump", "--dbname", url).Output()
	if err != nil {
		t.Fatalf("dump a test database: %v", err)
	}
	return out
}

// Files gives what the server keeps on disk of a database: its tables, after a checkpoint, and the log of all.
func (s *Server) Files(t testing.TB, url string) map[string][]byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatalf("read the files of a test database: %v", err)
	}
	defer func() { _ = c.Close(ctx) }()
	var oid uint32
	_, checkpoint := c.Exec(ctx, "CHECKPOINT")
	row := c.QueryRow(ctx, "SELECT oid FROM pg_database WHERE datname = current_database()").Scan(&oid)
	if err := errors.Join(checkpoint, row); err != nil {
		t.Fatalf("read the files of a test database: %v", err)
	}
	out := map[string][]byte{}
	for _, pattern := range []string{fmt.Sprintf("data/base/%d/*", oid), "data/base/pgsql_tmp/*", "data/pg_wal/*"} {
		found, _ := filepath.Glob(filepath.Join(s.dir, pattern))
		for _, path := range found {
			if b, err := os.ReadFile(path); err == nil {
				out[path] = b
			}
		}
	}
	return out
}

func (s *Server) url(name string) string {
	return "postgres://postgres@/" + name + "?host=" + s.dir
}
