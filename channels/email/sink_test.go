package email

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-message/mail"

	"gatehouse/channels/channeltest"
)

// sink is a relay that keeps what it is given and misbehaves as told.
type sink struct {
	addr string
	l    net.Listener
	stop chan struct{}
	done sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	dials  int
	ehlo   []string          // its extensions
	next   map[string]string // answers to the next command of that name, or at "." ; "-" cuts, "?" is silent
	always map[string]string
	seen   []string // commands
	got    []taken
}

// taken is one mail that arrived.
type taken struct{ from, to, raw string }

func newSink(t testing.TB) *sink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{addr: l.Addr().String(), l: l, stop: make(chan struct{}), conns: map[net.Conn]bool{}, next: map[string]string{},
		always: map[string]string{}, ehlo: []string{"PIPELINING", "SIZE 50000000"}}
	s.done.Go(s.run)
	t.Cleanup(s.close)
	return s
}

func (s *sink) close() {
	s.mu.Lock()
	select {
	case <-s.stop:
		s.mu.Unlock()
		return
	default:
	}
	close(s.stop)
	s.l.Close()
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
}

// hangUp ends all connections, as a relay does with idle ones.
func (s *sink) hangUp(word string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_, _ = io.WriteString(c, word)
		c.Close()
	}
}

func (s *sink) run() {
	for {
		c, err := s.l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = true
		s.dials++
		s.mu.Unlock()
		s.done.Go(func() {
			s.talk(c)
			c.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		})
	}
}

// fail sets the answer to the next command of a name.
func (s *sink) fail(command, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next[command] = answer
}

// ever sets the answer to all commands of a name.
func (s *sink) ever(command, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always[command] = answer
}

func (s *sink) answer(command, usual string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.next[command]; ok {
		delete(s.next, command)
		return a
	}
	if a, ok := s.always[command]; ok {
		return a
	}
	return usual
}

// say writes an answer; false ends the connection.
func (s *sink) say(c net.Conn, answer string) bool {
	switch answer {
	case "-":
		return false
	case "?":
		<-s.stop
		return false
	}
	_, err := io.WriteString(c, answer+"\r\n")
	return err == nil
}

func (s *sink) talk(c net.Conn) {
	r := bufio.NewReader(c)
	if !s.say(c, s.answer("greet", "220 sink ESMTP")) {
		return
	}
	var m taken
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		word, _, _ := strings.Cut(line, " ")
		word = strings.ToUpper(word)
		s.mu.Lock()
		s.seen = append(s.seen, line)
		usual := "250 2.0.0 ok"
		if word == "EHLO" {
			all := append([]string{"sink"}, s.ehlo...)
			usual = "250-" + strings.Join(all[:len(all)-1], "\r\n250-") + "\r\n250 " + all[len(all)-1]
			if len(all) == 1 {
				usual = "250 sink"
			}
		}
		s.mu.Unlock()
		switch word {
		case "MAIL":
			m = taken{from: between(line)}
		case "RCPT":
			if m.from == "" && !strings.Contains(line, "<>") && m.to == "none" {
				usual = "503 5.5.1 no sender"
			}
			m.to = between(line)
		case "DATA":
			usual = "354 go ahead"
		case "QUIT":
			usual = "221 bye"
		}
		a := s.answer(word, usual)
		if !s.say(c, a) || word == "QUIT" {
			return
		}
		if word == "MAIL" && a[0] != '2' || word == "RCPT" && a[0] != '2' {
			m = taken{to: "none"}
		}
		if word == "DATA" && a[0] == '3' && !s.body(c, r, m) {
			return
		}
	}
}

// body takes the mail itself.
func (s *sink) body(c net.Conn, r *bufio.Reader, m taken) bool {
	raw, err := io.ReadAll(textproto.NewReader(r).DotReader())
	if err != nil {
		return false
	}
	m.raw = string(raw)
	s.mu.Lock()
	n := len(s.got) + 1
	s.mu.Unlock()
	a := s.answer(".", fmt.Sprintf("250 2.0.0 Ok: queued as Q%04d", n))
	if m.to != "none" && (a[0] == '2' || a == "-" || a == "?") {
		s.mu.Lock()
		s.got = append(s.got, m)
		s.mu.Unlock()
	}
	return s.say(c, a)
}

func between(line string) string {
	_, rest, _ := strings.Cut(line, "<")
	in, _, _ := strings.Cut(rest, ">")
	return in
}

func (s *sink) mails() []taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]taken(nil), s.got...)
}

func (s *sink) commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.seen...)
}

// open reads a mail with the library, which is not what the channel reads mail with.
func (m taken) open() (h mail.Header, sent channeltest.Sent, err error) {
	r, err := mail.CreateReader(strings.NewReader(m.raw))
	if err != nil {
		return h, sent, err
	}
	sent.To = m.to
	for {
		p, err := r.NextPart()
		if err == io.EOF {
			return r.Header, sent, nil
		}
		if err != nil {
			return h, sent, err
		}
		b, err := io.ReadAll(p.Body)
		if err != nil {
			return h, sent, err
		}
		switch ph := p.Header.(type) {
		case *mail.InlineHeader:
			sent.Text += string(b)
		case *mail.AttachmentHeader:
			name, _ := ph.Filename()
			t, _, _ := ph.ContentType()
			sent.Files = append(sent.Files, channeltest.File{Name: name, Type: t, Bytes: b})
		}
	}
}
