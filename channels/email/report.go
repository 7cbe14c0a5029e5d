package email

import (
	"regexp"
	"strings"
	"time"

	"gatehouse/channels"
)

// maxRecipients bounds the recipients of a delivery report that are looked at. A mail of ours has one; a forwarding
// address or a list behind it may have more.
const maxRecipients = 50

// outcome is what a report says of one recipient (RFC 3464 §2.3).
type outcome struct{ action, status, diagnostic string }

// verdict reads a delivery-status part (RFC 3464 §2, in UTF-8 RFC 6533 §3): the word on a message of ours. A mail has one
// recipient; where a report names several, the address was forwarded, and it failed only if nobody got it. False:
// nothing is said that counts, as when the mail was handed to a server that reports nothing.
func verdict(part []byte, id string, now time.Time) (channels.Receipt, bool) {
	var failed, delayed *outcome
	reached, passed := false, false
	for _, o := range outcomes(part) {
		switch o.action {
		case "delivered":
			reached = true
		case "relayed", "expanded":
			passed = true
		case "failed":
			if failed == nil {
				failed = &o
			}
		case "delayed":
			delayed = &o
		}
	}
	r := channels.Receipt{MessageID: id, Channel: Name, At: now}
	switch {
	case reached:
		r.State = channels.Delivered
	case passed:
		return channels.Receipt{}, false
	case failed != nil:
		r.State = channels.Failed
		r.Err = &channels.Error{Kind: failed.kind(), Code: failed.code()}
	case delayed != nil:
		r.State = channels.Delayed
		r.Err = &channels.Error{Kind: channels.Temporary, Code: delayed.code()}
	default:
		return channels.Receipt{}, false
	}
	return r, true
}

// outcomes gives what a report says of each recipient. Its first group of fields is about the mail itself; servers that
// leave it out, or the blank line after it, are read all the same.
func outcomes(part []byte) []outcome {
	var all []outcome
	for _, group := range groups(part) {
		o := outcome{strings.ToLower(group["action"]), group["status"], group["diagnostic-code"]}
		if code := statusCode(o.status, false); o.action == "" && code != "" { // some servers give the status alone
			o.action = map[byte]string{'2': "delivered", '4': "delayed", '5': "failed"}[code[0]]
		}
		if o.action != "" && len(all) < maxRecipients {
			all = append(all, o)
		}
	}
	return all
}

// groups reads fields in groups with blank lines between them, keys in lower case. Of a field that comes twice the first
// counts; a line that is no field is passed over.
func groups(part []byte) []map[string]string {
	var all []map[string]string
	fields, key := map[string]string{}, ""
	end := func() {
		if len(fields) > 0 {
			all = append(all, fields)
		}
		fields, key = map[string]string{}, ""
	}
	for line := range strings.Lines(string(part)) {
		folded := line[0] == ' ' || line[0] == '\t'
		line = strings.TrimSpace(line)
		name, value, ok := strings.Cut(line, ":")
		switch {
		case line == "":
			end()
		case folded && key != "":
			fields[key] = strings.TrimSpace(fields[key] + " " + line)
		case folded || !ok:
			key = ""
		default:
			if key = strings.ToLower(strings.TrimSpace(name)); fields[key] != "" {
				key = ""
				continue
			}
			fields[key] = strings.TrimSpace(value)
		}
	}
	end()
	return all
}

// A code of RFC 3463 and a reply of SMTP within words.
var (
	statusWithin = regexp.MustCompile(`(?:^|[^0-9.])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:$|[^0-9.])`)
	replyWithin  = regexp.MustCompile(`(?:^|[^0-9.])(55[0-4])(?:$|[^0-9.])`)
)

// statusCode is an enhanced code (RFC 3463), without the comment that may follow; within words, too, where anywhere says
// so. Empty: there is none.
func statusCode(s string, anywhere bool) string {
	if f := strings.Fields(s); len(f) > 0 {
		if _, ok := enhanced(f[0]); ok {
			return f[0]
		}
	}
	if m := statusWithin.FindStringSubmatch(s); anywhere && m != nil {
		return m[1]
	}
	return ""
}

// code is the most that a report says about why: its status, or where that is general (5.0.0), what the far server said.
func (o outcome) code() string {
	own := statusCode(o.status, false)
	if own != "" && !strings.HasSuffix(own, ".0.0") {
		return own
	}
	if said := statusCode(o.diagnostic, true); said != "" && (own == "" || said[0] == own[0]) {
		return said
	}
	if m := replyWithin.FindStringSubmatch(o.diagnostic); own == "" && m != nil {
		return m[1]
	}
	return own
}

// kind is what a failed delivery means: Unreachable when the address is to blame or nobody could be reached until the
// carrier gave up, Rejected when this one mail was not wanted.
func (o outcome) kind() channels.Kind {
	code := o.code()
	if e, ok := enhanced(code); ok && enhancedKind(e) != channels.Unreachable || code == "552" || code == "554" {
		return channels.Rejected
	}
	return channels.Unreachable
}

// guess reads a bounce that is no report of RFC 3464. It counts only what a mail system writes itself (Exim's and qmail's
// own, and those built like them), names a lasting fault and does not speak of a delay; all else is no report.
func guess(mail parsed, id string, now time.Time) (channels.Receipt, bool) {
	local, _, _ := cutAddress(strings.ToLower(sender(mail.header, "")))
	system := local == "mailer-daemon" || local == "postmaster" || local == "mail-daemon"
	subject := strings.ToLower(decoded(field(mail.header, "Subject"), maxSubject))
	if strings.Contains(subject, "delay") || strings.Contains(subject, "warning") || strings.Contains(subject, "auto") {
		return channels.Receipt{}, false
	}
	o := outcome{action: "failed", diagnostic: mail.text[:min(len(mail.text), maxGuess)]}
	code := o.code()
	if !system || code == "" && !mail.header.Has("X-Failed-Recipients") || code != "" && code[0] != '5' {
		return channels.Receipt{}, false
	}
	return channels.Receipt{MessageID: id, Channel: Name, State: channels.Failed, At: now,
		Err: &channels.Error{Kind: o.kind(), Code: o.code()}}, true
}

// maxGuess bounds the words of a bounce that are looked through, in bytes: what it returns of the mail stands below.
const maxGuess = 4 << 10
