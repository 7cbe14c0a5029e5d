package exchange

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// withNext gives the worlds of a guard whose sealing key of suite 2 is there beside the one of suite 1.
func withNext(t *testing.T, w world) (extranet, guard *Ring) {
	t.Helper()
	next, err := NewKeyOf(Suite2, UpGuard, Seal, noon.Add(-time.Minute), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	guard = ringOf(t, UpGuard, append(w[UpGuard].keys[:len(w[UpGuard].keys):len(w[UpGuard].keys)], next))
	extranet = ringOf(t, Extranet, append(w[Extranet].keys[:len(w[Extranet].keys):len(w[Extranet].keys)], next))
	return extranet, guard
}

func suiteOfEnvelope(t *testing.T, e Envelope) Suite {
	t.Helper()
	o, err := parseOuter(e.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return o.suite
}

// TestSenderUsesTheSuiteOfTheRecipientsKey: a key of another suite is carried, and nothing else has to be set.
func TestSenderUsesTheSuiteOfTheRecipientsKey(t *testing.T) {
	w := newWorld(t)
	inFlight := firstHop(t, w, Up, aCase())
	extranet, guard := withNext(t, w)
	n, err := extranet.Seal(Up, inFlight.Head(), parcelOf(t, aCase()), noon)
	fresh := envelope(t, n, err)
	if a, b := suiteOfEnvelope(t, inFlight), suiteOfEnvelope(t, fresh); a != Suite1 || b != Suite2 {
		t.Errorf("suites %d and %d", a, b)
	}
	for _, e := range []Envelope{inFlight, fresh} {
		if _, err := guard.Unseal(Up, e, noon); err != nil {
			t.Error(err)
		}
	}
}

func TestOnlyAllowedSuites(t *testing.T) {
	w := newWorld(t)
	first := firstHop(t, w, Up, aCase())
	extranet, guard := withNext(t, w)
	guard.Allow(Suite2)
	if _, err := guard.Unseal(Up, first, noon); !errors.Is(err, ErrAside) || !strings.Contains(err.Error(), "suite 1, which is not allowed") {
		t.Errorf("a suite that is not allowed: %v", err)
	}
	extranet.Allow(Suite1)
	n, err := extranet.Seal(Up, Head{Epoch: 1}, parcelOf(t, aCase()), noon)
	if s := suiteOfEnvelope(t, envelope(t, n, err)); s != Suite1 {
		t.Errorf("sealed with suite %d, which is not allowed", s)
	}
	w[Extranet].Allow(Suite2)
	if _, err := w[Extranet].Seal(Up, Head{Epoch: 1}, parcelOf(t, aCase()), noon); err == nil {
		t.Error("sealed with no suite that is allowed")
	}
	if err := w[Extranet].Ready(noon); err == nil || !strings.Contains(err.Error(), "up-guard to seal") {
		t.Errorf("ready without a key of an allowed suite: %v", err)
	}
	w[Extranet].Allow()
	if err := w[Extranet].Ready(noon); err != nil {
		t.Error(err)
	}
}

// TestSuiteDowngrade: whoever changes the suite in the header, with and without the key of that suite, gains nothing.
func TestSuiteDowngrade(t *testing.T) {
	w := newWorld(t)
	extranet, guard := withNext(t, w)
	n, err := extranet.Seal(Up, Head{Epoch: 1}, parcelOf(t, aCase()), noon)
	strong := envelope(t, n, err)
	weak, _ := w[Extranet].current(UpGuard, Seal, noon)
	for name, change := range map[string]func(b []byte){
		"suite alone":   func(b []byte) { b[5] = byte(Suite1) },
		"suite and key": func(b []byte) { b[5] = byte(Suite1); copy(b[16:], weak.ID[:]) },
		"key alone":     func(b []byte) { copy(b[16:], weak.ID[:]) },
		"no suite":      func(b []byte) { b[5] = 0 },
		"suite to come": func(b []byte) { b[5] = 3 },
	} {
		b := append([]byte(nil), strong.Bytes...)
		change(b)
		if _, err := guard.Unseal(Up, Envelope{Lane: Up, Epoch: 1, Seq: 1, Bytes: b}, noon); !errors.Is(err, ErrAside) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := guard.Unseal(Up, strong, noon); err != nil {
		t.Errorf("the true one: %v", err)
	}
}

// TestKeyFilesOfTheFirstReleaseStillRead: a key file never changes its meaning.
func TestKeyFilesOfTheFirstReleaseStillRead(t *testing.T) {
	for name, want := range map[string]Key{
		"extranet.sign.pub": {Party: Extranet, Use: Sign},
		"up-guard.seal.pub": {Party: UpGuard, Use: Seal, Suite: Suite1},
	} {
		k, err := ReadKey(filepath.Join("testdata", name))
		if err != nil || k.Party != want.Party || k.Use != want.Use || k.Suite != want.Suite || k.Private() {
			t.Errorf("%s: %+v, %v", name, k, err)
		}
		again, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil || string(again) != string(k.file(nil))+"\n" {
			t.Errorf("%s is written in another way: %v", name, err)
		}
	}
}

func TestKeysOfBothSuitesComeBackFromTheirFiles(t *testing.T) {
	for _, s := range Suites() {
		k, err := NewKeyOf(s, Intranet, Seal, noon, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := WriteKey(dir, k); err != nil {
			t.Fatal(err)
		}
		for _, ending := range []string{".key", ".pub"} {
			got, err := ReadKey(filepath.Join(dir, k.name()+ending))
			if err != nil || got.Suite != s || got.ID != k.ID || got.Private() != (ending == ".key") {
				t.Errorf("suite %d %s: %+v, %v", s, ending, got.ID, err)
			}
		}
	}
	if _, err := NewKeyOf(3, Intranet, Seal, noon, time.Hour); err == nil {
		t.Error("made a key of no suite")
	}
	if _, err := NewKeyOf(Suite2, Intranet, Sign, noon, time.Hour); err == nil {
		t.Error("made a signing key of a suite")
	}
}
