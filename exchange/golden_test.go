package exchange

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// goldenNow is when the envelopes of testdata were sealed, to keys that protect nothing. They must open for ever: the
// bytes of an envelope are final.
const goldenNow = 1_773_057_600 // 2026-03-09 12:00 UTC

func goldenWorld(t *testing.T, s Suite) world {
	t.Helper()
	var keys []Key
	for i, p := range Parties() {
		for j, u := range uses() {
			k := Key{Party: p, Use: u, From: time.Unix(goldenNow-60, 0).UTC(), Until: time.Unix(goldenNow+3600, 0).UTC()}
			if u == Seal {
				k.Suite = s
			}
			if err := k.take(bytes.Repeat([]byte{byte(16*(i+1) + j + 1)}, 32)); err != nil {
				t.Fatal(err)
			}
			keys = append(keys, k)
		}
	}
	w := world{}
	for _, p := range Parties() {
		w[p] = ringOf(t, p, keys)
	}
	return w
}

func TestGoldenEnvelopesStillOpen(t *testing.T) {
	for _, s := range Suites() {
		w := goldenWorld(t, s)
		now := time.Unix(goldenNow, 0)
		want := parcelOf(t, aCase())
		u, err := w[UpGuard].Unseal(Up, golden(t, "toguard", s), now)
		if err != nil || !bytes.Equal(u.Content, want.Content) {
			t.Errorf("suite %d, first hop: %v\n%s", s, err, u.Content)
		}
		a, _, err := w[Intranet].Open(Up, golden(t, "fromguard", s), now)
		if err != nil || !bytes.Equal(a.Parcel.Content, want.Content) || a.Origin != u.Head {
			t.Errorf("suite %d, second hop: %v\n%+v", s, err, a)
		}
	}
}

// goldenName is the file of a hop: the version of the envelope, and the suite if it is not the first.
func goldenName(hop string, s Suite) string {
	if s == Suite1 {
		return hop + ".v1"
	}
	return fmt.Sprintf("%s.v1.suite%d", hop, s)
}

// golden reads an envelope of testdata. With GOLDEN=suite2 in the environment those of that suite are sealed anew first:
// to be done only when a suite or a version of the envelope is added, under a new name.
func golden(t *testing.T, hop string, s Suite) Envelope {
	t.Helper()
	path := filepath.Join("testdata", goldenName(hop, s))
	if os.Getenv("GOLDEN") == fmt.Sprintf("suite%d", s) {
		writeGolden(t, s)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(b), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	e, err := ParseEnvelope(raw)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func writeGolden(t *testing.T, s Suite) {
	t.Helper()
	w, now := goldenWorld(t, s), time.Unix(goldenNow, 0)
	n, err := w[Extranet].Seal(Up, Head{Epoch: 1}, parcelOf(t, aCase()), now)
	first := envelope(t, n, err)
	u, err := w[UpGuard].Unseal(Up, first, now)
	if err != nil {
		t.Fatal(err)
	}
	n, err = w[UpGuard].Endorse(Up, Head{Epoch: 1}, u, u.Content, Verdict{Rules: "1", Filters: []Trial{{"size", "pass"}}}, now)
	second := envelope(t, n, err)
	for hop, e := range map[string]Envelope{"toguard": first, "fromguard": second} {
		name, s := goldenName(hop, s), base64.StdEncoding.EncodeToString(e.Bytes)
		var lines []string
		for len(s) > 0 {
			n := min(len(s), 100)
			lines, s = append(lines, s[:n]), s[n:]
		}
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("testdata", name), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
