// Package upload reads the forms of web pages with their files, without laying anything on the disk in the clear.
//
// The rule: every bound is checked before memory is taken, and a form lives until it is closed.
package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"gatehouse/channels"
	"gatehouse/exchange"
)

// Bounds of one form. The standard library's own reader would lay larger uploads on the disk in the clear.
const (
	MaxForm   = 12 << 20  // the whole, with its files
	maxValues = 256 << 10 // all typed values together
	MaxParts  = 200
	MaxFiles  = 10
)

// Form is a form as it came in. Its files live until Close.
type Form struct {
	Values url.Values
	Files  []channels.File
	spools []*channels.Spool
}

// Close lets go of the files.
func (f *Form) Close() {
	for _, s := range f.spools {
		s.Close()
	}
}

// Read reads a form, multipart or not. What is over a bound is multipart.ErrMessageTooLarge or an
// *http.MaxBytesError; the form must be closed in any case.
func Read(w http.ResponseWriter, r *http.Request) (*Form, error) {
	f := &Form{Values: url.Values{}}
	r.Body = http.MaxBytesReader(w, r.Body, MaxForm)
	parts, err := r.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		if err = r.ParseForm(); err == nil {
			f.Values = r.PostForm
		}
		return f, err
	}
	if err != nil {
		return f, err
	}
	left := int64(maxValues)
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err == nil && n == MaxParts {
			err = multipart.ErrMessageTooLarge
		}
		if err == nil {
			err = f.add(part, &left)
		}
		if err != nil {
			return f, fmt.Errorf("read form: %w", err)
		}
	}
}

// add reads one part. left is how many bytes of values may still come.
func (f *Form) add(part *multipart.Part, left *int64) error {
	if part.FileName() != "" {
		return f.upload(part)
	}
	b, err := io.ReadAll(io.LimitReader(part, *left+1))
	if err != nil {
		return err
	}
	if *left -= int64(len(b)); *left < 0 {
		return multipart.ErrMessageTooLarge
	}
	f.Values.Add(part.FormName(), string(b))
	return nil
}

func (f *Form) upload(part *multipart.Part) error {
	s := channels.NewSpool("")
	f.spools = append(f.spools, s)
	if _, err := io.Copy(s, part); err != nil {
		return err
	}
	if s.Size() == 0 { // a file field that was left empty
		return nil
	}
	if len(f.Files) == MaxFiles {
		return multipart.ErrMessageTooLarge
	}
	f.Files = append(f.Files, channels.File{
		Name: clip(exchange.Normalize(strings.ToValidUTF8(part.FileName(), ""))), Type: part.Header.Get("Content-Type"), Size: s.Size(),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(s.All()), nil },
	})
	return nil
}

// maxName bounds a file's name, in characters.
const maxName = 120

func clip(name string) string {
	if r := []rune(name); len(r) > maxName {
		return string(r[:maxName]) + "…"
	}
	return name
}
