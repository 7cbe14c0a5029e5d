package portal_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

var box = channels.Address{Channel: "email", Value: "jo@example.org"}

// mail sends a mail and gives what the reply to it says.
func (w *town) mail(said string) string {
	w.t.Helper()
	m := channels.Message{ID: "email:" + exchange.NewID(w.now), From: box, To: channels.Address{Channel: "email", Value: "help@portlumen.example"},
		At: w.now, Text: said, Trust: channels.Unverified}
	if err := w.Accept(w.t.Context(), m); err != nil {
		w.t.Fatal(err)
	}
	return w.told(box)
}

// linked makes the mailbox the phone's second address.
func (w *town) linked() {
	w.t.Helper()
	w.text("LINK " + box.Value)
	if got := w.text("481920"); !strings.Contains(got, "j***@example.org") {
		w.t.Fatalf("linking says %q", got)
	}
}

// file reads the page's data as the file that it offers.
func (b *browser) file(path string) (gateway.Disclosure, int) {
	b.t.Helper()
	var d gateway.Disclosure
	code := b.get(path + "/my-data.json")
	if code == http.StatusOK {
		in := json.NewDecoder(strings.NewReader(b.page))
		in.DisallowUnknownFields()
		if err := in.Decode(&d); err != nil {
			b.t.Fatal(err)
		}
	}
	return d, code
}

// whole tells what a Disclosure lacks of what the person of these tests has.
func whole(t *testing.T, d gateway.Disclosure) {
	t.Helper()
	if d.Format != gateway.DisclosureFormat || d.City != "Port Lumen" || len(d.Addresses) == 0 || len(d.Messages) == 0 || len(d.Conversations) == 0 {
		t.Errorf("lacks %+v", d)
	}
	if len(d.Cases) != 1 || d.Cases[0].Service != "WST-BULK" || d.Cases[0].KeptUntil != "2028-11-23" || d.Cases[0].Retention != "P2Y" || len(d.Cases[0].Events) == 0 {
		t.Errorf("cases %+v", d.Cases)
	}
	if d.Form == nil || d.Form.Service != "SOC-HEAT" || d.Form.KeptUntil != "2026-11-30" {
		t.Errorf("form %+v", d.Form)
	}
	asked := 0
	for _, c := range d.Consents {
		if c.Purpose == "list" && c.Act == "granted" && c.Shown != "" && c.Said == "1" && c.Address == phone.Value && !c.At.IsZero() && c.Source == "person" {
			asked++
		}
	}
	if asked == 0 || len(d.Lists) != asked || d.Lists[0].Address != phone.Value {
		t.Errorf("consents %+v, lists %+v", d.Consents, d.Lists)
	}
}

// person has a case, a list, and a form of a service whose content is never told by text.
func person(t *testing.T) *town {
	w := openTown(t)
	for _, s := range []string{"EN", "BOOK 14 Quay St, 1 3, 3 Dec", "SEND", "ALERTS", "1", "1", "1", "SEND", "1"} {
		w.text(s)
	}
	tab := channels.Message{ID: "web:" + exchange.NewID(w.now), From: channels.Address{Channel: "web", Value: "s-1"}, To: ours, At: w.now}
	for _, s := range []string{"LINK " + phone.Value, "481920", "HEAT", "17"} {
		tab.ID, tab.Text = "web:"+exchange.NewID(w.now), s
		if err := w.Accept(t.Context(), tab); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func TestMyDataIsAPageAndAFileBehindOneLink(t *testing.T) {
	w := person(t)
	said := w.text("MY DATA")
	b, other := w.browser(), w.browser()
	path := b.follow(said)
	if !strings.Contains(b.page, "PL-") || !strings.Contains(b.page, phone.Value[1:]) || !strings.Contains(b.page, "2028-11-23") || strings.Contains(b.page, "portal.data") {
		t.Errorf("the page shows %s", b.page)
	}
	d, code := b.file(path)
	if code != http.StatusOK {
		t.Fatalf("the file: %d", code)
	}
	whole(t, d)
	if d.Form != nil && len(d.Form.Answers) > 0 || strings.Contains(b.page, ">17<") || d.Private == 0 {
		t.Errorf("who showed a phone sees what is private: %+v", d.Form)
	}
	token := strings.TrimPrefix(path, "/p/")
	for _, c := range d.Conversations {
		for _, l := range c.Lines {
			if strings.Contains(l.Text, token) {
				t.Errorf("the link stands in what staff may read: %q", l.Text)
			}
		}
	}
	if _, code := other.file(path); code != http.StatusNotFound || other.get(path) != http.StatusNotFound {
		t.Errorf("another browser: %d", code)
	}
	w.now = w.now.Add(gateway.PageLife)
	if _, code := b.file(path); code != http.StatusNotFound {
		t.Errorf("a day later: %d", code)
	}
	path = b.follow(w.text("MY DATA"))
	w.text("FORGET ME")
	w.text("1")
	if _, code := b.file(path); code != http.StatusNotFound || strings.Contains(b.page, phone.Value[1:]) {
		t.Errorf("forgotten: %d %s", code, b.page)
	}
}

func TestMyDataEndsUnopened(t *testing.T) {
	w := person(t)
	said := w.text("MY DATA")
	w.now = w.now.Add(time.Hour)
	b := w.browser()
	path := said[strings.Index(said, "/p/"):]
	path, _, _ = strings.Cut(path, " ")
	if code := b.get(path); code != http.StatusNotFound {
		t.Errorf("an hour later: %d", code)
	}
}

// TestMyDataAsksTheOtherAddress: a lent phone does not show all that its owner has with the city.
func TestMyDataAsksTheOtherAddress(t *testing.T) {
	w := person(t)
	w.linked()
	said := w.text("MY DATA")
	if strings.Contains(said, "/p/") || !strings.Contains(said, "j***@example.org") || !strings.Contains(w.told(box), "481 920") {
		t.Fatalf("says %q, mails %q", said, w.told(box))
	}
	if got := w.text("481921"); strings.Contains(got, "/p/") {
		t.Fatalf("a wrong code: %q", got)
	}
	b := w.browser()
	d, _ := b.file(b.follow(w.text("481920")))
	whole(t, d)
	if d.Form == nil || len(d.Form.Answers) == 0 || d.Private != 0 {
		t.Errorf("who showed a mailbox as well lacks %+v", d.Form)
	}
	if got := w.text("MY DATA"); !strings.Contains(got, "/p/") {
		t.Errorf("within the hour it asks again: %q", got)
	}
	w.now = w.now.Add(time.Hour)
	if got := w.text("MY DATA"); strings.Contains(got, "/p/") {
		t.Errorf("an hour later it asks nothing: %q", got)
	}
}

// TestMyDataByMailIsAFile: it goes to the mailbox, once who reads it there says so.
func TestMyDataByMailIsAFile(t *testing.T) {
	w := person(t)
	w.linked()
	said := w.mail("my data")
	_, word, ok := strings.Cut(said, "only this word: ")
	word, _, _ = strings.Cut(word, "\n")
	if !ok || len(word) != 8 {
		t.Fatalf("asks %q", said)
	}
	w.mail("thank you\n" + word + "\n\n> my data")
	var d gateway.Disclosure
	if err := json.Unmarshal(w.attached(), &d); err != nil {
		t.Fatal(err)
	}
	whole(t, d)
	if d.Form == nil || len(d.Form.Answers) == 0 {
		t.Errorf("by mail it lacks %+v", d.Form)
	}
	w.mail("my data")
	if w.mail("1"); len(w.attached()) != 0 {
		t.Error("a bare 1 brings the file")
	}
}

// attached sends what is owed and gives the one file that went along.
func (w *town) attached() []byte {
	w.t.Helper()
	var all []byte
	for {
		some, err := w.store.Lease(w.t.Context(), channels.Reply, w.now, 50, time.Minute)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(some) == 0 {
			return all
		}
		for _, l := range some {
			for _, f := range l.Message.Files {
				if f.Name != "my-data.json" || all != nil {
					w.t.Fatalf("a file %q is attached", f.Name)
				}
				r, err := f.Open(w.t.Context())
				if err != nil {
					w.t.Fatal(err)
				}
				all, err = io.ReadAll(r)
				if err = errors.Join(err, r.Close()); err != nil {
					w.t.Fatal(err)
				}
			}
			if err := w.store.Settle(w.t.Context(), []gateway.Settlement{{ID: l.ID, Fence: l.Fence, Receipt: channels.Receipt{State: channels.Accepted}}}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}
