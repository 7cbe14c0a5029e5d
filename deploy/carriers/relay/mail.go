package relay

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"strings"
	"time"

	"gatehouse/deploy/carriers/faults"

	_ "github.com/emersion/go-message/charset" // mails come in all charsets
	"github.com/emersion/go-message/mail"
)

// Mail is one mail in one mailbox.
type Mail struct {
	// Sent: the mailbox's owner wrote it.
	Sent         bool     `json:"sent"`
	EnvelopeFrom string   `json:"envelope_from"`
	EnvelopeTo   []string `json:"envelope_to"`

	MessageID  string   `json:"message_id"`
	InReplyTo  []string `json:"in_reply_to,omitempty"`
	References []string `json:"references,omitempty"`
	From       string   `json:"from"`
	ReplyTo    string   `json:"reply_to,omitempty"`
	To         string   `json:"to"`
	Subject    string   `json:"subject"`
	Text       string   `json:"text"`
	HTML       string   `json:"html,omitempty"`
	Headers    []Header `json:"headers"`
	Files      []File   `json:"files,omitempty"`
	// Fault says what in the mail could not be read; empty when all could.
	Fault string    `json:"fault,omitempty"`
	At    time.Time `json:"at"`

	// State tells how far a sent mail got; Note what the gateway said last when it said no.
	State State  `json:"state,omitempty"`
	Tries int    `json:"tries,omitempty"`
	Note  string `json:"note,omitempty"`

	Raw []byte `json:"-"`
}

// State is how far a sent mail got.
type State string

// The ways of a sent mail.
const (
	Waiting   State = "waiting"
	Delivered State = "delivered"
	Returned  State = "returned"
)

// Header is one field of a mail, as it was written but unfolded and decoded.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// File is an attachment.
type File struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Data []byte `json:"data"`
}

func (m Mail) weight() int {
	n := len(m.Raw) + len(m.Text) + len(m.HTML)
	for _, f := range m.Files {
		n += len(f.Data)
	}
	return n
}

// Field returns the first field of that name; empty for none.
func (m Mail) Field(name string) string {
	for _, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// maxMailParts bounds the parts of a mail that are read.
const maxMailParts = 100

// Read takes a mail apart. What it can't read it leaves out and names in Fault; Raw holds the whole.
func Read(raw []byte) Mail {
	m := Mail{Raw: raw}
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if r == nil {
		m.Fault, m.Text = note(err), string(raw)
		return m
	}
	defer r.Close()
	m.readHeader(r.Header)
	for range maxMailParts {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return m
		}
		if err != nil && p == nil {
			m.Fault = note(err)
			return m
		}
		m.readPart(p)
	}
	m.Fault = "has too many parts"
	return m
}

func note(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (m *Mail) readHeader(h mail.Header) {
	fields := h.Fields()
	for fields.Next() {
		text, err := fields.Text()
		if err != nil {
			text = fields.Value()
		}
		m.Headers = append(m.Headers, Header{fields.Key(), text})
	}
	m.MessageID, _ = h.MessageID()
	m.InReplyTo, _ = h.MsgIDList("In-Reply-To")
	m.References, _ = h.MsgIDList("References")
	m.From, m.ReplyTo, m.To = m.Field("From"), m.Field("Reply-To"), m.Field("To")
	m.Subject, _ = h.Subject()
}

func (m *Mail) readPart(p *mail.Part) {
	data, err := io.ReadAll(io.LimitReader(p.Body, MaxMessage))
	if err != nil {
		m.Fault = note(err)
	}
	switch h := p.Header.(type) {
	case *mail.InlineHeader:
		kind, _, _ := h.ContentType()
		switch {
		case kind == "text/html" && m.HTML == "":
			m.HTML = string(data)
		case strings.HasPrefix(kind, "text/") && m.Text == "":
			m.Text = strings.ReplaceAll(string(data), "\r\n", "\n")
		default:
			m.Files = append(m.Files, File{Name: "part." + extension(kind), Type: kind, Data: data})
		}
	case *mail.AttachmentHeader:
		name, _ := h.Filename()
		kind, _, _ := h.ContentType()
		if name == "" {
			name = "part." + extension(kind)
		}
		m.Files = append(m.Files, File{Name: name, Type: kind, Data: data})
	}
}

func extension(kind string) string {
	if kind == "message/delivery-status" {
		return "txt"
	}
	if all, _ := mime.ExtensionsByType(kind); len(all) > 0 {
		return strings.TrimPrefix(all[0], ".")
	}
	return "bin"
}

// take puts a mail into a mailbox and, where the book says so, starts a report to its sender.
func (r *Relay) take(to string, m Mail) {
	r.counts.taken.Add(1)
	r.mails.Put(to, m)
	f := r.house.Book.Strike(faults.Mail, faults.Receipt, to, m.EnvelopeFrom+m.MessageID)
	switch f.Kind {
	case faults.Unreachable:
		r.report(m, to, failure{"failed", "5.1.1", "550 5.1.1 There is no such mailbox here"}, r.cfg.ReportAfter)
	case faults.Filtered:
		r.report(m, to, failure{"failed", "5.7.1", "554 5.7.1 The message was refused as spam"}, r.cfg.ReportAfter)
	case faults.Late:
		r.report(m, to, failure{"delayed", "4.4.1", "451 4.4.1 The host does not answer"}, f.After)
	}
}
