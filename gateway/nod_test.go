package gateway_test

import (
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// learn gives a turn the last broadcast where it is wanted, as a store does within a day.
func (w *world) learn(t *gateway.Turn) {
	if w.told != nil && w.d.Wants(*t).Told && w.now.Before(w.told.At.Add(24*time.Hour)) {
		told := *w.told
		t.Record = &gateway.Record{Wanted: gateway.Wanted{Told: true}, Told: &told}
	}
}

func (w *world) keepNod(o gateway.Outcome) {
	if o.Nod != "" {
		w.nods++
		w.told.Answered = true
	}
}

const alert = "Port Lumen: storm from 18:00. Stay inside."

// alerted is somebody whom a broadcast reached an hour ago, after they said those words.
func alerted(t *testing.T, before ...string) *world {
	t.Helper()
	w := newWorld(t)
	for _, s := range before {
		w.text(s)
	}
	w.told = &gateway.Told{Broadcast: "01KBROADCAST0000000000000A", Text: alert, At: w.now.Add(time.Minute)}
	w.now = w.now.Add(time.Hour)
	return w
}

// TestABareWordAfterABroadcastIsANod in every language: recorded, answered once with the alert, and no case.
func TestABareWordAfterABroadcastIsANod(t *testing.T) {
	for _, said := range []string{"ok", "OK!", "thanks", "Thank you", "?", "??", "merci", "d'accord", "شكرا", "تمام", "؟", "谢谢", "好的", "？", "ok 👍"} {
		w := alerted(t)
		if got := w.text(said); got != alert {
			t.Errorf("%q is answered %q", said, got)
		}
		for n, more := range []string{"ok", "merci", "谢谢"} {
			if got := w.text(more); got != "" {
				t.Errorf("%q, then %q, is answered %q", said, more, got)
			}
			if w.nods != n+2 {
				t.Errorf("%q, then %q: %d nods", said, more, w.nods)
			}
		}
		if len(w.crossed) != 0 || len(w.matters) != 0 {
			t.Errorf("%q made a case", said)
		}
	}
}

// TestAQuestionMarkGetsHelpOnceTheAlertWasSaid: there is always a way out.
func TestAQuestionMarkGetsHelpOnceTheAlertWasSaid(t *testing.T) {
	w := alerted(t)
	w.text("?")
	if got := w.text("?"); got == "" || got == alert || w.nods != 2 {
		t.Errorf("%q with %d nods", got, w.nods)
	}
	if got := alerted(t).text("HELP"); !strings.Contains(got, "Port Lumen") || got == alert {
		t.Errorf("HELP: %q", got)
	}
}

// TestANodAnswersNoQuestionOfBefore: what was open stays open, and no answer is lost or given.
func TestANodAnswersNoQuestionOfBefore(t *testing.T) {
	w := alerted(t, "BOOK", "14 quay st", "1")
	before := len(w.draft.Form.Answers)
	if got := w.text("ok"); !strings.HasPrefix(got, alert) || !strings.Contains(got, "3/4") {
		t.Errorf("in a form: %q", got)
	}
	if got := w.text("1,3"); !strings.Contains(got, "4/4") || len(w.draft.Form.Answers) != before+1 {
		t.Errorf("then %q with %v", got, w.draft.Form.Answers)
	}
	w = alerted(t, "hello", "0") // "what is your question?"
	w.text("ok")
	if len(w.crossed) != 0 {
		t.Error("the word went to a person")
	}
	if w.text("why is my street closed all week"); len(w.crossed) != 1 {
		t.Error("the question did not")
	}
}

// TestWhatWasAskedSinceIsAnsweredFirst: a form, a confirmation, the office. Nothing of the alert is said there.
func TestWhatWasAskedSinceIsAnsweredFirst(t *testing.T) {
	w := alerted(t)
	w.text("BOOK")
	if got := w.text("ok"); strings.Contains(got, alert) || w.nods != 0 {
		t.Errorf("in a form that began since: %q", got)
	}
	w = alerted(t)
	w.text("how do i get rid of an old sofa")
	if got := w.text("thanks"); got != "You are welcome." || w.nods != 1 {
		t.Errorf("thanks for an answer: %q, %d", got, w.nods)
	}
	w = alerted(t, "hello")
	w.text("0")
	if got := w.text("ok"); got != "" || len(w.crossed) != 0 || w.nods != 1 {
		t.Errorf("a word for a person: %q, %d", got, w.nods)
	}
	w = alerted(t)
	w.matters = []gateway.Matter{{ID: "m", Reference: reference(0), Contact: "c1", Service: "WST-BULK", Address: phone, State: exchange.WaitingYou,
		Events: []gateway.Event{{At: w.now, State: exchange.WaitingYou, Text: "Is Thursday fine?"}}}}
	w.now = w.now.Add(time.Minute)
	if got := w.text("ok"); strings.Contains(got, alert) || w.nods != 0 {
		t.Errorf("the office's question: %q, %d nods", got, w.nods)
	}
}

// TestABareWordAnswersTheOffice: right after the office's question, in any language, once; thanks for something else that was
// said since are thanks.
func TestABareWordAnswersTheOffice(t *testing.T) {
	asked := func() *world {
		w := newWorld(t)
		w.text("hello")
		w.matters = []gateway.Matter{{ID: "m", Reference: reference(0), Contact: "c1", Service: "WST-BULK", Address: phone, State: exchange.WaitingYou,
			Events: []gateway.Event{{At: w.now.Add(time.Second), State: exchange.WaitingYou, Text: "Is Thursday fine?"}}}}
		w.now = w.now.Add(time.Minute)
		return w
	}
	for _, said := range []string{"ok", "thanks", "d'accord", "تمام", "好的"} {
		w := asked()
		got := w.text(said)
		if len(w.crossed) != 1 || !strings.Contains(got, reference(0)) {
			t.Fatalf("%s: %q, %d crossed", said, got, len(w.crossed))
		}
		if a, ok := w.crossed[0].Document.(exchange.Addition); !ok || a.Act != exchange.ActReply || a.Text != said || a.Case != "m" {
			t.Errorf("%s crossed as %+v", said, w.crossed[0].Document)
		}
		w.now = w.now.Add(time.Minute)
		if w.text("thanks"); len(w.crossed) != 1 {
			t.Errorf("%s: thanks for the answer became another", said)
		}
	}
	w := asked()
	w.text("how do i get rid of an old sofa")
	w.now = w.now.Add(time.Minute)
	if got := w.text("thanks"); got != "You are welcome." || len(w.crossed) != 0 {
		t.Errorf("thanks for an answer: %q, %d crossed", got, len(w.crossed))
	}
}

// TestNodsEnd: after a day, and after STOP nothing of a list is said again.
func TestNodsEnd(t *testing.T) {
	w := alerted(t)
	w.now = w.now.Add(24 * time.Hour)
	if got := w.text("ok"); got != "You are welcome." || w.nods != 0 {
		t.Errorf("a day later: %q", got)
	}
	w = alerted(t)
	w.text("STOP")
	if got := w.text("ok"); strings.Contains(got, alert) || w.nods != 1 {
		t.Errorf("after STOP: %q, %d", got, w.nods)
	}
}

// TestANodByMailIsNoCase: the words above a quotation count.
func TestANodByMailIsNoCase(t *testing.T) {
	w := alerted(t)
	m := channels.Message{From: inbox, To: channels.Address{Channel: "email", Value: "help@portlumen.example"}, Subject: "Re: Storm",
		Text: "Thanks\n\n> Port Lumen: storm from 18:00."}
	if got := w.hear(m); got != alert || len(w.crossed) != 0 || w.nods != 1 {
		t.Errorf("%q, %d crossed, %d nods", got, len(w.crossed), w.nods)
	}
	if got := w.hear(m); got != "" || len(w.crossed) != 0 {
		t.Errorf("again: %q", got)
	}
}
