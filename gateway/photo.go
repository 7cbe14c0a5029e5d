package gateway

import (
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

const (
	// photoLife is how long a photo can follow a case by its link.
	photoLife = 72 * time.Hour
	// MaxPhotos is how many go with one use of the link.
	MaxPhotos = 3
)

// photoPrefix marks the recipient of photos that were sent with a link: photo+<reference>.
const photoPrefix = "photo+"

// PhotoTo is the recipient of photos that follow a case by a link ToPhoto.
func PhotoTo(reference string) channels.Address {
	return channels.Address{Channel: byWeb, Value: photoPrefix + reference}
}

// pictured tells whether a message is photos that were sent with a link. The address that it is said to come from is the
// one where the link was offered.
func pictured(m channels.Message) (reference string, ok bool) {
	reference, ok = strings.CutPrefix(m.To.Value, photoPrefix)
	return reference, ok && m.To.Channel == byWeb
}

// offerPhoto ends the reply to a form that was sent by text with a link for a photo, where the service wants one and the
// reply has room for it. Pictures by MMS reach few countries' numbers; elsewhere this is how one gets here. It is never
// needed: the case is filed.
func (k *talk) offerPhoto(s *service.Service, m Matter) {
	if !s.Photo || k.t.Message.From.Channel != bySMS || k.t.NewToken == nil {
		return
	}
	p := Pass{Token: k.t.NewToken(), Kind: ToPhoto, Contact: k.contact.ID, Address: k.t.Message.From, Subject: m.Reference, Lang: k.lang,
		Until: k.t.Now.Add(photoLife)}
	without := k.parts
	k.say("form.photo", texts.Args{"url": k.link("/p/" + p.Token)})
	if text.Measure(text.Plain(k.joined(), text.StripAccents)).Segments > aimSegments {
		k.parts = without
		return
	}
	k.o.Passes = append(k.o.Passes, p)
}

// fromPhoto adds photos to the case that their link is bound to. The page has said that they are kept.
func (k *talk) fromPhoto() {
	reference, _ := pictured(k.t.Message)
	k.t.Message.To = channels.Address{Channel: k.t.Message.From.Channel}
	k.silent = true
	k.keepQuestion()
	m, ok := k.matterOf(reference)
	switch {
	case !ok: // forgotten meanwhile
	case m.State == exchange.WaitingYou:
		k.add(m, exchange.ActReply, "")
	default:
		k.add(m, exchange.ActAmend, "")
	}
}
