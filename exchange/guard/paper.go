package guard

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// paperProducer is how our writer names itself in every document, as a text string: UTF-16 behind its mark.
const paperProducer = "\xfe\xff\x00G\x00a\x00t\x00e\x00h\x00o\x00u\x00s\x00e\x00 \x00p\x00a\x00p\x00e\x00r\x00 \x001"

// paperNames are all names in the objects of a document, keys and values. No action, script, link, form, field, attached
// file, encryption, outside reference or picture is among them.
const paperNames = " A ActualText Artifact Ascent Author BaseFont CIDFontType0 CIDFontType0C CIDSystemInfo CapHeight Catalog Column Contents " +
	"Count CreationDate Creator DW DescendantFonts Descent DestOutputProfile Direction DisplayDocTitle Document Encoding F1 F2 " +
	"Filter Flags FlateDecode Font FontBBox FontDescriptor FontFile3 FontName GTS_PDFA1 H1 H2 Identity-H Info ItalicAngle K Kids " +
	"Lang Length MCID MCR MarkInfo Marked MediaBox Metadata ModDate N Nums O Ordering OutputConditionIdentifier OutputIntent " +
	"OutputIntents P Page Pages Parent ParentTree ParentTreeNextKey Pg Producer R2L Registry Resources Row S Scope StemV " +
	"StructElem StructParents StructTreeRoot Subtype Supplement TD TH TR Table Tabs Title ToUnicode Type Type0 ViewerPreferences W XML "

// maxDepth is how deep values lie in each other: the output intent's in the catalogue's list.
const maxDepth = 4

// value is one value of an object. One of the fields says which.
type value struct {
	name   string
	number string
	text   []byte // of a string
	ref    int    // the number of another object
	yes    bool   // true
	list   []value
	dict   map[string]value
}

// whole gives a number that has no sign and no fraction.
func (v value) whole() (int, bool) {
	n, err := strconv.Atoi(v.number)
	return n, err == nil && n >= 0 && strconv.Itoa(n) == v.number
}

// scan reads the grammar from left to right.
type scan struct {
	b   []byte
	pos int
}

func (s *scan) at(what string) bool {
	return len(s.b)-s.pos >= len(what) && string(s.b[s.pos:s.pos+len(what)]) == what
}

func (s *scan) take(what string) bool {
	if !s.at(what) {
		return false
	}
	s.pos += len(what)
	return true
}

// run takes the longest run of bytes of a set, at most 1 MiB as the file is.
func (s *scan) run(set string) string {
	from := s.pos
	for s.pos < len(s.b) && strings.IndexByte(set, s.b[s.pos]) >= 0 {
		s.pos++
	}
	return string(s.b[from:s.pos])
}

const (
	digits  = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

func (s *scan) value(depth int) (v value, err error) {
	if depth > maxDepth {
		return v, notPaper("values lie too deep")
	}
	switch {
	case s.take("<< "):
		return s.dict(depth)
	case s.take("<"):
		h := s.run(digits + "ABCDEF")
		v.text, err = hex.DecodeString(h)
		if err != nil || h == "" || !s.take(">") {
			return v, notPaper("a string is not of hexadecimal digits")
		}
		return v, nil
	case s.take("["):
		for !s.take("]") {
			s.take(" ")
			if s.take("]") {
				return v, nil
			}
			item, err := s.value(depth + 1)
			if err != nil {
				return v, err
			}
			v.list = append(v.list, item)
		}
		return v, nil
	case s.take("/"):
		v.name = s.run(letters + digits + "-+_")
		return v, nil
	case s.take("true"):
		return value{yes: true}, nil
	}
	return s.number()
}

func (s *scan) dict(depth int) (v value, err error) {
	v.dict = map[string]value{}
	for !s.take(">>") {
		if !s.take("/") {
			return v, notPaper("a dictionary has something other than a name")
		}
		key := s.run(letters + digits + "_")
		if _, twice := v.dict[key]; twice || !s.take(" ") {
			return v, notPaper("a dictionary says a name twice, or no value")
		}
		if v.dict[key], err = s.value(depth + 1); err != nil {
			return v, err
		}
		if !s.take(" ") {
			return v, notPaper("a dictionary does not go on after a value")
		}
	}
	return v, nil
}

// number reads a number, or two of them with R: a reference.
func (s *scan) number() (v value, err error) {
	v.number = s.run(digits + "-.")
	if !decimal(v.number) {
		return v, notPaper("a value is of no kind that we write")
	}
	if s.at(" 0 R") {
		n, ok := v.whole()
		if !ok || n == 0 {
			return v, notPaper("a reference has no number")
		}
		s.take(" 0 R")
		return value{ref: n}, nil
	}
	return v, nil
}

// decimal tells a number as our writer puts it: at most six digits, two after the point, nothing in front or behind
// that says nothing.
func decimal(s string) bool {
	if s == "" || len(s) > 9 {
		return false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return false
	}
	short := strconv.FormatFloat(f, 'f', -1, 64)
	_, after, _ := strings.Cut(short, ".")
	return short == s && len(after) <= 2 && short != "-0"
}

// roleKeys are the names that a stream is referred to by; they say what it is.
func roleKeys() []string {
	return []string{"Contents", "FontFile3", "ToUnicode", "DestOutputProfile", "Metadata"}
}

// checkValue holds names against the closed list and references against the number of objects, and notes what each
// stream is called.
func checkValue(v value, objects int, roles map[int]string) error {
	if v.ref > objects {
		return notPaper("a reference to no object")
	}
	if v.name != "" && !strings.Contains(paperNames, " "+v.name+" ") && !fontName(v.name) {
		return notPaper("a name that we do not write")
	}
	for _, item := range v.list {
		if err := checkValue(item, objects, roles); err != nil {
			return err
		}
	}
	for key, item := range v.dict {
		if !strings.Contains(paperNames, " "+key+" ") {
			return notPaper("a name that we do not write")
		}
		if slices.Contains(roleKeys(), key) {
			if _, named := roles[item.ref]; named || item.ref == 0 {
				return notPaper("a stream is referred to twice, or %s is none", key)
			}
			roles[item.ref] = key
		}
		if key == "Filter" && item.name != "FlateDecode" {
			return notPaper("a filter that we do not write")
		}
		if err := checkValue(item, objects, roles); err != nil {
			return err
		}
	}
	return nil
}

// fontName tells the name of a page font: six letters and what our writer calls its two fonts.
func fontName(s string) bool {
	tag, name, ok := strings.Cut(s, "+")
	return ok && len(tag) == 6 && strings.Trim(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" && (name == "Paper-Regular" || name == "Paper-Bold")
}
