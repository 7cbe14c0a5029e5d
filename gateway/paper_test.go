package gateway_test

import (
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

// TestDecisionWithItsDocument: channels that bring files bring it; on a phone and in the web chat a link does, and
// whatever is cut of a long reason, the link stays.
func TestDecisionWithItsDocument(t *testing.T) {
	for name, c := range map[string]struct {
		from   channels.Address
		file   bool
		want   string
		reason string
	}{
		"mail": {inbox, true, "attached as a PDF, and until Sun 21 Feb at https://portlumen.example/documents/", "Yes."},
		"chat": {bot, true, "attached as a PDF", "Yes."},
		"sms":  {phone, false, "PDF: portlumen.example/documents/" + reference(0) + "/1?t=x until Sun 21 Feb; on paper: +44 7700 900100", "Yes."},
		"web":  {tab, false, "PDF: https://portlumen.example/documents/" + reference(0) + "/1?t=x until Sun 21 Feb", "Yes."},
		"long": {phone, false, "STATUS PDF: portlumen.example/documents/" + reference(0) + "/1?t=x until Sun 21 Feb; on paper: +44 7700 900100", strings.Repeat("A long reason. ", 80)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			m := w.filed(phone)
			for i := range w.contact.Reaches {
				if w.contact.Reaches[i].Address == c.from {
					w.contact.Reaches[i].Heard = w.now.Add(time.Minute)
				}
			}
			td := w.tiding(m)
			td.Paper = &channels.File{Name: "d.pdf", Type: "application/pdf", Size: 9, SHA256: strings.Repeat("a", 64)}
			o, err := w.d.Notice(td, exchange.Notice{ID: "n", Case: m.ID, State: exchange.Decided, Decision: exchange.Granted, Reason: c.reason, At: w.now})
			if err != nil {
				t.Fatal(err)
			}
			got := o.Deliveries[0].Message
			if !strings.Contains(got.Text, c.want) || (len(got.Files) == 1) != c.file {
				t.Errorf("%d files, %q", len(got.Files), got.Text)
			}
			if c.from == phone && text.Measure(got.Text).Segments > 3 {
				t.Errorf("%d segments", text.Measure(got.Text).Segments)
			}
			last := o.Matters[0].Events[len(o.Matters[0].Events)-1]
			if last.Paper == nil || last.Paper.SHA256 != td.Paper.SHA256 || len(o.Papers) != 1 || o.Papers[0].Matter != m.ID {
				t.Errorf("kept %+v, %+v", last.Paper, o.Papers)
			}
		})
	}
}

// TestStatusNamesTheDocument: whoever asks later gets the link again.
func TestStatusNamesTheDocument(t *testing.T) {
	w := newWorld(t)
	m := w.filed(phone)
	m.State, m.Decision = exchange.Decided, exchange.Granted
	m.Events = append(m.Events, gateway.Event{At: w.now, State: exchange.Decided, Text: "Yes.", Paper: &gateway.Paper{Name: "d.pdf", Size: 1}})
	w.matters[0] = m
	w.now = w.now.Add(time.Hour)
	if got := w.say(phone, "STATUS "+m.Reference); !strings.Contains(got, "/documents/"+m.Reference+"/1?t=x") {
		t.Errorf("the status is %q", got)
	}
}

// TestSpecialDecision: of a special service a phone and a chat hear only that something was decided; the document is
// kept for the tracking page, and a mail brings it.
func TestSpecialDecision(t *testing.T) {
	services := mustServices(t)
	s, _ := services.ByCode("WST-BULK")
	s.Privacy = service.Special
	d := gateway.NewDispatcher(gateway.Rules{Texts: mustTexts(t), Services: services, Answers: mustIndex(t), PublicURL: "https://portlumen.example",
		Paper: func(string, int) (string, time.Time) { return "https://portlumen.example/documents/x", monday }})
	for to, attached := range map[channels.Address]bool{phone: false, bot: false, inbox: true} {
		w := newWorld(t)
		m := w.filed(phone)
		w.d = d
		for i := range w.contact.Reaches {
			if w.contact.Reaches[i].Address == to {
				w.contact.Reaches[i].Heard = w.now.Add(time.Minute)
			}
		}
		td := w.tiding(m)
		td.Paper = &channels.File{Name: "d.pdf", Type: "application/pdf", Size: 9, SHA256: strings.Repeat("a", 64)}
		o, err := w.d.Notice(td, exchange.Notice{ID: "n", Case: m.ID, State: exchange.Decided, Decision: exchange.Granted, Reason: "The reason.", At: w.now})
		if err != nil {
			t.Fatal(err)
		}
		got := o.Deliveries[0].Message
		if (len(got.Files) == 1) != attached || strings.Contains(got.Text, "/documents/") != attached || strings.Contains(got.Text, "The reason.") != attached || len(o.Papers) != 1 {
			t.Errorf("%s: %d files, %d kept, %q", to.Channel, len(got.Files), len(o.Papers), got.Text)
		}
	}
}
