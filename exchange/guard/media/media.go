// Package media judges one foreign file by its bytes alone, and rebuilds pictures and pages from what they show.
//
// The rule: it runs in the guard's worker, which is shut in and ended after each file; it reads what it was handed and
// writes what it was handed, and nothing here is sized by what a file says of itself without a bound. What is not
// certainly harmless is refused. It is a room of its own so that the guard never links a decoder into its own path:
// the guard calls Beginning and KnownEnding, which compare bytes, and leaves the rest to the worker.
package media

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"gatehouse/exchange"
)

// What a policy may say of a kind of file.
const (
	Refuse  = "refuse"
	Rebuild = "rebuild" // only what was made anew from the decoded content goes on
	Inspect = "inspect" // the file itself goes on when nothing active is found in it
	Pass    = "pass"
)

// Policy says what becomes of each kind of file. A zero is replaced by its default.
type Policy struct {
	Pictures    string `yaml:"pictures" json:"pictures"`         // rebuild (default) or refuse
	PDF         string `yaml:"pdf" json:"pdf"`                   // rebuild (default; refused where pdftoppm is missing), inspect or refuse
	Office      string `yaml:"office" json:"office"`             // inspect (default) or refuse
	Archives    string `yaml:"archives" json:"archives"`         // refuse (default) or rebuild
	Formulas    string `yaml:"formulas" json:"formulas"`         // of a CSV: refuse (default) or pass
	MaxPixels   int64  `yaml:"max_pixels" json:"max_pixels"`     // of a picture; 40 million
	MaxPages    int    `yaml:"max_pages" json:"max_pages"`       // of a PDF that is rebuilt; 60
	MaxEntries  int    `yaml:"max_entries" json:"max_entries"`   // of an office file or archive; 2000
	MaxUnpacked int64  `yaml:"max_unpacked" json:"max_unpacked"` // bytes, all entries together; 128 MiB
	MaxRatio    int64  `yaml:"max_ratio" json:"max_ratio"`       // of unpacked to packed bytes, over all entries; 200
}

// WithDefaults fills in what is empty.
func (p Policy) WithDefaults() Policy {
	word := func(v *string, d string) {
		if *v == "" {
			*v = d
		}
	}
	word(&p.Pictures, Rebuild)
	word(&p.PDF, Rebuild)
	word(&p.Office, Inspect)
	word(&p.Archives, Refuse)
	word(&p.Formulas, Refuse)
	number(&p.MaxPixels, 40_000_000)
	number(&p.MaxPages, 60)
	number(&p.MaxEntries, 2000)
	number(&p.MaxUnpacked, 128<<20)
	number(&p.MaxRatio, 200)
	return p
}

func number[T int | int64](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// Validate gives all faults joined, as "key: what is wrong; what would be right".
func (p Policy) Validate() error {
	p = p.WithDefaults()
	var errs []error
	for _, w := range []struct {
		key, value string
		of         []string
	}{
		{"pictures", p.Pictures, []string{Rebuild, Refuse}}, {"pdf", p.PDF, []string{Rebuild, Inspect, Refuse}},
		{"office", p.Office, []string{Inspect, Refuse}}, {"archives", p.Archives, []string{Refuse, Rebuild}},
		{"formulas", p.Formulas, []string{Refuse, Pass}},
	} {
		if !slices.Contains(w.of, w.value) {
			errs = append(errs, fmt.Errorf("%s: is %q; write one of %v", w.key, w.value, w.of))
		}
	}
	for _, n := range []struct {
		key              string
		value, from, max int64
	}{
		{"max_pixels", p.MaxPixels, 1, 200_000_000}, {"max_pages", int64(p.MaxPages), 1, 1000}, {"max_entries", int64(p.MaxEntries), 1, 60_000},
		{"max_unpacked", p.MaxUnpacked, 1 << 20, 4 << 30}, {"max_ratio", p.MaxRatio, 2, 2000},
	} {
		if n.value < n.from || n.value > n.max {
			errs = append(errs, fmt.Errorf("%s: is out of range; %d to %d", n.key, n.from, n.max))
		}
	}
	return errors.Join(errs...)
}

// Task is what the worker is asked about one file.
type Task struct {
	Ext    string `json:"ext"`  // ending of its name, in lower case
	Room   int64  `json:"room"` // most bytes that the rebuilt file may have
	Policy Policy `json:"policy"`
}

// Answer is what the worker found. The guard believes none of it: a passed file still has to pass the filters after,
// and a rebuilt one the verifier.
type Answer struct {
	Reason exchange.Reason `json:"reason"`
	Check  string          `json:"check"` // that refused or rebuilt; empty: none
	// Rebuilt: what was written instead of the file is to go on. Pages: the file is a PDF that is to be drawn first.
	Rebuilt bool `json:"rebuilt"`
	Pages   bool `json:"pages"`
}

// file is what a check sees.
type file struct {
	io.ReaderAt
	size int64
	Task
	kind   kind
	zip    *directory // of a ZIP, once it is checked
	out    io.Writer
	answer Answer
}

// check is one look at a file. It gives ReasonNone to let the next one look.
type check struct {
	name  string
	judge func(*file) (exchange.Reason, error)
}

// checks is what a file has to pass, in order. Each stands in its own file.
func checks() []check {
	return []check{
		{"kind", checkKind},         // by content, never by name; and the name must fit
		{"polyglot", checkPolyglot}, // nothing that is another file as well
		{"text", checkText},         // UTF-8, no markup that acts, no formulas
		{"xml", checkXML},           // well formed, no entities, nothing that acts
		{"archive", checkZip},       // structure of a ZIP: bounded, not encrypted, nothing overlaps
		{"office", checkOffice},     // no macros, objects, external links
		{"pdf", checkPDF},           // nothing that acts, nothing embedded, not encrypted
		{"picture", rebuildPicture}, // decoded and encoded anew: no metadata, nothing hidden
		{"entries", rebuildArchive}, // each entry by this list, written into a new archive
	}
}

// Judge looks at the file r of size bytes. What is rebuilt is written to out.
func Judge(r io.ReaderAt, size int64, t Task, out io.Writer) Answer {
	f := &file{ReaderAt: r, size: size, Task: t, out: out}
	for _, c := range checks() {
		reason, err := c.judge(f)
		if err != nil && reason == exchange.ReasonNone {
			reason = exchange.ReasonFailed
		}
		if reason != exchange.ReasonNone {
			return Answer{Reason: reason, Check: c.name}
		}
		if f.answer.Check != "" {
			return f.answer
		}
	}
	return Answer{}
}

// all reads the whole file, which the guard bounds by its limit for one.
func (f *file) all() ([]byte, error) {
	b := make([]byte, f.size)
	if n, err := f.ReadAt(b, 0); int64(n) < f.size {
		return nil, fmt.Errorf("read file: %w", err)
	}
	return b, nil
}

// head is the beginning of the file, at most sniffLen bytes.
func (f *file) head() ([]byte, error) {
	b := make([]byte, min(f.size, sniffLen))
	if n, err := f.ReadAt(b, 0); n < len(b) {
		return nil, fmt.Errorf("read file: %w", err)
	}
	return b, nil
}

// checkPolyglot refuses a file that another program would read as something else: a ZIP's directory behind anything
// but a ZIP, or a PDF's header that does not begin the file (readers look for it in the first 1024 bytes).
func checkPolyglot(f *file) (exchange.Reason, error) {
	head, err := f.head()
	if err != nil {
		return exchange.ReasonFailed, err
	}
	if f.kind != kindPDF && bytes.Contains(head, []byte("%PDF-")) {
		return exchange.ReasonActive, nil
	}
	if f.kind == kindZip {
		return exchange.ReasonNone, nil
	}
	tail, err := endRecord(f, f.size)
	if err != nil {
		return exchange.ReasonFailed, err
	}
	if tail != nil {
		return exchange.ReasonArchive, nil
	}
	return exchange.ReasonNone, nil
}
