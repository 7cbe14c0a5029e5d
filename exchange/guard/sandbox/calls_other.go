//go:build !amd64

package sandbox

// olderCalls are calls that newer processors never had.
func olderCalls() []uintptr { return nil }
