package relay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	netmail "net/mail"
	"strings"

	"github.com/emersion/go-message/mail"
)

// Draft is a mail that a person writes.
type Draft struct {
	// From is the writer, "a@b" or "Name <a@b>"; it names the mailbox that keeps the copy.
	From string   `json:"from"`
	To   []string `json:"to"`
	// Envelope is the sender in the envelope when it is another than From; "<>" stands for none.
	Envelope   string   `json:"envelope"`
	Subject    string   `json:"subject"`
	Text       string   `json:"text"`
	HTML       string   `json:"html"`
	InReplyTo  string   `json:"in_reply_to"`
	References []string `json:"references"`
	// Headers are added as they are.
	Headers map[string]string `json:"headers"`
	Files   []File            `json:"files"`
	// Raw replaces all of the mail but the envelope.
	Raw []byte `json:"raw"`
}

// maxDraftFiles bounds the attachments of one mail.
const maxDraftFiles = 50

// Send puts a mail on its way and returns its Message-ID. Mail to the gateway's domains goes there, all other to a
// mailbox here.
func (r *Relay) Send(d Draft) (string, error) {
	from, to, err := d.check()
	if err != nil {
		return "", err
	}
	raw := d.Raw
	if len(raw) == 0 {
		if raw, err = r.compose(d, from, to); err != nil {
			return "", err
		}
	}
	if len(raw) > MaxMessage {
		return "", fmt.Errorf("files: make the mail larger than %d bytes", MaxMessage)
	}
	m := Read(raw)
	m.EnvelopeFrom, m.At = d.envelope(from), r.house.Now()
	for _, a := range to {
		m.EnvelopeTo = append(m.EnvelopeTo, a.Address)
	}
	r.counts.sent.Add(1)
	r.dispatch(m, lower(from.Address))
	return m.MessageID, nil
}

func (d Draft) envelope(from *netmail.Address) string {
	switch d.Envelope {
	case "":
		return from.Address
	case "<>":
		return ""
	}
	return d.Envelope
}

func (d Draft) check() (from *netmail.Address, to []*netmail.Address, err error) {
	if from, err = netmail.ParseAddress(d.From); err != nil {
		return nil, nil, errors.New("from: is not a mail address")
	}
	if len(d.To) == 0 || len(d.To) > maxRecipients {
		return nil, nil, fmt.Errorf("to: must name 1 to %d addresses", maxRecipients)
	}
	for _, s := range d.To {
		a, err := netmail.ParseAddress(s)
		if err != nil {
			return nil, nil, errors.New("to: is not a mail address")
		}
		to = append(to, a)
	}
	if len(d.Files) > maxDraftFiles {
		return nil, nil, fmt.Errorf("files: more than %d", maxDraftFiles)
	}
	for k, v := range d.Headers {
		if k == "" || strings.ContainsAny(k+v, "\r\n") || strings.ContainsAny(k, " :") {
			return nil, nil, errors.New("headers: a name or a value is not that of a header")
		}
	}
	return from, to, nil
}

func (r *Relay) compose(d Draft, from *netmail.Address, to []*netmail.Address) ([]byte, error) {
	var h mail.Header
	h.SetDate(r.house.Now())
	h.SetSubject(d.Subject)
	h.SetAddressList("From", []*mail.Address{from})
	h.SetAddressList("To", to)
	_, domain, _ := strings.Cut(from.Address, "@")
	h.SetMessageID(newID() + "@" + domain)
	if d.InReplyTo != "" {
		h.SetMsgIDList("In-Reply-To", []string{d.InReplyTo})
		h.SetMsgIDList("References", append(append([]string{}, d.References...), d.InReplyTo))
	}
	for k, v := range d.Headers {
		h.Set(k, v)
	}
	var out bytes.Buffer
	if err := d.write(&out, h); err != nil {
		return nil, fmt.Errorf("compose the mail: %w", err)
	}
	return out.Bytes(), nil
}

// write makes the simplest form that holds the mail: one text, or a text and attachments.
func (d Draft) write(out io.Writer, h mail.Header) error {
	if len(d.Files) == 0 && d.HTML == "" {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Content-Transfer-Encoding", "quoted-printable")
		w, err := mail.CreateSingleInlineWriter(out, h)
		return fill(w, err, []byte(crlf(d.Text)))
	}
	mw, err := mail.CreateWriter(out, h)
	if err != nil {
		return err
	}
	iw, err := mw.CreateInline()
	if err != nil {
		return err
	}
	for _, p := range []struct{ kind, text string }{{"text/plain", d.Text}, {"text/html", d.HTML}} {
		if p.text == "" && p.kind == "text/html" {
			continue
		}
		var ih mail.InlineHeader
		ih.Set("Content-Type", p.kind+"; charset=utf-8")
		w, err := iw.CreatePart(ih)
		if err := fill(w, err, []byte(crlf(p.text))); err != nil {
			return err
		}
	}
	if err := iw.Close(); err != nil {
		return err
	}
	for _, f := range d.Files {
		var ah mail.AttachmentHeader
		ah.Set("Content-Type", f.Type)
		ah.SetFilename(f.Name)
		w, err := mw.CreateAttachment(ah)
		if err := fill(w, err, f.Data); err != nil {
			return err
		}
	}
	return mw.Close()
}

func crlf(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}

func lower(s string) string { return strings.ToLower(s) }

func fill(w io.WriteCloser, err error, data []byte) error {
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	return w.Close()
}
