// Package redistest starts a private Redis for tests, on a Unix socket in a folder of its own.
//
// The rule: a test that needs a server gets one or fails with one sentence; it never skips.
package redistest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatehouse/configs/database/databasetest"

	"github.com/redis/go-redis/v9"
)

// Server is one running Redis.
type Server struct {
	dir    string
	cmd    *exec.Cmd
	exited chan struct{}
}

// Start starts a server that ends with t. It keeps nothing on disk.
func Start(t testing.TB) *Server {
	t.Helper()
	databasetest.Need(t, "redis-server", "/usr/bin/redis-server")
	dir, err := os.MkdirTemp("", "gatehouse-redis-")
	if err != nil {
		t.Fatalf("start a private Redis: %v", err)
	}
	s := &Server{dir: dir}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s.Start(t)
	t.Cleanup(s.Kill)
	return s
}

// Start runs the server again after Kill, empty.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.cmd = exec.Command("/usr/bin/redis-server", "--port", "0", "--unixsocket", s.socket(), "--unixsocketperm", "700", "--dir", s.dir,
		"--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "warning", "--logfile", filepath.Join(s.dir, "log"))
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start a private Redis: %v", err)
	}
	s.exited = make(chan struct{})
	go func() {
		defer close(s.exited)
		_ = s.cmd.Wait() // ended by Kill; what it said is in the log
	}()
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket()})
	defer client.Close()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for client.Ping(context.Background()).Err() != nil {
		if time.Now().After(deadline) {
			s.Kill()
			said, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			t.Fatalf("the private Redis does not answer\n%s", said)
		}
		<-tick.C
	}
}

func (s *Server) socket() string { return filepath.Join(s.dir, "s") }

// URL is how a gateway reaches it.
func (s *Server) URL() string { return "unix://" + s.socket() }

// Kill ends the server at once and waits until it is gone.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// Empty drops all that it holds.
func (s *Server) Empty(t testing.TB) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket()})
	defer client.Close()
	if err := client.FlushAll(context.Background()).Err(); err != nil {
		t.Fatalf("empty the private Redis: %v", err)
	}
}

// Held gives what is in the server's memory, key by key, and a snapshot of it as it would stand on disk.
func (s *Server) Held(t testing.TB) map[string][]byte {
	t.Helper()
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket()})
	defer client.Close()
	keys, err := client.Keys(ctx, "*").Result()
	if err != nil {
		t.Fatalf("list the private Redis: %v", err)
	}
	all := map[string][]byte{"redis keys": []byte(strings.Join(keys, "\n"))}
	for _, k := range keys {
		if b, err := client.Dump(ctx, k).Bytes(); err == nil { // it may have run out meanwhile
			all["redis "+k] = b
		}
	}
	if err := client.ConfigSet(ctx, "rdbcompression", "no").Err(); err != nil {
		t.Fatalf("set up the private Redis: %v", err)
	}
	if err := client.Save(ctx).Err(); err != nil {
		t.Fatalf("save the private Redis: %v", err)
	}
	b, err := os.ReadFile(filepath.Join(s.dir, "dump.rdb"))
	if err != nil {
		t.Fatalf("read the private Redis: %v", err)
	}
	all["redis dump.rdb"] = b
	return all
}
