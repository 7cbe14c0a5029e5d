package portal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"

	"gatehouse/channels"
	"gatehouse/gateway"
	"gatehouse/gateway/portal/upload"
)

// photoView is what the page of a link for photos shows.
type photoView struct {
	Token     string
	Reference string
	Service   string
	Fault     string // what was wrong with what was sent, in words
	Done      int    // pictures that were taken; 0: none yet
	Closed    bool   // the case takes no more
}

// Most, Megabytes and Kinds bound one use of the link.
func (photoView) Most() int      { return gateway.MaxPhotos }
func (photoView) Megabytes() int { return upload.MaxForm >> 20 }
func (photoView) Kinds() string  { return "image/jpeg,image/png" }

func (p *Portal) showPhoto(w http.ResponseWriter, r *http.Request, status int, lang string, v photoView) {
	p.show(w, r, status, "photo", view{Lang: lang, Title: p.text(lang, "pass.photo.title"), Bare: "/p/" + v.Token + "?", Data: v})
}

// photoCase reads the case that a link for photos is bound to; ok is false when the answer was given. One that is no
// longer its person's is an ended link.
func (p *Portal) photoCase(w http.ResponseWriter, r *http.Request, lang, token string, got gateway.Pass) (v photoView, ok bool) {
	m, err := p.Matters.Tracked(r.Context(), got.Subject)
	v = photoView{Token: token, Reference: m.Reference, Service: m.Name, Closed: !m.Open()}
	if s, known := p.Services.ByCode(m.Service); known {
		v.Service = s.Name.In(lang)
	}
	switch {
	case got.Used, errors.Is(err, gateway.ErrNotFound), err == nil && m.Contact != got.Contact:
		p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "pass.ended"})
	case err != nil:
		p.Log.ErrorContext(r.Context(), "read case of a pass", "err", err)
		p.trouble(w, r, lang, http.StatusServiceUnavailable, "later")
	case v.Closed:
		p.showPhoto(w, r, http.StatusNotFound, lang, v)
	default:
		return v, true
	}
	return v, false
}

// photoPage shows where photos are chosen. Looking at it uses nothing up, and neither does what can't be taken.
func (p *Portal) photoPage(w http.ResponseWriter, r *http.Request, lang, token string, got gateway.Pass) {
	if v, ok := p.photoCase(w, r, lang, token, got); ok {
		p.showPhoto(w, r, http.StatusOK, lang, v)
	}
}

// takePhotos stores photos for the case of a link, which serves no more from then on.
func (p *Portal) takePhotos(w http.ResponseWriter, r *http.Request, lang, token string, got gateway.Pass) {
	v, ok := p.photoCase(w, r, lang, token, got)
	if !ok {
		return
	}
	f, err := upload.Read(w, r)
	defer func() { f.Close() }() // there is a form with every error too
	fault := photoFault(r.Context(), f, err)
	if fault.key != "" {
		v.Fault = p.text(lang, fault.key, "name", fault.name, "count", v.Most(), "size", v.Megabytes())
		p.showPhoto(w, r, fault.status, lang, v)
		return
	}
	if err := p.keepPhotos(r.Context(), token, got, f.Files); errors.Is(err, gateway.ErrNotFound) { // somebody was faster
		p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "pass.ended"})
		return
	} else if err != nil {
		p.refused(w, r, lang, err)
		return
	}
	v.Done = len(f.Files)
	p.showPhoto(w, r, http.StatusOK, lang, v)
}

// keepPhotos uses the link up and stores what came with it; when that fails the link is as it was.
func (p *Portal) keepPhotos(ctx context.Context, token string, got gateway.Pass, files []channels.File) error {
	now := p.Now()
	m := channels.Message{From: got.Address, To: gateway.PhotoTo(got.Subject), At: now, Files: files, Trust: channels.CarrierVerified}
	version, err := fingerprint(ctx, m)
	if err != nil {
		return err
	}
	m.ID = "web:photo:" + got.Subject + "." + version
	if _, err := p.Passes.UsePass(ctx, token, now, got.Until); err != nil {
		return err
	}
	if err := p.Inbox.Accept(ctx, m); err != nil {
		return errors.Join(err, p.Passes.ReturnPass(context.WithoutCancel(ctx), token, got.Until))
	}
	return nil
}

// wrong is why photos can't be taken; its key is empty when they can.
type wrong struct {
	key, name string
	status    int
}

// photoFault judges what was sent, and names and types the pictures by what they are: the sender's words for them prove
// nothing.
func photoFault(ctx context.Context, f *upload.Form, err error) wrong {
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big), errors.Is(err, multipart.ErrMessageTooLarge):
		return wrong{key: "pass.photo.large", status: http.StatusRequestEntityTooLarge}
	case err != nil:
		return wrong{key: "pass.photo.torn", status: http.StatusBadRequest}
	case len(f.Files) == 0:
		return wrong{key: "pass.photo.none", status: http.StatusUnprocessableEntity}
	case len(f.Files) > gateway.MaxPhotos:
		return wrong{key: "pass.photo.many", status: http.StatusUnprocessableEntity}
	}
	for i := range f.Files {
		typ, ending, ok := pictureOf(ctx, f.Files[i])
		if !ok {
			return wrong{key: "pass.photo.kind", name: f.Files[i].Name, status: http.StatusUnprocessableEntity}
		}
		f.Files[i].Name, f.Files[i].Type = fmt.Sprintf("photo-%d.%s", i+1, ending), typ
	}
	return wrong{}
}

// pictureOf tells by content whether a file is a picture of a kind that may cross the border.
func pictureOf(ctx context.Context, f channels.File) (typ, ending string, ok bool) {
	r, err := f.Open(ctx)
	if err != nil {
		return "", "", false
	}
	defer r.Close()
	b := bufio.NewReaderSize(r, sniffed)
	head, _ := b.Peek(sniffed) // a shorter file is judged as it is
	decode := map[string]func(io.Reader) (image.Config, error){"image/jpeg": jpeg.DecodeConfig, "image/png": png.DecodeConfig}
	typ = http.DetectContentType(head)
	read, known := decode[typ]
	if !known {
		return "", "", false
	}
	size, err := read(b)
	return typ, map[string]string{"image/jpeg": "jpg", "image/png": "png"}[typ], err == nil && size.Width > 0 && size.Height > 0
}

// sniffed is how much http.DetectContentType looks at, in bytes.
const sniffed = 512
