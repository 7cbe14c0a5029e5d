package media

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"gatehouse/exchange"
)

// errRoom means that what was rebuilt is larger than it may be.
var errRoom = errors.New("no room for what was rebuilt")

// room is a writer that takes n bytes.
type room struct {
	to io.Writer
	n  int64
}

// Write fails with errRoom before it takes too much.
func (r *room) Write(b []byte) (int, error) {
	if int64(len(b)) > r.n {
		return 0, errRoom
	}
	r.n -= int64(len(b))
	n, err := r.to.Write(b)
	if err != nil {
		return n, fmt.Errorf("write rebuilt: %w", err)
	}
	return n, nil
}

// repack writes a new archive of what each entry became.
func (f *file) repack() (exchange.Reason, error) {
	w := zip.NewWriter(&room{f.out, f.Room})
	for _, e := range f.zip.entries {
		b, err := f.zip.open(f, e)
		if err != nil {
			return exchange.ReasonNone, err
		}
		if strings.HasSuffix(e.name, "/") && len(b) == 0 {
			continue
		}
		made, reason := f.entry(e.name, b)
		if reason != exchange.ReasonNone {
			return reason, nil
		}
		to, err := w.Create(e.name) // no time, no mode, no comment
		if err == nil {
			_, err = to.Write(made)
		}
		if err != nil {
			return full(err)
		}
	}
	if err := w.Close(); err != nil {
		return full(err)
	}
	return exchange.ReasonNone, nil
}

// full gives the reason for an error of writing.
func full(err error) (exchange.Reason, error) {
	if errors.Is(err, errRoom) {
		return exchange.ReasonSize, nil
	}
	return exchange.ReasonFailed, err
}

// entry judges one file of an archive by the whole list. Archives within, and what needs another program to be
// rebuilt, do not pass.
func (f *file) entry(name string, b []byte) ([]byte, exchange.Reason) {
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	if len(b) == 0 || !KnownEnding(ext) {
		return nil, exchange.ReasonFileKind
	}
	within := f.Task
	within.Ext, within.Policy.Archives = ext, Refuse
	var out bytes.Buffer
	a := Judge(bytes.NewReader(b), int64(len(b)), within, &out)
	switch {
	case a.Pages:
		return nil, exchange.ReasonFileKind
	case a.Rebuilt:
		return out.Bytes(), a.Reason
	}
	return b, a.Reason
}
