package sms

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"gatehouse/channels"
	"gatehouse/channels/text"

	twilio "github.com/twilio/twilio-go/rest/api/v2010"
)

// Send hands m's text to Twilio, cleaned by text.Plain. A text over MaxText characters is Rejected: who wrote it
// knows better where to split it. Options and files do not travel by SMS; the text has to make sense without them.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	body := c.body(m)
	if e := sendable(m.To.Value, body); e != nil {
		return channels.Receipt{}, e
	}
	if len(m.Files) > 0 {
		c.shared.Log.WarnContext(ctx, "files left out of a text", "message_id", m.ID, "files", len(m.Files))
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	release, e := c.enter(ctx)
	if e != nil {
		return channels.Receipt{}, e
	}
	defer release()
	api, x := c.service(ctx)
	taken, err := api.CreateMessage(c.params(m, body))
	if err != nil {
		return channels.Receipt{}, c.failure(err, x)
	}
	return c.taken(m, body, taken)
}

// body is m's text as it is sent. Find looks for the same.
func (c *Channel) body(m channels.Message) string {
	return text.Plain(m.Text, text.Accents(c.cfg.Accents))
}

func sendable(to, body string) *channels.Error {
	switch {
	case body == "":
		return &channels.Error{Kind: channels.Rejected, Code: "21602", Err: errors.New("no body")}
	case utf8.RuneCountInString(body) > MaxText:
		return &channels.Error{Kind: channels.Rejected, Code: "21617", Err: errors.New("body too long")}
	case !isNumber(to) || to[0] != '+': // also keeps "whatsapp:+1555…" from taking another road
		return &channels.Error{Kind: channels.Unreachable, Code: "21211", Err: errors.New("not a telephone number")}
	}
	return nil
}

// enter waits for a free slot.
func (c *Channel) enter(ctx context.Context) (func(), *channels.Error) {
	if err := ctx.Err(); err != nil {
		return nil, &channels.Error{Kind: channels.Temporary, Err: err}
	}
	select {
	case c.slots <- struct{}{}:
		return func() { <-c.slots }, nil
	case <-ctx.Done():
		return nil, &channels.Error{Kind: channels.Temporary, Err: ctx.Err()}
	}
}

func (c *Channel) params(m channels.Message, body string) *twilio.CreateMessageParams {
	p := new(twilio.CreateMessageParams).SetTo(m.To.Value).SetBody(body)
	p.SetStatusCallback(c.cfg.PublicURL + "/hooks/sms/status?id=" + url.QueryEscape(m.ID))
	if c.cfg.MessagingServiceSID != "" {
		p.SetMessagingServiceSid(c.cfg.MessagingServiceSID)
	} else {
		p.SetFrom(c.cfg.From)
	}
	if valid := c.validFor(m); valid > 0 {
		p.SetValidityPeriod(int(valid / time.Second))
	}
	return p
}

// maxValidity is the longest that Twilio keeps trying (ValidityPeriod, 1 to 36,000 s).
const maxValidity = 10 * time.Hour

// validFor is how long the carrier may try: as set, and not past the message's own end. 0: the carrier's default.
func (c *Channel) validFor(m channels.Message) time.Duration {
	if m.Expires.IsZero() {
		return c.cfg.ValidityPeriod
	}
	left := min(max(m.Expires.Sub(c.shared.Now()), time.Second), maxValidity)
	if c.cfg.ValidityPeriod > 0 {
		left = min(left, c.cfg.ValidityPeriod)
	}
	return left
}

// taken reads Twilio's word on a message that it answered 201.
func (c *Channel) taken(m channels.Message, body string, t *twilio.ApiV2010Message) (channels.Receipt, error) {
	if t.Sid == nil || *t.Sid == "" {
		return channels.Receipt{}, &channels.Error{Kind: channels.Temporary, Err: errors.New("answer without a sid"), Uncertain: true}
	}
	r := c.receiptOf(m.ID, t)
	if r.State == channels.Failed {
		return channels.Receipt{}, r.Err
	}
	if r.Segments == 0 { // not counted yet, when a messaging service chooses the sender
		r.Segments = text.Measure(body).Segments
	}
	return r, nil
}

func (c *Channel) receiptOf(id string, t *twilio.ApiV2010Message) channels.Receipt {
	state, known := stateOf(value(t.Status))
	if !known {
		state = channels.Accepted
	}
	r := c.receipt(id, value(t.Sid), state, value(t.ErrorCode))
	r.Segments, _ = strconv.Atoi(value(t.NumSegments))
	return r
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
