package gateway_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// words are what people say, in all languages and states.
func words() []string {
	return []string{"BOOK", "book 14 Quay St, 1 3, 3 Dec", "LIGHT", "TAX", "TAX 0", "ALERTS", "enlever", "حجز", "预约", "1", "2", "3", "9", "0", "1,3", "٣",
		"14 quay st", "quay", "friday", "3 dec", "yes", "no", "oui", "是", "sofa", "2026-10", "412", "BACK", "SOMEONE ELSE", "Ana Silveira", "PAUSE", "GO", "GO 1", "DROP", "SEND", "MORE",
		"MENU", "STATUS", "STATUS PL-3QH8-7WRD-10", "SKIP", "PRIVACY", "?", "HELP", "EN", "FR", "AR", "中文", "STOP", "START", "please stop texting me",
		"how do i get rid of an old sofa", "my neighbour parks in the disabled bay is that a fine", "旧沙发怎么处理？", "hello", "thanks", "fire in my house",
		"", " ", "\x00\xff", "😀", "\u202egnihtemos", "/start", "/start PL-3QH8-7WRD-10", strings.Repeat("long ", 4000)}
}

// anyMessage draws something that a channel may bring.
func anyMessage(t *rapid.T) channels.Message {
	from := rapid.SampledFrom([]channels.Address{phone, phone, phone, bot, tab, inbox}).Draw(t, "from")
	to := channels.Address{Channel: from.Channel, Value: "us"}
	if from == inbox {
		to.Value = rapid.SampledFrom([]string{"help@x", "declare+dec-tour@x", "test+declare+tour@x", "case+a@x", "", "declare+"}).Draw(t, "to")
	}
	if from == tab && rapid.IntRange(0, 5).Draw(t, "form") == 0 {
		to.Value = rapid.SampledFrom([]string{"form+wst-bulk", "form+none", "form+"}).Draw(t, "form")
	}
	m := channels.Message{
		From: from, To: to, Text: rapid.OneOf(rapid.SampledFrom(words()), rapid.SampledFrom(words()), rapid.String()).Draw(t, "text"),
		Subject: rapid.SampledFrom([]string{"", "BOOK", "Re: x", "unsubscribe"}).Draw(t, "subject"),
		Lang:    rapid.SampledFrom([]string{"", "", "fr-CA", "xx"}).Draw(t, "lang"),
		OptOut:  rapid.SampledFrom([]channels.OptOut{"", "", "", "", "", channels.OptedOut, channels.OptedIn, channels.AskedHelp}).Draw(t, "opt"),
		Robot:   rapid.IntRange(0, 20).Draw(t, "robot") == 0,
	}
	if from != phone {
		m.OptOut = channels.NoOptEvent
	}
	if rapid.IntRange(0, 6).Draw(t, "files") == 0 {
		m.Files = []channels.File{file("a\u202e.jpg", "image/JPEG; x", "jpg"), file("", "", "")}
		m.Files[0].Open, m.Files[1].Open = nil, nil // functions can't be compared
	}
	if from == inbox && rapid.IntRange(0, 3).Draw(t, "ref") == 0 {
		m.Reference = reference(rapid.IntRange(0, 3).Draw(t, "which"))
	}
	return m
}

// TestAnySequenceOfMessages: nothing panics or fails, every document can cross, no SMS is over three segments, an
// address that the carrier blocks hears nothing, the turn that was given stays as it was, and HELP always answers.
func TestAnySequenceOfMessages(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		if rapid.Bool().Draw(rt, "stranger") {
			w.contact.Reaches = nil
		}
		for range rapid.IntRange(1, 12).Draw(rt, "messages") {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 200).Draw(rt, "hours")) * time.Hour)
			step(rt, w, anyMessage(rt))
			if len(w.matters) > 0 && rapid.IntRange(0, 4).Draw(rt, "notice") == 0 {
				m := rapid.SampledFrom(w.matters).Draw(rt, "matter")
				w.notice(m, exchange.Notice{State: rapid.SampledFrom([]exchange.State{"", exchange.InOA, exchange.WaitingYou, exchange.Decided}).Draw(rt, "state"),
					Text: rapid.SampledFrom([]string{"", "Which floor?"}).Draw(rt, "said")})
			}
		}
		w.hear(channels.Message{From: phone, To: channels.Address{Channel: "sms"}, OptOut: channels.OptedIn, Text: "START"})
		if got := w.text("EN"); got == "" {
			rt.Fatal("a language is not answered")
		}
		if got := w.text("HELP"); got == "" {
			rt.Fatal("HELP is not answered")
		}
	})
}

func step(rt *rapid.T, w *world, m channels.Message) {
	blocked := slices.ContainsFunc(w.contact.Reaches, func(r gateway.Reach) bool { return r.Address == m.From && r.Blocked })
	m.ID = w.newID()
	turn := gateway.Turn{Now: w.now, Message: m, Contact: w.contact, Conversation: w.convs[m.From], Draft: w.draft, Matters: w.matters,
		Claim: gateway.Claim{Message: m.ID, Contact: "c1"}}
	before := snapshot(turn)
	turn.NewID, turn.NewReference = w.newID, w.newReference
	ids, refs := w.ids, w.refs
	o, err := w.d.Step(turn)
	if err != nil {
		rt.Fatalf("step: %v", err)
	}
	w.ids, w.refs = ids, refs
	again, err := w.d.Step(turn)
	if err != nil || !reflect.DeepEqual(o, again) {
		rt.Fatalf("the same turn gives another outcome")
	}
	turn.NewID, turn.NewReference = nil, nil
	if snapshot(turn) != before {
		rt.Fatalf("the step changed what it was given")
	}
	for _, d := range o.Deliveries {
		if d.Message.To.Channel == "sms" && text.Measure(d.Message.Text).Segments > 3 {
			rt.Fatalf("%d segments: %s", text.Measure(d.Message.Text).Segments, d.Message.Text)
		}
		if strings.Contains(d.Message.Text, "citizen.") || regexp.MustCompile(`\{[a-z]+\}`).MatchString(d.Message.Text) {
			rt.Fatalf("a hole in the text: %s", d.Message.Text)
		}
		if blocked && m.OptOut != channels.OptedIn && d.Message.To == m.From && !asksBack(m.Text) {
			rt.Fatalf("a blocked address hears %s", d.Message.Text)
		}
		for _, op := range d.Message.Options {
			if len(op.Value) > 64 || op.Label == "" {
				rt.Fatalf("an option that no channel takes: %+v", op)
			}
		}
	}
	w.apply(o)
}

// asksBack tells a START that the carrier did not mark, as Twilio does without Advanced Opt-Out: punctuation aside, it
// lifts the block there too.
func asksBack(s string) bool { return strings.EqualFold(strings.Trim(s, "/.! "), "START") }

// snapshot writes a turn as text; functions of files are left out.
func snapshot(t gateway.Turn) string {
	bare := func(files []channels.File) []channels.File {
		files = slices.Clone(files)
		for i := range files {
			files[i].Open = nil
		}
		return files
	}
	t.Message.Files = bare(t.Message.Files)
	var d gateway.Draft
	if t.Draft != nil {
		d = *t.Draft
		d.Files = bare(d.Files)
	}
	t.Draft = nil
	return fmt.Sprintf("%#v %#v", t, d)
}

// TestNoAnswerIsLostOnTheWay: whatever is said between two answers, the first is still there, unless DROP or SEND.
func TestNoAnswerIsLostOnTheWay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.text("BOOK")
		w.text("14 quay st")
		w.text("1")
		for _, s := range rapid.SliceOfN(rapid.SampledFrom(words()), 0, 8).Draw(rt, "between") {
			if u := strings.ToUpper(s); u == "DROP" || u == "SEND" {
				continue
			}
			w.text(s)
		}
		if w.draft == nil || len(w.draft.Form.Answers["place"]) != 1 {
			rt.Fatalf("the place is gone: %+v", w.draft)
		}
		if got := w.text("GO"); !w.contact.Reaches[0].Stopped && got == "" {
			rt.Fatal("GO is not answered")
		}
	})
}

// TestEveryKeyThatIsUsedExists reads the source for the keys of texts.
func TestEveryKeyThatIsUsedExists(t *testing.T) {
	c := mustTexts(t)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("forms/*.go")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`\.(?:say|text)\((?:sc, |j.sc, )?"([a-z._]+)"|key(?:, options)? (?::?=) "([a-z._]+)"|"citizen\.([a-z._]*[a-z])"`)
	used := map[string]bool{}
	for _, f := range append(files, more...) {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(b), -1) {
			used[m[1]+m[2]+m[3]] = true
		}
	}
	if len(used) < 60 {
		t.Fatalf("only %d keys found in the source", len(used))
	}
	have := c.Keys("en", "citizen.")
	for key := range used {
		if !slices.Contains(have, "citizen."+key) {
			t.Errorf("citizen.%s is used and not there", key)
		}
	}
	for _, key := range have {
		short := strings.TrimPrefix(key, "citizen.")
		family, _, _ := strings.Cut(short, ".")
		if !used[short] && !slices.Contains([]string{"state", "decision", "notice", "refused", "where", "act"}, family) {
			t.Errorf("%s is not used", key)
		}
	}
}

func FuzzStep(f *testing.F) {
	for _, s := range words() {
		f.Add(s, "BOOK")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		w := newWorld(t)
		for _, s := range []string{b, a, "1", a, "STATUS", b} {
			w.text(s)
			w.say(bot, s)
			w.hear(channels.Message{From: inbox, To: channels.Address{Channel: "email", Value: "declare+dec-tour@x"}, Text: s, Subject: b})
		}
	})
}
