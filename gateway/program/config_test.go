package program

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gatehouse/configs"
)

func none(string) (string, bool) { return "", false }

// TestSampleIsRight loads the sample as an operator gets it.
func TestSampleIsRight(t *testing.T) {
	var c Config
	if err := configs.Load("../../configs/gateway.yaml", &c); err != nil {
		t.Fatal(err)
	}
	if err := c.Content(); err != nil {
		t.Fatal(err)
	}
	if c.Channels.SMS == nil || c.Channels.Email == nil || c.Channels.Chat == nil || c.Channels.Web == nil {
		t.Fatal("the sample does not show every channel")
	}
	if got, want := *c.Channels.Web, c.Channels.Web.WithDefaults(); got.MaxText != want.MaxText || got.Ping != want.Ping {
		t.Error("the sample shows other values than the defaults")
	}
}

// TestSampleKeysStayAtHome: what everybody can read signs nothing for a gateway that others reach.
func TestSampleKeysStayAtHome(t *testing.T) {
	sample, err := os.ReadFile("../../configs/gateway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for public, faults := range map[string]int{"https://gate.example.org": 3, "http://192.0.2.7:8080": 3, "http://localhost:8080": 0, "http://[::1]:8080": 0} {
		var cfg Config
		env := map[string]string{"PUBLIC_URL": public}
		err := configs.Parse("gateway.yaml", sample, &cfg, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		if got := strings.Count(fmt.Sprint(err), "is the sample's, which everybody knows"); got != faults {
			t.Errorf("%s: %d keys are refused, want %d: %v", public, got, faults, err)
		}
	}
	var cfg Config
	env := map[string]string{"PUBLIC_URL": "https://gate.example.org", "LINK_KEY": "qxJ0mTz4Rk81vbWn", "MAIL_KEY": "qxJ0mTz4Rk81vbWn", "WEB_KEY": "qxJ0mTz4Rk81vbWn"}
	if err := configs.Parse("gateway.yaml", sample, &cfg, func(name string) (string, bool) { v, ok := env[name]; return v, ok }); err != nil {
		t.Errorf("keys of one's own are refused: %v", err)
	}
}

// TestWrongSettingsNameTheirLine changes one line of the sample at a time.
func TestWrongSettingsNameTheirLine(t *testing.T) {
	sample, err := os.ReadFile("../../configs/gateway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(sample), "\n")
	for _, c := range []struct{ line, wrong, want string }{
		{"name: ${", "nam: x", "nam: is not a known key; known here: name"},
		{"listen: ${GATEWAY_L", "listen: 8080", `listen: is "8080"; write host:port`},
		{"public_url: ${", "public_url: gate.example", "public_url: is \"gate.example\"; write how carriers reach"},
		{"store: ${", "store: mysql:x", "store: must begin with sqlite: or postgres://"},
		{"key_file: ${", "key_file: \"\"", "key_file: is empty"},
		{"answers_dir: ${", "answers_dir: /nowhere/at/all", `answers_dir: is "/nowhere/at/all", which is no folder here`},
		{"link_key: ${", "link_key: short", "link_key: has 5 characters; at least 16"},
		{"redis: ${", "redis: localhost", "redis: can't be used"},
		{"log_level: ${", "log_level: loud", "log_level: "},
		{"    timeout: 15s                       # one", "    timeout: soon", "channels.sms.timeout: must be a time span"},
		{"    accents: keep", "    accents: maybe", "channels.sms.accents: "},
		{"    domain: ${MAIL", "    domain: here", "channels.email.domain: "},
		{"    mode: ${TELEGRAM", "    mode: push", "channels.chat.mode: "},
		{"    max_text: 4000", "    max_text: many", "channels.web.max_text: must be a whole number"},
		{"  isolation: ${", "  isolation: full", `exchange.isolation: is "full"; state physical, logical or none`},
		{"  up: ${EXCH", "  up: \"\"", "exchange.up: is empty"},
	} {
		t.Run(c.want, func(t *testing.T) {
			n := -1
			for i, l := range lines {
				if strings.HasPrefix(l, c.line) {
					n = i
				}
			}
			if n < 0 {
				t.Fatalf("the sample has no line %q", c.line)
			}
			changed := append([]string(nil), lines...)
			changed[n] = c.wrong
			var cfg Config
			err := configs.Parse("gateway.yaml", []byte(strings.Join(changed, "\n")), &cfg, none)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v", err)
			}
			if at := "gateway.yaml:" + strconv.Itoa(n+1) + ":"; !strings.Contains(err.Error(), at) {
				t.Errorf("does not name %s: %v", at, err)
			}
		})
	}
}

// TestSampleOverTLS: the sample with its blocks for TLS in place of the folders is right.
func TestSampleOverTLS(t *testing.T) {
	b, err := os.ReadFile("../../configs/gateway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^  (up|down): .*\n`).ReplaceAllString(string(b), "")
	text = regexp.MustCompile(`(?m)^#(  (  )*(up|down|tls|listen|cert|key|ca|fingerprints|dir): ?)`).ReplaceAllString(text, "$1")
	var c Config
	if err := configs.Parse("gateway.yaml", []byte(text), &c, func(string) (string, bool) { return "", false }); err != nil {
		t.Fatal(err)
	}
	if c.Exchange.Up.Kind() != "tls" || c.Exchange.Down.Kind() != "tls" {
		t.Errorf("links are %s and %s", c.Exchange.Up.Kind(), c.Exchange.Down.Kind())
	}
}
