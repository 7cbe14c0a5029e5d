package service

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

func ptr[T any](v T) *T { return &v }

// anySchema draws a schema of the subset, one level of list or object deep.
func anySchema(t *rapid.T, depth int) Schema {
	s := Schema{Type: rapid.SampledFrom([]string{"", "string", "number", "integer", "boolean", "array", "object"}).Draw(t, "type")}
	if depth == 0 && (s.Type == "array" || s.Type == "object") {
		s.Type = "string"
	}
	if rapid.IntRange(0, 4).Draw(t, "enum") == 0 {
		s.Enum = []any{"a", "bb", 1, 2.5, true}
	}
	switch s.Type {
	case "string":
		s.MinLength, s.MaxLength = bound(t, 0, 3), bound(t, 1, 5)
		s.Pattern = rapid.SampledFrom([]string{"", "^[ab]+$", "b", "^$"}).Draw(t, "pattern")
		s.Format = rapid.SampledFrom([]string{"", "", "date"}).Draw(t, "format")
	case "number", "integer":
		for _, p := range []**float64{&s.Minimum, &s.Maximum, &s.ExclusiveMinimum, &s.ExclusiveMaximum} {
			if rapid.IntRange(0, 3).Draw(t, "bounded") == 0 {
				*p = ptr(float64(rapid.IntRange(-30, 30).Draw(t, "bound")) / 10)
			}
		}
		if rapid.IntRange(0, 2).Draw(t, "multiple") == 0 {
			s.MultipleOf = ptr(rapid.SampledFrom([]float64{0.01, 0.1, 0.5, 2}).Draw(t, "of"))
		}
	case "array":
		s.MinItems, s.MaxItems, s.UniqueItems = bound(t, 0, 2), bound(t, 1, 3), rapid.Bool().Draw(t, "unique")
		items := anySchema(t, depth-1)
		s.Items = &items
	case "object":
		s.Properties = map[string]Schema{"p": anySchema(t, depth-1), "q": anySchema(t, depth-1)}
		s.Required = rapid.SampledFrom([][]string{nil, {"p"}, {"p", "q"}}).Draw(t, "required")
		if rapid.Bool().Draw(t, "closed") {
			s.AdditionalProperties = ptr(false)
		}
	}
	return s
}

func bound(t *rapid.T, from, to int) *int {
	if rapid.Bool().Draw(t, "open") {
		return nil
	}
	return ptr(rapid.IntRange(from, to).Draw(t, "bound"))
}

func anyInstance(t *rapid.T, depth int) any {
	switch rapid.IntRange(0, 3+2*min(depth, 1)).Draw(t, "kind") {
	case 0:
		return rapid.SampledFrom([]string{"", "a", "ab", "bb", "héé", "2026-02-29", "2028-02-29", "2026-12-03", "bbbbbb"}).Draw(t, "text")
	case 1:
		return json.Number(rapid.SampledFrom([]string{"0", "1", "-1", "2.5", "0.1", "0.3", "1.0", "3", "2", "-2.55", "0.015"}).Draw(t, "number"))
	case 2:
		return rapid.Bool().Draw(t, "bool")
	case 3:
		return json.Number(fmt.Sprint(rapid.IntRange(-4, 4).Draw(t, "int")))
	case 4:
		list := make([]any, rapid.IntRange(0, 4).Draw(t, "length"))
		for i := range list {
			list[i] = anyInstance(t, depth-1)
		}
		return list
	}
	m := map[string]any{}
	for _, name := range []string{"p", "q", "r"} {
		if rapid.Bool().Draw(t, name) {
			m[name] = anyInstance(t, depth-1)
		}
	}
	return m
}

func oracle(t interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}, s Schema) *jsonschema.Schema {
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("s.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("s.json")
	if err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return compiled
}

// TestSubsetAgreesWithAFullValidator holds the subset against a complete implementation of 2020-12.
func TestSubsetAgreesWithAFullValidator(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, v := anySchema(t, 2), anyInstance(t, 2)
		err := oracle(t, s).Validate(v)
		faults := s.Validate(v)
		if (err == nil) != (len(faults) == 0) {
			b, _ := json.Marshal(s)
			t.Fatalf("schema %s\ninstance %#v\nours %v\ntheirs %v", b, v, faults, err)
		}
	})
}

func TestNumbersStayExactAndBounded(t *testing.T) {
	s := Schema{Type: "number", MultipleOf: ptr(0.01)}
	for v, want := range map[string]bool{"0.07": true, "0.075": false, "1e999999999": false, "12": true} {
		if got := len(s.Validate(json.Number(v))) == 0; got != want {
			t.Errorf("%s: %v, want %v", v, got, want)
		}
	}
}

func TestSchemaNamesItsOwnFaults(t *testing.T) {
	s := Schema{Type: "text", Pattern: "(", Format: "colour", MultipleOf: ptr(0.0), Required: []string{"x"},
		Properties: map[string]Schema{"y": {Type: "list"}}}
	var all []string
	for _, err := range s.faults("schema") {
		all = append(all, err.Error())
	}
	got := strings.Join(all, "\n")
	for _, want := range []string{"schema.type: is \"text\"", "schema.pattern: ", "schema.format: ", "schema.multipleOf: ",
		"schema.properties.y.type: ", "schema.required.0: names \"x\""} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
}
