package portal_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
	"gatehouse/configs"
	pages "gatehouse/configs/answers"
	"gatehouse/configs/city"
	"gatehouse/configs/secret"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/answers"
	"gatehouse/gateway/declaration"
	"gatehouse/gateway/portal"
	"gatehouse/gateway/store"
)

var (
	monday = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	phone  = channels.Address{Channel: "sms", Value: "+447700900123"}
	ours   = channels.Address{Channel: "sms", Value: "+447700900000"}
)

// town is the gateway with its store, whose inbox answers at once what a worker answers a moment later.
type town struct {
	t      *testing.T
	mu     sync.Mutex
	store  *store.Store
	heart  *gateway.Dispatcher
	filing *declaration.Filing
	now    time.Time
	last   gateway.Outcome
	cases  []exchange.Case
	url    string
	fails  error // what Accept gives instead
}

func (w *town) Accept(ctx context.Context, m channels.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fails != nil {
		return w.fails
	}
	fresh, err := w.store.Accept(ctx, m)
	if err != nil || !fresh {
		return err
	}
	turns, err := w.store.Claim(ctx, w.now, 10, time.Minute)
	for _, t := range turns {
		if err := w.answer(ctx, t); err != nil {
			return err
		}
	}
	return err
}

func (w *town) answer(ctx context.Context, t gateway.Turn) error {
	t.Now, t.NewID, t.NewReference = w.now, func() string { return exchange.NewID(w.now) }, exchange.NewReference
	t.NewCode, t.NewToken = func() string { return "481920" }, newToken
	if want := w.heart.Wants(t); !want.IsZero() {
		r, err := w.store.Learn(ctx, want, t.Message.From)
		if err != nil {
			return err
		}
		t.Record = &r
	}
	t = t.Confirmed()
	o, mine, err := w.filing.Offer(ctx, t)
	if err == nil && !mine {
		o, err = w.heart.Step(t)
	}
	if err == nil {
		err = w.store.Commit(ctx, o)
	}
	w.last = o
	for _, c := range o.Crossings {
		if doc, ok := c.Document.(exchange.Case); ok {
			w.cases = append(w.cases, doc)
		}
	}
	return err
}

func newToken() string { return strings.ToLower(rand.Text()[:13]) }

func (*town) Report(context.Context, channels.Receipt) error { return nil }

// text sends a text message and gives what is said back there.
func (w *town) text(s string) string {
	w.t.Helper()
	m := channels.Message{ID: "sms:" + exchange.NewID(w.now), From: phone, To: ours, At: w.now, Text: s, Trust: channels.CarrierVerified}
	if err := w.Accept(w.t.Context(), m); err != nil {
		w.t.Fatal(err)
	}
	return w.told(phone)
}

// told is what the last outcome says to an address.
func (w *town) told(to channels.Address) string {
	for _, d := range w.last.Deliveries {
		if d.Message.To == to {
			return d.Message.Text
		}
	}
	return ""
}

// browser is one browser with its cookies, and the page it shows.
type browser struct {
	*http.Client
	t    *testing.T
	url  string
	page string
}

// signer signs receipts with a key that protects nothing.
func signer(time.Time) (string, func([]byte) []byte, error) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	return "0909090909090909", func(b []byte) []byte { return ed25519.Sign(key, b) }, nil
}

func openTown(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, now: monday}
	clock := func() time.Time { return w.now }
	s, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "g.db"), Now: clock, Receipts: signer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	cat, err := service.Load(city.Services(), func(name string, b []byte, into any) error {
		return configs.Parse(name, b, into, func(string) (string, bool) { return "", false })
	})
	if err != nil {
		t.Fatal(err)
	}
	words, err := texts.Load()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	w.store, w.heart = s, gateway.NewDispatcher(gateway.Rules{Texts: words, Services: cat, Answers: answers.New(nil), PublicURL: "https://gate.example",
		CodeKey: []byte("a key for tests, 32 bytes of it!")})
	w.filing = &declaration.Filing{Services: cat, Files: s, Heart: w.heart}
	p, err := portal.Open(portal.Options{City: "Port Lumen", Links: portal.Links{Key: secret.New("0123456789abcdef"), Now: clock, PublicURL: "http://gate.example"},
		Library: nothing{answers.New(nil)}, Matters: s, Files: s, Passes: s, Inbox: w, History: s, Services: cat, Texts: words,
		Limiter: channeltest.NewShared(log, clock).Limiter, Log: log, Now: clock, NewID: func() string { return exchange.NewID(w.now) }})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	p.Mount(mux)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w
}

func (w *town) browser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{Client: &http.Client{Jar: jar}, t: w.t, url: w.url}
}

func (b *browser) get(path string) int {
	b.t.Helper()
	r, err := b.Get(b.url + path)
	return b.read(r, err)
}

func (b *browser) read(r *http.Response, err error) int {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.page = string(body)
	return r.StatusCode
}

var (
	input = regexp.MustCompile(`<input [^>]*>`)
	named = regexp.MustCompile(`([a-z]+)="([^"]*)"`)
)

// form reads what the page would send if its person changed nothing.
func (b *browser) form() url.Values {
	form := url.Values{}
	for _, tag := range input.FindAllString(b.page, -1) {
		at := map[string]string{}
		for _, m := range named.FindAllStringSubmatch(tag, -1) {
			at[m[1]] = html.UnescapeString(m[2])
		}
		ticked := at["type"] == "radio" || at["type"] == "checkbox"
		if at["type"] != "file" && (!ticked || strings.Contains(tag, " checked")) {
			form.Add(at["name"], at["value"])
		}
	}
	return form
}

// send posts the page's form with some answers changed.
func (b *browser) send(path, act string, pairs ...string) int {
	b.t.Helper()
	form := b.form()
	form.Set("act", act)
	for i := 0; i < len(pairs); i += 2 {
		form[pairs[i]] = strings.Split(pairs[i+1], "|")
	}
	r, err := b.PostForm(b.url+path, form)
	return b.read(r, err)
}

// follow opens the link that a text holds.
func (b *browser) follow(said string) string {
	b.t.Helper()
	path := regexp.MustCompile(`/p/[a-z0-9]{12,}`).FindString(said)
	if path == "" {
		b.t.Fatalf("no link in %q", said)
	}
	if code := b.get(path); code != http.StatusOK || strings.Contains(b.page, `name="was"`) {
		b.t.Fatalf("the link shows %d: %s", code, b.page)
	}
	if code := b.send(path, "open"); code != http.StatusOK {
		b.t.Fatalf("opened with %d: %s", code, b.page)
	}
	return path
}

type published = pages.Page

type nothing struct{ *answers.Index }

func (nothing) Page(string, string) (p published, ok bool) { return p, false }
func (nothing) Pages(string) []published                   { return nil }

func want(t *testing.T, said string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(said, p) {
			t.Errorf("%q is not in %q", p, said)
		}
	}
}

// TestFormGoesToTheWebAndBack: answers of both sides are one form, and GO goes on with all of them.
func TestFormGoesToTheWebAndBack(t *testing.T) {
	w := openTown(t)
	w.text("BOOK")
	w.text("14 quay st")
	w.text("1")
	said := w.text("WEB")
	want(t, said, "gate.example/p/", "GO")
	b := w.browser()
	path := b.follow(said)
	want(t, b.page, `value="14 Quay St, PL2 4AB"`)
	if code := b.send(path, "save", "items", "furniture|mattress"); code != http.StatusOK || w.told(phone) != "" {
		t.Fatalf("%d, told %q: %s", code, w.told(phone), b.page)
	}
	want(t, w.text("GO"), "Which day")
	want(t, w.text("1"), "14 Quay St", "furniture", "mattress", "SEND")
	want(t, w.text("send"), "Reference PL-")
	if len(w.cases) != 1 {
		t.Fatalf("%d cases", len(w.cases))
	}
	if code := b.get(path); code != http.StatusNotFound {
		t.Errorf("the form is still shown: %d", code)
	}
	want(t, b.page, "no longer open")
}

func TestSendingOnTheWebIsToldOnThePhone(t *testing.T) {
	w := openTown(t)
	w.text("BOOK 14 Quay St, 1 3")
	b := w.browser()
	path := b.follow(w.text("more"))
	b.send(path, "send")
	want(t, b.page, "fault")
	if len(w.cases) != 0 {
		t.Fatal("filed without a day")
	}
	if code := b.send(path, "send", "date", "2026-12-03"); code != http.StatusOK {
		t.Fatalf("%d: %s", code, b.page)
	}
	if len(w.cases) != 1 {
		t.Fatalf("%d cases: %s", len(w.cases), b.page)
	}
	ref := w.cases[0].Reference
	want(t, w.told(phone), ref, "STATUS")
	want(t, b.page, ref)
	want(t, w.text("status"), ref)
	want(t, w.text("go"), "No form is open")
}

func TestLeavingThePageByItsButtonAsksTheNextQuestionThere(t *testing.T) {
	w := openTown(t)
	w.text("BOOK")
	b := w.browser()
	path := b.follow(w.text("WEB"))
	b.send(path, "back", "place", "14 quay st", "items", "fridge")
	want(t, b.page, "answers are kept")
	want(t, w.told(phone), "Which day")
}

// TestBothSidesAtOnce: what the phone answers while the page is open stays, though the page was shown without it.
func TestBothSidesAtOnce(t *testing.T) {
	w := openTown(t)
	w.text("BOOK")
	b := w.browser()
	path := b.follow(w.text("WEB"))
	want(t, w.text("go 14 quay st"), "14 Quay St")
	want(t, w.text("1"), "What is it")
	b.send(path, "save", "date", "2026-12-03")
	want(t, w.text("1,3"), "14 Quay St", "furniture", "Thu 3 Dec", "SEND")
	for i, want := range []string{"fridge", "furniture", "fridge"} { // changed back: the last one counts
		b.get(path)
		b.send(path, "save", "items", want, "turn", string(rune('1'+i)))
	}
	want(t, w.text("send"), "Reference")
	got := ""
	for _, a := range w.cases[0].Answers {
		got += a.Field + "=" + a.Value + " "
	}
	want(t, got, "place=14 Quay St, PL2 4AB", "items=fridge ", "date=2026-12-03")
}

// TestTwoWhoSendAtOnceFileOnce: one case, and whoever was second is told.
func TestTwoWhoSendAtOnceFileOnce(t *testing.T) {
	w := openTown(t)
	w.text("BOOK 14 Quay St, 1 3, 3 Dec")
	b := w.browser()
	path := b.follow(w.text("WEB"))
	want(t, w.text("go"), "SEND")
	var wg sync.WaitGroup
	wg.Go(func() { b.send(path, "send") })
	wg.Go(func() { w.text("send") })
	wg.Wait()
	if len(w.cases) != 1 {
		t.Fatalf("%d cases", len(w.cases))
	}
	want(t, b.page, map[bool]string{true: w.cases[0].Reference, false: "no longer open"}[strings.Contains(b.page, "PL-")])
}

func TestALinkOpensOnceAndEnds(t *testing.T) {
	w := openTown(t)
	w.text("BOOK")
	said := w.text("WEB")
	b, other := w.browser(), w.browser()
	path := b.follow(said)
	want(t, b.page, `name="was"`)
	other.get(path)
	ended := other.page
	want(t, ended, "This link has ended", "GO")
	other.page = `<input name="x" value="">`
	if code := other.send(path, "open"); code != http.StatusNotFound {
		t.Errorf("opened twice: %d", code)
	}
	for _, act := range []string{"save", "send", "back"} {
		if code := other.send(path, act, "items", "fridge"); code != http.StatusNotFound {
			t.Errorf("%s by another browser: %d", act, code)
		}
	}
	if code := other.get("/p/" + strings.Repeat("a", 26)); code != http.StatusNotFound {
		t.Errorf("a link that nobody was sent: %d", code)
	}
	if strings.ReplaceAll(other.page, strings.Repeat("a", 26), path[3:]) != ended {
		t.Error("it is another page than that of a link which was used")
	}
	second := w.text("WEB")
	third := w.text("WEB")
	if code := other.get("/p/" + second[strings.Index(second, "/p/")+3:][:13]); code != http.StatusNotFound {
		t.Errorf("a newer link leaves the older one open: %d", code)
	}
	w.now = w.now.Add(25 * time.Hour)
	if code := other.get("/p/" + third[strings.Index(third, "/p/")+3:][:13]); code != http.StatusNotFound {
		t.Errorf("a day later: %d", code)
	}
	if code := b.get(path); code != http.StatusNotFound {
		t.Errorf("the page a day later: %d", code)
	}
}

// TestThePageIsOfferedAtTheThirdError, and not before.
func TestThePageIsOfferedAtTheThirdError(t *testing.T) {
	w := openTown(t)
	w.text("BOOK 14 Quay St")
	for i, said := range []string{"zzz", "zzzz", "zzzzz"} {
		if got := w.text(said); strings.Contains(got, "WEB") != (i == 2) {
			t.Errorf("%d: %q", i, got)
		}
	}
}

var (
	tab  = channels.Address{Channel: "web", Value: "s-1"}
	mail = channels.Address{Channel: "email", Value: "jo@northdock.example"}
)

// hear lets somebody say something from an address, and gives what is said back there.
func (w *town) hear(from channels.Address, s string) string {
	w.t.Helper()
	m := channels.Message{ID: from.Channel + ":" + exchange.NewID(w.now), From: from, To: channels.Address{Channel: from.Channel}, At: w.now, Text: s,
		Subject: "Question", Trust: channels.CarrierVerified, Thread: channels.Thread{MessageID: "<1@northdock.example>"}}
	if err := w.Accept(w.t.Context(), m); err != nil {
		w.t.Fatal(err)
	}
	return w.told(from)
}

// asked files a case by mail to which the office has a question.
func (w *town) asked() gateway.Matter {
	w.t.Helper()
	w.hear(mail, "My roof was damaged by the storm and I do not know which form is the right one, please tell me.")
	if len(w.cases) != 1 {
		w.t.Fatalf("%d cases", len(w.cases))
	}
	c, m, err := w.store.Matter(w.t.Context(), w.cases[0].ID)
	if err != nil {
		w.t.Fatal(err)
	}
	m.State = exchange.WaitingYou
	m.Events = append(m.Events, gateway.Event{At: w.now, State: m.State, Text: "Which street is it?"})
	if err := w.store.Commit(w.t.Context(), gateway.Outcome{Contact: c, Matters: []gateway.Matter{m}}); err != nil {
		w.t.Fatal(err)
	}
	return m
}

// TestLogInToTheChatByALinkInAMail: the chat then shows the time line of the case with the question, takes the answer,
// and the answer is shown in the mail thread too.
func TestLogInToTheChatByALinkInAMail(t *testing.T) {
	w := openTown(t)
	m := w.asked()
	want(t, w.hear(tab, "status"), "no case of yours", "LINK")
	w.hear(tab, "LINK")
	want(t, w.hear(tab, mail.Value), "mailed a link to j***@northdock.example")
	sent := w.told(mail)
	path := regexp.MustCompile(`/p/[a-z0-9]{12,}`).FindString(sent)
	b := w.browser()
	if code := b.get(path); code != http.StatusOK {
		t.Fatalf("%d: %s", code, b.page)
	}
	want(t, b.page, "only if you asked for this yourself")
	want(t, w.hear(tab, "status"), "no case of yours") // looking at it proves nothing
	b.get(path)
	if code := b.send(path, "open"); code != http.StatusOK {
		t.Fatalf("%d: %s", code, b.page)
	}
	want(t, b.page, "You are logged in")
	want(t, w.told(tab), "is linked")
	want(t, w.hear(tab, "status"), m.Reference, "Which street is it?", "write it here")
	want(t, w.hear(tab, "14 Quay St"), m.Reference)
	copied := w.told(mail)
	want(t, copied, "14 Quay St", m.Reference)
	for _, d := range w.last.Deliveries {
		if d.Message.To == mail && d.Message.Thread.InReplyTo != "<1@northdock.example>" {
			t.Errorf("it is not in the thread: %+v", d.Message.Thread)
		}
	}
	if code := b.get(path); code != http.StatusNotFound {
		t.Errorf("the link opens again: %d", code)
	}
}

// TestTheLinkTellsNobodyWhoIsKnown: a mail address that nobody has gets the same words, and the same budget.
func TestTheLinkTellsNobodyWhoIsKnown(t *testing.T) {
	w := openTown(t)
	w.asked()
	other := channels.Address{Channel: "web", Value: "s-2"}
	known, unknown := w.hear(tab, "LINK "+mail.Value), w.hear(other, "LINK joe@northdock.example")
	if known != unknown {
		t.Errorf("%q and %q", known, unknown)
	}
	links := 0
	for range 2 * gateway.CodesPerHour {
		w.now = w.now.Add(2 * time.Minute)
		w.hear(tab, "LINK "+mail.Value)
		links += len(w.last.Passes)
	}
	if links >= gateway.CodesPerHour {
		t.Errorf("%d more links in an hour", links)
	}
}

// TestALateLinkProvesNothing: it ends with its code.
func TestALateLinkProvesNothing(t *testing.T) {
	w := openTown(t)
	w.asked()
	w.hear(tab, "LINK "+mail.Value)
	path := regexp.MustCompile(`/p/[a-z0-9]{12,}`).FindString(w.told(mail))
	b := w.browser()
	b.get(path)
	w.now = w.now.Add(11 * time.Minute)
	if code := b.send(path, "open"); code != http.StatusNotFound {
		t.Errorf("%d", code)
	}
	want(t, w.hear(tab, "status"), "no case of yours")
}

// TestLogOutOfTheChat: the chat is apart again, and the case stays with the mail address.
func TestLogOutOfTheChat(t *testing.T) {
	w := openTown(t)
	m := w.asked()
	want(t, w.hear(tab, "LINK "+mail.Value), "mailed a link")
	w.hear(tab, "481920")
	want(t, w.hear(tab, "status"), m.Reference)
	want(t, w.hear(tab, "unlink joe@northdock.example"), "not one of your addresses")
	want(t, w.hear(tab, "logout"), "apart from your others")
	want(t, w.hear(tab, "status"), "no case of yours")
	want(t, w.hear(tab, "unlink"), "only address")
	if c, _, err := w.store.Matter(t.Context(), m.ID); err != nil || len(c.Reaches) != 1 || c.Reaches[0].Address != mail {
		t.Errorf("the case is with %+v, %v", c.Reaches, err)
	}
}
