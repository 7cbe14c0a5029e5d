package twilio

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"gatehouse/deploy/carriers/courier"
	"gatehouse/deploy/carriers/faults"
)

// step is one status that a message reaches.
type step struct {
	status string
	code   int
	wait   time.Duration
}

// steps is the way of a message from queued to its end, as the fault has it.
func (c *Carrier) steps(f faults.Fault) []step {
	d := c.cfg.ReceiptAfter
	queued, sent := step{status: statusQueued}, step{status: statusSent, wait: d}
	switch f.Kind {
	case faults.Unreachable:
		return []step{queued, sent, {statusUndelivered, 30003, d}}
	case faults.Filtered:
		return []step{queued, sent, {statusUndelivered, 30007, d}}
	case faults.Late:
		return []step{queued, sent, {statusDelivered, 0, f.After}}
	case faults.Silent:
		return []step{queued, sent}
	case faults.Disordered:
		return []step{{statusDelivered, 0, 0}, queued, sent}
	}
	return []step{queued, sent, {statusDelivered, 0, d}}
}

// deliver walks a message through its statuses. Each status is reached at its time; the callbacks follow one another,
// so one that must be repeated does not overtake the next.
func (c *Carrier) deliver(seq uint64, m Message) {
	f := c.house.Book.Strike(faults.SMS, faults.Receipt, m.Person, m.Body)
	for _, s := range c.steps(f) {
		began := time.Time{}
		ok := c.courier.Do(m.SID, courier.Job{Wait: s.wait, Try: func(ctx context.Context, attempt int) time.Duration {
			if attempt == 1 {
				began = time.Now()
				c.reach(seq, s)
			}
			if m.callback == "" {
				return courier.Done
			}
			c.counts.callbacks.Add(1)
			out := c.post(ctx, m.callback, c.receipt(m, s), m.SID+s.status)
			return c.again(out, attempt, began)
		}})
		if !ok {
			c.house.Log.Warn("too many callbacks wait", "status", s.status)
		}
	}
}

// reach moves the message to a status, unless it is at its end already (receipts may come out of order).
func (c *Carrier) reach(seq uint64, s step) {
	c.messages.Change(seq, func(m *Message) {
		now := c.house.Now()
		if m.Sent.IsZero() && s.status != statusQueued {
			m.Sent = now
		}
		if final(*m) {
			return
		}
		m.Status, m.ErrorCode, m.Updated = s.status, s.code, now
	})
}

// receipt is the form of a status callback
// (https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks).
func (c *Carrier) receipt(m Message, s step) url.Values {
	q := url.Values{
		"MessageSid": {m.SID}, "SmsSid": {m.SID}, "AccountSid": {c.cfg.AccountSID}, "ApiVersion": {apiVersion},
		"From": {m.Ours}, "To": {m.Person}, "MessageStatus": {s.status}, "SmsStatus": {s.status},
	}
	if m.service != "" {
		q.Set("MessagingServiceSid", m.service)
	}
	if s.code != 0 {
		q.Set("ErrorCode", strconv.Itoa(s.code))
	}
	if s.status == statusDelivered || s.status == statusUndelivered {
		q.Set("RawDlrDoneDate", c.house.Now().UTC().Format("0601021504"))
	}
	return q
}
