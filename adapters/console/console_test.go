package console

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/adapters/desk"
	"gatehouse/adapters/factor"
	"gatehouse/adapters/office"
	"gatehouse/adapters/release"
	"gatehouse/adapters/store"
	"gatehouse/configs"
	"gatehouse/configs/answers"
	"gatehouse/configs/city"
	"gatehouse/configs/password"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// hall is a console over a real store, on a real socket, with a clock that the test moves.
type hall struct {
	*testing.T
	chance int // of the sample: below 5 it is looked at again
	mu     sync.Mutex
	at     time.Time
	store  *store.Store
	desk   *desk.Desk
	web    *httptest.Server
	texts  *texts.Catalog
	live   *standing
}

func (h *hall) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hall) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

func (h *hall) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func open(t *testing.T) *hall {
	t.Helper()
	h := &hall{T: t, chance: 99, at: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	var err error
	h.store, err = store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "office.db"), store.Options{Now: h.now})
	h.must(err)
	t.Cleanup(func() {
		if err := h.store.Close(); err != nil {
			t.Error(err)
		}
	})
	catalog, err := theCity()
	h.must(err)
	h.texts, err = theTexts()
	h.must(err)
	cheap := password.HashWith(DemoPassword, 8, 1) // the real cost has its own test
	for _, p := range DemoStaff() {
		p.Hash = cheap
		h.must(h.store.Employ(t.Context(), p))
	}
	newID := func() string { return exchange.NewID(h.now()) }
	words := func(string, string) string { return "" }
	c := office.City{Catalog: catalog}
	policy, err := release.New(release.Config{}, func(int) int { return h.chance })
	h.must(err)
	gate := office.Gate{Person: h.store.Person, Words: words, Sign: asItIs, Second: asItIs,
		Check: func(ctx context.Context, d exchange.Document) error { return policy.Check(ctx, h.store, d) },
		Spend: func(context.Context, string) (bool, error) { return true, nil }}
	factors := factor.Open(h.store, h.now)
	h.desk = desk.Open(desk.Shared{Store: h.store, Gate: gate, Policy: policy, Factor: factors, Now: h.now, NewID: newID, UndoTime: adapters.Undo, Department: c.DepartmentOf, Known: c.Known, Returned: c.Returned, Until: catalog.Until, Words: words})
	h.live = &standing{}
	con, err := Open(Shared{Log: slog.New(slog.DiscardHandler), Now: h.now, Live: h.live, NewID: newID, Store: h.store, Desk: h.desk,
		Gate: gate, Factors: factors, Policy: policy,
		Catalog: catalog, Texts: h.texts, Isolation: "none", Posted: func() {}, UndoTime: adapters.Undo})
	h.must(err)
	h.web = httptest.NewServer(con.Handler())
	t.Cleanup(h.web.Close)
	return h
}

// What is read once for all tests; nobody changes it.
var (
	theTexts = sync.OnceValues(texts.Load)
	theCity  = sync.OnceValues(func() (*service.Catalog, error) {
		return service.Load(city.Services(), func(name string, b []byte, into any) error { return configs.Parse(name, b, into, os.LookupEnv) })
	})
)

// shelve stores the demo city's answers.
func (h *hall) shelve() {
	h.Helper()
	pages, err := answers.LoadFS(city.Answers(), "answers")
	h.must(err)
	h.must(office.Shelve(h.Context(), h.store, pages))
}

// file registers a case of a service, as the office does.
func (h *hall) file(code string, change func(*exchange.Case)) string {
	h.Helper()
	c := exchange.Case{ID: exchange.NewID(h.now()), Reference: exchange.NewReference(), Service: code, Lang: "fr", Channel: "sms", FiledAt: h.now(),
		Promise: h.now().Add(72 * time.Hour), Trust: "carrier", Party: "p1", Name: "Ana Lopes",
		Answers: []exchange.Answer{{Field: "items", Value: "sofa"}, {Field: "note", Value: "blue gate"}}}
	if change != nil {
		change(&c)
	}
	_, err := h.desk.Submit(h.Context(), c, h.store)
	h.must(err)
	return c.ID
}

// browser is one person's, with cookies.
type browser struct {
	*hall
	client *http.Client
	token  string
}

var tokenForm = regexp.MustCompile(`name="token" value="([^"]+)"`)

func (h *hall) browser() *browser {
	jar, err := cookiejar.New(nil)
	h.must(err)
	return &browser{hall: h, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// login opens a browser and logs in.
func (h *hall) login(name string) *browser {
	h.Helper()
	b := h.browser()
	b.get("/login", http.StatusOK)
	b.post("/login", http.StatusSeeOther, "name", name, "password", DemoPassword)
	b.get("/help", http.StatusOK)
	return b
}

func (b *browser) do(req *http.Request) (*http.Response, string) {
	b.Helper()
	res, err := b.client.Do(req)
	b.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	b.must(err)
	if m := tokenForm.FindSubmatch(body); m != nil {
		b.token = string(m[1])
	}
	return res, string(body)
}

func (b *browser) get(path string, want int) string {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, b.web.URL+path, nil)
	b.must(err)
	res, body := b.do(req)
	if res.StatusCode != want {
		b.Fatalf("GET %s: %d, want %d: %s", path, res.StatusCode, want, brief(body))
	}
	return body
}

// post sends a form with the session's token; pairs are names and values.
func (b *browser) post(path string, want int, pairs ...string) (string, string) {
	b.Helper()
	form := url.Values{"token": {b.token}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, b.web.URL+path, strings.NewReader(form.Encode()))
	b.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, body := b.do(req)
	if res.StatusCode != want {
		b.Fatalf("POST %s: %d, want %d: %s", path, res.StatusCode, want, brief(body))
	}
	return res.Header.Get("Location"), body
}

var tags = regexp.MustCompile(`(?s)<svg.*?</svg>|<[^>]*>|\s+`)

// brief is the text of a page's main part.
func brief(body string) string {
	if i := strings.Index(body, "<main"); i >= 0 {
		body = body[i:]
	}
	body = tags.ReplaceAllString(body, " ")
	return body[:min(len(body), 1500)]
}

func contains(t *testing.T, body string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(body, w) {
			t.Errorf("no %q in: %s", w, brief(body))
		}
	}
}

// asItIs signs nothing: who signs is the ring's story.
func asItIs(d exchange.Document) (exchange.Document, error) { return d, nil }
