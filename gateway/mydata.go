package gateway

import (
	"slices"
	"strings"
	"time"

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
		drafts = 1
	}
	k.say("mydata.counts", texts.Args{"city": k.city(), "addresses": len(k.contact.Reaches), "cases": len(k.t.Matters), "open": open, "drafts": drafts})
	if lists := k.joinedLists(); lists != "" {
		k.say("mydata.lists", texts.Args{"list": lists})
	}
	if kept := k.keptByLaw(); len(kept) > 0 {
		k.say("mydata.kept", texts.Args{"list": strings.Join(kept, ", ")})
	}
	k.say("mydata.ways", nil)
	k.again()
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
