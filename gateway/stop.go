package gateway

import (
	"strings"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/gateway/dialogue"
)

// carrier handles what the carrier did by itself: nothing is sent, because it has answered already.
func (k *talk) carrier() bool {
	switch k.t.Message.OptOut {
	case channels.OptedOut:
		k.stop("carrier")
		k.reach().Blocked = true
	case channels.OptedIn:
		if r := k.reach(); !r.Stopped && k.d.grammar.Is("yes", k.said) {
			return false // carriers take YES for START; to us it answers a question
		}
		k.start("carrier")
	case channels.AskedHelp:
	default:
		return false
	}
	k.silent = true
	k.keepQuestion()
	return true
}

// optOut honours STOP and START in every state and language.
func (k *talk) optOut() bool {
	said := strings.TrimPrefix(strings.TrimSpace(k.said), "/")
	if k.asked.Kind == askStop {
		if yes, ok := k.d.grammar.Yes(said); ok {
			if yes {
				k.sayStop()
			} else {
				k.said = k.asked.Text
				k.asked = Pending{}
				k.say("stop.kept", nil)
				k.inquireQuietly(k.said)
			}
			return true
		}
	}
	switch k.d.grammar.OptOut(said, k.t.Message.From.Channel == bySMS) {
	case dialogue.Stops:
		k.sayStop()
		return true
	case dialogue.MayStop:
		if k.keywordAhead() {
			return false
		}
		k.say("stop.confirm", nil)
		k.ask(Pending{Kind: askStop, Text: k.said})
		k.buttons([]string{"1", "2"})
		return true
	}
	if k.d.grammar.Is("start", said) && (k.reach().Stopped || !strings.HasPrefix(strings.TrimSpace(k.said), "/")) {
		k.start("person")
		k.say("start.done", texts.Args{"city": k.city()})
		return true
	}
	return false
}

func (k *talk) keywordAhead() bool {
	_, _, ok := k.d.services.ByKeyword(k.lang, k.said)
	return ok
}

// sayStop stops and confirms it once; a second STOP is silent.
func (k *talk) sayStop() {
	if k.reach().Stopped {
		k.silent = true
	}
	k.say("stop.done", texts.Args{"city": k.city()})
	k.stop("person")
}

func (k *talk) stop(source string) {
	r := k.reach()
	if !r.Stopped {
		k.consent(everything, false, source)
	}
	r.Stopped = true
	if k.draft != nil && k.draft.Address == k.t.Message.From {
		k.draft.Paused = true
	}
}

func (k *talk) start(source string) {
	r := k.reach()
	if r.Stopped {
		k.consent(everything, true, source)
	}
	r.Stopped, r.Blocked = false, false
}

// everything is the list that stands for all that an address gets unasked.
const everything = "*"

func (k *talk) consent(list string, granted bool, source string) {
	k.o.Consents = append(k.o.Consents, Consent{
		Contact: k.contact.ID, Address: k.t.Message.From, List: list, Granted: granted,
		Shown: k.lastSaid(), Said: clip(text.Mask(k.said), 500), Source: source, At: k.t.Now,
	})
}

// lastSaid is the last thing that we said: the words a consent was given on.
func (k *talk) lastSaid() string {
	for i := len(k.conv.Lines) - 1; i >= 0; i-- {
		if k.conv.Lines[i].Who == whoGateway {
			return clip(k.conv.Lines[i].Text, 500)
		}
	}
	return ""
}
