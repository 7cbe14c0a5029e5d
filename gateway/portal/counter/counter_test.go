package counter_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
	"gatehouse/configs"
	"gatehouse/configs/city"
	"gatehouse/configs/password"
	"gatehouse/configs/secret"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/answers"
	"gatehouse/gateway/portal/counter"
	"gatehouse/gateway/store"
)

const pass = "a long pass phrase"

var monday = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// town answers in Accept what a worker answers a moment later.
type town struct {
	t     *testing.T
	store *store.Store
	heart *gateway.Dispatcher
	sent  []gateway.Outcome
	code  string // the next one

	desk func() http.Handler // a counter that was just started
	mux  atomic.Pointer[http.Handler]
}

func (w *town) Accept(ctx context.Context, m channels.Message) error {
	fresh, err := w.store.Accept(ctx, m)
	if err != nil || !fresh {
		return err
	}
	turns, err := w.store.Claim(ctx, monday, 10, time.Minute)
	for _, t := range turns {
		t.Now, t.NewID, t.NewReference = monday, func() string { return exchange.NewID(monday) }, exchange.NewReference
		t.NewCode = func() string { return w.code }
		if want := w.heart.Wants(t); !want.IsZero() {
			known, err := w.store.Learn(ctx, want, t.Message.From)
			if err != nil {
				return err
			}
			t.Record = &known
		}
		o, err := w.heart.Step(t)
		if err == nil {
			err = w.store.Commit(ctx, o)
		}
		if err != nil {
			return err
		}
		w.sent = append(w.sent, o)
	}
	return err
}

func (*town) Report(context.Context, channels.Receipt) error { return nil }

// clerk is a browser at the counter.
type clerk struct {
	*http.Client
	t    *testing.T
	url  string
	page string
}

func open(t *testing.T) (*town, *clerk) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "g.db"), Now: func() time.Time { return monday }})
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
	w := &town{t: t, store: s, heart: gateway.NewDispatcher(gateway.Rules{Texts: words, Services: cat, Answers: answers.New(nil), PublicURL: "https://city.example",
		CodeKey: []byte("a key for tests, 32 bytes of it!")})}
	o := counter.Options{
		Config: counter.Config{Clerks: []counter.Clerk{{ID: "ana", Label: "Counter 7", PasswordHash: secret.New(password.HashWith(pass, 8, 1))}}},
		City:   "Port Lumen", Store: s, Inbox: w, Services: cat, Texts: words, Limiter: channeltest.NewShared(log, func() time.Time { return monday }).Limiter,
		Track: func(ref string) string { return "https://city.example/track/" + ref }, Log: log, Now: func() time.Time { return monday },
	}
	w.desk = func() http.Handler {
		c, err := counter.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		c.Mount(mux)
		return mux
	}
	w.mux.Store(new(w.desk()))
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { (*w.mux.Load()).ServeHTTP(rw, r) }))
	t.Cleanup(srv.Close)
	jar, _ := cookiejar.New(nil)
	return w, &clerk{Client: &http.Client{Jar: jar, Transport: srv.Client().Transport}, t: t, url: srv.URL}
}

func (c *clerk) get(path string) int {
	c.t.Helper()
	r, err := c.Get(c.url + path)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.read(r)
}

func (c *clerk) read(r *http.Response) int {
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	c.page = string(b)
	return r.StatusCode
}

var hidden = regexp.MustCompile(`name="(token|n)" value="([^"]+)"`)

// post sends a form with the hidden fields of the page on the screen.
func (c *clerk) post(path string, pairs ...string) int {
	c.t.Helper()
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(c.page, -1) {
		form.Set(m[1], m[2])
	}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r, err := c.PostForm(c.url+path, form)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.read(r)
}

func (c *clerk) login() {
	c.t.Helper()
	c.get("/counter")
	if status := c.post("/counter/login", "name", "ana", "password", pass); status != http.StatusOK || !strings.Contains(c.page, "Who is here?") {
		c.t.Fatalf("log-in: %d %s", status, c.page)
	}
}

var action = regexp.MustCompile(`action="(/counter/visits/[a-z0-9]+)"`)

func (c *clerk) visitPath() string {
	c.t.Helper()
	m := action.FindStringSubmatch(c.page)
	if m == nil {
		c.t.Fatalf("no visit on the page: %s", c.page)
	}
	return m[1]
}

// TestWalkIn goes the whole way without JavaScript: the same dialogue, a paper attached, the case, the slip, the letter.
func TestWalkIn(t *testing.T) {
	w, c := open(t)
	c.login()
	if c.post("/counter/visits", "lang", "en", "tell", "12345") != http.StatusUnprocessableEntity || !strings.Contains(c.page, "country code") {
		t.Errorf("a wrong number: %s", c.page)
	}
	c.post("/counter/visits", "lang", "en", "name", "Jo Quay")
	if !strings.Contains(c.page, "Notices go by post") || !strings.Contains(c.page, "tourist tax") && !strings.Contains(c.page, "Tourist tax") {
		t.Fatalf("the menu has every service: %s", c.page)
	}
	at := c.visitPath()
	for _, said := range []string{"book", "14 Quay St", "1", "sofa", "1"} {
		if status := c.post(at, "text", said); status != http.StatusOK {
			t.Fatalf("%q: %d", said, status)
		}
	}
	if !strings.Contains(c.page, "Check:") || !strings.Contains(c.page, `<div class="bubble mine" dir="auto">`) {
		t.Fatalf("the summary is read back: %s", c.page)
	}
	stale := c.page
	c.post(at, "press", "SEND")
	c.page = stale
	c.post(at, "press", "SEND") // a second click is the same message
	ref := regexp.MustCompile(`PL-[0-9A-Z-]{12}`).FindString(c.page)
	if c.get(at+"/slip/"+ref) != http.StatusOK || !strings.Contains(c.page, "Next step by") || !strings.Contains(c.page, "https://city.example/track/"+ref) {
		t.Fatalf("the slip of %q: %s", ref, c.page)
	}
	cases := 0
	for _, o := range w.sent {
		for _, x := range o.Crossings {
			filed := x.Document.(exchange.Case)
			cases++
			if filed.Channel != "counter" || filed.Trust != "counter" || filed.Name != "Jo Quay" || len(filed.Story) != 1 ||
				filed.Story[0].Text != "Taken at the counter by Counter 7." || filed.Check() != nil {
				t.Errorf("the case is %+v", filed)
			}
		}
		for _, d := range o.Deliveries {
			if strings.Contains(d.Message.Text, "Counter 7") {
				t.Errorf("a citizen reads the clerk's label: %s", d.Message.Text)
			}
		}
	}
	if cases != 1 {
		t.Errorf("%d cases", cases)
	}
	w.decide(ref)
	c.get("/counter/letters")
	if !strings.Contains(c.page, "The crew comes.") || !strings.Contains(c.page, ref) {
		t.Fatalf("the decision is told by post: %s", c.page)
	}
	id := regexp.MustCompile(`action="(/counter/letters/[^"]+)"`).FindStringSubmatch(c.page)[1]
	c.post(id)
	if !strings.Contains(c.page, "Nobody waits for a letter.") {
		t.Errorf("a sent letter stays: %s", c.page)
	}
}

// TestProvenByCode: a code goes to the walk-in's phone, the clerk types what is read out, and what is filed before and
// after is told there in full.
func TestProvenByCode(t *testing.T) {
	w, c := open(t)
	w.code = "481920"
	c.login()
	c.post("/counter/visits", "lang", "en", "name", "Jo Quay", "tell", "07700 900123")
	if !strings.Contains(c.page, "country code") { // a clerk writes the whole number
		t.Fatalf("a number without its country: %s", c.page)
	}
	c.post("/counter/visits", "lang", "en", "name", "Jo Quay", "tell", "+44 7700 900123")
	at := c.visitPath()
	file := func() (m gateway.Matter) {
		for _, said := range []string{"book", "14 Quay St", "1", "sofa", "1", "SEND"} {
			c.post(at, "text", said)
		}
		o := w.sent[len(w.sent)-1]
		if len(o.Matters) != 1 {
			t.Fatalf("nothing was filed: %s", c.page)
		}
		return o.Matters[0]
	}
	before := file()
	if before.Tell.Proven || !strings.Contains(c.page, "said at the counter, not proven") {
		t.Fatalf("unproven: %+v", before.Tell)
	}
	c.post(at, "prove", "1")
	if !strings.Contains(c.page, "A 6-digit code went to ***123") || strings.Contains(c.page, "481") {
		t.Fatalf("the code goes to the phone: %s", c.page)
	}
	last := w.sent[len(w.sent)-1].Deliveries
	if len(last) != 2 || last[0].Message.To != (channels.Address{Channel: "sms", Value: "+447700900123"}) || !strings.Contains(last[0].Message.Text, "read 481 920 to the clerk") {
		t.Fatalf("the phone gets %+v", last)
	}
	c.post(at, "text", "111 111")
	if !strings.Contains(c.page, "not the code") {
		t.Errorf("a wrong code: %s", c.page)
	}
	c.post(at, "text", "481 920")
	if !strings.Contains(c.page, "***123 is proven") || !strings.Contains(c.page, "proven by a code") || strings.Contains(c.page, `name="prove"`) {
		t.Fatalf("the right code: %s", c.page)
	}
	if m, err := w.store.Tracked(t.Context(), before.Reference); err != nil || !m.Tell.Proven {
		t.Errorf("the case of before is told %+v, %v", m.Tell, err)
	}
	if after := file(); !after.Tell.Proven {
		t.Errorf("the next case is told %+v", after.Tell)
	}
	for _, x := range w.sent[len(w.sent)-1].Crossings {
		if s := x.Document.(exchange.Case).Story; len(s) != 1 || s[0].Text != "Taken at the counter by Counter 7." {
			t.Errorf("the inside reads %+v", s)
		}
	}
}

// TestAddressChangedHands: a clerk marks a number, and says of one that it is still its person's.
func TestAddressChangedHands(t *testing.T) {
	w, c := open(t)
	err := w.Accept(t.Context(), channels.Message{ID: "sms:1", From: channels.Address{Channel: "sms", Value: "+447700900123"},
		To: channels.Address{Channel: "sms", Value: "+447700900000"}, At: monday, Text: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	c.login()
	for _, wrong := range [][]string{{"address", "07700 900123", "whose", "other"}, {"address", "+447700900123"}, {"whose", "other"}} {
		if c.post("/counter/addresses", wrong...) != http.StatusUnprocessableEntity {
			t.Errorf("%v was taken: %s", wrong, c.page)
		}
	}
	if c.post("/counter/addresses", "address", "+44 7700 900 124", "whose", "other") != http.StatusNotFound {
		t.Errorf("nobody's number: %s", c.page)
	}
	for _, whose := range []string{"other", "same"} {
		if c.post("/counter/addresses", "address", "+44 7700 900 123", "whose", whose) != http.StatusOK || !strings.Contains(c.page, "Saved.") {
			t.Fatalf("%s: %s", whose, c.page)
		}
		if err := w.Accept(t.Context(), channels.Message{ID: "sms:" + whose, From: channels.Address{Channel: "sms", Value: "+447700900123"},
			To: channels.Address{Channel: "sms", Value: "+447700900000"}, At: monday, Text: "STATUS"}); err != nil {
			t.Fatal(err)
		}
		said := w.sent[len(w.sent)-1].Deliveries[0].Message.Text
		if strings.Contains(said, "still your address") != (whose == "other") {
			t.Errorf("%s: STATUS is answered %q", whose, said)
		}
	}
	deeds, err := w.store.Deeds(t.Context(), 0, 100)
	if err != nil || len(deeds) != 4 || deeds[3].Act != gateway.DeedDoubt || deeds[3].Subject != "" {
		t.Errorf("the log says %+v, %v", deeds, err)
	}
}

// TestRestart: the clerk and the visits are there again after the gateway was started anew.
func TestRestart(t *testing.T) {
	w, c := open(t)
	c.login()
	c.post("/counter/visits", "lang", "en", "name", "Jo Quay")
	at := c.visitPath()
	c.post(at, "text", "book")
	w.mux.Store(new(w.desk()))
	if c.get(at) != http.StatusOK || !strings.Contains(c.page, "Jo Quay") || !strings.Contains(c.page, "Pickup 1/4") {
		t.Fatalf("after a restart: %s", c.page)
	}
	c.post(at, "text", "14 Quay St")
	if !strings.Contains(c.page, "Pickup 2/4") {
		t.Errorf("the visit goes on: %s", c.page)
	}
}

// decide lets the office decide a case.
func (w *town) decide(ref string) {
	w.t.Helper()
	m, err := w.store.Tracked(w.t.Context(), ref)
	if err != nil {
		w.t.Fatal(err)
	}
	who, m, err := w.store.Matter(w.t.Context(), m.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	o, err := w.heart.Notice(gateway.Tiding{Now: monday, NewID: func() string { return exchange.NewID(monday) }, Contact: who, Matter: m},
		exchange.Notice{ID: "n1", Case: m.ID, At: monday, State: exchange.Decided, Decision: exchange.Granted, Reason: "The crew comes."})
	if err == nil {
		err = w.store.Commit(w.t.Context(), o)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.sent = append(w.sent, o)
}

// TestUnprovenAddress: what was only said at the counter gets word that there is news, and not which.
func TestUnprovenAddress(t *testing.T) {
	w, c := open(t)
	c.login()
	c.post("/counter/visits", "lang", "en", "tell", "+44 7700 900-555")
	if !strings.Contains(c.page, "not proven") || strings.Contains(c.page, "900555") {
		t.Errorf("the address is shown, or not called unproven: %s", c.page)
	}
	at := c.visitPath()
	c.post(at, "text", "who pays for the broken bench in my street")
	c.post(at, "press", "0")
	ref := regexp.MustCompile(`PL-[0-9A-Z-]{12}`).FindString(c.page)
	w.decide(ref)
	o := w.sent[len(w.sent)-1]
	if len(o.Letters) != 0 || len(o.Deliveries) != 1 {
		t.Fatalf("%d letters, %d deliveries", len(o.Letters), len(o.Deliveries))
	}
	if m := o.Deliveries[0].Message; m.To.Value != "+447700900555" || strings.Contains(m.Text, "crew") || !strings.Contains(m.Text, ref) {
		t.Errorf("told %s: %s", m.To.Value, m.Text)
	}
}

// TestLookUp shows a case to a clerk who attests, and logs it whatever comes.
func TestLookUp(t *testing.T) {
	w, c := open(t)
	c.login()
	c.post("/counter/visits", "lang", "en")
	at := c.visitPath()
	c.post(at, "text", "who pays for the broken bench in my street")
	c.post(at, "press", "0")
	ref := regexp.MustCompile(`PL-[0-9A-Z-]{12}`).FindString(c.page)
	wrong := ref[:len(ref)-1] + string('0'+(ref[len(ref)-1]-'0'+1)%10)
	c.get("/counter/")
	if c.post("/counter/cases", "reference", wrong, "attest", "yes") != http.StatusUnprocessableEntity || !strings.Contains(c.page, "letter or digit is wrong") {
		t.Errorf("a wrong check digit: %s", c.page)
	}
	if c.post("/counter/cases", "reference", ref) != http.StatusUnprocessableEntity || strings.Contains(c.page, "What happened") {
		t.Errorf("without the clerk's word: %s", c.page)
	}
	if c.post("/counter/cases", "reference", ref, "attest", "yes") != http.StatusOK || !strings.Contains(c.page, "What happened") {
		t.Errorf("with it: %s", c.page)
	}
	deeds, err := w.store.Deeds(t.Context(), 0, 100)
	if err != nil || len(deeds) != 3 {
		t.Fatalf("deeds are %+v, %v", deeds, err)
	}
	if d := deeds[2]; d.Clerk != "ana" || d.Act != "lookup" || d.Subject != ref || !d.At.Equal(monday) {
		t.Errorf("the log says %+v", d)
	}
}

// TestNobodyElse: no session, no page; a foreign form changes nothing; who guesses has to wait.
func TestNobodyElse(t *testing.T) {
	w, c := open(t)
	for _, path := range []string{"/counter/", "/counter/letters", "/counter/visits/x"} {
		if c.get(path); !strings.Contains(c.page, `name="password"`) {
			t.Errorf("%s is shown to anybody", path)
		}
	}
	for range password.MaxWrong {
		if c.post("/counter/login", "name", "bob", "password", "wrong wrong wrong") != http.StatusUnauthorized {
			t.Error("a wrong password is not refused")
		}
	}
	if c.post("/counter/login", "name", "bob", "password", pass) != http.StatusTooManyRequests {
		t.Error("guessing goes on")
	}
	c.login()
	if c.post("/counter/visits", "token", "of another") != http.StatusForbidden || len(w.sent) != 0 {
		t.Error("a foreign form is taken")
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url+"/counter/logout", strings.NewReader(""))
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if got, err := c.Do(r); err != nil || got.StatusCode != http.StatusForbidden {
		t.Errorf("a form of another site: %v", err)
	}
	c.get("/counter/")
	c.post("/counter/logout")
	if c.get("/counter/"); !strings.Contains(c.page, `name="password"`) {
		t.Error("it is still logged in")
	}
}

// TestPapersAndLanguages attaches a scan in an Arabic conversation: the clerk's page stays English.
func TestPapersAndLanguages(t *testing.T) {
	w, c := open(t)
	c.login()
	c.post("/counter/visits", "lang", "ar", "name", "سلمى")
	if !strings.Contains(c.page, `lang="ar" dir="rtl"`) || !strings.Contains(c.page, `<html lang="en" dir="ltr">`) {
		t.Fatalf("the conversation is not Arabic: %s", c.page)
	}
	var buf bytes.Buffer
	form := multipart.NewWriter(&buf)
	for _, m := range hidden.FindAllStringSubmatch(c.page, -1) {
		_ = form.WriteField(m[1], m[2])
	}
	part, err := form.CreateFormFile("file", "scan.pdf")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(part, "%PDF-1.4\n%âãÏÓ\n")
	form.Close()
	r, err := c.Post(c.url+c.visitPath(), form.FormDataContentType(), &buf)
	if err != nil || c.read(r) != http.StatusOK {
		t.Fatal(err)
	}
	o := w.sent[len(w.sent)-1]
	if len(o.Crossings) != 1 || len(o.Crossings[0].Files) != 1 || !strings.Contains(c.page, "scan.pdf") {
		t.Errorf("the paper went nowhere: %s", c.page)
	}
}

func TestConfigFaults(t *testing.T) {
	c := counter.Config{Clerks: []counter.Clerk{{ID: "Ana Silveira"}}, Idle: 100 * time.Hour}
	err := c.Validate()
	for _, want := range []string{"clerks.0.id", "clerks.0.label", "clerks.0.password_hash", "idle"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named in %v", want, err)
		}
	}
}
