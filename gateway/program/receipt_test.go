package program

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange/receipt"
)

// TestReceiptVerify: the exit code is 0 only when every signature, key, file and link is right, and what is wrong is said.
func TestReceiptVerify(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	at := time.Date(2026, 11, 23, 10, 14, 7, 0, time.UTC)
	key := func(n byte, by receipt.By, until time.Time) (receipt.Key, receipt.Signer) {
		private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
		k := receipt.Key{By: by, From: at.Add(-time.Hour), ID: hex.EncodeToString([]byte{n}), Public: hex.EncodeToString(private.Public().(ed25519.PublicKey)), Until: until}
		return k, func(time.Time) (string, func([]byte) []byte, error) {
			return k.ID, func(m []byte) []byte { return ed25519.Sign(private, m) }, nil
		}
	}
	gate, sign := key(1, receipt.ByGateway, at.Add(time.Hour))
	desk, inside := key(2, receipt.ByOffice, at.Add(time.Hour))
	ended, late := key(3, receipt.ByGateway, at)
	_, stranger := key(4, receipt.ByGateway, at)
	published, _ := json.Marshal(receipt.Keys{Issuer: "portlumen.example", Keys: []receipt.Key{gate, desk, ended}})
	keys := put("keys.json", published)
	made := func(name string, s receipt.Signer, change func(*receipt.Receipt)) (string, receipt.Receipt, []byte) {
		r := receipt.Receipt{Schema: receipt.Schema, Kind: receipt.Received, ID: name, Issuer: "portlumen.example", Number: 1, At: at, Case: "PL-9DTE-4HB6-32", Service: "DEC-GOODS",
			Filed: at, FiledLocal: at, Files: []receipt.File{{Name: "goods.csv", SHA256: receipt.Digest([]byte("rows")), Size: 4}}}
		change(&r)
		b, err := receipt.Sign(r, s)
		if err != nil {
			t.Fatal(err)
		}
		return put(name, b), r, b
	}
	one, _, oneBytes := made("one.json", sign, func(*receipt.Receipt) {})
	two, _, _ := made("two.json", sign, func(r *receipt.Receipt) {
		r.Number, r.Previous, r.Supersedes = 2, receipt.Digest(oneBytes), "one.json"
	})
	torn, _, _ := made("torn.json", sign, func(r *receipt.Receipt) { r.Number, r.Previous = 2, strings.Repeat("0", 64) })
	again, _, _ := made("again.json", sign, func(r *receipt.Receipt) { r.Case = "PL-OTHER" })
	registered, _, _ := made("registered.json", inside, func(r *receipt.Receipt) {
		r.Kind, r.Number, r.Register, r.Of = receipt.Registered, 0, &receipt.Register{At: at, Number: "R-1"}, &receipt.Of{ID: "one.json", Digest: receipt.Digest(oneBytes)}
	})
	expired, _, _ := made("expired.json", late, func(*receipt.Receipt) {})
	strange, _, _ := made("strange.json", stranger, func(*receipt.Receipt) {})
	changed := put("changed.json", bytes.Replace(oneBytes, []byte("PL-9DTE"), []byte("PL-9DTF"), 1))
	padded := put("padded.json", append([]byte(" "), oneBytes...))
	rows, other := put("goods.csv", []byte("rows")), put("other.csv", []byte("rows, changed"))
	for _, c := range []struct {
		code int
		said string
		args []string
	}{
		{0, "of the gateway, valid", []string{one, "-keys", keys}},
		{0, "it is " + rows, []string{"-keys", keys, one, "-file", rows}},
		{0, "two.json follows", []string{two, one, "-keys", keys}},
		{0, "takes the place of", []string{one, two, "-keys", keys}},
		{0, "registered.json belongs to", []string{registered, "-keys", keys, one}},
		{1, "no receipt names it", []string{one, "-keys", keys, "-file", other}},
		{1, "does not follow", []string{one, torn, "-keys", keys}},
		{1, "both number 1", []string{one, again, "-keys", keys}},
		{1, receipt.ErrTime.Error(), []string{expired, "-keys", keys}},
		{1, receipt.ErrKey.Error(), []string{strange, "-keys", keys}},
		{1, receipt.ErrSignature.Error(), []string{changed, "-keys", keys}},
		{1, receipt.ErrForm.Error(), []string{padded, "-keys", keys}},
		{1, receipt.ErrForm.Error(), []string{rows, "-keys", keys}},
		{1, "no receipt is named", nil},
		{1, "-keys is missing", []string{one}},
		{1, "no such file", []string{one, "-keys", filepath.Join(dir, "none")}},
		{1, "no such file", []string{filepath.Join(dir, "none"), "-keys", keys}},
		{1, "read keys", []string{one, "-keys", rows}},
		{1, "not defined", []string{one, "-what"}},
	} {
		var out, errs bytes.Buffer
		if code := Receipt(c.args, &out, &errs); code != c.code || !strings.Contains(out.String()+errs.String(), c.said) || (code == 0) != strings.HasSuffix(out.String(), "all good\n") {
			t.Errorf("%v: code %d, want %d and %q\n%s%s", c.args, code, c.code, c.said, out.String(), errs.String())
		}
	}
}
