package email

import (
	"bufio"
	"bytes"
	"strings"
	"time"

	"github.com/emersion/go-message/textproto"

	"gatehouse/channels"
)

// verdict reads a delivery-status part (RFC 3464 §2): the word on the first recipient that says something final. A
// mail of ours has one recipient. False: nothing final is said, as when delivery is only delayed.
func verdict(part []byte, id string, now time.Time) (channels.Receipt, bool) {
	r := bufio.NewReader(bytes.NewReader(part))
	for range 10 { // fields of the message, then of each recipient
		h, err := textproto.ReadHeader(r)
		action := strings.ToLower(strings.TrimSpace(h.Get("Action")))
		receipt := channels.Receipt{MessageID: id, Channel: Name, At: now}
		switch action {
		case "failed":
			status := statusCode(h.Get("Status"))
			receipt.State = channels.Failed
			receipt.Err = &channels.Error{Kind: finalKind(status), Code: status}
			return receipt, true
		case "delivered":
			receipt.State = channels.Delivered
			return receipt, true
		}
		if err != nil {
			break
		}
		if _, err := r.Peek(1); err != nil {
			break
		}
	}
	return channels.Receipt{}, false
}

// statusCode is an enhanced code (RFC 3463), without the comment that may follow.
func statusCode(s string) string {
	f := strings.Fields(s)
	if len(f) == 0 {
		return ""
	}
	if _, ok := enhanced(f[0]); !ok {
		return ""
	}
	return f[0]
}

// finalKind is what a failed delivery means: Unreachable when the address is to blame or nobody could be reached until
// the carrier gave up, Rejected when this one mail was not wanted.
func finalKind(status string) channels.Kind {
	if e, ok := enhanced(status); ok && enhancedKind(e) != channels.Unreachable {
		return channels.Rejected
	}
	return channels.Unreachable
}
