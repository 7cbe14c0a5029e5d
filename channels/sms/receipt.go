package sms

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"gatehouse/channels"
)

// report passes a status callback on. id is our message's, from the URL that Send gave to Twilio and Twilio signed.
func (c *Channel) report(ctx context.Context, id string, f *form, in channels.Inbox) error {
	sid, status := f.get("MessageSid"), f.get("MessageStatus")
	if !isSID(sid) || !isID(id) || status == "" {
		return errIncomplete
	}
	state, known := stateOf(status)
	if !known {
		return nil // a status of a later day's Twilio: nothing that we could act on
	}
	code, _ := strconv.Atoi(f.get("ErrorCode"))
	return in.Report(ctx, c.receipt(id, sid, state, code))
}

func (c *Channel) receipt(id, sid string, s channels.State, code int) channels.Receipt {
	r := channels.Receipt{MessageID: id, CarrierID: sid, Channel: c.Name(), State: s, At: c.shared.Now()}
	if s == channels.Failed {
		r.Err = undelivered(code)
	}
	return r
}

// stateOf maps Twilio's statuses (Messages resource, "Message status values"); false for those it may add.
func stateOf(status string) (channels.State, bool) {
	switch status {
	case "accepted", "scheduled", "queued", "sending", "sent":
		return channels.Accepted, true
	case "delivered", "read":
		return channels.Delivered, true
	case "undelivered", "failed", "canceled":
		return channels.Failed, true
	}
	return "", false
}

// undelivered is the error of a message that Twilio took and could not deliver. Unlike an error of the API it says
// nothing about the next message when it has no code.
func undelivered(code int) *channels.Error {
	if code == 0 {
		return &channels.Error{Kind: channels.Rejected, Err: errors.New("not delivered, no reason given")}
	}
	if r, ok := rowOf(code); ok {
		return &channels.Error{Kind: r.kind, Code: strconv.Itoa(code), Err: errors.New(r.why)}
	}
	return &channels.Error{Kind: channels.Rejected, Code: strconv.Itoa(code), Err: errors.New("not delivered")}
}

// isID tells an id of ours: short, nothing that a URL or a log could stumble over.
func isID(s string) bool {
	return s != "" && len(s) <= 64 && isAlphanumeric(strings.NewReplacer("-", "", "_", "").Replace(s))
}
