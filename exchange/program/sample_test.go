package program

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"gatehouse/configs"
	"gatehouse/exchange/diode"
)

// TestSampleOverDiode: so is the sample with its diodes, and what they take by default is written there.
func TestSampleOverDiode(t *testing.T) {
	b, err := os.ReadFile("../../configs/guard.yaml")
	if err != nil {
		t.Fatal(err)
	}
	folder := regexp.MustCompile(`(?m)^  (dir|interval|carried): .*\n`)
	text := regexp.MustCompile(`(?m)^#(  diode: )`).ReplaceAllString(folder.ReplaceAllString(string(b), ""), "$1")
	text = strings.Replace(text, "isolation: ${GUARD_ISOLATION:-none}", "isolation: physical", 1)
	var c Config
	if err := configs.Parse("guard.yaml", []byte(text), &c, func(string) (string, bool) { return "", false }); err != nil {
		t.Fatal(err)
	}
	d := (diode.Config{}).WithDefaults()
	for _, want := range []string{fmt.Sprint("rate: ", d.Rate), fmt.Sprint("burst: ", d.Burst), fmt.Sprint("data: ", d.Data), fmt.Sprint("parity: ", d.Parity),
		fmt.Sprint("interleave: ", d.Interleave), fmt.Sprint("passes: ", d.Passes), fmt.Sprint("gap: ", d.Gap), fmt.Sprint("heartbeat: ", d.Heartbeat),
		fmt.Sprint("receive_buffer: ", d.ReceiveBuffer), fmt.Sprint("memory: ", d.Memory)} {
		if !strings.Contains(text, want) {
			t.Errorf("the sample does not say %s", want)
		}
	}
}

// TestSampleOverTLS: the guard's sample with its blocks for TLS in place of the folders is right, and each line of
// them counts.
func TestSampleOverTLS(t *testing.T) {
	b, err := os.ReadFile("../../configs/guard.yaml")
	if err != nil {
		t.Fatal(err)
	}
	folder := regexp.MustCompile(`(?m)^  (dir|interval|carried): .*\n`)
	text := regexp.MustCompile(`(?m)^#(  (  )?(tls|dial|cert|key|ca|fingerprints|dir): ?)`).ReplaceAllString(folder.ReplaceAllString(string(b), ""), "$1")
	load := func(text string) (c Config, err error) {
		return c, configs.Parse("guard.yaml", []byte(text), &c, func(string) (string, bool) { return "", false })
	}
	c, err := load(text)
	if err != nil || c.In.Kind() != "tls" || c.Out.Kind() != "tls" {
		t.Fatalf("%s, %s: %v", c.In.Kind(), c.Out.Kind(), err)
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		key, _, ok := strings.Cut(strings.TrimPrefix(l, "    "), ":")
		if !ok || !strings.HasPrefix(l, "    ") {
			continue
		}
		lines[i] = "    odd_" + key + ": 1"
		if _, err := load(strings.Join(lines, "\n")); err == nil || !strings.Contains(err.Error(), "tls.odd_"+key+": is not a known key") {
			t.Errorf("line %d, %s: %v", i+1, key, err)
		}
		lines[i] = l
	}
}
