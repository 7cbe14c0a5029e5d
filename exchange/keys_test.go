package exchange

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMakeKeysGivesEachItsRing(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for range 2 { // safe to repeat
		if err := MakeKeys(dir, Parties(), now); err != nil {
			t.Fatal(err)
		}
	}
	w := world{}
	for _, p := range Parties() {
		r, err := LoadRing(filepath.Join(dir, string(p)), p)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Ready(now); err != nil {
			t.Error(err)
		}
		w[p] = r
	}
	p := parcelOf(t, aCase())
	n, err := w[Extranet].Seal(Up, Head{Epoch: 1}, p, now)
	if err != nil {
		t.Fatal(err)
	}
	u, err := w[UpGuard].Unseal(Up, Envelope{Bytes: n.Bytes}, now)
	if err != nil {
		t.Fatal(err)
	}
	n, err = w[UpGuard].Endorse(Up, Head{Epoch: 1}, u, u.Content, Verdict{Rules: "1"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w[Intranet].Open(Up, Envelope{Bytes: n.Bytes}, now); err != nil {
		t.Error(err)
	}
}

// TestWhoHoldsWhat names each ring's keys: the table of the package comment.
func TestWhoHoldsWhat(t *testing.T) {
	w := newWorld(t)
	want := map[Party]string{
		Extranet:  "down-guard sign, extranet receipt PRIVATE, extranet seal PRIVATE, extranet sign PRIVATE, intranet receipt, intranet sign, up-guard seal",
		UpGuard:   "extranet sign, intranet seal, up-guard seal PRIVATE, up-guard sign PRIVATE",
		DownGuard: "down-guard seal PRIVATE, down-guard sign PRIVATE, extranet seal, intranet release, intranet sign",
		Intranet:  "down-guard seal, extranet receipt, extranet sign, intranet receipt PRIVATE, intranet release PRIVATE, intranet seal PRIVATE, intranet sign PRIVATE, up-guard sign",
	}
	for p, r := range w {
		var got []string
		for _, k := range r.keys {
			s := fmt.Sprintf("%s %s", k.Party, k.Use)
			if k.Private() {
				s += " PRIVATE"
			}
			got = append(got, s)
		}
		slices.Sort(got)
		if s := strings.Join(got, ", "); s != want[p] {
			t.Errorf("%s holds\n%s, want\n%s", p, s, want[p])
		}
		for _, k := range r.Keys() {
			if k.Private() {
				t.Errorf("%s shows a private part", p)
			}
		}
	}
}

func TestRingRefusesAnothersPrivatePart(t *testing.T) {
	dir := t.TempDir()
	if err := MakeKeys(dir, Parties(), time.Now()); err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "down-guard", "down-guard.sign.*.key"))
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "up-guard", filepath.Base(names[0])), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadRing(filepath.Join(dir, "up-guard"), UpGuard); err == nil || !strings.Contains(err.Error(), "no party holds another's") {
		t.Errorf("got %v", err)
	}
}

func TestReadKeyRefuses(t *testing.T) {
	k, err := NewKey(UpGuard, Sign, noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	fresh := func(t *testing.T) (dir, path string) {
		dir = t.TempDir()
		if err := WriteKey(dir, k); err != nil {
			t.Fatal(err)
		}
		return dir, filepath.Join(dir, fmt.Sprintf("up-guard.sign.%s.key", k.ID))
	}
	edit := func(from, to string) func(*testing.T, string, string) {
		return func(t *testing.T, _, path string) {
			b, _ := os.ReadFile(path)
			if !strings.Contains(string(b), from) {
				t.Fatalf("%q is not in %s", from, b)
			}
			os.WriteFile(path, []byte(strings.Replace(string(b), from, to, 1)), 0o600)
		}
	}
	for name, spoil := range map[string]func(t *testing.T, dir, path string){
		"open to the group": func(_ *testing.T, _, path string) { os.Chmod(path, 0o640) },
		"a link": func(_ *testing.T, dir, path string) {
			os.Rename(path, filepath.Join(dir, "elsewhere"))
			os.Symlink(filepath.Join(dir, "elsewhere"), path)
		},
		"too large":       func(_ *testing.T, _, path string) { os.Truncate(path, maxKeyFile+1) },
		"empty":           func(_ *testing.T, _, path string) { os.Truncate(path, 0) },
		"another party":   edit("up-guard", "intranet"),
		"no party":        edit("up-guard", "stranger"),
		"another use":     edit(`"sign"`, `"seal"`),
		"later version":   edit(`"version":1`, `"version":2`),
		"other id":        edit(k.ID.String(), "0000000000000000"),
		"other form":      edit(`,`, `, `),
		"two lines":       edit("}\n", "}\n\n"),
		"public is wrong": edit(`"public":"`, `"public":"AAAA`),
	} {
		dir, path := fresh(t)
		spoil(t, dir, path)
		if _, err := ReadKey(path); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	_, path := fresh(t)
	got, err := ReadKey(path)
	if err != nil || !got.Private() || got.ID != k.ID || !got.Until.Equal(k.Until) {
		t.Errorf("the good one: %v, %+v", err, got.ID)
	}
	if s := fmt.Sprintf("%v %+v", got.Fingerprint(), got.ID); strings.Contains(s, string(got.signer)) {
		t.Error("prints its private part")
	}
}

func TestFingerprintTellsTheKeyAndFindsIt(t *testing.T) {
	dir := t.TempDir()
	k, err := NewKey(UpGuard, Seal, noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteKey(dir, k); err != nil {
		t.Fatal(err)
	}
	digits, ok := strings.CutPrefix(k.Fingerprint(), "up-guard seal ")
	plain := strings.ReplaceAll(digits, "-", "")
	if !ok || len(digits) != 39 || len(plain) != 32 || !strings.HasPrefix(plain, k.ID.String()) {
		t.Fatalf("it is %q, the id %s", k.Fingerprint(), k.ID)
	}
	for _, named := range []string{plain, plain[:16]} {
		if got, err := FindKey(dir, named); err != nil || got.ID != k.ID {
			t.Errorf("by %q: %v", named, err)
		}
	}
	for _, named := range []string{"", plain[:15], plain[:31], plain[:16] + strings.Repeat("0", 16)} {
		if _, err := FindKey(dir, named); err == nil {
			t.Errorf("found by %q", named)
		}
	}
}

func TestRotation(t *testing.T) {
	w := newWorld(t)
	older := w[UpGuard].keys
	next, err := NewKey(UpGuard, Seal, noon.Add(-time.Minute), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	inFlight := firstHop(t, w, Up, aCase())
	guard, err := NewRing(UpGuard, append(append([]Key{}, older...), next)...)
	if err != nil {
		t.Fatal(err)
	}
	public := next
	public.signer, public.opener = nil, nil
	extranet, err := NewRing(Extranet, append(append([]Key{}, w[Extranet].keys...), public)...)
	if err != nil {
		t.Fatal(err)
	}
	n, err := extranet.Seal(Up, Head{Epoch: 1}, parcelOf(t, aCase()), noon)
	fresh := envelope(t, n, err)
	if o, _ := parseOuter(fresh.Bytes); o.recipient != next.ID {
		t.Error("the newest key is not used")
	}
	for _, e := range []Envelope{inFlight, fresh} {
		if _, err := guard.Unseal(Up, e, noon); err != nil {
			t.Error(err)
		}
	}
}

func TestReadyNamesWhatIsMissing(t *testing.T) {
	r, err := NewRing(UpGuard)
	if err != nil {
		t.Fatal(err)
	}
	got := r.Ready(noon).Error()
	for _, want := range []string{"extranet to sign", "intranet to seal", "up-guard to sign", "up-guard to seal"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not named in %s", want, got)
		}
	}
	if strings.Contains(got, "down-guard") {
		t.Errorf("asks for the other lane's: %s", got)
	}
}
