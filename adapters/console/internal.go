package console

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// Bounds of an internal case's form.
const (
	maxField = 64 << 10
	maxFiles = 10
)

type internalPage struct {
	Departments []choice
	New         string
	Form        form
}

func (c *Console) newInternal(w http.ResponseWriter, _ *http.Request, v *visit) error {
	return c.render(w, v, http.StatusOK, "internal", internalPage{Departments: c.allDepartments(v, ""), New: c.NewID()})
}

func isUpload(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == "multipart/form-data"
}

// openInternal registers a document for another department. Files stream into the store as they come.
func (c *Console) openInternal(w http.ResponseWriter, r *http.Request, v *visit) error {
	if !isUpload(r) {
		return adapters.ErrForbidden
	}
	r.Body = http.MaxBytesReader(w, r.Body, MaxUpload)
	values, files, err := c.receive(r, v)
	if err != nil {
		return err
	}
	q := adapters.Inquiry{ID: values["id"], Department: values["department"], Subject: values["subject"], Text: values["text"], Files: files}
	if !validID(q.ID) {
		q.ID = c.NewID()
	}
	if day, err := time.ParseInLocation(time.DateOnly, values["due"], c.Catalog.City.Location()); err == nil {
		q.Due = day.Add(17 * time.Hour)
	}
	id, err := c.Desk.Open(r.Context(), v.Me, q)
	var fault adapters.Fault
	if errors.As(err, &fault) {
		p := internalPage{Departments: c.allDepartments(v, q.Department), New: c.NewID(), Form: form{Name: "internal", Fault: fault, Value: values}}
		return c.render(w, v, http.StatusUnprocessableEntity, "internal", p)
	}
	if err != nil {
		return err
	}
	to := "/"
	if v.Me.MaySee(q.Department) {
		to = "/cases/" + id
	}
	return c.said(w, r, "console.said.submitted", to)
}

// receive reads a form part by part. Its first field is the session's secret: nothing is stored before it is right.
func (c *Console) receive(r *http.Request, v *visit) (map[string]string, []exchange.FileRef, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, nil, err
	}
	values := map[string]string{}
	var files []exchange.FileRef
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if part.FileName() == "" && part.FormName() != "files" {
			b, err := io.ReadAll(io.LimitReader(part, maxField))
			if err != nil {
				return nil, nil, err
			}
			values[part.FormName()] = exchange.Normalize(string(b))
			continue
		}
		if !c.genuine(v, values["token"]) {
			return nil, nil, errToken
		}
		if part.FileName() == "" || len(files) == maxFiles {
			continue
		}
		f := exchange.FileRef{ID: c.NewID(), Name: fileName(part.FileName()), Type: "application/octet-stream"}
		if f, err = c.Store.Keep(r.Context(), f, part); err != nil {
			return nil, nil, err
		}
		if f.Size > 0 {
			files = append(files, f)
		}
	}
	if !c.genuine(v, values["token"]) {
		return nil, nil, errToken
	}
	return values, files, nil
}

// fileName is the last part of a name, without what a file system or a terminal could take for something else.
func fileName(s string) string {
	s = exchange.NormalizeLine(filepath.Base(strings.ReplaceAll(s, `\`, "/")))
	if r := []rune(s); len(r) > 120 {
		s = string(r[len(r)-120:])
	}
	if s == "" || s == "." || s == "/" {
		return "file"
	}
	return s
}
