package pages

import (
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"regexp"
	"strconv"

	"gatehouse/deploy/carriers/relay"
	"gatehouse/deploy/carriers/shelf"
	"gatehouse/deploy/carriers/twilio"
)

var numberForm = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// phoneData is one phone.
type phoneData struct {
	Number, Service string
	Stopped         bool
	Texts           []shelf.Item[twilio.Message]
}

func (p *Pages) phoneData(number string) phoneData {
	return phoneData{number, p.house.SMS.Number(), p.house.SMS.Stopped(number), p.house.SMS.Messages().Of(number, 0)}
}

func (p *Pages) phone(w http.ResponseWriter, r *http.Request) { p.showPhone(w, r, http.StatusOK, "") }

func (p *Pages) showPhone(w http.ResponseWriter, r *http.Request, status int, fault string) {
	n := r.PathValue("number")
	if !numberForm.MatchString(n) {
		http.Error(w, "The number of a phone is written like +447700900101.", http.StatusNotFound)
		return
	}
	p.show(w, r, status, "phone", view{Title: "Phone " + n, Self: "/phone/" + n, Poll: "/phone/" + n + "/thread",
		Fault: fault, Data: p.phoneData(n)})
}

func (p *Pages) phoneThread(w http.ResponseWriter, r *http.Request) {
	n := r.PathValue("number")
	p.thread(w, r, "phone", p.house.SMS.Messages().Version(n), func() any { return p.phoneData(n) })
}

func (p *Pages) text(w http.ResponseWriter, r *http.Request) {
	err := form(w, r, twilio.MaxPictures*twilio.MaxMedia)
	t := twilio.Text{From: r.PathValue("number"), Body: r.PostFormValue("text")}
	var files []relay.File
	if err == nil {
		files, err = uploads(r, "file", twilio.MaxPictures)
	}
	for _, f := range files {
		t.Media = append(t.Media, twilio.Media{Type: f.Type, Data: f.Data})
	}
	if err == nil {
		_, err = p.house.SMS.Receive(t)
	}
	p.done(w, r, err, func(fault string) { p.showPhone(w, r, http.StatusBadRequest, fault) })
}

func (p *Pages) phoneMedia(w http.ResponseWriter, r *http.Request) {
	seq, _ := strconv.ParseUint(r.PathValue("seq"), 10, 64)
	n, err := strconv.Atoi(r.PathValue("n"))
	it, ok := p.house.SMS.Messages().Get(seq)
	if err != nil || !ok || it.Key != r.PathValue("number") || n < 0 || n >= len(it.Value.Media) {
		http.NotFound(w, r)
		return
	}
	serve(w, relay.File{Name: "picture", Type: it.Value.Media[n].Type, Data: it.Value.Media[n].Data})
}

// form reads a form with files, of at most limit bytes and a little.
func form(w http.ResponseWriter, r *http.Request, limit int64) error {
	r.Body = http.MaxBytesReader(w, r.Body, limit+1<<20)
	err := r.ParseMultipartForm(limit)
	if errors.Is(err, http.ErrNotMultipart) {
		err = r.ParseForm()
	}
	if err != nil {
		return sentence("The form can't be read, or it is larger than " + size(int(limit)) + ".")
	}
	return nil
}

// uploads reads the files of a field; empty ones are what a browser sends when nothing was chosen.
func uploads(r *http.Request, field string, most int) ([]relay.File, error) {
	if r.MultipartForm == nil {
		return nil, nil
	}
	var out []relay.File
	for _, h := range r.MultipartForm.File[field] {
		if h.Size == 0 {
			continue
		}
		if len(out) == most {
			return nil, sentence(fmt.Sprintf("At most %d files can go with one message.", most))
		}
		f, err := upload(h)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func upload(h *multipart.FileHeader) (relay.File, error) {
	f, err := h.Open()
	if err != nil {
		return relay.File{}, fmt.Errorf("open the upload: %w", err)
	}
	defer f.Close()
	data := make([]byte, h.Size) // the form's limit bounds it
	if _, err := f.ReadAt(data, 0); err != nil {
		return relay.File{}, fmt.Errorf("read the upload: %w", err)
	}
	kind := h.Header.Get("Content-Type")
	if kind == "" || kind == "application/octet-stream" {
		kind = http.DetectContentType(data)
	}
	return relay.File{Name: h.Filename, Type: kind, Data: data}, nil
}
