package program

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/gateway"
	"gatehouse/gateway/answers"
	"gatehouse/gateway/store"
)

// chatter is what a person may send in the middle of a form.
var chatter = []string{"1,3", "2", "3 dec", "9", "PAUSE", "go", "go 1", "BACK", "hello", "thanks", "?", "0", "MENU", "fr", "STATUS", "SEND", "DROP", "BOOK",
	"STOP", "START", "旧沙发", "where is my pickup", "\x00😀", ""}

// mostPeople bounds the test: each writes a database some 30 times.
const mostPeople = 30

// witness writes down every step of a store's workers in the order they were made.
type witness struct {
	mu    sync.Mutex
	heart *gateway.Dispatcher
	steps []seen
}

type seen struct {
	turn    gateway.Turn
	outcome gateway.Outcome
}

// step is the dispatcher's. A turn whose outcome was lost to another comes again, and only the last counts.
func (w *witness) step(t gateway.Turn) (gateway.Outcome, error) {
	o, err := w.heart.Step(t)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps = slices.DeleteFunc(w.steps, func(s seen) bool { return s.turn.Message.ID == t.Message.ID })
	w.steps = append(w.steps, seen{t, o})
	return o, err
}

// TestAnyOrderGivesOneDialogue puts any messages of one person through the SQLite store: two carriers' connections bring
// them in the same millisecond, in orders of their own, some of them more than once, and two workers answer. Each is
// answered once, every step stands on all that the one before it left, and no answer of the form is lost.
func TestAnyOrderGivesOneDialogue(t *testing.T) {
	words, err := texts.Load()
	if err != nil {
		t.Fatal(err)
	}
	cat, err := services("")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := openHearts(t, store.Config{URL: "sqlite:" + filepath.Join(dir, "g.db"), KeyFile: filepath.Join(dir, "key")})
	heart := gateway.NewDispatcher(gateway.Rules{Texts: words, Services: cat, Answers: answers.New(nil), PublicURL: "https://portlumen.example"})
	person := 0
	rapid.Check(t, func(rt *rapid.T) {
		if person++; person > mostPeople {
			return
		}
		w := &witness{heart: heart}
		p := &telephone{t: t, store: s, from: channels.Address{Channel: "sms", Value: fmt.Sprintf("+4477008%05d", person)}}
		before := p.counts()
		for i, said := range []string{"BOOK", "14 quay st", "1"} {
			p.send(fmt.Sprint("o", i), said)
		}
		answerAll(t, w.step, []*store.Store{s})
		burst := rapid.SliceOfN(rapid.SampledFrom(chatter), 1, 5).Draw(rt, "said")
		var wg sync.WaitGroup
		for range 2 {
			order := rapid.Permutation(numbers(len(burst))).Draw(rt, "order")
			order = append(order, rapid.SliceOfN(rapid.SampledFrom(order), 0, 2).Draw(rt, "again")...)
			wg.Go(func() {
				for _, i := range order {
					p.send(fmt.Sprint("b", i), burst[i])
				}
			})
		}
		wg.Wait()
		answerAll(t, w.step, []*store.Store{s, s})
		w.oneDialogue(rt, 3+len(burst))
		owed := 0
		for _, x := range w.steps {
			owed += len(x.outcome.Deliveries)
		}
		if n := p.counts(); int(n.Owed-before.Owed) != owed || int(n.Inbound-before.Inbound) != 3+len(burst) || n.InboundAside != 0 {
			rt.Fatalf("%d messages with %d replies give %+v after %+v", 3+len(burst), owed, n, before)
		}
		p.send("last", "?")
		answerAll(t, w.step, []*store.Store{s})
		w.oneDialogue(rt, 4+len(burst))
	})
}

// oneDialogue: each message was answered once, for one person, and each step began with what the one before it left.
func (w *witness) oneDialogue(t *rapid.T, messages int) {
	if len(w.steps) != messages {
		t.Fatalf("%d messages were answered, of %d", len(w.steps), messages)
	}
	for i := 1; i < len(w.steps); i++ {
		left, found := w.steps[i-1].outcome, w.steps[i].turn
		if found.Contact.ID != w.steps[0].turn.Contact.ID {
			t.Fatalf("%q is another person's", found.Message.Text)
		}
		if !reflect.DeepEqual(given(left.Draft), given(found.Draft)) {
			t.Fatalf("%q finds the answers %v, %v were left", found.Message.Text, given(found.Draft), given(left.Draft))
		}
		if a, b := said(left.Conversation), said(&found.Conversation); a != b {
			t.Fatalf("%q finds the talk\n%s\nit was\n%s", found.Message.Text, b, a)
		}
		ends := strings.EqualFold(w.steps[i-1].turn.Message.Text, "DROP") || len(left.Crossings) > 0
		if before := w.steps[i-1].turn.Draft; before != nil && found.Draft == nil && !ends {
			t.Fatalf("%q ends the form", w.steps[i-1].turn.Message.Text)
		}
	}
}

// given are the answers of a form in one line.
func given(d *gateway.Draft) string {
	if d == nil {
		return "none"
	}
	return fmt.Sprint(d.ID, d.Paused, d.Form.At, d.Form.Answers)
}

// said is what was said in a conversation, and what is open there.
func said(c *gateway.Conversation) string {
	var all []string
	for _, l := range c.Lines {
		all = append(all, l.Who+": "+l.Text)
	}
	return strings.Join(append(all, c.Pending.Kind), "\n")
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// telephone is that of one person.
type telephone struct {
	t     *testing.T
	store *store.Store
	from  channels.Address
}

// send brings one message, as often as the carrier repeats it.
func (p *telephone) send(id, said string) {
	m := channels.Message{ID: "sms:" + p.from.Value + id, From: p.from, To: channels.Address{Channel: "sms", Value: "us"}, At: noon, Text: said,
		Trust: channels.CarrierVerified}
	if _, err := p.store.Accept(p.t.Context(), m); err != nil {
		p.t.Errorf("accept %q: %v", said, err)
	}
}

func (p *telephone) counts() gateway.Counts {
	n, err := p.store.Counts(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}
