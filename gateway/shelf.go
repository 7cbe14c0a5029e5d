package gateway

import (
	"slices"

	"gatehouse/configs/texts"
	"gatehouse/gateway/forms"
)

// A person has one form at a time. Two come together where an address is linked that has one too: both are kept, the
// person picks the one to go on with, and the other waits on the shelf until that one was sent, deleted or ended.

// offerForms asks which of two forms to go on with, after an address with a form of its own was linked.
func (k *talk) offerForms() {
	r := k.t.Record
	if !k.kept() || r == nil || r.Draft == nil || len(k.o.Joins) == 0 {
		return
	}
	p := Pending{Kind: askForms}
	var labels []string
	for _, d := range []*Draft{k.draft, r.Draft} {
		s, ok := k.d.services.ByCode(d.Form.Service)
		if !ok {
			return
		}
		p.Options, labels = append(p.Options, d.ID), append(labels, s.Noun.In(k.lang))
	}
	k.say("shelf.which", texts.Args{"list": forms.Numbered(labels, k.t.Message.From.Channel == bySMS)})
	k.buttons(labels)
	k.ask(p)
}

// goOnWith takes a form up, from the shelf when it waits there.
func (k *talk) goOnWith(id string) {
	k.fetch(id)
	if s, ok := k.service(); ok && k.kept() && k.draft.ID == id {
		k.resume(s, "")
		return
	}
	k.say("form.none", nil)
}

// fetch changes the form with one that waits on the shelf; of another id: nothing changes.
func (k *talk) fetch(id string) {
	i := slices.IndexFunc(k.shelf, func(d Draft) bool { return d.ID == id })
	if i < 0 {
		return
	}
	waiting := k.shelf[i]
	k.shelf = slices.Delete(slices.Clone(k.shelf), i, i+1)
	if k.kept() {
		k.draft.Paused = true
		k.shelf = append(k.shelf, *k.draft)
		k.o.Shelve = true
	}
	waiting.Form = forms.Clone(waiting.Form)
	waiting.Files = slices.Clone(waiting.Files)
	k.draft, k.dropped = &waiting, false
	k.draft.Paused, k.draft.Touched = true, k.t.Now
}

// nextForm takes the next form from the shelf once no other is open, and says that it is there.
func (k *talk) nextForm() {
	if k.doubtful || len(k.shelf) == 0 || k.kept() {
		return
	}
	k.draft = nil
	k.fetch(k.shelf[0].ID)
	k.draft.Address = k.t.Message.From
	s, ok := k.service()
	if ok && !k.silent {
		k.say("shelf.next", texts.Args{"noun": forms.Within(s.Noun.In(k.lang))})
	}
}
