package exchange

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestRevokedKeyIsRefused: whatever its number and its time.
func TestRevokedKeyIsRefused(t *testing.T) {
	for _, use := range []Use{Sign, Seal} {
		w := newWorld(t)
		e := firstHop(t, w, Up, aCase())
		owner := Extranet
		if use == Seal {
			owner = UpGuard
		}
		k, _ := w[UpGuard].current(owner, use, noon)
		w[UpGuard].Revoke(Revocation{Party: owner, Use: use, ID: k.ID, At: noon})
		if _, err := w[UpGuard].Unseal(Up, e, noon); !errors.Is(err, ErrAside) || !strings.Contains(err.Error(), "revoked") {
			t.Errorf("%s: %v", use, err)
		}
		if err := w[UpGuard].Ready(noon); err == nil {
			t.Errorf("%s: ready without it", use)
		}
	}
}

// TestRevokedOriginIsRefusedAtTheEnd: the end tries each key of the origin, and this one no more.
func TestRevokedOriginIsRefusedAtTheEnd(t *testing.T) {
	w := newWorld(t)
	e := secondHop(t, w, Up, firstHop(t, w, Up, aCase()), Verdict{})
	k, _ := w[Extranet].current(Extranet, Sign, noon)
	w[Intranet].Revoke(Revocation{Party: Extranet, Use: Sign, ID: k.ID})
	if _, _, err := w[Intranet].Open(Up, e, noon); !errors.Is(err, ErrAside) {
		t.Errorf("got %v", err)
	}
}

func TestRevokedKeyIsNotUsed(t *testing.T) {
	w := newWorld(t)
	old, _ := w[Extranet].current(Extranet, Sign, noon)
	before, err := NewKey(Extranet, Sign, noon.Add(-2*time.Hour), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	w[Extranet].keys = append(w[Extranet].keys, before)
	w[Extranet].Revoke(Revocation{Party: Extranet, Use: Sign, ID: old.ID})
	n, err := w[Extranet].Seal(Up, Head{Epoch: 1}, parcelOf(t, aCase()), noon)
	if o, _ := parseOuter(envelope(t, n, err).Bytes); o.sender != before.ID {
		t.Errorf("signed with %s", o.sender)
	}
	w[Extranet].Revoke(Revocation{Party: Extranet, Use: Sign, ID: before.ID})
	if _, err := w[Extranet].Seal(Up, Head{Epoch: 1}, parcelOf(t, aCase()), noon); err == nil {
		t.Error("signed with a revoked key")
	}
}

func TestRevokedReleaseKey(t *testing.T) {
	w := newWorld(t)
	d, err := w[Intranet].Release(Notice{ID: "n", Case: "c", Text: "on its way", Release: Released{Label: Releasable, Policy: "clean"}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := w[DownGuard].VerifyRelease(d, noon); err != nil {
		t.Fatal(err)
	}
	k, _ := w[Intranet].current(Intranet, Release, noon)
	w[DownGuard].Revoke(Revocation{Party: Intranet, Use: Release, ID: k.ID})
	if err := w[DownGuard].VerifyRelease(d, noon); !errors.Is(err, ErrNotReleased) || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("got %v", err)
	}
}

func TestRevocationFile(t *testing.T) {
	dir := t.TempDir()
	v := Revocation{Party: UpGuard, Use: Seal, ID: KeyID{1, 2, 3}, At: noon}
	for range 2 { // safe to repeat
		if err := WriteRevocation(dir, v); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "up-guard.seal.0102030000000000.rev")
	got, err := ReadRevocation(path)
	v.At = v.At.Truncate(time.Second)
	if err != nil || !reflect.DeepEqual(got, v) {
		t.Fatalf("%+v, %v", got, err)
	}
	whole, _ := os.ReadFile(path)
	for name, b := range map[string]string{
		"empty": "", "half": string(whole[:len(whole)/2]), "another version": strings.Replace(string(whole), `"version":1`, `"version":2`, 1),
		"no party": strings.Replace(string(whole), "up-guard", "mayor", 1), "no use": strings.Replace(string(whole), `"seal"`, `"lend"`, 1),
		"short id": strings.Replace(string(whole), "0102030000000000", "01020300", 1), "capitals": strings.Replace(string(whole), "0102030000000000", "0102030000000ABC", 1),
		"no hex": strings.Replace(string(whole), "0102030000000000", "zz02030000000000", 1), "more": string(whole) + "x",
	} {
		if _, err := parseRevocation(bytes.TrimSuffix([]byte(b), []byte("\n"))); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

func FuzzKeyFiles(f *testing.F) {
	for _, s := range Suites() {
		k, err := NewKeyOf(s, UpGuard, Seal, noon, time.Hour)
		if err != nil {
			f.Fatal(err)
		}
		secret, _ := k.secret()
		f.Add(k.file(nil))
		f.Add(k.file(secret))
	}
	f.Add(marshal(revocationFile{Version: 1, Revoked: KeyID{1}.String(), Party: UpGuard, Use: Seal, At: noon}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := parseKey(b); err == nil {
			var secret []byte
			if k.Private() {
				secret, _ = k.secret()
			}
			if !bytes.Equal(k.file(secret), b) {
				t.Errorf("written in another way: %s", b)
			}
		}
		if v, err := parseRevocation(b); err == nil && !bytes.Contains(b, []byte(v.ID.String())) {
			t.Errorf("%s names another key", b)
		}
	})
}
