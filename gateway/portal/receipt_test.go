package portal

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange/receipt"
	"gatehouse/gateway"
)

// folder is a chain of receipts.
type folder struct {
	keys receipt.Keys
	all  []gateway.Receipted
}

func (f *folder) Receipt(_ context.Context, id string) (gateway.Receipted, error) {
	for _, r := range f.all {
		if r.ID == id {
			return r, nil
		}
	}
	return gateway.Receipted{}, gateway.ErrNotFound
}

func (f *folder) Chain(_ context.Context, after uint64, n int) ([]gateway.Receipted, error) {
	from := min(int(after), len(f.all))
	return f.all[from:min(from+n, len(f.all))], nil
}

const declared = "the declared rows"

// newFolder gives out R1 to R4: R2 took the place of R1, the content of R3 was erased.
func newFolder(t *testing.T) *folder {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	key := receipt.Key{By: receipt.ByGateway, From: noon.Add(-time.Hour), ID: "00ff", Public: hex.EncodeToString(private.Public().(ed25519.PublicKey)), Until: noon.Add(time.Hour)}
	f := &folder{keys: receipt.Keys{Issuer: "portlumen.example", Keys: []receipt.Key{key}}}
	var head receipt.Head
	for n := range 4 {
		r := receipt.Receipt{Schema: receipt.Schema, Kind: receipt.Received, ID: fmt.Sprint("R", n+1), Issuer: "portlumen.example", Number: head.Number + 1, Previous: head.Digest,
			At: noon, Case: "PL-9DTE-4HB6-32", Service: "DEC-GOODS", Filed: noon, FiledLocal: noon.In(time.FixedZone("", 3600)), Rows: receipt.Rows{In: 20, Filed: 18, Open: 2},
			Files: []receipt.File{{Name: "john-smith.csv", SHA256: receipt.Digest([]byte(declared)), Size: int64(len(declared))}}}
		if n == 1 {
			r.Supersedes = "R1"
		}
		b, err := receipt.Sign(r, func(time.Time) (string, func([]byte) []byte, error) {
			return key.ID, func(m []byte) []byte { return ed25519.Sign(private, m) }, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		head = receipt.Head{Number: r.Number, Digest: receipt.Digest(b)}
		f.all = append(f.all, gateway.Receipted{Link: r.Link(b), At: noon, Body: b})
	}
	f.all[0].Superseded, f.all[2].Body = "R2", nil
	return f
}

// TestReceiptPage says in every language what a receipt states and whether it holds, without a name.
func TestReceiptPage(t *testing.T) {
	b := open(t)
	for lang, good := range map[string]string{"en": "The signature is right", "fr": "La signature est exacte", "ar": "التوقيع صحيح", "zh": "签名正确"} {
		status, page, head := b.get(t, "/receipts/R1?lang="+lang)
		if status != http.StatusOK || !strings.Contains(page, good) || !strings.Contains(page, `href="/receipts/R2?lang=`+lang) ||
			!strings.Contains(page, receipt.Digest([]byte(declared))) || strings.Contains(page, "smith") || head.Get("X-Robots-Tag") != "noindex" {
			t.Errorf("%s: %d %v\n%s", lang, status, head, page)
		}
		if strings.Contains(page, "portal.") {
			t.Errorf("%s: a sentence is missing:\n%s", lang, page)
		}
	}
	_, last, _ := b.get(t, "/receipts/R4")
	if !strings.Contains(last, "none came after it yet") {
		t.Errorf("the last in the chain: %s", last)
	}
	status, erased, _ := b.get(t, "/receipts/R3")
	if status != http.StatusOK || !strings.Contains(erased, "was deleted") || !strings.Contains(erased, b.folder.all[2].Digest) || strings.Contains(erased, "PL-9DTE") {
		t.Errorf("an erased one: %d %s", status, erased)
	}
	for _, path := range []string{"/receipts/R9", "/receipts/R9/receipt.json", "/receipts/R3/receipt.json", "/receipts/R1/other.json", "/receipts/R1/receipt.pdf"} {
		if status, _, _ := b.get(t, path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	status, body, head := b.get(t, "/receipts/R1/receipt.json")
	if status != http.StatusOK || body != string(b.folder.all[0].Body) || head.Get("Content-Type") != "application/json" {
		t.Errorf("the signed file: %d %v %s", status, head, body)
	}
	_, published, _ := b.get(t, "/receipts/keys.json")
	var keys receipt.Keys
	if err := json.Unmarshal([]byte(published), &keys); err != nil {
		t.Fatal(err)
	}
	if _, _, err := keys.Verify([]byte(body)); err != nil {
		t.Errorf("what was downloaded does not verify with what is published: %v", err)
	}
}

// TestReceiptThatWasChanged: the page finds what was changed in the store.
func TestReceiptThatWasChanged(t *testing.T) {
	b := open(t)
	good := b.folder.all[0]
	b.folder.all[0].Body = bytes.Replace(good.Body, []byte(`"filed":18`), []byte(`"filed":17`), 1)
	if _, page, _ := b.get(t, "/receipts/R1"); !strings.Contains(page, "banner bad") {
		t.Errorf("a changed one: %s", page)
	}
	b.folder.all[0] = good
	b.folder.all[1].Previous = strings.Repeat("0", 64)
	if _, page, _ := b.get(t, "/receipts/R1"); !strings.Contains(page, "do not fit") {
		t.Errorf("a broken chain: %s", page)
	}
	b.folder.keys.Keys[0].Until = noon.Add(-time.Minute)
	if _, page, _ := b.get(t, "/receipts/R1"); !strings.Contains(page, "was not valid when") {
		t.Errorf("a key out of its time: %s", page)
	}
}

// TestReceiptCheck compares what is uploaded or pasted, and keeps nothing.
func TestReceiptCheck(t *testing.T) {
	b := open(t)
	own, other := string(b.folder.all[0].Body), string(b.folder.all[1].Body)
	post := func(id, name, file, text string) (int, string) {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		if name != "" {
			f, _ := w.CreateFormFile("file", name)
			_, _ = io.WriteString(f, file)
		}
		_ = w.WriteField("text", text)
		w.Close()
		r, err := http.Post(b.URL+"/receipts/"+id+"?lang=en", w.FormDataContentType(), &body)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		page, _ := io.ReadAll(r.Body)
		return r.StatusCode, string(page)
	}
	for _, c := range []struct{ id, name, file, text, want string }{
		{"R1", "rows.csv", declared, "", "this is a file of the declaration"},
		{"R1", "rows.csv", declared + " ", "", "this is no file of this declaration"},
		{"R1", "receipt.json", own, "", "this is this receipt, unchanged"},
		{"R1", "receipt.json", other, "", "this is another receipt"},
		{"R1", "", "", " " + own + "\n", "this is this receipt, unchanged"},
		{"R1", "", "", strings.Replace(own, `"filed":18`, `"filed":17`, 1), "The signature is not right"},
		{"R1", "", "", "", "Please choose a file"},
		{"R3", "rows.csv", declared, "", "this is no file of this declaration"},
	} {
		if status, page := post(c.id, c.name, c.file, c.text); status != http.StatusOK || !strings.Contains(page, c.want) {
			t.Errorf("%s %s %.20q %.20q: %d, want %q in\n%s", c.id, c.name, c.file, c.text, status, c.want, page)
		}
	}
	if status, page := post("R1", "large", strings.Repeat("x", 13<<20), ""); status != http.StatusRequestEntityTooLarge || !strings.Contains(page, "over 12 MB") {
		t.Errorf("too large: %d", status)
	}
	if status, page := post("R1", "<script>.csv", declared, ""); status != http.StatusOK || strings.Contains(page, "<script>") {
		t.Errorf("a name that is markup: %d %s", status, page)
	}
	if status, _ := post("R9", "x", "x", ""); status != http.StatusNotFound {
		t.Errorf("nobody's: %d", status)
	}
	if r, err := http.PostForm(b.URL+"/receipts/R1?lang=en", url.Values{"text": {own}}); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("a form without files: %v", err)
	} else {
		r.Body.Close()
	}
	if len(b.desk.got) > 0 {
		t.Error("something was kept")
	}
}
