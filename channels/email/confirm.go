package email

import (
	"context"
	"fmt"
	"io"
	"strings"

	"gatehouse/channels"
)

// wish is what a sender asked to hear of one recipient (RFC 3461 §4).
type wish struct {
	success  bool
	address  string // of ours
	original string // ORCPT, "rfc822;ann@example.net"; empty: not given
}

// maxConfirming bounds how many confirmations are sent at a time; one more is left out.
const maxConfirming = 4

// confirm tells a sender who asked for it (NOTIFY=SUCCESS) that a mail was delivered: it is stored, so that it is. It is
// tried once. Only a sender whose domain vouches for the mail gets one: to any other it would be mail that they may never
// have asked for.
func (c *Channel) confirm(ctx context.Context, e envelope, m channels.Message) {
	_, from, _ := cutAddress(e.from)
	_, author, _ := cutAddress(m.From.Value)
	text := c.confirmation(e)
	if text == "" || m.Trust == channels.Unverified || m.Trust == "" || asciiDomain(from) != asciiDomain(author) || person(e.from) == "" || c.book.machine(e.from) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() != nil || c.confirming >= maxConfirming {
		return
	}
	c.confirming++
	c.confirms.Go(func() {
		defer c.confirmed()
		l := letter{to: person(e.from), utf8: !ascii(e.from), size: int64(len(text)), body: func() io.Reader { return strings.NewReader(text) }}
		if _, at, err := c.relay.send(ctx, l); err != nil {
			c.shared.Log.DebugContext(ctx, "confirmation not sent", "err", failure(at, err))
		}
	})
}

func (c *Channel) confirmed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.confirming--
}

// confirmation is the report (RFC 3464) on the recipients of whom one was asked for; empty: of none.
func (c *Channel) confirmation(e envelope) string {
	var groups strings.Builder
	for _, w := range e.wishes {
		if !w.success {
			continue
		}
		groups.WriteString("\r\n")
		if w.original != "" {
			fmt.Fprintf(&groups, "Original-Recipient: %s\r\n", w.original)
		}
		fmt.Fprintf(&groups, "Final-Recipient: rfc822; %s\r\nAction: delivered\r\nStatus: 2.0.0\r\n", w.address)
	}
	if groups.Len() == 0 {
		return ""
	}
	envelopeID := ""
	if e.id != "" {
		envelopeID = "Original-Envelope-Id: " + e.id + "\r\n"
	}
	now, id := c.shared.Now(), c.shared.NewID()
	return fmt.Sprintf("From: Mail Delivery System <postmaster@%[1]s>\r\nTo: <%[2]s>\r\nSubject: Delivered\r\nDate: %[3]s\r\nMessage-ID: <%[4]s>\r\n"+
		"Auto-Submitted: auto-replied\r\nX-Loop: %[5]s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=%[6]q\r\n\r\n"+
		"--%[6]s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nYour mail was delivered.\r\n\r\n"+
		"--%[6]s\r\nContent-Type: message/delivery-status\r\n\r\n%[7]sReporting-MTA: dns; %[8]s\r\nArrival-Date: %[3]s\r\n%[9]s\r\n--%[6]s--\r\n",
		c.book.domain, person(e.from), now.Format("Mon, 02 Jan 2006 15:04:05 -0700"), c.messageID(id), c.book.help(), "report-"+strings.Trim(c.messageID(id), "<>")[:8],
		envelopeID, c.config.Hostname, groups.String())
}

// stated is a parameter of the envelope as it may stand in a report: one word of plain letters, else nothing.
func stated(s string) string {
	if len(s) > maxAddress || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return s
}
