package deploy

import (
	"encoding/base32"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/adapters/factor"
)

// ask hands an inquiry by text to a person and gives the case's address in the console and its reference.
func (w *town) ask(phone string, c *clerk) (link, ref string) {
	w.t.Helper()
	w.dialogue(phone, "my neighbour parks in the disabled bay is that a fine")
	ref = refOf(w.dialogue(phone, "0"))
	if ref == "" {
		w.t.Fatal("the hand-over has no reference")
	}
	return w.awaitCase(c, ref), ref
}

// reply writes to the person of a case, with what else the form shall hold.
func (c *clerk) reply(link, text string, more url.Values) string {
	c.t.Helper()
	page := c.get(link)
	form := url.Values{"token": {hidden(page, "token")}, "id": {hidden(page, "id")}, "form": {"reply"}, "text": {text}, "releasable": {"yes"}}
	for k, v := range more {
		form[k] = v
	}
	return c.post(link+"/tell", form)
}

// TestWalkRelease: a clean reply goes on its author's word; one with somebody's card number waits, its author can't
// let it go, a second person can, and the citizen gets it; one with a classification mark leaves for nobody; the
// auditor finds what left, byte for byte.
func TestWalkRelease(t *testing.T) {
	w := newTown(t, townOptions{})
	const phone = "+447700900701"
	ana, vera := login(t, w.console(), "ana"), login(t, w.console(), "vera")
	link, ref := w.ask(phone, ana)
	ana.reply(link, "We look at it on Monday.", nil)
	w.awaitText(phone, "We look at it on Monday.")

	if page := ana.reply(link, "Pay with card 4111 1111 1111 1111 please.", nil); !strings.Contains(page, "leak rule fired") {
		t.Errorf("its author does not hear why it waits: %s", plain(page))
	}
	item := vera.held()
	page := vera.get(item)
	for _, want := range []string{"Card number", ref, "Pay with card", "Release it"} {
		if !strings.Contains(page, want) {
			t.Errorf("the second person does not see %q: %s", want, plain(page))
		}
	}
	own := ana.get(item)
	if strings.Contains(own, item+"/release") {
		t.Error("the author is offered to release it")
	}
	for path, form := range map[string]url.Values{item + "/release": {}, item + "/decline": {"why": {"x"}}} {
		form.Set("token", hidden(own, "token"))
		if status, body, err := ana.try(http.MethodPost, path, form); err != nil || status != http.StatusForbidden {
			t.Errorf("the author decides alone: %d, %v: %s", status, err, plain(body))
		}
	}
	vera.release(item)
	w.awaitText(phone, "Pay with card 4111 1111 1111 1111 please.")

	ana.reply(link, "This is TOP SECRET.", nil)
	item = vera.held()
	page = vera.get(item)
	if strings.Contains(page, item+"/release") || !strings.Contains(page, "Classification mark") {
		t.Errorf("a mark may be released: %s", plain(page))
	}
	form := url.Values{"token": {hidden(page, "token")}}
	if status, _, err := vera.try(http.MethodPost, item+"/release", form); err != nil || status != http.StatusUnprocessableEntity {
		t.Errorf("a mark is released: %d, %v", status, err)
	}
	form.Set("why", "Take the mark out.")
	vera.post(item+"/decline", form)
	if page := ana.get(link); !strings.Contains(page, "Take the mark out.") {
		t.Errorf("the author does not see why: %s", plain(page))
	}

	otto := login(t, w.console(), "otto")
	page = otto.get(link)
	copies := copyLink.FindAllString(page, -1)
	if len(copies) < 3 {
		t.Fatalf("the auditor finds %d copies: %s", len(copies), plain(page))
	}
	all := ""
	for _, c := range copies {
		all += otto.get(c)
	}
	if !strings.Contains(all, `"text":"Pay with card 4111 1111 1111 1111 please."`) || !strings.Contains(all, `"second":"vera"`) || strings.Contains(all, "TOP SECRET") {
		t.Errorf("the copies are %s", all)
	}
	if page := otto.get("/log?staff=otto"); !strings.Contains(page, "took the copy of what left") {
		t.Errorf("the log does not show it: %s", plain(page))
	}
}

var (
	copyLink   = regexp.MustCompile(`/cases/[A-Za-z0-9]+/copies/[A-Za-z0-9]+`)
	secretText = regexp.MustCompile(`dir="ltr">([A-Z2-7 ]+)<`)
)

// enrol sets up a second factor as a person with a phone does, and gives what the phone shows next.
func (c *clerk) enrol() (next string) {
	c.t.Helper()
	page := c.get("/factor")
	m := secretText.FindStringSubmatch(page)
	if m == nil {
		c.t.Fatalf("no secret: %s", plain(page))
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(m[1], " ", ""))
	if err != nil {
		c.t.Fatal(err)
	}
	now := time.Now()
	page = c.post("/factor", url.Values{"token": {hidden(page, "token")}, "code": {factor.Code(secret, now)}})
	if !strings.Contains(page, "is set up") {
		c.t.Fatalf("not set up: %s", plain(page))
	}
	return factor.Code(secret, now.Add(30*time.Second))
}

// TestWalkEmergency: one person with that right and a second factor warns everybody at once; without the code it waits
// for a second person; another person reviews it afterwards.
func TestWalkEmergency(t *testing.T) {
	w := newTown(t, townOptions{})
	const ann = "+447700900711"
	w.dialogue(ann, "ALERTS", "5", "1", "1", "SEND", "1")
	paulo, vera := login(t, w.console(), "paulo"), login(t, w.console(), "vera")
	code := paulo.enrol()
	soon := time.Now().UTC().Add(2 * time.Hour).Format("2006-01-02T15:04")
	warn := func(text, code string) string {
		form := fields(paulo.get("/messages/new"))
		for k, v := range map[string]string{"list": "alerts-saltmarsh", "priority": "emergency", "expires": soon, "text-en": text, "act": "propose", "code": code} {
			form.Set(k, v)
		}
		return paulo.post("/messages/new", form)
	}
	if page := warn("The dam at Saltmarsh breaks. Leave now.", code); !strings.Contains(page, "It leaves now") {
		t.Fatalf("it does not leave: %s", plain(page))
	}
	w.awaitText(ann, "The dam at Saltmarsh breaks.")
	if page := warn("The dam holds again.", ""); strings.Contains(page, "It leaves now") {
		t.Error("without a code it leaves at once")
	}
	vera.release(waiting.FindStringSubmatch(vera.get("/held"))[1])
	w.awaitText(ann, "The dam holds again.")

	page := vera.get("/held")
	if !strings.Contains(page, "To look at again") || !strings.Contains(page, "The dam at Saltmarsh breaks.") {
		t.Fatalf("nobody reviews it: %s", plain(page))
	}
	item := heldItem.FindString(page[strings.Index(page, "To look at again"):])
	page = vera.get(item)
	vera.post(item+"/review", url.Values{"token": {hidden(page, "token")}, "fine": {"yes"}})
	if page := vera.get(item); !strings.Contains(page, "It was fine.") || strings.Contains(page, item+"/review") {
		t.Errorf("the review is not kept: %s", plain(page))
	}
}

// waiting finds the first thing with a decision to take; what is to be reviewed has another button.
var waiting = regexp.MustCompile(`class="button primary" href="(/held/[A-Z0-9]{26})"`)
