// Package bundle brings a guard its configuration, rules and virus signatures: as one signed file that an operator
// carries by hand.
//
// The rule: nothing of a bundle is used, and no name of it is looked at, before the operator's signature holds; the
// key that counts was put into the guard's folder by hand, and no bundle can change it. An older bundle never takes
// the place of a newer one.
//
// A bundle is a head of lines that a person can read, and the files one after the other:
//
//	gatehouse bundle 1
//	made 2026-11-27T08:00:00Z
//	file 1834 <SHA-256> guard.yaml
//	file 61223941 <SHA-256> clamav/daily.cvd
//	signature <base64: Ed25519 over the lines above, context "gatehouse/1/bundle">
//	<1834 bytes><61223941 bytes>
package bundle

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Bounds of a bundle.
const (
	MaxFiles = 1000
	MaxBytes = 2 << 30 // ClamAV's whole set is some 250 MB
	maxHead  = 256 << 10
)

// MaxAge is how old the installed bundle may be before it is an alarm.
const MaxAge = 72 * time.Hour

// Names of the operator's key files, and of the head in an installed bundle.
const (
	OperatorKey = "operator.key" // stays with the operator
	OperatorPub = "operator.pub" // in the guard's folder of bundles, put there by hand
	HeadName    = "BUNDLE"
)

// File is one file of a bundle.
type File struct {
	Name   string
	Size   int64
	SHA256 string
}

// Head is what a bundle says of itself.
type Head struct {
	Made  time.Time // whole seconds
	Files []File
}

// Bytes is the sum of the files.
func (h Head) Bytes() (n int64) {
	for _, f := range h.Files {
		n += f.Size
	}
	return n
}

// ErrForged means a bundle that the pinned key did not sign so.
var ErrForged = errors.New("not signed by the operator")

func options() *ed25519.Options { return &ed25519.Options{Context: "gatehouse/1/bundle"} }

// lines are what is signed.
func (h Head) lines() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "gatehouse bundle 1\nmade %s\n", h.Made.UTC().Format(time.RFC3339))
	for _, f := range h.Files {
		fmt.Fprintf(&b, "file %d %s %s\n", f.Size, f.SHA256, f.Name)
	}
	return b.Bytes()
}

func (h Head) sign(key ed25519.PrivateKey) ([]byte, error) {
	lines := h.lines()
	sig, err := key.Sign(nil, lines, options())
	if err != nil {
		return nil, err
	}
	return append(lines, "signature "+base64.StdEncoding.EncodeToString(sig)+"\n"...), nil
}

// readHead reads and verifies a head; what follows in r are the files.
func readHead(r *bufio.Reader, key ed25519.PublicKey) (Head, []byte, error) {
	var raw []byte
	for {
		line, err := r.ReadSlice('\n') // at most the reader's buffer
		raw = append(raw, line...)
		if err != nil || len(raw) > maxHead {
			return Head{}, nil, fmt.Errorf("%w: the head does not end within %d bytes", ErrForged, maxHead)
		}
		coded, ok := bytes.CutPrefix(line, []byte("signature "))
		if !ok {
			continue
		}
		signed := raw[:len(raw)-len(line)]
		sig, err := base64.StdEncoding.DecodeString(string(bytes.TrimSuffix(coded, []byte("\n"))))
		if err != nil || ed25519.VerifyWithOptions(key, signed, sig, options()) != nil {
			return Head{}, nil, ErrForged
		}
		h, err := parseHead(string(signed))
		return h, raw, err
	}
}

// parseHead reads lines whose signature holds. They must be exactly what lines writes.
func parseHead(text string) (h Head, err error) {
	all := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(all) < 3 || len(all)-2 > MaxFiles || all[0] != "gatehouse bundle 1" {
		return h, fmt.Errorf("bundle: is of another version, or names no or over %d files", MaxFiles)
	}
	if h.Made, err = time.Parse(time.RFC3339, strings.TrimPrefix(all[1], "made ")); err != nil {
		return h, fmt.Errorf("bundle: %w", err)
	}
	for _, line := range all[2:] {
		f := strings.SplitN(line, " ", 4)
		if len(f) != 4 {
			return h, fmt.Errorf("bundle: %q names no file", line)
		}
		size, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil || size < 0 || !goodName(f[3]) {
			return h, fmt.Errorf("bundle: %q names no file", line)
		}
		h.Files = append(h.Files, File{Name: f[3], Size: size, SHA256: f[2]})
	}
	if h.Bytes() > MaxBytes || string(h.lines()) != text {
		return h, errors.New("bundle: the head is written in another way, or the files are too large")
	}
	return h, nil
}

// goodName allows plain relative paths of at most four folders, none hidden.
func goodName(name string) bool {
	if len(name) > 128 || name == HeadName || strings.Count(name, "/") > 4 {
		return false
	}
	for _, part := range strings.Split(name, "/") {
		if part == "" || part[0] == '.' || strings.ContainsFunc(part, odd) {
			return false
		}
	}
	return true
}

func odd(c rune) bool {
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("._-", c))
}

// MakeKey makes the operator's key pair in dir. It never replaces one.
func MakeKey(dir string) error {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return fmt.Errorf("make operator key: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("make operator key: %w", err)
	}
	pub, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return fmt.Errorf("make operator key: %w", err)
	}
	if err := writePEM(filepath.Join(dir, OperatorKey), "PRIVATE KEY", secret, 0o600); err != nil {
		return fmt.Errorf("make operator key: %w", err)
	}
	if err := writePEM(filepath.Join(dir, OperatorPub), "PUBLIC KEY", pub, 0o644); err != nil {
		return fmt.Errorf("make operator key: %w", err)
	}
	return nil
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	return errors.Join(pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Sync(), f.Close())
}

// readKey reads the first PEM block of a small file.
func readKey(path, kind string, parse func([]byte) (any, error)) (any, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4<<10))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s: holds no %s in PEM", path, kind)
	}
	return parse(block.Bytes)
}

func readPublic(path string) (ed25519.PublicKey, error) {
	k, err := readKey(path, "PUBLIC KEY", x509.ParsePKIXPublicKey)
	if err != nil {
		return nil, err
	}
	public, ok := k.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%s: is no Ed25519 key", path)
	}
	return public, nil
}

// Make writes to out a bundle of all files in dir, signed with the key file. A file out that is there already is an
// error.
func Make(key, dir, out string, now time.Time) (h Head, err error) {
	k, err := readKey(key, "PRIVATE KEY", x509.ParsePKCS8PrivateKey)
	if err != nil {
		return h, fmt.Errorf("make bundle: %w", err)
	}
	private, ok := k.(ed25519.PrivateKey)
	if !ok {
		return h, fmt.Errorf("make bundle: %s: is no Ed25519 key", key)
	}
	if h, err = gather(dir, now); err != nil {
		return h, fmt.Errorf("make bundle: %w", err)
	}
	head, err := h.sign(private)
	if err != nil {
		return h, fmt.Errorf("make bundle: %w", err)
	}
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return h, fmt.Errorf("make bundle: %w", err)
	}
	_, err = f.Write(head)
	for _, x := range h.Files {
		if err == nil {
			err = copyFile(f, filepath.Join(dir, filepath.FromSlash(x.Name)), x)
		}
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(out)
		return h, fmt.Errorf("make bundle: %w", err)
	}
	return h, nil
}

// gather lists the plain files under dir with their digests; anything else is an error.
func gather(dir string, now time.Time) (Head, error) {
	h := Head{Made: now.UTC().Truncate(time.Second)}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if !d.Type().IsRegular() || !goodName(name) {
			return fmt.Errorf("%s: only plain files named by letters, digits and . _ - go into a bundle", p)
		}
		sum := sha256.New()
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		n, err := io.Copy(sum, f)
		if err != nil {
			return err
		}
		h.Files = append(h.Files, File{Name: name, Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))})
		return nil
	})
	if err == nil && (len(h.Files) == 0 || len(h.Files) > MaxFiles || h.Bytes() > MaxBytes) {
		err = fmt.Errorf("%s: holds %d files of %d bytes; 1 to %d files, at most %d bytes", dir, len(h.Files), h.Bytes(), MaxFiles, MaxBytes)
	}
	return h, err
}

func copyFile(to io.Writer, from string, x File) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	return x.copy(to, f)
}

// copy passes on exactly the file's bytes, and tells whether they are the ones named.
func (f File) copy(to io.Writer, from io.Reader) error {
	sum := sha256.New()
	n, err := io.CopyN(io.MultiWriter(to, sum), from, f.Size)
	if err != nil {
		return fmt.Errorf("%s: ends after %d of %d bytes: %w", path.Base(f.Name), n, f.Size, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%s: is altered", f.Name)
	}
	return nil
}
