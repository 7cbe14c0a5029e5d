package email

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"

	"gatehouse/channels"
)

// signedMail gives a mail that is signed for customs@northdock.example, and a file with the authority behind it.
func signedMail(t *testing.T) (letter, authority string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(c, by *x509.Certificate) *x509.Certificate {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		if c, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		return c
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Trade CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	root = issue(root, root)
	jane := issue(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Jane Dock"}, EmailAddresses: []string{"customs@northdock.example"}}, root)
	authority = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	words := crlf("Content-Type: text/plain\n\ntwenty rows\n")
	s, err := pkcs7.NewSignedData([]byte(words))
	if err != nil {
		t.Fatal(err)
	}
	s.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	if err := s.AddSigner(jane, key, pkcs7.SignerInfoConfig{}); err != nil {
		t.Fatal(err)
	}
	s.Detach()
	der, err := s.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return crlf("From: Clerk <customs@northdock.example>\nTo: help@city.example\nSubject: Week 47\nMessage-ID: <1@northdock.example>\nMIME-Version: 1.0\n"+
		"Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=b1\n\n--b1\n") + words + crlf("\n--b1\n"+
		"Content-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64\n\n"+base64.StdEncoding.EncodeToString(der)+"\n--b1--\n"), authority
}

// TestSigned sends a signed mail over a real session: its words are read as any others, and its sender is proven where an
// authority of ours stands behind it.
func TestSigned(t *testing.T) {
	letter, authority := signedMail(t)
	for name, c := range map[string]struct {
		mail        string
		authorities []string
		trust       channels.Trust
		proof       string
	}{
		"as it was signed":     {letter, []string{authority}, channels.Signed, "S/MIME: signed by Jane Dock (customs@northdock.example), authority Trade CA"},
		"tampered with":        {strings.Replace(letter, "twenty rows", "twenty-one rows", 1), []string{authority}, channels.Unverified, "the signature does not hold, or no authority of ours stands behind it"},
		"nobody's authorities": {letter, nil, channels.Unverified, ""},
	} {
		config := testConfig(t)
		config.Origin = Origin{Authorities: c.authorities}
		in := &inbox{}
		_, addr, _ := serve(t, config, in)
		if err := smtp.SendMail(addr, nil, "customs@northdock.example", []string{"help@city.example"}, []byte(c.mail)); err != nil {
			t.Fatal(err)
		}
		all := in.Messages()
		if len(all) != 1 || all[0].Trust != c.trust || all[0].Proof != c.proof || !strings.Contains(all[0].Text, "rows") || len(all[0].Files) != 0 {
			t.Errorf("%s: %+v", name, all)
		}
	}
}
