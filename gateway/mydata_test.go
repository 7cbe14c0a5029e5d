package gateway_test

import (
	"strings"
	"testing"
	"time"

	"gatehouse/channels/text"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

// TestMyDataHandsOutTheFormsThatWait: each with its answers and the day on which it ends; what is somebody else's is not
// this person's, and what is never told by text is counted.
func TestMyDataHandsOutTheFormsThatWait(t *testing.T) {
	touched := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	form := func(id, code string) gateway.Draft {
		return gateway.Draft{ID: id, Address: phone, Touched: touched, Form: service.Draft{Service: code, Answers: map[string][]string{"note": {"by the gate"}}}}
	}
	open, helped := form("d1", "WST-BULK"), form("d3", "WST-BULK")
	helped.For = gateway.Person{ID: "p", Name: "Ana"}
	d := gateway.Dossier{Draft: &open, Shelf: []gateway.Draft{form("d2", "PRK-RES"), helped}}
	got := gateway.Disclose(mustServices(t), d, "email", touched)
	if got.Form == nil || len(got.Waiting) != 1 {
		t.Fatalf("it hands out %+v and %+v", got.Form, got.Waiting)
	}
	if w := got.Waiting[0]; w.Service != "PRK-RES" || w.KeptUntil != "2026-12-23" || w.Answers["note"][0] != "by the gate" {
		t.Errorf("the one that waits is %+v", w)
	}
	if file := string(got.JSON()); !strings.Contains(file, `"waiting_forms"`) || strings.Contains(file, "Ana") {
		t.Errorf("the file is %s", file)
	}
}

func TestMyDataCountsAndNamesLists(t *testing.T) {
	for said, want := range map[string]string{"MY DATA": "STATUS", "mes données": "", "بياناتي": "", "我的数据": ""} {
		w := joined(t)
		for _, s := range []string{"TAX 0", "SEND", "BOOK", "PAUSE"} {
			w.text(s)
		}
		got := w.text(said)
		for _, part := range []string{want, "2026-11-23", "2036-11-23"} {
			if !strings.Contains(got, part) {
				t.Errorf("%q says %q, without %q", said, got, part)
			}
		}
		if n := text.Measure(got).Segments; n > 3 {
			t.Errorf("%q: %d segments", said, n)
		}
	}
}
