package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"gatehouse/channels"
)

// hear reads frames until the connection ends, and says with which status it is to be closed.
func (t *talk) hear(ctx context.Context) {
	t.ws.SetReadLimit(int64(t.c.config.MaxFrame))
	t.ws.SetPongHandler(func(string) error { return t.alive() })
	if err := t.ws.SetReadDeadline(time.Now().Add(t.c.config.HelloTimeout)); err != nil {
		return
	}
	for !t.ending.Load() {
		kind, r, err := t.ws.NextReader()
		if !t.next(ctx, kind, r, err) {
			return
		}
	}
}

// next takes one message, and tells whether to read on.
func (t *talk) next(ctx context.Context, kind int, r io.Reader, err error) bool {
	var b []byte
	if err == nil {
		b, err = io.ReadAll(r) // not more than the read limit
	}
	var status int
	switch {
	case err != nil:
		t.end(statusOf(err))
		return false
	case kind != websocket.TextMessage:
		status = websocket.CloseUnsupportedData
	case !utf8.Valid(b): // RFC 6455 §8.1; gorilla leaves this to us
		status = websocket.CloseInvalidFramePayloadData
	default:
		status = t.frame(ctx, b)
	}
	if status != 0 {
		t.end(status)
	}
	return status == 0
}

// statusOf answers a failed read: the peer's own goodbye and a lost connection get none from us, because gorilla has
// answered the first and nobody hears the second.
func statusOf(err error) int {
	var closed *websocket.CloseError
	switch {
	case errors.As(err, &closed), errors.Is(err, websocket.ErrReadLimit):
		return 0
	}
	return websocket.ClosePolicyViolation
}

// alive moves the read deadline on, unless the talk is ending.
func (t *talk) alive() error {
	if t.ending.Load() {
		return nil
	}
	return t.ws.SetReadDeadline(time.Now().Add(t.c.config.Ping * 5 / 2))
}

// frame handles one frame and gives the status to close with, or zero to go on.
func (t *talk) frame(ctx context.Context, b []byte) int {
	h, err := parse(b)
	switch {
	case err != nil:
		return t.fault(ctx, h.ID, codeFrame)
	case h.Type == "hello" && t.wake != nil, h.Type == "message" && t.wake == nil:
		return t.fault(ctx, h.ID, codeHello)
	case h.Type == "hello":
		return t.hello(ctx, h)
	}
	return t.message(ctx, h)
}

func (t *talk) fault(ctx context.Context, id json.RawMessage, code string) int {
	t.faults++
	if !t.put(ctx, fault(id, code)) || t.faults >= maxFaults {
		return websocket.ClosePolicyViolation
	}
	return 0
}

// hello resumes the session of a token that is ours, or begins a new one.
func (t *talk) hello(ctx context.Context, h heard) int {
	id, ok := t.c.mint.id(h.Session)
	after := h.After
	if !ok {
		if t.limited(ctx, "web:new:"+t.host.String(), t.c.config.SessionBurst, t.c.config.SessionsPerMinute) {
			return t.fault(ctx, nil, codeSlow)
		}
		id, after = t.c.shared.NewID(), 0
	}
	t.me, t.seq = channels.Address{Channel: Name, Value: id}, after
	t.wake, t.forget = t.c.shared.Fanout.Wait(t.me.String())
	t.c.watch.enter(ctx, t)
	if err := t.alive(); err != nil || !t.put(ctx, encode(welcomeFrame{"welcome", t.c.mint.token(id), t.lang})) {
		return websocket.ClosePolicyViolation
	}
	t.ring(ctx, false)
	return 0
}

// message stores what was said and acknowledges it after that.
func (t *talk) message(ctx context.Context, h heard) int {
	id, ok := clientID(h.ID)
	if !ok {
		return t.fault(ctx, nil, codeID)
	}
	text := clean(h.Text)
	switch {
	case text == "":
		return t.fault(ctx, h.ID, codeText)
	case tooLong(text, t.c.config.MaxText):
		return t.fault(ctx, h.ID, codeTooLong)
	case t.limited(ctx, "web:session:"+t.me.Value, t.c.config.MessageBurst, t.c.config.MessagesPerMinute),
		t.limited(ctx, "web:host:"+t.host.String(), t.c.config.HostBurst, t.c.config.HostPerMinute):
		return t.fault(ctx, h.ID, codeSlow)
	}
	if err := t.accept(ctx, t.said(id, text)); err != nil {
		return t.fault(ctx, h.ID, t.refusal(err))
	}
	t.faults = 0
	if err := t.alive(); err != nil || !t.put(ctx, encode(ackFrame{"ack", h.ID})) {
		return websocket.ClosePolicyViolation
	}
	return 0
}

// accept has a deadline of its own, which the answer must not inherit: the writer that it starts goes on after it.
func (t *talk) accept(ctx context.Context, m channels.Message) error {
	ctx, cancel := context.WithTimeout(ctx, t.c.config.AcceptTimeout)
	defer cancel()
	return t.in.Accept(ctx, m)
}

func (t *talk) said(id, text string) channels.Message {
	return channels.Message{
		ID:    Name + ":" + t.me.Value + ":" + id,
		From:  t.me,
		To:    channels.Address{Channel: Name},
		At:    t.c.shared.Now(),
		Lang:  t.lang,
		Text:  text,
		Trust: channels.CarrierVerified,
	}
}

func (t *talk) refusal(err error) string {
	switch {
	case errors.Is(err, channels.ErrTooLarge):
		return codeTooLong
	case errors.Is(err, channels.ErrNotForUs):
		return codeRefused
	case !errors.Is(err, channels.ErrBusy):
		t.c.shared.Log.Error("web accept", "from", t.me, "err", err)
	}
	return codeBusy
}

// limited spends one token of a bucket that all gateways share.
func (t *talk) limited(ctx context.Context, key string, burst, perMinute int) bool {
	wait, err := t.c.shared.Limiter.Take(ctx, key, channels.Rate{Burst: burst, Per: float64(perMinute) / 60}, 1)
	if err != nil {
		t.c.shared.Log.Warn("web limiter", "err", err)
		return false
	}
	return wait > 0
}
