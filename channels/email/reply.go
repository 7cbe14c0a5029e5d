package email

import (
	"crypto/tls"
	"errors"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"gatehouse/channels"
)

// stage is where in the dialogue with the relay an answer was given.
type stage string

const (
	connecting stage = "connect"
	greeting   stage = "greet"
	securing   stage = "starttls"
	proving    stage = "auth"
	mailing    stage = "mail"
	naming     stage = "rcpt"
	offering   stage = "data"
	handing    stage = "end of data" // after the dot: the relay may have taken the mail
)

// backOff is how long a relay that asks for a pause is left alone; SMTP has no word for how long.
const backOff = time.Minute

// failure makes an *channels.Error of what went wrong at a stage. A relay's text goes no further than its class: it
// often repeats the address.
func failure(at stage, err error) *channels.Error {
	var refusal *textproto.Error
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		return &channels.Error{Kind: channels.Misconfigured, Code: "certificate", Err: errors.New("the relay's certificate is not trusted")}
	}
	if errors.Is(err, errUTF8) {
		return &channels.Error{Kind: channels.Rejected, Code: "smtputf8", Err: errUTF8}
	}
	if !errors.As(err, &refusal) {
		return &channels.Error{Kind: channels.Temporary, Code: string(at), Err: lost(at, err), Uncertain: at == handing}
	}
	first, _, _ := strings.Cut(refusal.Msg, " ")
	e, ok := enhanced(first)
	code := strconv.Itoa(refusal.Code)
	if ok {
		code += " " + first
	}
	kind := replyKind(at, refusal.Code, e, ok, refusal.Msg)
	result := &channels.Error{Kind: kind, Code: code, Err: errors.New("relay refused at " + string(at))}
	if kind == channels.Throttled {
		result.After = backOff
	}
	return result
}

// lost hides everything of a transport error but its sort, because TLS and dial errors may quote names.
func lost(at stage, err error) error {
	if errors.Is(err, errSlow) {
		return errors.New("relay did not answer in time at " + string(at))
	}
	return errors.New("no connection to the relay at " + string(at))
}

var errSlow = errors.New("time-out")

// errUTF8 ends a mail that the relay can't carry; the address itself may be right.
var errUTF8 = errors.New("the address has letters that the relay does not take (it offers no SMTPUTF8)")

// replyKind is the table of SMTP answers: RFC 5321 §4.2.3 for the code, RFC 3463 and its registry for the enhanced one.
func replyKind(at stage, code int, e [3]int, ok bool, text string) channels.Kind {
	relaying := strings.Contains(strings.ToLower(text), "relay")
	switch {
	case code == 421:
		return channels.Throttled
	case code < 400 || code >= 600: // not an answer to what was asked
		return channels.Temporary
	case code < 500:
		return passing(code, e, ok)
	case at == proving, at == greeting, at == securing, at == connecting, code == 530, code == 535, code == 534, code == 538:
		return channels.Misconfigured
	case at == naming && relaying && (!ok || e[1] == 7 || e[1] == 0):
		return channels.Misconfigured // "relaying denied": our relay does not know us
	case ok:
		return enhancedKind(e)
	case at == naming && (code == 550 || code == 551 || code == 553):
		return channels.Unreachable
	}
	return channels.Rejected
}

// passing sorts the answers that time may change.
func passing(code int, e [3]int, ok bool) channels.Kind {
	switch {
	case ok && (e[1] == 7 && e[2] != 5), ok && e[1] == 3, ok && e == [3]int{4, 4, 5}, ok && e == [3]int{4, 5, 3}:
		return channels.Throttled // policy (grey-listing, rate), system, congestion
	case !ok && code == 452:
		return channels.Throttled
	}
	return channels.Temporary
}

// enhancedKind sorts a permanent enhanced code.
func enhancedKind(e [3]int) channels.Kind {
	switch {
	case e[1] == 1 && (e[2] == 7 || e[2] == 8): // our own sender address
		return channels.Misconfigured
	case e[1] == 1, e == [3]int{5, 2, 1}, e[1] == 4 && e[2] != 6, e == [3]int{5, 6, 7}:
		return channels.Unreachable
	case e[1] == 7 && (e[2] == 8 || e[2] == 9 || e[2] == 11 || e[2] == 14):
		return channels.Misconfigured // authentication
	}
	return channels.Rejected
}

// enhanced reads "5.1.1".
func enhanced(s string) (e [3]int, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return e, false
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 10)
		if err != nil {
			return e, false
		}
		e[i] = int(n)
	}
	return e, e[0] == 2 || e[0] == 4 || e[0] == 5
}

// queueID finds the relay's name for a mail in its answer: "queued as X" (Postfix), "id=X" (Exim), "queued mail for
// delivery [X]" and the like are left out.
func queueID(text string) string {
	for _, mark := range []string{"queued as ", "id="} {
		if i := strings.Index(text, mark); i >= 0 {
			rest := text[i+len(mark):]
			end := strings.IndexFunc(rest, func(r rune) bool { return r > '~' || !(letterOrDigit(byte(r)) || strings.ContainsRune("-._", r)) })
			if end < 0 {
				end = len(rest)
			}
			return strings.TrimRight(rest[:min(end, 64)], ".")
		}
	}
	return ""
}
