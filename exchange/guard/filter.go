package guard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatehouse/exchange"
)

// Item is what a filter may see of one envelope whose origin is certain.
type Item struct {
	Lane    exchange.Lane
	Head    exchange.Head
	Header  exchange.Header
	Content []byte
	// Document is set once the canonical filter has passed.
	Document exchange.Document
	Now      time.Time
	Limits   Limits
	Ring     *exchange.Ring
	Leaks    *exchange.Leaks // of the lane down

	memory *memory
}

// Filter is one check. It gives ReasonNone to let the envelope go to the next one, or why it may not pass. An error
// says that it could not judge: then nothing passes, the envelope waits, and an operator is needed.
type Filter struct {
	Name  string
	Judge func(*Item) (exchange.Reason, error)
}

// filters is the guard of a lane, in its order: cheap and certain before costly; what nobody may skip before what
// depends on it. The list is explicit, and each filter stands in its own file.
func filters(l exchange.Lane) []Filter {
	if l == exchange.Down {
		return []Filter{
			{"kind", judgeKind},           // only what goes down
			{"size", judgeSize},           // before anything is parsed
			{"canonical", judgeCanonical}, // one form, normal text, every field within its bound
			{"expiry", judgeExpiry},
			{"release", judgeRelease}, // the label, the policy and the signatures of staff
			{"leak", judgeLeak},       // no mark, no planted string
			{"ack", judgeAck},
			{"files", judgeFilesDown}, // one PDF with a notice
			{"part", judgePartDown},   // in its place, and of a kind that may leave; then it is held
			{"quota", judgeQuota},     // last, so that only what would pass counts
		}
	}
	return []Filter{
		{"kind", judgeKind},
		{"size", judgeSize},
		{"canonical", judgeCanonical},
		{"expiry", judgeExpiry},
		{"ack", judgeAck},
		{"files", judgeFiles},
		{"part", judgePart},
		{"quota", judgeQuota},
	}
}

// wholeFilter is one check of a file whose Parts are all in. Reasons and errors are as a Filter's.
type wholeFilter struct {
	Name  string
	Judge func(context.Context, *whole) (exchange.Reason, error)
}

// wholeFilters is what a file has to pass before any of its Parts goes on. Up, files are foreign and the worker decodes
// them; down, they were built inside and are read here, by a reader of our own form alone.
func wholeFilters(l exchange.Lane) []wholeFilter {
	if l == exchange.Down {
		return []wholeFilter{
			{"digest", judgeDigest},
			{"document", judgeDocument}, // a decision of our own making
			{"virus", judgeVirus},
		}
	}
	return []wholeFilter{
		{"digest", judgeDigest},   // it is the file that was announced
		{"media", judgeMedia},     // by the worker: kind, active content, archives; pictures and pages are rebuilt
		{"rebuilt", judgeRebuilt}, // what the worker wrote is of the plain form, whatever the worker says
		{"virus", judgeVirus},     // clamd reads the file as it came
	}
}

// judge runs the filters one after the other until one refuses. A filter that panics refuses.
func judge(fs []Filter, it *Item) (exchange.Reason, []exchange.Trial, error) {
	var trials []exchange.Trial
	for _, f := range fs {
		reason, err := guarded(f, it)
		if err != nil {
			return exchange.ReasonFailed, trials, fmt.Errorf("filter %s: %w", f.Name, err)
		}
		result := "pass"
		if reason != exchange.ReasonNone {
			result = word(reason)
		}
		trials = append(trials, exchange.Trial{Filter: f.Name, Result: result})
		if reason != exchange.ReasonNone {
			return reason, trials, nil
		}
	}
	return exchange.ReasonNone, trials, nil
}

func guarded(f Filter, it *Item) (reason exchange.Reason, err error) {
	defer func() {
		if recover() != nil {
			reason, err = exchange.ReasonFailed, nil
		}
	}()
	return f.Judge(it)
}

// word names a reason in verdicts, log and status.
func word(r exchange.Reason) string {
	switch r {
	case exchange.ReasonForged:
		return "forged"
	case exchange.ReasonSchema:
		return "schema"
	case exchange.ReasonSize:
		return "size"
	case exchange.ReasonFileKind:
		return "file-kind"
	case exchange.ReasonActive:
		return "active"
	case exchange.ReasonArchive:
		return "archive"
	case exchange.ReasonVirus:
		return "virus"
	case exchange.ReasonText:
		return "text"
	case exchange.ReasonLeak:
		return "leak"
	case exchange.ReasonUnrelease:
		return "not-released"
	case exchange.ReasonQuota:
		return "quota"
	case exchange.ReasonExpired:
		return "expired"
	case exchange.ReasonPages:
		return "pages"
	}
	return "failed"
}

// Limits bound what one lane takes. A zero is replaced by its default.
type Limits struct {
	DocumentBytes    int   `yaml:"document_bytes"`     // of one document's canonical form; 512 KiB
	FileBytes        int64 `yaml:"file_bytes"`         // of one file; 25 MiB
	FilesBytes       int64 `yaml:"files_bytes"`        // of all files of one document; 50 MiB
	DocumentsPerHour int   `yaml:"documents_per_hour"` // 20 000, without Parts and the lane's own
	BytesPerDay      int64 `yaml:"bytes_per_day"`      // 20 GiB, all kinds
	Pending          int   `yaml:"pending"`            // documents whose files are not all in; 1000
}

// WithDefaults fills in what is zero.
func (l Limits) WithDefaults() Limits {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def64 := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	def(&l.DocumentBytes, 512<<10)
	def64(&l.FileBytes, 25<<20)
	def64(&l.FilesBytes, 50<<20)
	def(&l.DocumentsPerHour, 20_000)
	def64(&l.BytesPerDay, 20<<30)
	def(&l.Pending, 1000)
	return l
}

// Validate gives all faults joined, as "key: what is wrong; what would be right".
func (l Limits) Validate() error {
	var errs []error
	bad := func(wrong bool, text string) {
		if wrong {
			errs = append(errs, errors.New(text))
		}
	}
	l = l.WithDefaults()
	bad(l.DocumentBytes < 8<<10 || l.DocumentBytes > exchange.MaxContent, fmt.Sprintf("document_bytes: is out of range; 8192 to %d", exchange.MaxContent))
	bad(l.FileBytes < 1 || l.FileBytes > exchange.PartSize*exchange.MaxParts, fmt.Sprintf("file_bytes: is out of range; 1 to %d", exchange.PartSize*exchange.MaxParts))
	bad(l.FilesBytes < l.FileBytes, "files_bytes: is below file_bytes; at least as much")
	bad(l.DocumentsPerHour < 1, "documents_per_hour: is negative; 1 or more")
	bad(l.BytesPerDay < exchange.MaxEnvelope, fmt.Sprintf("bytes_per_day: is too small; %d or more", exchange.MaxEnvelope))
	bad(l.Pending < 1 || l.Pending > 100_000, "pending: is out of range; 1 to 100000")
	return errors.Join(errs...)
}
