package portal_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
	"gatehouse/gateway/portal/upload"
)

func jpegOf(t *testing.T, side int) string {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, side, side)), nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func pngOf(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// upload posts files on the page of a link.
func (b *browser) upload(path string, files ...string) int {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, f := range files {
		part, err := form.CreateFormFile("photo", "my sofa.heic")
		if err != nil {
			b.t.Fatal(err)
		}
		_, _ = part.Write([]byte(f))
	}
	form.Close()
	r, err := b.Post(b.url+path, form.FormDataContentType(), &body)
	return b.read(r, err)
}

func stored(content string) channels.File {
	return channels.File{Name: "mms-1.jpg", Type: "image/jpeg", Size: int64(len(content)), Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	}}
}

var photoLink = regexp.MustCompile(`/p/[a-z0-9]{12,}`)

// sent files a pickup by text and gives the path of the link in the answer.
func (w *town) sent() string {
	w.t.Helper()
	w.text("BOOK 14 Quay St, 1 3, 3 Dec")
	said := w.text("send")
	want(w.t, said, "Reference PL-", "A photo? gate.example/p/")
	return photoLink.FindString(said)
}

// additions are what crossed with the last outcome beside cases.
func (w *town) additions() (all []exchange.Addition) {
	for _, c := range w.last.Crossings {
		if a, ok := c.Document.(exchange.Addition); ok {
			all = append(all, a)
		}
	}
	return all
}

// TestAPhotoFollowsItsCase: the link takes pictures once, whatever they are called, and they cross as an amendment.
func TestAPhotoFollowsItsCase(t *testing.T) {
	w := openTown(t)
	path := w.sent()
	b := w.browser()
	if code := b.get(path); code != http.StatusOK {
		t.Fatalf("%d: %s", code, b.page)
	}
	want(t, b.page, `type="file"`, "JPEG or PNG", "12 MB", w.cases[0].Reference, "Bulky waste pickup", `href="/p/`)
	if code := b.upload(path, jpegOf(t, 16), pngOf(t)); code != http.StatusOK {
		t.Fatalf("%d: %s", code, b.page)
	}
	want(t, b.page, "2 pictures are with request "+w.cases[0].Reference)
	all := w.additions()
	if len(all) != 1 || all[0].Case != w.cases[0].ID || all[0].Act != exchange.ActAmend || len(all[0].Files) != 2 {
		t.Fatalf("crossed %+v", all)
	}
	for i, f := range []string{"photo-1.jpg image/jpeg", "photo-2.png image/png"} {
		if got := all[0].Files[i].Name + " " + all[0].Files[i].Type; got != f {
			t.Errorf("file %d is %s", i, got)
		}
	}
	if said := w.told(phone); said != "" {
		t.Errorf("the phone is told %q", said)
	}
	for _, again := range []int{b.get(path), b.upload(path, jpegOf(t, 17))} {
		if again != http.StatusNotFound || !strings.Contains(b.page, "This link has ended") {
			t.Errorf("used again: %d", again)
		}
	}
	if len(w.last.Contact.Reaches) != 1 {
		t.Errorf("reaches %v", w.last.Contact.Reaches)
	}
}

// TestWhatIsNoPictureUsesNothingUp: each fault says what to do, in the reader's language, and the link still serves.
func TestWhatIsNoPictureUsesNothingUp(t *testing.T) {
	w := openTown(t)
	path := w.sent()
	b := w.browser()
	whole := jpegOf(t, 16)
	for _, x := range []struct {
		files  []string
		status int
		says   string
	}{
		{nil, http.StatusUnprocessableEntity, "choose a picture"},
		{[]string{""}, http.StatusUnprocessableEntity, "choose a picture"},
		{[]string{"%PDF-1.4 not a picture"}, http.StatusUnprocessableEntity, "my sofa.heic is no picture"},
		{[]string{"<svg xmlns='x'><script/></svg>"}, http.StatusUnprocessableEntity, "no picture"},
		{[]string{whole[:20]}, http.StatusUnprocessableEntity, "no picture"},
		{[]string{whole, "GIF89a"}, http.StatusUnprocessableEntity, "no picture"},
		{[]string{whole, whole, whole, whole}, http.StatusUnprocessableEntity, "3 pictures at most"},
		{[]string{strings.Repeat("x", upload.MaxForm)}, http.StatusRequestEntityTooLarge, "over 12 MB"},
	} {
		if code := b.upload(path, x.files...); code != x.status {
			t.Errorf("%s: %d", x.says, code)
		}
		want(t, b.page, x.says, `role="alert"`, `aria-invalid="true"`)
	}
	if code := b.upload(path+"?lang=ar", "x"); code != http.StatusUnprocessableEntity {
		t.Errorf("in Arabic: %d", code)
	}
	want(t, b.page, `dir="rtl"`, "ليس صورة")
	if len(w.additions()) != 0 {
		t.Fatal("something crossed")
	}
	if code := b.upload(path, whole); code != http.StatusOK || len(w.additions()) != 1 {
		t.Errorf("then %d: %s", code, b.page)
	}
}

// TestPhotoThatCouldNotBeStoredLeavesTheLink: nothing is said to be kept, and the same link takes it later.
func TestPhotoThatCouldNotBeStoredLeavesTheLink(t *testing.T) {
	w := openTown(t)
	path := w.sent()
	b := w.browser()
	w.fails = errors.New("disk full")
	if code := b.upload(path, jpegOf(t, 16)); code != http.StatusServiceUnavailable || strings.Contains(b.page, "Thank you") {
		t.Errorf("%d: %s", code, b.page)
	}
	w.fails = nil
	if code := b.upload(path, jpegOf(t, 16)); code != http.StatusOK || len(w.additions()) != 1 {
		t.Errorf("then %d: %s", code, b.page)
	}
}

// TestOneOfManyWhoSendAtOnce uses the link: the others are told that it has ended.
func TestOneOfManyWhoSendAtOnce(t *testing.T) {
	w := openTown(t)
	path := w.sent()
	pictures := []string{jpegOf(t, 8), jpegOf(t, 16), jpegOf(t, 24), jpegOf(t, 32)}
	codes := make([]int, len(pictures))
	var wg sync.WaitGroup
	for i, picture := range pictures {
		wg.Go(func() { codes[i] = w.browser().upload(path, picture) })
	}
	wg.Wait()
	taken := 0
	for _, code := range codes {
		if code == http.StatusOK {
			taken++
		} else if code != http.StatusNotFound {
			t.Errorf("%d", code)
		}
	}
	if taken != 1 || len(w.additions()) != 1 {
		t.Errorf("%d taken, %d crossed", taken, len(w.additions()))
	}
}

// TestTheLinkOfAPhotoEnds: with time, with its case, and with its person.
func TestTheLinkOfAPhotoEnds(t *testing.T) {
	for name, end := range map[string]func(w *town){
		"This link has ended": func(w *town) { w.now = w.now.Add(73 * time.Hour) },
		"is closed": func(w *town) {
			contact, m, err := w.store.Matter(w.t.Context(), w.cases[0].ID)
			if err != nil {
				w.t.Fatal(err)
			}
			m.State = exchange.Decided
			if err := w.store.Commit(w.t.Context(), gateway.Outcome{Contact: contact, Matters: []gateway.Matter{m}}); err != nil {
				w.t.Fatal(err)
			}
		},
		"link has ended": func(w *town) { w.text("FORGET ME"); w.text("1") },
	} {
		w := openTown(t)
		path := w.sent()
		end(w)
		b := w.browser()
		for _, code := range []int{b.get(path), b.upload(path, jpegOf(t, 16))} {
			if code != http.StatusNotFound {
				t.Errorf("%s: %d", name, code)
			}
			want(t, b.page, name)
		}
		if len(w.additions()) != 0 {
			t.Errorf("%s: something crossed", name)
		}
	}
}

// TestThePhotoPageSpeaksEachLanguage of those that the answer was given in.
func TestThePhotoPageSpeaksEachLanguage(t *testing.T) {
	for lang, said := range map[string][3]string{
		"fr": {"ENLEVER 14 Quay St, 1 3, 3 déc", "envoyer", "Une photo pour votre demande"},
		"ar": {"حجز 14 Quay St, 1 3, 3 ديسمبر", "إرسال", "صورة لطلبك"},
		"zh": {"预约 14 Quay St, 1 3, 12月3日", "发送", "为您的申请附照片"},
	} {
		w := openTown(t)
		w.text(said[0])
		path := photoLink.FindString(w.text(said[1]))
		b := w.browser()
		if code := b.get(path); code != http.StatusOK {
			t.Errorf("%s: %d after %q", lang, code, w.told(phone))
			continue
		}
		want(t, b.page, said[2], `lang="`+lang+`"`)
		if strings.Contains(b.page, `dir="rtl"`) != (lang == "ar") {
			t.Errorf("%s: wrong direction", lang)
		}
	}
}

// TestWhoSentAPictureIsAskedForNone, nor is anybody who is not on the phone.
func TestWhoSentAPictureIsAskedForNone(t *testing.T) {
	w := openTown(t)
	w.text("BOOK 14 Quay St, 1 3, 3 Dec")
	m := channels.Message{ID: "sms:photo", From: phone, To: ours, At: w.now, Trust: channels.CarrierVerified,
		Files: []channels.File{stored(jpegOf(t, 16))}}
	if err := w.Accept(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if said := w.text("send"); strings.Contains(said, "/p/") || len(w.cases) != 1 || len(w.cases[0].Files) != 1 {
		t.Errorf("with a picture: %q", said)
	}
	w.hear(tab, "BOOK 14 Quay St, 1 3, 3 Dec")
	if said := w.hear(tab, "send"); !strings.Contains(said, "Reference") || strings.Contains(said, "/p/") {
		t.Errorf("in the chat: %q", said)
	}
}
