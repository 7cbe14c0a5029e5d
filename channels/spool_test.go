package channels

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSpool(t *testing.T) {
	s := NewSpool(t.TempDir())
	defer s.Close()
	var want strings.Builder
	for i := range 9000 {
		line := fmt.Sprintf("line %d of the citizen\n", i)
		want.WriteString(line)
		if _, err := io.WriteString(s, line); err != nil {
			t.Fatal(err)
		}
	}
	if s.file == nil || s.size != int64(want.Len()) {
		t.Fatalf("size %d, want %d in a file", s.size, want.Len())
	}
	for _, at := range []int64{0, 1, 15, 16, 17, 4095, 65535, 65536, 70001} {
		got, err := io.ReadAll(s.Section(at, 5000))
		if err != nil || string(got) != want.String()[at:at+5000] {
			t.Errorf("section at %d differs: %v", at, err)
		}
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	onDisk, err := io.ReadAll(s.file)
	if err != nil || len(onDisk) != want.Len() || strings.Contains(string(onDisk), "citizen") {
		t.Errorf("the disk holds words: %v", err)
	}
	if _, err := io.WriteString(NewSpool(filepath.Join(t.TempDir(), "gone")), strings.Repeat("x", inMemory+1)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}
