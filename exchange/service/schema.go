package service

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Schema is the subset of JSON Schema 2020-12 that a service file may use. "format" is an assertion here, as the
// format-assertion vocabulary has it, and knows "date" and "email" alone.
type Schema struct {
	Type             string            `yaml:"type" json:"type,omitempty"`
	Description      string            `yaml:"description" json:"description,omitempty"`
	Enum             []any             `yaml:"enum" json:"enum,omitempty"`
	MinLength        *int              `yaml:"minLength" json:"minLength,omitempty"`
	MaxLength        *int              `yaml:"maxLength" json:"maxLength,omitempty"`
	Pattern          string            `yaml:"pattern" json:"pattern,omitempty"`
	Format           string            `yaml:"format" json:"format,omitempty"`
	Minimum          *float64          `yaml:"minimum" json:"minimum,omitempty"`
	Maximum          *float64          `yaml:"maximum" json:"maximum,omitempty"`
	ExclusiveMinimum *float64          `yaml:"exclusiveMinimum" json:"exclusiveMinimum,omitempty"`
	ExclusiveMaximum *float64          `yaml:"exclusiveMaximum" json:"exclusiveMaximum,omitempty"`
	MultipleOf       *float64          `yaml:"multipleOf" json:"multipleOf,omitempty"`
	Items            *Schema           `yaml:"items" json:"items,omitempty"`
	MinItems         *int              `yaml:"minItems" json:"minItems,omitempty"`
	MaxItems         *int              `yaml:"maxItems" json:"maxItems,omitempty"`
	UniqueItems      bool              `yaml:"uniqueItems" json:"uniqueItems,omitempty"`
	Properties       map[string]Schema `yaml:"properties" json:"properties,omitempty"`
	Required         []string          `yaml:"required" json:"required,omitempty"`
	// AdditionalProperties false refuses what Properties does not name.
	AdditionalProperties *bool `yaml:"additionalProperties" json:"additionalProperties,omitempty"`
}

// SchemaFault is one keyword that an instance breaks. At is the path of names and indexes, "items.2".
type SchemaFault struct{ At, Keyword string }

// Validate names every keyword that v breaks. Numbers in v are json.Number, so that 0.1 stays 0.1.
func (s *Schema) Validate(v any) []SchemaFault { return s.validate(v, "") }

func (s *Schema) validate(v any, at string) []SchemaFault {
	var all []SchemaFault
	fail := func(keyword string) { all = append(all, SchemaFault{at, keyword}) }
	if !s.typed(v) {
		fail("type")
	}
	if len(s.Enum) > 0 && !slices.ContainsFunc(s.Enum, func(e any) bool { return same(e, v) }) {
		fail("enum")
	}
	switch x := v.(type) {
	case string:
		s.text(x, fail)
	case json.Number:
		s.number(x, fail)
	case []any:
		s.list(x, fail)
		for i, e := range x {
			if s.Items != nil {
				all = append(all, s.Items.validate(e, under(at, strconv.Itoa(i)))...)
			}
		}
	case map[string]any:
		all = append(all, s.object(x, at)...)
	}
	return all
}

func under(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func (s *Schema) typed(v any) bool {
	switch s.Type {
	case "string":
		_, ok := v.(string)
		return ok
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "array":
		_, ok := v.([]any)
		return ok
	case "object":
		_, ok := v.(map[string]any)
		return ok
	case "number":
		_, ok := rat(v)
		return ok
	case "integer":
		r, ok := rat(v)
		return ok && r.IsInt()
	}
	return true
}

// rat gives a number's exact value. Exponents are bounded, because 1e999999999 would fill the memory.
func rat(v any) (*big.Rat, bool) {
	n, ok := v.(json.Number)
	if !ok || len(n) > 40 || strings.ContainsAny(string(n), "eE/_xXpP") {
		return nil, false
	}
	return new(big.Rat).SetString(string(n))
}

func ratOf(f float64) *big.Rat {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(f, 'f', -1, 64))
	if !ok {
		return new(big.Rat)
	}
	return r
}

func same(e, v any) bool {
	if n, ok := v.(json.Number); ok {
		a, okA := new(big.Rat).SetString(fmt.Sprint(e))
		b, okB := rat(n)
		_, text := e.(string)
		return okA && okB && !text && a.Cmp(b) == 0
	}
	return e == v
}

func (s *Schema) text(x string, fail func(string)) {
	n := utf8.RuneCountInString(x)
	if s.MinLength != nil && n < *s.MinLength {
		fail("minLength")
	}
	if s.MaxLength != nil && n > *s.MaxLength {
		fail("maxLength")
	}
	if s.Pattern != "" {
		if re, err := regexp.Compile(s.Pattern); err != nil || !re.MatchString(x) {
			fail("pattern")
		}
	}
	switch s.Format {
	case "date":
		if _, ok := ParseDay(x); !ok {
			fail("format")
		}
	case "email":
		if a, err := mail.ParseAddress(x); err != nil || a.Address != x {
			fail("format")
		}
	}
}

func (s *Schema) number(x json.Number, fail func(string)) {
	r, ok := rat(x)
	if !ok {
		return
	}
	for _, b := range []struct {
		bound   *float64
		keyword string
		ok      func(cmp int) bool
	}{
		{s.Minimum, "minimum", func(c int) bool { return c >= 0 }},
		{s.Maximum, "maximum", func(c int) bool { return c <= 0 }},
		{s.ExclusiveMinimum, "exclusiveMinimum", func(c int) bool { return c > 0 }},
		{s.ExclusiveMaximum, "exclusiveMaximum", func(c int) bool { return c < 0 }},
	} {
		if b.bound != nil && !b.ok(r.Cmp(ratOf(*b.bound))) {
			fail(b.keyword)
		}
	}
	if s.MultipleOf != nil && *s.MultipleOf > 0 && !new(big.Rat).Quo(r, ratOf(*s.MultipleOf)).IsInt() {
		fail("multipleOf")
	}
}

func (s *Schema) list(x []any, fail func(string)) {
	if s.MinItems != nil && len(x) < *s.MinItems {
		fail("minItems")
	}
	if s.MaxItems != nil && len(x) > *s.MaxItems {
		fail("maxItems")
	}
	if !s.UniqueItems {
		return
	}
	seen := map[string]bool{}
	for _, e := range x {
		key := fmt.Sprintf("%T %v", e, e)
		if r, ok := rat(e); ok {
			key = r.RatString()
		}
		if seen[key] {
			fail("uniqueItems")
			return
		}
		seen[key] = true
	}
}

func (s *Schema) object(x map[string]any, at string) []SchemaFault {
	var all []SchemaFault
	for _, name := range s.Required {
		if _, ok := x[name]; !ok {
			all = append(all, SchemaFault{under(at, name), "required"})
		}
	}
	for _, name := range sortedKeys(x) {
		p, ok := s.Properties[name]
		switch {
		case ok:
			all = append(all, p.validate(x[name], under(at, name))...)
		case s.AdditionalProperties != nil && !*s.AdditionalProperties:
			all = append(all, SchemaFault{under(at, name), "additionalProperties"})
		}
	}
	return all
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// faults names what is wrong with the schema itself.
func (s *Schema) faults(key string) []error {
	var all []error
	if !slices.Contains([]string{"", "string", "boolean", "array", "object", "number", "integer"}, s.Type) {
		all = append(all, fmt.Errorf("%s.type: is %q; one of string, boolean, array, object, number, integer", key, s.Type))
	}
	if _, err := regexp.Compile(s.Pattern); err != nil {
		all = append(all, fmt.Errorf("%s.pattern: is no regular expression of RE2: %w", key, err))
	}
	if !slices.Contains([]string{"", "date", "email"}, s.Format) {
		all = append(all, fmt.Errorf("%s.format: is %q; date or email", key, s.Format))
	}
	if s.MultipleOf != nil && *s.MultipleOf <= 0 {
		all = append(all, fmt.Errorf("%s.multipleOf: must be above 0", key))
	}
	if s.Items != nil {
		all = append(all, s.Items.faults(key+".items")...)
	}
	for _, name := range sortedKeys(s.Properties) {
		p := s.Properties[name]
		all = append(all, p.faults(key+".properties."+name)...)
	}
	for i, name := range s.Required {
		if _, ok := s.Properties[name]; !ok {
			all = append(all, fmt.Errorf("%s.required.%d: names %q, which is not in properties", key, i, name))
		}
	}
	return all
}
