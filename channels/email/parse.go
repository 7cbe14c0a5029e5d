package email

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"slices"
	"strings"

	"github.com/emersion/go-message/textproto"

	"gatehouse/channels"
	"gatehouse/channels/email/smime"
)

// Limits of one mail, beside its size. What is over them is refused, not cut: half a declaration must not count.
const (
	maxDepth = 12 // multiparts in each other
	// maxWrapped is how deep a part is unwrapped that stands within its signature: each is held in memory as a whole.
	maxWrapped = 2
	maxParts   = 250
	maxFiles   = 100
	// maxHeader bounds the header of a mail or of a part, in bytes.
	maxHeader = 128 << 10
	// maxWords bounds what is read of one text part, in bytes; maxText the text that goes into a Message, in
	// characters. A longer one is cut with a mark, and goes along whole as a file.
	maxWords = 1 << 20
	maxText  = 20000
)

// errTangled means that a mail is built in a way that no person's program builds it.
var errTangled = errors.New("too many parts or headers")

// parsed is a mail taken apart. Its files read from a spool that lives as long as the mail is worked on.
type parsed struct {
	header textproto.Header
	text   string
	files  []channels.File
	report []byte // the delivery-status part of a delivery report (RFC 3464, RFC 6533)
	// feedback is the first part of a complaint that a program reads (RFC 5965).
	feedback []byte
	page     string // the first part in HTML
}

// parser walks through the parts of one mail, once and in order, and unpacks the files into a spool.
type parser struct {
	out   *channels.Spool
	parts int
	mail  parsed
}

// body is what a part contributes to the text.
type body struct{ plain, html string }

// parse takes the mail in raw apart and unpacks its files into out.
func parse(raw io.Reader, out *channels.Spool) (parsed, error) {
	limited := &io.LimitedReader{R: raw, N: maxHeader}
	r := bufio.NewReader(limited)
	h := readHeader(r)
	if limited.N <= 0 {
		return parsed{}, errTangled
	}
	limited.N = 1 << 62
	p := parser{out: out, mail: parsed{header: h}}
	b, err := p.part(h, r, 0)
	if err != nil {
		return parsed{}, err
	}
	return p.mail, p.say(b)
}

// readHeader reads a header and passes over a few lines that are none; after more of them the body begins.
func readHeader(r *bufio.Reader) textproto.Header {
	if first, _ := r.Peek(1000); !startsHeader(first) {
		return textproto.Header{}
	}
	h, err := textproto.ReadHeader(r)
	for i := 0; err != nil && h.Len() > 0 && i < 5; i++ {
		var more textproto.Header
		more, err = textproto.ReadHeader(r)
		for f := more.Fields(); f.Next(); {
			h.Add(f.Key(), f.Value())
		}
	}
	return h
}

// startsHeader tells whether a mail begins with a header, if only an empty one, and not straight with its words.
func startsHeader(b []byte) bool {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return len(bytes.TrimSpace(line)) == 0 || bytes.IndexByte(line, ':') > 0
}

// part reads one part and all within it. A part that ends too early counts as far as it came: multipart readers say
// io.ErrUnexpectedEOF for it, and whether the mail itself came whole is the server's to know.
func (p *parser) part(h textproto.Header, r io.Reader, depth int) (body, error) {
	if p.parts++; p.parts > maxParts || depth > maxDepth || size(h) > maxHeader {
		return body{}, errTangled
	}
	t, params := kind(h)
	if strings.HasPrefix(t, "multipart/") && params["boundary"] != "" {
		return p.many(t, params["boundary"], r, depth)
	}
	how, more := disposition(h)
	name := fileName(more, params)
	r = unfold(h.Get("Content-Transfer-Encoding"), r)
	switch {
	case t == "application/pkcs7-signature" || t == "application/x-pkcs7-signature": // prove has what it says; it is nothing to read
		return body{}, nil
	case smime.Opaque(t, params):
		return p.opaque(name, t, r, depth)
	case (t == "message/delivery-status" || t == "message/global-delivery-status") && p.mail.report == nil:
		return body{}, fields(r, &p.mail.report)
	case t == "message/feedback-report" && p.mail.feedback == nil:
		return body{}, fields(r, &p.mail.feedback)
	case (t == "text/plain" || t == "text/html" || strings.HasPrefix(t, "multipart/")) && how != "attachment" && name == "":
		return p.words(t, params["charset"], r)
	}
	return body{}, p.file(name, t, r)
}

// opaque reads what stands within a signature (RFC 8551 §3.5.2). Who signed it is prove's to say; what can't be unwrapped is a
// file.
func (p *parser) opaque(name, t string, r io.Reader, depth int) (body, error) {
	der, err := io.ReadAll(io.LimitReader(r, smime.MaxMail+1))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return body{}, fmt.Errorf("read signed part: %w", err)
	}
	content, err := smime.Content(der)
	if err != nil || depth > maxWrapped {
		return body{}, p.file(name, t, bytes.NewReader(der))
	}
	inner := bufio.NewReader(bytes.NewReader(content))
	return p.part(readHeader(inner), inner, depth+1)
}

// many reads a multipart: of alternatives the first of each sort, of all else one after the other.
func (p *parser) many(t, boundary string, r io.Reader, depth int) (body, error) {
	var all body
	m := textproto.NewMultipartReader(r, boundary)
	for {
		part, err := m.NextPart()
		if err != nil {
			// A missing last boundary or a broken header ends the mail as people's programs end it.
			break
		}
		b, err := p.part(part.Header, part, depth+1)
		if err != nil {
			return body{}, err
		}
		if t == "multipart/alternative" {
			all = body{either(all.plain, b.plain), either(all.html, b.html)}
		} else {
			all = body{join(all.plain, b.readable()), ""}
		}
	}
	if t == "multipart/alternative" {
		return body{plain: all.readable()}, nil
	}
	return all, nil
}

func either(a, b string) string {
	if strings.TrimSpace(a) != "" {
		return a
	}
	return b
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return strings.TrimRight(a, "\n") + "\n\n" + b
}

// readable is the plain text, or the page put into words.
func (b body) readable() string {
	if strings.TrimSpace(b.plain) != "" || b.html == "" {
		return b.plain
	}
	return fromHTML(b.html)
}

func (p *parser) words(t, charset string, r io.Reader) (body, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxWords+1))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return body{}, fmt.Errorf("read text part: %w", err)
	}
	if len(raw) > maxWords {
		return body{}, channels.ErrTooLarge
	}
	w := words(charset, raw)
	if t == "text/html" {
		p.mail.page = either(p.mail.page, w)
		return body{html: w}, nil
	}
	return body{plain: w}, nil
}

// fields keeps a part that a program reads.
func fields(r io.Reader, into *[]byte) error {
	b, err := io.ReadAll(io.LimitReader(r, maxHeader))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read report: %w", err)
	}
	*into = b
	return nil
}

// file unpacks a part into the spool.
func (p *parser) file(name, t string, r io.Reader) error {
	if len(p.mail.files) >= maxFiles {
		return errTangled
	}
	start := p.out.Size()
	if _, err := io.Copy(p.out, r); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("unpack file: %w", err)
	}
	if name == "" {
		name = fmt.Sprintf("file-%d%s", len(p.mail.files)+1, extension(t))
	}
	p.add(name, t, start)
	return nil
}

// add makes a File of what was written to the spool since start.
func (p *parser) add(name, t string, start int64) {
	n := p.out.Size() - start
	out := p.out
	p.mail.files = append(p.mail.files, channels.File{
		Name: name, Type: t, Size: n,
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(out.Section(start, n)), nil },
	})
}

// extension is the usual ending of a media type, for a part without a name.
func extension(t string) string {
	switch t {
	case "message/rfc822":
		return ".eml"
	case "text/plain":
		return ".txt"
	case "image/jpeg":
		return ".jpg"
	}
	if all, err := mime.ExtensionsByType(t); err == nil && len(all) > 0 {
		return all[0]
	}
	return ""
}

// keepTable gives the mail's page as a file where somebody declares with a table pasted into it: the words alone lose which
// cell is in which column. A mail with another file than pictures, or than its own proof, declares with that.
func (p *parsed) keepTable(out *channels.Spool) error {
	other := func(f channels.File) bool {
		return !strings.HasPrefix(f.Type, "image/") && !strings.HasSuffix(f.Type, "-signature")
	}
	if strings.Count(strings.ToLower(p.page), "<tr") < 2 || slices.ContainsFunc(p.files, other) || len(p.files) >= maxFiles {
		return nil
	}
	w := parser{out: out, mail: *p}
	start := out.Size()
	if _, err := io.WriteString(out, p.page); err != nil {
		return fmt.Errorf("keep page: %w", err)
	}
	w.add("message.html", "text/html; charset=utf-8", start)
	p.files = w.mail.files
	return nil
}

// say settles the text: without what the person quotes of us, and not longer than a Message may be.
func (p *parser) say(b body) error {
	t := thread(p.mail.header)
	answer := t.InReplyTo != "" || len(t.References) > 0
	p.mail.text = strip(b.readable(), answer)
	if len(p.mail.text) <= maxText {
		return nil
	}
	r := []rune(p.mail.text)
	if len(r) <= maxText {
		return nil
	}
	start := p.out.Size()
	if _, err := io.WriteString(p.out, p.mail.text); err != nil {
		return fmt.Errorf("keep text: %w", err)
	}
	p.add("message.txt", "text/plain; charset=utf-8", start)
	p.mail.text = string(r[:maxText]) + "\n[…]"
	return nil
}

func size(h textproto.Header) int {
	n := 0
	for f := h.Fields(); f.Next(); {
		n += len(f.Key()) + len(f.Value())
	}
	return n
}
