package exchange

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
)

// MaxContent bounds a document's canonical bytes, so that with headers and padding its envelope stays under
// MaxEnvelope.
const MaxContent = 900 << 10

// timeForm is how a moment is written: UTC, always three digits of a second (RFC 3339 §5.6).
const timeForm = "2006-01-02T15:04:05.000Z"

// ErrNotCanonical means bytes that are not the one way to write a document.
var ErrNotCanonical = errors.New("not in canonical form")

// Encode gives the one canonical form of d, after its Check: JSON (RFC 8259) with every field present, in the order
// of the type (but a late field, which is left out while it is empty), without white space; moments in UTC to the millisecond or empty; lists never null; in strings only
// \" \\ \n \t are escaped. A type that is not in the list of kinds is an error, as is a document over MaxContent.
func Encode(d Document) ([]byte, error) {
	v, err := known(d)
	if err != nil {
		return nil, err
	}
	if err := d.Check(); err != nil {
		return nil, fmt.Errorf("encode %s: %w", d.Kind(), err)
	}
	b := appendValue(nil, v)
	if len(b) > MaxContent {
		return nil, fmt.Errorf("encode %s: %w", d.Kind(), wrong("content", ReasonSize, "is over %d bytes", MaxContent))
	}
	return b, nil
}

// Decode reads the canonical form of a document of kind k, checks it, and gives the plain type (Case, not *Case).
// What Encode would not write exactly so is refused: ErrNotCanonical, or the *FieldError of Check.
func Decode(k Kind, b []byte) (Document, error) {
	e, ok := entryOf(k)
	if !ok {
		return nil, fmt.Errorf("decode: unknown kind of document: %w", ErrNotCanonical)
	}
	if len(b) > MaxContent {
		return nil, fmt.Errorf("decode %s: %w", k, wrong("content", ReasonSize, "is over %d bytes", MaxContent))
	}
	v := reflect.New(reflect.TypeOf(e.zero)).Elem()
	if err := unmarshal(b, v); err != nil {
		return nil, fmt.Errorf("decode %s: %w", k, err)
	}
	d := v.Interface().(Document)
	if err := d.Check(); err != nil {
		return nil, fmt.Errorf("decode %s: %w", k, err)
	}
	return d, nil
}

// marshal and unmarshal serve the headers of an envelope, which are canonical too but are not documents.
func marshal(x any) []byte { return appendValue(nil, reflect.ValueOf(x)) }

func unmarshal(b []byte, v reflect.Value) error {
	d := decoder{b: b}
	if err := d.fields(v); err != nil {
		return err
	}
	if d.i != len(b) {
		return d.bad("more after the end")
	}
	// The decoder is strict by itself. This line makes the promise hold even where it should err.
	if !bytes.Equal(appendValue(make([]byte, 0, len(b)), v), b) {
		return d.bad("written in another way")
	}
	return nil
}

func appendValue(b []byte, v reflect.Value) []byte {
	switch x := v.Interface().(type) {
	case time.Time:
		return append(append(append(b, '"'), formatTime(x)...), '"')
	case []byte:
		return append(base64.StdEncoding.AppendEncode(append(b, '"'), x), '"')
	}
	switch v.Kind() {
	case reflect.String:
		return appendString(b, v.String())
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case reflect.Int, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10)
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(b, v.Uint(), 10)
	case reflect.Slice:
		return appendList(b, v)
	case reflect.Struct:
		return appendFields(b, v)
	}
	panic("exchange: a field of type " + v.Type().String() + " has no canonical form")
}

func appendFields(b []byte, v reflect.Value) []byte {
	t := v.Type()
	for i := range t.NumField() {
		if late(t.Field(i)) && absent(v.Field(i)) {
			continue
		}
		if i == 0 {
			b = append(b, '{')
		} else {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), wireName(t.Field(i))...), '"', ':')
		b = appendValue(b, v.Field(i))
	}
	return append(b, '}')
}

// absent tells whether a late field is left out: it is empty.
func absent(v reflect.Value) bool { return v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 }

func appendList(b []byte, v reflect.Value) []byte {
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendValue(b, v.Index(i))
	}
	return append(b, ']')
}

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, c := range []byte(s) {
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeForm)
}

// decoder walks the bytes once, knows at each step the only thing that may come, and allocates nothing before its
// bound is checked. Its depth is that of the types, at most three.
type decoder struct {
	b []byte
	i int
}

func (d *decoder) bad(what string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrNotCanonical, what, d.i)
}

func (d *decoder) literal(s string) bool {
	if len(d.b)-d.i < len(s) || string(d.b[d.i:d.i+len(s)]) != s {
		return false
	}
	d.i += len(s)
	return true
}

func (d *decoder) fields(v reflect.Value) error {
	t := v.Type()
	for i := range t.NumField() {
		before := ","
		if i == 0 {
			before = "{"
		}
		f := t.Field(i)
		if !d.literal(before + `"` + wireName(f) + `":`) {
			if late(f) {
				continue
			}
			return d.bad("field " + wireName(f) + " expected")
		}
		if err := d.value(v.Field(i), ruleOf(f)); err != nil {
			return err
		}
	}
	if !d.literal("}") {
		return d.bad("end of object expected")
	}
	return nil
}

func (d *decoder) value(v reflect.Value, r rule) error {
	switch v.Interface().(type) {
	case time.Time:
		return d.time(v)
	case []byte:
		return d.bytes(v, r.max)
	}
	switch v.Kind() {
	case reflect.String:
		s, err := d.str(r.max)
		v.SetString(s)
		return err
	case reflect.Bool:
		v.SetBool(d.literal("true"))
		if !v.Bool() && !d.literal("false") {
			return d.bad("true or false expected")
		}
		return nil
	case reflect.Slice:
		return d.list(v, r)
	case reflect.Struct:
		return d.fields(v)
	}
	return d.number(v)
}

func (d *decoder) list(v reflect.Value, r rule) error {
	if !d.literal("[") {
		return d.bad("list expected")
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for n := 0; !d.literal("]"); n++ {
		if n >= r.elements {
			return fmt.Errorf("list at byte %d: %w", d.i, wrong("list", ReasonSize, "has over %d elements", r.elements))
		}
		if n > 0 && !d.literal(",") {
			return d.bad("comma expected")
		}
		e := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(e, r); err != nil {
			return err
		}
		v.Set(reflect.Append(v, e))
	}
	return nil
}

// str reads a string of at most n bytes once its escapes are undone; 0 stands for the bound of an id.
func (d *decoder) str(n int) (string, error) {
	if n == 0 {
		n = maxID
	}
	if !d.literal(`"`) {
		return "", d.bad("string expected")
	}
	var out []byte
	for d.i < len(d.b) {
		c := d.b[d.i]
		d.i++
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				return "", d.bad("string is not UTF-8")
			}
			return string(out), nil
		case c == '\\':
			u, ok := d.escape()
			if !ok {
				return "", d.bad("unknown escape")
			}
			c = u
		case c < ' ':
			return "", d.bad("control character in a string")
		}
		if len(out) == n {
			return "", wrong("string", ReasonSize, "is over %d bytes", n)
		}
		out = append(out, c)
	}
	return "", d.bad("string without an end")
}

func (d *decoder) escape() (byte, bool) {
	for _, e := range []struct {
		text string
		c    byte
	}{{`"`, '"'}, {`\`, '\\'}, {"n", '\n'}, {"t", '\t'}} {
		if d.literal(e.text) {
			return e.c, true
		}
	}
	return 0, false
}

func (d *decoder) time(v reflect.Value) error {
	s, err := d.str(len(timeForm))
	if err != nil || s == "" {
		return err
	}
	t, err := time.Parse(timeForm, s)
	if err != nil || t.IsZero() {
		return d.bad("moment expected")
	}
	v.Set(reflect.ValueOf(t))
	return nil
}

func (d *decoder) bytes(v reflect.Value, n int) error {
	if !d.literal(`"`) {
		return d.bad("base64 expected")
	}
	end := bytes.IndexByte(d.b[d.i:], '"')
	if end < 0 || end > base64.StdEncoding.EncodedLen(n) {
		return wrong("bytes", ReasonSize, "are over %d bytes", n)
	}
	out, err := base64.StdEncoding.Strict().DecodeString(string(d.b[d.i : d.i+end]))
	if err != nil {
		return d.bad("base64 expected")
	}
	v.SetBytes(out)
	d.i += end + 1
	return nil
}

func (d *decoder) number(v reflect.Value) error {
	start := d.i
	for d.i < len(d.b) && d.i-start < 21 && ('0' <= d.b[d.i] && d.b[d.i] <= '9') {
		d.i++
	}
	s := string(d.b[start:d.i])
	if s == "" || (s[0] == '0' && len(s) > 1) {
		return d.bad("number expected")
	}
	var err error
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		var n int64
		n, err = strconv.ParseInt(s, 10, 64)
		v.SetInt(n)
	default:
		var n uint64
		n, err = strconv.ParseUint(s, 10, v.Type().Bits())
		v.SetUint(n)
	}
	if err != nil {
		return d.bad("number is out of range")
	}
	return nil
}
