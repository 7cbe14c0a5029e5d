package web

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"gatehouse/channels"
)

const (
	// maxQueued bounds the frames that wait for a browser which sends without reading.
	maxQueued = 256
	// maxFaults ends a connection that sends only what can't be taken.
	maxFaults = 30
)

// talk is one connection. Its own goroutine reads (hear). A second one writes (write), one at most and only while
// there is something to write, because a goroutine's stack is most of what an idle chat costs.
type talk struct {
	c      *Channel
	ws     *websocket.Conn
	cork   cork
	in     channels.Inbox
	host   netip.Addr
	lang   string
	ping   time.Time // when the sweep pings next; under Channel.mu
	ending atomic.Bool

	mu      sync.Mutex
	writing bool // a writer is at work and sees what is asked before it leaves
	over    bool // no writer may start
	status  int  // to close with
	queue   [][]byte
	look    bool // look into the history
	knock   bool // send a ping
	writer  sync.WaitGroup

	// What the hello set, before the first look.
	me  channels.Address
	seq uint64 // the last line written; the writer's own after the hello
	// The writer's own.
	looked time.Time
	// The reader's own.
	faults int
	wake   <-chan struct{}
	forget func()
}

// run hears until the connection ends. Its frame and those of hear are kept small: a parked stack that holds a little
// more than now would take 8 kB instead of 4.
func (t *talk) run(ctx context.Context) {
	t.hear(ctx)
	t.leave()
}

// leave goes when nobody writes any more.
func (t *talk) leave() {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	t.writer.Wait()
	t.farewell()
	t.ws.Close()
	if t.forget != nil {
		t.c.watch.leave(t)
		t.forget()
	}
	t.c.leave(t)
}

// end sets the status to close with; the first one stays.
func (t *talk) end(status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status == 0 {
		t.status = status
	}
}

// drain makes hear leave after the message that it is storing.
func (t *talk) drain() {
	t.end(websocket.CloseGoingAway)
	t.ending.Store(true)
	if t.ws.SetReadDeadline(time.Unix(1, 0)) != nil {
		t.ws.NetConn().Close()
	}
}

// put queues a frame. False: the browser does not read what it asks for.
func (t *talk) put(ctx context.Context, frame []byte) bool {
	t.mu.Lock()
	full := len(t.queue) >= maxQueued
	if !full {
		t.queue = append(t.queue, frame)
	}
	t.begin(ctx)
	return !full
}

// ring asks for a look into the history, knock for a ping as well.
func (t *talk) ring(ctx context.Context, knock bool) {
	t.mu.Lock()
	t.look = t.look || !knock
	t.knock = t.knock || knock
	t.begin(ctx)
}

// begin lets go of mu and starts a writer unless one is at work.
func (t *talk) begin(ctx context.Context) {
	start := !t.writing && !t.over
	if start {
		t.writing = true
		t.writer.Add(1)
	}
	t.mu.Unlock()
	if start {
		go t.write(ctx)
	}
}

// asked is what a writer has to do.
type asked struct {
	queue       [][]byte
	look, knock bool
}

// take gives what was asked since the last time; nothing: the writer has left.
func (t *talk) take() (asked, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := asked{t.queue, t.look, t.knock}
	t.queue, t.look, t.knock = nil, false, false
	t.writing = len(a.queue) > 0 || a.look || a.knock
	return a, t.writing
}
