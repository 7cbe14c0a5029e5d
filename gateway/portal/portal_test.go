package portal

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
	"gatehouse/configs"
	published "gatehouse/configs/answers"
	"gatehouse/configs/city"
	"gatehouse/configs/secret"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/receipt"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/answers"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// shelf is a library of one page.
type shelf struct{ index *answers.Index }

func (s shelf) Find(q answers.Query) answers.Result { return s.index.Find(q) }

func (s shelf) Page(lang, id string) (published.Page, bool) {
	if id != "bulky-waste" {
		return published.Page{}, false
	}
	return published.Page{Lang: lang, ID: id, Title: "Bulky waste", Service: "WST-BULK", Audience: published.Public,
		Owner: "waste", ReviewBy: "2027-06-30", Source: "https://city.example/bulky",
		Page: "Free pickup.\n\n<script>alert(1)</script>[x](javascript:alert(2))"}, true
}

func (s shelf) Pages(lang string) []published.Page {
	p, _ := s.Page(lang, "bulky-waste")
	return []published.Page{p}
}

// desk is an inbox that answers, and the history it answers into.
type desk struct {
	mu    sync.Mutex
	got   map[string]channels.Message
	lines map[channels.Address][]channels.Line
	err   error
	look  func(channels.Message) // at each message while it is being stored
}

func (d *desk) Accept(ctx context.Context, m channels.Message) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return d.err
	}
	if d.look != nil {
		d.look(m)
	}
	for _, f := range m.Files {
		r, err := f.Open(ctx)
		if err != nil {
			return err
		}
		defer r.Close()
	}
	if _, known := d.got[m.ID]; !known {
		d.got[m.ID] = m
		d.lines[m.From] = append(d.lines[m.From], channels.Line{Seq: 1, Message: channels.Message{Text: "Sent. Reference PL-7K4M-2XQ9-31."}})
	}
	return nil
}

func (d *desk) Report(context.Context, channels.Receipt) error { return nil }

func (d *desk) After(_ context.Context, to channels.Address, _ uint64, _ int) ([]channels.Line, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lines[to], nil
}

// cabinet knows one matter.
type cabinet struct{ m gateway.Matter }

func (c cabinet) Tracked(_ context.Context, ref string) (gateway.Matter, error) {
	if ref != c.m.Reference {
		return gateway.Matter{}, gateway.ErrNotFound
	}
	return c.m, nil
}

type bench struct {
	*httptest.Server
	desk   *desk
	folder *folder
	links  Links
	ref    string
}

func open(t *testing.T) bench {
	t.Helper()
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
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	ref := exchange.NewReference()
	b := bench{folder: newFolder(t), desk: &desk{got: map[string]channels.Message{}, lines: map[channels.Address][]channels.Line{}}, ref: ref,
		links: Links{Key: secret.New("0123456789abcdef"), Now: func() time.Time { return noon }, PublicURL: "http://gate"}}
	p, err := Open(Options{
		City: "Port Lumen", Links: b.links, Inbox: b.desk, History: b.desk, Services: cat, Texts: words, Log: log,
		Library: shelf{answers.New([]answers.Page{{ID: "bulky-waste", Lang: "en", Title: "Bulky waste", Body: "old sofa **pickup** at 1 < 2 & 3", Asks: []string{"how do i get rid of an old sofa"}}})},
		Matters: cabinet{gateway.Matter{Reference: ref, Name: "Bulky waste pickup", State: exchange.Decided, Decision: exchange.Granted,
			Promise: noon, Events: []gateway.Event{{At: noon, State: exchange.Decided, Text: "The crew comes on Thursday.",
				Paper: &gateway.Paper{Name: "d.pdf", Size: int64(len(aPaper)), SHA256: "d1"}}}}},
		Files:    b.desk,
		Receipts: b.folder, ReceiptKeys: func() receipt.Keys { return b.folder.keys },
		Limiter: channeltest.NewShared(log, func() time.Time { return noon }).Limiter,
		Now:     func() time.Time { return noon }, NewID: func() string { return exchange.NewID(noon) },
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	p.Mount(mux)
	b.Server = httptest.NewServer(mux)
	t.Cleanup(b.Close)
	return b
}

func (b bench) get(t *testing.T, path string) (int, string, http.Header) {
	t.Helper()
	r, err := b.Client().Get(b.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(body), r.Header
}

func TestEveryPageInEveryLanguage(t *testing.T) {
	b := open(t)
	for _, lang := range []string{"en", "fr", "ar", "zh"} {
		for _, path := range []string{"/", "/search?q=sofa", "/search?q=zzzz", "/answers/bulky-waste", "/services/WST-BULK", "/services/STR-LIGHT",
			"/services/DEC-TOUR", "/chat", "/track", "/privacy"} {
			status, body, head := b.get(t, "/"+lang+path)
			if status != http.StatusOK || !strings.Contains(body, `<html lang="`+lang+`"`) {
				t.Errorf("%s%s: %d", lang, path, status)
			}
			if strings.Contains(body, "portal.") || strings.Contains(body, "%!") {
				t.Errorf("%s%s shows a key: %s", lang, path, regexp.MustCompile(`portal\.[a-z_.]+|%!.{20}`).FindString(body))
			}
			if (lang == "ar") != strings.Contains(body, `dir="rtl"`) {
				t.Errorf("%s%s has the wrong direction", lang, path)
			}
			if !strings.Contains(head.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("%s%s has no policy", lang, path)
			}
		}
	}
}

func TestTooManyRequestsAreAnsweredInTheReadersLanguage(t *testing.T) {
	b := open(t)
	status, body := http.StatusOK, ""
	for range pageRate.Burst + 1 {
		status, body, _ = b.get(t, "/ar/privacy")
	}
	if status != http.StatusTooManyRequests || !strings.Contains(body, "<h1>") || strings.Contains(body, "portal.") {
		t.Errorf("%d: %s", status, body)
	}
}

func TestFrontFollowsTheBrowser(t *testing.T) {
	b := open(t)
	for header, want := range map[string]string{"": "/en/", "fr-CA,fr;q=0.9": "/fr/", "de, ar;q=0.5": "/ar/", "xx": "/en/"} {
		req, _ := http.NewRequest(http.MethodGet, b.URL+"/", nil)
		req.Header.Set("Accept-Language", header)
		r, err := b.Client().Transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if got := r.Header.Get("Location"); got != want {
			t.Errorf("%q leads to %s, want %s", header, got, want)
		}
	}
}

func TestAnswerPageCanDoNothing(t *testing.T) {
	b := open(t)
	_, body, _ := b.get(t, "/en/answers/bulky-waste")
	if strings.Contains(body, "alert(") || !strings.Contains(body, "Free pickup.") {
		t.Errorf("the page kept a script: %s", body)
	}
	if status, _, _ := b.get(t, "/en/answers/none"); status != http.StatusNotFound {
		t.Errorf("a page that is not there is %d", status)
	}
}

func TestAPI(t *testing.T) {
	b := open(t)
	_, body, _ := b.get(t, "/api/v1/answers?q="+url.QueryEscape("how do i get rid of an old sofa")+"&lang=en")
	var out struct {
		Confident bool
		Answers   []map[string]any
	}
	if err := json.Unmarshal([]byte(body), &out); err != nil || !out.Confident || len(out.Answers) != 1 || out.Answers[0]["id"] != "bulky-waste" ||
		out.Answers[0]["text"] != "old sofa pickup at 1 < 2 & 3" {
		t.Errorf("got %s (%v)", body, err)
	}
	for path, want := range map[string]string{"?q=": "q is empty", "?q=x&limit=21": "1 to 20", "?q=x&limit=a": "1 to 20", "?q=x&lang=de": "one of en, ar, fr, zh"} {
		if status, body, _ := b.get(t, "/api/v1/answers"+path); status != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestTrackNeedsItsProof(t *testing.T) {
	b := open(t)
	link := strings.TrimPrefix(b.links.Track(b.ref), "http://gate")
	if _, body, _ := b.get(t, link); !strings.Contains(body, "The crew comes on Thursday.") || !strings.Contains(body, "Granted") || strings.Contains(body, "Next step by") {
		t.Errorf("the link does not open its case: %s", body)
	}
	other := exchange.NewReference()
	for _, path := range []string{"/track/" + b.ref, "/track/" + b.ref + "?t=x", "/track/" + b.ref + "?t=" + strings.TrimPrefix(strings.SplitN(b.links.Track(other), "t=", 2)[1], "")} {
		if _, body, _ := b.get(t, path); strings.Contains(body, "crew") || !strings.Contains(body, "STATUS") {
			t.Errorf("%s shows the case", path)
		}
	}
	if _, body, _ := b.get(t, "/track/"+other); !strings.Contains(body, "STATUS") {
		t.Error("an unknown reference looks different from a known one")
	}
	if status, body, _ := b.get(t, "/en/track?reference=PL-0000-0000-00"); status != http.StatusUnprocessableEntity || !strings.Contains(body, "is not a reference") {
		t.Errorf("a mistyped reference is %d", status)
	}
	late := b.links
	late.Now = func() time.Time { return noon.Add(linkLife + 48*time.Hour) }
	if late.proves("track", b.ref, strings.SplitN(b.links.Track(b.ref), "t=", 2)[1]) {
		t.Error("a link lives for ever")
	}
}

func token(t *testing.T, body string) string {
	t.Helper()
	m := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(body)
	if m == nil {
		t.Fatal("the form has no token")
	}
	return m[1]
}

// post sends a form as a browser does, and gives the status, the page or the place it leads to.
func (b bench) post(t *testing.T, path string, values map[string][]string) (int, string) {
	t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for k, all := range values {
		for _, v := range all {
			if err := w.WriteField(k, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Close()
	req, _ := http.NewRequest(http.MethodPost, b.URL+path, &buf)
	req.Header.Set("Content-Type", w.FormDataContentType())
	r, err := b.Client().Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	return r.StatusCode, r.Header.Get("Location") + string(body)
}

func TestFormFilesOnceAndShowsItsReply(t *testing.T) {
	b := open(t)
	_, page, _ := b.get(t, "/en/services/WST-BULK")
	day := regexp.MustCompile(`name="date" value="([^"]+)"`).FindStringSubmatch(page)
	if day == nil {
		t.Fatal("the form offers no days")
	}
	values := map[string][]string{"token": {token(t, page)}, "place": {"14 quay st"}, "items": {"furniture", "mattress"}, "date": {day[1]}}
	var to string
	for range 2 { // a second click
		status, loc := b.post(t, "/en/services/WST-BULK", values)
		if status != http.StatusSeeOther {
			t.Fatalf("a right form is %d: %s", status, loc)
		}
		to = loc
	}
	if len(b.desk.got) != 1 {
		t.Fatalf("two clicks filed %d", len(b.desk.got))
	}
	for _, m := range b.desk.got {
		want := "place: 14 Quay St, PL2 4AB\nitems: furniture\nitems: mattress\ndate: " + day[1] + "\n"
		if m.Text != want || m.To.Value != "form+wst-bulk" {
			t.Errorf("filed %q to %s, want %q", m.Text, m.To.Value, want)
		}
	}
	if _, body, _ := b.get(t, to); !strings.Contains(body, "Reference PL-7K4M-2XQ9-31") {
		t.Errorf("the page after does not show the reply: %s", body)
	}
	values["items"] = []string{"fridge"} // back, another answer, and sent again
	if status, again := b.post(t, "/en/services/WST-BULK", values); status != http.StatusSeeOther || again == to || len(b.desk.got) != 2 {
		t.Errorf("a changed form is %d, leads to %s, %d are filed", status, again, len(b.desk.got))
	}
	if status, _, _ := b.get(t, strings.Replace(to, "/sent/", "/sent/x", 1)); status != http.StatusNotFound {
		t.Errorf("a made-up token is %d", status)
	}
}

func TestFormNamesEveryFault(t *testing.T) {
	b := open(t)
	_, page, _ := b.get(t, "/fr/services/WST-BULK")
	status, body := b.post(t, "/fr/services/WST-BULK", map[string][]string{"token": {token(t, page)}, "place": {"14 Quay St"}, "items": {"piano"}})
	if status != http.StatusUnprocessableEntity || !strings.Contains(body, `href="#f-items"`) || !strings.Contains(body, `href="#f-date"`) {
		t.Errorf("%d: the faults are not listed: %s", status, body)
	}
	if !strings.Contains(body, "14 Quay St") {
		t.Error("what was typed is gone")
	}
	if len(b.desk.got) != 0 {
		t.Error("a faulty form was filed")
	}
}

func TestFormThatCannotBeStoredSaysSo(t *testing.T) {
	b := open(t)
	_, page, _ := b.get(t, "/en/services/DEC-TOUR")
	for err, want := range map[error]int{channels.ErrBusy: http.StatusServiceUnavailable, channels.ErrTooLarge: http.StatusRequestEntityTooLarge} {
		b.desk.err = err
		status, body := b.post(t, "/en/services/DEC-TOUR", map[string][]string{"token": {token(t, page)}, "month": {"2026-10"}, "nights": {"0"}, "exempt": {"0"}})
		if status != want {
			t.Errorf("%v: %d %s", err, status, body)
		}
	}
}

func TestFormKnowsTheCitysAddresses(t *testing.T) {
	b := open(t)
	_, page, _ := b.get(t, "/en/services/WST-BULK")
	for _, place := range []string{"nowhere 1", "Quay St"} {
		status, body := b.post(t, "/en/services/WST-BULK", map[string][]string{"token": {token(t, page)}, "place": {place},
			"items": {"furniture"}, "date": {"2026-12-03"}})
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, `href="#f-place"`) || len(b.desk.got) != 0 {
			t.Errorf("%q: %d, filed %d", place, status, len(b.desk.got))
		}
	}
}

func TestFormListsNoFaultOfWhatIsComputed(t *testing.T) {
	b := open(t)
	_, page, _ := b.get(t, "/en/services/DEC-TOUR")
	_, body := b.post(t, "/en/services/DEC-TOUR", map[string][]string{"token": {token(t, page)}, "nights": {"abc"}})
	if !strings.Contains(body, `href="#f-nights"`) || strings.Contains(body, `href="#f-total"`) {
		t.Errorf("faults: %s", body)
	}
}

func TestFormThatExpiredKeepsWhatWasTyped(t *testing.T) {
	b := open(t)
	status, body := b.post(t, "/en/services/DEC-TOUR", map[string][]string{"token": {"old"}, "nights": {"4711"}})
	if status != http.StatusUnprocessableEntity || !strings.Contains(body, `value="4711"`) || !strings.Contains(body, "too long") {
		t.Errorf("%d %s", status, body)
	}
}

func TestReplyLinksItsAddresses(t *testing.T) {
	got := said("Sent. http://gate/track/PL?t=a.b. Privacy: https://gate/privacy")
	want := []part{{Text: "Sent. "}, {"http://gate/track/PL?t=a.b", "http://gate/track/PL?t=a.b"}, {Text: ". Privacy: "},
		{"https://gate/privacy", "https://gate/privacy"}, {}}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestAnswerNamesItsDepartmentAndDay(t *testing.T) {
	status, page, _ := open(t).get(t, "/fr/answers/bulky-waste")
	if status != http.StatusOK || !strings.Contains(page, "Service des déchets") || !strings.Contains(page, "30 juin 2027") {
		t.Errorf("%d %s", status, page)
	}
}
