package program

import (
	"bytes"
	"context"
	"path/filepath"
	"syscall"
	"testing"

	"gatehouse/exchange"
)

// TestReadOnlyDisk: the file system of one stage at a time is made read-only under running guards, as a kernel does
// after a fault: the link that a side puts into, the link that the guard puts into, the guard's journal. Nothing is
// acknowledged and nothing goes on meanwhile; when it can be written again, all goes on by itself, once.
func TestReadOnlyDisk(t *testing.T) {
	for stage, dir := range map[string]string{"link A": "a", "link B": "b", "journal": "up"} {
		t.Run(stage, func(t *testing.T) {
			c := openCity(t)
			disk := filepath.Join(c.dir, dir)
			mount(t, disk, "16m")
			ctx, cancel := context.WithCancel(t.Context())
			ext := c.port(ctx, exchange.Extranet)
			c.port(ctx, exchange.Intranet)
			c.start(exchange.Up)
			c.start(exchange.Down)
			c.fileCase(0)
			ext.Nudge()
			await(t, "the first case", func() bool { return c.up.out.Open() == 0 })
			readOnly(t, disk, true)
			c.fileCase(1)
			ext.Nudge()
			await(t, "a fault that is felt", func() bool {
				return felt(c.said()) && bytes.Contains(c.said(), []byte(syscall.EROFS.Error())) || ext.Status().Sealed > ext.Status().Sent
			})
			c.wantParcels(c.up.in, 1) // an Ack that was on its way already may pass, the case may not
			if c.up.out.Open() == 0 {
				t.Error("the second case was acknowledged")
			}
			readOnly(t, disk, false)
			await(t, "the second case", func() bool { return c.up.out.Open() == 0 })
			c.finish(cancel, c.up.in, 2)
		})
	}
}

// readOnly changes the file system at dir. A file that is open for writing may hold it for a moment.
func readOnly(t *testing.T, dir string, on bool) {
	t.Helper()
	flags := uintptr(syscall.MS_REMOUNT)
	if on {
		flags |= syscall.MS_RDONLY
	}
	await(t, "the file system changed", func() bool { return syscall.Mount("tmpfs", dir, "tmpfs", flags, "") == nil })
}
