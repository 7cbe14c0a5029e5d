// Package smime verifies the signature of a mail (RFC 8551) against the authorities that the operator named: one that stands
// beside the words (multipart/signed), or one around them (application/pkcs7-mime, smime-type=signed-data), which Content
// unwraps for whoever reads the mail.
//
// The rule: a signature proves nothing unless its certificate chains to such an authority at the time of reception, is on no
// list of revoked ones that the operator keeps, is made out to the address of the From line, and is made with a digest that
// nobody can forge. What can't be verified is a mail without a signature: it is read as any other, and never refused for it.
package smime

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/smallstep/pkcs7"
)

// MaxMail bounds the mail that is held whole while its signature is verified; a larger one proves nothing.
const MaxMail = 24 << 20

// maxSignature bounds the signature with its certificates.
const maxSignature = 256 << 10

// Verdict is what a signature proved.
type Verdict struct {
	// Address is the mail address that the certificate is made out to, lower case; empty: nothing is proven.
	Address string
	// Signer and Authority are the names of the certificate and of the authority at the end of its chain.
	Signer, Authority string
	// Reason says in a few words why nothing is proven; empty for a mail that is not signed.
	Reason string
}

// Proven tells whether the mail is signed for the address of its From line.
func (v Verdict) Proven() bool { return v.Address != "" }

// String is the verdict in one line for staff.
func (v Verdict) String() string {
	if v.Proven() {
		return fmt.Sprintf("S/MIME: signed by %s (%s), authority %s", v.Signer, v.Address, v.Authority)
	}
	return v.Reason
}

// Authorities are those whose certificates count.
type Authorities struct {
	roots   *x509.CertPool
	revoked revoked
}

// Load reads PEM files with the certificates of authorities; none: nil, no signature counts. revocations are files with
// their lists of revoked certificates (RFC 5280 CRLs, PEM or DER), which are read again when they change; an authority
// without a list revokes nothing, and one whose list is out of date proves nothing.
func Load(files, revocations []string) (*Authorities, error) {
	if len(files) == 0 {
		return nil, nil
	}
	a := &Authorities{roots: x509.NewCertPool(), revoked: revoked{files: revocations}}
	if _, err := a.revoked.current(); err != nil {
		return nil, err
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read authority: %w", err)
		}
		if !a.roots.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("read authority %s: it holds no certificate in PEM", name)
		}
	}
	return a, nil
}

// Opaque tells whether a media type is that of a signature around what it signs (RFC 8551 §3.5.2).
func Opaque(mediaType string, params map[string]string) bool {
	return (mediaType == "application/pkcs7-mime" || mediaType == "application/x-pkcs7-mime") && strings.EqualFold(params["smime-type"], "signed-data")
}

var errSignature = errors.New("the signature is not one of one signer")

// Content gives what an opaque signature is around, a MIME entity; it says nothing of who signed it.
func Content(der []byte) ([]byte, error) {
	if len(der) > MaxMail {
		return nil, errSize
	}
	p, err := read(der)
	if err != nil || len(p.Content) == 0 {
		return nil, errSignature
	}
	return p.Content, nil
}

// read parses a CMS signature.
func read(der []byte) (*pkcs7.PKCS7, error) {
	if !sound(der) {
		return nil, errSignature
	}
	return pkcs7.Parse(der)
}

var errSize = errors.New("the signed mail is too large")

// Verify judges a mail, read from its first header on, by author, the one address of its From line, and the time at which
// it came. contentType is the mail's own. A nil a proves nothing.
func (a *Authorities) Verify(contentType, author string, raw io.Reader, at time.Time) Verdict {
	t, params, err := mime.ParseMediaType(contentType)
	beside := t == "multipart/signed" && strings.HasSuffix(strings.ToLower(params["protocol"]), "pkcs7-signature")
	if a == nil || err != nil || !beside && !Opaque(t, params) {
		return Verdict{}
	}
	all, err := io.ReadAll(io.LimitReader(raw, MaxMail+1))
	if err != nil || len(all) > MaxMail {
		return Verdict{Reason: errSize.Error()}
	}
	var signed, der []byte
	if beside {
		signed, der, err = split(all, params["boundary"])
	} else {
		signed, der, err = around(all)
	}
	if err != nil {
		return Verdict{Reason: err.Error()}
	}
	return a.judge(signed, der, author, at)
}

// around gives the content of an opaque signature, and the signature itself.
func around(all []byte) (signed, der []byte, err error) {
	_, body, ok := bytes.Cut(bytes.ReplaceAll(all, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	if der, err = base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(body), nil))); err != nil || !ok {
		return nil, nil, errSignature
	}
	signed, err = Content(der)
	return signed, der, err
}

func (a *Authorities) judge(signed, der []byte, author string, at time.Time) Verdict {
	p, err := read(der)
	if err != nil || len(p.Signers) != 1 || p.GetOnlySigner() == nil {
		return Verdict{Reason: errSignature.Error()}
	}
	if !strong(p.Signers[0].DigestAlgorithm.Algorithm) {
		return Verdict{Reason: "the signature has a digest that can be forged"}
	}
	p.Content = signed
	if err := p.VerifyWithChainAtTime(a.roots, at); err != nil {
		return Verdict{Reason: errNobody.Error()}
	}
	cert := p.GetOnlySigner()
	address, ok := madeOut(cert, author)
	if !ok {
		return Verdict{Reason: "the certificate is made out to another address"}
	}
	authority, err := a.behind(cert, p.Certificates, at)
	if err != nil {
		return Verdict{Reason: err.Error()}
	}
	return Verdict{Address: address, Signer: cert.Subject.CommonName, Authority: authority}
}

var errNobody = errors.New("the signature does not hold, or no authority of ours stands behind it")

// behind names the authority at the end of a certificate's chain of which nothing is revoked.
func (a *Authorities) behind(cert *x509.Certificate, more []*x509.Certificate, at time.Time) (string, error) {
	between := x509.NewCertPool()
	for _, c := range more {
		between.AddCert(c)
	}
	chains, err := cert.Verify(x509.VerifyOptions{Roots: a.roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil || len(chains) == 0 {
		return "", errNobody
	}
	for _, chain := range chains {
		if err = a.revoked.check(chain, at); err == nil {
			return chain[len(chain)-1].Subject.CommonName, nil
		}
	}
	return "", err
}

// strong tells whether a digest can't be forged: SHA-256, 384 or 512 (RFC 5754 §2).
func strong(id asn1.ObjectIdentifier) bool {
	return slices.ContainsFunc([]asn1.ObjectIdentifier{pkcs7.OIDDigestAlgorithmSHA256, pkcs7.OIDDigestAlgorithmSHA384, pkcs7.OIDDigestAlgorithmSHA512}, id.Equal)
}

// madeOut tells whether a certificate may sign mail of an address (RFC 8550 §3): it is in its subjectAltName, and what the
// key may be used for, where it says so, is mail.
func madeOut(cert *x509.Certificate, author string) (string, bool) {
	mail := len(cert.ExtKeyUsage) == 0 || slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageEmailProtection) || slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageAny)
	named := slices.ContainsFunc(cert.EmailAddresses, func(s string) bool { return strings.EqualFold(s, author) })
	return strings.ToLower(author), mail && named && author != "" && !cert.IsCA
}

var errShape = errors.New("the signed mail is not of two parts")

// split gives the first part of a multipart/signed, as it was signed (RFC 1847 §2.1: its lines end with CR LF, and the
// line end before the delimiter is not its own), and the signature.
func split(all []byte, boundary string) (signed, der []byte, err error) {
	if boundary == "" {
		return nil, nil, errShape
	}
	all = bytes.ReplaceAll(bytes.ReplaceAll(all, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	parts := bytes.Split(all, []byte("\r\n--"+boundary))
	if len(parts) != 4 || !bytes.HasPrefix(parts[3], []byte("--")) {
		return nil, nil, errShape
	}
	rest, signed, ok := bytes.Cut(parts[1], []byte("\r\n"))
	if len(bytes.TrimSpace(rest)) > 0 { // a longer word, which is no delimiter to who reads the parts
		return nil, nil, errShape
	}
	if line, _, _ := bytes.Cut(parts[2], []byte("\r\n")); len(bytes.TrimSpace(line)) > 0 {
		return nil, nil, errShape
	}
	head, body, second := bytes.Cut(parts[2], []byte("\r\n\r\n"))
	if !ok || !second || len(body) > maxSignature || !bytes.Contains(bytes.ToLower(head), []byte("base64")) {
		return nil, nil, errShape
	}
	der, err = base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(body), nil)))
	if err != nil {
		return nil, nil, errShape
	}
	return signed, der, nil
}
