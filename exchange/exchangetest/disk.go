package exchangetest

import (
	"errors"

	"gatehouse/exchange/evidence"
)

// BadDisk fails where it is told to, after the bytes went through: the worst order.
type BadDisk struct {
	evidence.Disk
	Writes, Syncs, Truncates error // what each fails with; nil: it works
}

// WriteAt writes, and fails.
func (b *BadDisk) WriteAt(p []byte, off int64) (int, error) {
	n, err := b.Disk.WriteAt(p, off)
	return n, errors.Join(err, b.Writes)
}

// Sync syncs, and fails.
func (b *BadDisk) Sync() error { return errors.Join(b.Disk.Sync(), b.Syncs) }

// Truncate does nothing when it fails.
func (b *BadDisk) Truncate(n int64) error {
	if b.Truncates != nil {
		return b.Truncates
	}
	return b.Disk.Truncate(n)
}
