package guard

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"gatehouse/exchange"
	"gatehouse/exchange/guard/media"
)

// The one file that leaves with a notice is what our own writer makes (configs/paper) and nothing else. A PDF can hold
// programs, forms, other files and orders to a viewer, and a thousand ways to hide one of them; so the guard does not
// look for what is bad. It reads the file by the writer's own grammar, end to end: one header, the objects 1 to n in
// their order with no byte between them, one table and one trailer, both as they follow from the objects, names of a
// closed list (paper.go), and streams of five kinds, each read to its end (stream.go). What is not in the grammar is
// not passed, whatever it is.

// maxPDF bounds the document of a notice, in bytes: it is built inside from typed data.
const maxPDF = 1 << 20

// Bounds of a document within its size.
const (
	maxObjects  = 20_000
	maxInflated = 16 << 20 // of all its streams together
)

// errPaper means that a PDF is not of our writer's grammar.
var errPaper = errors.New("not our document")

func notPaper(format string, a ...any) error {
	return fmt.Errorf("%w: %s", errPaper, fmt.Sprintf(format, a...))
}

// ownDocument lets a file leave that is a document of our own making, and says nothing that leaks stop.
func ownDocument(f io.ReaderAt, size int64, ext string, leaks *exchange.Leaks) (exchange.Reason, error) {
	if size > maxPDF {
		return exchange.ReasonSize, nil
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return exchange.ReasonFailed, err
	}
	if !media.IsPDF(b) || ext != "pdf" {
		return exchange.ReasonFileKind, nil
	}
	words, err := readPaper(b)
	switch {
	case errors.Is(err, errPaper):
		return exchange.ReasonActive, nil
	case err != nil:
		return exchange.ReasonFailed, err
	}
	for _, l := range slices.Concat(leaks.Find(words[0], exchange.Own{}), leaks.Find(words[1], exchange.Own{})) {
		if l.Stops() {
			return exchange.ReasonLeak, nil
		}
	}
	return exchange.ReasonNone, nil
}

// object is one numbered object: its value, and its stream if it has one, as it stands and as it was read.
type object struct {
	value  value
	stream []byte
	plain  []byte
}

const paperHeader = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"

// readPaper reads a whole document and gives its words (words.go). errPaper says where it leaves the grammar.
func readPaper(b []byte) (words [2]string, err error) {
	s := &scan{b: b}
	if !s.take(paperHeader) {
		return words, notPaper("the header is another")
	}
	var all []object
	var at []int
	sum := sha256.New()
	for !s.at("xref\n") {
		if len(all) == maxObjects {
			return words, notPaper("over %d objects", maxObjects)
		}
		at = append(at, s.pos)
		if !s.take(fmt.Sprintf("%d 0 obj\n", len(all)+1)) {
			return words, notPaper("object %d does not follow", len(all)+1)
		}
		from := s.pos
		o, err := s.object()
		if err != nil {
			return words, fmt.Errorf("object %d: %w", len(all)+1, err)
		}
		sum.Write(b[from:s.pos])
		if !s.take("endobj\n") {
			return words, notPaper("object %d has more than its value", len(all)+1)
		}
		all = append(all, o)
	}
	if !bytes.Equal(b[s.pos:], paperEnd(at, s.pos, sum.Sum(nil)[:16])) {
		return words, notPaper("table or trailer do not follow from the objects")
	}
	if err := checkObjects(all); err != nil {
		return words, err
	}
	return wordsOf(all)
}

// paperEnd is the table and the trailer that a document with objects at those places has.
func paperEnd(at []int, table int, id []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, o := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R /Info 2 0 R /ID [<%X> <%X>] >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, id, id, table)
	return b.Bytes()
}

// object reads a value, and the stream behind a dictionary with a length.
func (s *scan) object() (object, error) {
	v, err := s.value(0)
	if err != nil {
		return object{}, err
	}
	if !s.take("\n") {
		return object{}, notPaper("a value does not end its line")
	}
	length, isStream := v.dict["Length"]
	if !isStream {
		return object{value: v}, nil
	}
	n, ok := length.whole()
	if !ok || !s.take("stream\n") || n > len(s.b)-s.pos {
		return object{}, notPaper("a stream does not have its length")
	}
	body := s.b[s.pos : s.pos+n]
	s.pos += n
	if !s.take("\nendstream\n") {
		return object{}, notPaper("a stream does not end after its length")
	}
	return object{value: v, stream: body}, nil
}

// checkObjects holds all objects against the closed lists, and reads each stream as what the one object says it is that
// names it.
func checkObjects(all []object) error {
	if len(all) < 2 || all[0].value.dict["Type"].name != "Catalog" || string(all[1].value.dict["Producer"].text) != paperProducer {
		return notPaper("catalogue or producer is another")
	}
	roles := map[int]string{}
	for i, o := range all {
		if err := checkValue(o.value, len(all), roles); err != nil {
			return fmt.Errorf("object %d: %w", i+1, err)
		}
	}
	left := int64(maxInflated)
	for i, o := range all {
		role, isStream := roles[i+1]
		if isStream != (o.stream != nil) {
			return notPaper("object %d is not what refers to it", i+1)
		}
		if !isStream {
			continue
		}
		plain, err := inflate(o, &left)
		if err == nil {
			all[i].plain, err = plain, streams()[role](plain)
		}
		if err != nil {
			return fmt.Errorf("object %d, %s: %w", i+1, role, err)
		}
	}
	return nil
}
