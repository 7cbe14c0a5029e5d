package medium

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
	"gatehouse/exchange/spool"
)

// trip is a link's directory at each end, and the medium between.
type trip struct {
	*testing.T
	rings            map[exchange.Party]*exchange.Ring
	chain            *exchangetest.Chain
	from, to, medium string
	now              time.Time
}

func newTrip(t *testing.T) *trip {
	t.Helper()
	rings, _ := exchangetest.Rings(t, time.Now())
	dir := t.TempDir()
	x := &trip{T: t, rings: rings, from: filepath.Join(dir, "a-out"), to: filepath.Join(dir, "a-in"), medium: filepath.Join(dir, "medium"), now: time.Now()}
	x.chain = exchangetest.NewChain(rings[exchange.Extranet], exchange.Up, time.Now)
	if err := os.Mkdir(x.medium, 0o755); err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *trip) link(dir string) *spool.Link {
	x.Helper()
	l, err := spool.Open(spool.Config{Dir: dir, Interval: time.Millisecond}, slog.New(slog.DiscardHandler))
	if err != nil {
		x.Fatal(err)
	}
	return l
}

// post puts n envelopes into the link.
func (x *trip) post(n int) {
	x.Helper()
	l := x.link(x.from)
	for range n {
		if err := l.Send(x.Context(), x.chain.Seal(x, exchangetest.ParcelOf(x, "p", exchange.Erasure{ID: "e", Party: "p"}, x.now))); err != nil {
			x.Fatal(err)
		}
	}
}

func (x *trip) names(dir string) []string {
	x.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*.envelope"))
	if err != nil {
		x.Fatal(err)
	}
	for i := range all {
		all[i] = filepath.Base(all[i])
	}
	return all
}

func (x *trip) export() (Report, error) {
	return Export(exchange.LinkA, Options{Link: x.from, Medium: x.medium, Ring: x.rings[exchange.Extranet], Now: x.now})
}

func (x *trip) take() Report {
	x.Helper()
	r, err := Import(exchange.LinkA, Options{Link: x.to, Medium: x.medium, Ring: x.rings[exchange.UpGuard], Now: x.now})
	if err != nil {
		x.Fatal(err)
	}
	return r
}

// TestThereAndTaken: what lay in the link arrives in the other end's directory, as the same bytes, also when it is
// taken twice; the source is empty then, and a later export goes beside.
func TestThereAndTaken(t *testing.T) {
	x := newTrip(t)
	x.post(5)
	sent, err := x.export()
	if err != nil || sent.Moved != 5 || sent.First.Seq != 1 || sent.Last.Seq != 5 || len(x.names(x.from)) != 0 {
		t.Fatalf("%+v, %v", sent, err)
	}
	for range 2 {
		if r := x.take(); r.Moved != 5 || r.Bytes != sent.Bytes || len(r.Refused)+len(r.Gaps) != 0 {
			t.Errorf("%+v", r)
		}
		if len(x.names(x.to)) != 5 {
			t.Errorf("arrived: %v", x.names(x.to))
		}
	}
	x.post(1)
	if _, err := x.export(); err != nil {
		t.Fatal(err)
	}
	if r := x.take(); r.Moved != 6 || len(r.Folders) != 2 || len(r.Refused) != 0 {
		t.Errorf("%+v", r)
	}
	if _, err := x.export(); !errors.Is(err, ErrNothing) {
		t.Errorf("nothing to export: %v", err)
	}
	if _, err := Import(exchange.LinkA, Options{Link: x.to, Medium: t.TempDir(), Ring: x.rings[exchange.UpGuard], Now: x.now}); err == nil {
		t.Error("an empty medium is no fault")
	}
	var seqs []uint64
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	x.link(x.to).Receive(ctx, func(_ context.Context, e exchange.Envelope) error {
		if seqs = append(seqs, e.Seq); len(seqs) == 6 {
			cancel()
		}
		return nil
	})
	if !slices.Equal(seqs, []uint64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("the next hop got %v", seqs)
	}
}

// TestForeignFilesAreNamed changes one thing on the medium at a time: what is wrong is refused and named, the rest is
// taken.
func TestForeignFilesAreNamed(t *testing.T) {
	for what, c := range map[string]struct {
		change func(x *trip, folder, file string) error
		want   string
		moved  int
	}{
		"missing":   {func(_ *trip, _, f string) error { return os.Remove(f) }, "is missing", 2},
		"altered":   {flip(200), "is altered", 2},
		"shorter":   {func(_ *trip, _, f string) error { return os.Truncate(f, 500) }, "is altered", 2},
		"oversized": {func(_ *trip, _, f string) error { return os.Truncate(f, exchange.MaxEnvelope+1) }, "is too large", 2},
		"symlink": {func(x *trip, _, f string) error {
			away := filepath.Join(x.TempDir(), "away")
			return errors.Join(os.Rename(f, away), os.Symlink(away, f))
		}, "a symbolic link", 2},
		"folder":           {func(_ *trip, _, f string) error { return errors.Join(os.Remove(f), os.Mkdir(f, 0o755)) }, "is no plain file", 2},
		"extra":            {func(_ *trip, d, _ string) error { return os.WriteFile(filepath.Join(d, "more"), nil, 0o644) }, "more: is not in the manifest", 3},
		"half copied":      {func(_ *trip, d, _ string) error { return os.Remove(filepath.Join(d, ManifestName)) }, "has no manifest", 0},
		"half a manifest":  {func(_ *trip, d, _ string) error { return os.Truncate(filepath.Join(d, ManifestName), 300) }, "manifest is not genuine", 0},
		"manifest altered": {func(x *trip, d, _ string) error { return flip(120)(x, d, filepath.Join(d, ManifestName)) }, "manifest is not genuine", 0},
		"huge manifest": {func(_ *trip, d, _ string) error {
			return os.Truncate(filepath.Join(d, ManifestName), exchange.MaxManifest+1)
		}, "is too large", 0},
	} {
		x := newTrip(t)
		x.post(3)
		r, err := x.export()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.change(x, r.Folders[0], filepath.Join(r.Folders[0], r.Last.Name)); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		got := x.take()
		if len(got.Refused) != 1 || !strings.Contains(got.Refused[0], c.want) || got.Moved != c.moved || len(x.names(x.to)) != c.moved {
			t.Errorf("%s: took %d, refused %q", what, got.Moved, got.Refused)
		}
	}
}

// flip changes one byte of a file.
func flip(at int) func(*trip, string, string) error {
	return func(_ *trip, _, file string) error {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		b[at] ^= 1
		return os.WriteFile(file, b, 0o644)
	}
}

// TestOnlyTheSenderSigns: another party's manifest, one of another link, and one over other names count for nothing.
func TestOnlyTheSenderSigns(t *testing.T) {
	x := newTrip(t)
	x.post(1)
	if _, err := Export(exchange.LinkA, Options{Link: x.from, Medium: x.medium, Ring: x.rings[exchange.UpGuard], Now: x.now}); err == nil {
		t.Error("the receiver exported")
	}
	if len(x.names(x.from)) != 1 {
		t.Error("a failed export took from the link")
	}
	if left, _ := os.ReadDir(x.medium); len(left) != 0 {
		t.Errorf("a failed export left %v", left)
	}
	r, err := x.export()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Import(exchange.LinkB, Options{Link: x.to, Medium: x.medium, Ring: x.rings[exchange.Intranet], Now: x.now}); err == nil {
		t.Error("link B took an export of link A")
	}
	outside := filepath.Join(x.medium, "outside")
	body := []byte("another file of this host")
	if err := os.WriteFile(outside, body, 0o644); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	b, err := x.rings[exchange.Extranet].SignManifest(exchange.LinkA, []exchange.Carried{{Name: "../outside", Epoch: 1, Seq: 1,
		Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:])}}, x.now)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.Folders[0], ManifestName), b, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := x.take(); got.Moved != 0 || !strings.Contains(strings.Join(got.Refused, ";"), `names "../outside"`) {
		t.Errorf("%+v", got)
	}
}

// TestFullMediumTakesNothing: what does not fit stays in the link.
func TestMediumThatFailsTakesNothing(t *testing.T) {
	x := newTrip(t)
	x.post(2)
	if err := os.WriteFile(filepath.Join(x.from, x.names(x.from)[1]), []byte("no envelope"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := x.export(); err == nil || !strings.Contains(err.Error(), x.names(x.from)[1]) {
		t.Errorf("a file that is no envelope: %v", err)
	}
	if len(x.names(x.from)) != 2 {
		t.Error("a failed export took from the link")
	}
	x.medium = filepath.Join(x.medium, "none")
	if _, err := x.export(); err == nil {
		t.Error("a medium that is not there took something")
	}
}

// TestGapsAreTold: numbers between those on the medium that are not on it.
func TestGapsAreTold(t *testing.T) {
	x := newTrip(t)
	x.post(6)
	l := x.link(x.from)
	if err := l.Forget(x.names(x.from)[2:4]); err != nil {
		t.Fatal(err)
	}
	if _, err := x.export(); err != nil {
		t.Fatal(err)
	}
	if r := x.take(); r.Moved != 4 || !slices.Equal(r.Gaps, []string{"3 to 4 of epoch 1"}) {
		t.Errorf("%+v", r)
	}
}

// FuzzManifest: nothing that the sender did not sign is a manifest.
func FuzzManifest(f *testing.F) {
	rings, _ := exchangetest.Rings(f, time.Now())
	b, err := rings[exchange.Extranet].SignManifest(exchange.LinkA, []exchange.Carried{{Name: "a", Size: 1, SHA256: strings.Repeat("0", 64)}}, time.Now())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, x []byte) {
		if _, err := rings[exchange.UpGuard].OpenManifest(exchange.LinkA, x, time.Now()); err == nil && !bytes.Equal(x, b) {
			t.Errorf("%q is believed", x)
		} else if err != nil && !errors.Is(err, exchange.ErrManifest) {
			t.Errorf("%v", err)
		}
	})
}
