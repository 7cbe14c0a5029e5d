package program

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
)

// run runs one of the guard's commands, and gives what it says.
func run(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if got := Main(args, &out, &out); got != code {
		t.Fatalf("%v: code %d, want %d: %s", args, got, code, &out)
	}
	return out.String()
}

// parts gives the names of a party's files with an ending, and their contents.
func parts(t *testing.T, dir, pattern string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(n)] = string(b)
	}
	return out
}

func TestRotateTellsWhatToCarry(t *testing.T) {
	c := good(t, exchange.Up)
	before := parts(t, c.Keys, "up-guard.*.key")
	said := run(t, 0, "keys", "rotate", "-dir", c.Keys, "-party", "up-guard", "-suite", "2", "-after", "48h")
	after := parts(t, c.Keys, "up-guard.*.key")
	if len(before) != 2 || len(after) != 4 {
		t.Fatalf("%d private keys, then %d", len(before), len(after))
	}
	for name := range after {
		if _, old := before[name]; old {
			continue
		}
		pub := strings.TrimSuffix(name, ".key") + ".pub"
		if !strings.Contains(said, filepath.Join(c.Keys, pub)) {
			t.Errorf("%s is not named: %s", pub, said)
		}
		if i, err := os.Stat(filepath.Join(c.Keys, name)); err != nil || i.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, i.Mode(), err)
		}
	}
	for _, want := range []string{"to extranet before", "to intranet before", "the key before is accepted until"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said: %s", want, said)
		}
	}
	shown := run(t, 0, "keys", "show", "-dir", c.Keys, "-party", "up-guard")
	if !strings.Contains(shown, "(suite 2)") || !strings.Contains(shown, "next, ") || !strings.Contains(shown, "has all it needs") {
		t.Errorf("shown: %s", shown)
	}
	if again := run(t, 1, "keys", "rotate", "-dir", c.Keys, "-party", "up-guard"); !strings.Contains(again, "the next key is there already") {
		t.Errorf("a second time: %s", again)
	}
	secret := regexp.MustCompile(`"private":"([^"]+)"`)
	for name, b := range after {
		if m := secret.FindStringSubmatch(b); m == nil || strings.Contains(said+shown, m[1]) {
			t.Errorf("%s: its private part is shown, or not there", name)
		}
	}
}

func TestShowFailsWhenSomethingIsMissing(t *testing.T) {
	c := good(t, exchange.Up)
	for name := range parts(t, c.Keys, "intranet.seal.*.pub") {
		os.Remove(filepath.Join(c.Keys, name))
	}
	if said := run(t, 1, "keys", "show", "-dir", c.Keys, "-party", "up-guard"); !strings.Contains(said, "carry its .pub file here") {
		t.Errorf("said: %s", said)
	}
}

// TestRunningGuardFollowsItsKeys: a rotation and a revocation reach a guard that runs, and its status says so.
func TestRunningGuardFollowsItsKeys(t *testing.T) {
	c := good(t, exchange.Up)
	c.StatusEvery = 5 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, c, slog.New(slog.DiscardHandler)) }()
	says := func(pattern string) {
		t.Helper()
		re := regexp.MustCompile(pattern)
		await(t, pattern, func() bool { b, err := os.ReadFile(c.StatusFile); return err == nil && re.Match(b) })
	}
	says(`gatehouse_guard_key_left_seconds\{lane="up",party="extranet",use="sign",key="[0-9a-f]{16}",suite="0",state="current"\} 3162`)
	says(`gatehouse_guard_key_alarm\{lane="up",party="extranet",use="sign"\} 0`)
	says(`gatehouse_guard_keys_broken\{lane="up"\} 0`)
	run(t, 0, "keys", "rotate", "-dir", c.Keys, "-party", "up-guard", "-use", "seal", "-suite", "2", "-after", "0s")
	says(`use="seal",key="[0-9a-f]{16}",suite="2",state="current"`)
	says(`party="up-guard",use="seal",key="[0-9a-f]{16}",suite="1",state="old"`)
	broken := filepath.Join(c.Keys, "x.pub")
	os.WriteFile(broken, []byte("x"), 0o600)
	says(`gatehouse_guard_keys_broken\{lane="up"\} 1`)
	os.Remove(broken)
	says(`gatehouse_guard_keys_broken\{lane="up"\} 0`)
	for name := range parts(t, c.Keys, "extranet.sign.*.pub") {
		id := strings.Split(name, ".")[2]
		said := run(t, 0, "keys", "revoke", "-dir", c.Keys, "-key", id[:4]+"-"+id[4:])
		if !strings.Contains(said, "those of extranet and up-guard and intranet") {
			t.Errorf("to whom: %s", said)
		}
	}
	says(`party="extranet",use="sign",key="[0-9a-f]{16}",suite="0",state="revoked"`)
	says(`gatehouse_guard_key_alarm\{lane="up",party="extranet",use="sign"\} 1`)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
