package gateway

import (
	"slices"

	"gatehouse/channels"
	"gatehouse/configs/texts"
)

// unlink takes an address apart from its person: the one that is named, else the one that speaks. From then on it shows
// no case of theirs and gets no word of them; who writes from it begins anew. A person keeps at least one address.
func (k *talk) unlink(arg string) {
	k.setAside()
	gone := k.t.Message.From
	if arg != "" {
		to, ok := k.d.reachable(arg)
		if !ok {
			k.say("link.wrong", nil)
			return
		}
		gone = to
	}
	switch has := slices.ContainsFunc(k.contact.Reaches, func(r Reach) bool { return r.Address == gone }); {
	case !has:
		k.say("unlink.not", texts.Args{"address": mask(gone)})
	case len(k.contact.Reaches) == 1:
		k.say("unlink.only", nil)
	case gone == k.t.Message.From:
		k.say("unlink.here", nil)
		k.o.Leaves = append(k.o.Leaves, gone)
	default:
		k.say("unlink.done", texts.Args{"address": mask(gone)})
		k.o.Leaves = append(k.o.Leaves, gone)
	}
}

// part takes the addresses that leave out of the outcome, after the last word to them.
func (k *talk) part() {
	for _, gone := range k.o.Leaves {
		k.contact.Reaches = slices.DeleteFunc(slices.Clone(k.contact.Reaches), func(r Reach) bool { return r.Address == gone })
		if k.draft != nil && k.draft.Address == gone { // GO goes on with it elsewhere
			k.draft.Address, k.draft.Paused = k.rest(), true
		}
	}
	k.o.Contact = k.contact
	if slices.Contains(k.o.Leaves, k.t.Message.From) {
		k.o.Conversation = nil
	}
}

// rest is the address that the person used last.
func (k *talk) rest() channels.Address {
	to, _ := lastUsed(k.contact, channels.Address{}, true)
	return to
}
