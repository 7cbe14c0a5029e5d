package smime

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
)

// revoke writes a list of an authority's revoked numbers, until a time.
func (a authority) revoke(t *testing.T, file string, armour bool, until time.Time, numbers ...int64) {
	t.Helper()
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: noon.AddDate(0, 0, -1), NextUpdate: until}
	for _, n := range numbers {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(n), RevocationTime: noon.AddDate(0, 0, -2)})
	}
	der := must[[]byte](t)(x509.CreateRevocationList(rand.Reader, l, a.cert, a.key))
	if armour {
		der = pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
	}
	if err := os.WriteFile(file, der, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRevoked: who is on a list of the authority proves nothing, from the moment the file says so.
func TestRevoked(t *testing.T) {
	ca, other := newAuthority(t, "Trade CA"), newAuthority(t, "Other CA")
	dir := t.TempDir()
	roots, list := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca.crl")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	ca.revoke(t, list, true, noon.AddDate(0, 0, 1), 7)
	a := must[*Authorities](t)(Load([]string{roots}, []string{list}))
	good := ca.clerk(t, nil).sign(t, pkcs7.OIDDigestAlgorithmSHA256)
	stamp := time.Now()
	for _, step := range []struct {
		name string
		by   authority
		days int
		nums []int64
		pem  bool
		want string
	}{
		{"another number", ca, 1, []int64{7}, true, "S/MIME: signed by"},
		{"the signer's number", ca, 1, []int64{7, 2}, false, "the certificate was revoked"},
		{"the list is out of date", ca, -1, nil, true, "the list of revoked certificates is out of date"},
		{"out of date, but it names the signer", ca, -1, []int64{2}, true, "the certificate was revoked"},
		{"another authority's list", other, 1, []int64{2}, true, "S/MIME: signed by"},
	} {
		step.by.revoke(t, list, step.pem, noon.AddDate(0, 0, step.days), step.nums...)
		stamp = stamp.Add(time.Second) // two files within one tick of the file system's clock
		if err := os.Chtimes(list, stamp, stamp); err != nil {
			t.Fatal(err)
		}
		if v := a.Verify(signedType, "customs@northdock.example", strings.NewReader(good), noon); !strings.HasPrefix(v.String(), step.want) {
			t.Errorf("%s: %q", step.name, v.String())
		}
	}
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	if v := a.Verify(signedType, "customs@northdock.example", strings.NewReader(good), noon); v.Proven() {
		t.Error("without its list a signature counts")
	}
	if _, err := Load([]string{roots}, []string{list}); err == nil {
		t.Error("a list that is not there is none")
	}
}
