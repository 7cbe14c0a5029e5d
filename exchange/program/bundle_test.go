package program

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/bundle"
)

// TestBundleByCommand: key, make, verify, install; then the guard starts on it, says its age, and not on a changed one.
func TestBundleByCommand(t *testing.T) {
	dir := t.TempDir()
	rules, own := filepath.Join(dir, "rules"), filepath.Join(dir, "bundles")
	for _, d := range []string{rules, own} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(rules, "guard.yaml"), []byte("lane: up\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	file, key, pub := filepath.Join(dir, "b"), filepath.Join(dir, bundle.OperatorKey), filepath.Join(dir, bundle.OperatorPub)
	run := func(code int, said string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		if got := Main(append([]string{"bundle"}, args...), &out, &out); got != code || !strings.Contains(out.String(), said) {
			t.Errorf("%v: code %d, said %q", args, got, out.String())
		}
	}
	run(0, "keep ", "key", "-dir", dir)
	run(1, "exists", "key", "-dir", dir)
	run(0, "1 files, 9 bytes", "make", "-key", key, "-from", rules, "-out", file)
	run(0, "guard.yaml", "verify", "-pub", pub, file)
	run(1, "operator.pub", "install", "-dir", own, file)
	run(2, "guard bundle make", "make")
	run(2, "guard bundle make")
	b, err := os.ReadFile(pub)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(own, bundle.OperatorPub), b, 0o644); err != nil {
		t.Fatal(err)
	}
	run(0, "current: made ", "install", "-dir", own, file)
	run(1, "not newer", "install", "-dir", own, file)
	c := good(t, exchange.Up)
	c.Bundle = own
	if _, err := Check(&c); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(own, bundle.Current, "guard.yaml"), []byte("lane: on\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(&c); err == nil || !strings.HasPrefix(err.Error(), "bundle: ") {
		t.Errorf("a changed rule: %v", err)
	}
	if err := Run(context.Background(), c, slog.New(slog.DiscardHandler)); err == nil || !strings.HasPrefix(err.Error(), "bundle: ") {
		t.Errorf("runs on a changed rule: %v", err)
	}
}

// TestBundleAgeIsAnAlarm: over three days, or none that is genuine, and said once.
func TestBundleAgeIsAnAlarm(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	if err := bundle.MakeKey(dir); err != nil {
		t.Fatal(err)
	}
	rules := filepath.Join(dir, "rules")
	if err := os.Mkdir(rules, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(rules, "x"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	age := &bundleAge{dir: dir, lane: exchange.Up, log: slog.New(slog.NewTextHandler(&said, nil))}
	stale := `gatehouse_guard_bundle_stale{lane="up"} 1`
	if !strings.Contains(age.text(now), stale) {
		t.Error("no bundle is no alarm")
	}
	file := filepath.Join(dir, "b")
	if _, err := bundle.Make(filepath.Join(dir, bundle.OperatorKey), rules, file, now); err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Install(dir, file); err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]bool{0: false, bundle.MaxAge - 2*time.Second: false, bundle.MaxAge + 2*time.Second: true, 24 * 365 * time.Hour: true, -2 * time.Hour: true} {
		if got := strings.Contains(age.text(now.Add(after)), stale); got != want {
			t.Errorf("after %s: alarm %v", after, got)
		}
	}
	said.Reset()
	age.said = false
	for range 3 {
		age.text(now.Add(2 * bundle.MaxAge))
	}
	if n := strings.Count(said.String(), "bundle is stale"); n != 1 {
		t.Errorf("said %d times", n)
	}
	if (&bundleAge{}).text(now) != "" {
		t.Error("a guard without bundles speaks of one")
	}
}
