package deploy

import (
	"bytes"
	"image/jpeg"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"gatehouse/deploy/carriers/relay"
	"gatehouse/exchange/guard/mediatest"
)

// TestWalkPhotoIsRebuilt: a photo that says where it was taken arrives as another file that shows the same, and the
// staff see that it was made anew.
func TestWalkPhotoIsRebuilt(t *testing.T) {
	w := newTown(t, townOptions{})
	const from = "clerk@harbourhotel.example"
	photo := mediatest.Exif(mediatest.JPEG(320, 240), 6, "48.8583 N 2.2945 E")
	id, err := w.carriers.Write(relay.Draft{From: from, To: []string{"help@portlumen.example"}, Subject: "my papers",
		Text:  "please ask a person about the attached papers of mine",
		Files: []relay.File{{Name: "papers.jpg", Type: "image/jpeg", Data: photo}}})
	if err != nil {
		t.Fatal(err)
	}
	reply := w.awaitReply(from, strings.Trim(id, "<>"))
	ref := refOf(reply.Subject + reply.Text)
	otto := login(t, w.console(), "otto")
	page := otto.get(w.awaitCase(otto, ref))
	if !strings.Contains(page, "rebuilt at the border") {
		t.Errorf("the page does not say it: %s", page)
	}
	link := regexp.MustCompile(`href="(/cases/[^"]+/files/[^"]+)"`).FindStringSubmatch(page)
	if link == nil {
		t.Fatalf("no file on the page: %s", page)
	}
	got := otto.get(link[1])
	img, err := jpeg.Decode(strings.NewReader(got))
	if err != nil || strings.Contains(got, "48.8583") || bytes.Equal([]byte(got), photo) {
		t.Fatalf("%d bytes arrived: %v", len(got), err)
	}
	if size := img.Bounds().Size(); size.X != 240 || size.Y != 320 {
		t.Errorf("it lies: %v", size)
	}
	w.photoByLink(photo)
}

// photoByLink reports a lamp by text and sends a photo by the link in the answer: it crosses to the case, made anew.
func (w *town) photoByLink(photo []byte) {
	w.t.Helper()
	said := w.dialogue("+447700900183", "LIGHT", "14 quay st", "1", "1", "2", "SEND")
	link := regexp.MustCompile(`/p/[a-z2-7]{13}`).FindString(said)
	if link == "" {
		w.t.Fatalf("no link for a photo in %q", said)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("photo", "IMG_1.HEIC")
	if err != nil {
		w.t.Fatal(err)
	}
	_, _ = part.Write(photo)
	form.Close()
	r, err := http.Post(w.settings["PUBLIC"]+link, form.FormDataContentType(), &body)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusOK {
		w.t.Fatalf("the photo: %d", r.StatusCode)
	}
	ines := login(w.t, w.console(), "ines")
	page := w.awaitCase(ines, refOf(said))
	var file string
	w.await("the photo at its case", func() bool {
		file = regexp.MustCompile(page + `/files/[^"]+`).FindString(ines.get(page))
		return file != ""
	})
	if got := ines.get(file); !strings.HasPrefix(http.DetectContentType([]byte(got)), "image/") || strings.Contains(got, "48.8583") {
		w.t.Errorf("%d bytes of %s arrived", len(got), http.DetectContentType([]byte(got)))
	}
}
