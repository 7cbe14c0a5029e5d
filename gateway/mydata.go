package gateway

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/gateway/consent"
)

// myData counts what we hold of the person and names the lists they joined, with the day since when. It tells nothing
// of what is in a case, so that it can be said on every channel.
func (k *talk) myData() {
	open := 0
	for _, m := range k.t.Matters {
		if m.Open() {
			open++
		}
	}
	drafts := 0
	if k.kept() {
		drafts = 1 + len(k.shelf)
	}
	k.say("mydata.counts", texts.Args{"city": k.city(), "addresses": len(k.contact.Reaches), "cases": len(k.t.Matters), "open": open, "drafts": drafts})
	byLetter := k.t.Message.From.Channel == byMail
	if !byLetter {
		k.handOut()
	}
	if lists := k.joinedLists(); lists != "" {
		k.say("mydata.lists", texts.Args{"list": lists})
	}
	if kept := k.keptByLaw(); len(kept) > 0 {
		k.say("mydata.kept", texts.Args{"list": strings.Join(kept, ", ")})
	}
	k.say("mydata.ways", nil)
	if byLetter {
		k.handOut()
		return
	}
	k.again()
}

const (
	// dataLife is how long the link to all that is held can be opened.
	dataLife = time.Hour
	// dataGrant is the Grant by which a right code opens it.
	dataGrant = "my data"
	// dataFile is the name of the file.
	dataFile = "my-data.json"
)

// handOut offers all of it. By text and chat it is a link; whoever has another address on record proves that first, as
// for the case of a company: a phone is lent and lost more easily than a phone and a mailbox. By mail it is a file, for
// who reads what is sent there. A clerk at the counter gets none, and nobody on an address that needs a fresh proof.
func (k *talk) handOut() {
	from := k.t.Message.From
	switch to, other := onRecordOf(k.contact, from, k.t.Now); {
	case k.doubtful: // it asks for a fresh proof itself
	case from.Channel == byMail:
		code := proofWord(k.t.NewReference())
		k.say("mail.mydata", texts.Args{"code": code})
		k.ask(Pending{Kind: askData, Text: code})
	case from.Channel == byDesk || k.t.NewToken == nil || k.d.public == "":
	case !other || k.granted(dataGrant):
		k.dataLink(from.Channel)
	case k.t.Record != nil && k.t.Record.Wanted.Address == to:
		key := "mydata.code.phone"
		if to.Channel == byMail {
			key = "mydata.code.mail"
		}
		k.sendCode(ToData, "", to, key, texts.Args{})
	}
}

// onRecordOf gives the address of a person to which a code goes before all of it is shown on another.
func onRecordOf(c Contact, by channels.Address, now time.Time) (channels.Address, bool) {
	return OnRecord(Record{Contact: c}, by, now)
}

// dataLink says where all of it can be read, once. proven is the channel that proved whose it is.
func (k *talk) dataLink(proven string) {
	p := Pass{Token: k.t.NewToken(), Kind: ToRead, Contact: k.contact.ID, Address: k.t.Message.From, Subject: proven, Lang: k.lang,
		Until: k.t.Now.Add(dataLife)}
	k.o.Passes = append(k.o.Passes, p)
	k.say("mydata.link", texts.Args{"url": k.link("/p/" + p.Token)})
}

// dataProved answers a right code for all that is held.
func (k *talk) dataProved(c Challenge) {
	k.grant(dataGrant)
	k.dataLink(c.Target.Channel)
}

// dataByMail reads the answer to the code that a mail with MY DATA got: all that is held goes there as a file.
func (k *talk) dataByMail() bool {
	if k.asked.Kind != askData || k.doubtful || !k.saidAlone(k.asked.Text) {
		return false
	}
	r := k.t.Record
	if r == nil || r.Dossier == nil {
		k.keepQuestion()
		k.say("unread", nil)
		return true
	}
	all := Disclose(k.d.services, *r.Dossier, byMail, k.t.Now).JSON()
	k.files = append(k.files, channels.File{Name: dataFile, Type: "application/json", Size: int64(len(all)), Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(all)), nil
	}})
	k.say("mail.mydata.file", texts.Args{"file": dataFile, "phone": k.phone()})
	return true
}

// joinedLists names the services whose lists the person is on, each since the first of them was joined.
func (k *talk) joinedLists() string {
	since := map[string]time.Time{}
	var keys []string
	for _, c := range k.t.Standing {
		if c.line().Purpose != consent.List || c.Act != consent.Granted || c.List == consent.Everything {
			continue
		}
		title := k.d.lists.Title([]string{c.List}, k.lang)
		if at, ok := since[title]; !ok || c.At.Before(at) {
			since[title] = c.At
		}
		if !slices.Contains(keys, title) {
			keys = append(keys, title)
		}
	}
	for i, title := range keys {
		keys[i] = title + " " + since[title].In(k.d.services.City.Location()).Format(time.DateOnly)
	}
	return strings.Join(keys, ", ")
}
