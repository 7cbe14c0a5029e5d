package console

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
)

// standing is a border as a test sets it.
type standing struct {
	state  exchange.PortState
	keys   []exchange.KeyState
	ends   []exchange.KeyTrouble
	broken bool
	days   []exchange.Reconciliation
}

func (s *standing) State() exchange.PortState { return s.state }

func (s *standing) Keys() []exchange.KeyState { return s.keys }

func (s *standing) KeyTroubles() ([]exchange.KeyTrouble, bool) { return s.ends, s.broken }

func (s *standing) Days() []exchange.Reconciliation { return s.days }

// wrong is a border on which everything is wrong.
func (h *hall) wrong() standing {
	k, err := exchange.NewKey(exchange.Intranet, exchange.Sign, h.now().Add(-48*time.Hour), exchange.KeyLife)
	h.must(err)
	s := standing{broken: true, ends: []exchange.KeyTrouble{{Party: exchange.UpGuard, Use: exchange.Sign, Missing: true}}}
	for _, state := range []string{exchange.KeyCurrent, exchange.KeyNext, exchange.KeyOld, exchange.KeyOver, exchange.KeyRevoked, exchange.KeyBarred} {
		s.keys = append(s.keys, exchange.KeyState{Key: k, State: state, Age: 48 * time.Hour, Left: 364 * 24 * time.Hour})
	}
	s.state.Overdue, s.state.Aside, s.state.Journal = 3, 2, errors.New("no space left on device")
	s.days = []exchange.Reconciliation{{Day: "2026-03-09", Equal: true}, {Day: "2026-03-08", Differences: []string{"up: number 7"}}}
	s.state.Pulse = exchange.Pulse{Silent: true, Gap: true, Skewed: true, OriginSilent: true, Skew: -90 * time.Second}
	return s
}

func TestBorderPageNamesEachTrouble(t *testing.T) {
	h := open(t)
	b := h.login("rosa")
	h.live.state.Holding = true
	if page := b.get("/border", http.StatusOK); !strings.Contains(page, "Both lanes beat") || strings.Contains(page, `role="alert"`) {
		t.Errorf("a border that is well is shown as %s", brief(page))
	}
	*h.live = h.wrong()
	page := b.get("/border", http.StatusOK)
	for _, want := range []string{"3 heartbeats from the up guard", "does not hear the extranet", "has not arrived", "differ by 90 seconds", "3 documents were sent down",
		"2 envelopes were put aside", "log of what crosses can&#39;t be written", "On 1 day the journals", "1 key is missing", "can&#39;t be read", "Another process", h.live.keys[0].ID.String(), ">2<", ">364<", `role="alert"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, "Both lanes beat") {
		t.Error("all is well, it says")
	}
}

// TestBorderPageSpeaksAllLanguages: no key of a text shows through, whatever is wrong.
func TestBorderPageSpeaksAllLanguages(t *testing.T) {
	h := open(t)
	b := h.login("rosa")
	*h.live = h.wrong()
	for _, lang := range h.texts.Languages() {
		b.post("/language", http.StatusSeeOther, "lang", lang)
		if page := b.get("/border", http.StatusOK); strings.Contains(page, "border.") || !strings.Contains(page, `lang="`+lang+`"`) {
			t.Errorf("%s: a key shows through: %s", lang, brief(page))
		}
	}
}

// TestBorderPageCountsWhatWaits: a reply in its undo time is counted, and leads to where it waits.
func TestBorderPageCountsWhatWaits(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", nil)
	b := h.login("rosa")
	b.post("/cases/"+id+"/claim", http.StatusSeeOther)
	b.post("/cases/"+id+"/tell", http.StatusSeeOther, "form", "reply", "id", exchange.NewID(h.now()), "text", "On Thursday.", "releasable", "yes")
	if page := b.get("/border", http.StatusOK); !strings.Contains(page, `<a href="/held">1 document is written`) {
		t.Errorf("what waits is not counted: %s", brief(page))
	}
}
