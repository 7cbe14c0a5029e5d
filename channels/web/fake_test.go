package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"gatehouse/channels"
	"gatehouse/configs/secret"
)

// house is everything around the channel: an inbox that stores, a history, a fanout and a limiter.
type house struct {
	mu       sync.Mutex
	ids      int
	heard    map[string]channels.Message
	order    []string
	reports  []channels.Receipt
	lines    map[channels.Address][]channels.Line
	waiters  map[string]map[chan struct{}]bool
	deaf     bool // wakes are lost
	accept   func(context.Context, channels.Message) error
	spent    map[string]int
	allow    func(key string, spent int) bool
	historyN int
	look     func(context.Context)
}

func newHouse() *house {
	return &house{heard: map[string]channels.Message{}, lines: map[channels.Address][]channels.Line{},
		waiters: map[string]map[chan struct{}]bool{}, spent: map[string]int{}}
}

func (h *house) shared() channels.Shared {
	return channels.Shared{Log: slog.New(slog.DiscardHandler), Now: time.Now, Limiter: h, Fanout: h, History: h,
		NewID: func() string {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.ids++
			return "s" + strconv.Itoa(h.ids)
		}}
}

func (h *house) Accept(ctx context.Context, m channels.Message) error {
	if h.accept != nil {
		if err := h.accept(ctx, m); err != nil {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, again := h.heard[m.ID]; !again {
		h.heard[m.ID] = m
		h.order = append(h.order, m.ID)
	}
	return nil
}

func (h *house) Report(_ context.Context, r channels.Receipt) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reports = append(h.reports, r)
	return nil
}

// say puts a line into the history, as the store does before anything is sent.
func (h *house) say(m channels.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := uint64(len(h.lines[m.To])) + 1
	h.lines[m.To] = append(h.lines[m.To], channels.Line{Seq: n, Message: m})
}

func (h *house) After(ctx context.Context, to channels.Address, seq uint64, limit int) ([]channels.Line, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.look != nil {
		h.mu.Unlock()
		h.look(ctx)
		h.mu.Lock()
	}
	h.historyN++
	all := h.lines[to]
	if seq >= uint64(len(all)) {
		return nil, nil
	}
	all = all[seq:]
	return append([]channels.Line(nil), all[:min(limit, len(all))]...), nil
}

func (h *house) Wake(_ context.Context, topic string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.waiters[topic] {
		if h.deaf {
			break
		}
		select {
		case w <- struct{}{}:
		default:
		}
	}
	return nil
}

func (h *house) Wait(topic string) (<-chan struct{}, func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := make(chan struct{}, 1)
	if h.waiters[topic] == nil {
		h.waiters[topic] = map[chan struct{}]bool{}
	}
	h.waiters[topic][w] = true
	return w, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waiters[topic], w)
	}
}

func (h *house) Take(_ context.Context, key string, _ channels.Rate, n int) (time.Duration, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.spent[key] += n
	if h.allow != nil && !h.allow(key, h.spent[key]) {
		return time.Second, nil
	}
	return 0, nil
}

func config() Config { return Config{Key: secret.New("0123456789abcdef")} }

// open starts a channel behind a real HTTP server; both end with the test.
func open(t testing.TB, h *house, c Config) (*Channel, string) {
	t.Helper()
	ch, err := Open(c, h.shared())
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	ch.Mount(mux, h)
	srv := httptest.NewServer(mux)
	t.Cleanup(func() { ch.Close(); srv.Close() })
	return ch, "ws" + strings.TrimPrefix(srv.URL, "http") + Path
}

// browser is a client that fails the test when it is answered with something else than expected.
type browser struct {
	t  testing.TB
	ws *websocket.Conn
}

func dial(t testing.TB, url string) *browser {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	return &browser{t, ws}
}

func (b *browser) send(frame string) {
	b.t.Helper()
	if err := b.ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) read() string {
	b.t.Helper()
	if err := b.ws.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		b.t.Fatal(err)
	}
	_, p, err := b.ws.ReadMessage()
	if err != nil {
		b.t.Fatal(err)
	}
	return string(p)
}

func (b *browser) want(frame string) {
	b.t.Helper()
	if got := b.read(); got != frame {
		b.t.Fatalf("got  %s\nwant %s", got, frame)
	}
}

// hello begins or resumes and gives the token.
func (b *browser) hello(token string, after int) string {
	b.t.Helper()
	b.send(`{"type":"hello","session":"` + token + `","after":` + strconv.Itoa(after) + `}`)
	var w welcomeFrame
	if err := json.Unmarshal([]byte(b.read()), &w); err != nil || w.Type != "welcome" {
		b.t.Fatalf("no welcome: %+v %v", w, err)
	}
	return w.Session
}

// closed waits for the close frame and gives its status.
func (b *browser) closed() int {
	b.t.Helper()
	if err := b.ws.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		b.t.Fatal(err)
	}
	for {
		_, _, err := b.ws.ReadMessage()
		if e, ok := err.(*websocket.CloseError); ok {
			return e.Code
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
		<-time.After(2 * time.Millisecond)
	}
}
