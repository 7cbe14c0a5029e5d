package exchange

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRelease(t *testing.T) {
	w := newWorld(t)
	for _, d := range samples() {
		if _, ok := ReleaseOf(d); !ok {
			continue
		}
		signed, err := w[Intranet].Release(d, noon)
		if err != nil {
			t.Errorf("%s: %v", d.Kind(), err)
			continue
		}
		// It must hold after a journey in canonical form.
		b, err := Encode(signed)
		if err != nil {
			t.Fatal(err)
		}
		arrived, err := Decode(d.Kind(), b)
		if err != nil {
			t.Fatal(err)
		}
		if err := w[DownGuard].VerifyRelease(arrived, noon); err != nil {
			t.Errorf("%s: %v", d.Kind(), err)
		}
		if err := w[DownGuard].VerifyRelease(d, noon); !errors.Is(err, ErrNotReleased) {
			t.Errorf("%s unsigned: %v", d.Kind(), err)
		}
	}
	if _, err := w[Intranet].Release(aCase(), noon); err == nil {
		t.Error("a case was released")
	}
	if _, err := w[DownGuard].Release(Notice{ID: "n", Case: "c"}, noon); err == nil {
		t.Error("the guard released a notice")
	}
	if err := w[DownGuard].VerifyRelease(Ack{Lane: Up}, noon); err != nil {
		t.Errorf("an ack needs no release: %v", err)
	}
}

// TestApprovalStandsForTwoPersons: it holds for what was read, by both who are named, until it leaves.
func TestApprovalStandsForTwoPersons(t *testing.T) {
	w := newWorld(t)
	for _, d := range samples() {
		rel, ok := ReleaseOf(d)
		if !ok {
			continue
		}
		rel.Policy, rel.Second = PolicySecond, "u8"
		approved, err := w[Intranet].Approve(withRelease(d, rel), noon)
		if err != nil {
			t.Fatalf("%s: %v", d.Kind(), err)
		}
		signed, err := w[Intranet].Release(approved, noon.Add(time.Hour))
		if err != nil {
			t.Fatalf("%s: %v", d.Kind(), err)
		}
		if err := w[DownGuard].VerifyRelease(signed, noon); err != nil {
			t.Errorf("%s: %v", d.Kind(), err)
		}
		alone, err := w[Intranet].Release(withRelease(d, rel), noon)
		if err != nil {
			t.Fatal(err)
		}
		if err := w[DownGuard].VerifyRelease(alone, noon); !errors.Is(err, ErrNotReleased) {
			t.Errorf("%s without approval: %v", d.Kind(), err)
		}
	}
	n := Notice{ID: "n", Case: "c", State: Decided, Decision: Granted, Reason: "yes", Release: Released{Policy: PolicySecond, Label: Releasable, By: "u1", Second: "u2"}}
	approved, err := w[Intranet].Approve(n, noon)
	if err != nil {
		t.Fatal(err)
	}
	n = approved.(Notice)
	n.At, n.Document = noon, []FileRef{{ID: "f", Name: "n.pdf", Type: "application/pdf", Size: 1, SHA256: hexSum([]byte("x"))}}
	signed, err := w[Intranet].Release(n, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := w[DownGuard].VerifyRelease(signed, noon); err != nil {
		t.Errorf("with the file printed as it leaves: %v", err)
	}
	for name, r := range map[string]Released{
		"one person": {Policy: PolicySecond, By: "u1"}, "the same": {Policy: PolicySecond, By: "u1", Second: "u1"}, "no author": {Policy: PolicySecond, Second: "u1"},
	} {
		if _, err := w[Intranet].Approve(Notice{ID: "n", Case: "c", Text: "x", Release: r}, noon); err == nil {
			t.Errorf("%s approves", name)
		}
	}
	if _, err := w[DownGuard].Approve(Notice{ID: "n", Case: "c", Release: Released{By: "u1", Second: "u2"}}, noon); err == nil {
		t.Error("the guard approves")
	}
}

// TestApprovalAndPaper: the paper that is printed of an approved notice when it leaves takes nothing from the approval,
// and the release covers it.
func TestApprovalAndPaper(t *testing.T) {
	w := newWorld(t)
	d, err := w[Intranet].Approve(Notice{ID: "n", Case: "c", Text: "x", Release: Released{Policy: PolicySecond, Label: Releasable, By: "u1", Second: "u2", At: noon}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	n := d.(Notice)
	n.Document = []FileRef{{ID: "f", Name: "a.pdf", Type: "application/pdf", Size: 1, SHA256: strings.Repeat("0", 64)}}
	signed, err := w[Intranet].Release(n, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := w[DownGuard].VerifyRelease(signed, noon); err != nil {
		t.Error(err)
	}
	n = signed.(Notice)
	n.Document[0].SHA256 = strings.Repeat("1", 64)
	if err := w[DownGuard].VerifyRelease(n, noon); !errors.Is(err, ErrNotReleased) {
		t.Errorf("another paper: %v", err)
	}
}

func TestReleaseCoversTheWholeDocument(t *testing.T) {
	w := newWorld(t)
	stranger := newWorld(t)
	n := Notice{ID: "n", Case: "c", Text: "yes", Release: Released{Policy: "clean", Label: Releasable, By: "u1", At: noon}}
	signed := func(r *Ring, n Notice) Notice {
		d, err := r.Release(n, noon)
		if err != nil {
			t.Fatal(err)
		}
		return d.(Notice)
	}
	for name, change := range map[string]func(n *Notice){
		"text":         func(n *Notice) { n.Text = "no" },
		"case":         func(n *Notice) { n.Case = "d" },
		"who":          func(n *Notice) { n.Release.By = "u2" },
		"second":       func(n *Notice) { n.Release.Second = "u2" },
		"policy":       func(n *Notice) { n.Release.Policy = "emergency" },
		"label":        func(n *Notice) { n.Release.Label = "internal" },
		"no label":     func(n *Notice) { n.Release.Label = "" },
		"no signature": func(n *Notice) { n.Release.Signature = "" },
		"no key":       func(n *Notice) { n.Release.Key = "" },
		"another key":  func(n *Notice) { n.Release.Key = w[Intranet].keys[0].ID.String() },
		"stranger's":   func(n *Notice) { *n = signed(stranger[Intranet], *n) },
	} {
		x := signed(w[Intranet], n)
		change(&x)
		if err := w[DownGuard].VerifyRelease(x, noon); !errors.Is(err, ErrNotReleased) {
			t.Errorf("%s changed: %v", name, err)
		}
	}
	if err := w[DownGuard].VerifyRelease(signed(w[Intranet], n), noon.Add(60*24*time.Hour)); !errors.Is(err, ErrNotReleased) {
		t.Errorf("by a key of old: %v", err)
	}
}
