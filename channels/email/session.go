package email

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"gatehouse/channels"
)

// maxLine bounds a line of a mail or command, in bytes. RFC 5321 §4.5.3.1.6 allows 1,000; many programs send more.
const maxLine = 64 << 10

// Answers of ours.
var (
	replyNotOurs   = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Relaying denied"}
	replyUnknown   = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such address here"}
	replyOnlyDSN   = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Delivery reports only"}
	replyNoSender  = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 7}, Message: "No address to answer to"}
	replyTangled   = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "Too many parts or headers"}
	replyBusy      = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Busy, try again later"}
	replyTooLarge  = &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "Message too large"}
	replyNotForUs  = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Not taken here"}
	replySecure    = &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Use STARTTLS first"}
	replyErrors    = &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "Too many errors"}
	replyCut       = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 4, 2}, Message: "The message did not arrive whole"}
	replyOneReport = &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 5, 3}, Message: "One recipient a report"}
)

// server is the SMTP dialogue over the door's connections.
func (c *Channel) server(ctx context.Context, in channels.Inbox) *smtp.Server {
	s := smtp.NewServer(smtp.BackendFunc(func(conn *smtp.Conn) (smtp.Session, error) {
		return &session{c: c, ctx: func() context.Context { return ctx }, in: in, conn: conn}, nil
	}))
	s.Domain = c.config.Hostname
	s.TLSConfig = c.tls
	s.MaxRecipients = c.config.MaxRecipients
	s.MaxMessageBytes = int64(c.config.MaxMessage)
	s.MaxLineLength = maxLine
	s.ReadTimeout = c.config.CommandTimeout
	s.WriteTimeout = c.config.CommandTimeout
	s.EnableSMTPUTF8 = true
	s.EnableDSN = true
	s.ErrorLog = complaints{c}
	return s
}

// complaints takes what the server says of single connections. It may quote what a client sent: only its sort is kept.
type complaints struct{ c *Channel }

// Printf logs that a session ended badly.
func (l complaints) Printf(format string, _ ...any) {
	l.c.shared.Log.Debug("mail session ended badly", "sort", format)
}

// Println logs that a session ended badly.
func (l complaints) Println(...any) { l.c.shared.Log.Debug("mail session ended badly") }

// session is one client's dialogue. The server calls it from one goroutine, except Data, which runs beside it when a
// mail comes in chunks (RFC 3030).
type session struct {
	c      *Channel
	ctx    func() context.Context
	in     channels.Inbox
	conn   *smtp.Conn
	faults int

	mu sync.Mutex
	envelope
	chunked bool // a mail comes in chunks, and Data waits for more
	over    bool // nothing more is taken in this session
}

// envelope is who sends a mail, to which of our addresses, and from which host.
type envelope struct {
	from string
	id   string // the sender's own for this envelope (ENVID)
	to   []recipient
	// wishes are those of the recipients in to, in their order.
	wishes []wish

	peer netip.Addr
	helo string
}

// Reset forgets the mail that was begun. One that was coming in chunks ends the session, because the server would mix
// up its end with that of the next.
func (s *session) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.envelope = envelope{}
	if s.chunked {
		s.over = true
		s.conn.Conn().Close()
	}
}

// Logout has nothing to let go of.
func (s *session) Logout() error { return nil }

// Mail begins a mail.
func (s *session) Mail(from string, o *smtp.MailOptions) error {
	if _, secure := s.conn.TLSConnectionState(); s.c.config.TLS.Required && !secure {
		return replySecure
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return replyErrors
	}
	s.envelope = envelope{from: from, id: stated(o.EnvelopeID), peer: peerOf(s.conn.Conn()), helo: s.conn.Hostname()}
	return nil
}

// Rcpt takes our own addresses alone. Who tries too many others is cut off.
func (s *session) Rcpt(to string, o *smtp.RcptOptions) error {
	r := s.c.book.find(to)
	if refusal := s.refuse(to, r); refusal != nil {
		if s.faults++; s.faults > s.c.config.MaxErrors {
			s.conn.Reject()
			return replyErrors
		}
		return refusal
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.to) > 0 && (r.purpose == bounce || s.to[0].purpose == bounce) {
		return replyOneReport
	}
	w := wish{success: slices.Contains(o.Notify, smtp.DSNNotifySuccess), address: r.address}
	if original := stated(o.OriginalRecipient); original != "" {
		w.original = strings.ToLower(string(o.OriginalRecipientType)) + ";" + original
	}
	s.to, s.wishes = append(s.to, r), append(s.wishes, w)
	return nil
}

func (s *session) refuse(to string, r recipient) error {
	switch r.purpose {
	case nobody:
		if _, domain, _ := cutAddress(to); asciiDomain(domain) != s.c.book.domain {
			return replyNotOurs
		}
		return replyUnknown
	case bounce:
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.from != "" {
			return replyOnlyDSN
		}
	}
	return nil
}

// Data takes the mail: into the spool, apart, to the inbox; nil, which is 250, only when it is stored.
func (s *session) Data(r io.Reader) error {
	_, chunks := r.(*io.PipeReader)
	s.mu.Lock()
	e := s.envelope
	s.chunked = chunks
	s.mu.Unlock()
	w := &witness{r: r}
	defer s.settle(w)
	if len(e.to) == 0 {
		return replyCut
	}
	if v, ok := under(s.conn.Conn()).(*visit); ok {
		if err := v.work(time.Now().Add(s.c.config.DataTimeout)); err != nil {
			return replyCut
		}
		defer v.rest()
	}
	ctx, cancel := context.WithTimeout(s.ctx(), s.c.config.DataTimeout+s.c.config.AcceptTimeout)
	defer cancel()
	m, err := s.c.take(ctx, s.in, e, w)
	if err != nil {
		return s.c.refusal(err)
	}
	s.c.confirm(s.ctx(), e, m)
	return nil
}

// settle ends a mail. One whose chunks were broken off ends the session, see Reset.
func (s *session) settle(w *witness) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chunked = false
	if errors.Is(w.err, smtp.ErrDataReset) {
		s.over = true
		s.conn.Conn().Close()
	}
}

// witness remembers how a mail ended.
type witness struct {
	r   io.Reader
	err error
}

func (w *witness) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.err = err
	return n, err
}

// under is the TCP connection below TLS.
func under(c net.Conn) net.Conn {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		return t.NetConn()
	}
	return c
}

// take stores one mail and gives it; of a report it gives none.
func (c *Channel) take(ctx context.Context, in channels.Inbox, e envelope, r io.Reader) (channels.Message, error) {
	var none channels.Message
	raw, files := channels.NewSpool(c.config.SpoolDir), channels.NewSpool(c.config.SpoolDir)
	defer raw.Close()
	defer files.Close()
	sum := newFingerprint()
	if err := c.copy(io.MultiWriter(raw, sum), r); err != nil {
		return none, err
	}
	mail, err := c.unpack(ctx, raw, files)
	if err != nil {
		return none, err
	}
	to := specific(e.to)
	if to.purpose == bounce {
		return none, c.report(ctx, in, to.id, mail)
	}
	if r, ok := c.complaint(ctx, mail); ok {
		return none, c.told(ctx, in, r)
	}
	if to.purpose == declaration || to.purpose == dryRun {
		if err := mail.keepTable(files); err != nil {
			return none, err
		}
	}
	m := c.message(e.from, to, mail, sum)
	if m.From.Value == "" {
		return none, replyNoSender
	}
	if m.Trust, m.Proof, err = c.prove(ctx, e, mail.header, raw); err != nil {
		return none, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.AcceptTimeout)
	defer cancel()
	return m, in.Accept(ctx, m)
}

// copy is io.Copy with a buffer that the next mail uses again.
func (c *Channel) copy(w io.Writer, r io.Reader) error {
	buf, _ := c.buffers.Get().(*[]byte)
	if buf == nil {
		b := make([]byte, 32<<10)
		buf = &b
	}
	defer c.buffers.Put(buf)
	_, err := io.CopyBuffer(w, r, *buf)
	return err
}

// unpack takes a mail apart, a few at a time.
func (c *Channel) unpack(ctx context.Context, raw, files *channels.Spool) (parsed, error) {
	if err := c.enter(ctx); err != nil {
		return parsed{}, err
	}
	defer c.leave()
	return parse(raw.All(), files)
}

// enter waits for one of the few places of those who hold much of a mail in memory.
func (c *Channel) enter(ctx context.Context) error {
	select {
	case c.unpacking <- struct{}{}:
		return nil
	case <-ctx.Done():
		return channels.ErrBusy
	}
}

func (c *Channel) leave() { <-c.unpacking }

// message makes a Message of a mail that came for one of our addresses.
func (c *Channel) message(from string, to recipient, mail parsed, sum *fingerprint) channels.Message {
	who := sender(mail.header, from)
	m := channels.Message{
		From:    channels.Address{Channel: Name, Value: who},
		To:      channels.Address{Channel: Name, Value: to.address},
		At:      c.shared.Now(),
		Subject: decoded(field(mail.header, "Subject"), maxSubject),
		Text:    mail.text,
		Files:   mail.files,
		Thread:  thread(mail.header),
		Robot:   c.book.robot(mail.header, from, who),
	}
	if to.purpose == ofCase {
		m.Reference = to.id
	}
	m.ID = sum.id(from, m.Thread.MessageID)
	return m
}

// report passes on what a carrier says of a mail of ours. Anything else to such an address is refused.
func (c *Channel) report(ctx context.Context, in channels.Inbox, id string, mail parsed) error {
	if r, ok := c.complaint(ctx, mail); ok {
		return c.told(ctx, in, r)
	}
	r, counts := verdict(mail.report, id, c.shared.Now())
	if mail.report == nil {
		if r, counts = guess(mail, id, c.shared.Now()); !counts {
			return replyOnlyDSN
		}
	}
	if !counts {
		return nil
	}
	return c.told(ctx, in, r)
}

func (c *Channel) told(ctx context.Context, in channels.Inbox, r channels.Receipt) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.AcceptTimeout)
	defer cancel()
	return in.Report(ctx, r)
}

// refusal turns an error into what the client is told; what we do not understand asks it to come again.
func (c *Channel) refusal(err error) error {
	var said *smtp.SMTPError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said):
		return said
	case errors.Is(err, channels.ErrTooLarge):
		return replyTooLarge
	case errors.Is(err, channels.ErrNotForUs):
		return replyNotForUs
	case errors.Is(err, errTangled):
		return replyTangled
	case errors.Is(err, channels.ErrBusy):
		return replyBusy
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, smtp.ErrDataReset), errors.Is(err, smtp.ErrTooLongLine),
		errors.Is(err, net.ErrClosed), isTimeout(err): // closed: we ended what would not end by itself
		return replyCut
	}
	c.shared.Log.Error("mail not stored", "err", err)
	return replyBusy
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout() && !errors.Is(err, context.DeadlineExceeded)
}

// specific is the recipient that says most about what the mail is for.
func specific(to []recipient) recipient {
	best := to[0]
	for _, r := range to[1:] {
		if r.purpose > best.purpose {
			best = r
		}
	}
	return best
}

// fingerprint hashes a mail's header and body apart as they pass by.
type fingerprint struct {
	header, body hash.Hash
	tail         []byte // the last bytes of the header
	inBody       bool
}

func newFingerprint() *fingerprint { return &fingerprint{header: sha256.New(), body: sha256.New()} }

// Write never fails.
func (f *fingerprint) Write(p []byte) (int, error) {
	n := len(p)
	if f.inBody {
		f.body.Write(p)
		return n, nil
	}
	seen := append(f.tail, p...)
	cut := bytes.Index(seen, []byte("\r\n\r\n"))
	if cut < 0 {
		f.header.Write(p)
		f.tail = bytes.Clone(seen[max(0, len(seen)-3):])
		return n, nil
	}
	at := cut + 4 - len(f.tail)
	f.header.Write(p[:at])
	f.body.Write(p[at:])
	f.inBody = true
	return n, nil
}

// id is the same for each delivery of one mail: the sender, its Message-ID and its body. Without a Message-ID the
// header counts, so that two short notes stay two.
func (f *fingerprint) id(from, messageID string) string {
	h := sha256.New()
	if messageID == "" {
		messageID = hex.EncodeToString(f.header.Sum(nil))
	}
	fmt.Fprintf(h, "%s\x00%s\x00", from, messageID)
	h.Write(f.body.Sum(nil))
	return Name + ":" + hex.EncodeToString(h.Sum(nil))
}
