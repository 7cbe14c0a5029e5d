package exchange

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The grammar of a document stands at its fields, in two tags.
//
//	is:"id"          1 to 64 of A-Z a-z 0-9 . _ : / + @ = -   (also "id,N" for another bound)
//	is:"line,N"      normal text of at most N bytes without breaks and tabs
//	is:"text,N"      normal text of at most N bytes
//	is:"hex"         a SHA-256 as 64 lower-case hex digits
//	is:"one,a|b"     one of the listed words
//	is:"bytes,N"     base64 of at most N bytes
//	max:"N"          at most N elements
//
//	late:"true"      a field that came into the schema later: it is not written while it is empty, so that what was sealed
//	                 before, and what needs it not, stands as it always did
//
// A "?" after the name allows the empty value. Times lie between the years 2000 and 2199; numbers are not negative.
type rule struct {
	name     string
	optional bool
	max      int
	set      []string
	elements int
}

// maxID is the default bound of an id, in bytes.
const maxID = 64

func ruleOf(f reflect.StructField) rule {
	name, arg, _ := strings.Cut(f.Tag.Get("is"), ",")
	r := rule{optional: strings.HasSuffix(name, "?"), name: strings.TrimSuffix(name, "?")}
	switch r.name {
	case "one":
		r.set = strings.Split(arg, "|")
		for _, s := range r.set {
			r.max = max(r.max, len(s))
		}
	case "hex":
		r.max = 64
	case "id":
		r.max = maxID
		fallthrough
	default:
		if n, err := strconv.Atoi(arg); err == nil {
			r.max = n
		}
	}
	r.elements, _ = strconv.Atoi(f.Tag.Get("max"))
	return r
}

// late tells a field that is left out while it is empty.
func late(f reflect.StructField) bool { return f.Tag.Get("late") != "" }

func wireName(f reflect.StructField) string { return f.Tag.Get("json") }

// A FieldError is a field of a document that keeps it from crossing.
type FieldError struct {
	Field  string // as in the canonical form, with the index in a list: files[2].name
	Reason Reason
	Text   string // what is wrong; never the value
}

// Error is "field: what is wrong".
func (e *FieldError) Error() string { return e.Field + ": " + e.Text }

func wrong(field string, why Reason, format string, a ...any) error {
	return &FieldError{Field: field, Reason: why, Text: fmt.Sprintf(format, a...)}
}

// checkFields holds every field of v against its rule and gives the first fault.
func checkFields(v reflect.Value, at string) error {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if err := checkValue(v.Field(i), ruleOf(f), join(at, wireName(f))); err != nil {
			return err
		}
	}
	return nil
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func checkValue(v reflect.Value, r rule, at string) error {
	switch x := v.Interface().(type) {
	case time.Time:
		return checkTime(x, at)
	case []byte:
		if len(x) == 0 || len(x) > r.max {
			return wrong(at, ReasonSize, "is empty or over %d bytes", r.max)
		}
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		return checkString(v.String(), r, at)
	case reflect.Slice:
		return checkList(v, r, at)
	case reflect.Struct:
		return checkFields(v, at)
	case reflect.Int, reflect.Int64:
		if v.Int() < 0 {
			return wrong(at, ReasonSchema, "is negative")
		}
	}
	return nil
}

func checkList(v reflect.Value, r rule, at string) error {
	if v.Len() > r.elements {
		return wrong(at, ReasonSize, "has over %d elements", r.elements)
	}
	for i := range v.Len() {
		if err := checkValue(v.Index(i), r, at+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	return nil
}

func checkTime(t time.Time, at string) error {
	if y := t.UTC().Year(); !t.IsZero() && (y < 2000 || y > 2199) {
		return wrong(at, ReasonSchema, "lies outside the years 2000 to 2199")
	}
	return nil
}

func checkString(s string, r rule, at string) error {
	if s == "" {
		if r.optional || r.name == "" {
			return nil
		}
		return wrong(at, ReasonSchema, "is missing")
	}
	if len(s) > r.max {
		return wrong(at, ReasonSize, "is over %d bytes", r.max)
	}
	switch r.name {
	case "id":
		if !isID(s) {
			return wrong(at, ReasonSchema, "is not an id: letters, digits and . _ : / + @ = - alone")
		}
	case "hex":
		if !isHex(s) {
			return wrong(at, ReasonSchema, "is not 64 lower-case hex digits")
		}
	case "one":
		if !slices.Contains(r.set, s) {
			return wrong(at, ReasonSchema, "is none of %s", strings.Join(r.set, ", "))
		}
	case "line":
		if strings.ContainsAny(s, "\n\t") {
			return wrong(at, ReasonText, "holds a break or a tab")
		}
		fallthrough
	case "text":
		if !Normal(s) {
			return wrong(at, ReasonText, "is not normal text")
		}
	}
	return nil
}

func isID(s string) bool {
	for _, c := range []byte(s) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("._:/+@=-", c) >= 0) {
			return false
		}
	}
	return true
}

func isHex(s string) bool {
	for _, c := range []byte(s) {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return len(s) == 64
}
