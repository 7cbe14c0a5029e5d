package portal_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

const (
	goodsHead  = "company,week,package,hs,country,net,gross,value,currency\n"
	goodsRight = goodsHead + "12-345678-C,2026-W47,PK1,847130,BR,10,12,150.00,EUR\n"
	goodsWrong = goodsRight + ",,PK2,84713,BR,10,12,150.00,EUR\n,,PK3,847130,BR,1240,1190,150.00,EUR\n"
)

var (
	passLink = regexp.MustCompile(`/p/[a-z0-9]{12,}`)
	caseRef  = regexp.MustCompile(`PL-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9]{2}`)
)

// register makes box the one address that may declare for a company.
func (w *town) register() {
	w.t.Helper()
	for name, l := range map[string]exchange.Listing{"12-345678-C": {Company: "Northdock Goods"}, "12-345678-C/1": {Address: box.Value}} {
		p := exchange.Publication{ID: exchange.NewID(w.now), Sort: exchange.SortRegister, Name: name, Revision: 1, Body: l.Body(), At: w.now}
		if err := w.store.Publish(w.t.Context(), p, 0); err != nil {
			w.t.Fatal(err)
		}
	}
}

// wake runs what is due without a message.
func (w *town) wake() {
	w.t.Helper()
	turns, err := w.store.Woken(w.t.Context(), w.now, 10, time.Minute)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, t := range turns {
		t.Now, t.NewID, t.NewReference, t.NewToken = w.now, func() string { return exchange.NewID(w.now) }, exchange.NewReference, newToken
		if want := w.heart.Wants(t); !want.IsZero() {
			r, err := w.store.Learn(w.t.Context(), want, t.Message.From)
			if err != nil {
				w.t.Fatal(err)
			}
			t.Record = &r
		}
		w.last = w.heart.Wake(t, t.Claim.Wake)
		if err := w.store.Commit(w.t.Context(), w.last); err != nil {
			w.t.Fatal(err)
		}
	}
}

// filed is how many declarations crossed.
func (w *town) filed() (n int) {
	for _, c := range w.cases {
		if c.Service == "DEC-GOODS" {
			n++
		}
	}
	return n
}

const declareGoods = "/en/declare/dec-goods"

// sends posts the form of the page that is shown, with a file where there is one.
func (b *browser) sends(act, file string, values map[string]string) int {
	b.t.Helper()
	return b.sendsTo(declareGoods, act, file, values)
}

func (b *browser) sendsTo(page, act, file string, values map[string]string) int {
	b.t.Helper()
	var buf bytes.Buffer
	kind := b.body(&buf, act, file, values)
	r, err := b.Post(b.url+page, kind, &buf)
	return b.read(r, err)
}

func (b *browser) body(to io.Writer, act, file string, values map[string]string) (kind string) {
	b.t.Helper()
	form := multipart.NewWriter(to)
	all := map[string]string{"token": b.form().Get("token"), "act": act}
	for k, v := range values {
		all[k] = v
	}
	for k, v := range all {
		if err := form.WriteField(k, v); err != nil {
			b.t.Fatal(err)
		}
	}
	if file != "" {
		part, err := form.CreateFormFile("file", "goods.csv")
		if err == nil {
			_, err = io.WriteString(part, file)
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		b.t.Fatal(err)
	}
	return form.FormDataContentType()
}

// declarer is a browser that has opened the link which was mailed to box, on the page of the goods.
func (w *town) declarer() *browser {
	w.t.Helper()
	b := w.browser()
	b.get(declareGoods)
	if code := b.sends("link", "", map[string]string{"clerk": box.Value}); code != http.StatusOK {
		w.t.Fatalf("%d: %s", code, b.page)
	}
	link := passLink.FindString(w.told(box))
	if link == "" {
		w.t.Fatalf("no link in %q", w.told(box))
	}
	b.get(link)
	want(w.t, b.page, "Go on to the upload")
	b.post(link, url.Values{"act": {"open"}})
	want(w.t, b.page, "You declare as", box.Value)
	return b
}

// TestAProvenClerkUploads: who opened the link that was mailed to a registered address files at once. The page shows the
// verdict on every row, the copy and the receipt, and the same goes by mail.
func TestAProvenClerkUploads(t *testing.T) {
	w := openTown(t)
	w.register()
	b := w.declarer()
	if code := b.sends("file", goodsWrong, nil); code != http.StatusOK {
		t.Fatalf("%d: %s", code, b.page)
	}
	want(t, b.page, "1 of 3 rows accepted - 2 to correct by", "1 of 3 rows are right", "HS code", "84713", "Did you mean 847130?", "an officer then looks at it", "Correct online", "goods-2-rows.csv", "/receipt.json", "/receipt.pdf",
		"also mailed to j***@example.org")
	if w.filed() != 1 || w.cases[0].Trust != "confirmed" || w.cases[0].Channel != "web" {
		t.Errorf("%d filed, %+v", w.filed(), w.cases)
	}
	want(t, w.told(box), "1 row is received and checked", "goods-2-rows.csv")
	row := regexp.MustCompile(`/d/[a-z0-9]+`).FindString(b.page)
	if code := b.get(row + "/copy"); code != http.StatusOK || !strings.Contains(b.page, "PK2") || strings.Contains(b.page, "PK1") {
		t.Errorf("%d: the copy is %q", code, b.page)
	}
	b.get(row + "?lang=fr")
	want(t, b.page, "Corrigez", "goods-2-rows.csv")
	if strings.Contains(b.page, "Did you mean") {
		t.Error("the faults are in the language of the mail")
	}
}

// TestAnUnprovenUploadWaits: nothing is filed, nobody's address gets mail but the company's own, and the page hears nothing
// of whether there is such a company.
func TestAnUnprovenUploadWaits(t *testing.T) {
	w := openTown(t)
	w.register()
	b := w.browser()
	b.get(declareGoods)
	if code := b.sends("file", goodsRight, map[string]string{"clerk": "stranger@elsewhere.example"}); code != http.StatusOK {
		t.Fatalf("%d: %s", code, b.page)
	}
	want(t, b.page, "It is not filed yet", "We mail a link")
	for _, d := range w.last.Deliveries {
		if d.Message.To.Channel == "email" {
			t.Errorf("%s gets %q", d.Message.To, d.Message.Text)
		}
	}
	if w.filed() != 0 || w.last.Park == nil {
		t.Fatal("it does not wait")
	}
	w.wake()
	asked := w.told(box)
	want(t, asked, "somebody sent a declaration", "s***@elsewhere.example")
	if strings.Contains(asked, "PK1") {
		t.Errorf("%q tells what was declared", asked)
	}
	link := passLink.FindString(asked)
	clerk := w.browser()
	clerk.get(link)
	clerk.post(link, url.Values{"act": {"open"}})
	if w.filed() != 1 || w.cases[0].Trust != "confirmed" {
		t.Fatalf("%d filed: %s", w.filed(), clerk.page)
	}
	want(t, w.told(channels.Address{Channel: "email", Value: "stranger@elsewhere.example"}), "received and checked")
}

// TestAFileThatIsOnlyChecked leaves nothing, and needs no proof.
func TestAFileThatIsOnlyChecked(t *testing.T) {
	w := openTown(t)
	b := w.browser()
	b.get(declareGoods)
	before, err := w.store.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if code := b.sends("check", goodsWrong, nil); code != http.StatusOK {
		t.Fatalf("%d: %s", code, b.page)
	}
	want(t, b.page, "1 of 3 rows are right", "Did you mean 847130?", "goods-2-rows.csv", "data:application/octet-stream;base64,", "nothing was filed")
	b.sends("check", goodsRight, nil)
	want(t, b.page, "The one row is right")
	b.sends("check", "a,b\n1,2\n", nil)
	want(t, b.page, "No row of the file has the names of the columns")
	b.sends("check", "", nil)
	want(t, b.page, "Please choose a file")
	if after, err := w.store.Counts(t.Context()); err != nil || after != before {
		t.Errorf("%+v became %+v, %v", before, after, err)
	}
}

// TestAnUploadIsFiledOnce: a page sent again, at the same time or later, is one declaration, and the same file on a new page
// is told so.
func TestAnUploadIsFiledOnce(t *testing.T) {
	w := openTown(t)
	w.register()
	b := w.declarer()
	shown := b.page
	var buf bytes.Buffer
	kind := b.body(&buf, "file", goodsRight, nil)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			r, err := b.Post(b.url+declareGoods, kind, bytes.NewReader(buf.Bytes()))
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Body.Close()
			if _, err := io.Copy(io.Discard, r.Body); err != nil || r.StatusCode != http.StatusOK {
				t.Error(r.Status, err)
			}
		})
	}
	wait.Wait()
	if w.filed() != 1 {
		t.Fatalf("%d filed", w.filed())
	}
	b.page = shown
	b.sends("file", goodsRight, nil)
	want(t, b.page, w.cases[0].Reference)
	b.get(declareGoods)
	b.sends("file", goodsRight, nil)
	want(t, b.page, "This was already filed as "+w.cases[0].Reference)
	b.get(declareGoods)
	b.sends("file", strings.ReplaceAll(goodsRight, "PK1", "PK9"), nil)
	want(t, b.page, "received and checked", "You have also declared the same period as "+w.cases[0].Reference)
	if w.filed() != 2 {
		t.Errorf("%d filed", w.filed())
	}
}

// TestAHalfUploadLeavesNothing: what breaks off, or is too large, is not stored and said so.
func TestAHalfUploadLeavesNothing(t *testing.T) {
	w := openTown(t)
	w.register()
	b := w.declarer()
	var buf bytes.Buffer
	kind := b.body(&buf, "file", goodsRight, nil)
	r, err := b.Post(b.url+declareGoods, kind, bytes.NewReader(buf.Bytes()[:buf.Len()-40]))
	if code := b.read(r, err); code != http.StatusBadRequest {
		t.Errorf("%d", code)
	}
	want(t, b.page, "did not come through whole")
	if code := b.sends("file", strings.Repeat("x", 13<<20), nil); code != http.StatusRequestEntityTooLarge {
		t.Errorf("%d", code)
	}
	want(t, b.page, "The file is over 10 MB")
	b.get(declareGoods)
	b.sends("file", goodsHead+strings.Repeat("x", 11<<20), nil)
	want(t, b.page, "The file is over 10 MB")
	if w.filed() != 0 {
		t.Errorf("%d filed", w.filed())
	}
}

// TestWhatWasFiledIsChangedOnThePage: nothing to declare, a new file in place of the old, a withdrawal, each by its clerk
// alone.
func TestWhatWasFiledIsChangedOnThePage(t *testing.T) {
	w := openTown(t)
	w.register()
	b := w.declarer()
	b.sends("nil", "", map[string]string{"company": "12-345678-C", "week": "2026-W46"})
	want(t, b.page, "nothing to declare, received and checked", "/receipt.json")
	b.get(declareGoods)
	b.sends("file", goodsRight, nil)
	ref := caseRef.FindString(b.page)
	stranger := w.browser()
	stranger.get(declareGoods)
	stranger.sends("withdraw", "", map[string]string{"ref": ref, "clerk": box.Value})
	want(t, stranger.page, "first have a link mailed")
	b.get(declareGoods)
	b.sends("file", strings.ReplaceAll(goodsRight, "847130", "090121"), map[string]string{"ref": ref})
	want(t, b.page, ref+": one row takes the place of what was filed")
	b.get(declareGoods)
	b.sends("withdraw", "", map[string]string{"ref": ref})
	want(t, b.page, ref+" is withdrawn", "/receipt.json")
	b.get(declareGoods)
	if code := b.sends("withdraw", "", map[string]string{"ref": "PL-0000"}); code != http.StatusUnprocessableEntity {
		t.Errorf("%d", code)
	}
	want(t, b.page, "Please write the reference")
	b.sends("withdraw", "", map[string]string{"ref": exchange.NewReference()})
	want(t, b.page, "has filed nothing as")
}

// TestATypedFormForACompanyWaits: the form that is filled in on the page is held to the same as the file.
func TestATypedFormForACompanyWaits(t *testing.T) {
	w := openTown(t)
	w.register()
	b := w.browser()
	b.get("/en/services/DEC-GOODS")
	row := url.Values{"token": {b.form().Get("token")}, "company": {"12-345678-C"}, "week": {"2026-W47"}}
	for name, v := range map[string]string{"hs": "847130", "country": "BR", "net": "10", "gross": "12", "value": "150", "currency": "EUR", "package": "PK1"} {
		row.Set("goods.0."+name, v)
	}
	if code := b.post("/en/services/DEC-GOODS", row); code != http.StatusUnprocessableEntity {
		t.Errorf("%d", code)
	}
	want(t, b.page, "Please write your mail address")
	row.Set("clerk", box.Value)
	b.post("/en/services/DEC-GOODS", row)
	want(t, b.page, "It is not filed yet")
	if w.filed() != 0 || w.last.Park == nil {
		t.Fatal("anybody files for the company")
	}
	w.wake()
	link := passLink.FindString(w.told(box))
	b.post(link, url.Values{"act": {"open"}})
	if w.filed() != 1 || len(w.cases[0].Answers) != 3 {
		t.Errorf("%d filed, %+v", w.filed(), w.cases)
	}
	clerk := w.declarer()
	clerk.get("/en/services/DEC-GOODS")
	want(t, clerk.page, "You declare as")
	row.Set("token", clerk.form().Get("token"))
	row.Set("goods.0.package", "PK2")
	clerk.post("/en/services/DEC-GOODS", row)
	if w.filed() != 2 || w.cases[1].Trust != string(gateway.Confirmed) {
		t.Errorf("%d filed: %s", w.filed(), clerk.page)
	}
}

// TestNoLinkForAStranger: only a registered address is mailed one, and the page says the same to all.
func TestNoLinkForAStranger(t *testing.T) {
	w := openTown(t)
	w.register()
	b := w.browser()
	b.get(declareGoods)
	b.sends("link", "", map[string]string{"clerk": "stranger@elsewhere.example"})
	want(t, b.page, "If stranger@elsewhere.example is registered for a company, a link is on its way")
	if len(w.last.Deliveries) != 0 || len(w.last.Passes) != 0 {
		t.Errorf("%+v", w.last.Deliveries)
	}
	for range 5 { // a registered one a few an hour
		b.get(declareGoods)
		b.sends("link", "", map[string]string{"clerk": box.Value})
	}
	if len(w.last.Passes) != 0 {
		t.Error("a page may flood an address")
	}
	if code := b.sends("link", "", map[string]string{"clerk": "nobody"}); code != http.StatusUnprocessableEntity {
		t.Errorf("%d", code)
	}
}

// TestManyOpenRowsHavePages: each page shows a hundred, and one that is sent changes no row of another.
func TestManyOpenRowsHavePages(t *testing.T) {
	w := openTown(t)
	w.register()
	b := w.declarer()
	rows := goodsHead + "12-345678-C,2026-W47,PK1,847130,BR,10,12,150.00,EUR\n"
	for n := range 130 {
		rows += fmt.Sprintf(",,PX%d,84713,BR,10,12,150.00,EUR\n", n)
	}
	b.sends("file", rows, nil)
	link := regexp.MustCompile(`/d/[a-z0-9]+`).FindString(b.page)
	b.get(link)
	want(t, b.page, "Page 1 of 2, 130 rows in all", `name="102.hs"`, "Next page")
	if strings.Contains(b.page, `name="103.hs"`) {
		t.Error("a page shows more than a hundred rows")
	}
	b.get(link + "?page=2")
	want(t, b.page, "Page 2 of 2", `name="103.hs"`, `name="132.hs"`, "Page before")
	if code := b.post(link+"?page=2", url.Values{"132.hs": {"8"}}); code != http.StatusUnprocessableEntity {
		t.Errorf("%d", code)
	}
	want(t, b.page, "Page 2 of 2", `name="103.hs"`)
	if code := b.post(link+"?page=2", url.Values{"132.hs": {"847130"}}); code != http.StatusOK {
		t.Errorf("%d: %s", code, b.page)
	}
	want(t, w.told(box), "Row 132 filed (2 of 131)")
}

// TestAFileForAServiceThatAsksForNoCompany: it is filed from the page alone, which holds the answer and the receipt.
func TestAFileForAServiceThatAsksForNoCompany(t *testing.T) {
	w := openTown(t)
	b := w.browser()
	b.get("/en/declare/dec-tour")
	const tax = "month,nights,exempt,rate,total\n2026-10,412,30,2.00,764.00\n"
	b.sendsTo("/en/declare/dec-tour", "check", strings.ReplaceAll(tax, "412", "many"), nil)
	want(t, b.page, "The file can&#39;t be filed as it is", "many")
	b.sendsTo("/en/declare/dec-tour", "check", tax, nil)
	want(t, b.page, "The one row is right")
	b.sendsTo("/en/declare/dec-tour", "file", tax, nil)
	want(t, b.page, "received and checked", "/receipt.json")
	if len(w.cases) != 1 || w.cases[0].Service != "DEC-TOUR" || w.cases[0].Channel != "web" {
		t.Errorf("%+v", w.cases)
	}
}

// TestAHostIsHeldToItsRateOfFiles: after some files at once the page asks for patience, and nothing more is read.
func TestAHostIsHeldToItsRateOfFiles(t *testing.T) {
	w := openTown(t)
	b := w.browser()
	b.get("/en/declare/dec-tour")
	code := 0
	for range 31 {
		b.get("/en/declare/dec-tour")
		code = b.sendsTo("/en/declare/dec-tour", "check", "", nil)
	}
	if code != http.StatusTooManyRequests {
		t.Errorf("%d", code)
	}
}
