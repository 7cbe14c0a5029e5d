// Package web is the chat on our own pages: one WebSocket a browser, one JSON object a frame.
//
// The rule: the socket only wakes and carries; what was said is read from the History, after the number the client
// saw last. So a reconnect, to any gateway, neither loses a message nor shows one twice.
package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"gatehouse/channels"
)

// Name is this channel's Address.Channel.
const Name = "web"

// Path is where Mount registers the chat.
const Path = "/chat/ws"

const (
	// drainFor is how long Close lets messages under way be stored and acknowledged before it cuts.
	drainFor = 2 * time.Second
	// readBuffer is kept for each connection; a longer frame is read in pieces.
	readBuffer = 512
	// writeBuffer is shared: a connection holds one only while it writes.
	writeBuffer = 4096
)

// Channel serves the chat. It is safe for use by many goroutines.
type Channel struct {
	config  Config
	shared  channels.Shared
	mint    mint
	proxies []netip.Prefix
	origins map[string]bool
	up      websocket.Upgrader
	buffers sync.Pool // of *bytes.Buffer, for what is written together

	watch watch
	quit  chan struct{} // closed when Close begins

	mu     sync.Mutex
	closed bool
	cancel []context.CancelFunc
	open   int
	seen   uint64
	hosts  map[netip.Addr]int
	talks  map[*talk]struct{}
	wg     sync.WaitGroup // of talks
	helper sync.WaitGroup // of the sweep
}

// Open checks c and makes the channel. It opens no socket: Mount gives it the gateway's.
func Open(c Config, s channels.Shared) (*Channel, error) {
	c = c.WithDefaults()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	ch := &Channel{
		config:  c,
		shared:  s,
		mint:    mint{key: []byte(c.Key.Reveal())},
		proxies: c.proxies(),
		origins: c.allowed(),
		quit:    make(chan struct{}),
		hosts:   map[netip.Addr]int{},
		talks:   map[*talk]struct{}{},
	}
	ch.buffers.New = func() any { return new(bytes.Buffer) }
	ch.up = websocket.Upgrader{
		HandshakeTimeout: c.WriteTimeout,
		ReadBufferSize:   readBuffer,
		WriteBufferSize:  writeBuffer,
		WriteBufferPool:  &sync.Pool{},
		CheckOrigin:      ch.ours,
	}
	return ch, nil
}

// Name is "web".
func (c *Channel) Name() string { return Name }

// Send wakes the browser that holds m.To, on whichever gateway it is. The message itself is in the History already,
// so nobody need be listening: it is shown when the person comes back. It checks that the address is one of ours.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	if m.To.Channel != Name || !validID(m.To.Value) {
		return channels.Receipt{}, &channels.Error{Kind: channels.Unreachable, Code: "address", Err: errors.New("not a web session")}
	}
	if err := ctx.Err(); err != nil {
		return channels.Receipt{}, &channels.Error{Kind: channels.Temporary, Err: err}
	}
	if err := c.shared.Fanout.Wake(ctx, m.To.String()); err != nil {
		// A lost wake costs a moment: the connection looks for itself at every poll.
		c.shared.Log.Warn("web wake", "to", m.To, "err", err)
	}
	return channels.Receipt{MessageID: m.ID, Channel: Name, State: channels.Accepted, At: c.shared.Now()}, nil
}

// Mount registers GET /chat/ws. A browser from a foreign origin gets 403, one too many 429 (its own network) or 503.
func (c *Channel) Mount(mux *http.ServeMux, in channels.Inbox) {
	ctx, cancel := context.WithCancel(context.Background()) // a chat outlives the request that opened it
	c.mu.Lock()
	c.cancel = append(c.cancel, cancel)
	c.mu.Unlock()
	mux.HandleFunc("GET "+Path, func(w http.ResponseWriter, r *http.Request) { c.serve(ctx, w, r, in) })
}

// Listen waits until ctx ends and then closes every chat, because http.Server.Shutdown does not know of them.
func (c *Channel) Listen(ctx context.Context, _ channels.Inbox) error {
	<-ctx.Done()
	return c.Close()
}

// Close says goodbye (1001) to every chat after what it was storing is acknowledged, and returns within 3 s when all
// connections and their goroutines are gone. New ones are refused. It may be called more than once.
func (c *Channel) Close() error {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.quit)
	}
	for t := range c.talks {
		t.drain()
	}
	c.mu.Unlock()
	kill := time.AfterFunc(drainFor, c.cut)
	defer kill.Stop()
	c.wg.Wait()
	c.helper.Wait()
	c.watch.close()
	c.cut()
	return nil
}

// cut ends what did not end by itself.
func (c *Channel) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cancel := range c.cancel {
		cancel()
	}
	for t := range c.talks {
		t.ws.NetConn().Close()
	}
}

// errors of admission.
var (
	errClosing = errors.New("shutting down")
	errFull    = errors.New("too many chats")
	errHost    = errors.New("too many chats from one network")
)

// admit counts a connection in before it costs anything.
func (c *Channel) admit(ctx context.Context, host netip.Addr) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return errClosing
	case c.open >= c.config.MaxConnections:
		return errFull
	case c.hosts[host] >= c.config.MaxPerHost:
		return errHost
	}
	if c.seen == 0 {
		c.helper.Go(func() { c.sweep(ctx) })
	}
	c.open++
	c.seen++
	c.hosts[host]++
	c.wg.Add(1)
	return nil
}

// enter registers an open talk and spreads the pings of chats that were opened together.
func (c *Channel) enter(t *talk) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ping := c.config.Ping
	t.ping = time.Now().Add(ping/2 + ping/2*time.Duration(c.seen%64)/64)
	c.talks[t] = struct{}{}
	if c.closed {
		t.drain()
	}
}

func (c *Channel) leave(t *talk) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.talks, t)
	c.open--
	if c.hosts[t.host]--; c.hosts[t.host] <= 0 {
		delete(c.hosts, t.host)
	}
	c.wg.Done()
}

// serve upgrades and returns, so that net/http lets go of all it held for the request; the talk runs on its own.
func (c *Channel) serve(ctx context.Context, w http.ResponseWriter, r *http.Request, in channels.Inbox) {
	t := &talk{c: c, in: in, host: c.host(r), lang: c.language(r)}
	if err := c.admit(ctx, t.host); err != nil {
		code := http.StatusServiceUnavailable
		if errors.Is(err, errHost) {
			code = http.StatusTooManyRequests
		}
		w.Header().Set("Retry-After", "30")
		http.Error(w, err.Error(), code)
		return
	}
	ws, err := c.up.Upgrade(corked{w, &t.cork}, r, nil)
	if err != nil {
		c.leave(t)
		c.shared.Log.Debug("web upgrade", "err", err)
		return
	}
	t.ws = ws
	c.enter(t)
	go t.run(ctx)
}
