package deploy

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestWalkErasedByStaff: one person asks with a reason, another releases, and the word goes down and its confirmation
// comes up while each program on its way is killed once: outside nobody is known any more, and inside it stands what the
// law keeps and until when.
func TestWalkErasedByStaff(t *testing.T) {
	w := newTown(t, townOptions{})
	const phone = "+447700900702"
	ana, vera := login(t, w.console(), "ana"), login(t, w.console(), "vera")
	link, ref := w.ask(phone, ana)
	page := ana.get(link)
	form := url.Values{"token": {hidden(page, "token")}, "id": {hidden(page, "id")}, "because": {"Asked in writing on 3 November; passport shown."}}
	ana.post(link+"/erase", form)
	item := vera.held()
	if page := vera.get(item); !strings.Contains(page, "passport shown") || !strings.Contains(page, "Erase this person") {
		t.Fatalf("the second person reads %s", plain(page))
	}
	reached := map[string]chan struct{}{}
	k := &killer{w: w}
	for _, folder := range []string{"C", "D"} {
		reached[folder] = make(chan struct{})
		go k.watch(folder, reached[folder])
	}
	vera.release(item)
	for _, x := range []struct{ folder, name string }{{"C", "office"}, {"C", "down"}, {"D", "gateway"}} {
		select {
		case <-reached[x.folder]:
		case <-time.After(patience):
			t.Fatalf("nothing came to %s", x.folder)
		}
		w.programs[x.name].kill()
		w.start(x.name)
	}
	w.awaitText(phone, "as the office was asked to")
	for _, name := range []string{"up", "office"} { // on the way back
		w.programs[name].kill()
		w.start(name)
	}
	w.awaitReady("http://" + w.settings["OFFICE"] + "/readyz")
	ana = login(t, w.console(), "ana")
	w.await("the office kept what the law keeps", func() bool {
		page := plain(ana.get("/border"))
		return strings.Contains(page, "kept by law until") && strings.Contains(page, "asked by")
	})
	if page := ana.get(link); !strings.Contains(page, "The person was forgotten") {
		t.Errorf("the case says %s", plain(page))
	}
	if got := w.dialogue(phone, "STATUS "+ref); strings.Contains(got, "Parking") {
		t.Errorf("outside the case is still known: %q", got)
	}
	told := 0
	for _, m := range w.carriers.Texts(phone) {
		if strings.Contains(m.Body, "as the office was asked to") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("the person is told %d times", told)
	}
}
