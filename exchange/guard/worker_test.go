package guard

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/guard/media"
	"gatehouse/exchange/guard/sandbox"
)

// handed gives b as a file without a name, and an empty one for what is rebuilt.
func handed(t testing.TB, b []byte) (in, out *os.File) {
	t.Helper()
	c, err := openCustody(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []**os.File{&in, &out} {
		if *f, err = c.scratch(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*f).Close() })
	}
	if _, err := in.Write(b); err != nil {
		t.Fatal(err)
	}
	return in, out
}

// built is the guard's program as it is shipped, built once for all tests: with the race detector a child starts slowly.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gatehouse-guard-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "guard")
	if out, err := exec.Command("go", "build", "-o", file, "../cmd/guard").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the guard: %w: %s", err, out)
	}
	return file, nil
})

// newWorker has the built guard as its children.
func newWorker(t testing.TB, c WorkerConfig) *Worker {
	t.Helper()
	w := itself(t, c)
	var err error
	if w.program, err = built(); err != nil {
		t.Fatal(err)
	}
	return w
}

// itself has this very program as its children, as a guard does.
func itself(t testing.TB, c WorkerConfig) *Worker {
	t.Helper()
	w, err := NewWorker(c)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func policy() media.Policy { return media.Policy{}.WithDefaults() }

func contentOf(t testing.TB, f *os.File) []byte {
	t.Helper()
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<40))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWorkerProbe(t *testing.T) {
	for mode, want := range map[string]int{SandboxNamespaces: 0, SandboxNone: 1} {
		notes, err := itself(t, WorkerConfig{Sandbox: mode}).Probe(t.Context(), policy())
		if err != nil || len(notes) != want {
			t.Errorf("%s: %v, %v", mode, notes, err)
		}
	}
}

func TestWorkerRebuildsAPicture(t *testing.T) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 300, 200)), nil); err != nil {
		t.Fatal(err)
	}
	in, out := handed(t, append(b.Bytes(), "what follows"...))
	a, err := itself(t, WorkerConfig{}).Judge(t.Context(), in, media.Task{Ext: "jpg", Room: 1 << 20, Policy: policy()}, out)
	if err != nil || a.Reason != exchange.ReasonNone || !a.Rebuilt {
		t.Fatalf("%+v, %v", a, err)
	}
	made := contentOf(t, out)
	if bytes.Contains(made, []byte("what follows")) || media.Verify(made, "jpg") != nil {
		t.Errorf("%d bytes were written, %v", len(made), media.Verify(made, "jpg"))
	}
}

// TestKilledStarterLeavesNobody: a guard that is killed while it starts children leaves none of them behind. A child is
// a copy of the guard until it becomes another program: it holds the lock on the log, and nobody could start again.
func TestKilledStarterLeavesNobody(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		mark := fmt.Sprintf("starter-%d-%d", os.Getpid(), i)
		// A thread writes when it tells a child that its namespace is set: there it is killed.
		c := exec.Command("strace", "-f", "-b", "execve", "-qq", "-o", "/dev/null", "-e", "trace=write",
			"-e", fmt.Sprintf("inject=write:signal=KILL:when=%d", 1+i), self, mark)
		c.Env = append(os.Environ(), "GUARD_STARTER=1")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(time.Minute)
		for len(called(mark)) > 0 {
			if time.Now().After(deadline) {
				left := called(mark)
				for _, pid := range left {
					_ = exec.Command("kill", "-9", pid).Run()
				}
				t.Fatalf("round %d: processes %v were left", i, left)
			}
			time.Sleep(time.Millisecond)
		}
		_ = c.Wait() // it ends with the last of them
	}
}

// startOnAndOn starts children from several goroutines until it is killed.
func startOnAndOn() {
	w := &Worker{program: "/bin/true"}
	for range 16 {
		go func() {
			for {
				s := w.start([]string{"true"}, &os.ProcAttr{Sys: sandbox.Attr(true)})
				if _, err := s.process(); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				s.wait()
			}
		}()
	}
	select {}
}

// called lists the processes whose command line has the word.
func called(word string) (pids []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && bytes.Contains(b, []byte(word)) {
			pids = append(pids, filepath.Base(filepath.Dir(f)))
		}
	}
	return pids
}
