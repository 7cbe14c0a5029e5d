// Package sandbox takes from a process all that the decoding of one foreign file does not need.
//
// The rule: a process enters before it has read the first byte of what is foreign, and there is no way back out.
// What it keeps are the files handed to it, memory and time within its limits, and an end.
//
// With namespaces it has its own users, mounts (an empty root), network (none), processes and IPC. Always it has
// limits, no environment, no new privileges, and a list of system calls without open, exec, socket or fork; a call
// outside the list ends it. On a processor other than amd64 and arm64 the list is not applied and Enter says so.
package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Limits of one process.
type Limits struct {
	Memory     int64         // bytes beyond what the program itself maps at its start
	CPU        time.Duration // of all its threads; whole seconds, rounded up
	Output     int64         // bytes of a file that it writes
	Namespaces bool          // it was started with them, by Attr
}

// Attr gives how a process is started: in its own namespaces if asked for, and ended with the thread that started
// it, so that thread must be locked until it ends.
func Attr(namespaces bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if namespaces {
		a.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return a
}

// Enter shuts this process in, for good. Go code runs on in it.
func Enter(l Limits) error {
	runtime.GOMAXPROCS(1)
	debug.SetMemoryLimit(l.Memory * 3 / 4) // collect before the hard limit ends it
	if err := l.beyond(); err != nil {
		return err
	}
	if l.Namespaces {
		if err := emptyRoot(); err != nil {
			return err
		}
	}
	if err := limit(l, 16); err != nil {
		return err
	}
	return filterCalls(decoderCalls(), unix.SECCOMP_RET_KILL_PROCESS)
}

// Become shuts this process in and turns it into the program at path, which sees its libraries and fonts alone. It
// returns only an error.
func Become(l Limits, path string, args ...string) error {
	runtime.LockOSThread()
	if err := l.beyond(); err != nil {
		return err
	}
	if l.Namespaces {
		if err := libraryRoot(); err != nil {
			return err
		}
		for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
				return fmt.Errorf("drop capability: %w", err)
			}
		}
	}
	if err := limit(l, 64); err != nil {
		return err
	}
	if err := filterCalls(append(decoderCalls(), rendererCalls()...), unix.SECCOMP_RET_ERRNO|uint32(unix.EPERM)); err != nil {
		return err
	}
	return fmt.Errorf("start %s: %w", path, unix.Exec(path, append([]string{path}, args...), nil))
}

// limit sets the hard limits of this process.
func limit(l Limits, files uint64) error {
	seconds := uint64((l.CPU + time.Second - 1) / time.Second)
	all := []struct {
		what  int
		value uint64
	}{
		{unix.RLIMIT_CORE, 0}, {unix.RLIMIT_NOFILE, files}, {unix.RLIMIT_CPU, seconds},
		{unix.RLIMIT_FSIZE, uint64(l.Output)}, {unix.RLIMIT_AS, uint64(l.Memory)},
		{unix.RLIMIT_MEMLOCK, 0}, {unix.RLIMIT_MSGQUEUE, 0},
	}
	if l.Namespaces { // without them it would count what else this user runs
		all = append(all, struct {
			what  int
			value uint64
		}{unix.RLIMIT_NPROC, 64})
	}
	for _, x := range all {
		if err := unix.Setrlimit(x.what, &unix.Rlimit{Cur: x.value, Max: x.value}); err != nil {
			return fmt.Errorf("set limit %d: %w", x.what, err)
		}
	}
	return nil
}

// beyond makes the limit of memory count from what this process maps now: Go reserves much that it never uses, and
// below that it could not even start another program.
func (l *Limits) beyond() error {
	own, err := mapped()
	l.Memory += own
	return err
}

// mapped is the address space of this process in bytes.
func mapped() (int64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, fmt.Errorf("own memory: %w", err)
	}
	pages, err := strconv.ParseInt(strings.SplitN(string(b), " ", 2)[0], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("own memory: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
}
