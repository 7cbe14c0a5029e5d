package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gorilla/websocket"

	"gatehouse/channels/web"
	"gatehouse/configs/secret"
	"gatehouse/gateway/store"
)

// chatsCommand is how this program is called again to serve chats in a process of its own, whose memory is then the
// chats' alone. Its input is a line for each weighing, its answers are lines of figures.
const chatsCommand = "serve-chats"

// chatsRow is the memory of idle chats on one node.
func chatsRow(ctx context.Context, b *bench) ([]line, error) {
	n := b.of(10_000, 500)
	if err := roomFor(n); err != nil {
		return nil, err
	}
	heap := line{what: fmt.Sprintf("idle web chats, heap and stacks each, of %d", n), unit: "kB", peer: "gorilla as it comes", aim: aim{most: 8}, byOurs: true}
	rss := heap
	rss.what = fmt.Sprintf("idle web chats, resident memory each, of %d", n)
	for range minRounds {
		own, err := b.weigh(ctx, "ours", n)
		if err != nil {
			return nil, err
		}
		peer, err := b.weigh(ctx, "gorilla", n)
		if err != nil {
			return nil, err
		}
		heap.rounds = append(heap.rounds, round{own.heap, peer.heap})
		rss.rounds = append(rss.rounds, round{own.rss, peer.rss})
	}
	return []line{heap, rss}, nil
}

// roomFor lets this process, and those that it starts, hold a descriptor for each chat.
func roomFor(n int) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	need := uint64(n + 500)
	l.Cur, l.Max = max(l.Cur, need), max(l.Max, need)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("%d chats need %d open files: raise the limit (ulimit -n): %w", n, need, err)
	}
	return nil
}

// weight is memory in kB.
type weight struct{ heap, rss float64 }

// weigh opens n chats with a server of that kind and gives what each costs it.
func (b *bench) weigh(ctx context.Context, kind string, n int) (w weight, err error) {
	dir, err := b.folder()
	if err != nil {
		return w, err
	}
	s, err := startChats(ctx, kind, dir)
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	var empty weight
	for i := range n + 1 {
		c, err := chat(ctx, s.addr)
		if err != nil {
			return w, fmt.Errorf("chat %d with %s: %w", i, kind, err)
		}
		conns = append(conns, c)
		if i == 0 { // what the first one brings in is not each one's
			if empty, err = s.weigh(1); err != nil {
				return w, err
			}
		}
	}
	full, err := s.weigh(n + 1)
	if err != nil {
		return w, err
	}
	if b.profiles != "" && kind == "ours" {
		if err := keep(filepath.Join(dir, heapProfile), filepath.Join(b.profiles, "chats.heap.pprof")); err != nil {
			return w, err
		}
	}
	return weight{(full.heap - empty.heap) / float64(n), (full.rss - empty.rss) / float64(n)}, nil
}

func keep(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// server is a process that serves and tells its memory.
type server struct {
	addr string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

func startChats(ctx context.Context, kind, dir string) (*server, error) {
	return startServer(ctx, chatsCommand, kind, dir)
}

// startServer calls this program again, as one of those that serve in a process of their own.
func startServer(ctx context.Context, args ...string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.CommandContext(ctx, self, args...)}
	s.cmd.Stderr = os.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := s.out.ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start server: %w", err), s.stop())
	}
	s.addr = strings.TrimSpace(line)
	return s, nil
}

// weigh asks for the memory of the process, which must hold n connections.
func (s *server) weigh(n int) (w weight, err error) {
	if _, err := fmt.Fprintln(s.in, "weigh"); err != nil {
		return w, err
	}
	held := 0
	if _, err := fmt.Fscan(s.out, &w.heap, &w.rss, &held); err != nil {
		return w, fmt.Errorf("weigh server: %w", err)
	}
	if held < n {
		return w, fmt.Errorf("%d connections were opened, %d are there", n, held)
	}
	return w, nil
}

// stop ends the process by the end of its input.
func (s *server) stop() error {
	s.in.Close()
	return s.cmd.Wait()
}

// hello is the first frame of a new session, masked with zeros (RFC 6455 §5.2).
func hello() []byte {
	const h = `{"type":"hello","session":"","after":0}`
	return append([]byte{0x81, 0x80 | byte(len(h)), 0, 0, 0, 0}, h...)
}

// chat opens one by hand, reads the welcome, and keeps nothing but the socket.
func chat(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := greet(c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func greet(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(callTimeout)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: gateway.bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", web.Path); err != nil {
		return err
	}
	r := bufio.NewReaderSize(c, 512)
	status, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.Contains(status, " 101 ") {
		return fmt.Errorf("chat %w: %s", errRefused, strings.TrimSpace(status))
	}
	for line := status; line != "\r\n"; {
		if line, err = r.ReadString('\n'); err != nil {
			return err
		}
	}
	if _, err := c.Write(hello()); err != nil {
		return err
	}
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return err
	}
	if head[0] != 0x81 || head[1] > 125 {
		return errors.New("the welcome is no short text frame")
	}
	if _, err := r.Discard(int(head[1])); err != nil {
		return err
	}
	return c.SetDeadline(time.Time{})
}

const heapProfile = "heap.pprof"

// serveChats is the process: kind and folder are its arguments.
func serveChats(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	if len(args) != 2 {
		fmt.Fprintln(errs, "bench:", chatsCommand, "takes a kind and a folder")
		return 2
	}
	handler, held, shut, err := chatHandler(ctx, args[0], args[1])
	if err != nil {
		fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	defer shut()
	addr, stop, err := serveHTTP(ctx, handler)
	if err != nil {
		fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	defer stop()
	if err := tell(addr, args[1], held.Load, in, out); err != nil {
		fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	return 0
}

// tell writes where the process listens, then its memory and how many it holds for each line that comes in.
func tell(addr, dir string, held func() int64, in io.Reader, out io.Writer) error {
	fmt.Fprintln(out, addr)
	for asked := bufio.NewScanner(in); asked.Scan(); {
		w, err := memory(dir)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, w.heap, w.rss, held())
	}
	return nil
}

// chatHandler is our chat on a real store, or gorilla's Upgrader with its defaults. held counts the upgrades.
func chatHandler(ctx context.Context, kind, dir string) (h http.Handler, held *atomic.Int64, shut func(), err error) {
	held = &atomic.Int64{}
	mux := http.NewServeMux()
	if kind == "gorilla" {
		mux.HandleFunc("GET "+web.Path, func(w http.ResponseWriter, r *http.Request) { plainChat(w, r, held) })
		return mux, held, func() {}, nil
	}
	s, err := store.Open(ctx, store.Config{URL: "sqlite:" + filepath.Join(dir, "gateway.db"), Log: quiet()})
	if err != nil {
		return nil, nil, nil, err
	}
	const many = 1 << 20
	ch, err := web.Open(web.Config{Key: secret.New("a-key-of-the-bench-alone"), MaxConnections: many, MaxPerHost: many, SessionBurst: many,
		Ping: time.Hour, // the clients are bare sockets that answer no ping
	}, shared(s))
	if err != nil {
		return nil, nil, nil, errors.Join(err, s.Close())
	}
	chats := http.NewServeMux()
	ch.Mount(chats, inbox{s})
	mux.HandleFunc("GET "+web.Path, func(w http.ResponseWriter, r *http.Request) {
		held.Add(1)
		chats.ServeHTTP(w, r)
	})
	return mux, held, func() { _ = ch.Close(); _ = s.Close() }, nil
}

// plainChat is gorilla's echo: the goroutine of the handler reads on, with the buffers that the server had.
func plainChat(w http.ResponseWriter, r *http.Request, held *atomic.Int64) {
	var up websocket.Upgrader
	c, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	held.Add(1)
	defer held.Add(-1)
	for {
		kind, b, err := c.ReadMessage()
		if err != nil {
			return
		}
		if err := c.WriteMessage(kind, b); err != nil {
			return
		}
	}
}

// memory gives this process's, after everything that can be is given back.
func memory(dir string) (weight, error) {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	kb, err := resident(os.Getpid())
	if err != nil {
		return weight{}, err
	}
	f, err := os.Create(filepath.Join(dir, heapProfile))
	if err != nil {
		return weight{}, err
	}
	defer f.Close()
	return weight{float64(m.HeapAlloc+m.StackInuse) / 1000, kb}, pprof.Lookup("heap").WriteTo(f, 0)
}

// resident is a process's resident memory in kB of 1,000 bytes (proc(5), VmRSS, which counts in 1,024).
func resident(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(v), "kB")), 64)
			return kib * 1.024, err
		}
	}
	return 0, errors.New("the system does not tell resident memory")
}
