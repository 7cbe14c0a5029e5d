package email

import (
	"context"
	"io"
	"regexp"
	"strings"

	"gatehouse/channels"
)

// reportField stands in every mail of ours: where a word on it may be sent, with a mac. A complaint shows it, whether or
// not the reporter kept the envelope.
const reportField = "X-Report-To"

// maxReturned bounds what is looked at of a mail that a complaint returns, in bytes: its header.
const maxReturned = 64 << 10

// returnAddress is one of our addresses for reports within words.
var returnAddress = regexp.MustCompile(`(?i)bounce\+[a-z0-9_-]{1,64}\.[a-z2-7]{16}@[^\s<>"',;]{1,255}`)

// complaint reads a feedback report (RFC 5965): the message of ours that somebody called unwanted. False: it is no such
// report, it reports something else (not-spam, a failed signature), or nothing in it proves that it is about a mail of
// ours.
func (c *Channel) complaint(ctx context.Context, mail parsed) (channels.Receipt, bool) {
	all := groups(mail.feedback)
	if len(all) == 0 {
		return channels.Receipt{}, false
	}
	switch strings.ToLower(all[0]["feedback-type"]) {
	case "abuse", "fraud", "virus", "other", "opt-out", "opt-out-list": // the last two of its first draft, still in use
	default:
		return channels.Receipt{}, false
	}
	id, ok := c.ours(all[0]["original-mail-from"])
	for i := 0; !ok && i < len(mail.files); i++ {
		id, ok = c.ours(returned(ctx, mail.files[i]))
	}
	if !ok {
		return channels.Receipt{}, false
	}
	return channels.Receipt{MessageID: id, Channel: Name, State: channels.Complained, At: c.shared.Now()}, true
}

// ours finds the id of a message in words that hold its address for reports, with a right mac.
func (c *Channel) ours(words string) (id string, ok bool) {
	for _, a := range returnAddress.FindAllString(words, maxRecipients) {
		if r := c.book.find(a); r.purpose == bounce {
			return r.id, true
		}
	}
	return "", false
}

// returned gives the beginning of a mail that a report returns, whole or its header alone (RFC 5965 §2, RFC 6522 §3).
func returned(ctx context.Context, f channels.File) string {
	switch f.Type {
	case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
	default:
		return ""
	}
	r, err := f.Open(ctx)
	if err != nil {
		return ""
	}
	defer r.Close()
	b, _ := io.ReadAll(io.LimitReader(r, maxReturned)) // what was read counts
	head, _, _ := strings.Cut(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n\n")
	return head
}
