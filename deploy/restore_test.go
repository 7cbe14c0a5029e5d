package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWalkRestoredFromBackup puts each side back to an older copy of its store while the other went on, as an operator
// does: stop, copy back, `lane epoch` on both sides, start. Nothing is on the desk twice, nothing looks forged, both
// lanes go on; what the gateway had been told since its copy comes again.
func TestWalkRestoredFromBackup(t *testing.T) {
	w := newTown(t, townOptions{})
	ana := login(t, w.console(), "ana")
	first := w.asks("+447700900501", "is the lighthouse open at night")
	ana.decide(w.awaitCase(ana, first), "granted", "It is open until ten.")
	w.awaitText("+447700900501", "open until ten")

	w.end("up") // what is asked now is numbered and does not cross
	second := w.asks("+447700900502", "may i fly a drone over the harbour")
	w.end("gateway")
	at := time.Now().Add(-time.Minute)
	w.copied("gateway.db", "backup")
	w.start("up")
	w.back("gateway")
	ana.decide(w.awaitCase(ana, second), "refused", "The harbour is closed to drones.")
	w.awaitText("+447700900502", "closed to drones")
	third := w.asks("+447700900503", "where can i moor for one hour")
	w.awaitCase(ana, third)

	w.end("gateway")
	w.end("office")
	w.copied("backup", "gateway.db")
	w.act("gateway", "lane", "epoch")
	w.act("office", "lane", "epoch", at.UTC().Format(time.RFC3339))
	w.back("office")
	w.back("gateway")
	w.await("the decision comes again", func() bool {
		n := 0
		for _, m := range w.carriers.Texts("+447700900502") {
			n += strings.Count(m.Body, "closed to drones")
		}
		return n == 2
	})
	ana = login(t, w.console(), "ana")
	fourth := w.asks("+447700900504", "who sweeps the fish market")
	ana.decide(w.awaitCase(ana, fourth), "granted", "The market guild sweeps it.")
	w.awaitText("+447700900504", "guild sweeps it")

	w.end("office")
	w.copied("office.db", "backup")
	w.back("office")
	ana = login(t, w.console(), "ana")
	w.awaitCase(ana, w.asks("+447700900505", "is the pier lit in winter"))
	w.end("office")
	w.copied("backup", "office.db")
	w.act("office", "lane", "epoch")
	w.act("gateway", "lane", "epoch") // while it runs
	w.back("office")
	ana = login(t, w.console(), "ana")
	last := w.asks("+447700900506", "can i rent a market stall")
	ana.decide(w.awaitCase(ana, last), "granted", "Ask at the quay office.")
	w.awaitText("+447700900506", "at the quay office")

	for ref, n := range ana.queue() {
		if n != 1 {
			t.Errorf("%s is on the desk %d times", ref, n)
		}
	}
	if aside, _ := filepath.Glob(filepath.Join(w.dir, "border", "?", "refused", "*")); len(aside) != 0 {
		t.Errorf("put aside: %v", aside)
	}
}

// asks puts a question by text that goes to a person, and gives its reference.
func (w *town) asks(phone, question string) string {
	w.t.Helper()
	w.dialogue(phone, question)
	ref := refOf(w.dialogue(phone, "0"))
	if ref == "" {
		w.t.Fatalf("no reference for %q", question)
	}
	return ref
}

// back starts a program, and waits until it serves.
func (w *town) back(name string) {
	w.t.Helper()
	w.start(name)
	at := w.settings[name]
	if name == "office" {
		at = w.settings["OFFICE"]
	}
	w.awaitReady("http://" + at + "/readyz")
}

func (w *town) end(name string) {
	w.t.Helper()
	if err := w.programs[name].end(20 * time.Second); err != nil {
		w.t.Fatal(err)
	}
}

// copied replaces the files of one SQLite database by those of another: its own, its log's.
func (w *town) copied(from, to string) {
	w.t.Helper()
	for _, ending := range []string{"", "-wal", "-shm"} {
		b, err := os.ReadFile(filepath.Join(w.dir, from+ending))
		switch {
		case os.IsNotExist(err):
			err = os.RemoveAll(filepath.Join(w.dir, to+ending))
		case err == nil:
			err = os.WriteFile(filepath.Join(w.dir, to+ending), b, 0o600)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// act runs a command of a program with its configuration.
func (w *town) act(name string, words ...string) {
	w.t.Helper()
	p := w.programs[name]
	args := append([]string{words[0], words[1], "-config", p.config}, words[2:]...)
	c := exec.Command(p.bin, args...)
	c.Dir = w.dir
	if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "began") {
		w.t.Fatalf("%s %v: %v: %s", name, words, err, out)
	}
}
