package deploy

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/deploy/carriers/relay"
)

// points are the places of a kill: inside accepting, between accepting and answering, inside sending, at the seal, in
// each guard, and while the office takes a case in.
var points = []string{"accept", "step", "send", "seal", "guard up", "submit", "guard down"}

// setting reads a number from the environment.
func setting(t *testing.T, name string, def int) int {
	v := os.Getenv(name)
	if v == "" {
		return def
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s is %q; give a whole number", name, v)
	}
	return n
}

// killer ends programs with SIGKILL at seeded points, and starts them again at once.
type killer struct {
	w           *town
	front, back *passage
	chance      *rand.Rand
	gateways    atomic.Int64 // kills of the gateway
	done        map[string]int
}

// strike waits for the point to be reached, kills the program there, and starts it again.
func (k *killer) strike(point string) {
	name, hit := k.target(point)
	pause := time.Duration(k.chance.IntN(6000)) * time.Microsecond
	select {
	case <-hit:
	case <-time.After(patience):
		k.w.t.Errorf("the point %q was never reached", point)
		return
	}
	if point != "send" {
		<-time.After(pause) // where exactly the kill falls is chance, by the seed
	}
	k.w.t.Logf("%s: kill %s", point, name)
	k.w.programs[name].kill()
	if name == "gateway" {
		k.gateways.Add(1)
	}
	k.done[point]++
	k.w.start(name)
}

// target arms the point, and gives the program to kill and the signal that it is reached.
func (k *killer) target(point string) (string, <-chan struct{}) {
	hit := make(chan struct{})
	switch point {
	case "accept":
		k.front.set(&k.front.before, func() { close(hit) })
		return "gateway", hit
	case "step":
		k.front.set(&k.front.after, func() { close(hit) })
		return "gateway", hit
	case "send":
		// The carrier has taken the text; the gateway dies before it hears so.
		dead := make(chan struct{})
		k.back.set(&k.back.after, func() {
			k.w.programs["gateway"].kill()
			close(dead)
		})
		return "gateway", dead
	case "seal":
		go k.watch("A", hit)
		return "gateway", hit
	case "guard up":
		go k.watch("A", hit)
		return "up", hit
	case "submit":
		go k.watch("B", hit)
		return "office", hit
	}
	go k.watch("C", hit)
	return "down", hit
}

// watch tells when an envelope lies in a folder of the border.
func (k *killer) watch(folder string, hit chan struct{}) {
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		found, _ := filepath.Glob(filepath.Join(k.w.dir, "border", folder, "*.envelope"))
		if len(found) > 0 {
			close(hit)
			return
		}
		<-tick.C
	}
}

// crowd are people who apply, each on their own channel, while programs die around them.
type crowd struct {
	w    *town
	mu   sync.Mutex
	refs map[string]string // reference → who
	next atomic.Int64
	seen int // by awaitProgress
}

func (c *crowd) keep(who, ref string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ref == "" {
		c.w.t.Errorf("%s got no reference", who)
		return
	}
	if other, twice := c.refs[ref]; twice {
		c.w.t.Errorf("%s and %s have the same reference", who, other)
	}
	c.refs[ref] = who
}

// awaitProgress waits until somebody got a reference since the last call: each kill falls into running work.
func (c *crowd) awaitProgress() {
	c.w.await("an application", func() bool { return c.filed() > c.seen })
	c.seen = c.filed()
}

func (c *crowd) filed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.refs)
}

// person applies once: by text, by chat or by mail.
func (c *crowd) person() {
	n := c.next.Add(1)
	switch n % 4 {
	case 0:
		c.byMail(n)
	case 1:
		c.byChat(n)
	default:
		c.byText(n)
	}
}

// numberOf is the telephone of the nth person. The hundred whose numbers are magic at the stand-ins is left out.
func numberOf(n int64) string {
	if n >= 900 {
		n += 100
	}
	return fmt.Sprintf("+4477009%05d", n)
}

func (c *crowd) byText(n int64) {
	number := numberOf(n)
	c.keep(number, refOf(c.w.dialogue(number, "BOOK", "14 quay st", "1", "1,3", "1", "SEND")))
}

func (c *crowd) byChat(n int64) {
	chat := 10_000 + n
	ref := ""
	for _, line := range []string{"BOOK", "14 quay st", "1", "1,3", "1", "SEND"} {
		before := len(c.distinct(chat))
		if _, err := c.w.carriers.Say(chat, line); err != nil {
			c.w.t.Error(err)
			return
		}
		c.w.await("in the chat an answer to "+line, func() bool { return len(c.distinct(chat)) > before })
		all := c.w.fromBot(chat)
		ref = refOf(all[len(all)-1].Message.Text)
	}
	c.keep(fmt.Sprint("chat ", chat), ref)
}

// distinct are the texts that a chat got, each once.
func (c *crowd) distinct(chat int64) map[string]bool {
	all := map[string]bool{}
	for _, e := range c.w.fromBot(chat) {
		all[e.Message.Text] = true
	}
	return all
}

func (c *crowd) byMail(n int64) {
	from := fmt.Sprintf("clerk%d@harbourhotel.example", n)
	m := c.w.declare(from, "declare+dec-tour@portlumen.example", "October", taxSheet)
	c.keep(from, refOf(m.Subject+m.Text))
}

// TestKill lets people apply while each program is killed at seeded points: every case is on the desk exactly once,
// and nobody is answered twice but where the carrier leaves no way to know.
func TestKill(t *testing.T) {
	kills, seed := setting(t, "GATEHOUSE_KILLS", 10), setting(t, "GATEHOUSE_SEED", 1)
	front := &passage{match: func(r *http.Request) bool { return r.URL.Path == "/hooks/sms" }}
	back := &passage{match: func(r *http.Request) bool { return r.Method == http.MethodPost }}
	w := newTown(t, townOptions{front: front, back: back})
	k := &killer{w: w, front: front, back: back, chance: rand.New(rand.NewPCG(uint64(seed), 7)), done: map[string]int{}}
	c := &crowd{w: w, refs: map[string]string{}}
	var people sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		people.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					c.person()
				}
			}
		})
	}
	for i := range kills {
		c.awaitProgress()
		k.strike(points[i%len(points)])
	}
	close(stop)
	people.Wait()
	t.Logf("seed %d, %d kills %v, %d applications", seed, kills, k.done, len(c.refs))
	c.everyCaseOnce()
	c.everyAnswerOnce(k.gateways.Load())
}

// everyCaseOnce compares what people hold in hand with what lies on the desk.
func (c *crowd) everyCaseOnce() {
	otto := login(c.w.t, c.w.console(), "otto")
	var desk map[string]int
	c.w.await("every case on the desk", func() bool {
		desk = otto.queue()
		for ref := range c.refs {
			if desk[ref] == 0 {
				return false
			}
		}
		return true
	})
	for ref, n := range desk {
		if n != 1 {
			c.w.t.Errorf("%s is on the desk %d times", ref, n)
		}
		if c.refs[ref] == "" {
			c.w.t.Errorf("%s is on the desk, and nobody filed it", ref)
		}
	}
}

// everyAnswerOnce counts what the carriers were given: a text once, a mail under one Message-ID, a chat message twice
// at most where a kill fell into its sending.
func (c *crowd) everyAnswerOnce(kills int64) {
	for n := int64(1); n <= c.next.Load(); n++ {
		number := numberOf(n)
		seen := map[string]int{}
		for _, m := range c.w.carriers.Texts(number) {
			seen[m.Body]++
		}
		for body, times := range seen {
			if times != 1 {
				c.w.t.Errorf("%s got %d times: %s", number, times, body)
			}
		}
		from := fmt.Sprintf("clerk%d@harbourhotel.example", n)
		ids := map[string]bool{}
		for _, m := range received(c.w.carriers.Mails(from)) {
			ids[m.MessageID] = true
		}
		if len(ids) > 1 {
			c.w.t.Errorf("%s got %d different mails", from, len(ids))
		}
	}
	doubles := int64(0)
	for n := int64(1); n <= c.next.Load(); n++ {
		doubles += int64(len(c.w.fromBot(10_000+n)) - len(c.distinct(10_000+n)))
	}
	if doubles > kills {
		c.w.t.Errorf("chats got %d messages twice at %d kills", doubles, kills)
	}
}

func received(all []relay.Mail) []relay.Mail {
	var in []relay.Mail
	for _, m := range all {
		if !m.Sent && !strings.Contains(m.Subject, "Undeliver") {
			in = append(in, m)
		}
	}
	return in
}
