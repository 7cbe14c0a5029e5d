package smime

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// authority is a CA of the test's own.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newAuthority(t *testing.T, name string) authority {
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(5, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key))
	return authority{must[*x509.Certificate](t)(x509.ParseCertificate(der)), key}
}

// clerk gives somebody a certificate for an address.
func (a authority) clerk(t *testing.T, change func(*x509.Certificate)) authority {
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	c := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Jane Dock"}, NotBefore: noon.AddDate(0, -1, 0), NotAfter: noon.AddDate(1, 0, 0),
		EmailAddresses: []string{"Customs@northdock.example"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}, KeyUsage: x509.KeyUsageDigitalSignature}
	if change != nil {
		change(c)
	}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key))
	return authority{must[*x509.Certificate](t)(x509.ParseCertificate(der)), key}
}

const inner = "Content-Type: text/plain\r\n\r\nGoods of week 47.\r\n"

// around makes a mail of inner that is within its signature.
func (a authority) around(t *testing.T) string {
	return "From: customs@northdock.example\r\nContent-Type: " + opaqueType + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString(a.cms(t)) + "\r\n"
}

// cms is the signature with inner within it.
func (a authority) cms(t testing.TB) []byte {
	s, err := pkcs7.NewSignedData([]byte(inner))
	if err == nil {
		s.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
		err = s.AddSigner(a.cert, a.key, pkcs7.SignerInfoConfig{})
	}
	var der []byte
	if err == nil {
		der, err = s.Finish()
	}
	if err != nil {
		t.Fatal(err)
	}
	return der
}

const opaqueType = `application/pkcs7-mime; smime-type=signed-data; name=smime.p7m`

// sign makes a signed mail of inner.
func (a authority) sign(t *testing.T, digest asn1.ObjectIdentifier) string {
	s := must[*pkcs7.SignedData](t)(pkcs7.NewSignedData([]byte(inner)))
	s.SetDigestAlgorithm(digest)
	if err := s.AddSigner(a.cert, a.key, pkcs7.SignerInfoConfig{}); err != nil {
		t.Fatal(err)
	}
	s.Detach()
	der := must[[]byte](t)(s.Finish())
	return "From: customs@northdock.example\r\nContent-Type: " + signedType + "\r\n\r\npreamble\r\n--b1\r\n" + inner + "\r\n--b1\r\n" +
		"Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString(der) + "\r\n--b1--\r\n"
}

const signedType = `multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="b1"`

// TestVerify: one mail proves its sender, and whatever is wrong with a copy proves nothing.
func TestVerify(t *testing.T) {
	ca, stranger := newAuthority(t, "Trade CA"), newAuthority(t, "Trade CA")
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	a := must[*Authorities](t)(Load([]string{path}, nil))
	sha256 := pkcs7.OIDDigestAlgorithmSHA256
	jane := ca.clerk(t, nil)
	good := jane.sign(t, sha256)
	for name, c := range map[string]struct {
		mail, kind, author string
		at                 time.Time
		want               string // begins the verdict
	}{
		"good":              {mail: good, want: "S/MIME: signed by Jane Dock (customs@northdock.example), authority Trade CA"},
		"lines without CR":  {mail: strings.ReplaceAll(good, "\r\n", "\n"), want: "S/MIME: signed by Jane Dock"},
		"tampered":          {mail: strings.Replace(good, "week 47", "week 48", 1), want: "the signature does not hold"},
		"another address":   {mail: good, author: "jane@northdock.example", want: "the certificate is made out to another"},
		"no author":         {mail: good, author: "-", want: "the certificate is made out to another"},
		"not yet expired":   {mail: good, at: noon.AddDate(0, 11, 0), want: "S/MIME: signed by"},
		"expired":           {mail: good, at: noon.AddDate(2, 0, 0), want: "the signature does not hold"},
		"unknown authority": {mail: stranger.clerk(t, nil).sign(t, sha256), want: "the signature does not hold"},
		"SHA-1":             {mail: jane.sign(t, pkcs7.OIDDigestAlgorithmSHA1), want: "the signature has a digest"},
		"for web servers": {mail: ca.clerk(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }).sign(t, sha256),
			want: "the certificate is made out to another"},
		"a part more":          {mail: strings.Replace(good, "--b1--", "--b1\r\nContent-Type: text/plain\r\n\r\nunsigned\r\n--b1--", 1), want: "the signed mail is not"},
		"a part before":        {mail: strings.Replace(good, "preamble", "--b1\r\n\r\nunsigned", 1), want: "the signed mail is not"},
		"a longer word":        {mail: strings.Replace(good, "--b1\r\nContent-Type: text", "--b1x\r\nContent-Type: text", 1), want: "the signed mail is not"},
		"no signature":         {mail: strings.Replace(good, "MII", "!!!", 1), want: "the signed mail is not"},
		"rubbish":              {mail: good[:strings.LastIndex(good, "base64\r\n\r\n")+10] + "aGVsbG8=\r\n--b1--\r\n", want: "the signature is not one"},
		"not signed":           {mail: good, kind: "text/plain", want: ""},
		"OpenPGP":              {mail: good, kind: `multipart/signed; protocol="application/pgp-signature"; boundary="b1"`, want: ""},
		"within":               {mail: jane.around(t), kind: opaqueType, want: "S/MIME: signed by Jane Dock (customs@northdock.example), authority Trade CA"},
		"within, a stranger's": {mail: stranger.clerk(t, nil).around(t), kind: opaqueType, want: "the signature does not hold"},
		"within, rubbish":      {mail: "From: x\r\n\r\naGVsbG8=\r\n", kind: opaqueType, want: "the signature is not one"},
		"within, encrypted":    {mail: jane.around(t), kind: "application/pkcs7-mime; smime-type=enveloped-data", want: ""},
		"without boundary":     {mail: good, kind: `multipart/signed; protocol="application/pkcs7-signature"`, want: "the signed mail is not"},
	} {
		kind, author, at := signedType, "customs@northdock.example", noon
		if c.kind != "" {
			kind = c.kind
		}
		if c.author != "" {
			author = strings.TrimPrefix(c.author, "-")
		}
		if !c.at.IsZero() {
			at = c.at
		}
		v := a.Verify(kind, author, strings.NewReader(c.mail), at)
		if !strings.HasPrefix(v.String(), c.want) || c.want == "" && v.String() != "" || v.Proven() != strings.HasPrefix(c.want, "S/MIME") {
			t.Errorf("%s: %q", name, v.String())
		}
	}
	var none *Authorities
	if none.Verify(signedType, "customs@northdock.example", strings.NewReader(good), noon).Proven() {
		t.Error("without an authority a signature counts")
	}
	if _, err := Load([]string{filepath.Join(t.TempDir(), "gone.pem")}, nil); err == nil {
		t.Error("a file that is not there is an authority")
	}
}
