package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"

	"pgregory.net/rapid"
)

// town is a store of several contacts for tests of who may see whose case: it counts codes as the store does.
type town struct {
	*world
	others []gateway.Contact
	cases  []gateway.Matter
	sent   []gateway.CodeSent
	code   string // the next one
	// drafted is the form of the other contact of a wanted address that is not sent.
	drafted *gateway.Draft
}

var (
	clerk    = channels.Address{Channel: "email", Value: "jane@northdock.example"}
	stranger = channels.Address{Channel: "sms", Value: "+447700900777"}
)

// friday is until when the rows are to be corrected, 17:00 where Port Lumen is.
var friday = time.Date(2026, 12, 4, 18, 0, 0, 0, time.UTC)

// newTown has a company's declaration, filed by mail, and nobody else's case.
func newTown(t testing.TB) *town {
	w := newWorld(t)
	w.contact.Reaches = []gateway.Reach{{Address: phone, Introduced: true, Heard: monday}, {Address: bot, Introduced: true, Heard: monday}}
	w.contact.Lang = "en"
	c := &town{world: w, code: "481920"}
	c.others = []gateway.Contact{{ID: "c2", Lang: "en", Version: 7, Reaches: []gateway.Reach{{Address: clerk, Heard: monday}}}}
	c.cases = []gateway.Matter{{ID: "m2", Reference: reference(2), Contact: "c2", Service: "DEC-GOODS", Name: "Goods declaration",
		Lang: "en", Address: clerk, State: exchange.WaitingYou, FiledAt: monday, Rows: 20, Correct: 2, Promise: friday,
		Events: []gateway.Event{{At: monday, State: exchange.WaitingYou, Text: "Row 7: the HS code has five figures. Row 15: net is more than gross."}}}}
	return c
}

// ask runs one message with what the store would have read for it.
func (c *town) ask(m channels.Message) string {
	c.t.Helper()
	m.ID, m.At, m.Trust = c.newID(), c.now, channels.CarrierVerified
	turn := gateway.Turn{
		Now: c.now, NewID: c.newID, NewReference: c.newReference, NewCode: func() string { return c.code },
		Claim: gateway.Claim{Message: m.ID, Contact: "c1", Fence: 1}, Message: m, Contact: c.contact, Conversation: c.convs[m.From],
		Draft: c.draft, Shelf: c.shelf, Matters: c.matters, Attempt: 1,
	}
	turn.Conversation.Address = m.From
	if want := c.d.Wants(turn); !want.IsZero() {
		r := c.record(want, m.From)
		turn.Record = &r
	}
	o, err := c.d.Step(turn)
	if err != nil {
		c.t.Fatal(err)
	}
	c.sent = append(c.sent, o.Codes...)
	if len(o.Joins) > 0 && c.drafted != nil {
		if c.draft == nil {
			c.draft = c.drafted
		} else {
			c.shelf = append(c.shelf, *c.drafted)
		}
	}
	if len(o.Deliveries) == 2 { // the code is not part of the reply
		c.world.sent = append(c.world.sent, o.Deliveries[0])
		o.Deliveries = o.Deliveries[1:]
	}
	return c.apply(o)
}

func (c *town) record(w gateway.Wanted, by channels.Address) gateway.Record {
	r := gateway.Record{Wanted: w, Draft: c.drafted}
	to := w.Address
	for _, m := range c.cases {
		if m.Reference == w.Reference {
			r.Matter, r.Contact = m, c.others[0]
			to, _ = gateway.OnRecord(r, by, c.now)
		}
	}
	for _, o := range c.others {
		if slices.ContainsFunc(o.Reaches, func(x gateway.Reach) bool { return x.Address == w.Address }) {
			r.Contact = o
			for _, m := range c.cases {
				if m.Contact == o.ID {
					r.Matters = append(r.Matters, m)
				}
			}
		}
	}
	for _, s := range c.sent {
		hour, day := c.now.Sub(s.At) < time.Hour, c.now.Sub(s.At) < 24*time.Hour
		count := func(n *int, is bool) {
			if is {
				*n++
			}
		}
		count(&r.Codes.ToHour, s.To == to && hour)
		count(&r.Codes.ToDay, s.To == to && day)
		count(&r.Codes.ByHour, s.By == by && hour)
		count(&r.Codes.ByDay, s.By == by && day)
		count(&r.Codes.SMSHour, s.To.Channel == "sms" && hour)
	}
	return r
}

func (c *town) sms(s string) string {
	return c.ask(channels.Message{From: phone, To: channels.Address{Channel: "sms", Value: "+447700900000"}, Text: s})
}

func (c *town) chat(s string) string {
	return c.ask(channels.Message{From: bot, To: channels.Address{Channel: "chat", Value: "b"}, Text: s})
}

func has(t *testing.T, got string, all ...string) {
	t.Helper()
	for _, s := range all {
		if !strings.Contains(got, s) {
			t.Errorf("%q lacks %q", got, s)
		}
	}
}

func lacks(t *testing.T, got string, all ...string) {
	t.Helper()
	for _, s := range all {
		if strings.Contains(got, s) {
			t.Errorf("%q tells %q", got, s)
		}
	}
}

// TestTranscriptD is the step-up of transcript D: a company's case, asked for from a phone that is not on it.
func TestStepUpToACompanyFile(t *testing.T) {
	c := newTown(t)
	ref := reference(2)
	has(t, c.chat("/start "+ref), "share your number", "STATUS "+ref)
	if c.last.Deliveries[0].Message.Request != channels.RequestPhone {
		t.Error("no number is asked for")
	}
	lacks(t, c.last.Deliveries[0].Message.Text, "Goods", "northdock", "rows")
	got := c.sms("status " + strings.ToLower(ref))
	if want := ref + " is a company file. We e-mailed a 6-digit code to j***@northdock.example. Send it here (10 min)."; got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	letter := c.world.sent[len(c.world.sent)-2]
	if letter.Message.To != clerk || letter.Contact != "c1" {
		t.Errorf("the code goes to %v", letter.Message.To)
	}
	has(t, letter.Message.Text, "481 920", ref)
	for _, d := range []gateway.Delivery{c.last.Deliveries[0]} {
		lacks(t, d.Message.Text, "481")
	}
	got = c.sms("481 920")
	if want := ref + " Goods declaration: 18 rows accepted, 2 to correct by Fri 4 Dec 17:00. Details are in your e-mail."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, l := range c.convs[phone].Lines {
		lacks(t, l.Text, "481 920", "481920")
	}
	has(t, c.sms("481920"), "used already")
	lacks(t, c.sms("status "+ref), "code") // for an hour it is open here
	c.now = c.now.Add(2 * time.Hour)
	has(t, c.sms("status "+ref), "6-digit code")
}

func TestCodesInEveryScript(t *testing.T) {
	for _, typed := range []string{"481 920", "481920", "٤٨١ ٩٢٠", "۴۸۱۹۲۰", "４８１－９２０", "481-920.", " 4 8 1 9 2 0 ", "\u200f481\u00a0920\u200e"} {
		c := newTown(t)
		c.sms("status " + reference(2))
		has(t, c.sms(typed), "18 rows accepted")
	}
	c := newTown(t)
	c.sms("status " + reference(2))
	has(t, c.sms("48192"), "6 digits")
	has(t, c.sms("481 92O"), "Sorry") // a letter makes it words
	has(t, c.sms("481920"), "18 rows")
}

func TestWrongCodes(t *testing.T) {
	c := newTown(t)
	ref := reference(2)
	c.sms("status " + ref)
	for left := 4; left >= 1; left-- {
		has(t, c.sms("000000"), fmt.Sprintf("%d tr", left))
	}
	has(t, c.sms("000000"), "void", "15 minutes")
	has(t, c.sms("481920"), "void")
	has(t, c.sms("status "+ref), "void")
	c.now = c.now.Add(15 * time.Minute)
	has(t, c.sms("status "+ref), "6-digit code")
	c.now = c.now.Add(10 * time.Minute)
	has(t, c.sms("481920"), "10 minutes old")
	has(t, c.sms("status "+ref), "6-digit code")
	has(t, c.sms("status "+ref), "on its way")
	c.now = c.now.Add(2 * time.Minute)
	has(t, c.sms("status "+ref), "No more codes") // the fourth within the hour
}

// TestOldCodeIsVoidWhenANewOneIsSent: a code serves the conversation, the case and the challenge it was made for.
func TestCodeServesNowhereElse(t *testing.T) {
	c := newTown(t)
	ref := reference(2)
	c.sms("status " + ref)
	lacks(t, c.chat("481920"), "18 rows") // typed on the other channel
	c.now = c.now.Add(2 * time.Minute)
	c.code = "111111"
	c.sms("status " + ref)
	has(t, c.sms("481920"), "not the code")
	has(t, c.sms("111111"), "18 rows")
}

func TestUnknownAndSilentCasesAreTheSame(t *testing.T) {
	c := newTown(t)
	unknown := c.sms("status " + reference(4))
	c.others[0].Reaches = []gateway.Reach{{Address: channels.Address{Channel: "web", Value: "form-1"}}}
	silent := c.sms("status " + reference(2))
	if strings.ReplaceAll(silent, reference(2), reference(4)) != unknown {
		t.Errorf("a case without an address says %q, an unknown one %q", silent, unknown)
	}
	c.others[0].Reaches = []gateway.Reach{{Address: clerk, Dead: true}}
	if got := c.sms("status " + reference(2)); got != silent {
		t.Errorf("a dead address: %q", got)
	}
	for range 20 {
		c.sms("status " + reference(4))
	}
	has(t, c.sms("status "+reference(5)), "No more codes")
}

func TestOpenCasesNeedNoCode(t *testing.T) {
	c := newTown(t)
	c.cases[0].Service = "STR-LIGHT"
	got := c.sms("status " + reference(2))
	has(t, got, reference(2))
	lacks(t, got, "18 rows", "code")
}

// TestCodeWhileAFormRuns: six digits that are not the code are the form's answer, and count as a try.
func TestCodeWhileAFormRuns(t *testing.T) {
	c := newTown(t)
	c.sms("status " + reference(2))
	c.sms("TAX")
	c.sms("october")
	for range 5 {
		c.sms("000000")
		if !c.hasDraft() {
			t.Fatal("the form is gone")
		}
	}
	lacks(t, c.sms("481920"), "18 rows")
}

func (c *town) hasDraft() bool { return c.draft != nil }

// TestGuessersGetNowhere: whatever is typed in whatever order, the case is told only after the right code, within its
// time and its tries, and never are more codes sent than the budget allows.
func TestGuessersGetNowhere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newTown(t)
		ref := reference(2)
		var asked time.Time
		misses, open, opened := 0, false, time.Time{}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			c.now = c.now.Add(time.Duration(rapid.IntRange(0, 900).Draw(rt, "seconds")) * time.Second)
			before := len(c.sent)
			switch rapid.IntRange(0, 4).Draw(rt, "do") {
			case 0, 1:
				c.code = rapid.StringMatching(`[0-9]{6}`).Draw(rt, "code")
				c.sms("status " + ref)
				if len(c.sent) > before {
					asked, misses, open = c.now, 0, true
				}
			case 2:
				guess := rapid.StringMatching(`[0-9]{6}`).Draw(rt, "guess")
				if guess == c.code {
					continue
				}
				if strings.Contains(c.sms(guess), "18 rows") {
					rt.Fatal("a wrong code opens the case")
				}
				if open && c.now.Sub(asked) < 10*time.Minute {
					misses++
				}
			case 3:
				valid := open && misses < 5 && c.now.Sub(asked) < 10*time.Minute
				code := string(c.lastDigest())
				got := strings.Contains(c.sms(c.sentCode()), "18 rows")
				if got && !valid || !got && valid {
					rt.Fatalf("the code (%d misses, %s old, open %v, %x) shows the case: %v", misses, c.now.Sub(asked), open, code, got)
				}
				if got {
					open, opened = false, c.now
				}
			case 4:
				if got := c.sms(rapid.SampledFrom([]string{"menu", "BOOK", "14 quay st", "back", "thanks", "0"}).Draw(rt, "word")); strings.Contains(got, "18 rows") {
					rt.Fatal("told without a code")
				}
			}
		}
		_ = opened
		if n := len(c.sent); n > 3*(1+int(c.now.Sub(monday)/time.Hour)) || n > 6 {
			rt.Fatalf("%d codes in %s", n, c.now.Sub(monday))
		}
	})
}

func (c *town) lastDigest() []byte {
	if ch := c.convs[phone].Challenge; ch != nil {
		return ch.Digest
	}
	return nil
}

// sentCode is the code in the letter that was sent last.
func (c *town) sentCode() string {
	for i := len(c.world.sent) - 1; i >= 0; i-- {
		if m := c.world.sent[i].Message; m.To == clerk {
			_, rest, _ := strings.Cut(m.Text, "code is ")
			return rest[:7]
		}
	}
	return "999999"
}

// TestDigestHidesTheCode: what is kept of a challenge holds no code.
func TestChallengeHoldsNoCode(t *testing.T) {
	c := newTown(t)
	c.sms("status " + reference(2))
	ch := c.convs[phone].Challenge
	lacks(t, fmt.Sprintf("%+v %s", *ch, ch.Digest), "481920", "481 920")
	if len(ch.Digest) != 32 {
		t.Errorf("a digest of %d bytes", len(ch.Digest))
	}
}
