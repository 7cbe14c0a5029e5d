package relay

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"time"
)

// failure is what a report says of one recipient.
type failure struct {
	action string // failed or delayed (RFC 3464 §2.3.3)
	status string // RFC 3463
	remote string // what the far server said
}

// report sends a delivery status notification to the envelope's sender, unless there is none (RFC 3464; RFC 5321
// §4.5.5 forbids a report on a report).
func (r *Relay) report(m Mail, to string, f failure, after time.Duration) {
	if m.EnvelopeFrom == "" {
		return
	}
	r.counts.reports.Add(1)
	raw := r.dsn(m, to, f)
	rep := Read(raw)
	rep.EnvelopeTo, rep.At = []string{m.EnvelopeFrom}, r.house.Now()
	if !r.forGateway(m.EnvelopeFrom) {
		r.mails.Put(lower(m.EnvelopeFrom), rep)
		return
	}
	r.deliver(rep, []string{m.EnvelopeFrom}, "report to "+m.EnvelopeFrom, after, func(State, string, bool) {})
}

// dsn writes the report: for a person, for a program, and the header of what it is about.
func (r *Relay) dsn(m Mail, to string, f failure) []byte {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part := func(kind, text string) {
		p, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {kind}})
		if err == nil { // a buffer takes everything
			_, _ = p.Write([]byte(text))
		}
	}
	what := "could not be delivered"
	if f.action == "delayed" {
		what = "is delayed and will be tried again"
	}
	part("text/plain; charset=utf-8", fmt.Sprintf("Your message to %s %s.\r\n\r\nThe remote server said: %s\r\n", to, what, f.remote))
	part("message/delivery-status", fmt.Sprintf("Reporting-MTA: dns; %s\r\nArrival-Date: %s\r\n\r\n"+
		"Final-Recipient: rfc822; %s\r\nAction: %s\r\nStatus: %s\r\nDiagnostic-Code: smtp; %s\r\n",
		r.cfg.Hostname, m.At.Format(time.RFC1123Z), to, f.action, f.status, f.remote))
	head, _, _ := bytes.Cut(m.Raw, []byte("\r\n\r\n"))
	part("text/rfc822-headers", string(head)+"\r\n")
	_ = w.Close() // a buffer takes everything

	var out bytes.Buffer
	fmt.Fprintf(&out, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\nTo: <%s>\r\nSubject: Delivery report: %s\r\n"+
		"Date: %s\r\nMessage-ID: <%s@%s>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: multipart/report; report-type=delivery-status; boundary=%q\r\n\r\n",
		r.cfg.Hostname, m.EnvelopeFrom, f.action, r.house.Now().Format(time.RFC1123Z), newID(), r.cfg.Hostname, w.Boundary())
	out.Write(body.Bytes())
	return out.Bytes()
}
