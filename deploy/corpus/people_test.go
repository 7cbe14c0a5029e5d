package corpus

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"

	"gatehouse/channels/email"
	"gatehouse/channels/email/origin/origintest"
)

// The company of all declarations of goods, and who writes.
const (
	northdock = "12-345678-C"
	// customs may declare for the company. Its domain asks that what it does not vouch for be refused.
	customs = "customs@northdock.example"
	// sales and export as well.
	sales  = "sales@northdock.example"
	export = "export@northdock.example"
	// branch may declare as well, from a domain that publishes nothing.
	branch = "branch@nothing.example"
	// hotel is of a domain that vouches for its mail, and registered for nothing.
	hotel = "hotel@lodging.example"
)

// people are the keys of those who write, and of the gateway.
type people struct {
	names     *origintest.Names
	ours      *rsa.PrivateKey
	short     ed25519.PrivateKey // of lodging.example, selector short: signs with a length (l=)
	authority string             // a PEM file with the authority behind jane
	jane      *x509.Certificate
	janes     *ecdsa.PrivateKey
}

// settle publishes the domains of everybody.
func settle(t *testing.T, n *origintest.Names, dir string) *people {
	t.Helper()
	p := &people{names: n, authority: filepath.Join(dir, "authority.pem")}
	n.Domain(t, "northdock.example", "rsa", "p=reject")
	n.Domain(t, "ship.northdock.example", "ed25519", "")
	n.Domain(t, "lodging.example", "ed25519", "p=none")
	n.Domain(t, "strict.example", "ed25519", "p=quarantine; adkim=s; aspf=s")
	n.Domain(t, "mail.strict.example", "ed25519", "")
	n.Domain(t, "lists.example", "ed25519", "p=none")
	n.Domain(t, "evil.example", "ed25519", "")
	n.Domain(t, "xn--bcher-kva.example", "ed25519", "p=none")
	n.Text("nomail.example", "v=spf1 -all")
	var err error
	if p.ours, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	name, text, err := email.DKIM{Selector: "ours", Key: p.ours}.Record("portlumen.example")
	if err != nil {
		t.Fatal(err)
	}
	n.Text(name, text)
	n.Text("portlumen.example", "v=spf1 ip4:127.0.0.1 -all")
	n.Text("_dmarc.portlumen.example", "v=DMARC1; p=reject")
	var public ed25519.PublicKey
	if public, p.short, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	n.Text("short._domainkey.lodging.example", "v=DKIM1; k=ed25519; p="+base64.StdEncoding.EncodeToString(public))
	p.certify(t)
	return p
}

// certify makes an authority, and a certificate of it for customs.
func (p *people) certify(t *testing.T) {
	t.Helper()
	var err error
	if p.janes, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	issue := func(c, by *x509.Certificate) *x509.Certificate {
		c.NotBefore, c.NotAfter = monday.AddDate(0, -1, 0), monday.AddDate(1, 0, 0)
		der, err := x509.CreateCertificate(rand.Reader, c, by, &p.janes.PublicKey, p.janes)
		if err != nil {
			t.Fatal(err)
		}
		if c, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		return c
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Trade CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	root = issue(root, root)
	p.jane = issue(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Jane Dock"}, EmailAddresses: []string{customs}}, root)
	if err := os.WriteFile(p.authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// smime signs content, whole lines that end with CR LF, by jane's certificate.
func (p *people) smime(t *testing.T, content string, detached bool) []byte {
	t.Helper()
	s, err := pkcs7.NewSignedData([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	s.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	if err := s.AddSigner(p.jane, p.janes, pkcs7.SignerInfoConfig{}); err != nil {
		t.Fatal(err)
	}
	if detached {
		s.Detach()
	}
	der, err := s.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// signed adds a DKIM signature of a domain to a mail.
func (p *people) signed(t *testing.T, mail, domain string) string {
	return p.names.Sign(t, mail, domain, time.Time{})
}

// signedShort adds a signature that covers the first n bytes of the body alone (RFC 6376 §3.5, l=).
func (p *people) signedShort(mail string, n int) string {
	head, body, _ := strings.Cut(mail, "\r\n\r\n")
	hash := sha256.Sum256([]byte(body[:n]))
	field := fmt.Sprintf("DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; d=lodging.example; s=short; h=From:Subject; l=%d; bh=%s; b=",
		n, base64.StdEncoding.EncodeToString(hash[:]))
	covered := ""
	for _, name := range []string{"From:", "Subject:"} {
		for line := range strings.SplitSeq(head, "\r\n") {
			if strings.HasPrefix(line, name) {
				covered += line + "\r\n"
			}
		}
	}
	sum := sha256.Sum256([]byte(covered + field))
	return field + base64.StdEncoding.EncodeToString(ed25519.Sign(p.short, sum[:])) + "\r\n" + mail
}
