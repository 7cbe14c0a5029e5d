package program

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/configs/secret"
	"gatehouse/exchange"
	"gatehouse/exchange/diode"
	"gatehouse/exchange/exchangetest"
	"gatehouse/exchange/guard"
	"gatehouse/exchange/tls"
)

func TestLinkIsOneKind(t *testing.T) {
	goodTLS := tls.Config{Listen: "127.0.0.1:0", Cert: "c", Key: "k", CA: "a", Dir: "d"}
	goodDiode := diode.Config{Address: "10.99.0.2:4701", Key: secret.New(strings.Repeat("k", 32)), Dir: "d"}
	for what, c := range map[string]struct {
		link Link
		want string // the fault's line; empty: right
	}{
		"nothing":           {Link{}, ": is empty; write dir:"},
		"two":               {Link{Dir: "a", TLS: &tls.Config{}}, ": is dir and tls at once"},
		"tls":               {Link{TLS: &goodTLS}, ""},
		"tls, empty":        {Link{TLS: &tls.Config{}}, "tls.dial: is empty"},
		"tls, carried":      {Link{TLS: &goodTLS, Carried: true}, "carried: belongs to dir, but the link is tls"},
		"tls, interval":     {Link{TLS: &goodTLS, Interval: time.Second}, "interval: belongs to dir"},
		"diode":             {Link{Diode: &goodDiode}, ""},
		"diode, empty":      {Link{Diode: &diode.Config{}}, "diode.address: is "},
		"diode, carried":    {Link{Diode: &goodDiode, Carried: true}, "carried: belongs to dir, but the link is diode"},
		"diode and tls":     {Link{Diode: &goodDiode, TLS: &goodTLS}, ": is tls and diode at once"},
		"dir":               {Link{Dir: "a"}, ""},
		"dir, carried":      {Link{Dir: "a", Carried: true, Interval: time.Second}, ""},
		"interval too long": {Link{Dir: "a", Interval: time.Hour}, "interval: "},
		"carried alone":     {Link{Carried: true}, ": is empty"},
	} {
		err := c.link.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestIsolationIsHonest is the whole table: each word over each pair of links.
func TestIsolationIsHonest(t *testing.T) {
	links := map[string]struct {
		link Link
		most string
	}{
		"shared":  {Link{Dir: "a"}, Logical},
		"carried": {Link{Dir: "a", Carried: true}, Physical},
		"tls":     {Link{TLS: &tls.Config{}}, Logical},
		"diode":   {Link{Diode: &diode.Config{}}, Physical},
	}
	strength := map[string]int{None: 0, Logical: 1, Physical: 2}
	for first, a := range links {
		for second, b := range links {
			for stated, rank := range strength {
				err := Honest("isolation", stated, map[string]Link{"in": a.link, "out": b.link})
				wrong := 0
				for key, most := range map[string]string{"in.": a.most, "out.": b.most} {
					if over := rank > strength[most]; over {
						wrong++
						if err == nil || !strings.Contains("\n"+err.Error(), "\n"+key) {
							t.Errorf("%s over %s and %s: %s is not named: %v", stated, first, second, key, err)
						}
					}
				}
				if wrong == 0 && err != nil {
					t.Errorf("%s over %s and %s: %v", stated, first, second, err)
				}
			}
		}
	}
	for _, stated := range []string{"", "full", "Physical"} {
		if err := Honest("isolation", stated, nil); err == nil || !strings.HasPrefix(err.Error(), "isolation: is ") {
			t.Errorf("%q: %v", stated, err)
		}
	}
}

// TestSidesMeetOverTheirLinks opens both sides and both guards' links and sends one envelope over each stretch.
func TestSidesMeetOverTheirLinks(t *testing.T) {
	dir := t.TempDir()
	link := func(name string) Link { return Link{Dir: filepath.Join(dir, name), Interval: time.Millisecond} }
	log := slog.New(slog.DiscardHandler)
	ext, err := OpenSide(exchange.Extranet, link("a"), link("d"), 0, log)
	if err != nil {
		t.Fatal(err)
	}
	in, err := OpenSide(exchange.Intranet, link("b"), link("c"), 0, log)
	if err != nil {
		t.Fatal(err)
	}
	up, err := openGuardLinks(Config{Lane: exchange.Up, In: link("a"), Out: link("b")}, log)
	if err != nil {
		t.Fatal(err)
	}
	down, err := openGuardLinks(Config{Lane: exchange.Down, In: link("c"), Out: link("d")}, log)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Side{ext, in, up, down} {
		t.Cleanup(func() { s.Close() })
	}
	for name, pair := range map[string][2]exchange.Link{
		"A": {ext.Out, up.In}, "B": {up.Out, in.In}, "C": {in.Out, down.In}, "D": {down.Out, ext.In},
	} {
		crosses(t, name, pair[0], pair[1])
	}
}

// TestDiodeGuard opens a guard's links over diodes with what both neighbours have, sends an envelope over each, and
// looks for the links' figures in the guard's status.
func TestDiodeGuard(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	link := func(address string) Link {
		return Link{Diode: &diode.Config{Address: address, Key: secret.New(strings.Repeat("k", 32)), Dir: t.TempDir()}}
	}
	at := freeUDP(t)
	to := freeUDP(t)
	guarded, err := openGuardLinks(Config{Lane: exchange.Up, In: link(at), Out: link(to)}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { guarded.Close() })
	before, err := link(at).OpenSender(exchange.LinkA, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { before.Close() })
	after, err := link(to).OpenReceiver(exchange.LinkB, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { after.Close() })
	crosses(t, "A", before, guarded.In)
	crosses(t, "B", guarded.Out, after)
	text := guard.Status{Lane: exchange.Up, Links: guarded.Gauges()}.Text(Physical)
	for _, line := range []string{
		`gatehouse_guard_link_envelopes{lane="up",link="in"} 1`, `gatehouse_guard_link_lost{lane="up",link="in"} 0`,
		`gatehouse_guard_link_silent{lane="up",link="in"} 0`, `gatehouse_guard_link_faults{lane="up",link="out"} 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("the status lacks %s:\n%s", line, text)
		}
	}
	if n := strings.Count(text, "TYPE gatehouse_guard_link_packets "); n != 1 {
		t.Errorf("link_packets is declared %d times", n)
	}
}

func freeUDP(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}

// crosses sends one envelope, and waits for it at the other end.
func crosses(t *testing.T, name string, send, receive exchange.Link) {
	t.Helper()
	rings, _ := exchangetest.Rings(t, time.Now())
	c := exchangetest.NewChain(rings[exchange.Extranet], exchange.Up, time.Now)
	e := c.Seal(t, exchangetest.ParcelOf(t, "p", exchange.Erasure{ID: "e", Party: "p"}, time.Now()))
	if err := send.Send(t.Context(), e); err != nil {
		t.Errorf("link %s: %v", name, err)
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	came := false
	err := receive.Receive(ctx, func(_ context.Context, got exchange.Envelope) error {
		came = bytes.Equal(got.Bytes, e.Bytes)
		cancel()
		return nil
	})
	if err != nil || !came {
		t.Errorf("link %s: nothing came, or another envelope: %v", name, err)
	}
}

// TestSidesListenAndGuardsDial: who opens the connection is not the operator's choice.
func TestSidesListenAndGuardsDial(t *testing.T) {
	dials := Link{TLS: &tls.Config{Dial: []string{"a:1"}, Cert: "c", Key: "k", CA: "a", Dir: "d"}}
	var said []string
	SideFaults(Logical, dials, Link{Dir: "x"}, func(format string, a ...any) { said = append(said, fmt.Sprintf(format, a...)) })
	if len(said) != 1 || !strings.HasPrefix(said[0], "exchange.up.tls.dial: is written, but the guard dials") {
		t.Errorf("said %q", said)
	}
	said = nil
	SideFaults(Physical, Link{Dir: "x"}, Link{Dir: "./x/"}, func(format string, a ...any) { said = append(said, fmt.Sprintf(format, a...)) })
	if len(said) != 3 || !strings.HasPrefix(said[0], "exchange.down.carried: ") || !strings.HasPrefix(said[2], "exchange.down: has the same folder") {
		t.Errorf("said %q", said)
	}
}

func TestLinksSayWhatTheyAre(t *testing.T) {
	for want, l := range map[string]Link{
		"shared folder a": {Dir: "a"},
		"carried by hand or one-way device, folder a": {Dir: "a", Carried: true},
		"mutual TLS 1.3, listens at :1":               {TLS: &tls.Config{Listen: ":1"}},
		"mutual TLS 1.3, dials a:1, b:1":              {TLS: &tls.Config{Dial: []string{"a:1", "b:1"}}},
		"one-way UDP to 10.99.0.2:4701":               {Diode: &diode.Config{Address: "10.99.0.2:4701"}},
		"none":                                        {},
	} {
		if l.String() != want {
			t.Errorf("%q, want %q", l, want)
		}
	}
}
