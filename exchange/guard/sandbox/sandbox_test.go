package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain is the test binary's second life: shut in, it tries what it is told.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "shut-in" {
		os.Exit(shutIn(os.Args[2] == "namespaces", os.Args[3]))
	}
	os.Exit(m.Run())
}

func limits(namespaces bool) Limits {
	return Limits{Memory: 256 << 20, CPU: time.Second, Output: 1 << 20, Namespaces: namespaces}
}

// shutIn enters, tries, and ends with 0 if nobody stopped it.
func shutIn(namespaces bool, what string) int {
	if what == "become" {
		fmt.Println(Become(limits(namespaces), "/bin/sh", "-c", `for f in /* /etc/*; do echo "$f"; done; echo x >/usr/x && echo wrote; read l </etc/passwd && echo "$l"; set; /bin/true; echo end`))
		return 3
	}
	if what == "root" { // before the list of calls forbids to look
		if err := emptyRoot(); err != nil {
			fmt.Println(err)
			return 3
		}
		entries, err := os.ReadDir("/")
		_, written := os.Create("/x")
		fmt.Println("entries", len(entries), err, "may write:", written == nil)
		return 0
	}
	out := os.Stdout
	if err := Enter(limits(namespaces)); err != nil {
		fmt.Fprintln(out, err)
		return 3
	}
	fmt.Fprintln(out, "entered")
	if err := attempts()[what](); err != nil {
		fmt.Fprintln(out, err)
		return 4
	}
	fmt.Fprintln(out, "not stopped")
	return 0
}

// attempts are what a decoder that was taken over may try.
func attempts() map[string]func() error {
	call := func(nr uintptr) func() error {
		return func() error {
			_, _, errno := unix.RawSyscall(nr, 0, 0, 0)
			return fmt.Errorf("errno %d", errno)
		}
	}
	all := map[string]func() error{
		"work": func() error { _ = bytes.Repeat([]byte("x"), 10<<20); return nil },
		"memory": func() error {
			var kept [][]byte
			for range 1 << 12 {
				kept = append(kept, bytes.Repeat([]byte("x"), 1<<20))
			}
			return fmt.Errorf("%d MiB taken", len(kept))
		},
		"time": func() error {
			for i := uint64(0); ; i++ {
				if i == 1<<63 {
					return nil
				}
			}
		},
		"output": func() error {
			f := os.NewFile(3, "out")
			n, err := io.Copy(f, io.LimitReader(zeros{}, 8<<20))
			if n > 1<<20 {
				return fmt.Errorf("wrote %d bytes", n)
			}
			if err == nil {
				return errors.New("wrote too much")
			}
			syscall.Kill(0, syscall.SIGKILL) // not allowed either
			return nil
		},
		"fork": func() error {
			_, _, errno := unix.RawSyscall(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0)
			return fmt.Errorf("errno %d", errno)
		},
	}
	for name, nr := range map[string]uintptr{
		"open": unix.SYS_OPENAT, "socket": unix.SYS_SOCKET, "exec": unix.SYS_EXECVE, "kill": unix.SYS_KILL, "ptrace": unix.SYS_PTRACE,
		"mount": unix.SYS_MOUNT, "unshare": unix.SYS_UNSHARE, "keys": unix.SYS_KEYCTL, "bpf": unix.SYS_BPF, "memory of others": unix.SYS_PROCESS_VM_WRITEV,
		"uring": unix.SYS_IO_URING_SETUP, "more files": unix.SYS_DUP3, "limits": unix.SYS_PRLIMIT64,
	} {
		all[name] = call(nr)
	}
	return all
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// child runs the second life and gives what it said and how it ended.
func child(t *testing.T, namespaces bool, what string) (string, syscall.WaitStatus) {
	t.Helper()
	mode := "none"
	if namespaces {
		mode = "namespaces"
	}
	f, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := exec.Command("/proc/self/exe", "shut-in", mode, what)
	c.Env, c.Dir, c.ExtraFiles = []string{}, "/", []*os.File{f}
	c.SysProcAttr = Attr(namespaces)
	c.SysProcAttr.Pdeathsig = 0 // this test does not lock its thread
	said, err := c.Output()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatalf("%s: %v", what, err)
	}
	return string(said), c.ProcessState.Sys().(syscall.WaitStatus)
}

func TestShutInWorks(t *testing.T) {
	for _, namespaces := range []bool{true, false} {
		if said, ws := child(t, namespaces, "work"); said != "entered\nnot stopped\n" || ws.ExitStatus() != 0 {
			t.Errorf("namespaces %v: %q, %d", namespaces, said, ws)
		}
	}
}

// raceOutOfMemory is the status with which the race detector's runtime ends when the kernel gives it no more memory;
// whether it or Go's own allocator (status 2) meets the limit first is chance.
const raceOutOfMemory = 66

// TestShutInStops: every attempt ends the process, and not by its own will.
func TestShutInStops(t *testing.T) {
	for what := range attempts() {
		if what == "work" {
			continue
		}
		for _, namespaces := range []bool{true, false} {
			said, ws := child(t, namespaces, what)
			byKernel := ws.Signaled() && (ws.Signal() == syscall.SIGSYS || ws.Signal() == syscall.SIGKILL || ws.Signal() == syscall.SIGXFSZ)
			outOfMemory := what == "memory" && (ws.ExitStatus() == 2 || ws.ExitStatus() == raceOutOfMemory) && !strings.Contains(said, "taken")
			if !strings.HasPrefix(said, "entered") || strings.Contains(said, "not stopped") || !byKernel && !outOfMemory {
				t.Errorf("%s, namespaces %v: %q, signal %v, status %d", what, namespaces, said, ws.Signal(), ws.ExitStatus())
			}
		}
	}
}

func TestRootIsEmpty(t *testing.T) {
	if said, ws := child(t, true, "root"); said != "entries 0 <nil> may write: false\n" || ws.ExitStatus() != 0 {
		t.Errorf("%q, %d", said, ws)
	}
}

// TestRendererSeesLibrariesAlone: a program that the sandbox becomes sees libraries and fonts, writes nowhere, starts
// no other process and has no environment.
func TestRendererSeesLibrariesAlone(t *testing.T) {
	said, _ := child(t, true, "become")
	if !strings.Contains(said, "/usr\n") {
		t.Fatalf("it did not start: %s", said)
	}
	for _, gone := range []string{"passwd", "root:", "/proc", "/home", "HOME", "wrote", "end\n"} {
		if strings.Contains(said, gone) {
			t.Errorf("it sees %q: %s", gone, said)
		}
	}
}
