package program

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/configs"
	"gatehouse/exchange"
	"gatehouse/exchange/guard"
	"gatehouse/exchange/tls"
)

// good is a configuration in a directory with keys for all parties.
func good(t *testing.T, lane exchange.Lane) Config {
	t.Helper()
	dir := t.TempDir()
	if err := exchange.MakeKeys(filepath.Join(dir, "keys"), exchange.Parties(), time.Now()); err != nil {
		t.Fatal(err)
	}
	c := Config{
		Lane: lane, Isolation: "none", In: Link{Dir: filepath.Join(dir, "in")}, Out: Link{Dir: filepath.Join(dir, "out")},
		LogFile: filepath.Join(dir, "log", "guard.log"), Dir: filepath.Join(dir, "guard"), StatusFile: filepath.Join(dir, "guard.prom"),
	}
	c.Keys = filepath.Join(dir, "keys", string(c.Party()))
	return c
}

func TestSampleIsCompleteAndRight(t *testing.T) {
	var c Config
	if err := configs.Load("../../configs/guard.yaml", &c); err != nil {
		t.Fatal(err)
	}
	if want := (guard.Limits{}).WithDefaults(); c.Limits != want {
		t.Errorf("limits are %+v, the defaults %+v", c.Limits, want)
	}
	if d := (Config{}).WithDefaults(); c.Files != d.Files || c.Worker != d.Worker || c.Clamd != d.Clamd {
		t.Errorf("files %+v, worker %+v, clamd %+v are not the defaults", c.Files, c.Worker, c.Clamd)
	}
	if c.StatusEvery != (Config{}).WithDefaults().StatusEvery {
		t.Errorf("status_every is %s", c.StatusEvery)
	}
	b, err := os.ReadFile("../../configs/guard.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"lane", "isolation", "keys", "suites", "in", "out", "dir", "interval", "carried", "tls", "dial", "cert", "key", "ca", "fingerprints", "log_file", "bundle", "status_file", "status_every", "limits",
		"document_bytes", "file_bytes", "files_bytes", "documents_per_hour", "bytes_per_day", "pending", "log_level",
		"files", "pictures", "pdf", "office", "archives", "formulas", "max_pixels", "max_pages", "max_entries", "max_unpacked", "max_ratio",
		"worker", "sandbox", "memory", "cpu", "timeout", "pdftoppm", "clamd", "address", "max_bytes",
	} {
		if !bytes.Contains(b, []byte(key+":")) {
			t.Errorf("%s is not in the sample", key)
		}
	}
}

func TestValidateNamesEachFault(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"lane":             {func(c *Config) { c.Lane = "sideways" }, "lane: "},
		"no isolation":     {func(c *Config) { c.Isolation = "" }, "isolation: "},
		"shared, physical": {func(c *Config) { c.Isolation = "physical" }, "out.carried: "},
		"the outer one":    {func(c *Config) { c.Isolation = "physical"; c.In.Carried = true }, "out.carried: "},
		"the other lane":   {func(c *Config) { c.Lane = exchange.Down; c.Isolation = "physical"; c.Out.Carried = true }, "in.carried: "},
		"keys":             {func(c *Config) { c.Keys = "" }, "keys: "},
		"suites":           {func(c *Config) { c.Suites = []exchange.Suite{1, 3} }, "suites: "},
		"log":              {func(c *Config) { c.LogFile = "" }, "log_file: "},
		"dir":              {func(c *Config) { c.Dir = "" }, "dir: "},
		"in":               {func(c *Config) { c.In.Dir = "" }, "in: is empty"},
		"out":              {func(c *Config) { c.Out.Interval = time.Hour }, "out.interval: "},
		"one directory":    {func(c *Config) { c.Out.Dir = c.In.Dir + "/" }, "out: has the same folder as in"},
		"keys in a link":   {func(c *Config) { c.Keys = filepath.Join(c.In.Dir, "keys") }, "keys: "},
		"log in a link":    {func(c *Config) { c.LogFile = filepath.Join(c.Out.Dir, "x.log") }, "log_file: "},
		"two kinds":        {func(c *Config) { c.In.TLS = &tls.Config{} }, "in: is dir and tls at once"},
		"open port":        {func(c *Config) { c.In = Link{TLS: &tls.Config{Listen: ":1"}} }, "in.tls.listen: is written, but a guard opens no port"},
		"tls, physical":    {func(c *Config) { c.Isolation, c.Out = "physical", Link{TLS: &tls.Config{}} }, "out.tls: answers its sender"},
		"keys at a queue":  {func(c *Config) { c.In = Link{TLS: &tls.Config{Dir: filepath.Dir(c.Keys)}} }, "keys: lies in the link's folder"},
		"limits":           {func(c *Config) { c.Limits.Pending = -1 }, "limits.pending: "},
		"status":           {func(c *Config) { c.StatusEvery = -1 }, "status_every: "},
		"files":            {func(c *Config) { c.Files.PDF = "pass" }, "files.pdf: "},
		"pixels":           {func(c *Config) { c.Files.MaxPixels = -1 }, "files.max_pixels: "},
		"sandbox":          {func(c *Config) { c.Worker.Sandbox = "some" }, "worker.sandbox: "},
		"demo's sandbox":   {func(c *Config) { c.Worker.Sandbox, c.Isolation = "auto", "logical" }, "worker.sandbox: "},
		"memory":           {func(c *Config) { c.Worker.Memory = 1 }, "worker.memory: "},
		"clamd":            {func(c *Config) { c.Clamd.Address = "localhost:3310" }, "clamd.address: "},
	} {
		x := good(t, exchange.Up)
		if err := x.Validate(); err != nil {
			t.Fatal(err)
		}
		c.change(&x)
		err := x.Validate()
		if err == nil || !slices.ContainsFunc(strings.Split(err.Error(), "\n"), func(l string) bool { return strings.HasPrefix(l, c.want) }) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMainExitCodes(t *testing.T) {
	dir := t.TempDir()
	c := good(t, exchange.Up)
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	yaml := func(c Config) string {
		return fmt.Sprintf("lane: %s\nisolation: %s\nkeys: %s\nin: {dir: %s}\nout: {dir: %s}\nlog_file: %s\ndir: %s\n", c.Lane, c.Isolation, c.Keys, c.In.Dir, c.Out.Dir, c.LogFile, c.Dir)
	}
	other := c
	other.Lane = exchange.Down
	physical := c
	physical.Isolation = "physical"
	broken := c
	broken.LogFile = file("broken.log", "no log at all\n")
	made := filepath.Join(dir, "made")
	for _, x := range []struct {
		name string
		args []string
		code int
		said string
	}{
		{"check", []string{"-config", file("good.yaml", yaml(c)), "-check"}, 0, "isolation: none"},
		{"unknown key", []string{"-config", file("odd.yaml", yaml(c)+"odd: 1\n"), "-check"}, 2, "odd.yaml:8: odd: "},
		{"says physical", []string{"-config", file("physical.yaml", yaml(physical)), "-check"}, 2, "physical.yaml:5: out.carried: "},
		{"keys of the other", []string{"-config", file("other.yaml", yaml(other)), "-check"}, 2, "keys: "},
		{"broken log", []string{"-config", file("broken.yaml", yaml(broken)), "-check"}, 2, "log_file: "},
		{"no file", []string{"-config", filepath.Join(dir, "none.yaml")}, 2, "can't be read"},
		{"keys alone", []string{"keys"}, 2, "guard keys make"},
		{"keys of nobody", []string{"keys", "make", "-dir", made, "-party", "mayor"}, 2, "write one of"},
		{"keys without dir", []string{"keys", "make", "-party", "intranet"}, 2, "-dir and -party are needed"},
		{"keys make", []string{"keys", "make", "-dir", made, "-party", "up-guard"}, 0, "up-guard"},
		{"keys show, lonely", []string{"keys", "show", "-dir", filepath.Join(made, "up-guard"), "-party", "up-guard"}, 1, "no valid key of extranet to sign"},
		{"keys show", []string{"keys", "show", "-dir", c.Keys, "-party", "up-guard"}, 0, "up-guard has all it needs"},
		{"keys make, no suite", []string{"keys", "make", "-dir", made, "-party", "up-guard", "-suite", "9"}, 2, "-suite: write one of"},
		{"keys rotate nobody", []string{"keys", "rotate", "-dir", c.Keys}, 2, "-dir and -party are needed"},
		{"keys rotate in the past", []string{"keys", "rotate", "-dir", c.Keys, "-party", "up-guard", "-after", "-1h"}, 2, "-after: write"},
		{"keys rotate for a minute", []string{"keys", "rotate", "-dir", c.Keys, "-party", "up-guard", "-life", "1m"}, 2, "-life: write"},
		{"keys rotate to lend", []string{"keys", "rotate", "-dir", c.Keys, "-party", "up-guard", "-use", "lend"}, 2, "-use: write one of"},
		{"keys revoke nothing", []string{"keys", "revoke", "-dir", c.Keys}, 2, "-dir and -key are needed"},
		{"keys revoke a stranger", []string{"keys", "revoke", "-dir", c.Keys, "-key", "0000"}, 1, "write the 16 digits"},
		{"log of nothing", []string{"log", "verify"}, 2, "one file is needed"},
		{"log broken", []string{"log", "verify", broken.LogFile}, 1, "line 1"},
		{"log missing", []string{"log", "verify", filepath.Join(dir, "none")}, 1, "no such file"},
		{"log tip", []string{"log", "verify", broken.LogFile, "-tip", "x"}, 2, "-tip"},
		{"log dance", []string{"log", "dance"}, 2, "guard log verify"},
	} {
		var out bytes.Buffer
		if code := Main(x.args, &out, &out); code != x.code || !strings.Contains(out.String(), x.said) {
			t.Errorf("%s: code %d, want %d, said %q", x.name, code, x.code, out.String())
		}
	}
}

func TestRunWritesStatusAndEndsAtOnce(t *testing.T) {
	for _, lane := range []exchange.Lane{exchange.Up, exchange.Down} {
		c := good(t, lane)
		var logged bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- Run(ctx, c, slog.New(slog.NewTextHandler(&logged, nil))) }()
		await(t, "the status file", func() bool {
			b, err := os.ReadFile(c.StatusFile)
			return err == nil && bytes.Contains(b, []byte(`isolation="none"`))
		})
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("still runs")
		}
		if !strings.Contains(logged.String(), "isolation=none") {
			t.Errorf("isolation is not logged: %s", &logged)
		}
		var out bytes.Buffer
		if code := Main([]string{"log", "verify", c.LogFile}, &out, &out); code != 0 || !strings.Contains(out.String(), "whole: 1 records") {
			t.Errorf("log verify: %d, %s", code, &out)
		}
	}
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(5 * time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("not within 5 min: %s", what)
		}
	}
}

// TestImports: the guard has its links and no other way to speak over a network, and knows nothing of either side.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{else}}std {{.ImportPath}}{{end}}", "../cmd/guard").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	allowed := []string{
		"gatehouse/configs", "gatehouse/configs/command", "gatehouse/configs/secret", "gatehouse/exchange", "gatehouse/exchange/cmd/guard",
		"gatehouse/exchange/evidence", "gatehouse/exchange/guard", "gatehouse/exchange/medium", "gatehouse/exchange/program", "gatehouse/exchange/spool", "gatehouse/exchange/tls",
		"gatehouse/exchange/bundle", "gatehouse/exchange/receipt", "gatehouse/exchange/diode", "github.com/klauspost/reedsolomon", "github.com/klauspost/cpuid/v2", // the code of the diode, and its CPU probe
		"gatehouse/exchange/guard/media", "gatehouse/exchange/guard/sandbox",
		"golang.org/x/sys/unix", "golang.org/x/text/transform", "golang.org/x/text/unicode/norm",
	}
	links := []string{"net", "net/netip", "net/url", "crypto/tls"} // what crypto/tls needs; no HTTP, no SMTP
	for _, p := range strings.Fields(strings.ReplaceAll(string(out), "std ", "std:")) {
		std, isStd := strings.CutPrefix(p, "std:")
		switch {
		case isStd && !slices.Contains(links, std) && (strings.HasPrefix(std, "net/") || std == "os/exec" || std == "plugin"):
			t.Errorf("the guard imports %s", std)
		case !isStd && !slices.Contains(allowed, p) && !strings.HasPrefix(p, "go.yaml.in/yaml/v4"):
			t.Errorf("the guard imports %s, which is not in the list", p)
		}
	}
}
