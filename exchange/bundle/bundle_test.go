package bundle

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// desk is an operator's desk, a guard's folder with the operator's key pinned, and some rules.
type desk struct {
	*testing.T
	dir, rules, guard string
	now               time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	dir := t.TempDir()
	d := &desk{T: t, dir: dir, rules: filepath.Join(dir, "rules"), guard: filepath.Join(dir, "guard"), now: time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)}
	if err := errors.Join(os.MkdirAll(filepath.Join(d.rules, "clamav"), 0o755), os.Mkdir(d.guard, 0o755), MakeKey(dir)); err != nil {
		t.Fatal(err)
	}
	d.write(filepath.Join(d.rules, "guard.yaml"), "lane: up\n")
	d.write(filepath.Join(d.rules, "clamav", "daily.cvd"), strings.Repeat("signature\n", 10_000))
	pub, err := os.ReadFile(filepath.Join(dir, OperatorPub))
	if err != nil {
		t.Fatal(err)
	}
	d.write(filepath.Join(d.guard, OperatorPub), string(pub))
	return d
}

func (d *desk) write(path, text string) {
	d.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) make(name string, at time.Time) string {
	d.Helper()
	out := filepath.Join(d.dir, name)
	if _, err := Make(filepath.Join(d.dir, OperatorKey), d.rules, out, at); err != nil {
		d.Fatal(err)
	}
	return out
}

func (d *desk) rule() string {
	b, _ := os.ReadFile(filepath.Join(d.guard, Current, "guard.yaml"))
	return string(b)
}

// TestInstalledIsTheNewest: a bundle is unpacked and named at once; an older one, or the same, never takes its place.
func TestInstalledIsTheNewest(t *testing.T) {
	d := newDesk(t)
	first := d.make("first", d.now)
	if h, err := Verify(filepath.Join(d.dir, OperatorPub), first); err != nil || len(h.Files) != 2 || !h.Made.Equal(d.now) {
		t.Fatalf("%+v, %v", h, err)
	}
	if _, err := Installed(d.guard); err == nil {
		t.Error("nothing is installed, and something is found")
	}
	if _, err := Install(d.guard, first); err != nil || d.rule() != "lane: up\n" {
		t.Fatalf("%v: %q", err, d.rule())
	}
	d.write(filepath.Join(d.rules, "guard.yaml"), "lane: down\n")
	second, third := d.make("second", d.now.Add(time.Hour)), d.make("third", d.now.Add(2*time.Hour))
	for _, b := range []string{second, third} {
		if _, err := Install(d.guard, b); err != nil || d.rule() != "lane: down\n" {
			t.Fatalf("%v: %q", err, d.rule())
		}
	}
	for _, b := range []string{first, second, third} {
		if _, err := Install(d.guard, b); !errors.Is(err, ErrOlder) {
			t.Errorf("an old bundle: %v", err)
		}
	}
	if all, _ := filepath.Glob(filepath.Join(d.guard, "bundle-*")); len(all) != 2 {
		t.Errorf("kept %v", all)
	}
	if h, err := Check(d.guard); err != nil || !h.Made.Equal(d.now.Add(2*time.Hour)) {
		t.Errorf("%v, %v", h.Made, err)
	}
	d.write(filepath.Join(d.guard, Current, "guard.yaml"), "lane: side\n")
	if _, err := Check(d.guard); err == nil || !strings.Contains(err.Error(), "guard.yaml: is altered") {
		t.Errorf("a changed rule: %v", err)
	}
}

// TestForgedBundlesChangeNothing changes a bundle at one place at a time.
func TestForgedBundlesChangeNothing(t *testing.T) {
	d := newDesk(t)
	good := d.make("good", d.now)
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	head := bytes.Index(whole, []byte("signature "))
	other := newDesk(t)
	stranger, err := os.ReadFile(other.make("stranger", d.now))
	if err != nil {
		t.Fatal(err)
	}
	flip := func(at int) []byte {
		b := bytes.Clone(whole)
		b[at] ^= 1
		return b
	}
	for what, b := range map[string][]byte{
		"empty": {}, "another operator": stranger, "the moment": flip(30), "a digest": flip(head - 60), "the signature": flip(head + 30),
		"a file": flip(len(whole) - 5), "cut": whole[:len(whole)-1], "cut in the head": whole[:head], "more": append(bytes.Clone(whole), 'x'),
		"no end": bytes.Repeat([]byte("file 1 x y\n"), maxHead/10),
	} {
		file := filepath.Join(d.dir, "forged")
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Install(d.guard, file); err == nil {
			t.Errorf("%s: installed", what)
		}
		if left, _ := os.ReadDir(d.guard); len(left) != 1 {
			t.Errorf("%s: left %v", what, left)
		}
	}
	if err := os.Remove(filepath.Join(d.guard, OperatorPub)); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(d.guard, good); err == nil {
		t.Error("installed without a pinned key")
	}
}

// TestNamesStayInside: a signed head can't name a path outside, either.
func TestNamesStayInside(t *testing.T) {
	for name, good := range map[string]bool{"guard.yaml": true, "clamav/daily.cvd": true, "../x": false, "/etc/passwd": false, "a/../b": false,
		".hidden": false, "a//b": false, "a b": false, "": false, HeadName: false, "a/.b": false, "a/b/c/d/e/f": false, strings.Repeat("a", 129): false} {
		h := Head{Made: time.Unix(1, 0), Files: []File{{Name: name, Size: 1, SHA256: strings.Repeat("0", 64)}}}
		if _, err := parseHead(string(h.lines())); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
	d := newDesk(t)
	if err := os.Symlink("/etc/hostname", filepath.Join(d.rules, "host")); err != nil {
		t.Fatal(err)
	}
	if _, err := Make(filepath.Join(d.dir, OperatorKey), d.rules, filepath.Join(d.dir, "x"), d.now); err == nil {
		t.Error("a symbolic link went into a bundle")
	}
}

// FuzzHead: what is read under a signature is exactly what was signed, and nothing else is.
func FuzzHead(f *testing.F) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	good, err := Head{Made: time.Unix(1, 0), Files: []File{{"a", 1, strings.Repeat("0", 64)}}}.sign(private)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("signature x\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, _, err := readHead(bufio.NewReader(bytes.NewReader(b)), public); err == nil && !bytes.HasPrefix(b, good) {
			t.Errorf("%q is believed", b)
		}
		if h, err := parseHead(string(b)); err == nil && string(h.lines()) != string(b) {
			t.Errorf("%q is read as %+v", b, h)
		}
	})
}
