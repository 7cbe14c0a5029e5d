package web

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// cork stands between the WebSocket and its TCP connection and gathers frames, so that several queued frames leave in
// one write. Pongs, which the reading goroutine writes, go through the same lock.
type cork struct {
	net.Conn
	mu   sync.Mutex
	held *bytes.Buffer // nil: not holding
}

// hold gathers in buf what is written from now on.
func (k *cork) hold(buf *bytes.Buffer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = buf
}

// release writes what was gathered, within timeout.
func (k *cork) release(timeout time.Duration) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	buf := k.held
	k.held = nil
	if buf == nil || buf.Len() == 0 {
		return nil
	}
	if err := k.Conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	_, err := k.Conn.Write(buf.Bytes())
	buf.Reset()
	return err
}

func (k *cork) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held != nil {
		return k.held.Write(b)
	}
	return k.Conn.Write(b)
}

// corked puts the cork on the connection as it is taken over from net/http.
type corked struct {
	http.ResponseWriter
	k *cork
}

func (c corked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(c.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, errors.Join(errors.New("take over the connection"), err)
	}
	c.k.Conn = conn
	return c.k, rw, nil
}
