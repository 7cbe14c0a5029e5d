package tls

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"gatehouse/exchange"
)

// trust is the configuration of both roles of a handshake between self and peer, and tells nobody else apart: TLS 1.3
// alone, no resumption, the given authorities alone, the peer's name, the stretch, and the fingerprints where there
// are some.
func trust(c Config, s exchange.Stretch, self, peer exchange.Party, now func() time.Time) (*tls.Config, error) {
	cert, err := own(c, self, now())
	if err != nil {
		return nil, err
	}
	pool, err := authorities(c.CA)
	if err != nil {
		return nil, err
	}
	pins, err := fingerprints(c.Fingerprints)
	if err != nil {
		return nil, err
	}
	protocol := "gatehouse-link/1 " + string(s)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS13, SessionTicketsDisabled: true, Time: now,
		Certificates: []tls.Certificate{cert}, NextProtos: []string{protocol},
		ServerName: string(peer), RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		VerifyConnection: func(cs tls.ConnectionState) error { return expected(cs, protocol, peer, pins) },
	}, nil
}

// expected runs after the chain was verified, at both ends.
func expected(cs tls.ConnectionState, protocol string, peer exchange.Party, pins [][32]byte) error {
	if len(cs.PeerCertificates) == 0 {
		return errors.New("the peer showed no certificate")
	}
	leaf := cs.PeerCertificates[0]
	switch {
	case cs.NegotiatedProtocol != protocol:
		return fmt.Errorf("the peer is at another link than %q", protocol)
	case leaf.VerifyHostname(string(peer)) != nil:
		return fmt.Errorf("the certificate is of %q; only %s may be here", strings.Join(leaf.DNSNames, " "), peer)
	case len(pins) > 0 && !slices.Contains(pins, sha256.Sum256(leaf.Raw)):
		return fmt.Errorf("the certificate %s is none of the fingerprints", Fingerprint(leaf))
	}
	return nil
}

// own loads this end's certificate and holds it against what it has to be.
func own(c Config, self exchange.Party, now time.Time) (tls.Certificate, error) {
	info, err := os.Stat(c.Key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return tls.Certificate{}, fmt.Errorf("key: others may read %s; chmod 600 is right", c.Key)
	}
	cert, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cert: %w", err)
	}
	switch leaf := cert.Leaf; {
	case leaf.VerifyHostname(string(self)) != nil:
		return tls.Certificate{}, fmt.Errorf("cert: is of %q; this end is %s", strings.Join(leaf.DNSNames, " "), self)
	case now.After(leaf.NotAfter):
		return tls.Certificate{}, fmt.Errorf("cert: ended on %s; make a new one with: guard keys tls", leaf.NotAfter.Format(time.DateOnly))
	}
	return cert, nil
}

// maxPEM bounds a file of certificates, in bytes.
const maxPEM = 64 << 10

func authorities(path string) (*x509.CertPool, error) {
	b, err := readBounded(path, maxPEM)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("ca: %s holds no certificate in PEM", path)
	}
	return pool, nil
}

func fingerprints(all []string) ([][32]byte, error) {
	var pins [][32]byte
	for i, s := range all {
		p, err := fingerprint(s)
		if err != nil {
			return nil, fmt.Errorf("fingerprints.%d: %w", i, err)
		}
		pins = append(pins, p)
	}
	return pins, nil
}
