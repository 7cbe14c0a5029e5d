package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
)

var noon = time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)

func record(i int) Record {
	h := exchange.Head{Epoch: 1, Seq: uint64(i), Digest: [32]byte{byte(i)}}
	return Record{Event: "passed", Lane: exchange.Up, In: MarkOf(h), Out: MarkOf(h), Parcel: fmt.Sprint("p", i), Kind: exchange.KindCase, Size: i}
}

func openLog(t *testing.T, path string) (*Log, []Record, int64) {
	t.Helper()
	var all []Record
	l, torn, err := OpenLog(path, func(r Record) error {
		all = append(all, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return l, all, torn
}

// aLog writes n records and gives the path and the tip.
func aLog(t *testing.T, n int) (string, Tip) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "guard.log")
	l, _, _ := openLog(t, path)
	for i := range n {
		if err := l.Append(noon, record(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	tip := l.Tip()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return path, tip
}

func TestLogGoesOnAfterReopening(t *testing.T) {
	path, tip := aLog(t, 5)
	l, all, torn := openLog(t, path)
	if len(all) != 5 || torn != 0 || l.Tip() != tip || all[4].Parcel != "p5" || all[4].N != 5 || all[4].In.Head().Seq != 5 {
		t.Fatalf("%d records, torn %d, tip %v", len(all), torn, l.Tip())
	}
	if err := l.Append(noon, record(6)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := OpenLog(path, nil); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("opened twice: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	got, _, err := VerifyFile(path, tip)
	if err != nil || got.N != 6 {
		t.Errorf("%v, %v", got, err)
	}
	if back, err := ParseTip(got.String()); err != nil || back != got {
		t.Errorf("%v, %v", back, err)
	}
}

func TestTamperingIsFound(t *testing.T) {
	path, tip := aLog(t, 6)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))[:6]
	join := func(l ...[]byte) []byte { return bytes.Join(l, nil) }
	says := map[string]string{
		"first removed": "record 2 stands where record 1 belongs", "two swapped": "record 3 stands where record 2 belongs",
		"last removed": "it was cut: it ends at record 5, and record 6 was noted", "size changed": "record 3 was changed",
		"rewritten, whole": "it was replaced: record 6 is another",
	}
	for name, b := range map[string][]byte{
		"first removed":    join(lines[1:]...),
		"middle removed":   join(lines[0], lines[1], lines[3], lines[4], lines[5]),
		"two swapped":      join(lines[0], lines[2], lines[1], lines[3], lines[4], lines[5]),
		"one repeated":     join(lines[0], lines[0], lines[1], lines[2], lines[3], lines[4], lines[5]),
		"last removed":     join(lines[:5]...),
		"emptied":          nil,
		"empty line":       append(bytes.Clone(whole), '\n'),
		"foreign line":     append(bytes.Clone(whole), "hello world\n"...),
		"size changed":     bytes.Replace(whole, []byte(`"size":3`), []byte(`"size":4`), 1),
		"endless line":     append(bytes.Clone(whole), bytes.Repeat([]byte("x"), maxLine+1)...),
		"unknown field":    rehash(t, lines, func(s string) string { return strings.Replace(s, `"size":`, `"bytes":`, 1) }),
		"another count":    rehash(t, lines, func(s string) string { return strings.Replace(s, `"n":`, `"n":1`, 1) }),
		"rewritten, whole": rehash(t, lines, func(s string) string { return strings.Replace(s, `"p3"`, `"p9"`, 1) }),
	} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := VerifyFile(path, Tip{}); !errors.Is(err, ErrLog) || !strings.Contains(err.Error(), says[name]) {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := OpenLog(path, nil); !errors.Is(err, ErrLog) {
			t.Errorf("%s: a guard opens it: %v", name, err)
		}
	}
	// Without the anchor only a tip noted elsewhere shows that the end is missing.
	os.Remove(path + ".anchor")
	if err := os.WriteFile(path, join(lines[:5]...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := VerifyFile(path, Tip{}); err != nil {
		t.Errorf("cut at a line without anything noted: %v", err)
	}
	if _, _, err := VerifyFile(path, tip); !errors.Is(err, ErrLog) {
		t.Errorf("cut at a line, tip noted: %v", err)
	}
}

// rehash rewrites every record and computes all hashes anew, as one who knows the format can.
func rehash(t *testing.T, lines [][]byte, change func(string) string) []byte {
	t.Helper()
	var tip Tip
	var out []byte
	for _, l := range lines {
		text := change(string(l[65 : len(l)-1]))
		tip = tip.next([]byte(text))
		out = fmt.Appendf(out, "%x %s\n", tip.Hash, text)
	}
	return out
}

func TestEachByteCounts(t *testing.T) {
	path, _ := aLog(t, 2)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 1
		if _, torn, err := VerifyLog(bytes.NewReader(b), Tip{}, nil); err == nil && torn == 0 {
			t.Errorf("byte %d changed: not found", i)
		}
	}
}

func TestTornEndIsSetAside(t *testing.T) {
	path, tip := aLog(t, 3)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	half := []byte("0123456789abcdef {\"n\":4")
	if err := os.WriteFile(path, append(bytes.Clone(whole), half...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, torn, err := VerifyFile(path, Tip{}); err != nil || torn != int64(len(half)) {
		t.Errorf("torn %d, %v", torn, err)
	}
	l, all, torn := openLog(t, path)
	if len(all) != 3 || torn != int64(len(half)) || l.Tip() != tip {
		t.Errorf("%d records, torn %d", len(all), torn)
	}
	if err := l.Append(noon, record(4)); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if got, err := os.ReadFile(path + ".torn-4"); err != nil || !bytes.Equal(got, half) {
		t.Errorf("set aside: %q, %v", got, err)
	}
	if _, _, err := VerifyFile(path, Tip{}); err != nil {
		t.Error(err)
	}
}

// badDisk fails where it is told to, after the bytes went through: the worst order.
type badDisk struct {
	Disk
	write, sync, truncate error
}

func (b *badDisk) WriteAt(p []byte, off int64) (int, error) {
	n, err := b.Disk.WriteAt(p, off)
	return n, errors.Join(err, b.write)
}

func (b *badDisk) Sync() error { return errors.Join(b.Disk.Sync(), b.sync) }

func (b *badDisk) Truncate(n int64) error {
	if b.truncate != nil {
		return b.truncate
	}
	return b.Disk.Truncate(n)
}

func TestDiskFailureLeavesTheLogWhole(t *testing.T) {
	broken := errors.New("input/output error")
	for name, spoil := range map[string]func(*badDisk){
		"write":             func(b *badDisk) { b.write = broken },
		"sync":              func(b *badDisk) { b.sync = broken },
		"write and no undo": func(b *badDisk) { b.write, b.truncate = broken, broken },
		"sync and no undo":  func(b *badDisk) { b.sync, b.truncate = broken, broken },
	} {
		path, _ := aLog(t, 2)
		l, _, _ := openLog(t, path)
		bad := &badDisk{Disk: l.f}
		l.f = bad
		before := l.Tip()
		spoil(bad)
		for range 3 {
			if err := l.Append(noon, record(3)); !errors.Is(err, broken) {
				t.Errorf("%s: %v", name, err)
			}
			if l.Tip() != before {
				t.Errorf("%s: the tip moved", name)
			}
		}
		*bad = badDisk{Disk: bad.Disk}
		if err := l.Append(noon, record(3)); err != nil {
			t.Errorf("%s: does not resume: %v", name, err)
		}
		l.Close()
		if tip, torn, err := VerifyFile(path, Tip{}); err != nil || torn != 0 || tip.N != 3 {
			t.Errorf("%s: %v, torn %d, %v", name, tip, torn, err)
		}
	}
}

func FuzzVerifyLog(f *testing.F) {
	var tip Tip
	text := `{"n":1,"at":"2026-03-09T12:00:00.000Z","event":"start","lane":"up"}`
	tip = tip.next([]byte(text))
	f.Add(fmt.Appendf(nil, "%x %s\n", tip.Hash, text))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		tip, torn, err := VerifyLog(bytes.NewReader(b), Tip{}, func(Record) error { n++; return nil })
		if err == nil && (tip.N != uint64(n) || int(torn) > len(b)) {
			t.Errorf("%d records, tip %d, torn %d", n, tip.N, torn)
		}
	})
}
