package web

import (
	"bytes"
	"context"
	"time"

	"github.com/gorilla/websocket"

	"gatehouse/channels"
)

const (
	// page is how many lines of history are read and written at a time.
	page = 32
	// maxPooled is the largest buffer kept for the next writer, in bytes.
	maxPooled = 64 << 10
	// lookFor bounds one look into the store.
	lookFor = 5 * time.Second
)

// write does what is asked until nothing is. A browser that does not take it within the time-out is cut off.
func (t *talk) write(ctx context.Context) {
	defer t.writer.Done()
	for {
		a, more := t.take()
		if !more {
			return
		}
		if err := t.flush(ctx, a); err != nil {
			t.ws.NetConn().Close()
			t.mu.Lock()
			t.over, t.writing = true, false
			t.mu.Unlock()
			return
		}
	}
}

// flush writes frames and a ping together, then the lines of the history after the last one written, page by page.
func (t *talk) flush(ctx context.Context, a asked) error {
	buf := t.hold()
	defer t.let(buf)
	for _, f := range a.queue {
		if err := t.ws.WriteMessage(websocket.TextMessage, f); err != nil {
			return err
		}
	}
	if a.knock {
		if err := t.ws.WriteControl(websocket.PingMessage, nil, time.Time{}); err != nil {
			return err
		}
		a.look = a.look || (!t.looked.IsZero() && t.c.shared.Now().Sub(t.looked) >= t.c.config.Poll)
	}
	for a.look {
		lines := t.history(ctx)
		written, err := t.lines(lines)
		if err != nil {
			return err
		}
		if err := t.cork.release(t.c.config.WriteTimeout); err != nil {
			return err
		}
		t.report(ctx, lines)
		t.cork.hold(buf)
		a.look = len(lines) == page && written > 0
	}
	return t.cork.release(t.c.config.WriteTimeout)
}

// lines writes what is newer than the last line written.
func (t *talk) lines(lines []channels.Line) (written int, err error) {
	for _, l := range lines {
		if l.Seq <= t.seq {
			continue
		}
		if err := t.ws.WriteMessage(websocket.TextMessage, said(l)); err != nil {
			return written, err
		}
		t.seq = l.Seq
		written++
	}
	return written, nil
}

// history reads the next page. When the store is away the next poll tries again.
func (t *talk) history(ctx context.Context) []channels.Line {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	t.looked = t.c.shared.Now()
	lines, err := t.c.shared.History.After(ctx, t.me, t.seq, page)
	if err != nil {
		t.c.shared.Log.Warn("web history", "to", t.me, "err", err)
		return nil
	}
	return lines
}

// report tells that notices reached the browser; of replies nobody asks.
func (t *talk) report(ctx context.Context, lines []channels.Line) {
	for _, l := range lines {
		if m := l.Message; m.ID != "" && (m.Queue == channels.Notice || m.Queue == channels.Broadcast) {
			t.delivered(ctx, m.ID)
		}
	}
}

func (t *talk) delivered(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	r := channels.Receipt{MessageID: id, Channel: Name, State: channels.Delivered, At: t.c.shared.Now()}
	if err := t.in.Report(ctx, r); err != nil {
		t.c.shared.Log.Warn("web receipt", "message_id", id, "err", err)
	}
}

// farewell writes what is still queued and the close frame. Errors no longer matter: the connection ends.
func (t *talk) farewell() {
	buf := t.hold()
	defer t.let(buf)
	a, _ := t.take()
	t.mu.Lock()
	status := t.status
	t.mu.Unlock()
	for _, f := range a.queue {
		if t.ws.WriteMessage(websocket.TextMessage, f) != nil {
			return
		}
	}
	if status != 0 {
		bye := websocket.FormatCloseMessage(status, "")
		if t.ws.WriteControl(websocket.CloseMessage, bye, time.Time{}) != nil {
			return
		}
	}
	if err := t.cork.release(time.Second); err != nil {
		t.c.shared.Log.Debug("web farewell", "err", err)
	}
}

// hold gathers what is written from now on; let ends that, and what an error left behind is dropped.
func (t *talk) hold() *bytes.Buffer {
	buf, _ := t.c.buffers.Get().(*bytes.Buffer)
	t.cork.hold(buf)
	return buf
}

func (t *talk) let(buf *bytes.Buffer) {
	t.cork.hold(nil)
	buf.Reset()
	if buf.Cap() <= maxPooled {
		t.c.buffers.Put(buf)
	}
}
