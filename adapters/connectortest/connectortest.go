// Package connectortest is the contract of a connector as a test suite.
//
// The rule: a suite calls only what package adapters names; what a system can do beside it is told by the Rig.
package connectortest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// Rig is a connector with its system under the test's hands.
type Rig struct {
	Connector adapters.Connector
	// Registered counts the cases in the system that have this Case.ID.
	Registered func(t *testing.T, caseID string) int
	// Decide lets somebody in the system decide a case for the public with this reason, and waits until the connector
	// can tell it.
	Decide func(t *testing.T, ref, reason string)
	// Added counts how often an addition stands in the system. Required when the connector is an Adder.
	Added func(t *testing.T, ref, additionID string) int
	// HasFile tells whether the system can give the content of a case's file. Nil: the system keeps none.
	HasFile func(t *testing.T, ref string, f exchange.FileRef, content string) bool
	// Reopen gives the connector as it is after its process died and started again on the same system.
	Reopen func(t *testing.T) adapters.Connector
}

// Run runs the suite. open gives an empty system each time.
func Run(t *testing.T, open func(t *testing.T) Rig) {
	for name, test := range map[string]func(*testing.T, Rig){
		"submit twice registers once":           twice,
		"submit at once registers once":         atOnce,
		"submit after a crash registers once":   afterCrash,
		"what is registered is found":           found,
		"files come along":                      files,
		"decisions come in order and once":      decisions,
		"the same cursor gives the same again":  sameCursor,
		"nothing new leaves the cursor":         nothingNew,
		"added twice stands once":               added,
		"hostile text is only text":             hostile,
		"an ended context is an error or works": ended,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// NewCase is a case as it comes from the border.
func NewCase() exchange.Case {
	now := time.Now().UTC().Truncate(time.Millisecond)
	return exchange.Case{ID: exchange.NewID(now), Reference: exchange.NewReference(), Service: "WST-BULK", Lang: "fr", Channel: "sms", FiledAt: now,
		Promise: now.Add(72 * time.Hour), Trust: "carrier", Party: "p1", Name: "Ana", Text: "a sofa",
		Answers: []exchange.Answer{{Field: "items", Value: "sofa"}}}
}

// noFiles is what a case without files needs.
type noFiles struct{}

// Open never finds a file.
func (noFiles) Open(context.Context, exchange.FileRef) (io.ReadCloser, error) {
	return nil, adapters.ErrNotFound
}

// oneFile gives every file the same content.
type oneFile string

// Open gives the content.
func (f oneFile) Open(context.Context, exchange.FileRef) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(f))), nil
}

func submit(t *testing.T, c adapters.Connector, x exchange.Case) string {
	t.Helper()
	ref, err := c.Submit(t.Context(), x, noFiles{})
	if err != nil {
		t.Fatal(err)
	}
	if ref == "" {
		t.Fatal("no number of the system")
	}
	return ref
}

func once(t *testing.T, r Rig, id string) {
	t.Helper()
	if n := r.Registered(t, id); n != 1 {
		t.Errorf("registered %d times", n)
	}
}

func twice(t *testing.T, r Rig) {
	c := NewCase()
	if first, second := submit(t, r.Connector, c), submit(t, r.Connector, c); first != second {
		t.Errorf("numbers %q and %q for one case", first, second)
	}
	once(t, r, c.ID)
}

func atOnce(t *testing.T, r Rig) {
	c := NewCase()
	refs := make([]string, 4)
	var all sync.WaitGroup
	for i := range refs {
		all.Go(func() { refs[i], _ = r.Connector.Submit(context.Background(), c, noFiles{}) })
	}
	all.Wait()
	slices.Sort(refs)
	refs = slices.DeleteFunc(slices.Compact(refs), func(s string) bool { return s == "" })
	if len(refs) != 1 {
		t.Errorf("numbers %v for one case", refs)
	}
	once(t, r, c.ID)
}

func afterCrash(t *testing.T, r Rig) {
	c := NewCase()
	first := submit(t, r.Connector, c)
	if second := submit(t, r.Reopen(t), c); second != first {
		t.Errorf("numbers %q and %q for one case", first, second)
	}
	once(t, r, c.ID)
}

func found(t *testing.T, r Rig) {
	f, ok := r.Connector.(adapters.Finder)
	if !ok {
		return
	}
	c := NewCase()
	if _, known, err := f.Find(t.Context(), c.ID); err != nil || known {
		t.Errorf("found before it was registered: %v, %v", known, err)
	}
	ref := submit(t, r.Connector, c)
	if got, known, err := f.Find(t.Context(), c.ID); err != nil || !known || got != ref {
		t.Errorf("found %q %v %v, want %q", got, known, err, ref)
	}
}

func files(t *testing.T, r Rig) {
	if r.HasFile == nil {
		return
	}
	content := strings.Repeat("row;1\n", 100_000)
	sum := sha256.Sum256([]byte(content))
	c := NewCase()
	c.Files = []exchange.FileRef{{ID: "f1", Name: "rows «é».csv", Type: "text/csv", Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}}
	ref, err := r.Connector.Submit(t.Context(), c, oneFile(content))
	if err != nil {
		t.Fatal(err)
	}
	if !r.HasFile(t, ref, c.Files[0], content) {
		t.Error("the file did not come along")
	}
}

// tell gives what the connector says after the cursor, all pages of it.
func tell(t *testing.T, c adapters.Connector, cursor string) ([]exchange.Notice, string) {
	t.Helper()
	var all []exchange.Notice
	for {
		n, next, err := c.Decisions(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, n...); next == cursor {
			return all, next
		}
		cursor = next
	}
}

func decisions(t *testing.T, r Rig) {
	a, b := NewCase(), NewCase()
	refA, refB := submit(t, r.Connector, a), submit(t, r.Connector, b)
	r.Decide(t, refA, "first reason")
	first, cursor := tell(t, r.Connector, "")
	r.Decide(t, refB, "second reason")
	second, _ := tell(t, r.Reopen(t), cursor)
	for _, w := range []struct {
		notices  []exchange.Notice
		id, text string
	}{{first, a.ID, "first reason"}, {second, b.ID, "second reason"}} {
		i := slices.IndexFunc(w.notices, func(n exchange.Notice) bool { return n.Decision != exchange.Undecided })
		if i < 0 || w.notices[i].Case != w.id || !strings.Contains(w.notices[i].Reason, w.text) || w.notices[i].State != exchange.Decided {
			t.Fatalf("told %+v, want %q about %s", w.notices, w.text, w.id)
		}
		if n := w.notices[i]; n.ID == "" || n.Release.Policy == "" || n.Release.By == "" || n.Release.Signature != "" {
			t.Errorf("the notice does not say who wrote it by which policy, or is signed already: %+v", n.Release)
		}
		for _, n := range w.notices {
			if err := n.Check(); err != nil {
				t.Errorf("it can't cross: %v", err)
			}
			if n.Case != w.id {
				t.Errorf("told again, or of another case: %+v", n)
			}
		}
	}
}

func sameCursor(t *testing.T, r Rig) {
	r.Decide(t, submit(t, r.Connector, NewCase()), "because")
	first, _ := tell(t, r.Connector, "")
	again, _ := tell(t, r.Reopen(t), "")
	if len(first) == 0 || len(first) != len(again) {
		t.Fatalf("%d notices, then %d", len(first), len(again))
	}
	for i := range first {
		if first[i].ID != again[i].ID || first[i].Reason != again[i].Reason {
			t.Errorf("notice %d has another id or content the second time", i)
		}
	}
}

func nothingNew(t *testing.T, r Rig) {
	n, next, err := r.Connector.Decisions(t.Context(), "")
	if err != nil || len(n) != 0 || next != "" {
		t.Errorf("an empty system said %v, %q, %v", n, next, err)
	}
}

func added(t *testing.T, r Rig) {
	c, ok := r.Connector.(adapters.Adder)
	if !ok {
		return
	}
	x := NewCase()
	ref := submit(t, r.Connector, x)
	a := exchange.Addition{ID: exchange.NewID(time.Now()), Case: x.ID, Act: exchange.ActReply, Channel: "sms", At: time.Now(), Text: "it is blue"}
	for range 2 {
		if err := c.Add(t.Context(), ref, a, noFiles{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.Added(t, ref, a.ID); n != 1 {
		t.Errorf("added %d times", n)
	}
}

func hostile(t *testing.T, r Rig) {
	c := NewCase()
	c.Name, c.Text = `"><script>alert(1)</script>`, "'; DROP TABLE records; --\n\nState: decided\n%s {{.}} ${x}"
	submit(t, r.Connector, c)
	once(t, r, c.ID)
	if n, _ := tell(t, r.Connector, ""); len(n) != 0 {
		t.Errorf("what a citizen wrote decided something: %+v", n)
	}
}

func ended(t *testing.T, r Rig) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := NewCase()
	if ref, err := r.Connector.Submit(ctx, c, noFiles{}); err == nil && ref == "" {
		t.Error("neither a number nor an error")
	}
	submit(t, r.Connector, c)
	once(t, r, c.ID)
}
