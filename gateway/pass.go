package gateway

import (
	"context"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway/forms"
)

// Pass is a link of ours, /p/{token}, that serves once and ends by itself. Whoever opens it acts for the address where
// it was asked for, and only for its Subject.
type Pass struct {
	// Token has at least 60 random bits. The store keeps a keyed hash of it alone and never gives it back.
	Token   string
	Kind    PassKind
	Contact string           // whose it is; set by the store
	Address channels.Address // where it was asked for: what is done with it is heard from there
	// Subject is the id of the draft or of the challenge, or the reference of the case; of ToRead the channel that proved
	// whose it is.
	Subject string
	Lang    string
	// Until is when it ends. Opening it may move that, so that a page which was opened has time enough.
	Until time.Time
	// Used: it was opened, and opens nothing again.
	Used bool
}

// PassKind is what a link is for.
type PassKind string

// What a link may be for.
const (
	ToFill  PassKind = "fill"  // the half-filled form, on a page
	ToProve PassKind = "prove" // the address that it was sent to becomes one of the person's
	ToPhoto PassKind = "photo" // photos follow a case that was sent
	ToRead  PassKind = "read"  // all that is held of the person
	// ToCorrect opens the open rows of a declaration, as often as is needed until they can't be put right any more; its
	// page is /d/{token}.
	ToCorrect PassKind = "correct"
	// ToDeclare: its browser declares for whom the address is registered, from the page of a declaration; Subject is the
	// service's code.
	ToDeclare PassKind = "declare"
	// ToConfirm: a mail that waits is the company's, says one of its registered addresses. Address is the mail's sender.
	ToConfirm PassKind = "confirm"
)

const (
	// fillLife is how long the link to a form can be opened.
	fillLife = 24 * time.Hour
	// PageLife is how long a page stays open to its form after the link was opened: WCAG 2.2.1 allows no time limit
	// under 20 hours.
	PageLife = 24 * time.Hour
)

// Passes keeps the links that serve once.
type Passes interface {
	// Pass reads a link that has not ended, used or not. ErrNotFound.
	Pass(ctx context.Context, token string) (Pass, error)
	// UsePass opens a link, which ends at until from then on. Of all who try, one has it: for the others, and when it
	// has ended, ErrNotFound.
	UsePass(ctx context.Context, token string, now, until time.Time) (Pass, error)
	// ReturnPass opens a used link again until it ends, because what it was used for could not be stored.
	ReturnPass(ctx context.Context, token string, until time.Time) error
	// Drafted gives the form of a link ToFill. ErrNotFound when it was sent or deleted.
	Drafted(ctx context.Context, p Pass) (Draft, error)
	// Correcting gives the open rows of a link ToCorrect, and their case. ErrNotFound when none is open any more.
	Correcting(ctx context.Context, p Pass) (Correction, Matter, error)
	Dossiers
}

// pagePrefix marks the recipient of what was done on a page that a link opened: page+<draft>+<act>+<form token>.
const pagePrefix = "page+"

// What a page does with the form it shows.
const (
	PageSave = "save" // keep what was answered there and say nothing
	PageBack = "back" // keep it, and go on where the link was asked for
	PageSend = "send" // keep it and file the form
)

// PageTo is the recipient of what a page does with a form. session is the web address at which the page waits for the
// reply; PageSave has none.
func PageTo(draft, act, session string) channels.Address {
	return channels.Address{Channel: byWeb, Value: pagePrefix + draft + "+" + act + "+" + session}
}

// paged tells whether a message came from a page that a link opened. The address that it is said to come from is the
// one where the link was asked for.
func paged(m channels.Message) bool {
	return m.To.Channel == byWeb && strings.HasPrefix(m.To.Value, pagePrefix)
}

// page sends a link to the form that is open. Until GO it waits here, so that words which come meanwhile answer no
// question that the page has answered.
func (k *talk) page() {
	s, ok := k.service()
	switch {
	case !k.kept() || !ok:
		k.say("form.none", nil)
		k.keepQuestion()
	case k.draft.Whom != WhomSettled:
		k.resume(s, "")
	case !s.Offered(byWeb) || k.t.NewToken == nil:
		k.say("form.page.none", nil)
		k.again()
	default:
		k.draft.Paused, k.draft.Touched = true, k.t.Now
		p := Pass{Token: k.t.NewToken(), Kind: ToFill, Contact: k.contact.ID, Address: k.t.Message.From, Subject: k.draft.ID,
			Lang: k.lang, Until: k.t.Now.Add(fillLife)}
		k.o.Passes = append(k.o.Passes, p)
		k.say("form.page", texts.Args{"noun": forms.Within(s.Noun.In(k.lang)), "url": k.link("/p/" + p.Token)})
	}
}

// offerPage names the way to the page after the third answer that could not be read.
func (k *talk) offerPage(s *service.Service) {
	if k.draft.Form.Misses >= pageMisses && s.Offered(byWeb) && k.t.NewToken != nil && k.t.Message.From.Channel != byWeb {
		k.say("form.page.offer", nil)
	}
}

// pageMisses is the wrong answer in a row at which the page is offered.
const pageMisses = 3

// fromPage keeps the answers that were changed on a page, whatever was answered here meanwhile, and goes on or files the
// form as the page asks.
func (k *talk) fromPage() {
	id, rest, _ := strings.Cut(strings.TrimPrefix(k.t.Message.To.Value, pagePrefix), "+")
	act, session, _ := strings.Cut(rest, "+")
	k.t.Message.To = channels.Address{Channel: k.t.Message.From.Channel}
	k.keepQuestion()
	k.fetch(id)
	s, ok := k.service()
	if k.draft == nil || k.draft.ID != id || !ok {
		k.silent = true
		k.tellPage(session, k.text("form.page.gone", nil))
		return
	}
	k.draft.Touched = k.t.Now
	k.d.clerk.Merge(s, &k.draft.Form, pageAnswers(k.t.Message.Text), k.draft.Paused, k.scene())
	k.attachFromPage(s)
	switch act {
	case PageBack:
		k.resume(s, "")
	case PageSend:
		k.sendFromPage(s, session)
	default:
		k.silent = true
	}
}

// pageAnswers reads "<field>: <value>", one line a value; a field without a value was emptied.
func pageAnswers(said string) map[string][]string {
	given := map[string][]string{}
	for line := range strings.Lines(exchange.Normalize(said)) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		if !ok {
			continue
		}
		if value = strings.TrimPrefix(value, " "); value == "" {
			given[name] = nil
		} else {
			given[name] = append(given[name], value)
		}
	}
	return given
}

func (k *talk) attachFromPage(s *service.Service) {
	files := usable(k.t.Message.Files)
	sums := make([]string, len(files))
	for i, f := range files {
		sums[i] = f.SHA256
	}
	if len(files) > 0 && len(k.draft.Files)+len(files) <= maxFiles && k.d.clerk.Attach(s, &k.draft.Form, sums) {
		k.draft.Files = append(k.draft.Files, files...)
	}
}

// sendFromPage files the form. Its reference is told where the link was asked for, and on the page.
func (k *talk) sendFromPage(s *service.Service, session string) {
	scene := k.scene()
	scene.Channel = byWeb
	if why, ok := k.d.clerk.Finish(s, &k.draft.Form, scene); !ok {
		k.silent = true
		k.tellPage(session, why)
		return
	}
	k.dropped, k.helped = true, k.draft.For
	k.t.Message.Files = nil // they are the draft's now
	k.complete(s, k.draft.Form.Answers, k.draft.Files)
	k.tellPage(session, strings.Join(k.parts, "\n"))
}

// tellPage says something on the page that waits for it.
func (k *talk) tellPage(session, said string) {
	if session == "" {
		return
	}
	m := channels.Message{
		ID: k.t.NewID(), From: channels.Address{Channel: byWeb}, To: channels.Address{Channel: byWeb, Value: session}, At: k.t.Now,
		Lang: k.lang, Text: said, Reference: k.reference, Queue: channels.Reply,
	}
	k.o.Deliveries = append(k.o.Deliveries, Delivery{ID: m.ID, Contact: k.contact.ID, Queue: m.Queue, Matter: k.matter, Message: m, Due: k.t.Now})
}

// proofPrefix marks the recipient of a link that was opened to prove an address: proof+<challenge>.
const proofPrefix = "proof+"

// ProofTo is the recipient of what opening a link ToProve says for the conversation that asked.
func ProofTo(challenge string) channels.Address {
	return channels.Address{Channel: byWeb, Value: proofPrefix + challenge}
}

// proves tells whether a message is a link that was opened to prove an address.
func proves(m channels.Message) (challenge string, ok bool) {
	challenge, ok = strings.CutPrefix(m.To.Value, proofPrefix)
	return challenge, ok && m.To.Channel == byWeb
}

// proofLink gives a link that proves the address of a code as the code itself does, for somebody who logs in to the web
// chat by mail; empty elsewhere. It lives and counts with its code.
func (k *talk) proofLink(c *Challenge) string {
	if c.Purpose != ToLink || c.Target.Channel != byMail || k.t.Message.From.Channel != byWeb || k.t.NewToken == nil {
		return ""
	}
	p := Pass{Token: k.t.NewToken(), Kind: ToProve, Contact: k.contact.ID, Address: k.t.Message.From, Subject: c.ID,
		Lang: firstOf(k.t.Record.Contact.Lang, k.lang), Until: c.Until}
	k.o.Passes = append(k.o.Passes, p)
	return k.d.public + "/p/" + p.Token
}

// fromProof does for the conversation that asked what its code would have done.
func (k *talk) fromProof() {
	id, _ := proves(k.t.Message)
	k.t.Message.To = channels.Address{Channel: k.t.Message.From.Channel}
	k.keepQuestion()
	if c := k.conv.Challenge; c == nil || c.ID != id || c.over(k.t.Now) {
		k.say("code.expired", nil)
		return
	}
	k.rightCode()
}
