package gateway_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/text"
)

var update = flag.Bool("update", false, "write the golden transcripts anew")

// TestScripts plays testdata/scripts/*.txt. A "C" line is texted, "G" is what comes back ("G -" is silence), "@" moves
// the clock, "#" is a comment. With -update the G lines are written as they come.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("scripts: %v %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(b))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			compare(t, string(b), got)
		})
	}
}

func play(t *testing.T, script string) string {
	t.Helper()
	w := newWorld(t)
	w.tokens = func() string { return "k4m2xq97w3d8r" }
	var out strings.Builder
	for line := range strings.Lines(script) {
		line = strings.TrimRight(line, "\n")
		kind, said, _ := strings.Cut(line, " ")
		if kind == "G" || strings.HasPrefix(line, "# crossed") {
			continue
		}
		out.WriteString(line + "\n")
		switch kind {
		case "@":
			at, err := time.Parse(time.DateTime, said)
			if err != nil {
				t.Fatal(err)
			}
			w.now = at.UTC()
		case "C":
			reply := w.text(said)
			if n := text.Measure(reply).Segments; n > 3 {
				t.Errorf("%q is answered in %d segments: %s", said, n, reply)
			}
			if reply == "" {
				reply = "-"
			}
			fmt.Fprintf(&out, "G %s\n", strings.ReplaceAll(reply, "\n", " / "))
		}
	}
	for _, c := range w.crossed {
		fmt.Fprintf(&out, "# crossed %s\n", brief(c))
	}
	return out.String()
}

func compare(t *testing.T, want, got string) {
	t.Helper()
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			t.Errorf("line %d is\n  %s\nwant\n  %s", i+1, y, x)
			return
		}
	}
}

func TestTranscriptOnOtherChannels(t *testing.T) {
	w := newWorld(t)
	if got := w.say(tab, "BOOK"); !strings.HasPrefix(got, "Pickup 1/4. Where?") {
		t.Fatalf("web says %s", got)
	}
	w.say(tab, "14 quay st")
	if o := w.last.Deliveries[0].Message.Options; len(o) != 2 || o[0].Value != "1" {
		t.Errorf("a place is confirmed with buttons, not %v", o)
	}
	w.say(tab, "1")
	if o := w.last.Deliveries[0].Message.Options; len(o) != 4 || o[2] != (channels.Option{Label: "Mattress", Value: "mattress"}) {
		t.Errorf("items have buttons, not %v", o)
	}
	// The same person goes on by Telegram: the form comes along.
	if got := w.say(bot, "go"); !strings.Contains(got, "3 Mattress") {
		t.Errorf("on the other channel: %s", got)
	}
	w.say(bot, "mattress")
	if got := w.say(bot, "2026-12-03"); !strings.Contains(got, "3 Day: Thu 3 Dec") {
		t.Errorf("a pressed day gives %s", got)
	}
	if got := w.say(bot, "SEND"); !strings.Contains(got, "Reference PL-") {
		t.Errorf("sent: %s", got)
	}
	if c := w.lastCase(); c.Channel != "chat" || c.Trust != "carrier" || c.Party != "c1" {
		t.Errorf("the case says %+v", c)
	}
}
