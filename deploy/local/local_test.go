package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"gatehouse/configs"
	border "gatehouse/exchange/guard"
)

// sample reads configs/local.yaml as a newcomer has it, but on free ports and in a folder of its own.
func sample(t *testing.T, more map[string]string) (Config, error) {
	t.Helper()
	env := map[string]string{"DATA_DIR": t.TempDir(), "SEED": "false"}
	for _, name := range []string{"GATEWAY_LISTEN", "GATEWAY_PRIVATE_LISTEN", "SMTP_LISTEN", "OFFICE_LISTEN", "OFFICE_PRIVATE_LISTEN",
		"CARRIERS_LISTEN", "MAILBOX_LISTEN", "DNS_LISTEN"} {
		env[name] = "127.0.0.1:0"
	}
	for k, v := range more {
		env[k] = v
	}
	b, err := os.ReadFile("../../configs/local.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c Config
	return c, configs.Parse("configs/local.yaml", b, &c, func(k string) (string, bool) { v, ok := env[k]; return v, ok })
}

func TestSampleRunsAndStops(t *testing.T) {
	c, err := sample(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second start finds keys and stores
		runOnce(t, c)
	}
}

// TestGreetingIsTrue: what the guard found counts, not what the file asks for.
func TestGreetingIsTrue(t *testing.T) {
	for want, notes := range map[string][]string{
		"in a sandbox of their own, pictures and PDF made anew": {"no virus scan"},
		"WITHOUT a sandbox": {"namespaces are not permitted here: " + border.NoNamespaces, "no virus scan"},
		"PDF refused":       {"/usr/bin/pdftoppm is missing: " + border.NoRenderer},
		"does not answer":   {"the virus scanner does not answer, files wait for it (x)"},
	} {
		if got := decoded(notes); !strings.Contains(got, want) {
			t.Errorf("%v says %q", notes, got)
		}
	}
	c, err := sample(t, map[string]string{"GUARD_SANDBOX": "none"})
	if err != nil {
		t.Fatal(err)
	}
	runOnce(t, c, "WITHOUT a sandbox")
}

func runOnce(t *testing.T, c Config, more ...string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var said bytes.Buffer
	ready, done := make(chan map[string]string, 1), make(chan error, 1)
	go func() {
		done <- Run(ctx, c, &said, slog.New(slog.DiscardHandler), func(a map[string]string) { ready <- a })
	}()
	var a map[string]string
	select {
	case a = <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	for _, url := range []string{a["public_url"] + "/en/", a["public_url"] + "/readyz", "http://" + a["office"] + "/login", "http://" + a["carriers"] + "/", "http://" + a["private_listen"] + "/counter/login"} {
		r, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", url, r.Status)
		}
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("it does not stop")
	}
	for _, want := range append(more, a["public_url"], a["office"], "Isolation: none", "rosa", "stopped",
		"link A     extranet → up-guard    shared folder "+c.Data+"/border/a", "link D     down-guard → extranet", "up guard   no port",
		"isolation  gateway none, up none, down none, office none") {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, said.String())
		}
	}
}

// TestTakenPortSaysWhatMovesIt: a newcomer moves ports by the environment, and several sides have a "listen".
func TestTakenPortSaysWhatMovesIt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, name := range []string{"GATEWAY_LISTEN", "GATEWAY_PRIVATE_LISTEN", "SMTP_LISTEN", "OFFICE_LISTEN", "OFFICE_PRIVATE_LISTEN",
		"CARRIERS_LISTEN", "MAILBOX_LISTEN", "DNS_LISTEN"} {
		c, err := sample(t, map[string]string{name: l.Addr().String()})
		if err != nil {
			t.Fatal(err)
		}
		err = Run(t.Context(), c, io.Discard, slog.New(slog.DiscardHandler), func(map[string]string) {})
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), l.Addr().String()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFaultsNameTheirPart(t *testing.T) {
	c, err := sample(t, map[string]string{"CLAMD": "tcp://127.0.0.1:3310"})
	if err != nil || c.Up.Clamd.Address != "tcp://127.0.0.1:3310" || c.Down.Clamd.Address != c.Up.Clamd.Address {
		t.Errorf("the virus scanner is not taken: %v", err)
	}
	_, err = sample(t, map[string]string{"CLAMD": "127.0.0.1:3310"})
	if err == nil || !strings.Contains(err.Error(), "up.clamd.address: is") {
		t.Errorf("a virus scanner without a scheme: %v", err)
	}
	_, err = sample(t, map[string]string{"STORE": "mysql:x", "OFFICE_LISTEN": "9090", "TELEGRAM_MODE": "push"})
	for _, want := range []string{"gateway.store: must begin", "office.listen: is", "gateway.channels.chat.mode: ", "configs/local.yaml:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

// TestAllInOneIsNotIsolated: no part of this one process may state more than none, and the ends of a link meet.
func TestAllInOneIsNotIsolated(t *testing.T) {
	good, err := sample(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"gateway.exchange.isolation: is \"logical\", but all sides run in this one process": func(c *Config) { c.Gateway.Exchange.Isolation = "logical" },
		"up.isolation: is \"logical\"":   func(c *Config) { c.Up.Isolation = "logical" },
		"down.isolation: is \"logical\"": func(c *Config) { c.Down.Isolation = "logical" },
		"office.exchange.isolation: is \"physical\"": func(c *Config) {
			c.Office.Exchange.Isolation, c.Office.Exchange.Up.Carried, c.Office.Exchange.Down.Carried = "physical", true, true
		},
		"up.in: is elsewhere, but link A ends in": func(c *Config) { c.Up.In.Dir = "elsewhere" },
	} {
		c := good
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
