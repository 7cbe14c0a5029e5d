// Package evidence is the hash-chained log of what crossed, as the guards and both sides keep it, and what can be shown
// with it: that nothing was changed, cut or reordered, and that all of them tell the same.
//
// The rule: a record is durable before what it tells of goes on, it holds no content, and a log that is not whole is
// never mended. It uses the standard library alone, so that an auditor can check it with other tools.
package evidence

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The log is text: a line is the record's hash as 64 hex digits, a space, and the record as JSON. The hash is SHA-256
// over the hash before it (32 bytes; zeros before the first) and the JSON as it stands there. So sha256sum, xxd and a
// text editor are enough to check it. It holds no content: ids, numbers, digests, sizes and results.

// maxLine bounds a line of the log, in bytes.
const maxLine = 64 << 10

// ErrLog means that the log is not whole: changed, cut, or not a log. Nobody starts on it, and nothing mends it.
var ErrLog = errors.New("the log is not whole")

// Tip is the end of a log: how many records, and the hash of the last.
type Tip struct {
	N    uint64
	Hash [32]byte
}

// String is "<n>:<hash>", to be noted elsewhere.
func (t Tip) String() string { return fmt.Sprintf("%d:%x", t.N, t.Hash) }

// ParseTip reads what String wrote.
func ParseTip(s string) (Tip, error) {
	n, h, _ := strings.Cut(s, ":")
	var t Tip
	b, err := hex.DecodeString(h)
	if err != nil || len(b) != 32 {
		return t, errors.New("a tip is <number>:<64 hex digits>")
	}
	t.Hash = [32]byte(b)
	if t.N, err = strconv.ParseUint(n, 10, 64); err != nil {
		return t, errors.New("a tip is <number>:<64 hex digits>")
	}
	return t, nil
}

func (t Tip) next(line []byte) Tip {
	h := sha256.New()
	h.Write(t.Hash[:])
	h.Write(line)
	return Tip{N: t.N + 1, Hash: [32]byte(h.Sum(nil))}
}

// VerifyLog reads a log from its beginning and gives each record to each, nil for none. Where it was changed, cut in
// the middle or goes beyond what it says, the error is ErrLog and names the line. known is a tip noted before; a log
// that ends before it, or has another record there, was cut or replaced. Zero: nothing noted. A last line without its
// end is given as torn, in bytes; it is what a crash leaves.
func VerifyLog(r io.Reader, known Tip, each func(Record) error) (tip Tip, torn int64, err error) {
	in := bufio.NewReaderSize(r, maxLine)
	met := known.N == 0
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			torn = int64(len(line))
			break
		}
		if err != nil {
			return tip, 0, fmt.Errorf("%w: line %d: %w", ErrLog, tip.N+1, err)
		}
		rec, next, err := readLine(tip, line[:len(line)-1])
		if err != nil {
			return tip, 0, fmt.Errorf("%w: line %d: %w", ErrLog, tip.N+1, err)
		}
		tip = next
		if tip.N == known.N {
			met = tip.Hash == known.Hash
		}
		if each != nil {
			if err := each(rec); err != nil {
				return tip, 0, fmt.Errorf("line %d: %w", tip.N, err)
			}
		}
	}
	if !met {
		if tip.N < known.N {
			return tip, torn, fmt.Errorf("%w: it was cut: it ends at record %d, and record %d was noted", ErrLog, tip.N, known.N)
		}
		return tip, torn, fmt.Errorf("%w: it was replaced: record %d is another than the one noted", ErrLog, known.N)
	}
	return tip, torn, nil
}

func readLine(before Tip, line []byte) (Record, Tip, error) {
	var r Record
	sum, text, ok := bytes.Cut(line, []byte(" "))
	next := before.next(text)
	if !ok || string(sum) != hex.EncodeToString(next.Hash[:]) {
		return r, before, misplaced(text, next.N)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, before, err
	}
	if r.N != next.N {
		return r, before, fmt.Errorf("it calls itself %d", r.N)
	}
	if !r.In.valid() || !r.Out.valid() || !r.Origin.valid() {
		return r, before, errors.New("it has a digest that is none")
	}
	return r, next, nil
}

// misplaced tells a record that was moved, repeated or whose neighbour was taken away from one that was changed.
func misplaced(text []byte, want uint64) error {
	var r struct {
		N uint64 `json:"n"`
	}
	if err := json.Unmarshal(text, &r); err == nil && r.N != 0 && r.N != want {
		return fmt.Errorf("record %d stands where record %d belongs: it was moved or repeated, or others were removed or put in", r.N, want)
	}
	return fmt.Errorf("record %d was changed: the hash is not that of the record and the one before", want)
}

// Disk is the part of a file that the log writes with; a test lets it fail.
type Disk interface {
	io.WriterAt
	Sync() error
	Truncate(size int64) error
	Close() error
}

// Log is open for appending by this process alone.
type Log struct {
	path string
	f    Disk
	size int64
	tip  Tip
	// unsure is set while the end of the file may hold a record that was not promised.
	unsure bool
}

// OpenLog opens or begins the log at path after it was verified as a whole, each record given to each. What a crash
// left half written at the end is set aside as <path>.torn-<n>, and its size given: nothing was sent on for it. The
// anchor beside the log, <path>.anchor, must be met.
func OpenLog(path string, each func(Record) error) (l *Log, torn int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o640)
	if err != nil {
		return nil, 0, fmt.Errorf("open log: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, 0, fmt.Errorf("open log %s: another process has it: %w", path, err)
	}
	known, err := readAnchor(path)
	if err != nil {
		return nil, 0, fmt.Errorf("open log: %w", err)
	}
	tip, torn, err := VerifyLog(f, known, each)
	if err != nil {
		return nil, 0, fmt.Errorf("open log %s: %w", path, err)
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, fmt.Errorf("open log: %w", err)
	}
	l = &Log{path: path, f: f, size: end - torn, tip: tip}
	if torn > 0 {
		err = l.setAside(f, torn)
	}
	return l, torn, err
}

func (l *Log) setAside(f *os.File, torn int64) error {
	b := make([]byte, torn)
	if _, err := f.ReadAt(b, l.size); err != nil {
		return fmt.Errorf("set torn record aside: %w", err)
	}
	if err := os.WriteFile(fmt.Sprintf("%s.torn-%d", l.path, l.tip.N+1), b, 0o640); err != nil {
		return fmt.Errorf("set torn record aside: %w", err)
	}
	if err := errors.Join(f.Truncate(l.size), f.Sync()); err != nil {
		return fmt.Errorf("set torn record aside: %w", err)
	}
	return nil
}

// Over puts what w gives between the log and its file, until undo: a test lets the disk fail with it.
func (l *Log) Over(w func(Disk) Disk) (undo func()) {
	before := l.f
	l.f = w(before)
	return func() { l.f = before }
}

// Tip is the end of the log.
func (l *Log) Tip() Tip { return l.tip }

// Append writes records with their numbers and makes them durable together. After an error the log is as before; while
// that can't be made sure, no further record is taken.
func (l *Log) Append(now time.Time, records ...Record) error {
	if err := l.Ready(); err != nil {
		return err
	}
	next := l.tip
	var lines []byte
	for _, r := range records {
		r.N, r.At = next.N+1, now.UTC().Format("2006-01-02T15:04:05.000Z")
		text, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("append to log: %w", err)
		}
		if len(text) > maxLine-66 {
			return fmt.Errorf("append to log: a record of %d bytes", len(text))
		}
		next = next.next(text)
		lines = append(append(append(hex.AppendEncode(lines, next.Hash[:]), ' '), text...), '\n')
	}
	_, err := l.f.WriteAt(lines, l.size)
	if err == nil {
		err = l.f.Sync()
	}
	if err != nil {
		l.unsure = true
		return fmt.Errorf("append to log: %w", errors.Join(err, l.takeBack()))
	}
	l.size, l.tip = l.size+int64(len(lines)), next
	return nil
}

// Ready tells whether a record can be taken: nothing stands after the tip that was not promised. It must hold before
// bytes are kept for a new record, or those of a record that did reach the disk would be lost.
func (l *Log) Ready() error {
	if !l.unsure {
		return nil
	}
	return l.takeBack()
}

func (l *Log) takeBack() error {
	if err := errors.Join(l.f.Truncate(l.size), l.f.Sync()); err != nil {
		return fmt.Errorf("take back a record: %w", err)
	}
	l.unsure = false
	return nil
}

// Anchor notes the tip beside the log, so that a log cut later is noticed. Whoever can cut the log can change this
// file too; so note the tip elsewhere as well: it stands in the status file, and each verdict carries it out.
func (l *Log) Anchor() error {
	tmp := l.path + ".anchor.new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return fmt.Errorf("anchor log: %w", err)
	}
	_, err = f.WriteString(l.tip.String() + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("anchor log: %w", err)
	}
	if err := os.Rename(tmp, l.path+".anchor"); err != nil {
		return fmt.Errorf("anchor log: %w", err)
	}
	return syncDir(filepath.Dir(l.path))
}

func readAnchor(path string) (Tip, error) {
	b, err := os.ReadFile(path + ".anchor")
	if errors.Is(err, os.ErrNotExist) {
		return Tip{}, nil
	}
	if err != nil {
		return Tip{}, err
	}
	t, err := ParseTip(strings.TrimSpace(string(b)))
	if err != nil {
		return Tip{}, fmt.Errorf("%s.anchor: %w", path, err)
	}
	return t, nil
}

// Close anchors the log and closes it.
func (l *Log) Close() error {
	err := l.Anchor()
	return errors.Join(err, l.f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// VerifyFile verifies the log at path as it stands, with its anchor and a tip noted elsewhere (zero: none).
func VerifyFile(path string, known Tip) (tip Tip, torn int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return Tip{}, 0, fmt.Errorf("verify log: %w", err)
	}
	defer f.Close()
	anchor, err := readAnchor(path)
	if err != nil {
		return Tip{}, 0, fmt.Errorf("verify log: %w", err)
	}
	if tip, torn, err = VerifyLog(f, anchor, nil); err != nil || known.N == 0 {
		return tip, torn, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return tip, torn, fmt.Errorf("verify log: %w", err)
	}
	return VerifyLog(f, known, nil)
}

// Each reads the log again from its beginning to its tip.
func (l *Log) Each(each func(Record) error) error {
	f, err := os.Open(l.path)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	defer f.Close()
	if _, _, err := VerifyLog(io.LimitReader(f, l.size), l.tip, each); err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	return nil
}
