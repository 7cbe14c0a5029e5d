package vault_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gatehouse/configs/vault"
)

func open(t *testing.T, secret byte) *vault.Vault {
	t.Helper()
	v, err := vault.New(bytes.Repeat([]byte{secret}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSealBindsToKeyAndRow(t *testing.T) {
	v := open(t, 1)
	k, err := v.NewKey(time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	other, _ := v.NewKey(time.Unix(1, 0))
	sealed := k.Seal("contact", "c1", []byte("hello"))
	if len(sealed) != 5+vault.Overhead {
		t.Errorf("sealed is %d bytes", len(sealed))
	}
	if got, err := k.Open("contact", "c1", sealed); err != nil || string(got) != "hello" {
		t.Fatalf("%q, %v", got, err)
	}
	if again := k.Seal("contact", "c1", []byte("hello")); bytes.Equal(again, sealed) {
		t.Error("the same text gives the same bytes")
	}
	for name, try := range map[string]func() ([]byte, error){
		"other row":   func() ([]byte, error) { return k.Open("contact", "c2", sealed) },
		"other table": func() ([]byte, error) { return k.Open("matter", "c1", sealed) },
		"moved line":  func() ([]byte, error) { return k.Open("contac", "tc1", sealed) },
		"other key":   func() ([]byte, error) { return other.Open("contact", "c1", sealed) },
		"no key":      func() ([]byte, error) { return vault.Key{ID: k.ID}.Open("contact", "c1", sealed) },
		"cut":         func() ([]byte, error) { return k.Open("contact", "c1", sealed[:len(sealed)-1]) },
		"empty":       func() ([]byte, error) { return k.Open("contact", "c1", nil) },
	} {
		if got, err := try(); !errors.Is(err, vault.ErrSealed) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := k.Open("contact", "c1", bad); !errors.Is(err, vault.ErrSealed) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
}

func TestUnwrap(t *testing.T) {
	v := open(t, 1)
	k, _ := v.NewKey(time.Unix(1, 0))
	sealed := k.Seal("x", "y", []byte("z"))
	again, err := open(t, 1).Unwrap(k.ID, k.Wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open("x", "y", sealed); err != nil || string(got) != "z" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := open(t, 2).Unwrap(k.ID, k.Wrapped); !errors.Is(err, vault.ErrSealed) {
		t.Errorf("another key file opened it: %v", err)
	}
	if _, err := v.Unwrap(k.ID+1, k.Wrapped); !errors.Is(err, vault.ErrSealed) {
		t.Errorf("a wrapped key moved to another id: %v", err)
	}
	v.Remember(k)
	if got, ok := v.Cached(k.ID); !ok || got.ID != k.ID {
		t.Error("remembered key is not there")
	}
}

func TestMark(t *testing.T) {
	v := open(t, 1)
	if a, b := v.Mark("address", "sms:+1"), v.Mark("address", "sms:+1"); !bytes.Equal(a, b) || len(a) != 16 {
		t.Errorf("%x, %x", a, b)
	}
	for _, other := range [][]byte{v.Mark("address", "sms:+2"), v.Mark("inbound", "sms:+1"), open(t, 2).Mark("address", "sms:+1")} {
		if bytes.Equal(other, v.Mark("address", "sms:+1")) {
			t.Errorf("two values have the mark %x", other)
		}
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "store.key")
	if _, err := vault.Read(path); !errors.Is(err, vault.ErrNoFile) {
		t.Fatalf("no file: %v", err)
	}
	secrets := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range secrets {
		wg.Go(func() {
			s, err := vault.Create(path)
			if err != nil {
				t.Error(err)
			}
			secrets[i] = s
		})
	}
	wg.Wait()
	got, err := vault.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range secrets {
		if !bytes.Equal(s, got) {
			t.Error("two programs have two secrets")
		}
	}
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", i.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	for _, bad := range []string{"", "x", "gatehouse-store-key-1:", "gatehouse-store-key-1:00", "gatehouse-store-key-1:" + string(bytes.Repeat([]byte("g"), 64))} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := vault.Read(path); err == nil || errors.Is(err, vault.ErrNoFile) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestUnlockKnowsItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.key")
	_, proof, made, err := vault.Unlock(path, nil)
	if err != nil || !made || proof == nil {
		t.Fatalf("first start: %v, %v", made, err)
	}
	if _, fresh, made, err := vault.Unlock(path, proof); err != nil || made || fresh != nil {
		t.Errorf("again: %v, %v", made, err)
	}
	other := filepath.Join(t.TempDir(), "b.key")
	if _, _, made, err := vault.Unlock(other, proof); !errors.Is(err, vault.ErrNoFile) || made {
		t.Errorf("a missing file is made although something was sealed: %v, %v", made, err)
	}
	if _, err := vault.Create(other); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := vault.Unlock(other, proof); err == nil {
		t.Error("another store's file is taken")
	}
}
