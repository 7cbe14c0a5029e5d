package program

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/exchange"
	"gatehouse/exchange/tls"
)

// TestCertificatesByCommand walks the ceremony: authority, request, signature, back to the end; then the end is right.
func TestCertificatesByCommand(t *testing.T) {
	dir := t.TempDir()
	authority, end := filepath.Join(dir, "authority"), filepath.Join(dir, "end")
	for _, d := range []string{authority, end} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	csr, crt := filepath.Join(end, tls.LinkRequest), filepath.Join(end, tls.LinkCert)
	for _, x := range []struct {
		args string
		code int
		said string
	}{
		{"authority -dir " + authority, 0, "to every end"},
		{"authority -dir " + authority, 1, "exists"},
		{"request -dir " + end + " -party up-guard", 0, "never leaves this host"},
		{"sign -dir " + authority + " -party up-guard -request " + csr + " -out " + crt, 0, "back to up-guard"},
		{"show " + crt, 0, "fingerprint "},
		{"make -dir " + filepath.Join(dir, "all") + " -party extranet -party up-guard", 0, "can play every party"},
		{"", 2, "keys tls make"},
		{"dance", 2, "keys tls make"},
		{"authority", 2, "-dir is needed"},
		{"authority -dir x y", 2, "no file is needed"},
		{"request -dir " + end, 2, "one -party is needed"},
		{"request -dir " + end + " -party mayor", 2, "write one of"},
		{"sign -dir " + authority + " -party up-guard", 2, "-request and -out"},
		{"make -dir " + dir, 2, "-party is needed"},
		{"show", 2, "one file is needed"},
		{"show a b", 2, "one too many"},
		{"show " + csr, 1, "holds no CERTIFICATE"},
	} {
		var out bytes.Buffer
		if code := Main(append([]string{"keys", "tls"}, strings.Fields(x.args)...), &out, &out); code != x.code || !strings.Contains(out.String(), x.said) {
			t.Errorf("keys tls %s: code %d, said %q", x.args, code, out.String())
		}
	}
	c := tls.Config{Cert: crt, Key: filepath.Join(end, tls.LinkKey), CA: filepath.Join(authority, tls.AuthorityCert)}
	if err := tls.Check(c, exchange.LinkA, exchange.UpGuard); err != nil {
		t.Error(err)
	}
}
