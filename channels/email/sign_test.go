package email

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"gatehouse/channels"
	"gatehouse/channels/email/origin/origintest"
)

// TestSignsWhatGoesOut: two keys made by the program sign a mail; who looks up the records that it told finds both
// signatures right, and wrong once a word is changed or a second From is put above.
func TestSignsWhatGoesOut(t *testing.T) {
	s := newSink(t)
	dir := t.TempDir()
	keys := []DKIM{{Selector: "one", KeyFile: filepath.Join(dir, "one")}, {Selector: "two", Kind: KindEd25519, KeyFile: filepath.Join(dir, "two")}}
	n := origintest.Serve(t)
	for _, k := range keys {
		name, text, err := k.Record("city.example")
		if err != nil {
			t.Fatal(err)
		}
		n.Text(name, text)
		if again, same, err := k.Record("city.example"); again != name || same != text || err != nil {
			t.Errorf("told again: %s, %v", again, err)
		}
		if i, err := os.Stat(k.KeyFile); err != nil || i.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", i.Mode(), err)
		}
	}
	ch := sending(t, s, func(c *Config) { c.DKIM = keys })
	for _, files := range []int{0, 2} {
		m := reply()
		for range files {
			m.Files = append(m.Files, channels.File{Name: "list.csv", Type: "text/csv", Open: func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader(strings.Repeat("a;b\n", 75_000))), nil
			}})
		}
		if _, err := ch.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		raw := crlf(s.mails()[len(s.mails())-1].raw)
		for what, mail := range map[string]string{"": raw, "subject": strings.Replace(raw, "Subject: ", "Subject: x", 1),
			"a From above": "From: a@b.example\r\n" + raw, "a From below": strings.Replace(raw, "\r\nMime-Version: 1", "\r\nFrom: a@b.example\r\nMime-Version: 1", 1),
			"body": strings.TrimSuffix(raw, "\r\n") + "x\r\n"} {
			found, err := dkim.VerifyWithOptions(strings.NewReader(mail), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
				return Origin{Resolver: n.Addr}.resolver().LookupTXT(t.Context(), name)
			}})
			if err != nil || len(found) != 2 {
				t.Fatalf("%d signatures, %v", len(found), err)
			}
			for _, f := range found {
				if (f.Err == nil) != (what == "") || f.Domain != "city.example" {
					t.Errorf("%d files, changed %q: %s, %v", files, what, f.Domain, f.Err)
				}
			}
		}
	}
}

func TestKeysThatCantSign(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		d    DKIM
		part string
	}{
		{DKIM{Selector: "s", KeyFile: filepath.Join(dir, "none")}, "dkim make"},
		{DKIM{Selector: "s", KeyFile: file("words", "no key")}, "PKCS #8"},
		{DKIM{Selector: "s", KeyFile: file("der", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")}, "dkim.key_file"},
		{DKIM{Selector: "S p", KeyFile: "x"}, "dkim[0].selector"},
		{DKIM{Selector: "s", Kind: "dsa", KeyFile: "x"}, "dkim[0].kind"},
		{DKIM{Selector: "s"}, "dkim[0].key_file"},
	} {
		config := testConfig(t)
		config.DKIM = []DKIM{c.d}
		if _, err := Open(config, shared()); err == nil || !strings.Contains(err.Error(), c.part) {
			t.Errorf("%+v: %v", c.d, err)
		}
	}
}
