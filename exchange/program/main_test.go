package program

import (
	"os"
	"testing"

	"gatehouse/exchange/guard"
)

// TestMain lets the test binary be the guard's worker, as every program with a guard in it is.
func TestMain(m *testing.M) {
	guard.BecomeWorker(os.Args)
	os.Exit(m.Run())
}
