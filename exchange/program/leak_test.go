package program

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/configs"
	"gatehouse/exchange"
)

// TestLeakBlockOfTheSample reads the block that the sample shows commented out.
func TestLeakBlockOfTheSample(t *testing.T) {
	b, err := os.ReadFile("../../configs/guard.yaml")
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "canary.key")
	if err := os.WriteFile(key, []byte("sixteen and more characters"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("# leak:", "leak:", "#   marks:", "  marks:", "#   canar", "  canar", "/etc/gatehouse/canary.key", key, "${GUARD_LANE:-up}", "down").Replace(string(b))
	var c Config
	if err := configs.Parse("guard.yaml", []byte(text), &c, func(string) (string, bool) { return "", false }); err != nil {
		t.Fatal(err)
	}
	if c.Leak == nil || len(c.Leak.Marks) != 3 || len(c.Leak.Canaries) != 1 || c.Leak.CanaryKey.IsZero() {
		t.Errorf("read %+v", c.Leak)
	}
}

func TestLeakBlockNamesItsFaults(t *testing.T) {
	up := good(t, exchange.Up)
	up.Leak = &exchange.LeakConfig{}
	if err := up.Validate(); err == nil || !strings.Contains(err.Error(), "leak: is set, but only the lane down") {
		t.Errorf("on the lane up: %v", err)
	}
	down := good(t, exchange.Down)
	down.Leak = &exchange.LeakConfig{Marks: []string{"x"}}
	if err := down.Validate(); err == nil || !strings.Contains(err.Error(), "leak.marks.0: ") {
		t.Errorf("a mark of one letter: %v", err)
	}
}

func TestCanary(t *testing.T) {
	key := filepath.Join(t.TempDir(), "canary.key")
	if err := os.WriteFile(key, []byte("sixteen and more characters\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want, err := exchange.Canary("sixteen and more characters", "planted words of some length")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{"canary", "-key_file", key, "planted", "words of some length"}, 0, want},
		{[]string{"canary", "-key_file", key, "abc"}, 1, "at least 12"},
		{[]string{"canary", "-key_file", key + "x", "planted words of some length"}, 1, "-key_file"},
		{[]string{"canary", "planted words of some length"}, 2, "-key_file and a string are needed"},
		{[]string{"canary"}, 2, "guard canary"},
	} {
		var out bytes.Buffer
		if code := Main(c.args, &out, &out); code != c.code || !strings.Contains(out.String(), c.said) {
			t.Errorf("%v: code %d, want %d, said %q", c.args, code, c.code, out.String())
		}
	}
}
