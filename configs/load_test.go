package configs

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/configs/secret"
)

type inner struct {
	BaseURL string       `yaml:"base_url"`
	Token   secret.Value `yaml:"token"`
}

type sample struct {
	Listen  string            `yaml:"listen"`
	Wait    time.Duration     `yaml:"wait"`
	N       int               `yaml:"n"`
	On      bool              `yaml:"on"`
	Langs   []string          `yaml:"langs"`
	Words   map[string]string `yaml:"words"`
	SMS     *inner            `yaml:"sms"`
	Default any               `yaml:"default"`
	Level   slog.Level        `yaml:"level"`
	Way     *way              `yaml:"way"`
}

// way has a short form.
type way struct {
	Dir  string        `yaml:"dir,plain"`
	Wait time.Duration `yaml:"wait"`
}

func (s *sample) Validate() error {
	var all []error
	if s.N > 10 {
		all = append(all, fmt.Errorf("n: is %d; at most 10", s.N))
	}
	if s.SMS != nil && s.SMS.BaseURL == "ftp" {
		all = append(all, errors.New("sms.base_url: must begin with http:// or https://"))
	}
	return errors.Join(all...)
}

func env(m map[string]string) func(string) (string, bool) {
	return func(k string) (string, bool) { v, ok := m[k]; return v, ok }
}

func TestParseFillsEveryKind(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var s sample
	err := Parse("a.yaml", []byte(`
listen: ${LISTEN:-127.0.0.1:${PORT:-8080}}
wait: 1m30s
n: 7
on: true
langs: [en, no]
words: {en: "Hello", fr: Bonjour}
default: 3
sms:
  base_url: http://${HOST}/x
  token_file: `+file+`
`), &s, env(map[string]string{"HOST": "h", "PORT": "1"}))
	if err != nil {
		t.Fatal(err)
	}
	if s.Listen != "127.0.0.1:1" || s.Wait != 90*time.Second || s.N != 7 || !s.On || s.Langs[1] != "no" ||
		s.Words["fr"] != "Bonjour" || s.SMS.BaseURL != "http://h/x" || s.SMS.Token.Reveal() != "s3cret" || s.Default != 3 {
		t.Fatalf("read %+v", s)
	}
	if strings.Contains(fmt.Sprintf("%+v %#v", s, s), "s3cret") {
		t.Fatal("a secret prints")
	}
}

func TestParseNamesEveryFaultWithItsLine(t *testing.T) {
	for _, c := range []struct{ name, yaml, want string }{
		{"unknown key", "listen: a\nlisten_on: b\n", "f.yaml:2: listen_on: is not a known key; known here: listen, wait"},
		{"unknown inner key", "sms:\n  url: x\n", "f.yaml:2: sms.url: is not a known key"},
		{"two faults", "wait: soon\nn: many\n", "f.yaml:1: wait: must be a time span such as 30s, 5m or 24h, not \"soon\"\nf.yaml:2: n: must be a whole number, not \"many\""},
		{"twice", "n: 1\nn: 2\n", "n: is written twice"},
		{"validated", "on: true\nn: 11\nsms:\n  base_url: ftp\n", "f.yaml:2: n: is 11; at most 10\nf.yaml:4: sms.base_url: must begin"},
		{"list", "langs: en\n", "f.yaml:1: langs: must be a list"},
		{"group", "sms: here\n", "f.yaml:1: sms: must be a group of keys: base_url, token"},
		{"single", "n: [1]\n", "f.yaml:1: n: must be a single value"},
		{"open", "listen: ${A\n", "f.yaml:1: listen: has a ${ that is not closed"},
		{"alias", "listen: &a x\nlangs: [*a]\n", "langs.0: is an alias"},
		{"level", "level: loud\n", `f.yaml:1: level: must be debug, info, warn or error, not "loud"`},
		{"missing secret", "sms:\n  token_file: /nowhere/x\n", "f.yaml:2: sms.token_file: names a file that can't be read"},
		{"syntax", "n: [1\nx: {", "f.yaml:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s sample
			err := Parse("f.yaml", []byte(c.yaml), &s, env(nil))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestLoadNamesTheFileThatIsMissing(t *testing.T) {
	var s sample
	err := Load(filepath.Join(t.TempDir(), "none.yaml"), &s)
	var f Fault
	if !errors.As(err, &f) || !strings.Contains(f.Text, "no such file") {
		t.Fatalf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("listen: ${A:-${B:-c}}\nsms: {token: x}\n"))
	f.Add([]byte("a: &x [*x]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s sample
		_ = Parse("f.yaml", b, &s, env(map[string]string{"A": "${B}"}))
	})
}

// TestLoneValueStandsForItsField: a group with a short form takes a lone value, expanded, or its keys; nothing else.
func TestLoneValueStandsForItsField(t *testing.T) {
	for text, want := range map[string]way{
		"way: ${D:-./a}":           {Dir: "./a"},
		"way: \"\"":                {},
		"way: {dir: b, wait: 1s}":  {Dir: "b", Wait: time.Second},
		"way:\n  dir: ${D:-./c}\n": {Dir: "./c"},
	} {
		var s sample
		if err := Parse("a.yaml", []byte(text), &s, env(nil)); err != nil || s.Way == nil || *s.Way != want {
			t.Errorf("%q: %v, %v", text, s.Way, err)
		}
	}
	for text, want := range map[string]string{
		"way: [a]":        "a.yaml:1: way: must be a group of keys: dir, wait",
		"way: {way: a}":   "a.yaml:1: way.way: is not a known key",
		"sms: http://x":   "a.yaml:1: sms: must be a group of keys",
		"way: ${D:?none}": "a.yaml:1: way",
	} {
		var s sample
		if err := Parse("a.yaml", []byte(text), &s, env(nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
