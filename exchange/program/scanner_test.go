package program

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"gatehouse/exchange"
)

// TestBlindScannerIsRefused: a guard does not start with a scanner that says OK of all, and -check says so; one that is
// not there may come later.
func TestBlindScannerIsRefused(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.CopyN(io.Discard, c, int64(len("zINSTREAM\x00")+4+68+4))
			_, _ = io.WriteString(c, "stream: OK\x00")
			c.Close()
		}
	}()
	c := good(t, exchange.Up)
	c.Clamd.Address = "tcp://" + l.Addr().String()
	if err := Run(context.Background(), c, slog.New(slog.DiscardHandler)); err == nil || !strings.HasPrefix(err.Error(), "clamd: the virus scanner is blind") {
		t.Errorf("runs: %v", err)
	}
	if _, err := Check(&c); err == nil || !strings.Contains(err.Error(), "freshclam") {
		t.Errorf("check: %v", err)
	}
	l.Close()
	if said, err := Check(&c); err != nil || !strings.Contains(said, "does not answer") {
		t.Errorf("without it: %q, %v", said, err)
	}
}
