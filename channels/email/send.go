package email

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	message "github.com/emersion/go-message"
	"github.com/emersion/go-message/mail"

	"gatehouse/channels"
)

// maxSentReferences keeps the References field short; the first and the last ids count for threading.
const maxSentReferences = 10

// Send hands m to the relay. The Message-ID is made of m.ID, so that a second copy is the same mail; a lost answer is
// Uncertain for that reason alone. CarrierID is the relay's queue id, where it tells one.
//
// m.Files are attached; m.Options are not shown: the text says them. Bounces come to an address that names m.ID, but of a
// plain reply: nothing hangs on it, so it goes out under the null sender, which robots do not answer (RFC 3834 §3.3).
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	to := person(m.To.Value)
	if m.To.Channel != Name || to == "" {
		return channels.Receipt{}, &channels.Error{Kind: channels.Unreachable, Code: "address", Err: errors.New("not a mail address")}
	}
	if ctx.Err() != nil {
		return channels.Receipt{}, failure(connecting, errSlow)
	}
	out := channels.NewSpool(c.config.SpoolDir)
	defer out.Close()
	head, err := c.sign(out, func(w io.Writer) error { return c.write(ctx, w, m, to) })
	if err != nil {
		return channels.Receipt{}, unwritten(err)
	}
	back, ok := c.book.bounce(m.ID)
	l := letter{id: m.ID, to: to, utf8: !ascii(to), size: int64(len(head)) + out.Size(),
		body: func() io.Reader { return io.MultiReader(strings.NewReader(head), out.All()) }}
	if m.Queue != channels.Reply || m.Watched {
		l.from = back // empty where the id does not fit: the null sender
	}
	answer, at, err := c.relay.send(ctx, l)
	if l.from == "" && ok && at == mailing && refusesSender(err) { // there are relays that take no null sender
		l.from = back
		answer, at, err = c.relay.send(ctx, l)
	}
	if err != nil {
		return channels.Receipt{}, failure(at, err)
	}
	return channels.Receipt{MessageID: m.ID, CarrierID: queueID(answer), Channel: Name, State: channels.Accepted, At: c.shared.Now()}, nil
}

// unwritten sorts what went wrong before anything was sent.
func unwritten(err error) *channels.Error {
	if errors.Is(err, channels.ErrTooLarge) {
		return &channels.Error{Kind: channels.Rejected, Code: "size", Err: err}
	}
	return &channels.Error{Kind: channels.Temporary, Code: "build", Err: err}
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' })
}

// write makes the mail: one text part, or a mixed multipart when files go along.
func (c *Channel) write(ctx context.Context, w io.Writer, m channels.Message, to string) error {
	h := c.header(m, to)
	limited := &capped{w: w, left: c.config.Relay.MaxMessage}
	if len(m.Files) == 0 {
		describe(&h.Header)
		return writeText(func() (io.WriteCloser, error) { return mail.CreateSingleInlineWriter(limited, h) }, m.Text)
	}
	all, err := mail.CreateWriter(limited, h)
	if err != nil {
		return fmt.Errorf("begin mail: %w", err)
	}
	var text mail.InlineHeader
	describe(&text.Header)
	if err := writeText(func() (io.WriteCloser, error) { return all.CreateSingleInline(text) }, m.Text); err != nil {
		return err
	}
	for _, f := range m.Files {
		if err := attach(ctx, all, f); err != nil {
			return err
		}
	}
	return all.Close()
}

func describe(h *message.Header) {
	h.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
	h.Set("Content-Transfer-Encoding", "quoted-printable")
}

func writeText(open func() (io.WriteCloser, error), text string) error {
	w, err := open()
	if err != nil {
		return fmt.Errorf("write text: %w", err)
	}
	lines := strings.ReplaceAll(strings.TrimRight(tidy(text), "\n")+"\n", "\n", "\r\n")
	if _, err := io.WriteString(w, lines); err != nil {
		return fmt.Errorf("write text: %w", err)
	}
	return w.Close()
}

func attach(ctx context.Context, all *mail.Writer, f channels.File) error {
	var h mail.AttachmentHeader
	t, _, _ := strings.Cut(f.Type, ";")
	if top, sub, ok := strings.Cut(t, "/"); !ok || !plainType(top) || !plainType(sub) || top == "multipart" || top == "message" {
		t = "application/octet-stream"
	}
	h.SetContentType(t, nil)
	h.Set("Content-Transfer-Encoding", "base64")
	h.SetFilename(oneLine(f.Name, maxName))
	w, err := all.CreateAttachment(h)
	if err != nil {
		return fmt.Errorf("attach file: %w", err)
	}
	r, err := f.Open(ctx)
	if err != nil {
		return fmt.Errorf("open file: %w", err)
	}
	defer r.Close()
	if _, err := io.Copy(w, r); err != nil {
		return fmt.Errorf("attach file: %w", err)
	}
	return w.Close()
}

// header is all that stands above a mail of ours.
func (c *Channel) header(m channels.Message, to string) mail.Header {
	var h mail.Header
	ours := c.book.help()
	if a, ok := c.book.ofCase(m.Reference); ok && m.Reference != "" {
		ours = a
	} else if r := c.book.find(m.From.Value); r.purpose == declaration || r.purpose == dryRun {
		ours = r.address // what is corrected or filled in comes back to where it is read
	}
	from := []*mail.Address{{Name: c.config.Sender, Address: ours}}
	at := m.At
	if at.IsZero() {
		at = c.shared.Now()
	}
	h.SetDate(at.Truncate(time.Second))
	h.SetAddressList("From", from)
	h.SetAddressList("Reply-To", from)
	h.SetAddressList("To", []*mail.Address{{Address: to}})
	h.SetSubject(oneLine(m.Subject, maxSubject))
	h.SetMessageID(c.messageID(m.ID))
	tie(&h, m.Thread, c.messageID(m.ID))
	h.Set("Auto-Submitted", "auto-generated")
	if m.Queue == channels.Reply {
		h.Set("Auto-Submitted", "auto-replied")
	}
	h.Set("X-Loop", c.book.help())
	if back, ok := c.book.bounce(m.ID); ok {
		h.Set(reportField, "<"+back+">")
	}
	if m.Lang != "" && plain(m.Lang) {
		h.Set("Content-Language", m.Lang)
	}
	h.Set("Mime-Version", "1.0")
	return h
}

// messageID is <id@domain>, the same for each copy.
func (c *Channel) messageID(id string) string {
	clean := strings.Map(func(r rune) rune {
		if r > '~' || !(letterOrDigit(byte(r)) || strings.ContainsRune("-_.", r)) {
			return '-'
		}
		return r
	}, id)
	return strings.Trim(clean, ".") + "@" + c.book.domain
}

// tie puts a mail into its thread (RFC 5322 §3.6.4): it answers the last one named there, which is never itself.
func tie(h *mail.Header, t channels.Thread, own string) {
	var refs []string
	for _, id := range append(append([]string(nil), t.References...), t.InReplyTo, t.MessageID) {
		if goodID(id) && id != own && !slices.Contains(refs, id) {
			refs = append(refs, id)
		}
	}
	if n := len(refs); n > maxSentReferences {
		refs = append(refs[:1], refs[n-maxSentReferences+1:]...)
	}
	if len(refs) > 0 {
		h.SetMsgIDList("References", refs)
		h.SetMsgIDList("In-Reply-To", refs[len(refs)-1:])
	}
}

// capped fails once a mail is larger than any relay takes.
type capped struct {
	w    io.Writer
	left int
}

func (c *capped) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		return 0, channels.ErrTooLarge
	}
	return c.w.Write(p)
}
