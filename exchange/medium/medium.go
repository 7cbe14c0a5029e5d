// Package medium carries a link's envelopes on removable media: Export moves what lies in a link's directory to a
// medium, Import takes it into the directory of the next hop.
//
// The rule: a medium is foreign. What lies on it counts only when its sender's signed manifest names it and its digest
// holds; nothing leaves the source before it is durable on the medium and was read back; and both may be repeated,
// because an envelope that comes twice is known by its number.
//
// Each export makes one folder on the medium, with the manifest written last: a folder without one was half copied.
// Nothing on a medium is ever deleted here; wipe it once the far end's receipts are in.
package medium

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/spool"

	"golang.org/x/sys/unix"
)

// ManifestName is the file that makes a folder on the medium whole.
const ManifestName = "manifest"

// folderForm is how an export names its folder; the link and the moment, for people.
const folderForm = "gatehouse-%s-%s"

// MaxFolders bounds the exports on one medium.
const MaxFolders = 1000

// Options of Export and Import.
type Options struct {
	Link   string         // the directory of the link
	Medium string         // the mounted medium, or a folder on it
	Ring   *exchange.Ring // of the party that exports or imports
	Now    time.Time
	// Progress is called after each file; nil: nobody.
	Progress func(done, total int)
}

// Report is what was done.
type Report struct {
	Folders []string // on the medium
	Moved   int      // envelopes carried or taken
	Bytes   int64
	// First and Last are the lowest and highest number.
	First, Last exchange.Carried
	// Refused names what may not pass or is missing, with the reason; Import alone.
	Refused []string
	// Gaps are numbers between those on the medium that are not on it: they crossed before, or come on another; Import
	// alone.
	Gaps []string

	before exchange.Carried
}

// ErrNothing means that no envelope lies in the link.
var ErrNothing = errors.New("nothing lies in the link")

// Export copies at most exchange.MaxCarried envelopes of the link that the ring's party sends over, lowest numbers
// first, then removes them from the link's directory. Call it again while it moves that many. After an error nothing
// was removed; a half-copied folder is removed from the medium where that is possible, and refused by Import where
// not.
func Export(s exchange.Stretch, o Options) (Report, error) {
	link, err := spool.Open(spool.Config{Dir: o.Link}, slog.New(slog.DiscardHandler))
	if err != nil {
		return Report{}, fmt.Errorf("export: %w", err)
	}
	names, err := link.Names()
	if err != nil {
		return Report{}, fmt.Errorf("export: %w", err)
	}
	if len(names) == 0 {
		return Report{}, fmt.Errorf("export: %s: %w", o.Link, ErrNothing)
	}
	names = names[:min(len(names), exchange.MaxCarried)]
	folder, err := newFolder(o.Medium, s, o.Now)
	if err != nil {
		return Report{}, fmt.Errorf("export: %w", err)
	}
	r, err := fill(folder, s, link, names, o)
	if err != nil {
		os.RemoveAll(folder)
		return Report{}, fmt.Errorf("export: %w", err)
	}
	if err := link.Forget(names); err != nil {
		return r, fmt.Errorf("export: all is on the medium, but the link keeps some: %w", err)
	}
	return r, nil
}

// newFolder makes one of a name that is not there yet.
func newFolder(medium string, s exchange.Stretch, now time.Time) (string, error) {
	base := filepath.Join(medium, fmt.Sprintf(folderForm, s, now.UTC().Format("20060102T150405Z")))
	for n := 1; n <= MaxFolders; n++ {
		path := base
		if n > 1 {
			path = fmt.Sprintf("%s-%d", base, n)
		}
		if err := os.Mkdir(path, 0o755); !errors.Is(err, os.ErrExist) {
			return path, err
		}
	}
	return "", fmt.Errorf("%s: %d folders of this moment are there", medium, MaxFolders)
}

// fill copies the files, each durable, reads them back, and writes the manifest last.
func fill(folder string, s exchange.Stretch, link *spool.Link, names []string, o Options) (Report, error) {
	r := Report{Folders: []string{folder}}
	var files []exchange.Carried
	for i, n := range names {
		e, err := link.Read(n)
		if err != nil {
			return r, fmt.Errorf("%s: %w; put it aside by hand and export again", n, err)
		}
		if e.Lane != s.Lane() {
			return r, fmt.Errorf("%s: is of the lane %s, not of link %s", n, e.Lane, s)
		}
		sum := sha256.Sum256(e.Bytes)
		c := exchange.Carried{Name: n, Epoch: e.Epoch, Seq: e.Seq, Size: int64(len(e.Bytes)), SHA256: hex.EncodeToString(sum[:])}
		if err := write(filepath.Join(folder, n), e.Bytes); err != nil {
			return r, err
		}
		files = append(files, c)
		r.Moved, r.Bytes = r.Moved+1, r.Bytes+c.Size
		if o.Progress != nil {
			o.Progress(i+1, len(names))
		}
	}
	if err := syncDir(folder); err != nil {
		return r, err
	}
	for _, c := range files {
		if _, err := check(folder, c); err != nil {
			return r, fmt.Errorf("the medium did not keep %s: %w", c.Name, err)
		}
	}
	b, err := o.Ring.SignManifest(s, files, o.Now)
	if err != nil {
		return r, err
	}
	r.First, r.Last = files[0], files[len(files)-1]
	return r, finish(folder, b)
}

// finish puts the manifest in place, so that a reader never sees half of it.
func finish(folder string, manifest []byte) error {
	half := filepath.Join(folder, "."+ManifestName)
	if err := write(half, manifest); err != nil {
		return err
	}
	if err := os.Rename(half, filepath.Join(folder, ManifestName)); err != nil {
		return err
	}
	return errors.Join(syncDir(folder), syncDir(filepath.Dir(folder)))
}

// write makes a file and sees it through to the medium; what is read back later comes from there as far as the system
// can be told to.
func write(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) // advice: not every file system takes it
	}
	return errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, unix.EINVAL) { // a file system whose folders need no sync, such as FAT
		err = nil
	}
	return errors.Join(err, d.Close())
}

// What is wrong with a file on the medium.
var (
	errAltered  = errors.New("is altered")
	errNoFile   = errors.New("is no plain file")
	errTooLarge = errors.New("is too large")
)

// check reads one file of the manifest: plain, of the size and digest that it names.
func check(folder string, c exchange.Carried) ([]byte, error) {
	if c.Size <= 0 || c.Size > exchange.MaxEnvelope {
		return nil, fmt.Errorf("%w: %d bytes", errTooLarge, c.Size)
	}
	b, err := readPlain(filepath.Join(folder, c.Name), c.Size)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(b); int64(len(b)) != c.Size || hex.EncodeToString(sum[:]) != c.SHA256 {
		return nil, errAltered
	}
	return b, nil
}

// readPlain reads at most most bytes of a plain file, never through a symbolic link.
func readPlain(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("%w: a symbolic link", errNoFile)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNoFile
	case info.Size() > most:
		return nil, fmt.Errorf("%w: %d bytes, not %d", errTooLarge, info.Size(), most)
	}
	return io.ReadAll(io.LimitReader(f, most))
}
