package vault

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// filePrefix names the form of a key file: this word, then 32 bytes in hex.
const filePrefix = "gatehouse-store-key-1:"

// ErrNoFile means that there is no key file.
var ErrNoFile = errors.New("key file is missing")

// Read gives the secret of a key file. ErrNoFile when it is not there.
func Read(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoFile, path)
	}
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	text, ok := strings.CutPrefix(strings.TrimSpace(string(b)), filePrefix)
	secret, err := hex.DecodeString(text)
	if !ok || err != nil || len(secret) != keySize {
		return nil, fmt.Errorf("key file %s is not %s and 64 hex digits", path, filePrefix)
	}
	return secret, nil
}

// Create makes a key file for its owner alone (0600) and gives its secret. Of two programs that make it at once, both
// get the same secret. The bytes are durable when it returns: what they seal must not outlive them.
func Create(path string) ([]byte, error) {
	var secret [keySize]byte
	rand.Read(secret[:])
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make folder of key file: %w", err)
	}
	part, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return nil, fmt.Errorf("make key file: %w", err)
	}
	defer os.Remove(part.Name())
	_, err = part.WriteString(filePrefix + hex.EncodeToString(secret[:]) + "\n")
	if err := errors.Join(err, part.Sync(), part.Close()); err != nil {
		return nil, fmt.Errorf("write key file: %w", err)
	}
	// A link, unlike a rename, does not replace a file that another program made meanwhile.
	if err := os.Link(part.Name(), path); errors.Is(err, fs.ErrExist) {
		return Read(path)
	} else if err != nil {
		return nil, fmt.Errorf("make key file: %w", err)
	}
	return secret[:], syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("make key file durable: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("make key file durable: %w", err)
	}
	return nil
}
