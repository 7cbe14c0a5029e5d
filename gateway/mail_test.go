package gateway_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
	"gatehouse/gateway/declaration"
)

func file(name, typ, body string) channels.File {
	sum := sha256.Sum256([]byte(body))
	return channels.File{Name: name, Type: typ, Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:]),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }}
}

// mail runs one mail through the filing room and the dispatcher, as the program does.
func (w *world) mail(to, subject, body string, files ...channels.File) string {
	w.t.Helper()
	reference, _ := strings.CutPrefix(to, "case+")
	if reference == to {
		reference = ""
	}
	m := channels.Message{ID: w.newID(), From: inbox, To: channels.Address{Channel: "email", Value: to + "@portlumen.example"}, Subject: subject, Reference: reference,
		Text: body, Files: files, Trust: channels.Unverified, At: w.now, Thread: channels.Thread{MessageID: "m1@northdock.example", References: []string{"m0@northdock.example"}}}
	if w.trust != "" {
		m.Trust = w.trust
	}
	filing := &declaration.Filing{Services: mustServices(w.t), Heart: w.d}
	turn := gateway.Turn{Register: w.register, Now: w.now, NewID: w.newID, NewReference: w.newReference, NewToken: w.tokens, Message: m, Contact: w.contact, Conversation: w.convs[inbox],
		Matters: w.matters, Corrections: w.open, Claim: gateway.Claim{Message: m.ID, Contact: "c1"}}
	o, mine, err := filing.Offer(context.Background(), turn)
	if !mine && err == nil {
		o, err = w.d.Step(turn)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return w.apply(o)
}

const goodCSV = "month,nights,exempt,rate,total,lodging\n2026-10,412,30,2.00,764.00,Hotel Lantern\n"

func TestDeclarationByMail(t *testing.T) {
	w := newWorld(t)
	got := w.mail("declare+dec-tour", "October return", "Dear office,\nsee the file.", file("return.csv", "text/csv; charset=utf-8", goodCSV))
	for _, want := range []string{"Tourist tax return: received and checked.", "Reference: " + reference(0), "Filed: Mon 23 Nov 09:00:00 (10:00:00 UTC)",
		"Nights: 412", "Total EUR: 764.00", "EUR 764.00 to pay. We confirm by Tue 1 Dec."} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	m := w.sent[0].Message
	if m.Subject != "["+reference(0)+"] Tourist tax return" || m.Reference != reference(0) || m.Thread.InReplyTo != "m1@northdock.example" ||
		!slices.Equal(m.Thread.References, []string{"m0@northdock.example", "m1@northdock.example"}) {
		t.Errorf("the reply's head is %+v", m)
	}
	c := w.lastCase()
	if answersOf(c) != "month=2026-10 nights=412 exempt=30 rate=2.00 total=764.00 lodging=Hotel Lantern" || c.Trust != "known" { // the world links its addresses
		t.Errorf("filed %s, %s", answersOf(c), c.Trust)
	}
	if len(c.Files) != 1 || c.Files[0].Type != "text/csv" || w.crossed[0].FileIDs[0] != c.Files[0].ID {
		t.Errorf("files are %+v", c.Files)
	}
}

func TestDeclarationByMailFaultsFileNothing(t *testing.T) {
	for name, c := range map[string]struct {
		to, body string
		file     *channels.File
		want     []string
	}{
		"total":     {to: "declare+tour", file: csv("month,nights,exempt,total\n2026-10,412,30,700\n"), want: []string{"One entry", "nothing was filed", `Total EUR: "700" - it should be 764.00`}},
		"two":       {to: "declare+dec-tour", file: csv("month;nights;exempt\n2027-10;viel;3\n"), want: []string{"2 entries need", "Month", "Nights"}},
		"list":      {to: "declare+soc-heat", body: "x", want: []string{"can't be done on this channel"}},
		"rows":      {to: "declare+dec-tour", file: csv("month,nights\n2026-10,1\n2026-09,1\n"), want: []string{"2 rows"}},
		"header":    {to: "declare+dec-tour", file: csv("month,nights\n"), want: []string{"0 rows"}},
		"binary":    {to: "declare+dec-tour", file: csv("PK\x03\x04\x00\x00"), want: []string{"damaged or cut off"}},
		"template":  {to: "declare+dec-tour", body: "What do you need?", want: []string{"Reply to this mail with one line for each entry", "Nights (nights) [412]: "}},
		"unknown":   {to: "declare+none", body: "x", want: []string{"no declaration of that name", "declare+dec-tour@portlumen.example"}},
		"dry":       {to: "test+declare+dec-tour", file: csv(goodCSV), want: []string{"all entries are right", "dry run"}},
		"dry fault": {to: "test+declare+dec-tour", body: "month: 2026-10\nnights: x\nexempt: 0", want: []string{"dry run", `Nights: "x"`}},
	} {
		w := newWorld(t)
		var files []channels.File
		if c.file != nil {
			files = append(files, *c.file)
		}
		got := w.mail(c.to, "Return", c.body, files...)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is missing in\n%s", name, want, got)
			}
		}
		if len(w.crossed) != 0 || len(w.matters) != 0 {
			t.Errorf("%s: something was filed", name)
		}
	}
}

func csv(body string) *channels.File {
	f := file("r.csv", "text/csv", body)
	return &f
}

func TestDeclarationInAMailsText(t *testing.T) {
	w := newWorld(t)
	got := w.mail("declare+dec-tour", "", "Bonjour,\nMois : octobre 2026\nNuitées : 412\nNuitées exonérées : 30\nCordialement\n\n> Mois : 2025-01")
	if !strings.Contains(got, "reçu et vérifié") || answersOf(w.lastCase()) != "month=2026-10 nights=412 exempt=30 rate=2.00 total=764.00" {
		t.Errorf("said %s", got)
	}
}

// TestTemplateComesBackFilledIn: what the template says is filled in as it stands and sent where it came from.
func TestTemplateComesBackFilledIn(t *testing.T) {
	for lang, keyword := range map[string]string{"en": "BOOK", "fr": "ENLEVER", "ar": "حجز", "zh": "预约"} {
		w := newWorld(t)
		got := w.mail("help", keyword, "")
		from := w.sent[0].Message.From.Value
		if from != "declare+wst-bulk@portlumen.example" {
			t.Fatalf("%s: the template comes from %s", lang, from)
		}
		var filled []string
		for _, line := range strings.Split(got, "\n") {
			label, _, ok := strings.Cut(line, ": ")
			_, rest, named := strings.Cut(label, "(")
			if name, _, _ := strings.Cut(rest, ")"); ok && named {
				filled = append(filled, label+": "+map[string]string{"place": "14 Quay St", "items": "sofa, 冰箱", "date": "2026-12-03", "note": "ring"}[name])
			}
		}
		to, _, _ := strings.Cut(from, "@")
		w.mail(to, "Re: "+keyword, strings.Join(filled, "\n")+"\n\n> "+strings.ReplaceAll(got, "\n", "\n> "))
		if len(w.crossed) != 1 || answersOf(w.lastCase()) != "place=14 Quay St, PL2 4AB items=furniture items=fridge date=2026-12-03 note=ring" {
			t.Errorf("%s: %q gives %s", lang, filled, w.sent[1].Message.Text)
		}
	}
}

func TestTemplateLeftAsItIsFilesNothing(t *testing.T) {
	w := newWorld(t)
	got := w.mail("declare+bulky", "", "")
	if !strings.Contains(got, "Items (items) [furniture / fridge / mattress / electronics]: ") {
		t.Errorf("what can be chosen is not told: %s", got)
	}
	if got = w.mail("declare+bulky", "", got); !strings.Contains(got, "Reply to this mail") || len(w.crossed) != 0 {
		t.Errorf("said %s", got)
	}
}

func TestMailThatIsOneCommand(t *testing.T) {
	for name, c := range map[string]struct {
		subject, body string
		want          string
	}{
		"status":            {"", "STATUS\n-- \nMaria Silveira\nQuay Street", "One case from this address is open:\n" + reference(0)},
		"status, subject":   {"status", "", reference(0)},
		"status, reference": {"Re: my case", "status " + reference(0), reference(0)},
		"french":            {"", "AIDE", "STOP"},
		"help":              {"HELP", "HELP", "Phone +44"},
		"menu":              {"x", "MENU", "Bulky waste pickup: declare+wst-bulk@portlumen.example"},
		"privacy":           {"x", "PRIVACY", "https://portlumen.example/privacy"},
		"language":          {"x", "fr", "français"},
		"person":            {"", "0", "What is your question?"},
		"nothing":           {"", " \n", "Please send your question in words"},
	} {
		w := newWorld(t)
		w.mail("declare+bulky", "", "place: 14 Quay St\nitems: sofa\ndate: 3 Dec")
		if got := w.mail("help", c.subject, c.body); !strings.Contains(got, c.want) || len(w.crossed) != 1 {
			t.Errorf("%s: said %s, %d crossed", name, got, len(w.crossed))
		}
	}
	for name, body := range map[string]string{"more": "HELP\nmy cellar is under water", "loose": "MORE"} {
		w := newWorld(t)
		if w.mail("help", "HELP", body); len(w.crossed) != 1 {
			t.Errorf("%s: a message was taken for a command", name)
		}
	}
}

func TestMailInquiryGetsAnAnswerOrAReference(t *testing.T) {
	w := newWorld(t)
	got := w.mail("help", "Old sofa", "How do I get rid of an old sofa?")
	if !strings.Contains(got, "We collect furniture") || !strings.Contains(got, "https://portlumen.example/en/answers/bulky-waste") || len(w.crossed) != 0 {
		t.Fatalf("said %s", got)
	}
	got = w.mail("help", "Re: Old sofa", "0\n\nOn Monday the city wrote:\n> We collect")
	if !strings.Contains(got, reference(0)) || !strings.Contains(w.lastCase().Text, "How do I get rid of an old sofa?") {
		t.Fatalf("0 gives %s", got)
	}
	got = w.mail("help", "Zebra", "My zebra is on the roof of the opera.", file("a.jpg", "image/jpeg", "x"), file("b.jpg", "", "y"))
	if !strings.Contains(got, reference(1)) || !strings.Contains(got, "2 files came with it") {
		t.Errorf("no sure answer gives %s", got)
	}
	if c := w.lastCase(); c.Service != "ask" || len(c.Files) != 2 || c.Files[1].Type != "application/octet-stream" {
		t.Errorf("the case is %+v", c)
	}
}

// TestMailNeverTellsAnOlderCase: a From line proves nothing.
func TestMailNeverTellsAnOlderCase(t *testing.T) {
	w := newWorld(t)
	w.text("BOOK 14 Quay St, 1 3, 3 Dec")
	w.text("SEND")
	for _, s := range []string{"STATUS", "STATUS " + reference(0), "What about " + reference(0) + "?", "status please"} {
		if got := w.mail("help", s, s); strings.Contains(got, "Quay") || strings.Contains(got, "on its way") {
			t.Errorf("%q tells %s", s, got)
		}
	}
}

func TestMailToACaseIsAdded(t *testing.T) {
	w := newWorld(t)
	w.mail("declare+dec-tour", "r", "", *csv(goodCSV))
	m := channels.Message{From: inbox, To: channels.Address{Channel: "email", Value: "case+x@portlumen.example"}, Reference: reference(0),
		Text: "Here is the lease.\n> old", Files: []channels.File{file("lease.pdf", "application/pdf", "%PDF")}, Trust: channels.Unverified}
	if got := w.hear(m); !strings.Contains(got, "added to "+reference(0)) || !strings.Contains(got, "1 file") {
		t.Errorf("said %s", got)
	}
	a, ok := w.crossed[1].Document.(exchange.Addition)
	if !ok || a.Case != w.matters[0].ID || a.Act != exchange.ActReply || a.Text != "Here is the lease." || len(a.Files) != 1 {
		t.Errorf("crossed %+v", w.crossed[1].Document)
	}
	if d := w.sent[len(w.sent)-1]; d.Message.Watched || !w.sent[len(w.sent)-2].Message.Watched {
		t.Error("a plain reply is watched, or one with a receipt is not")
	}
	m.ID, m.Reference = "", reference(3) // a right reply address in the hands of a stranger
	if got := w.hear(m); strings.Contains(got, "added") {
		t.Errorf("a third party was let in: %s", got)
	}
	if c := w.lastCase(); c.Service != "ask" || !strings.Contains(c.Text, reference(3)) {
		t.Errorf("the stranger's mail became %+v", c)
	}
}

func TestRobotsAreRecordedAndNeverAnswered(t *testing.T) {
	w := newWorld(t)
	for _, to := range []string{"help@portlumen.example", "declare+dec-tour@portlumen.example"} {
		m := channels.Message{From: inbox, To: channels.Address{Channel: "email", Value: to}, Text: "I am away. There is a fire. STOP", Robot: true}
		if got := w.hear(m); got != "" {
			t.Errorf("a robot was answered: %s", got)
		}
	}
	if o, err := w.d.StepSheet(gateway.Turn{Now: w.now, NewID: w.newID, Message: channels.Message{From: inbox, Robot: true}, Contact: w.contact}, gateway.Sheet{}); err != nil || len(o.Deliveries) != 0 {
		t.Errorf("a robot's declaration was answered: %v %v", o.Deliveries, err)
	}
	if lines := w.convs[inbox].Lines; len(lines) != 2 || len(w.crossed) != 0 || w.contact.Reaches[3].Stopped {
		t.Errorf("recorded %v", lines)
	}
}

func TestFilingReportsAFileThatCannotBeReadNow(t *testing.T) {
	w := newWorld(t)
	broken := file("r.csv", "text/csv", "x")
	broken.Open = func(context.Context) (io.ReadCloser, error) { return nil, errors.New("store is away") }
	f := &declaration.Filing{Services: mustServices(t), Heart: w.d}
	turn := gateway.Turn{Now: w.now, NewID: w.newID, Contact: w.contact, Message: channels.Message{From: inbox,
		To: channels.Address{Channel: "email", Value: "declare+tax@portlumen.example"}, Files: []channels.File{broken}}}
	if _, mine, err := f.Offer(context.Background(), turn); !mine || err == nil {
		t.Error("a file that can't be read now must be tried again")
	}
	turn.Message.From = phone
	if _, mine, _ := f.Offer(context.Background(), turn); mine {
		t.Error("an SMS is no declaration by mail")
	}
	turn.Message.From, turn.Message.To.Value = inbox, "help@portlumen.example"
	if _, mine, _ := f.Offer(context.Background(), turn); mine {
		t.Error("help@ takes no declarations")
	}
	turn.Message.To.Value, turn.Message.Files[0].Open = "declare+tax@portlumen.example", nil
	f.Files = stored{turn.Message.Files[0].SHA256: goodCSV}
	turn.NewReference = w.newReference
	if o, _, err := f.Offer(context.Background(), turn); err != nil || len(o.Crossings) != 1 {
		t.Errorf("the stored file was not read: %v", err)
	}
}

// stored is a store of files by their SHA-256.
type stored map[string]string

func (s stored) File(_ context.Context, sum string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewBufferString(s[sum])), nil
}

func TestUnsubscribeByMail(t *testing.T) {
	w := newWorld(t)
	if got := w.mail("help", "unsubscribe", ""); !strings.Contains(got, "No more messages") || !w.contact.Reaches[3].Stopped {
		t.Errorf("said %s", got)
	}
}

func TestMailToPostmasterGoesToStaff(t *testing.T) {
	w := newWorld(t)
	for i, to := range []string{"postmaster", "abuse"} {
		if got := w.mail(to, "Old sofa", "How do I get rid of an old sofa?"); !strings.Contains(got, reference(i)) || w.lastCase().Service != "ask" {
			t.Errorf("%s says %s", to, got)
		}
	}
	if got := w.mail("bounce+x.y", "Undelivered", "x"); got != "" {
		t.Errorf("a bounce is answered: %s", got)
	}
}
