package program

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gatehouse/configs"
	"gatehouse/exchange"
)

// sample reads configs/office.yaml with an environment.
func sample(t *testing.T, env map[string]string) (Config, error) {
	t.Helper()
	b, err := os.ReadFile("../../configs/office.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c Config
	return c, configs.Parse("configs/office.yaml", b, &c, func(k string) (string, bool) { v, ok := env[k]; return v, ok })
}

func TestEveryFaultIsNamed(t *testing.T) {
	_, err := sample(t, map[string]string{"OFFICE_NAME": " ", "OFFICE_LISTEN": "9090", "OFFICE_STORE": "mysql:x", "ISOLATION": "air"})
	for _, want := range []string{"listen: is", "store: must begin", "exchange.isolation: is"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	var c Config
	err = configs.Parse("office.yaml", []byte("name: x\ndemo: true\nstaff:\n  - {id: Rosa, roles: [boss]}\ncolour: red\n"), &c, os.LookupEnv)
	for _, want := range []string{"office.yaml:5", "colour"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	err = configs.Parse("office.yaml", []byte("name: x\ndemo: true\nstaff:\n  - {id: Rosa, roles: [boss]}\n"), &c, os.LookupEnv)
	for _, want := range []string{"staff.0", "roles", "staff: is not empty although demo is true"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestPassword(t *testing.T) {
	var out, errs bytes.Buffer
	if code := Password(strings.NewReader("correct horse battery\n"), &out, &errs); code != 0 || !strings.HasPrefix(out.String(), "$argon2id$") {
		t.Errorf("%d, %q, %q", code, out.String(), errs.String())
	}
	if code := Password(strings.NewReader("short\n"), &out, &errs); code != 2 || strings.Contains(errs.String(), "short") {
		t.Errorf("%d, %q", code, errs.String())
	}
}

// TestStoppedWhileItOpens: an office that is told to stop at its first start, before it is ready or at any moment of it, ends
// without an error, and the next start finds the store as it should be.
func TestStoppedWhileItOpens(t *testing.T) {
	dir := t.TempDir()
	if err := exchange.MakeKeys(filepath.Join(dir, "keys"), exchange.Parties(), time.Now()); err != nil {
		t.Fatal(err)
	}
	c, err := sample(t, map[string]string{"OFFICE_STORE": "sqlite:" + filepath.Join(dir, "office.db"), "OFFICE_KEY_FILE": filepath.Join(dir, "office.key"), "EXCHANGE_KEYS": filepath.Join(dir, "keys", "intranet"),
		"EXCHANGE_UP": filepath.Join(dir, "b"), "EXCHANGE_DOWN": filepath.Join(dir, "c"), "OFFICE_LISTEN": "127.0.0.1:0", "OFFICE_PRIVATE_LISTEN": "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() { // the store's file is there, and the answers are going in
		defer stop()
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(dir, "office.db")); err == nil {
				return
			}
			<-time.After(time.Millisecond)
		}
	}()
	if err := Run(ctx, c, Options{Log: slog.New(slog.DiscardHandler), Ready: func(map[string]string) { stop() }}); err != nil {
		t.Errorf("while it opened: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(gone, c, Options{Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Errorf("before it began: %v", err)
	}
	ctx, stop = context.WithCancel(t.Context())
	defer stop()
	ready := false
	if err := Run(ctx, c, Options{Log: slog.New(slog.DiscardHandler), Ready: func(map[string]string) { ready = true; stop() }}); err != nil || !ready {
		t.Errorf("started again: ready %v, %v", ready, err)
	}
}

// TestRunAndStop starts the whole office on ports of its own, and ends it within five seconds without a trace.
func TestRunAndStop(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	if err := exchange.MakeKeys(filepath.Join(dir, "keys"), exchange.Parties(), time.Now()); err != nil {
		t.Fatal(err)
	}
	c, err := sample(t, map[string]string{"OFFICE_STORE": "sqlite:" + filepath.Join(dir, "office.db"), "OFFICE_KEY_FILE": filepath.Join(dir, "office.key"), "EXCHANGE_KEYS": filepath.Join(dir, "keys", "intranet"),
		"EXCHANGE_UP": filepath.Join(dir, "b"), "EXCHANGE_DOWN": filepath.Join(dir, "c"), "OFFICE_LISTEN": "127.0.0.1:0", "OFFICE_PRIVATE_LISTEN": "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan map[string]string, 1), make(chan error, 1)
	go func() {
		ended <- Run(ctx, c, Options{Log: slog.New(slog.DiscardHandler), Ready: func(a map[string]string) { ready <- a }})
	}()
	var at map[string]string
	select {
	case at = <-ready:
	case err := <-ended:
		t.Fatal(err)
	case <-time.After(2 * time.Minute):
		t.Fatal("not ready")
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	for url, want := range map[string]int{at["office"] + "/healthz": 200, at["office"] + "/readyz": 200, at["office"] + "/login": 200,
		at["office"] + "/": 303, at["office"] + "/metrics": 404, at["office"] + "/debug/pprof/": 404,
		at["office_private"] + "/metrics": 200, at["office_private"] + "/debug/pprof/": 200, at["office_private"] + "/login": 404} {
		if got, body := get(t, client, url); got != want {
			t.Errorf("%s: %d, want %d: %s", url, got, want, body)
		}
	}
	if _, body := get(t, client, at["office_private"]+"/metrics"); !strings.Contains(body, `gatehouse_records{state="open"} 0`) {
		t.Errorf("metrics: %s", body)
	}
	client.CloseIdleConnections()
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("does not end")
	}
}

func get(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://%s", url), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}
