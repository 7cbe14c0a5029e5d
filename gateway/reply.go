package gateway

import (
	"slices"
	"strings"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
)

// deliver makes one message of all that was said. Nothing goes to an address that the carrier blocks.
func (k *talk) deliver() {
	r := k.reach()
	if k.silent || len(k.parts) == 0 {
		return
	}
	k.tellHidden()
	if r.Blocked {
		k.note(whoGateway, strings.Join(k.parts, " "))
		return
	}
	m := channels.Message{
		ID: k.t.NewID(), From: k.t.Message.To, To: k.t.Message.From, At: k.t.Now, Lang: k.lang, Text: k.body(r),
		Options: k.options, Request: k.request, Source: k.source, Reference: k.reference, Queue: k.queue, Urgent: k.urgent,
		Files: k.files, Watched: k.due(),
	}
	if m.Queue == "" {
		m.Queue = channels.Reply
	}
	if m.To.Channel == byMail {
		m.From.Value = firstOf(k.from, m.From.Value)
		m.Subject = k.replySubject()
		m.Thread = answerTo(k.t.Message.Thread)
	}
	k.note(whoGateway, k.withoutTokens(m.Text))
	k.o.Deliveries = append(k.o.Deliveries, Delivery{
		ID: m.ID, Contact: k.contact.ID, Queue: m.Queue, Matter: k.matter, Message: m, Due: k.t.Now, Receipts: k.receipts,
	})
}

// due tells whether the reply holds what the person must not miss: a receipt, until when rows are to be put right, or that a
// declaration is owed.
func (k *talk) due() bool {
	return k.t.Claim.Wake.Kind == WakeOwed || len(k.receipts) > 0 || slices.ContainsFunc(k.o.Corrections, func(c Correction) bool { return !c.Done })
}

// withoutTokens hides the links that serve once: lines of a conversation are read by staff when a person takes over.
func (k *talk) withoutTokens(said string) string {
	for _, p := range k.o.Passes {
		said = strings.ReplaceAll(said, p.Token, "***")
	}
	return said
}

func answerTo(t channels.Thread) channels.Thread {
	refs := slices.Clone(t.References)
	if t.MessageID != "" {
		refs = append(refs, t.MessageID)
	}
	if len(refs) > 20 {
		refs = refs[len(refs)-20:]
	}
	return channels.Thread{InReplyTo: t.MessageID, References: refs}
}

func (k *talk) replySubject() string {
	if k.subject != "" {
		return k.subject
	}
	s := clip(exchange.NormalizeLine(k.t.Message.Subject), 150)
	if s == "" {
		return k.city()
	}
	if !strings.HasPrefix(strings.ToLower(s), "re:") {
		s = "Re: " + s
	}
	return s
}

// Bounds of one reply by SMS, in segments: what it aims at, and where it ends and MORE begins.
const (
	aimSegments = 2
	maxSegments = 3
)

// body joins what was said, and ends the first reply to an address with the place of the privacy notice.
func (k *talk) body(r *Reach) string {
	if k.t.Message.From.Channel != bySMS {
		sep := "\n"
		if k.t.Message.From.Channel == byMail {
			sep = "\n\n"
		}
		s := strings.Join(k.parts, sep)
		if !r.Introduced && !k.shownPrivacy {
			s += sep + k.text("privacy.note", texts.Args{"url": k.link("/privacy")})
		}
		k.introduce(r, s)
		return s
	}
	s := text.Plain(k.joined(), text.StripAccents)
	if !r.Introduced {
		if !k.shownPrivacy {
			s = k.introduced(s)
		}
		k.introduce(r, s)
	}
	head, rest := text.Cut(s, maxSegments)
	if rest != "" {
		more := " " + text.Plain(k.text("answer.next", nil), text.StripAccents)
		head, rest = cutFor(s, more)
		k.conv.More = append([]string{rest}, k.conv.More[:min(len(k.conv.More), maxParts)]...)
		head += more
	}
	return head
}

// cutFor cuts s so that tail fits behind it within maxSegments.
func cutFor(s, tail string) (head, rest string) {
	head, rest = text.Cut(s, maxSegments)
	for len(head) > 0 && text.Measure(head+tail).Segments > maxSegments {
		i := strings.LastIndexAny(strings.TrimRight(head, " \n"), " \n")
		if i <= 0 {
			r := []rune(head)
			i = len(string(r[:len(r)-1]))
		}
		head, rest = strings.TrimRight(s[:i], " \n"), strings.TrimLeft(s[i:], " \n")
	}
	return head, rest
}

func (k *talk) joined() string {
	var b strings.Builder
	for i, p := range k.parts {
		if i > 0 && !strings.HasSuffix(k.parts[i-1], "\n") && !(k.lang == "zh" && strings.HasSuffix(k.parts[i-1], "。")) {
			b.WriteByte(' ')
		}
		b.WriteString(p)
	}
	return b.String()
}

// introduced adds the long form of the notice where it costs no segment more, else the short one.
func (k *talk) introduced(s string) string {
	long := s + " " + text.Plain(k.text("privacy.note", texts.Args{"url": k.link("/privacy")}), text.StripAccents)
	short := s + " " + text.Plain(k.text("privacy.word", nil), text.StripAccents)
	had := text.Measure(s).Segments
	switch {
	case text.Measure(long).Segments <= had:
		return long
	case text.Measure(short).Segments <= max(had, aimSegments):
		return short
	case text.Measure(short).Segments <= maxSegments:
		return short
	}
	return s
}
