package tls

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"gatehouse/exchange"
)

// Names of the files that an operator carries or keeps.
const (
	AuthorityKey  = "authority.key" // stays where certificates are signed, best on a machine without a network
	AuthorityCert = "authority.crt" // goes to every end
	LinkKey       = "link.key"      // never leaves its host
	LinkRequest   = "link.csr"
	LinkCert      = "link.crt"
)

// Lives of what is made here.
const (
	AuthorityLife   = 10 * 366 * 24 * time.Hour
	CertificateLife = 366 * 24 * time.Hour
	clockSkew       = 10 * time.Minute // a certificate is valid from a little before it was made
)

// Fingerprint is SHA-256 of a certificate, as people compare it and as Config.Fingerprints takes it.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// MakeAuthority makes in dir the key and certificate that vouch for the ends of links. It never replaces one.
func MakeAuthority(dir string, now time.Time) error {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return fmt.Errorf("make authority: %w", err)
	}
	t := template("Gatehouse link authority", now, AuthorityLife)
	t.IsCA, t.BasicConstraintsValid, t.MaxPathLenZero, t.KeyUsage = true, true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(nil, t, t, public, private)
	if err != nil {
		return fmt.Errorf("make authority: %w", err)
	}
	if err := writeKey(filepath.Join(dir, AuthorityKey), private); err != nil {
		return fmt.Errorf("make authority: %w", err)
	}
	if err := writePEM(filepath.Join(dir, AuthorityCert), "CERTIFICATE", der, 0o644); err != nil {
		return fmt.Errorf("make authority: %w", err)
	}
	return nil
}

func template(name string, now time.Time, life time.Duration) *x509.Certificate {
	serial := make([]byte, 16)
	rand.Read(serial)
	serial[0] &= 0x7f // RFC 5280 §4.1.2.2: positive
	return &x509.Certificate{SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-clockSkew), NotAfter: now.Add(life)}
}

// Request makes in dir the key of p's end, and the request to be carried to the authority. The key that is there
// already stays, so that a certificate can be renewed.
func Request(dir string, p exchange.Party) error {
	private, err := readKey(filepath.Join(dir, LinkKey))
	if errors.Is(err, os.ErrNotExist) {
		if _, private, err = ed25519.GenerateKey(nil); err == nil {
			err = writeKey(filepath.Join(dir, LinkKey), private)
		}
	}
	if err != nil {
		return fmt.Errorf("request certificate: %w", err)
	}
	t := &x509.CertificateRequest{Subject: pkix.Name{CommonName: string(p)}, DNSNames: []string{string(p)}}
	der, err := x509.CreateCertificateRequest(nil, t, private)
	if err == nil {
		os.Remove(filepath.Join(dir, LinkRequest))
		err = writePEM(filepath.Join(dir, LinkRequest), "CERTIFICATE REQUEST", der, 0o644)
	}
	if err != nil {
		return fmt.Errorf("request certificate: %w", err)
	}
	return nil
}

// Sign gives the request's key a certificate for p from the authority in dir, written to out. Nothing but the key is
// taken over from the request: who it is for is the operator's word. A file out that is there already is an error.
func Sign(dir, request, out string, p exchange.Party, now time.Time) error {
	der, err := readPEM(request, "CERTIFICATE REQUEST")
	if err != nil {
		return fmt.Errorf("sign certificate: %w", err)
	}
	r, err := x509.ParseCertificateRequest(der)
	if err == nil {
		err = r.CheckSignature()
	}
	if err != nil {
		return fmt.Errorf("sign certificate: %s: %w", request, err)
	}
	authority, err := ReadCertificate(filepath.Join(dir, AuthorityCert))
	if err != nil {
		return fmt.Errorf("sign certificate: %w", err)
	}
	private, err := readKey(filepath.Join(dir, AuthorityKey))
	if err != nil {
		return fmt.Errorf("sign certificate: %w", err)
	}
	t := template(string(p), now, CertificateLife)
	t.DNSNames, t.KeyUsage = []string{string(p)}, x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	cert, err := x509.CreateCertificate(nil, t, authority, r.PublicKey, private)
	if err == nil {
		err = writePEM(out, "CERTIFICATE", cert, 0o644)
	}
	if err != nil {
		return fmt.Errorf("sign certificate: %w", err)
	}
	return nil
}

// MakeAll does the whole for several parties on one machine, which is right for a trial alone: the authority in
// dir/authority, and in dir/<party> its key and certificate and the authority's. What is there stays.
func MakeAll(dir string, parties []exchange.Party, now time.Time) error {
	authority := filepath.Join(dir, "authority")
	if err := makeDir(authority); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(authority, AuthorityCert)); errors.Is(err, os.ErrNotExist) {
		if err := MakeAuthority(authority, now); err != nil {
			return err
		}
	}
	ca, err := readBounded(filepath.Join(authority, AuthorityCert), maxPEM)
	if err != nil {
		return err
	}
	for _, p := range parties {
		own := filepath.Join(dir, string(p))
		if _, err := os.Stat(filepath.Join(own, LinkCert)); err == nil {
			continue
		}
		err := errors.Join(makeDir(own), Request(own, p))
		if err == nil {
			err = Sign(authority, filepath.Join(own, LinkRequest), filepath.Join(own, LinkCert), p, now)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(own, AuthorityCert), ca, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	return nil
}

// ReadCertificate reads the first certificate of a PEM file.
func ReadCertificate(path string) (*x509.Certificate, error) {
	der, err := readPEM(path, "CERTIFICATE")
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %s: %w", path, err)
	}
	return c, nil
}

func readKey(path string) (ed25519.PrivateKey, error) {
	der, err := readPEM(path, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	private, ok := k.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: is no Ed25519 key", path)
	}
	return private, nil
}

func writeKey(path string, k ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return err
	}
	return writePEM(path, "PRIVATE KEY", der, 0o600)
}

func readPEM(path, kind string) ([]byte, error) {
	b, err := readBounded(path, maxPEM)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s: holds no %s in PEM", path, kind)
	}
	return block.Bytes, nil
}

// writePEM never replaces a file.
func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	return errors.Join(pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Sync(), f.Close())
}

func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s: is over %d bytes", path, most)
	}
	return b, err
}
