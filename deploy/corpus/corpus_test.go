package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"gatehouse/deploy/carriers/relay"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// row is one mail and what becomes of it.
type row struct {
	name   string
	letter letter
	fate   fate
}

// fate is what becomes of a mail.
type fate struct {
	// refused begins the server's answer to a mail that is not taken; empty: 250.
	refused string
	// trust is how far its sender is believed.
	trust gateway.Level
	// judged is in the verdict of SPF, DKIM and DMARC; empty: it follows from trust.
	judged string
	// effect is what crosses the border: "new DEC-GOODS", "add reply"; empty: nothing.
	effect string
	// holds are words in what crosses, lacks words that are not in it.
	holds, lacks []string
	// says is the text of ours that the answer begins with, or holds; empty: no answer.
	says string
	// lang is that of the answer; empty: en.
	lang string
	// thread is the row whose case this mail belongs to; empty: its own, or none.
	thread string
}

// seen is what was seen of a row.
type seen struct {
	sent      written
	replies   []relay.Mail
	documents []exchange.Document
	verdict   string // of SPF, DKIM and DMARC; empty: it did not come so far
}

func (s *seen) reply() relay.Mail { return s.replies[len(s.replies)-1] }

// rows are all, in the order in which they are sent: an answer stands after what it answers.
func rows() []row {
	return slices.Concat(clients(), charsets(), names(), robots(), senders(), forgeries(), tangles(), threads(), reports())
}

// TestCorpus sends every mail of the corpus to one gateway, and holds what becomes of it against its row.
func TestCorpus(t *testing.T) {
	all := rows()
	if len(all) < 80 {
		t.Fatalf("the corpus has %d mails", len(all))
	}
	c := open(t, []string{customs, sales, export, branch})
	texts, done := sayings(t), map[string]*seen{}
	for _, r := range all {
		t.Run(r.name, func(t *testing.T) {
			if done[r.name] != nil {
				t.Fatal("the name is taken")
			}
			var before *seen
			if of := or(r.letter.re, r.letter.bounces); of != "" {
				if before = done[of]; before == nil || len(before.replies) == 0 {
					t.Fatalf("%q has no reply", of)
				}
			}
			w := r.letter.write(t, c.people, r.name, before)
			if r.letter.again != "" {
				w = done[r.letter.again].sent
			}
			s, answer := c.post(t, w, r.fate.effect != "")
			done[r.name] = s
			s.verdict = c.judged.take()
			check{t, r.fate, s, s.verdict, done[r.fate.thread], texts}.all(answer)
		})
	}
	t.Run("mailauth agrees with our verdicts", func(t *testing.T) { c.secondOpinion(t, done) })
	t.Run("mailauth accepts our signatures", func(t *testing.T) { c.ownSignatures(t, done) })
}

// post sends a mail and waits for what becomes of it. Where something is to cross it waits for that too: what a report causes
// is done a moment after it was heard.
func (c *city) post(t *testing.T, w written, crosses bool) (*seen, string) {
	t.Helper()
	old := len(c.mailbox(w.answer))
	c.judged.take()
	answer := send(t, c.smtp, w)
	s := &seen{sent: w, documents: c.rest()}
	for end := time.Now().Add(patience); crosses && len(s.documents) == 0 && time.Now().Before(end); {
		s.documents = c.rest()
	}
	s.replies = c.mailbox(w.answer)[old:]
	return s, answer
}

// check holds what was seen of one mail against what its row says.
type check struct {
	t       *testing.T
	want    fate
	got     *seen
	verdict string
	of      *seen // the row that the mail belongs to
	texts   map[string][]string
}

func (c check) all(answer string) {
	c.t.Helper()
	if want := or(c.want.refused, "250 "); !strings.HasPrefix(answer, want) {
		c.t.Errorf("the server says %q, not %q", answer, want)
	}
	if c.want.refused == "" {
		c.trust()
	}
	if !strings.Contains(c.verdict, c.want.judged) {
		c.t.Errorf("judged %q, not %q", c.verdict, c.want.judged)
	}
	c.effect()
	c.reply()
}

// trust is in what crosses; where nothing does, the verdict at the door has to be the one that it rests on.
func (c check) trust() {
	proven := c.want.trust == gateway.CompanySigned || c.want.trust == gateway.ByCompany || c.want.trust == gateway.OfDomain
	if c.want.trust == "" {
		c.t.Error("the row does not say who is believed")
	}
	if strings.Contains(c.verdict, "dmarc=pass") != proven && c.want.trust != gateway.CompanySigned && c.verdict != "" {
		c.t.Errorf("%s does not go with %q", c.want.trust, c.verdict)
	}
	for _, d := range c.got.documents {
		var got string
		switch d := d.(type) {
		case exchange.Case:
			got = d.Trust
		case exchange.Addition:
			if got = d.Trust; d.Act.ByGateway() {
				continue
			}
		default: // a Part of a file
			continue
		}
		if got != string(c.want.trust) {
			c.t.Errorf("it crosses as %q, not %q", got, c.want.trust)
		}
	}
}

func (c check) effect() {
	c.t.Helper()
	var effects []string
	all := ""
	for _, d := range c.got.documents {
		switch d := d.(type) {
		case exchange.Case:
			effects = append(effects, "new "+d.Service)
			all += d.Text + files(d.Files) + answers(d.Answers)
		case exchange.Addition:
			effects = append(effects, "add "+string(d.Act))
			all += d.Text + files(d.Files) + answers(d.Answers)
			if c.of == nil || d.Case != c.of.caseID() {
				c.t.Error("it was added to another case")
			}
		}
	}
	if got := strings.Join(effects, ", "); got != c.want.effect {
		c.t.Errorf("crosses %q, not %q", got, c.want.effect)
	}
	for _, w := range c.want.holds {
		if !strings.Contains(all, w) {
			c.t.Errorf("%q is not in what crosses:\n%s", w, all)
		}
	}
	for _, w := range c.want.lacks {
		if strings.Contains(all, w) {
			c.t.Errorf("%q is in what crosses:\n%s", w, all)
		}
	}
}

func (s *seen) caseID() string {
	for _, d := range s.documents {
		if c, ok := d.(exchange.Case); ok {
			return c.ID
		}
	}
	return ""
}

// reference is that of the case that a row opened.
func (s *seen) reference() string {
	for _, d := range s.documents {
		if c, ok := d.(exchange.Case); ok {
			return c.Reference
		}
	}
	return ""
}

func files(all []exchange.FileRef) (s string) {
	for _, f := range all {
		s += fmt.Sprintf("\n[%s %s]", f.Name, f.Type)
	}
	return s
}

func answers(all []exchange.Answer) (s string) {
	for _, a := range all {
		s += "\n" + a.Field + "=" + a.Value
	}
	return s
}

// reply holds the answer against the row: there is one or none, it says what it has to, in the thread of the mail, and so
// that no machine answers it.
func (c check) reply() {
	c.t.Helper()
	if c.want.says == "" {
		if len(c.got.replies) > 0 {
			c.t.Errorf("it was answered: %s\n%s", c.got.reply().Subject, c.got.reply().Text)
		}
		return
	}
	if len(c.got.replies) != 1 {
		c.t.Fatalf("%d answers came", len(c.got.replies))
	}
	r := c.got.reply()
	c.words(r)
	if id := c.got.sent.id; !slices.Equal(r.InReplyTo, []string{id}) && strings.Contains(c.got.sent.raw, "<"+id+">") {
		c.t.Errorf("it answers %q, not %q", r.InReplyTo, id)
	}
	if r.Field("Auto-Submitted") != "auto-replied" || r.Field("X-Loop") != "help@portlumen.example" {
		c.t.Error("a machine may answer it")
	}
	if receipt := slices.ContainsFunc(r.Files, func(f relay.File) bool { return f.Name == "receipt.json" }); receipt != strings.HasPrefix(r.EnvelopeFrom, "bounce+") || !receipt && r.EnvelopeFrom != "" {
		c.t.Errorf("its envelope is from %q", r.EnvelopeFrom) // whether a receipt arrived is asked for, nothing else
	}
	of := c.got
	if c.want.thread != "" {
		of = c.of
	}
	if ref := of.reference(); ref != "" && (!strings.Contains(r.Subject+r.Text, ref) || !strings.HasPrefix(address(r.From), "case+"+strings.ToLower(ref)+".")) {
		c.t.Errorf("the answer is not of %s: %s %q", ref, r.From, r.Subject)
	}
}

// words looks for the fixed words of a text in an answer.
func (c check) words(r relay.Mail) {
	c.t.Helper()
	pieces := c.texts[or(c.want.lang, "en")+" "+c.want.says]
	if len(pieces) == 0 {
		c.t.Fatalf("there is no text %q", c.want.says)
	}
	said := strings.Join(strings.Fields(r.Text), " ")
	for _, p := range pieces {
		if !strings.Contains(said, p) {
			c.t.Fatalf("the answer is no %s: %q is missing in\n%s", c.want.says, p, r.Text)
		}
	}
}

// sayings gives of every text the words between what is put into it, by language and key.
func sayings(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, lang := range []string{"en", "fr", "ar", "zh"} {
		b, err := os.ReadFile(filepath.Join("..", "..", "configs", "texts", "citizen", lang+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var catalog struct{ Texts map[string]string }
		if err := yaml.Unmarshal(b, &catalog); err != nil {
			t.Fatal(err)
		}
		for key, text := range catalog.Texts {
			all[lang+" "+key] = fixed(text)
		}
	}
	return all
}

// fixed gives the words of a text outside of all braces, space counting once.
func fixed(text string) []string {
	var pieces []string
	var b strings.Builder
	depth := 0
	for _, r := range text + "{" {
		switch {
		case r == '{':
			if depth++; depth == 1 {
				if p := strings.Join(strings.Fields(b.String()), " "); len(p) > 3 {
					pieces = append(pieces, p)
				}
				b.Reset()
			}
		case r == '}':
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return pieces
}
