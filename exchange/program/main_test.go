package program

import (
	"os"
	"path/filepath"
	"testing"

	"gatehouse/exchange/guard"
)

func TestMain(m *testing.M) {
	guard.BecomeWorker(os.Args)
	code := m.Run()
	if file, err := built(); err == nil {
		os.RemoveAll(filepath.Dir(file))
	}
	os.Exit(code)
}
