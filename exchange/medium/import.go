package medium

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"gatehouse/exchange"
	"gatehouse/exchange/spool"
)

// Import takes what the exports on the medium brought for s, whose receiver the ring's party is, into the link's
// directory, each file durable there. What is wrong is left on the medium and named in the report: a folder without a
// genuine manifest as a whole, else each file that is missing, altered, too large, no plain file, no envelope, or not
// in the manifest. An error is one of the medium or the link as such.
func Import(s exchange.Stretch, o Options) (Report, error) {
	link, err := spool.Open(spool.Config{Dir: o.Link}, slog.New(slog.DiscardHandler))
	if err != nil {
		return Report{}, fmt.Errorf("import: %w", err)
	}
	entries, err := os.ReadDir(o.Medium)
	if err != nil {
		return Report{}, fmt.Errorf("import: %w", err)
	}
	var r Report
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), fmt.Sprintf(folderForm, s, "")) {
			continue
		}
		if len(r.Folders) == MaxFolders {
			return r, fmt.Errorf("import: more than %d exports are on the medium; wipe what was received", MaxFolders)
		}
		r.Folders = append(r.Folders, e.Name())
		if !e.IsDir() {
			r.refuse(e.Name(), errors.New("is no folder"))
			continue
		}
		if err := r.folder(s, link, e.Name(), o); err != nil {
			return r, fmt.Errorf("import: %w", err)
		}
	}
	if len(r.Folders) == 0 {
		return r, fmt.Errorf("import: %s holds no export for link %s (folders %s…)", o.Medium, s, fmt.Sprintf(folderForm, s, ""))
	}
	return r, nil
}

func (r *Report) refuse(what string, why error) {
	r.Refused = append(r.Refused, fmt.Sprintf("%s: %v", what, why))
}

// folder imports one export. Its error is one of the link or the medium.
func (r *Report) folder(s exchange.Stretch, link *spool.Link, name string, o Options) error {
	path := filepath.Join(o.Medium, name)
	b, err := readPlain(filepath.Join(path, ManifestName), exchange.MaxManifest)
	if errors.Is(err, os.ErrNotExist) {
		r.refuse(name, errors.New("has no manifest: it was half copied; export again"))
		return nil
	}
	if err != nil {
		r.refuse(filepath.Join(name, ManifestName), err)
		return nil
	}
	m, err := o.Ring.OpenManifest(s, b, o.Now)
	if err != nil {
		r.refuse(filepath.Join(name, ManifestName), err)
		return nil
	}
	for i, c := range m.Files {
		if err := r.file(s, link, name, c, o); err != nil {
			return err
		}
		if o.Progress != nil {
			o.Progress(i+1, len(m.Files))
		}
	}
	return r.extra(name, m, o)
}

// file takes one envelope. Its error is one of the link.
func (r *Report) file(s exchange.Stretch, link *spool.Link, folder string, c exchange.Carried, o Options) error {
	if c.Name != spool.Name(exchange.Envelope{Lane: s.Lane(), Epoch: c.Epoch, Seq: c.Seq}) {
		r.refuse(folder, fmt.Errorf("the manifest names %q, which is not the name of its number", c.Name))
		return nil
	}
	r.gap(c)
	b, err := check(filepath.Join(o.Medium, folder), c)
	if errors.Is(err, os.ErrNotExist) {
		err = errors.New("is missing")
	}
	var e exchange.Envelope
	if err == nil {
		e, err = exchange.ParseEnvelope(b)
	}
	if err == nil && spool.Name(e) != c.Name {
		err = errors.New("is not the envelope that its name says")
	}
	if err != nil {
		r.refuse(filepath.Join(folder, c.Name), err)
		return nil
	}
	if err := link.Send(context.Background(), e); err != nil {
		return err
	}
	if r.Moved == 0 {
		r.First = c
	}
	r.Last = c
	r.Moved, r.Bytes = r.Moved+1, r.Bytes+c.Size
	return nil
}

// gap notes the numbers between the one before and c.
func (r *Report) gap(c exchange.Carried) {
	before := r.before
	r.before = c
	if before.Epoch != c.Epoch || c.Seq <= before.Seq+1 {
		return
	}
	r.Gaps = append(r.Gaps, fmt.Sprintf("%d to %d of epoch %d", before.Seq+1, c.Seq-1, c.Epoch))
}

// extra names what the manifest does not.
func (r *Report) extra(folder string, m exchange.Manifest, o Options) error {
	known := map[string]bool{ManifestName: true}
	for _, c := range m.Files {
		known[c.Name] = true
	}
	d, err := os.Open(filepath.Join(o.Medium, folder))
	if err != nil {
		return err
	}
	defer d.Close()
	names, err := d.Readdirnames(2 * exchange.MaxCarried)
	if err != nil {
		return err
	}
	for _, n := range names {
		if !known[n] {
			r.refuse(filepath.Join(folder, n), errors.New("is not in the manifest"))
		}
	}
	return nil
}
