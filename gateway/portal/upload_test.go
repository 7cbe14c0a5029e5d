package portal

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/channels"
	"gatehouse/gateway/portal/upload"
)

// report posts the form of a broken light with one file a content, and gives the status and the page.
func (b bench) report(t *testing.T, files ...string) (int, string) {
	t.Helper()
	_, page, _ := b.get(t, "/en/services/STR-LIGHT")
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for k, v := range map[string]string{"token": token(t, page), "kind": "light", "place": "14 Quay St", "danger": "no"} {
		if err := w.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	for _, content := range files {
		part, err := w.CreateFormFile("photo", "lamp.jpg")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, content); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	r, err := b.Client().Transport.RoundTrip(request(t, b.URL+"/en/services/STR-LIGHT", w.FormDataContentType(), &buf))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(body)
}

func request(t *testing.T, url, kind string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	return r
}

// TestUploadLeavesNothingReadable looks into the folder of temporary files while an upload is being stored.
func TestUploadLeavesNothingReadable(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	b := open(t)
	want := strings.Repeat("marker words ", 200_000)
	looked := false
	b.desk.look = func(m channels.Message) {
		looked = true
		if names, err := filepath.Glob(filepath.Join(os.TempDir(), "*")); err != nil || len(names) != 0 {
			t.Errorf("temporary files with names: %v, %v", names, err)
		}
		if len(m.Files) != 1 || m.Files[0].Name != "lamp.jpg" || m.Files[0].Size != int64(len(want)) {
			t.Fatalf("files are %+v", m.Files)
		}
		r, err := m.Files[0].Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != want {
			t.Errorf("read %d bytes of %d, %v", len(got), len(want), err)
		}
	}
	if status, page := b.report(t, want, ""); status != http.StatusSeeOther || !looked {
		t.Errorf("%d, stored %t: %s", status, looked, page)
	}
}

func TestUploadsAreBounded(t *testing.T) {
	b := open(t)
	many := make([]string, upload.MaxFiles+1)
	for i := range many {
		many[i] = "x"
	}
	for name, files := range map[string][]string{"many": many, "large": {strings.Repeat("x", upload.MaxForm)}} {
		if status, _ := b.report(t, files...); status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", name, status)
		}
	}
	for name, body := range map[string]string{"torn": "--b\r\nContent-Disposition: form-data; name=token\r\n\r\nx", "parts": strings.Repeat("--b\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n", upload.MaxParts+1)} {
		r, err := b.Client().Do(request(t, b.URL+"/en/services/STR-LIGHT", "multipart/form-data; boundary=b", strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusBadRequest && r.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
	}
	if len(b.desk.got) != 0 {
		t.Errorf("%d filed", len(b.desk.got))
	}
}

func TestFormTooLarge(t *testing.T) {
	b := open(t)
	_, page, _ := b.get(t, "/en/services/STR-LIGHT")
	status, body := b.post(t, "/en/services/STR-LIGHT", map[string][]string{"token": {token(t, page)}, "note": {strings.Repeat("x", upload.MaxForm+1)}})
	if status != http.StatusRequestEntityTooLarge || !strings.Contains(body, "12 MB") {
		t.Errorf("%d", status)
	}
}
