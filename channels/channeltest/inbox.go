package channeltest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"gatehouse/channels"
)

// Inbox keeps what it is given, each Message.ID once, with its files read as a store would.
type Inbox struct {
	mu       sync.Mutex
	messages []channels.Message
	receipts []channels.Receipt
	calls    int
	failures int
	cause    error
}

// Accept stores m, or fails as FailNext said. It reads every file, so a channel's limits are felt here.
func (b *Inbox) Accept(ctx context.Context, m channels.Message) error {
	if err := b.fail(); err != nil {
		return err
	}
	if b.knows(m.ID) {
		return nil
	}
	for i := range m.Files {
		if err := keep(ctx, &m.Files[i]); err != nil {
			return fmt.Errorf("keep file: %w", err)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.has(m.ID) {
		b.messages = append(b.messages, m)
	}
	return nil
}

func (b *Inbox) knows(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.has(id)
}

func (b *Inbox) has(id string) bool {
	return slices.ContainsFunc(b.messages, func(m channels.Message) bool { return m.ID == id })
}

// keep reads f to its end and lets it be opened again from memory.
func keep(ctx context.Context, f *channels.File) error {
	r, err := f.Open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	f.Size, f.SHA256 = int64(len(content)), hex.EncodeToString(sum[:])
	f.Open = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	return nil
}

// Report keeps r, or fails as FailNext said.
func (b *Inbox) Report(_ context.Context, r channels.Receipt) error {
	if err := b.fail(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.receipts = append(b.receipts, r)
	return nil
}

func (b *Inbox) fail() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.failures == 0 {
		return nil
	}
	b.failures--
	return b.cause
}

// FailNext lets the next n calls of Accept and Report fail with cause.
func (b *Inbox) FailNext(n int, cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures, b.cause = n, cause
}

// Calls counts Accept and Report, the failed and the repeated ones too.
func (b *Inbox) Calls() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls
}

// Messages are those accepted so far, each once.
func (b *Inbox) Messages() []channels.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]channels.Message(nil), b.messages...)
}

// Receipts are those reported so far, repeats too.
func (b *Inbox) Receipts() []channels.Receipt {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]channels.Receipt(nil), b.receipts...)
}

func (b *Inbox) last(t *testing.T) channels.Message {
	t.Helper()
	all := b.Messages()
	if len(all) == 0 {
		t.Fatal("nothing was heard")
	}
	return all[len(all)-1]
}

// logBuffer holds what a channel logs.
type logBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
