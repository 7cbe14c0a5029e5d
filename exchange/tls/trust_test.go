package tls

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/exchange"
)

// meet lets a dialing and a listening end shake hands, and gives what the listening one says.
func meet(t *testing.T, dialer, listener *tls.Config) error {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() {
		c := tls.Client(near, dialer)
		if c.HandshakeContext(ctx) == nil {
			c.Read(make([]byte, 1)) // TLS 1.3 tells a refused client so with its first read
		}
		near.Close()
	})
	defer far.Close()
	return tls.Server(far, listener).HandshakeContext(ctx)
}

// TestOnlyTheNeighbourComesIn: whoever is not the one party of this stretch, from these authorities, ends in the
// handshake, whichever of the two ends judges.
func TestOnlyTheNeighbourComesIn(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	now := time.Now()
	for _, d := range []string{dir, other} {
		if err := MakeAll(d, exchange.Parties(), now); err != nil {
			t.Fatal(err)
		}
	}
	stranger := func(c Config) Config { // the neighbour's name from an authority of their own
		c.Cert, c.Key = filepath.Join(other, "up-guard", LinkCert), filepath.Join(other, "up-guard", LinkKey)
		return c
	}
	at := func(d time.Duration) func() time.Time { return func() time.Time { return now.Add(d) } }
	ext, up := end(dir, exchange.Extranet), end(dir, exchange.UpGuard)
	for what, c := range map[string]struct {
		end     Config
		stretch exchange.Stretch
		self    exchange.Party
		change  func(*tls.Config)
		pins    []string
		clock   func() time.Time
		in      bool
	}{
		"the neighbour":     {up, exchange.LinkA, exchange.UpGuard, nil, nil, at(0), true},
		"pinned":            {up, exchange.LinkA, exchange.UpGuard, nil, []string{mark(t, up)}, at(0), true},
		"another is pinned": {up, exchange.LinkA, exchange.UpGuard, nil, []string{mark(t, ext)}, at(0), false},
		"the other guard":   {end(dir, exchange.DownGuard), exchange.LinkA, exchange.DownGuard, nil, nil, at(0), false},
		"the far side":      {end(dir, exchange.Intranet), exchange.LinkA, exchange.Intranet, nil, nil, at(0), false},
		"another link":      {up, exchange.LinkB, exchange.UpGuard, nil, nil, at(0), false},
		"another authority": {stranger(up), exchange.LinkA, exchange.UpGuard, nil, nil, at(0), false},
		"ended":             {up, exchange.LinkA, exchange.UpGuard, nil, nil, at(CertificateLife + time.Hour), false},
		"not yet":           {up, exchange.LinkA, exchange.UpGuard, nil, nil, at(-time.Hour), false},
		"no protocol":       {up, exchange.LinkA, exchange.UpGuard, func(c *tls.Config) { c.NextProtos = nil }, nil, at(0), false},
		"no certificate":    {up, exchange.LinkA, exchange.UpGuard, func(c *tls.Config) { c.Certificates = nil }, nil, at(0), false},
		"TLS 1.2":           {up, exchange.LinkA, exchange.UpGuard, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 }, nil, at(0), false},
		"verifies nothing":  {stranger(up), exchange.LinkA, exchange.UpGuard, func(c *tls.Config) { c.InsecureSkipVerify, c.VerifyConnection = true, nil }, nil, at(0), false},
	} {
		mine := ext
		mine.Fingerprints = c.pins
		judge, err := trust(mine, exchange.LinkA, exchange.Extranet, exchange.UpGuard, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		judge.Time = c.clock
		guest, err := trust(c.end, c.stretch, c.self, exchange.Extranet, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if c.change != nil {
			c.change(guest)
		}
		if err := meet(t, guest, judge); (err == nil) != c.in {
			t.Errorf("%s dials: %v", what, err)
		}
		if c.in || what == "no certificate" { // a server without one can't even begin
			continue
		}
		said := make(chan error, 1)
		judge.VerifyConnection = tell(judge.VerifyConnection, said)
		if meet(t, judge, guest) == nil {
			select {
			case err := <-said:
				if err == nil {
					t.Errorf("%s listens, and is believed", what)
				}
			default: // the chain or the protocol did not hold before
			}
		}
	}
}

// tell reports what VerifyConnection said.
func tell(verify func(tls.ConnectionState) error, to chan<- error) func(tls.ConnectionState) error {
	return func(cs tls.ConnectionState) error {
		err := verify(cs)
		to <- err
		return err
	}
}

func mark(t *testing.T, c Config) string {
	t.Helper()
	cert, err := ReadCertificate(c.Cert)
	if err != nil {
		t.Fatal(err)
	}
	return Fingerprint(cert)
}

// TestOwnCertificateIsChecked: an end that could not work says so when it opens, by the key of its configuration.
func TestOwnCertificateIsChecked(t *testing.T) {
	dir := t.TempDir()
	if err := MakeAll(dir, exchange.Parties(), time.Now()); err != nil {
		t.Fatal(err)
	}
	good := end(dir, exchange.UpGuard)
	loose := filepath.Join(dir, "loose.key")
	b, err := os.ReadFile(good.Key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(loose, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Check(good, exchange.LinkA, exchange.UpGuard); err != nil {
		t.Fatal(err)
	}
	if err := Check(good, exchange.LinkB, exchange.UpGuard); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no key":         {func(c *Config) { c.Key = filepath.Join(dir, "none") }, "key: "},
		"open key":       {func(c *Config) { c.Key = loose }, "key: others may read"},
		"other's key":    {func(c *Config) { c.Key = filepath.Join(dir, "extranet", LinkKey) }, "cert: "},
		"other's cert":   {func(c *Config) { *c = end(dir, exchange.Extranet) }, `cert: is of "extranet"; this end is up-guard`},
		"no authority":   {func(c *Config) { c.CA = c.Key }, "ca: "},
		"no fingerprint": {func(c *Config) { c.Fingerprints = []string{"x"} }, "fingerprints.0: "},
	} {
		x := good
		c.change(&x)
		if err := Check(x, exchange.LinkA, exchange.UpGuard); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := own(good, exchange.UpGuard, time.Now().Add(CertificateLife+time.Hour)); err == nil || !strings.HasPrefix(err.Error(), "cert: ended on") {
		t.Errorf("an ended certificate: %v", err)
	}
}

func TestValidateNamesEachFault(t *testing.T) {
	good := Config{Listen: "127.0.0.1:0", Cert: "c", Key: "k", CA: "a", Dir: "d"}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"dial: is empty":      func(c *Config) { c.Listen = "" },
		"dial: is written":    func(c *Config) { c.Dial = []string{"a:1"} },
		"dial: names 17":      func(c *Config) { c.Listen, c.Dial = "", make([]string, 17) },
		"dial.0: is":          func(c *Config) { c.Listen, c.Dial = "", []string{"a"} },
		"listen: is":          func(c *Config) { c.Listen = "7441" },
		"cert: ":              func(c *Config) { c.Cert = "" },
		"key: ":               func(c *Config) { c.Key = "" },
		"ca: ":                func(c *Config) { c.CA = "" },
		"dir: ":               func(c *Config) { c.Dir = "" },
		"fingerprints.1: is ": func(c *Config) { c.Fingerprints = []string{strings.Repeat("ab:", 31) + "ab", "ab"} },
	} {
		c := good
		change(&c)
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestAuthorityTakesOnlyTheKey: who a certificate is for is the operator's word, not the request's.
func TestAuthorityTakesOnlyTheKey(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	if err := MakeAuthority(dir, now); err != nil {
		t.Fatal(err)
	}
	if err := MakeAuthority(dir, now); err == nil {
		t.Error("an authority was replaced")
	}
	if err := Request(dir, exchange.Intranet); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, LinkCert)
	if err := Sign(dir, filepath.Join(dir, LinkRequest), out, exchange.UpGuard, now); err != nil {
		t.Fatal(err)
	}
	cert, err := ReadCertificate(out)
	if err != nil || len(cert.DNSNames) != 1 || cert.DNSNames[0] != "up-guard" || cert.IsCA {
		t.Errorf("%v, %v", cert.DNSNames, err)
	}
	if err := Sign(dir, filepath.Join(dir, LinkRequest), out, exchange.UpGuard, now); err == nil {
		t.Error("a certificate was replaced")
	}
	key, err := os.ReadFile(filepath.Join(dir, LinkKey))
	if err != nil {
		t.Fatal(err)
	}
	if err := Request(dir, exchange.Intranet); err != nil { // a renewal
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(filepath.Join(dir, LinkKey)); string(again) != string(key) {
		t.Error("a renewal made another key")
	}
	csr, _ := os.ReadFile(filepath.Join(dir, LinkRequest))
	csr[200] ^= 1
	forged := filepath.Join(dir, "forged.csr")
	if err := os.WriteFile(forged, csr, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Sign(dir, forged, filepath.Join(dir, "x"), exchange.UpGuard, now); err == nil {
		t.Error("a forged request was signed")
	}
}
