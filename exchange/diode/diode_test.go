package diode

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"gatehouse/configs/secret"
	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
)

const testKey = "a key of the tests, and of no other place"

// config is a link of the test on the loopback, as fast as it goes.
func config(t *testing.T) Config {
	t.Helper()
	return Config{Address: "127.0.0.1:0", Key: secret.New(testKey), Dir: t.TempDir(), Rate: 1_000_000_000, Gap: time.Millisecond}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// pair is a link over a real socket, whose ends can be closed and opened again.
type pair struct {
	*testing.T
	out, in  Config
	sender   *Sender
	receiver *Receiver
}

func openPair(t *testing.T) *pair {
	p := &pair{T: t, out: config(t), in: config(t)}
	p.open()
	t.Cleanup(p.close)
	return p
}

func (p *pair) open() {
	p.Helper()
	var err error
	if p.receiver, err = OpenReceiver(p.in, quiet()); err != nil {
		p.Fatal(err)
	}
	p.in.Address = p.receiver.Addr().String()
	p.out.Address = p.in.Address
	if p.sender, err = OpenSender(p.out, quiet()); err != nil {
		p.Fatal(err)
	}
}

func (p *pair) close() {
	if err := p.sender.Close(); err != nil {
		p.Error(err)
	}
	if err := p.receiver.Close(); err != nil {
		p.Error(err)
	}
}

func TestContract(t *testing.T) {
	exchangetest.RunLink(t, func(t *testing.T) (exchange.Link, exchange.Link, func() (exchange.Link, exchange.Link)) {
		p := openPair(t)
		return p.sender, p.receiver, func() (exchange.Link, exchange.Link) {
			p.close()
			p.open()
			return p.sender, p.receiver
		}
	})
}

func TestConfig(t *testing.T) {
	good := Config{Address: "10.99.0.2:4701", Key: secret.New(strings.Repeat("k", 32)), Dir: "x"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	err := Config{
		Address: "host:1", Key: secret.New("short"), Rate: 1, Burst: -1, Data: 129, Parity: 128, Interleave: 257, Passes: 9, Gap: time.Hour,
		Heartbeat: time.Hour, ReceiveBuffer: 1, Memory: 1,
	}.Validate()
	for _, key := range []string{"address: ", "key: ", "dir: ", "rate: ", "burst: ", "data: ", "parity: ", "interleave: ", "passes: ", "gap: ", "heartbeat: ", "receive_buffer: ", "memory: "} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s is not named: %v", key, err)
		}
	}
	if err := (Config{}).Validate(); err == nil || !strings.Contains(err.Error(), "key: is missing") {
		t.Errorf("got %v", err)
	}
}
