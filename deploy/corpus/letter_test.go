package corpus

import (
	"encoding/base64"
	"fmt"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"

	"gatehouse/deploy/carriers/relay"
)

// letter is what somebody's program sends. Its zero value is a mail from an address of lodging.example of the row's own, to
// help@, with a few words.
type letter struct {
	// from is the From field as it is written; empty: the row's own address.
	from string
	// answer is where an answer goes, if not to the one address in from.
	answer string
	// sender is that of the envelope; empty: the address in from; "<>": none, as of a report.
	sender string
	// to is the local part at portlumen.example, or a whole address; empty: help.
	to      string
	subject string
	// head are more header lines, one or several; a line that begins with "Message-ID:" replaces the usual one.
	head string
	// mime is the rest of the mail from its Content- fields on; empty: a word of thanks in plain ASCII.
	mime string
	// re names a row whose reply this answers: by recipient, subject and In-Reply-To, from the same address. Of these an
	// own to, subject and from stay as they are.
	re string
	// loose: the reply's header fields are not answered to, only its address is.
	loose bool
	// bounces names a row whose reply is reported on: the recipient is the reply's envelope sender.
	bounces string
	// again names a row whose mail is sent once more, as it was.
	again string
	// utf8 announces an internationalised mail (RFC 6531).
	utf8 bool
	// dkim are the domains that sign it, the last one on top.
	dkim []string
	// last changes the finished bytes: what happened to the mail on its way.
	last func(t *testing.T, p *people, raw string) string
}

// written is a letter with everything filled in.
type written struct {
	row, raw, sender, to, answer string // answer: where a reply would come
	id                           string // Message-ID without brackets
	utf8                         bool
}

// slug makes a local part of a row's name.
func slug(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name)), "-")
}

// write fills a letter in. before is the reply that it answers.
func (l letter) write(t *testing.T, p *people, name string, before *seen) written {
	t.Helper()
	own := slug(name)
	if len(own) > 40 {
		own = own[:40]
	}
	w := written{row: name, utf8: l.utf8, id: own + "@mua.example"}
	from, to, subject, head := l.from, l.to, l.subject, l.head
	if before != nil {
		r := before.reply()
		if l.re != "" {
			from, to, subject = or(from, before.sent.answer), or(to, address(r.From)), or(subject, "Re: "+r.Subject)
			if !l.loose {
				head += "In-Reply-To: <" + r.MessageID + ">\nReferences: <" + strings.Join(append(r.References, r.MessageID), ">\n <") + ">\n"
			}
		} else {
			to = or(to, r.EnvelopeFrom)
		}
		l.mime = strings.NewReplacer("{quoted}", quoted(r), "{back}", r.EnvelopeFrom).Replace(l.mime)
	}
	from = or(from, own+"@lodging.example")
	w.answer = or(l.answer, address(from))
	w.sender = or(l.sender, w.answer)
	if w.to = or(to, "help"); !strings.Contains(w.to, "@") {
		w.to += "@portlumen.example"
	}
	if w.sender == "<>" {
		w.sender = ""
	}
	w.raw = "From: " + from + "\nTo: " + w.to + "\nSubject: " + subject + "\nDate: Mon, 23 Nov 2026 10:00:00 +0000\n"
	if !strings.Contains(head, "Message-ID:") {
		w.raw += "Message-ID: <" + w.id + ">\n"
	}
	w.raw = crlf(w.raw + head + or(l.mime, plain("Thank you.")))
	for _, d := range l.dkim {
		w.raw = p.signed(t, w.raw, d)
	}
	if l.last != nil {
		w.raw = l.last(t, p, w.raw)
	}
	return w
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// address takes the one out of a From field, however odd: the last in angle brackets, else all.
func address(from string) string {
	if a, err := mail.ParseAddress(from); err == nil {
		return a.Address
	}
	if i := strings.LastIndex(from, "<"); i >= 0 {
		a, _, _ := strings.Cut(from[i+1:], ">")
		return a
	}
	return from
}

func crlf(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}

// quoted is a reply as a program quotes it.
func quoted(m relay.Mail) string {
	return "On Mon, 23 Nov 2026 at 09:14, Port Lumen <" + address(m.From) + ">\nwrote:\n\n> " + strings.ReplaceAll(strings.TrimSpace(m.Text), "\n", "\n> ") + "\n"
}

// The parts of a mail. Each gives its Content- fields, an empty line and its content.

func plain(text string) string { return typed("text/plain; charset=us-ascii", text) }

func utf8Text(text string) string {
	return typed("text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit", text)
}

func html(page string) string { return typed("text/html; charset=utf-8", page) }

func typed(kind, content string) string {
	return "MIME-Version: 1.0\nContent-Type: " + kind + "\n\n" + content + "\n"
}

// coded is a part in base64.
func coded(kind string, content []byte) string {
	s := base64.StdEncoding.EncodeToString(content)
	var lines []string
	for len(s) > 76 {
		lines, s = append(lines, s[:76]), s[76:]
	}
	return typed(kind+"\nContent-Transfer-Encoding: base64", strings.Join(append(lines, s), "\n"))
}

// printable is a part in quoted-printable.
func printable(kind, content string) string {
	var b strings.Builder
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(content)) // a strings.Builder takes all
	_ = w.Close()
	return typed(kind+"\nContent-Transfer-Encoding: quoted-printable", b.String())
}

// attached is a file as most programs send it.
func attached(name, kind, content string) string {
	return coded(kind+"; name=\""+name+"\"\nContent-Disposition: attachment; filename=\""+name+"\"", []byte(content))
}

// many joins parts: mixed, alternative, related …
func many(sort string, parts ...string) string {
	boundary := fmt.Sprintf("=_%s-%d", sort, len(strings.Join(parts, "")))
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("--" + boundary + "\n" + strings.TrimPrefix(p, "MIME-Version: 1.0\n") + "\n")
	}
	return typed("multipart/"+sort+"; boundary=\""+boundary+"\"", b.String()+"--"+boundary+"--")
}

func mixed(parts ...string) string { return many("mixed", parts...) }
