package configs

import (
	"encoding"
	"log/slog"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gatehouse/configs/secret"

	"go.yaml.in/yaml/v4"
)

// maxDepth bounds how deep a configuration may nest.
const maxDepth = 32

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[secret.Value]()
	levelType    = reflect.TypeFor[slog.Level]()
)

func (r *reader) value(v reflect.Value, n *yaml.Node, key string) {
	if strings.Count(key, ".") > maxDepth {
		r.fault(n.Line, key, "nests too deep; at most %d levels", maxDepth)
		return
	}
	r.lines[key] = n.Line
	if n.Kind == yaml.AliasNode {
		r.fault(n.Line, key, "is an alias; write the value out")
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		r.value(v.Elem(), n, key)
		return
	}
	if _, text := v.Addr().Interface().(encoding.TextUnmarshaler); text || isScalar(v) {
		r.scalar(v, n, key)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		r.structure(v, n, key)
	case reflect.Map:
		r.mapping(v, n, key)
	case reflect.Slice:
		r.sequence(v, n, key)
	case reflect.Interface:
		r.free(v, n, key)
	default:
		r.fault(n.Line, key, "has a type that a configuration can't hold: %s", v.Type())
	}
}

func isScalar(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Interface:
		return false
	}
	return true
}

func (r *reader) structure(v reflect.Value, n *yaml.Node, key string) {
	if isNull(n) {
		return
	}
	if short, ok := plain(v); ok && n.Kind == yaml.ScalarNode {
		r.value(short, n, key)
		return
	}
	if n.Kind != yaml.MappingNode {
		r.fault(n.Line, key, "must be a group of keys: %s", strings.Join(names(v.Type()), ", "))
		return
	}
	fields, seen := map[string]reflect.Value{}, map[string]bool{}
	collect(v, fields)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, val := n.Content[i].Value, n.Content[i+1]
		path := join(key, name)
		if seen[name] {
			r.fault(n.Content[i].Line, path, "is written twice; keep one")
			continue
		}
		seen[name] = true
		if f, ok := fields[name]; ok {
			r.value(f, val, path)
			r.lines[path] = n.Content[i].Line
			continue
		}
		if f, ok := fields[strings.TrimSuffix(name, "_file")]; ok && f.Type() == secretType && strings.HasSuffix(name, "_file") {
			r.secretFile(f, val, path)
			continue
		}
		r.fault(n.Content[i].Line, path, "is not a known key; known here: %s", strings.Join(names(v.Type()), ", "))
	}
}

// collect maps the YAML names of a struct's fields to the fields; an inlined struct's fields count as its own.
func collect(v reflect.Value, into map[string]reflect.Value) {
	for i := range v.NumField() {
		name, inline := tag(v.Type().Field(i))
		switch {
		case inline:
			collect(v.Field(i), into)
		case name != "":
			into[name] = v.Field(i)
		}
	}
}

// plain gives the field that a lone value stands for, in a group that has a short form: the one tagged plain.
func plain(v reflect.Value) (reflect.Value, bool) {
	for i := range v.NumField() {
		if _, opt, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); opt == "plain" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func names(t reflect.Type) []string {
	var all []string
	for i := range t.NumField() {
		name, inline := tag(t.Field(i))
		switch {
		case inline:
			all = append(all, names(t.Field(i).Type)...)
		case name != "":
			all = append(all, name)
		}
	}
	return all
}

func tag(f reflect.StructField) (name string, inline bool) {
	if !f.IsExported() {
		return "", false
	}
	name, opt, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if name == "-" {
		return "", false
	}
	if opt == "inline" {
		return "", true
	}
	if name == "" {
		name = strings.ToLower(f.Name)
	}
	return name, false
}

func (r *reader) secretFile(v reflect.Value, n *yaml.Node, key string) {
	path, ok := r.expand(n, key)
	if !ok || path == "" {
		return
	}
	b, err := os.ReadFile(path)
	if err != nil {
		r.fault(n.Line, key, "names a file that can't be read: %s", cause(err))
		return
	}
	v.Set(reflect.ValueOf(secret.New(strings.TrimRight(string(b), "\r\n"))))
}

func (r *reader) mapping(v reflect.Value, n *yaml.Node, key string) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode || v.Type().Key().Kind() != reflect.String {
		r.fault(n.Line, key, "must be a list of name: value")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := reflect.ValueOf(n.Content[i].Value).Convert(v.Type().Key())
		path := join(key, n.Content[i].Value)
		if v.MapIndex(name).IsValid() {
			r.fault(n.Content[i].Line, path, "is written twice; keep one")
			continue
		}
		e := reflect.New(v.Type().Elem()).Elem()
		r.value(e, n.Content[i+1], path)
		v.SetMapIndex(name, e)
	}
}

func (r *reader) sequence(v reflect.Value, n *yaml.Node, key string) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		r.fault(n.Line, key, "must be a list: [a, b] or one - item a line")
		return
	}
	s := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		r.value(s.Index(i), c, join(key, strconv.Itoa(i)))
	}
	v.Set(s)
}

// free fills an interface with plain values: what a schema's enum or default holds.
func (r *reader) free(v reflect.Value, n *yaml.Node, key string) {
	var x any
	if err := n.Decode(&x); err != nil {
		r.fault(n.Line, key, "can't be read: %v", err)
		return
	}
	if x != nil {
		v.Set(reflect.ValueOf(x))
	}
}

func (r *reader) scalar(v reflect.Value, n *yaml.Node, key string) {
	s, ok := r.expand(n, key)
	if !ok {
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		err := u.UnmarshalText([]byte(s))
		switch {
		case err == nil:
		case v.Type() == levelType:
			r.fault(n.Line, key, "must be debug, info, warn or error, not %q", s)
		default:
			r.fault(n.Line, key, "%v", err)
		}
		return
	}
	if s == "" && v.Kind() != reflect.String {
		return
	}
	if v.Type() == durationType {
		d, err := time.ParseDuration(s)
		if err != nil {
			r.fault(n.Line, key, "must be a time span such as 30s, 5m or 24h, not %q", s)
			return
		}
		v.SetInt(int64(d))
		return
	}
	r.plain(v, n, key, s)
}

func (r *reader) plain(v reflect.Value, n *yaml.Node, key, s string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			r.fault(n.Line, key, "must be true or false, not %q", s)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, err := strconv.ParseInt(s, 10, v.Type().Bits())
		if err != nil {
			r.fault(n.Line, key, "must be a whole number, not %q", s)
		}
		v.SetInt(i)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		i, err := strconv.ParseUint(s, 10, v.Type().Bits())
		if err != nil {
			r.fault(n.Line, key, "must be a whole number from 0 up, not %q", s)
		}
		v.SetUint(i)
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(s, v.Type().Bits())
		if err != nil {
			r.fault(n.Line, key, "must be a number, not %q", s)
		}
		v.SetFloat(f)
	default:
		r.fault(n.Line, key, "has a type that a configuration can't hold: %s", v.Type())
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}
