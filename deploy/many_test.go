package deploy

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"gatehouse/configs/database/databasetest"
	"gatehouse/deploy/carriers/faults"
	"gatehouse/gateway/volatile/redis/redistest"
)

// TestWalkTwoGateways: one PostgreSQL, one Redis, two gateways. A person's texts land on either in turn, a web chat
// goes on at the other gateway, and Redis forgets everything in the middle.
func TestWalkTwoGateways(t *testing.T) {
	pg := databasetest.Postgres(t)
	memory := redistest.Start(t)
	w := newTown(t, townOptions{gateways: 2, store: pg.Database(t), redis: memory.URL()})
	const phone = "+447700900201"
	w.dialogue(phone, "BOOK", "14 quay st", "1")
	memory.Empty(t)
	ref := refOf(w.dialogue(phone, "1,3", "1", "SEND"))
	if ref == "" {
		t.Fatal("no reference over two gateways")
	}
	rosa := login(t, w.console(), "rosa")
	rosa.decide(w.awaitCase(rosa, ref), "granted", "The crew comes in the morning.")
	w.awaitText(phone, "The crew comes in the morning.")
	w.chatOverBoth(rosa)
	w.chatByTelegram(rosa)
	w.mailOverBoth(rosa)
	for ref, n := range rosa.queue() {
		if n != 1 {
			t.Errorf("%s is on the desk %d times", ref, n)
		}
	}
}

// chatOverBoth begins a web chat at one gateway and ends it at the other.
func (w *town) chatOverBoth(rosa *clerk) {
	w.t.Helper()
	c := &chatter{t: w.t}
	at := func(i int) {
		if c.ws != nil {
			c.ws.Close()
		}
		c.url = "ws://" + w.settings[gatewayName(i%2)] + "/chat/ws?lang=en"
		c.connect()
	}
	for i, line := range []string{"BOOK", "14 quay st", "1", "1,3", "1", "SEND"} {
		at(i)
		c.say(fmt.Sprintf("m%d", i), line, false)
	}
	ref := refOf(c.seen[len(c.seen)-1])
	if ref == "" {
		w.t.Fatalf("no reference: %q", c.seen)
	}
	rosa.decide(w.awaitCase(rosa, ref), "refused", "The chat's case is refused, because two were granted.")
	at(1)
	for !strings.Contains(strings.Join(c.seen, "\n"), "because two were granted") {
		c.read("message")
	}
	c.ws.Close()
}

func (w *town) chatByTelegram(rosa *clerk) {
	w.t.Helper()
	crowd := &crowd{w: w, refs: map[string]string{}}
	crowd.byChat(1)
	for ref := range crowd.refs {
		rosa.decide(w.awaitCase(rosa, ref), "granted", "Granted by chat.")
	}
	w.awaitChat(10_001, "Granted by chat.")
}

func (w *town) mailOverBoth(rosa *clerk) {
	w.t.Helper()
	mei := login(w.t, w.console(), "mei")
	for i := range 2 {
		w.carriers.Mail.SetGateway(w.settings[gatewayName(i)+".smtp"])
		from := fmt.Sprintf("clerk%d@harbourhotel.example", i)
		m := w.declare(from, "declare+dec-tour@portlumen.example", "October", taxSheet)
		ref := refOf(m.Subject + m.Text)
		if ref == "" {
			w.t.Fatalf("gateway %d: %q", i, m.Text)
		}
		w.awaitCase(mei, ref)
	}
	_ = rosa
}

// TestSameWebhookFourTimes: a carrier that delivers one message several times at once gets one answer made.
func TestSameWebhookFourTimes(t *testing.T) {
	w := newTown(t, townOptions{})
	if err := w.carriers.Faults.Set(faults.Rule{Carrier: "sms", Kind: faults.Duplicate, Times: 100}); err != nil {
		t.Fatal(err)
	}
	var people sync.WaitGroup
	for i := range 8 {
		people.Go(func() { w.dialogue(fmt.Sprintf("+4477009003%02d", i), "BOOK", "14 quay st") })
	}
	people.Wait()
	for i := range 8 {
		if got := w.carriers.Texts(fmt.Sprintf("+4477009003%02d", i)); len(got) != 2 {
			t.Errorf("two texts, each delivered several times, got %d answers", len(got))
		}
	}
}
