package portal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gatehouse/exchange/receipt"
	"gatehouse/gateway"
	"gatehouse/gateway/portal/upload"
)

// receiptView is what the page of a receipt shows: what it states without a name of anybody or of a file, whether its
// signature verifies now, and its place in the chain.
type receiptView struct {
	gateway.Receipted
	Stated  *receipt.Receipt // nil: its content ended with the person's data
	Service string
	Key     receipt.Key
	Fault   string // the key of the sentence that says what is wrong with the signature; empty: nothing
	Linked  bool   // the receipts before and after it in the chain fit
	Last    bool   // none is after it
	Checked []checkedFile
	Asked   bool // something was given to be checked
	Trouble string
}

// checkedFile is a file that was held against the receipt.
type checkedFile struct {
	Name, SHA256 string
	Good         bool
	Receipt      bool   // it is a receipt
	Fault        string // what is wrong with its signature
}

// Megabytes is how large a file may be that is checked.
func (receiptView) Megabytes() int { return upload.MaxForm >> 20 }

// Time shows a moment where it is read the same everywhere.
func (receiptView) Time(t time.Time) string { return t.Format("2006-01-02 15:04:05 -07:00") }

// UTC shows a moment in UTC.
func (receiptView) UTC(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// receiptKeys publishes the keys that sign receipts, past and present.
func (p *Portal) receiptKeys(w http.ResponseWriter, _ *http.Request) {
	b, err := json.MarshalIndent(p.ReceiptKeys(), "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "max-age=300")
	_, _ = w.Write(append(b, '\n'))
}

// readReceipt finds the receipt of a request; ok is false when the answer was given.
func (p *Portal) readReceipt(w http.ResponseWriter, r *http.Request) (got gateway.Receipted, lang string, ok bool) {
	w.Header().Set("X-Robots-Tag", "noindex")
	w.Header().Set("Referrer-Policy", "no-referrer")
	lang = firstKnown(p, r.URL.Query().Get("lang"), p.language(r))
	got, err := p.Receipts.Receipt(r.Context(), r.PathValue("id"))
	switch {
	case errors.Is(err, gateway.ErrNotFound):
		p.missing(w, r, lang)
	case err != nil:
		p.Log.ErrorContext(r.Context(), "read receipt", "err", err)
		p.trouble(w, r, lang, http.StatusServiceUnavailable, "later")
	}
	return got, lang, err == nil
}

// receipt shows a receipt to whoever knows its id, which is who was given it.
func (p *Portal) receipt(w http.ResponseWriter, r *http.Request) {
	if got, lang, ok := p.readReceipt(w, r); ok {
		p.showReceipt(w, r, http.StatusOK, lang, p.judge(r.Context(), got, lang))
	}
}

func (p *Portal) showReceipt(w http.ResponseWriter, r *http.Request, status int, lang string, v receiptView) {
	p.show(w, r, status, "receipt", view{Lang: lang, Title: p.text(lang, "receipt.title"), Bare: "/receipts/" + v.ID + "?", Data: v})
}

// judge checks a receipt as it lies in the store.
func (p *Portal) judge(ctx context.Context, got gateway.Receipted, lang string) receiptView {
	v := receiptView{Receipted: got}
	if got.Body != nil {
		r, key, err := p.ReceiptKeys().Verify(got.Body)
		v.Stated, v.Key, v.Fault = &r, key, faultOf(err)
		if receipt.Digest(got.Body) != got.Digest {
			v.Fault = "receipt.fault.form"
		}
		v.Service = r.Service
		if s, ok := p.Services.ByCode(r.Service); ok {
			v.Service = s.Name.In(lang)
		}
	}
	if got.Number > 0 {
		v.Linked, v.Last = p.linked(ctx, got)
	}
	return v
}

// linked tells whether the receipts beside one in the chain fit to it, and whether it is the last.
func (p *Portal) linked(ctx context.Context, got gateway.Receipted) (fits, last bool) {
	before := max(got.Number, 2) - 2
	near, err := p.Receipts.Chain(ctx, before, 3)
	if err != nil || len(near) == 0 {
		p.Log.ErrorContext(ctx, "read chain of receipts", "err", err)
		return false, false
	}
	head := receipt.Head{Number: before, Digest: near[0].Previous}
	for _, l := range near {
		if head, err = head.Follow(l.Link); err != nil {
			return false, false
		}
	}
	return true, head.Number == got.Number
}

// faultOf is the sentence for what is wrong with a receipt.
func faultOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, receipt.ErrKey), errors.Is(err, receipt.ErrIssuer):
		return "receipt.fault.key"
	case errors.Is(err, receipt.ErrTime):
		return "receipt.fault.time"
	case errors.Is(err, receipt.ErrSignature):
		return "receipt.fault.signature"
	}
	return "receipt.fault.form"
}

// checkReceipt holds files, or a pasted receipt, against a receipt. Nothing of it is kept.
func (p *Portal) checkReceipt(w http.ResponseWriter, r *http.Request) {
	got, lang, ok := p.readReceipt(w, r)
	if !ok {
		return
	}
	v := p.judge(r.Context(), got, lang)
	v.Asked = true
	f, err := upload.Read(w, r)
	defer func() { f.Close() }() // there is a form with every error too
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big), errors.Is(err, multipart.ErrMessageTooLarge):
		v.Trouble = "receipt.check.large"
		p.showReceipt(w, r, http.StatusRequestEntityTooLarge, lang, v)
		return
	case err != nil:
		v.Trouble = "receipt.check.torn"
		p.showReceipt(w, r, http.StatusBadRequest, lang, v)
		return
	}
	for _, file := range f.Files {
		body, err := file.Open(r.Context())
		if err == nil {
			v.Checked = append(v.Checked, p.check(v, file.Name, body))
			err = body.Close()
		}
		if err != nil {
			p.Log.WarnContext(r.Context(), "check file", "err", err)
		}
	}
	if pasted := strings.TrimSpace(f.Values.Get("text")); pasted != "" {
		v.Checked = append(v.Checked, p.check(v, "receipt.json", strings.NewReader(pasted)))
	}
	if len(v.Checked) == 0 {
		v.Trouble = "receipt.check.none"
	}
	p.showReceipt(w, r, http.StatusOK, lang, v)
}

// check compares one file with what the receipt states, or with the receipt itself.
func (p *Portal) check(v receiptView, name string, body io.Reader) checkedFile {
	sum, head := sha256.New(), &bytes.Buffer{}
	_, err := io.Copy(io.MultiWriter(sum, &firstBytes{head, receipt.MaxSize + 1}), body)
	c := checkedFile{Name: clip(name, 120), SHA256: hex.EncodeToString(sum.Sum(nil))}
	if err != nil {
		return c
	}
	if _, err := receipt.Parse(head.Bytes()); err == nil || c.SHA256 == v.Digest {
		_, _, err = p.ReceiptKeys().Verify(head.Bytes())
		c.Receipt, c.Fault = true, faultOf(err)
		c.Good = c.SHA256 == v.Digest && err == nil
		return c
	}
	if v.Stated != nil {
		for _, f := range v.Stated.Files {
			c.Good = c.Good || f.SHA256 == c.SHA256
		}
	}
	return c
}

// firstBytes keeps the first n bytes of what is written.
type firstBytes struct {
	*bytes.Buffer
	n int
}

func (f *firstBytes) Write(b []byte) (int, error) {
	if left := f.n - f.Len(); left > 0 {
		f.Buffer.Write(b[:min(len(b), left)])
	}
	return len(b), nil
}

// receiptFile brings the signed receipt, or the page of it.
func (p *Portal) receiptFile(w http.ResponseWriter, r *http.Request) {
	got, lang, ok := p.readReceipt(w, r)
	if !ok {
		return
	}
	b, kind, err := got.Body, "application/json", error(nil)
	name := r.PathValue("file")
	switch {
	case b == nil || name != "receipt.json" && (name != "receipt.pdf" || p.Slips == nil):
		p.missing(w, r, lang)
		return
	case name == "receipt.pdf":
		kind = "application/pdf"
		b, err = p.Slips.Print(b, lang)
	}
	if err != nil {
		p.Log.ErrorContext(r.Context(), "print receipt", "err", err)
		p.trouble(w, r, lang, http.StatusServiceUnavailable, "later")
		return
	}
	head := w.Header()
	head.Set("Content-Type", kind)
	head.Set("Content-Length", strconv.Itoa(len(b)))
	head.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	head.Set("Cache-Control", "private, no-store")
	_, _ = w.Write(b)
}
