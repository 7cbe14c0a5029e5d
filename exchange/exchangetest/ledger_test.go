package exchangetest

import (
	"testing"

	"gatehouse/exchange"
)

func TestMemory(t *testing.T) {
	RunLedger(t, func(*testing.T) (exchange.Outgoing, exchange.Incoming) { return NewOutgoing(), NewIncoming() })
}

func TestPipe(t *testing.T) {
	RunLink(t, func(*testing.T) (exchange.Link, exchange.Link, func() (exchange.Link, exchange.Link)) {
		p := NewPipe()
		again := func() (exchange.Link, exchange.Link) { return p, p }
		return p, p, again
	})
}
