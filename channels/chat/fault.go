package chat

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gatehouse/channels"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// row is what one of Telegram's refusals means for the sender. The Bot API has no codes finer than HTTP's; its
// server's sentences (github.com/tdlib/telegram-bot-api) tell them apart.
type row struct {
	status int
	phrase string // lower case, part of the description; "" fits all
	kind   channels.Kind
	why    string
}

// rows are read from the top; the first that fits counts. What concerns one person is never Misconfigured, because
// that stops the channel for everybody.
func rows() []row {
	return []row{
		{http.StatusForbidden, "blocked by the user", channels.Stopped, "the person blocked the bot"},
		{http.StatusForbidden, "", channels.Unreachable, "the person can't be written to"},

		{http.StatusBadRequest, "chat not found", channels.Unreachable, "no such chat"},
		{http.StatusBadRequest, "user not found", channels.Unreachable, "no such person"},
		{http.StatusBadRequest, "chat_id is empty", channels.Unreachable, "no such chat"},
		{http.StatusBadRequest, "peer_id_invalid", channels.Unreachable, "the person never wrote to the bot"},
		{http.StatusBadRequest, "input_user_deactivated", channels.Unreachable, "the account was deleted"},
		{http.StatusBadRequest, "upgraded to a supergroup", channels.Unreachable, "the chat moved"},
		{http.StatusBadRequest, "no rights to send", channels.Unreachable, "the bot may not write there"},
		{http.StatusBadRequest, "too long", channels.Rejected, "the text is too long"},
		{http.StatusBadRequest, "text is empty", channels.Rejected, "the text is empty"},
		{http.StatusBadRequest, "button", channels.Rejected, "a button is wrong"},
		{http.StatusBadRequest, "file", channels.Rejected, "a file was not taken"},
		{http.StatusBadRequest, "", channels.Rejected, "refused"},

		{http.StatusUnauthorized, "", channels.Misconfigured, "the token is not valid"},
		{http.StatusNotFound, "", channels.Misconfigured, "no bot has this token"},
		{http.StatusConflict, "", channels.Temporary, "another poll or a webhook gets the updates"},
		{http.StatusRequestEntityTooLarge, "", channels.Rejected, "a file is too large"},
		{http.StatusTooManyRequests, "", channels.Throttled, "too many messages"},
	}
}

// Waiting times when Telegram throttles: what is assumed when it names none, and the longest that is believed.
const (
	defaultAfter = time.Second
	longestAfter = time.Hour
)

// failure turns what a call met into the closed set of kinds. res is what the library could read of the answer.
func (c *Channel) failure(res *tg.APIResponse, err error, t *trip) *channels.Error {
	switch {
	case res != nil && res.ErrorCode != 0: // uploads too: the library's own error leaves the code out there
		return refusal(res.ErrorCode, res.Description, res.Parameters)
	case t.status >= 400:
		e := refusal(t.status, "", nil)
		// Without Telegram's own word it was something on the way that answered: the message may have got through.
		e.Uncertain = t.status >= 500
		return e
	case t.status >= 300:
		return &channels.Error{Kind: channels.Misconfigured, Code: strconv.Itoa(t.status), Err: errors.New("api_url redirects")}
	}
	return &channels.Error{Kind: channels.Temporary, Err: c.redact(err), Uncertain: t.held.Load()}
}

func refusal(status int, description string, p *tg.ResponseParameters) *channels.Error {
	e := &channels.Error{Kind: channels.Rejected, Code: strconv.Itoa(status), Err: fmt.Errorf("telegram answers %d", status)}
	if status >= 500 {
		e.Kind = channels.Temporary
	}
	for _, r := range rows() {
		if r.status == status && strings.Contains(strings.ToLower(description), r.phrase) {
			e.Kind, e.Err = r.kind, errors.New(r.why)
			break
		}
	}
	if e.Kind == channels.Throttled {
		e.After = defaultAfter
		if p != nil && p.RetryAfter > 0 {
			e.After = min(time.Duration(min(p.RetryAfter, int(longestAfter/time.Second)))*time.Second, longestAfter)
		}
	}
	return e
}
