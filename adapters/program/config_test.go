package program

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gatehouse/adapters/release"
	"gatehouse/configs"
)

// TestWrongSettingsNameTheirLine changes one line of the sample at a time.
func TestWrongSettingsNameTheirLine(t *testing.T) {
	sample, err := os.ReadFile("../../configs/office.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(sample), "\n")
	for _, c := range []struct{ line, wrong, want string }{
		{"listen: ${", "listen: 9090", `listen: is "9090"; write host:port`},
		{"store: ${", "store: file", "store: must begin with sqlite: or postgres://"},
		{"undo: 1m", "undo: 2h", "undo: is 2h0m0s; from 0s to 1h"},
		{"  check: ", "  check: http://portlumen.example", `documents.check: is "http://portlumen.example"; an address that begins with https://`},
		{"    bold: []", "    bold: [/none.ttf]", "documents.fonts.bold.0: stat /none.ttf"},
		{"  sample_percent: 5", "  sample_percent: 500", "release.sample_percent: is 500; from 1 to 100"},
		{"  rules: []", "  rules: [{policy: auto}]", `release.rules.0: policy is "auto"; write clean or second`},
		{"  officer_per_day: 200", "  officer_per_day: -1", "release.officer_per_day: is -1"},
		{"    off: []", "    off: [cards]", `release.leak.off.0: is "cards"; known are card`},
		{"    canaries: []", "    canaries: [abc]", "release.leak.canaries.0: is not 32 hex digits"},
		{"demo: false", "demo: perhaps", "demo: must be true or false"},
		{"  lifetime: 10h", "  lifetime: 99h", "console.lifetime: must be between"},
		{"  isolation: ${", "  isolation: full", `exchange.isolation: is "full"; state physical, logical or none`},
		{"  keys: ${", "  keyring: x", "exchange.keyring: is not a known key"},
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
			err := configs.Parse("office.yaml", []byte(strings.Join(changed, "\n")), &cfg, func(string) (string, bool) { return "", false })
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "office.yaml:"+strconv.Itoa(n+1)+":") {
				t.Fatalf("line %d: got %v", n+1, err)
			}
		})
	}
}

func TestManyOfficesNameTheirKeyFile(t *testing.T) {
	for store, want := range map[string]bool{"postgres://office@db/office": true, "sqlite:./data/office.db": false} {
		c := Config{Store: store}
		if err := c.Validate(); strings.Contains(err.Error(), "key_file: is empty") != want {
			t.Errorf("%s: %v", store, err)
		}
	}
}

// TestSampleOverTLS: the sample with its blocks for TLS in place of the folders is right.
func TestSampleOverTLS(t *testing.T) {
	b, err := os.ReadFile("../../configs/office.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^  (up|down): .*\n`).ReplaceAllString(string(b), "")
	text = regexp.MustCompile(`(?m)^#(  (  )*(up|down|tls|listen|cert|key|ca|fingerprints|dir): ?)`).ReplaceAllString(text, "$1")
	var c Config
	if err := configs.Parse("office.yaml", []byte(text), &c, func(string) (string, bool) { return "", false }); err != nil {
		t.Fatal(err)
	}
	if c.Exchange.Up.Kind() != "tls" || c.Exchange.Down.Kind() != "tls" {
		t.Errorf("links are %s and %s", c.Exchange.Up.Kind(), c.Exchange.Down.Kind())
	}
}

func TestSampleReleaseIsTheDefault(t *testing.T) {
	c, err := sample(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, got := release.Config{}.WithDefaults(), c.Release
	if got.SamplePercent != want.SamplePercent || got.ReviewWithin != want.ReviewWithin || got.LapseAfter != want.LapseAfter || got.OfficerPerDay != want.OfficerPerDay || got.TemplatePerDay != want.TemplatePerDay {
		t.Errorf("the sample says %+v, the defaults are %+v", got, want)
	}
}
