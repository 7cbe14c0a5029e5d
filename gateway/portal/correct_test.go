package portal_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
)

var correctLink = regexp.MustCompile(`/d/[a-z0-9]{12,}`)

// declared mails three rows of which two are wrong, and gives the path of the link in the answer.
func (w *town) declared() string {
	w.t.Helper()
	const rows = "company,week,package,hs,country,net,gross,value,currency\n12-345678-C,2026-W47,PK1,847130,BR,10,12,150.00,EUR\n" +
		",,PK2,84713,BR,10,12,150.00,EUR\n,,PK3,847130,BR,1240,1190,150.00,EUR\n"
	w.register()
	file := channels.File{Name: "goods.csv", Type: "text/csv", Size: int64(len(rows)), Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(rows)), nil
	}}
	m := channels.Message{ID: "email:" + exchange.NewID(w.now), From: box, To: channels.Address{Channel: "email", Value: "declare+goods@portlumen.example"},
		At: w.now, Files: []channels.File{file}, Trust: channels.DomainVerified}
	if err := w.Accept(w.t.Context(), m); err != nil {
		w.t.Fatal(err)
	}
	return correctLink.FindString(w.told(box))
}

func (b *browser) post(path string, form url.Values) int {
	b.t.Helper()
	r, err := b.PostForm(b.url+path, form)
	return b.read(r, err)
}

// TestRowsAreCorrectedOnline: the page shows the open rows with what is wrong, takes none that is still wrong, hands on
// what was changed or kept, and ends with the last row. The answer goes by mail.
func TestRowsAreCorrectedOnline(t *testing.T) {
	w := openTown(t)
	path := w.declared()
	if path == "" {
		t.Fatalf("no link in %q", w.told(box))
	}
	b := w.browser()
	if code := b.get(path); code != http.StatusOK {
		t.Fatalf("%d: %s", code, b.page)
	}
	want(t, b.page, "1 of 3 rows are filed", `value="84713"`, "must have 6, 8 or 10 digits. Did you mean 847130?", `name="4.net"`, "File this row as stated", `aria-invalid="true"`)
	if strings.Contains(b.page, "PK1") || strings.Count(b.page, "keep.") != 1 {
		t.Error("a row that is filed is shown, or one can be kept that is no value")
	}

	form := b.form()
	form.Set("3.hs", "8471")
	if code := b.post(path, form); code != http.StatusUnprocessableEntity || len(w.additions()) != 0 {
		t.Errorf("a wrong row gives %d and crosses %v", code, w.additions())
	}
	want(t, b.page, "Row 3: HS code &#34;8471&#34; must have 6, 8 or 10 digits", `value="8471"`)

	form = b.form()
	form.Set("3.hs", "847130")
	if code := b.post(path, form); code != http.StatusOK {
		t.Fatalf("%d: %s", code, b.page)
	}
	want(t, b.page, "One row is on the way", `name="4.net"`)
	if all := w.additions(); len(all) != 1 || all[0].Act != exchange.ActAmend || !strings.Contains(all[0].Answers[0].Value, "hs=847130") {
		t.Fatalf("crossed %+v", all)
	}
	want(t, w.told(box), "Row 3 filed (2 of 3).", "Row 4")

	b.get(path)
	form = b.form()
	form.Set("keep.4", "1")
	if code := b.post(path, form); code != http.StatusOK {
		t.Fatalf("%d: %s", code, b.page)
	}
	if all := w.additions(); len(all) != 1 || all[0].Act != exchange.ActKeep {
		t.Fatalf("crossed %+v", all)
	}
	want(t, w.told(box), "Complete: 3 of 3. Row 4 goes to an officer")
	if code := b.get(path); code != http.StatusNotFound {
		t.Errorf("the page of a complete declaration gives %d", code)
	}
}

func TestTheRowsPageEndsWithItsTime(t *testing.T) {
	w := openTown(t)
	path := w.declared()
	w.now = w.now.Add(30 * 24 * time.Hour)
	b := w.browser()
	if code := b.get(path); code != http.StatusNotFound {
		t.Errorf("%d", code)
	}
	if code := b.get("/d/" + strings.Repeat("a", 13)); code != http.StatusNotFound {
		t.Errorf("a link that nobody was sent gives %d", code)
	}
}
