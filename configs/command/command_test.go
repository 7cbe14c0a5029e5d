package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type conf struct {
	Listen string `yaml:"listen"`
}

func program(ran *bool) Program[conf] {
	return Program[conf]{
		Name: "door",
		Check: func(c *conf) (string, error) {
			if c.Listen == "bad" {
				return "", errors.New("listen: is bad; write host:port")
			}
			return "isolation: none", nil
		},
		Run: func(_ context.Context, c conf, _ io.Writer, ready func(map[string]string)) error {
			*ran = true
			ready(map[string]string{"listen": c.Listen})
			if c.Listen == "broken" {
				return errors.New("it broke")
			}
			return nil
		},
	}
}

func TestMainExitCodes(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) string {
		f := filepath.Join(dir, "c.yaml")
		if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, c := range []struct {
		name, yaml string
		args       []string
		code       int
		ran        bool
		said       string
	}{
		{"clean", "listen: a", nil, 0, true, ""},
		{"check", "listen: a", []string{"-check"}, 0, false, "is right; isolation: none"},
		{"unknown key", "x: a", nil, 2, false, "c.yaml:1: x: is not a known key"},
		{"bad content", "listen: bad", nil, 2, false, "write host:port"},
		{"broken", "listen: broken", nil, 1, true, "door: it broke"},
		{"flag", "listen: a", []string{"-nonsense"}, 2, false, "nonsense"},
		{"word", "listen: a", []string{"dance"}, 2, false, "is not a command here"},
		{"help", "listen: a", []string{"-help"}, 0, false, "configuration"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ran bool
			var out strings.Builder
			code := program(&ran).Main(append([]string{"-config", file(c.yaml)}, c.args...), &out, &out)
			if code != c.code || ran != c.ran || !strings.Contains(out.String(), c.said) {
				t.Fatalf("code %d, ran %v, said %q", code, ran, out.String())
			}
		})
	}
}

func TestActRunsInsteadOfTheProgram(t *testing.T) {
	f := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(f, []byte("listen: a"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{"lane", "epoch", "-config", f}, 0, "began at a"},
		{[]string{"lane", "-config", f}, 2, "\"lane\" is not a command here"},
		{[]string{"lane", "epoch", "-config", f + "x"}, 2, "can't be read"},
		{[]string{"lane", "epoch", "-config", f, "more"}, 2, "more is too much"},
	} {
		ran := false
		p := program(&ran)
		p.Acts = map[string]func(context.Context, conf, []string, io.Writer) error{"lane epoch": func(_ context.Context, c conf, args []string, out io.Writer) error {
			if len(args) > 0 {
				return fmt.Errorf("%w: %s is too much", ErrUsage, args[0])
			}
			_, err := io.WriteString(out, "began at "+c.Listen)
			return err
		}}
		var out strings.Builder
		if code := p.Main(c.args, &out, &out); code != c.code || ran || !strings.Contains(out.String(), c.said) {
			t.Errorf("%v: code %d, ran %v, said %q", c.args, code, ran, out.String())
		}
	}
}

func TestAddressesAreWrittenWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.json")
	if err := WriteAddresses(file, map[string]string{"listen": "127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var a map[string]string
	if err := json.Unmarshal(b, &a); err != nil || a["listen"] != "127.0.0.1:1" {
		t.Fatalf("%s %v", b, err)
	}
}
