package guard

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/guard/media"
	"gatehouse/exchange/guard/mediatest"
)

// TestCorpusInTheWorker judges every file as the guard does, shut in, and holds what was rebuilt against the verifier.
func TestCorpusInTheWorker(t *testing.T) {
	t.Parallel()
	w := newWorker(t, WorkerConfig{CPU: 5 * time.Minute, Timeout: 10 * time.Minute})
	for _, f := range mediatest.Files() {
		in, out := handed(t, f.Bytes)
		a, err := w.Judge(t.Context(), in, media.Task{Ext: f.Ext, Room: 4 << 20, Policy: mediatest.Policy()}, out)
		if err != nil || a.Reason != f.Want || a.Rebuilt != f.Rebuilt {
			t.Errorf("%s: %+v, %v", f.Name, a, err)
		}
		if made := contentOf(t, out); a.Rebuilt && (media.Verify(made, f.Ext) != nil || f.Gone != "" && bytes.Contains(made, []byte(f.Gone))) {
			t.Errorf("%s: what was rebuilt: %v", f.Name, media.Verify(made, f.Ext))
		}
		in.Close()
		out.Close()
	}
}

// script is a worker that does as it likes.
func script(t *testing.T, lines string) *Worker {
	t.Helper()
	w := itself(t, WorkerConfig{Sandbox: SandboxNone, Timeout: time.Minute})
	w.program = filepath.Join(t.TempDir(), "worker.sh")
	if err := os.WriteFile(w.program, []byte("#!/bin/sh\n"+lines), 0o700); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWorkerThatFails: whatever a child does instead of its work, its file is refused and the lane goes on.
func TestWorkerThatFails(t *testing.T) {
	for name, lines := range map[string]string{
		"crashes":                  "kill -SEGV $$",
		"ends without a word":      "exit 0",
		"ends with an error":       "echo '{}' >&5; exit 3",
		"says too much":            "while :; do echo '{                                    ' >&5; done",
		"says what is no answer":   "echo hello >&5",
		"gives an unknown reason":  `echo '{"answer":{"reason":77}}' >&5`,
		"hands out a program":      `printf 'MZ' >&4; echo '{"answer":{"rebuilt":true,"check":"picture"}}' >&5`,
		"hands out nothing":        `echo '{"answer":{"rebuilt":true,"check":"picture"}}' >&5`,
		"hands out the original":   `cat <&3 >&4; echo '{"answer":{"rebuilt":true,"check":"picture"}}' >&5`,
		"hands out too much":       `head -c 9000000 /dev/zero >&4; echo '{"answer":{"rebuilt":true,"check":"picture"}}' >&5`,
		"hands out another format": `printf 'GIF89a' >&4; echo '{"answer":{"rebuilt":true,"check":"picture"}}' >&5`,
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, exchange.Up, Limits{})
			p.guard.o.Worker = script(t, lines)
			photo := mediatest.Exif(mediatest.JPEG(64, 48), 1, "48.8583 N")
			p.cross(caseWith("c1", ref("f1", "photo.jpg", photo)))
			a := p.cross(partsIn("c1", "f1", photo)[0])
			p.wantReason("part", a, exchange.ReasonFailed)
			if s := p.guard.Status(); s.Worker != 1 || a.Of != "c1" {
				t.Errorf("no alarm: %+v, falls with it: %q", s.Counts, a.Of)
			}
			p.wantReason("the next", p.cross(caseWith("c2")), exchange.ReasonNone)
		})
	}
}

func TestWorkerThatHangsIsEnded(t *testing.T) {
	w := script(t, "exec sleep 1000000")
	w.c.Timeout = 50 * time.Millisecond
	in, out := handed(t, []byte("x"))
	if _, err := w.Judge(t.Context(), in, media.Task{Policy: policy()}, out); !errors.Is(err, errWorker) {
		t.Errorf("got %v", err)
	}
}

// TestWorkerThatCantBeShutIn: then nothing can be judged, nothing is refused, and the guard says what to write.
func TestWorkerThatCantBeShutIn(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	w := script(t, `echo '{"fault":"mount: operation not permitted"}' >&5`)
	w.namespaces = true
	p.guard.o.Worker = w
	p.cross(caseWith("c1", ref("f1", "a.txt", []byte("x"))))
	e := p.origin.Seal(t, p.parcel(partsIn("c1", "f1", []byte("x"))[0]))
	for range 2 {
		if err := p.hand(e); !errors.Is(err, errSandbox) || errors.Is(err, exchange.ErrAside) {
			t.Errorf("got %v", err)
		}
	}
	if len(p.out) != 1 {
		t.Errorf("%d went on", len(p.out))
	}
	if _, err := w.Probe(t.Context(), policy()); err == nil || !strings.Contains(err.Error(), "write sandbox: none") {
		t.Errorf("the probe says %v", err)
	}
	p.guard.o.Worker = p.worker // mended: what waited goes on
	p.mustHand(e)
	p.wantReason("part", p.arrived(), exchange.ReasonNone)
}

// TestWorkerLimits: a picture within the bounds of the policy takes more memory than the worker may have.
func TestWorkerLimits(t *testing.T) {
	in, out := handed(t, mediatest.Blank(6300, 6300))
	w := newWorker(t, WorkerConfig{Memory: 128 << 20, CPU: 5 * time.Minute, Timeout: 10 * time.Minute})
	if a, err := w.Judge(t.Context(), in, media.Task{Ext: "png", Room: 64 << 20, Policy: policy()}, out); !errors.Is(err, errWorker) {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestWorkerConfigFaults(t *testing.T) {
	if err := (WorkerConfig{}).Validate(); err != nil {
		t.Error(err)
	}
	err := WorkerConfig{Sandbox: "x", Memory: 1, CPU: 1, Timeout: 1, Pdftoppm: "pdftoppm"}.Validate()
	for _, key := range []string{"sandbox", "memory", "cpu", "timeout", "pdftoppm"} {
		if err == nil || !strings.Contains(err.Error(), key+": ") {
			t.Errorf("%s is not named: %v", key, err)
		}
	}
}
