package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// desk is the folders of all four parties, and the up guard's as a running program follows it.
type desk struct {
	*testing.T
	dir string
	now time.Time
	up  *Keys
	log *bytes.Buffer
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{T: t, dir: t.TempDir(), now: noon, log: &bytes.Buffer{}}
	d.carry()
	var err error
	if d.up, err = OpenKeys(d.folder(UpGuard), UpGuard, slog.New(slog.NewTextHandler(d.log, nil))); err != nil {
		t.Fatal(err)
	}
	d.up.Now = func() time.Time { return d.now }
	return d
}

func (d *desk) folder(p Party) string { return filepath.Join(d.dir, string(p)) }

// carry makes what is missing and brings all public parts and revocations to who needs them.
func (d *desk) carry() {
	d.Helper()
	if err := MakeKeys(d.dir, Parties(), d.now); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) rotate(p Party, u Use, after time.Duration) Key {
	d.Helper()
	k, err := RotateKey(d.folder(p), Rotation{Party: p, Use: u, Suite: Suite2, From: d.now.Add(after)}, d.now)
	if err != nil {
		d.Fatal(err)
	}
	return k
}

func (d *desk) look() {
	d.Helper()
	if err := d.up.Look(); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) states() string {
	var out []string
	for _, s := range d.up.Ring.States(d.now) {
		out = append(out, fmt.Sprintf("%s %s %s", s.Party, s.Use, s.State))
	}
	return strings.Join(out, ", ")
}

func TestFollowTakesTheNextKey(t *testing.T) {
	d := newDesk(t)
	d.look()
	if d.log.Len() != 0 {
		t.Errorf("said of an unchanged folder: %s", d.log)
	}
	next := d.rotate(Extranet, Sign, 48*time.Hour)
	d.carry()
	d.look()
	want := "extranet sign current, extranet sign next, up-guard seal current, up-guard sign current, intranet seal current"
	if got := d.states(); got != want {
		t.Errorf("states\n%s, want\n%s", got, want)
	}
	d.now = d.now.Add(48 * time.Hour)
	if k, ok := d.up.Ring.current(Extranet, Sign, d.now); !ok || k.ID != next.ID {
		t.Errorf("in use is %s", k.ID)
	}
	if got := d.states(); !strings.HasPrefix(got, "extranet sign old, extranet sign current") {
		t.Errorf("states after it began: %s", got)
	}
	d.now = d.now.Add(KeyOverlap + KeyGrace)
	if got := d.states(); !strings.HasPrefix(got, "extranet sign over, extranet sign current") {
		t.Errorf("states after the overlap: %s", got)
	}
}

func TestFollowKeepsTheRingWhenTheFolderBreaks(t *testing.T) {
	for name, spoil := range map[string]func(d *desk) (mend func()){
		"half a file": func(d *desk) func() {
			p := filepath.Join(d.folder(UpGuard), "extranet.sign.0000000000000000.pub")
			os.WriteFile(p, []byte(`{"version":1,`), 0o600)
			return func() { os.Remove(p) }
		},
		"half a revocation": func(d *desk) func() {
			p := filepath.Join(d.folder(UpGuard), "extranet.sign.0000000000000000.rev")
			os.WriteFile(p, nil, 0o600)
			return func() { os.Remove(p) }
		},
		"key that others read": func(d *desk) func() {
			all, _ := filepath.Glob(filepath.Join(d.folder(UpGuard), "*.key"))
			os.Chmod(all[0], 0o644)
			return func() { os.Chmod(all[0], 0o600) }
		},
		"folder gone": func(d *desk) func() {
			os.Rename(d.folder(UpGuard), d.folder(UpGuard)+"-away")
			return func() { os.Rename(d.folder(UpGuard)+"-away", d.folder(UpGuard)) }
		},
		"key gone": func(d *desk) func() {
			all, _ := filepath.Glob(filepath.Join(d.folder(UpGuard), "intranet.seal.*.pub"))
			os.Rename(all[0], all[0]+"-away")
			return func() { os.Rename(all[0]+"-away", all[0]) }
		},
		"another's private part": func(d *desk) func() {
			all, _ := filepath.Glob(filepath.Join(d.folder(DownGuard), "down-guard.sign.*.key"))
			b, _ := os.ReadFile(all[0])
			p := filepath.Join(d.folder(UpGuard), filepath.Base(all[0]))
			os.WriteFile(p, b, 0o600)
			return func() { os.Remove(p) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			mend := spoil(d)
			for range 3 {
				if err := d.up.Look(); err == nil {
					t.Fatal("taken")
				}
			}
			if err := d.up.Ring.Ready(d.now); err != nil || !d.up.Broken() {
				t.Errorf("the ring of before: %v, alarm %v", err, d.up.Broken())
			}
			if n := strings.Count(d.log.String(), "level=ERROR"); n != 1 {
				t.Errorf("said %d times: %s", n, d.log)
			}
			mend()
			d.look()
			if d.up.Broken() {
				t.Error("still an alarm")
			}
		})
	}
}

// TestRevocationCountsInABrokenFolder: the one thing that can't wait until somebody has tidied up.
func TestRevocationCountsInABrokenFolder(t *testing.T) {
	d := newDesk(t)
	k, _ := d.up.Ring.current(Extranet, Sign, d.now)
	if err := WriteRevocation(d.folder(UpGuard), Revocation{Party: Extranet, Use: Sign, ID: k.ID, At: d.now}); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(d.folder(UpGuard), "broken.pub"), []byte("x"), 0o600)
	if err := d.up.Look(); err == nil {
		t.Fatal("a broken folder was taken")
	}
	if _, why := d.up.Ring.known(Extranet, Sign, k.ID, d.now); why != "was revoked" {
		t.Errorf("it %q", why)
	}
	os.Remove(filepath.Join(d.folder(UpGuard), "broken.pub"))
	os.Remove(filepath.Join(d.folder(UpGuard), k.name()+".rev"))
	d.look()
	if _, why := d.up.Ring.known(Extranet, Sign, k.ID, d.now); why != "was revoked" {
		t.Errorf("after its file was deleted it %q", why)
	}
	if !strings.Contains(d.log.String(), "no valid key of extranet to sign") {
		t.Errorf("nobody is told: %s", d.log)
	}
}

func TestRotateRefusesASecondNextKey(t *testing.T) {
	d := newDesk(t)
	d.rotate(UpGuard, Seal, time.Hour)
	_, err := RotateKey(d.folder(UpGuard), Rotation{Party: UpGuard, Use: Seal, Suite: Suite2, From: d.now}, d.now)
	if !errors.Is(err, ErrRotating) {
		t.Errorf("got %v", err)
	}
	if _, err := RotateKey(d.folder(UpGuard), Rotation{Party: UpGuard, Use: Release, From: d.now}, d.now); err == nil {
		t.Error("the guard got a release key")
	}
}

func TestTroubles(t *testing.T) {
	d := newDesk(t)
	if got := d.up.Ring.Troubles(d.now); len(got) != 0 {
		t.Errorf("of fresh keys: %v", got)
	}
	d.now = noon.Add(KeyLife - KeyWarning + time.Hour)
	if got := d.up.Ring.Troubles(d.now); len(got) != 4 || got[0].Missing || got[0].Left <= 0 {
		t.Errorf("a month before the end: %v", got)
	}
	d.rotate(Extranet, Sign, time.Hour)
	d.carry()
	d.look()
	if got := d.up.Ring.Troubles(d.now); len(got) != 3 {
		t.Errorf("with one that follows: %v", got)
	}
	d.now = noon.Add(KeyLife)
	if got := d.up.Ring.Troubles(d.now); len(got) != 3 || !got[0].Missing || !strings.Contains(got[0].String(), "no valid key") {
		t.Errorf("at the end: %v", got)
	}
}

// TestMakeMendsAHalfMadeKey: the machine stopped between a key's two files, and in the middle of one.
func TestMakeMendsAHalfMadeKey(t *testing.T) {
	d := newDesk(t)
	pubs, _ := filepath.Glob(filepath.Join(d.folder(Extranet), "extranet.*.pub"))
	for _, p := range pubs {
		os.Remove(p)
	}
	os.WriteFile(filepath.Join(d.folder(Extranet), ".new-123"), []byte(`{"version":1,"par`), 0o600)
	d.carry()
	again, _ := filepath.Glob(filepath.Join(d.folder(Extranet), "extranet.*.pub"))
	if len(again) != len(pubs) || len(pubs) != 3 {
		t.Errorf("%d public parts, then %d", len(pubs), len(again))
	}
	if _, err := LoadRing(d.folder(Extranet), Extranet); err != nil {
		t.Error(err)
	}
	left, _ := filepath.Glob(filepath.Join(d.folder(Extranet), ".new-*"))
	if len(left) != 1 { // ours alone: nothing of create's stays
		t.Errorf("left over: %v", left)
	}
}
