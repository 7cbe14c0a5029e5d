package sms

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"gatehouse/channels"

	"github.com/twilio/twilio-go/client"
)

// row is what one of Twilio's error codes means for the sender.
type row struct {
	code int
	kind channels.Kind
	why  string
}

// rows is Twilio's error dictionary (twilio.com/docs/api/errors) as far as texts meet it: first what the API answers,
// then what a status callback brings. What concerns one person's number is never Misconfigured, because that stops
// the channel for everybody.
func rows() []row {
	return []row{
		{10001, channels.Misconfigured, "the account is not active"},
		{20003, channels.Misconfigured, "account sid and auth token do not match"},
		{20005, channels.Misconfigured, "the account is not active"},
		{20006, channels.Misconfigured, "the account has no access"},
		{20008, channels.Misconfigured, "test credentials"},
		{20403, channels.Misconfigured, "the account may not do this"},
		{20404, channels.Misconfigured, "the account or service does not exist"},
		{20429, channels.Throttled, "too many requests"},
		{20500, channels.Temporary, "internal error"},
		{20503, channels.Temporary, "service unavailable"},
		{21211, channels.Unreachable, "not a telephone number"},
		{21212, channels.Misconfigured, "from is not a telephone number"},
		{21217, channels.Unreachable, "not a telephone number"},
		{21222, channels.Misconfigured, "account sid with illegal signs"},
		{21224, channels.Misconfigured, "auth token with illegal signs"},
		{21265, channels.Unreachable, "short codes can't be texted"},
		{21266, channels.Unreachable, "the number is our own"},
		{21267, channels.Misconfigured, "a trial account has no alphanumeric sender"},
		{21408, channels.Unreachable, "the account may not text this country"},
		{21601, channels.Misconfigured, "from can't send texts"},
		{21602, channels.Rejected, "no body"},
		{21603, channels.Misconfigured, "no from"},
		{21604, channels.Unreachable, "no recipient"},
		{21605, channels.Rejected, "body too long"},
		{21606, channels.Misconfigured, "from can't text this number"},
		{21607, channels.Misconfigured, "from is not ours"},
		{21608, channels.Unreachable, "a trial account texts verified numbers alone"},
		{21609, channels.Misconfigured, "the status callback is not a public URL"},
		{21610, channels.Stopped, "the person opted out"},
		{21611, channels.Throttled, "too many texts wait for this sender"},
		{21612, channels.Unreachable, "no route to this number"},
		{21614, channels.Unreachable, "not a mobile number"},
		{21617, channels.Rejected, "body too long"},
		{21619, channels.Rejected, "no body"},
		{21635, channels.Unreachable, "a landline"},
		{21659, channels.Misconfigured, "from is not a number of Twilio's"},
		{21660, channels.Misconfigured, "from belongs to another account"},
		{21661, channels.Misconfigured, "from can't send texts"},
		{21701, channels.Misconfigured, "the messaging service does not exist"},
		{21703, channels.Misconfigured, "the messaging service has no numbers"},
		{21704, channels.Misconfigured, "the messaging service has no numbers"},
		{21705, channels.Misconfigured, "the messaging service does not exist"},
		{21730, channels.Temporary, "maintenance"},

		{30001, channels.Throttled, "too many texts wait"},
		{30002, channels.Misconfigured, "the account is suspended"},
		{30003, channels.Unreachable, "the handset can't be reached"},
		{30004, channels.Unreachable, "the number refuses such texts"},
		{30005, channels.Unreachable, "unknown number"},
		{30006, channels.Unreachable, "a landline, or no route to its carrier"},
		{30007, channels.Rejected, "filtered as unwanted"},
		{30008, channels.Temporary, "unknown error of the carrier"},
		{30009, channels.Temporary, "a segment got lost"},
		{30010, channels.Rejected, "dearer than allowed"},
		{30011, channels.Unreachable, "no pictures to this number"},
		{30012, channels.Misconfigured, "validity period too short"},
		{30013, channels.Misconfigured, "validity period too long"},
		{30017, channels.Temporary, "the carrier's network is congested"},
		{30021, channels.Temporary, "internal error"},
		{30022, channels.Throttled, "over the carrier's rate"},
		{30023, channels.Throttled, "over the carrier's day limit"},
		{30024, channels.Misconfigured, "the sender is not provisioned"},
		{30027, channels.Throttled, "over the carrier's day limit"},
		{30032, channels.Misconfigured, "the toll-free number is not verified"},
		{30033, channels.Misconfigured, "the campaign is suspended"},
		{30034, channels.Misconfigured, "the number is not registered with a campaign"},
		{30035, channels.Temporary, "the number is being set up"},
		{30036, channels.Temporary, "not sent within its validity period"},
		{30037, channels.Misconfigured, "outbound texts are disabled"},
		{30410, channels.Temporary, "the carrier timed out"},
		{30500, channels.Temporary, "internal error"},
	}
}

func rowOf(code int) (row, bool) {
	for _, r := range rows() {
		if r.code == code {
			return r, true
		}
	}
	return row{}, false
}

// Waiting times when Twilio throttles: what is assumed when it names none, and the longest that is believed.
const (
	defaultAfter = time.Second
	longestAfter = time.Hour
)

// failure turns what a call met into the closed set of kinds. Twilio's own sentences are left out: some quote the
// recipient's number.
func (c *Channel) failure(err error, x *trip) *channels.Error {
	refusal := new(client.TwilioRestError)
	switch {
	case errors.As(err, &refusal) && refusal.Code != 0:
		return refused(refusal.Code, max(refusal.Status, x.status), x.after(c.shared.Now()))
	case x.status >= 400:
		e := byStatus(x.status, x.after(c.shared.Now()))
		// Without Twilio's own error it was something on the way that answered: the message may have got through.
		e.Uncertain = x.status >= 500
		return e
	case x.status >= 300:
		return &channels.Error{Kind: channels.Misconfigured, Code: httpCode(x.status), Err: errors.New("base_url redirects")}
	}
	return &channels.Error{Kind: channels.Temporary, Err: bare(err), Uncertain: x.held.Load()}
}

func refused(code, status int, after time.Duration) *channels.Error {
	r, ok := rowOf(code)
	if !ok {
		e := byStatus(status, after)
		e.Code = strconv.Itoa(code)
		return e
	}
	e := &channels.Error{Kind: r.kind, Code: strconv.Itoa(code), Err: errors.New(r.why)}
	if r.kind == channels.Throttled {
		e.After = after
	}
	return e
}

func byStatus(status int, after time.Duration) *channels.Error {
	e := &channels.Error{Code: httpCode(status), Err: fmt.Errorf("twilio answers %d", status)}
	switch {
	case status == http.StatusTooManyRequests:
		e.Kind, e.After = channels.Throttled, after
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound:
		e.Kind = channels.Misconfigured
	case status >= 500:
		e.Kind = channels.Temporary
	default:
		e.Kind = channels.Rejected
	}
	return e
}

func httpCode(status int) string { return "HTTP " + strconv.Itoa(status) }

// retryAfter reads the header of that name (RFC 9110 §10.2.3).
func retryAfter(h string, now time.Time) time.Duration {
	after := defaultAfter
	if seconds, err := strconv.Atoi(h); err == nil {
		after = time.Duration(min(seconds, int(longestAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(h); err == nil {
		after = at.Sub(now)
	}
	if after <= 0 {
		return defaultAfter
	}
	return min(after, longestAfter)
}
