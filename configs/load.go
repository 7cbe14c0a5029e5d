// Package configs reads what an operator edits: strict YAML into the Config structs that live beside the code they
// configure.
//
// The rule: nothing is guessed. An unknown key, a wrong type or a value out of range is a fault that names file,
// line and key, and what would be right; all faults of a file are reported at once. A string may hold
// ${NAME:-default}; the default may hold another. A secret under key k may be read from the file named by k_file.
package configs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// MaxFile bounds a configuration file, in bytes.
const MaxFile = 1 << 20

// Fault is one thing wrong with a configuration.
type Fault struct {
	File string
	Line int // 0: the file as a whole
	Key  string
	Text string // what is wrong, and what would be right
}

// Error is "file:line: key: text".
func (f Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		b.WriteString(":" + strconv.Itoa(f.Line))
	}
	if f.Key != "" {
		b.WriteString(": " + f.Key)
	}
	return b.String() + ": " + f.Text
}

// Load reads the YAML file into the struct that into points at, expanding ${NAME:-default} from the environment,
// and calls its Validate, if it has one. All faults come joined; each is a Fault.
func Load(path string, into any) error {
	f, err := os.Open(path)
	if err != nil {
		return Fault{File: path, Text: "can't be read: " + cause(err)}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return Fault{File: path, Text: "can't be read: " + cause(err)}
	}
	return Parse(path, b, into, os.LookupEnv)
}

// Parse is Load for bytes at hand; name stands in the faults, lookup gives the environment.
func Parse(name string, b []byte, into any, lookup func(string) (string, bool)) error {
	if len(b) > MaxFile {
		return Fault{File: name, Text: fmt.Sprintf("is over %d bytes", MaxFile)}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return syntaxFault(name, err)
	}
	r := &reader{file: name, lookup: lookup, lines: map[string]int{}}
	v := reflect.ValueOf(into).Elem()
	if len(doc.Content) > 0 {
		r.value(v, doc.Content[0], "")
	}
	if len(r.faults) == 0 {
		r.validate(v)
	}
	return errors.Join(r.faults...)
}

func cause(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// syntaxFault takes the line out of the YAML library's message, which reads "yaml: line N: …" in its variants.
func syntaxFault(name string, err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if i := strings.Index(text, "line "); i >= 0 {
		digits := text[i+len("line "):]
		end := strings.IndexFunc(digits, func(c rune) bool { return c < '0' || c > '9' })
		if end > 0 {
			line, _ = strconv.Atoi(digits[:end])
		}
	}
	return Fault{File: name, Line: line, Text: "is not YAML: " + text}
}

type reader struct {
	file   string
	lookup func(string) (string, bool)
	lines  map[string]int // key path → line
	faults []error
}

func (r *reader) fault(line int, key, format string, a ...any) {
	r.faults = append(r.faults, Fault{File: r.file, Line: line, Key: key, Text: fmt.Sprintf(format, a...)})
}

// validate runs the Validate of the whole. Its faults read "key: text"; the line is that of the key, or of the
// nearest key above that stands in the file.
func (r *reader) validate(v reflect.Value) {
	val, ok := v.Addr().Interface().(interface{ Validate() error })
	if !ok {
		return
	}
	for _, err := range flatten(val.Validate()) {
		key, text, found := strings.Cut(err.Error(), ": ")
		if !found || strings.ContainsAny(key, " \t\n") {
			key, text = "", err.Error()
		}
		r.fault(r.line(key), key, "%s", text)
	}
}

func (r *reader) line(key string) int {
	for key != "" {
		if n, ok := r.lines[key]; ok {
			return n
		}
		key = key[:max(strings.LastIndexByte(key, '.'), 0)]
	}
	return 0
}

func flatten(err error) []error {
	if err == nil {
		return nil
	}
	j, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range j.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}
