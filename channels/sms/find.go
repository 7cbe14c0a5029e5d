package sms

import (
	"context"
	"net/url"
	"strings"
	"time"

	"gatehouse/channels"

	twilio "github.com/twilio/twilio-go/rest/api/v2010"
)

// How far back Find looks: pages of the recipient's messages, newest first.
const (
	findPage  = 100
	findPages = 10
)

// Find looks through what Twilio holds for m's recipient. Twilio does not list our id, so a message is m when it
// went to the same number, with the same body, no earlier than since; the clocks have to agree within a second.
// DateSent is no help as a filter: it is empty while a message is queued, which is just when Find is asked.
func (c *Channel) Find(ctx context.Context, m channels.Message, since time.Time) (channels.Receipt, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	release, e := c.enter(ctx)
	if e != nil {
		return channels.Receipt{}, false, e
	}
	defer release()
	list := new(twilio.ListMessageParams).SetTo(m.To.Value).SetPageSize(findPage)
	if c.cfg.MessagingServiceSID == "" {
		list.SetFrom(c.cfg.From)
	}
	body, since := c.body(m), since.Truncate(time.Second)
	var page, token string
	for range findPages {
		api, x := c.service(ctx)
		answer, err := api.PageMessage(list, token, page)
		if err != nil {
			e := c.failure(err, x)
			e.Uncertain = false // asking sends nothing
			return channels.Receipt{}, false, e
		}
		for i := range answer.Messages {
			if t := &answer.Messages[i]; isSame(t, body, since) {
				return c.receiptOf(m.ID, t), true, nil
			}
		}
		if page, token = following(answer); token == "" || allBefore(answer.Messages, since) {
			break
		}
	}
	return channels.Receipt{}, false, nil
}

func isSame(t *twilio.ApiV2010Message, body string, since time.Time) bool {
	return strings.HasPrefix(value(t.Direction), "outbound") && !created(t).Before(since) &&
		strings.TrimSpace(value(t.Body)) == strings.TrimSpace(body)
}

// allBefore tells that the list, newest first, has gone past since.
func allBefore(list []twilio.ApiV2010Message, since time.Time) bool {
	for i := range list {
		if !created(&list[i]).Before(since) {
			return false
		}
	}
	return true
}

// created is when Twilio made the message; the zero time when it does not say.
func created(t *twilio.ApiV2010Message) time.Time {
	at, err := time.Parse(time.RFC1123Z, value(t.DateCreated))
	if err != nil {
		return time.Time{}
	}
	return at
}

// following is the page after this one; empty at the end.
func following(l *twilio.ListMessageResponse) (page, token string) {
	u, err := url.Parse(value(l.NextPageUri))
	if err != nil {
		return "", ""
	}
	return u.Query().Get("Page"), u.Query().Get("PageToken")
}
