package deploy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
	"gatehouse/channels/email"
	"gatehouse/configs"
	published "gatehouse/configs/answers"
	"gatehouse/configs/city"
	"gatehouse/configs/secret"
	"gatehouse/configs/texts"
	"gatehouse/deploy/past"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/answers"
	"gatehouse/gateway/consent"
	"gatehouse/gateway/declaration"
	"gatehouse/gateway/dialogue"
	filling "gatehouse/gateway/forms"
	"gatehouse/gateway/portal"
)

// cityNoon is the Monday on which every service is sent through.
var cityNoon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// TestCityEveryServiceOnEveryChannel sends each service through on each channel that its file declares, in each
// language, with the example that its file gives for each field: the dialogue step by step, the page by HTTP, the mail
// by SMTP, once as lines of text and once as a CSV file. What is filed must be the same each time.
func TestCityEveryServiceOnEveryChannel(t *testing.T) {
	g := openGate(t)
	sent := 0
	for _, s := range g.services.All() {
		if s.Kind == service.Ask {
			continue
		}
		t.Run(s.Code, func(t *testing.T) {
			same := map[string]string{}
			for _, lang := range g.services.City.Languages {
				for way, send := range g.ways(s) {
					sent++
					agree(t, s, lang+" by "+way, same, send(t, s, lang))
				}
			}
		})
	}
	if sent < 150 {
		t.Errorf("only %d forms were sent", sent)
	}
}

// agree holds what was filed against what was filed before: a field that several channels ask has one value. Digests
// of files and words of free choice aside, all of it must be there that the channel asks.
func agree(t *testing.T, s *service.Service, way string, same map[string]string, filed map[string][]string) {
	t.Helper()
	for _, f := range s.Fields() {
		got := strings.Join(filed[f.Name], " | ")
		if f.Kind == service.Text && f.Asked() || f.Kind == service.File {
			got = fmt.Sprint(got != "")
			if f.Kind == service.File {
				continue
			}
		}
		if got == "" {
			if s.Required(f.Name) {
				t.Errorf("%s: %s was not filed", way, f.Name)
			}
			continue
		}
		if want, before := same[f.Name]; before && want != got {
			t.Errorf("%s: %s is %q, elsewhere %q", way, f.Name, got, want)
		}
		same[f.Name] = got
	}
	if len(filed) == 0 {
		t.Errorf("%s: nothing was filed", way)
	}
}

// gate is the citizens' side in one process: the real dispatcher, portal and mail server, without a store.
type gate struct {
	services *service.Catalog
	texts    *texts.Catalog
	heart    *gateway.Dispatcher
	clerk    *filling.Clerk
	page     *httptest.Server
	pages    *channeltest.Inbox
	mails    *channeltest.Inbox
	smtp     string
	ids      int
}

func openGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{pages: &channeltest.Inbox{}, mails: &channeltest.Inbox{}}
	var err error
	if g.texts, err = texts.Load(); err != nil {
		t.Fatal(err)
	}
	g.services, err = service.Load(city.Services(), func(n string, b []byte, into any) error {
		return configs.Parse(n, b, into, func(string) (string, bool) { return "", false })
	})
	if err != nil {
		t.Fatal(err)
	}
	g.clerk = &filling.Clerk{Texts: g.texts, Grammar: dialogue.New(g.texts), Services: g.services}
	g.heart = gateway.NewDispatcher(gateway.Rules{Texts: g.texts, Services: g.services, Answers: answers.New(nil),
		PublicURL: "https://portlumen.example", Paper: func(string, int) (string, time.Time) { return "", time.Time{} }})
	g.openPortal(t)
	g.openMail(t)
	return g
}

// shelf holds no page: what is asked here are forms.
type shelf struct{}

func (shelf) Find(answers.Query) answers.Result                  { return answers.Result{} }
func (shelf) Page(string, string) (p published.Page, found bool) { return p, false }
func (shelf) List(string) (all []published.Page)                 { return all }
func (shelf) Other(string, string) (languages []string)          { return nil }
func (shelf) Pages(string) (all []published.Page)                { return all }

func (g *gate) openPortal(t *testing.T) {
	t.Helper()
	now := func() time.Time { return cityNoon }
	shared := channeltest.NewShared(slog.New(slog.DiscardHandler), time.Now)
	p, err := portal.Open(portal.Options{City: "Port Lumen", Inbox: g.pages, History: shared.History, Services: g.services,
		Texts: g.texts, Log: shared.Log, Library: shelf{}, Limiter: shared.Limiter, Now: now, NewID: g.newID,
		Links: portal.Links{Key: secret.New("0123456789abcdef"), Now: now, PublicURL: "http://gate"}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	p.Mount(mux)
	var n int
	g.page = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++ // each request comes from a host of its own: the portal holds every host to a rate
		r.RemoteAddr = fmt.Sprintf("10.0.%d.%d:1", n/250, n%250)
		mux.ServeHTTP(w, r)
	}))
	g.page.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(g.page.Close)
}

func (g *gate) openMail(t *testing.T) {
	t.Helper()
	c := email.Config{Listen: "127.0.0.1:0", Domain: g.services.City.Domain, Sender: "City", Key: secret.New("0123456789abcdef"),
		Relay: email.Relay{URL: "smtp://127.0.0.1:1"}, SpoolDir: t.TempDir()}
	ch, err := email.Open(c, channeltest.NewShared(slog.New(slog.DiscardHandler), time.Now))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := ch.Listen(ctx, g.mails); err != nil {
			t.Errorf("listen: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	channeltest.Eventually(t, "the mail server listens", func() bool { return ch.Addresses()["smtp"] != "" })
	g.smtp = ch.Addresses()["smtp"]
}

func (g *gate) newID() string { g.ids++; return fmt.Sprintf("01CITY%08d", g.ids) }

type send func(t *testing.T, s *service.Service, lang string) map[string][]string

// ways gives how a service is sent through on the channels of its file.
func (g *gate) ways(s *service.Service) map[string]send {
	all := map[string]send{}
	for _, channel := range []string{"sms", "chat", "counter"} {
		if s.Offered(channel) {
			all[channel] = g.talk(channel)
		}
	}
	f, file := s.FileField()
	if s.Offered("web") {
		all["page"] = g.fillPage
		if (!file || !f.Must) && !s.ForCompany() { // a talk proves no company's address
			all["web chat"] = g.talk("web")
		}
	}
	if s.Offered("email") {
		all["mail"] = g.mailLines
		if !file || !f.Must {
			all["mailed CSV"] = g.mailSheet
		}
	}
	return all
}

// person is who speaks, with what a store keeps of them between two messages.
type person struct {
	contact gateway.Contact
	conv    gateway.Conversation
	draft   *gateway.Draft
	filed   map[string][]string
	last    string

	standing []gateway.Consent
}

func (g *gate) newPerson(from channels.Address, lang string) *person {
	return &person{contact: gateway.Contact{ID: g.newID(), Lang: lang, Reaches: []gateway.Reach{{Address: from, Introduced: true}}},
		conv: gateway.Conversation{Address: from, Lang: lang}}
}

// hear runs one message through the dispatcher, a declaration through the room that reads its table.
func (g *gate) hear(t *testing.T, p *person, m channels.Message) {
	t.Helper()
	if m.ID == "" {
		m.ID = g.newID()
	}
	m.At = cityNoon
	var register []gateway.Registered
	if m.From.Channel == "email" { // of a clerk who is registered, from the company's own mail server
		m.Trust, register = channels.DomainVerified, []gateway.Registered{{Company: past.Northdock, Name: "Northdock Goods", Address: m.From.Value, Admin: true}}
	}
	turn := gateway.Turn{Now: cityNoon, NewID: g.newID, NewReference: exchange.NewReference, Message: m, Contact: p.contact, Register: register,
		Claim: gateway.Claim{Message: m.ID, Contact: p.contact.ID, Fence: 1}, Conversation: p.conv, Draft: p.draft, Standing: p.standing, Attempt: 1}
	f := declaration.Filing{Services: g.services, Heart: g.heart}
	o, mine, err := f.Offer(context.Background(), turn)
	if !mine {
		o, err = g.heart.Step(turn)
	}
	if err != nil {
		t.Fatalf("step: %v", err)
	}
	p.keep(t, o)
}

func (p *person) keep(t *testing.T, o gateway.Outcome) {
	t.Helper()
	p.contact, p.last = o.Contact, ""
	p.standing = append(p.standing, o.Consents...)
	if o.Conversation != nil {
		p.conv = *o.Conversation
	}
	if o.Draft != nil {
		p.draft = o.Draft
	}
	if o.DropDraft {
		p.draft = nil
	}
	for _, d := range o.Deliveries {
		p.last += d.Message.Text
	}
	for _, c := range o.Consents {
		if c.Act == consent.Granted && strings.HasPrefix(c.List, "alerts-") {
			p.file("districts", strings.TrimPrefix(c.List, "alerts-"))
			p.file("language", p.contact.Lang)
			p.file("hours", map[bool]string{true: "day", false: "any"}[p.contact.Quiet])
		}
	}
	for _, c := range o.Crossings {
		if err := c.Document.Check(); err != nil {
			t.Errorf("a document that can't cross: %v", err)
		}
		if filed, ok := c.Document.(exchange.Case); ok {
			for _, a := range filed.Answers {
				p.file(a.Field, a.Value)
			}
		}
	}
}

// agree confirms lists that were asked for: by mail with the word that it holds, else with 1.
func (p *person) agree(say func(string)) {
	if j := p.conv.Joining; j != nil && j.Word != "" {
		say(j.Word)
	} else if j != nil {
		say("1")
	}
}

func (p *person) file(field, value string) {
	if p.filed == nil {
		p.filed = map[string][]string{}
	}
	if field != "language" && field != "hours" || p.filed[field] == nil {
		p.filed[field] = append(p.filed[field], value)
	}
}

// talk fills the form as a dialogue: keyword, an answer to each question, SEND.
func (g *gate) talk(channel string) send {
	return func(t *testing.T, s *service.Service, lang string) map[string][]string {
		t.Helper()
		from := channels.Address{Channel: channel, Value: "city-" + strings.ToLower(s.Code) + lang}
		p := g.newPerson(from, lang)
		say := func(words string) {
			g.hear(t, p, channels.Message{From: from, To: channels.Address{Channel: channel, Value: "us"}, Text: words, Trust: channels.CarrierVerified})
		}
		say(s.Keywords[lang][0])
		for range 60 {
			if p.draft == nil {
				p.agree(say)
				return p.filed
			}
			form := p.draft.Form
			if form.At >= len(s.Fields()) {
				say(g.texts.Words(lang, "send")[0])
				continue
			}
			say(g.reply(s, &form, lang))
		}
		t.Errorf("%s in %s does not end: %s", channel, lang, p.last)
		return p.filed
	}
}

// reply is what a person answers to the open question.
func (g *gate) reply(s *service.Service, form *service.Draft, lang string) string {
	f := &s.Fields()[form.At]
	switch {
	case f.Kind == service.Place && len(form.Offered) > 0:
		return "1"
	case f.Kind == service.File:
		return g.texts.Words(lang, "skip")[0]
	case f.Kind == service.Rows && form.Row == nil && len(form.Answers[f.Name]) > 0:
		return "2"
	case f.Kind == service.Rows:
		for i := range f.Fields {
			if _, given := form.Row[f.Fields[i].Name]; !given {
				return g.example(s, &f.Fields[i], lang)
			}
		}
	}
	return g.example(s, f, lang)
}

// example is a right answer as a person of lang writes it.
func (g *gate) example(s *service.Service, f *service.Field, lang string) string {
	switch {
	case f.Calendar != "":
		return s.Days(f).Next(s.Today(cityNoon), 1)[0].String()
	case f.Name == "language": // the alerts' own language, the same for all
		return f.Options[0].Label.In(lang)
	case f.Example.In(lang) != "":
		return f.Example.In(lang)
	case len(f.Options) > 0:
		return f.Options[0].Label.In(lang)
	case f.Kind == service.Consent:
		return g.texts.Words(lang, "yes")[0]
	}
	return "abc"
}

// entries are the examples of what a channel asks.
func (g *gate) entries(s *service.Service, channel, lang string) []filling.Entry {
	var all []filling.Entry
	for i := range s.Dialogue.Fields {
		f := &s.Dialogue.Fields[i]
		if f.Asked() && f.Kind != service.File && f.On(channel) {
			all = append(all, filling.Entry{Name: f.Name, Value: g.example(s, f, lang)})
		}
	}
	return all
}

const aPDF = "%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"

// fillPage gets the form's page, fills it in and sends it; what the portal took is then stepped.
func (g *gate) fillPage(t *testing.T, s *service.Service, lang string) map[string][]string {
	t.Helper()
	path := g.page.URL + "/" + lang + "/services/" + s.Code
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(g.get(t, path))
	if token == nil {
		t.Fatalf("%s has no form", path)
	}
	entries := g.entries(s, "web", lang)
	if f, ok := s.FileField(); ok {
		entries = append(entries, filling.Entry{Name: f.Name, Value: strings.Repeat("0", 64)})
	}
	given, faults := g.clerk.FromEntries(s, entries, filling.Scene{Lang: lang, Channel: "web", Now: cityNoon})
	if len(faults) > 0 {
		t.Fatalf("the examples of %s are wrong in %s: %v", s.Code, lang, faults)
	}
	values := pageValues(s, given)
	values.Set("token", token[1])
	if s.ForCompany() {
		values.Set("clerk", "customs@northdock.example")
	}
	m := g.post(t, path, s, values)
	p := g.newPerson(m.From, lang)
	g.hear(t, p, m)
	return p.filed
}

func pageValues(s *service.Service, given map[string][]string) url.Values {
	values := url.Values{}
	for i := range s.Dialogue.Fields {
		f := &s.Dialogue.Fields[i]
		switch f.Kind {
		case service.File, service.Computed:
		case service.Rows:
			for n, row := range given[f.Name] {
				for column, v := range f.RowValues(row) {
					values.Set(fmt.Sprintf("%s.%d.%s", f.Name, n, column), v)
				}
			}
		default:
			values[f.Name] = given[f.Name]
		}
	}
	return values
}

func (g *gate) get(t *testing.T, address string) string {
	t.Helper()
	r, err := g.page.Client().Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", address, r.StatusCode, err)
	}
	return string(b)
}

func (g *gate) post(t *testing.T, address string, s *service.Service, values url.Values) channels.Message {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, list := range values {
		for _, v := range list {
			_ = w.WriteField(name, v)
		}
	}
	if f, ok := s.FileField(); ok {
		part, _ := w.CreateFormFile(f.Name, "plan.pdf")
		_, _ = io.WriteString(part, aPDF)
	}
	w.Close()
	before := len(g.pages.Messages())
	r, err := g.page.Client().Post(address, w.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	if r.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s: %d %s", address, r.StatusCode, regexp.MustCompile(`class="fault"[^<]*<`).FindAllString(string(b), -1))
	}
	return g.pages.Messages()[before]
}

// mailLines downloads the text to fill in, fills it in and mails it, with a file where the form takes one.
func (g *gate) mailLines(t *testing.T, s *service.Service, lang string) map[string][]string {
	t.Helper()
	template := g.get(t, g.page.URL+"/"+lang+"/services/"+s.Code+"/form.txt")
	said := map[string]string{}
	for _, e := range g.entries(s, "email", lang) {
		said[e.Name] = e.Value
	}
	var lines []string
	for _, line := range strings.Split(strings.TrimSpace(template), "\n") {
		_, rest, _ := strings.Cut(line, "(")
		name, _, _ := strings.Cut(rest, ")")
		lines = append(lines, strings.TrimRight(line, " ")+" "+said[name])
	}
	var attached []byte
	if _, ok := s.FileField(); ok {
		attached = []byte(aPDF)
	}
	return g.mail(t, s, lang, strings.Join(lines, "\r\n"), "plan.pdf", attached)
}

// mailSheet downloads the CSV file, fills one row in and mails it.
func (g *gate) mailSheet(t *testing.T, s *service.Service, lang string) map[string][]string {
	t.Helper()
	header := strings.TrimRight(g.get(t, g.page.URL+"/"+lang+"/services/"+s.Code+"/form.csv"), "\n")
	var cells []string
	for i := range s.Dialogue.Fields {
		f := &s.Dialogue.Fields[i]
		switch {
		case f.Kind == service.File || f.Kind == service.Computed || !f.On("email"):
		case f.Kind == service.Rows:
			for j := range f.Fields {
				cells = append(cells, g.example(s, &f.Fields[j], lang))
			}
		case !f.Asked():
			cells = append(cells, "")
		default:
			cells = append(cells, g.example(s, f, lang))
		}
	}
	row := `"` + strings.Join(cells, `","`) + `"`
	return g.mail(t, s, lang, "", "form.csv", []byte(header+"\n"+row+"\n"))
}

// mail sends one mail by SMTP and steps what the server took.
func (g *gate) mail(t *testing.T, s *service.Service, lang, text, name string, attached []byte) map[string][]string {
	t.Helper()
	to, from := "declare+"+strings.ToLower(s.Code)+"@"+g.services.City.Domain, "jo@northdock.example"
	before := len(g.mails.Messages())
	if err := smtp.SendMail(g.smtp, nil, from, []string{to}, letter(from, to, g.newID(), text, name, attached)); err != nil {
		t.Fatal(err)
	}
	m := g.mails.Messages()[before]
	m.Lang = lang
	p := g.newPerson(m.From, lang)
	g.hear(t, p, m)
	p.agree(func(word string) {
		g.hear(t, p, channels.Message{From: m.From, To: channels.Address{Channel: "email", Value: to}, Text: word, Lang: lang})
	})
	if len(p.filed) == 0 {
		t.Errorf("%s mailed in %s is answered: %s", s.Code, lang, p.last)
	}
	return p.filed
}

func letter(from, to, id, text, name string, attached []byte) []byte {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	head := fmt.Sprintf("From: %s\r\nTo: %s\r\nMessage-ID: <%s@northdock.example>\r\nDate: %s\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: multipart/mixed; boundary=%q\r\n\r\n", from, to, id, cityNoon.Format(time.RFC1123Z), w.Boundary())
	part, _ := w.CreatePart(textproto.MIMEHeader{"Content-Type": {"text/plain; charset=utf-8"}, "Content-Transfer-Encoding": {"8bit"}})
	_, _ = io.WriteString(part, text+"\r\n")
	if attached != nil {
		part, _ = w.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/octet-stream"},
			"Content-Disposition": {`attachment; filename="` + name + `"`}})
		_, _ = part.Write(attached)
	}
	w.Close()
	return append([]byte(head), b.Bytes()...)
}

// TestCityServesWhatItsTableSays: the twelve services with the channels of the city's table.
func TestCityServesWhatItsTableSays(t *testing.T) {
	g := openGate(t)
	want := map[string]string{"WST-BULK": "all", "STR-LIGHT": "all", "PRK-RES": "chat counter sms web", "PRK-APPEAL": "counter email sms web",
		"CIV-CERT": "chat counter web", "EVT-PERM": "counter email web", "BIZ-LIC": "counter email web", "DEC-GOODS": "email web",
		"DEC-TOUR": "all", "DEC-WASTE": "email web", "CLERKS": "email web", "SOC-HEAT": "counter sms web", "WTR-ALERT": "chat email sms"}
	got := map[string]string{}
	for _, s := range g.services.All() {
		if s.Kind == service.Ask {
			continue
		}
		list := slices.Sorted(slices.Values(s.Channels))
		if got[s.Code] = strings.Join(list, " "); len(list) == 0 {
			got[s.Code] = "all"
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("offered are %v", got)
	}
}
