package portal

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
	maxForm   = 12 << 20  // the whole, with its files
	maxValues = 256 << 10 // all typed values together
	maxParts  = 200
	maxFiles  = 10
)

// sentForm is a form as it came in. Its files live until close.
type sentForm struct {
	values url.Values
	files  []channels.File
	spools []*channels.Spool
}

func (f *sentForm) close() {
	for _, s := range f.spools {
		s.Close()
	}
}

// readForm reads a form, multipart or not. What is over a bound is multipart.ErrMessageTooLarge or an
// *http.MaxBytesError; the form must be closed in any case.
func readForm(w http.ResponseWriter, r *http.Request) (*sentForm, error) {
	f := &sentForm{values: url.Values{}}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	parts, err := r.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		if err = r.ParseForm(); err == nil {
			f.values = r.PostForm
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
		if err == nil && n == maxParts {
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
func (f *sentForm) add(part *multipart.Part, left *int64) error {
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
	f.values.Add(part.FormName(), string(b))
	return nil
}

func (f *sentForm) upload(part *multipart.Part) error {
	s := channels.NewSpool("")
	f.spools = append(f.spools, s)
	if _, err := io.Copy(s, part); err != nil {
		return err
	}
	if s.Size() == 0 { // a file field that was left empty
		return nil
	}
	if len(f.files) == maxFiles {
		return multipart.ErrMessageTooLarge
	}
	f.files = append(f.files, channels.File{
		Name: clip(exchange.Normalize(strings.ToValidUTF8(part.FileName(), "")), 120), Type: part.Header.Get("Content-Type"), Size: s.Size(),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(s.All()), nil },
	})
	return nil
}
