package gateway_test

import (
	"slices"
	"strings"
	"testing"

	"gatehouse/channels"
	"gatehouse/gateway"
	"gatehouse/gateway/consent"
)

// joined is somebody who gets the alerts of two districts by text.
func joined(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	for _, s := range []string{"ALERTS", "1,5", "1", "1", "SEND", "1"} {
		w.text(s)
	}
	if got := gateway.Lists(w.ledger); !slices.Equal(got, []string{"alerts-quayside", "alerts-saltmarsh"}) {
		t.Fatalf("joined %v", got)
	}
	return w
}

func TestStopOfOneListLeavesAllElse(t *testing.T) {
	for said, left := range map[string][]string{
		"STOP alerts": nil, "stop the alerts please": nil, "arret alertes": nil, "Arrêtez les alertes svp": nil, "قف التنبيهات": nil,
		"أوقف تنبيهات": nil, "停止预警": nil, "退订 警报": nil, "UNSUBSCRIBE alerts": nil, "CANCEL ALERTS": nil, "/stop_alerts": nil,
		"STOP Water and storm alerts": nil, "STOP alerts Quayside": {"alerts-saltmarsh"}, "arrêt alerte quayside": {"alerts-saltmarsh"},
		"退订预警盐沼区": {"alerts-quayside"},
	} {
		w := joined(t)
		got := w.text(said)
		if lists := gateway.Lists(w.ledger); !slices.Equal(lists, left) {
			t.Errorf("after %q the lists are %v, want %v", said, lists, left)
		}
		if r := w.contact.Reaches[0]; r.Stopped || got == "" {
			t.Errorf("%q stops everything, or is not confirmed: %q %+v", said, got, r)
		}
		if c := w.ledger[len(w.ledger)-1]; c.Said != said || c.Source != consent.Person || c.Act != consent.Withdrawn || c.Shown == "" {
			t.Errorf("the ledger says %+v", c)
		}
		if !strings.Contains(got, "START ") {
			t.Errorf("%q is answered %q", said, got)
		}
	}
}

func TestListThatNobodyJoined(t *testing.T) {
	w := newWorld(t)
	if got := w.text("STOP alerts"); !strings.Contains(got, "not on the list: Alerts") || len(w.ledger) != 0 {
		t.Errorf("says %q, ledger %v", got, w.ledger)
	}
	if got := w.text("START alerts"); !strings.HasPrefix(got, "Alerts 1/3.") {
		t.Errorf("START of a list never joined says %q", got)
	}
}

func TestStartBringsBackWhatWasLeft(t *testing.T) {
	for _, start := range []string{"START alerts", "reprendre les alertes", "ابدأ التنبيهات", "恢复预警"} {
		w := joined(t)
		w.text("STOP alerts saltmarsh")
		w.text("STOP")
		got := w.text(start)
		if lists := gateway.Lists(w.ledger); !slices.Equal(lists, []string{"alerts-quayside", "alerts-saltmarsh"}) {
			t.Errorf("after %q the lists are %v", start, lists)
		}
		if w.contact.Reaches[0].Stopped || !strings.Contains(got, "STOP ") || !strings.ContainsAny(got, "HELPAIDE") {
			t.Errorf("%q is answered %q", start, got)
		}
	}
}

// TestStopOfAListInEveryState leaves what is open as it was: the form's question comes again.
func TestStopOfAListInEveryState(t *testing.T) {
	for name, said := range states() {
		w := joined(t)
		for _, s := range said {
			w.text(s)
		}
		draft := w.draft != nil
		if got := w.text("STOP alerts"); got == "" || len(gateway.Lists(w.ledger)) != 0 {
			t.Errorf("in state %q: %q, lists %v", name, got, gateway.Lists(w.ledger))
		}
		if w.draft != nil != draft {
			t.Errorf("in state %q the form is gone", name)
		}
	}
}

func TestStopSaysWhereDecisionsGo(t *testing.T) {
	w := newWorld(t)
	w.say(inbox, "hello")
	w.text("my neighbour parks in the disabled bay is that a fine")
	w.text("0")
	got := w.text("STOP")
	if !strings.Contains(got, "Decisions on your cases now go to e-mail j***@northdock.example") {
		t.Errorf("STOP says %q", got)
	}
	last := w.ledger[len(w.ledger)-1]
	if last.Purpose != consent.Statutory || last.Address != inbox {
		t.Errorf("the ledger says %+v", last)
	}
	w = newWorld(t)
	w.contact.Reaches = w.contact.Reaches[:1]
	w.text("my neighbour parks in the disabled bay is that a fine")
	w.text("0")
	if got := w.text("STOP"); !strings.Contains(got, "still come here") {
		t.Errorf("without another address STOP says %q", got)
	}
}

func TestCarriersStopTellsTheOtherAddress(t *testing.T) {
	w := newWorld(t)
	w.text("my neighbour parks in the disabled bay is that a fine")
	w.text("0")
	w.hear(channels.Message{From: phone, To: channels.Address{Channel: "sms", Value: "+1"}, Text: "STOP", OptOut: channels.OptedOut})
	if n := len(w.last.Deliveries); n != 1 {
		t.Fatalf("%d messages", n)
	}
	m := w.last.Deliveries[0].Message
	if m.To.Channel == "sms" || m.To.Channel == "web" || !strings.Contains(m.Text, "phone ***123") {
		t.Errorf("to %v: %s", m.To, m.Text)
	}
}

func TestFirstReplyIsInTheLedger(t *testing.T) {
	w := newWorld(t)
	w.contact = gateway.Contact{ID: "c1"}
	w.text("MENU")
	w.text("MENU")
	if len(w.ledger) != 1 || w.ledger[0].Purpose != consent.Privacy || !strings.Contains(strings.ToLower(w.ledger[0].Shown), "privacy") {
		t.Errorf("the ledger says %+v", w.ledger)
	}
}
