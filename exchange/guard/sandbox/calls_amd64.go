package sandbox

import "golang.org/x/sys/unix"

// olderCalls are calls that newer processors never had.
func olderCalls() []uintptr {
	return []uintptr{unix.SYS_ACCESS, unix.SYS_STAT, unix.SYS_LSTAT, unix.SYS_OPEN, unix.SYS_READLINK, unix.SYS_ARCH_PRCTL, unix.SYS_TIME}
}
