package relay

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"gatehouse/deploy/carriers/faults"

	"github.com/emersion/go-smtp"
)

// session is one SMTP dialog with a client of the relay.
type session struct {
	relay *Relay
	conn  net.Conn
	from  string
	to    []string
	after faults.Fault // strikes once the mail is taken
}

// Reset forgets the mail under way.
func (s *session) Reset() { s.from, s.to, s.after = "", nil, faults.Fault{} }

// Logout ends the session; there is nothing to let go of.
func (s *session) Logout() error { return nil }

// Mail starts a mail.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func refusal(code int, class, subject, detail int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, subject, detail}, Message: text}
}

// Rcpt takes every recipient, but for what the book says.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	address := strings.ToLower(to)
	f := s.relay.house.Book.Strike(faults.Mail, faults.Handover, address, s.from)
	err := s.strike(f)
	if err != nil {
		s.relay.counts.refused.Add(1)
		return err
	}
	s.to = append(s.to, address)
	return nil
}

func (s *session) strike(f faults.Fault) error {
	switch f.Kind {
	case faults.Throttled:
		return refusal(451, 4, 7, 1, "Greylisted, please try again later")
	case faults.Temporary:
		return refusal(452, 4, 2, 2, "The mailbox is full, please try again later")
	case faults.Invalid:
		return refusal(550, 5, 1, 1, "There is no such mailbox here")
	case faults.Stopped:
		return refusal(550, 5, 7, 1, "The recipient does not want your mail")
	case faults.Landline:
		return refusal(550, 5, 2, 1, "The mailbox takes no mail")
	case faults.Unauthorized:
		return refusal(530, 5, 7, 0, "Authentication required")
	case faults.Garbled:
		return refusal(421, 4, 3, 2, "System is not accepting mail")
	case faults.Refused:
		s.conn.Close()
		return refusal(421, 4, 4, 2, "Connection dropped")
	case faults.Slow, faults.Lost:
		s.after = f
	}
	return nil
}

// Data takes the mail into the mailboxes; the answer follows only then.
func (s *session) Data(r io.Reader) error {
	s.relay.reading <- struct{}{}
	raw, err := io.ReadAll(r)
	<-s.relay.reading
	if err != nil {
		return fmt.Errorf("read the mail: %w", err)
	}
	m := Read(raw)
	m.EnvelopeFrom, m.EnvelopeTo, m.At = s.from, s.to, s.relay.house.Now()
	for _, to := range s.to {
		s.relay.take(to, m)
	}
	switch s.after.Kind {
	case faults.Lost:
		s.conn.Close()
	case faults.Slow:
		s.pause(s.after.After)
	}
	return nil
}

// pause waits, unless the relay closes first.
func (s *session) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.relay.courier.Closed():
	}
}
