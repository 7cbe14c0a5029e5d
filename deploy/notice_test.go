package deploy

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"gatehouse/deploy/carriers/relay"
)

// TestWalkNotification: people join a list by text, staff write to it, a second person releases it, and only those on
// the list get it, once; after STOP nobody does.
func TestWalkNotification(t *testing.T) {
	w := newTown(t, townOptions{})
	const ann, ben, cleo = "+447700900501", "+447700900502", "+447700900503"
	w.dialogue(ann, "ALERTS", "1,5", "1", "1", "SEND", "1")
	w.dialogue(ben, "ALERTS", "5", "1", "1", "SEND", "1")
	w.dialogue(cleo, "ALERTS", "2", "1", "1", "SEND", "1")
	notify(t, w.console(), "alerts-saltmarsh", "Storm tide tonight in Saltmarsh: stay away from the quay.")
	w.awaitText(ann, "Storm tide tonight")
	w.awaitText(ben, "Storm tide tonight")
	w.dialogue(ben, "STOP")
	notify(t, w.console(), "alerts-saltmarsh", "The storm tide is over.")
	w.awaitText(ann, "storm tide is over")
	author, pages := login(t, w.console(), "paulo"), regexp.MustCompile(`href="(/messages/[A-Z0-9]{26})"`)
	w.await("the counts on the pages of both", func() bool {
		all := pages.FindAllStringSubmatch(author.get("/messages"), -1)
		if len(all) != 2 {
			return false
		}
		second, first := plain(author.get(all[0][1])), plain(author.get(all[1][1]))
		return strings.Contains(first, "2 of 2 are done") && strings.Contains(first, "2 of them known to have arrived") &&
			strings.Contains(second, "2 of 2 are done") && strings.Contains(second, "1 of them known to have arrived") && strings.Contains(second, "Said STOP: 1")
	})
	for number, want := range map[string]int{ann: 2, ben: 1, cleo: 0} {
		got := 0
		for _, m := range w.carriers.Texts(number) {
			if strings.Contains(strings.ToLower(m.Body), "storm tide") {
				got++
			}
		}
		if got != want {
			t.Errorf("%s got %d notifications, want %d", number, got, want)
		}
	}
}

// TestWalkRefusedByGuard: a program that calls itself a PDF does not cross, and the person hears so in a clear sentence.
func TestWalkRefusedByGuard(t *testing.T) {
	w := newTown(t, townOptions{})
	const from = "clerk@harbourhotel.example"
	id, err := w.carriers.Write(relay.Draft{From: from, To: []string{"help@portlumen.example"}, Subject: "my papers",
		Text:  "please ask a person about the attached papers of mine",
		Files: []relay.File{{Name: "papers.pdf", Type: "application/pdf", Data: []byte("MZ\x90\x00\x03\x00\x00\x00This program cannot be run in DOS mode.")}}})
	if err != nil {
		t.Fatal(err)
	}
	first := w.awaitReply(from, strings.Trim(id, "<>"))
	ref := refOf(first.Subject + first.Text)
	if ref == "" {
		t.Fatalf("no reference: %q", first.Text)
	}
	m, err := w.carriers.AwaitMail(context.Background(), from, patience, func(m relay.Mail) bool {
		return !m.Sent && m.MessageID != first.MessageID && strings.Contains(m.Subject+m.Text, ref)
	})
	if err != nil {
		t.Fatalf("nobody told the person of the refusal: %v", err)
	}
	if !strings.Contains(m.Text, "photo") && !strings.Contains(m.Text, "PDF") && !strings.Contains(m.Text, "file") {
		t.Errorf("the refusal is not clear: %q", m.Text)
	}
	t.Log(m.Text)
	otto := login(t, w.console(), "otto")
	if link := otto.find(ref); link != "" {
		t.Error("the refused case is on the desk")
	}
}
