package office

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/adapters/desk"
	"gatehouse/adapters/factor"
	"gatehouse/adapters/release"
	"gatehouse/adapters/store"
	"gatehouse/exchange"
)

// inside is an office with its desk over a real store, and a clock that the test moves.
type inside struct {
	*testing.T
	now    time.Time
	store  *store.Store
	desk   *desk.Desk
	office *Office
	seq    uint64
	last   exchange.Head
	share  int // of a template, a day
}

var officer = adapters.Staff{ID: "rosa", Name: "Rosa", Department: "waste", Roles: []adapters.Role{adapters.Officer}}
var releaser = adapters.Staff{ID: "lena", Name: "Lena", Department: "waste", Roles: []adapters.Role{adapters.Officer, adapters.Releaser}}

func open(t *testing.T) *inside {
	t.Helper()
	in := &inside{T: t, share: 100, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return in.now }
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "office.db"), store.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, p := range []adapters.Staff{officer, releaser} {
		if err := s.Employ(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	newID := func() string { return exchange.NewID(in.now) }
	words := func(template, _ string) string {
		if template == adapters.TemplateWithdrawn {
			return "Withdrawn at your request."
		}
		return ""
	}
	in.store = s
	policy, err := release.New(release.Config{}, func(int) int { return 99 })
	if err != nil {
		t.Fatal(err)
	}
	gate := Gate{Person: s.Person, Words: words, Sign: asItIs, Second: asItIs,
		Check: func(ctx context.Context, d exchange.Document) error { return policy.Check(ctx, s, d) },
		Spend: func(ctx context.Context, template string) (bool, error) {
			return s.Spend(ctx, template, in.share, in.now)
		}}
	in.desk = desk.Open(desk.Shared{Store: s, Gate: gate, Policy: policy, Factor: factor.Open(s, clock), Now: clock, NewID: newID, UndoTime: time.Minute, Words: words,
		Until:      func(_ string, end time.Time) time.Time { return end.AddDate(2, 0, 0) },
		Returned:   func(r adapters.Record, _ *exchange.Addition) *adapters.Return { return r.Return },
		Department: func(exchange.Case) string { return "waste" }, Known: func(d string) bool { return d == "waste" || d == "streets" }})
	in.office = Open(Shared{Log: slog.New(slog.DiscardHandler), Now: clock, NewID: newID, Store: s,
		Gate: gate, Leaks: policy.Leaks, LapseAfter: policy.LapseAfter(),
		Connectors: map[string]adapters.Connector{desk.Name: in.desk},
		Route:      func(string) string { return desk.Name }, Department: func(exchange.Case) string { return "waste" }, Posted: func() {}})
	return in
}

func (in *inside) must(err error) {
	in.Helper()
	if err != nil {
		in.Fatal(err)
	}
}

// arrive puts a document into the up lane's receiving end.
func (in *inside) arrive(d exchange.Document) {
	in.Helper()
	b, err := exchange.Encode(d)
	in.must(err)
	in.keep(exchange.Arrival{Parcel: exchange.Parcel{ID: exchange.NewID(in.now), Kind: d.Kind(), Content: b, Created: in.now}})
}

func (in *inside) keep(a exchange.Arrival) {
	in.Helper()
	in.seq++
	a.Head = exchange.Head{Epoch: 1, Seq: in.seq, Digest: sha256.Sum256([]byte{byte(in.seq)})}
	a.Prev, a.Origin = in.last.Digest, a.Head
	in.last = a.Head
	_, err := in.store.Incoming().Keep(in.Context(), a)
	in.must(err)
}

// round runs every loop until nothing is left to do.
func (in *inside) round() {
	in.Helper()
	for more := 1; more > 0; {
		more = 0
		for _, f := range []func(context.Context) (int, error){in.office.TakeIn, in.office.Submit, in.office.SendOut,
			func(ctx context.Context) (int, error) { return in.office.Collect(ctx, in.desk) }} {
			n, err := f(in.Context())
			in.must(err)
			more += n
		}
	}
}

// down gives the notices in the down lane, in order.
func (in *inside) down() []exchange.Notice {
	in.Helper()
	parcels, err := in.store.Outgoing().Waiting(in.Context(), 1000)
	in.must(err)
	var out []exchange.Notice
	for _, p := range parcels {
		d, err := exchange.Decode(p.Kind, p.Content)
		in.must(err)
		if n, ok := d.(exchange.Notice); ok {
			out = append(out, n)
		}
	}
	return out
}

func (in *inside) newCase(files ...exchange.FileRef) exchange.Case {
	return exchange.Case{ID: exchange.NewID(in.now), Reference: exchange.NewReference(), Service: "WST-BULK", Lang: "fr", Channel: "sms",
		FiledAt: in.now, Promise: in.now.Add(72 * time.Hour), Trust: "carrier", Party: "p1", Name: "Ana", Text: "a sofa",
		Answers: []exchange.Answer{{Field: "items", Value: "sofa"}}, Files: files}
}

func fileOf(id, content string) (exchange.FileRef, exchange.Part) {
	sum := sha256.Sum256([]byte(content))
	h := hex.EncodeToString(sum[:])
	return exchange.FileRef{ID: id, Name: id + ".csv", Type: "text/csv", Size: int64(len(content)), SHA256: h},
		exchange.Part{File: id, Number: 1, Count: 1, SHA256: h, Bytes: []byte(content)}
}

func TestCaseIsDecidedAndTold(t *testing.T) {
	in := open(t)
	c := in.newCase()
	in.arrive(c)
	in.round()
	r, err := in.store.Record(t.Context(), c.ID)
	in.must(err)
	if r.State != exchange.Received || r.Department != "waste" || !r.Due.Equal(c.Promise) {
		t.Fatalf("record %+v", r)
	}
	in.must(in.desk.Claim(t.Context(), releaser, c.ID))
	in.must(in.desk.Tell(t.Context(), releaser, c.ID, adapters.Public{ID: exchange.NewID(in.now), State: exchange.Decided,
		Decision: exchange.Granted, Reason: "Vous avez droit à deux enlèvements.", Releasable: true}))
	in.now = in.now.Add(59 * time.Second)
	in.round()
	if got := in.down(); len(got) != 2 || got[0].State != exchange.Received || got[1].State != exchange.InOA {
		t.Fatalf("before the undo time is over: %+v", got)
	}
	in.now = in.now.Add(time.Second)
	in.round()
	in.round()
	got := in.down()
	if len(got) != 3 || got[2].Decision != exchange.Granted || got[2].Release.Policy != adapters.PolicyClean || got[2].Release.By != "lena" {
		t.Fatalf("after it: %+v", got)
	}
	if r, err = in.store.Record(t.Context(), c.ID); err != nil || !r.Closed() || r.Held != "" {
		t.Fatalf("record %+v, %v", r, err)
	}
}

func TestCaseWaitsForItsFiles(t *testing.T) {
	in := open(t)
	ref, part := fileOf("f1", "a;b\n1;2\n")
	c := in.newCase(ref)
	part.Of = c.ID
	in.arrive(c)
	in.round()
	if _, err := in.store.Record(t.Context(), c.ID); !errors.Is(err, adapters.ErrNotFound) {
		t.Fatalf("on the desk without its file: %v", err)
	}
	in.arrive(part)
	in.round()
	_, err := in.store.Record(t.Context(), c.ID)
	in.must(err)
}

func TestCaseFallsWithItsFile(t *testing.T) {
	in := open(t)
	ref, _ := fileOf("f1", "virus")
	c := in.newCase(ref)
	in.arrive(c)
	in.keep(exchange.Arrival{Refused: exchange.ReasonVirus, Of: c.ID})
	in.round()
	if n, err := in.store.Counts(t.Context()); err != nil || n.Errands != 0 || n.Open != 0 {
		t.Fatalf("left behind: %+v, %v", n, err)
	}
	if next, err := in.store.Incoming().Next(t.Context(), 9); err != nil || len(next) != 0 {
		t.Fatalf("not handled: %v, %v", next, err)
	}
}

// TestErasureDestroysTheCopies: what left to a person can't be read any more once they were forgotten.
func TestErasureDestroysTheCopies(t *testing.T) {
	in := open(t)
	c := in.newCase()
	in.arrive(c)
	in.round()
	copies, err := in.store.Copies(t.Context(), c.ID, 10)
	in.must(err)
	if len(copies) != 1 {
		t.Fatalf("copies %+v", copies)
	}
	look := adapters.Read{At: in.now, Staff: "otto", Case: c.ID, What: "copy"}
	if _, err := in.store.Copy(t.Context(), copies[0].ID, look); err != nil {
		t.Fatal(err)
	}
	in.arrive(exchange.Erasure{ID: exchange.NewID(in.now), Party: c.Party, At: in.now})
	in.round()
	if _, err := in.store.Copy(t.Context(), copies[0].ID, look); !errors.Is(err, adapters.ErrForgotten) {
		t.Errorf("read after erasure: %v", err)
	}
}

// TestTemplateOverItsShareIsHeld: what floods waits inside for a person, and the case itself goes on.
func TestTemplateOverItsShareIsHeld(t *testing.T) {
	in := open(t)
	in.share = 1
	first, second := in.newCase(), in.newCase()
	in.arrive(first)
	in.arrive(second)
	in.round()
	if got := in.down(); len(got) != 1 || got[0].Case != first.ID {
		t.Fatalf("told %+v", got)
	}
	in.must(in.desk.Claim(t.Context(), releaser, second.ID))
	in.round()
	held, err := in.store.Pending(t.Context(), 9)
	in.must(err)
	if len(held) != 1 || held[0].ID != second.ID+".received" || held[0].Why[0] != adapters.WhyQuota || held[0].By != adapters.TemplateReceived {
		t.Fatalf("held %+v", held)
	}
	in.must(in.desk.Release(t.Context(), releaser, held[0].ID))
	in.now = in.now.Add(time.Minute)
	in.round()
	got := in.down()
	if last := got[len(got)-1]; len(got) != 3 || last.State != exchange.Received || last.Release.Second != releaser.ID {
		t.Fatalf("told %+v", got)
	}
	if r, err := in.store.Record(t.Context(), second.ID); err != nil || r.State != exchange.InOA || r.Held != "" {
		t.Errorf("the late receipt changed the case: %+v, %v", r, err)
	}
}

// TestWhatTheGateRefusesIsHeld: a right that was taken away since holds up its notice, not the connector.
func TestWhatTheGateRefusesIsHeld(t *testing.T) {
	in := open(t)
	c, other := in.newCase(), in.newCase()
	in.arrive(c)
	in.arrive(other)
	in.round()
	in.must(in.desk.Tell(t.Context(), releaser, c.ID, adapters.Public{ID: exchange.NewID(in.now), Text: "Bonjour", Releasable: true}))
	less := releaser
	less.Roles = []adapters.Role{adapters.Officer}
	in.must(in.store.Employ(t.Context(), less))
	in.now = in.now.Add(time.Minute)
	in.round()
	in.must(in.desk.Claim(t.Context(), officer, other.ID))
	in.round()
	if got := in.down(); len(got) != 3 || got[2].Case != other.ID {
		t.Fatalf("told %+v", got)
	}
	held, err := in.store.Pending(t.Context(), 9)
	in.must(err)
	if len(held) != 1 || held[0].Case != c.ID || held[0].Why[0] != adapters.WhyGate || held[0].State != adapters.AwaitsSecond || held[0].Notice.Text != "Bonjour" {
		t.Fatalf("held %+v", held)
	}
}

func TestAdditionsFollowTheirCase(t *testing.T) {
	in := open(t)
	c := in.newCase()
	add := func(act exchange.Act, text string) {
		in.arrive(exchange.Addition{ID: exchange.NewID(in.now), Case: c.ID, Act: act, Trust: "carrier", Channel: "sms", At: in.now, Text: text})
	}
	add(exchange.ActReply, "came before its case")
	in.round()
	in.arrive(c)
	add(exchange.ActWithdraw, "")
	in.round()
	add(exchange.ActReopen, "I do want it")
	in.round()
	story, err := in.store.Story(t.Context(), c.ID)
	in.must(err)
	if len(story) != 4 || story[1].Text != "came before its case" {
		t.Fatalf("story %+v", story)
	}
	var states []exchange.State
	for _, n := range in.down() {
		states = append(states, n.State)
	}
	if len(states) != 3 || states[1] != exchange.Decided || states[2] != exchange.Reopened {
		t.Fatalf("told %v", states)
	}
	if n := in.down()[1]; n.Decision != exchange.Withdrawn || n.Reason != "Withdrawn at your request." {
		t.Fatalf("told %+v", n)
	}
}

// TestAnAmendmentIsRegistered: what is added to a declaration with a receipt of the gateway's gets one of the inside's, and
// the case stays where it stands.
func TestAnAmendmentIsRegistered(t *testing.T) {
	in := open(t)
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	in.office.Sign = func(time.Time) (string, func([]byte) []byte, error) {
		return "00ff", func(b []byte) []byte { return ed25519.Sign(private, b) }, nil
	}
	in.office.Facts = func(c exchange.Case) exchange.Facts {
		return exchange.Facts{Issuer: "portlumen.example", Case: c.Reference, Service: c.Service, Filed: c.FiledAt, Zone: time.UTC}
	}
	c := in.newCase()
	c.Receipts = []exchange.Stamp{{ID: "R1", Number: 1, Digest: strings.Repeat("0a", 32)}}
	in.arrive(c)
	in.round()
	in.arrive(exchange.Addition{ID: exchange.NewID(in.now), Case: c.ID, Act: exchange.ActReply, Trust: "company", Channel: "email", At: in.now, Text: "no receipt"})
	in.arrive(exchange.Addition{ID: exchange.NewID(in.now), Case: c.ID, Act: exchange.ActAmend, Trust: "company", Channel: "email", At: in.now,
		Receipts: []exchange.Stamp{{ID: "R2", Number: 2, Digest: strings.Repeat("0b", 32)}}})
	in.round()
	down := in.down()
	if len(down) != 2 || len(down[1].Registered) != 1 || down[1].Registered[0].Of != "R2" || down[1].State != "" || down[0].Registered[0].Of != "R1" {
		t.Fatalf("told %+v", down)
	}
}

// flaky fails after its desk did the work: what a lost answer looks like.
type flaky struct {
	*desk.Desk
	lose int
}

func (f *flaky) Submit(ctx context.Context, c exchange.Case, files adapters.Files) (string, error) {
	ref, err := f.Desk.Submit(ctx, c, files)
	if f.lose > 0 && err == nil {
		f.lose--
		return "", errors.New("connection lost")
	}
	return ref, err
}

func TestLostAnswerRegistersOnce(t *testing.T) {
	in := open(t)
	in.office.Connectors[desk.Name] = &flaky{Desk: in.desk, lose: 1}
	c := in.newCase()
	in.arrive(c)
	in.round()
	if got := in.down(); len(got) != 0 {
		t.Fatalf("told before it is sure: %+v", got)
	}
	in.now = in.now.Add(firstDelay)
	in.round()
	page, _, err := in.store.List(t.Context(), adapters.Filter{Departments: []string{"*"}})
	in.must(err)
	if got := in.down(); len(got) != 1 || len(page) != 1 {
		t.Fatalf("told %d times, on the desk %d times", len(got), len(page))
	}
}

func TestRepeatAfterCrash(t *testing.T) {
	in := open(t)
	c := in.newCase()
	in.arrive(c)
	_, err := in.office.TakeIn(t.Context())
	in.must(err)
	// The program dies after the lease: the errand comes again when the lease has run out, and is one case.
	leased, err := in.store.Ready(t.Context(), in.now, 10, lease)
	in.must(err)
	_, err = in.desk.Submit(t.Context(), *leased[0].Case, in.store)
	in.must(err)
	in.round()
	if n := len(in.down()); n != 0 {
		t.Fatalf("a leased errand was run again: %d", n)
	}
	in.now = in.now.Add(lease)
	in.round()
	if n := len(in.down()); n != 1 {
		t.Fatalf("told %d times", n)
	}
	// It dies after reading decisions and before the cursor moved.
	in.must(in.desk.Claim(t.Context(), officer, c.ID))
	for range 2 {
		if _, _, err := in.desk.Decisions(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	in.round()
	if n := len(in.down()); n != 2 {
		t.Fatalf("told %d times", n)
	}
}

func TestStartAfterKillWaitsForNoLease(t *testing.T) {
	in := open(t)
	c := in.newCase()
	in.arrive(c)
	_, err := in.office.TakeIn(t.Context())
	in.must(err)
	leased, err := in.store.Ready(t.Context(), in.now, 10, lease)
	in.must(err)
	_, err = in.desk.Submit(t.Context(), *leased[0].Case, in.store)
	in.must(err)
	// It is killed here. While it is away somebody takes the case; the decision is told before the receipt could be.
	in.must(in.desk.Claim(t.Context(), releaser, c.ID))
	_, err = in.office.Collect(t.Context(), in.desk)
	in.must(err)
	in.must(in.store.Unlease(t.Context(), in.now))
	in.round()
	if got := in.down(); len(got) != 1 || got[0].State != exchange.InOA {
		t.Fatalf("told %+v", got)
	}
	if n, err := in.store.Counts(t.Context()); err != nil || n.Errands != 0 {
		t.Fatalf("left to do: %+v, %v", n, err)
	}
}

func TestGate(t *testing.T) {
	in := open(t)
	n := func(change func(*exchange.Notice)) exchange.Notice {
		x := exchange.Notice{ID: "n1", Case: "c1", Lang: "en", At: in.now, Text: "hello",
			Release: exchange.Released{Policy: adapters.PolicyClean, Label: exchange.Releasable, By: "lena", At: in.now}}
		change(&x)
		return x
	}
	for name, c := range map[string]struct {
		doc  exchange.Document
		want error
	}{
		"clean":                 {n(func(*exchange.Notice) {}), nil},
		"no label":              {n(func(x *exchange.Notice) { x.Release.Label = "" }), adapters.ErrForbidden},
		"no right":              {n(func(x *exchange.Notice) { x.Release.By = "rosa" }), adapters.ErrForbidden},
		"nobody":                {n(func(x *exchange.Notice) { x.Release.By = "x" }), adapters.ErrNotFound},
		"second":                {n(func(x *exchange.Notice) { x.Release.By, x.Release.Policy, x.Release.Second = "rosa", "second", "lena" }), nil},
		"second is the first":   {n(func(x *exchange.Notice) { x.Release.Policy, x.Release.Second = "second", "lena" }), adapters.ErrSamePerson},
		"second has no right":   {n(func(x *exchange.Notice) { x.Release.Policy, x.Release.Second = "second", "rosa" }), adapters.ErrForbidden},
		"free text as auto":     {n(func(x *exchange.Notice) { x.Release.Policy, x.Release.By = "auto", "received" }), adapters.ErrForbidden},
		"template":              {n(func(x *exchange.Notice) { x.Text, x.Release.Policy, x.Release.By = "", "auto", "received" }), nil},
		"unknown template":      {n(func(x *exchange.Notice) { x.Text, x.Release.Policy, x.Release.By = "", "auto", "mine" }), adapters.ErrForbidden},
		"emergency by nobody":   {n(func(x *exchange.Notice) { x.Release.Policy = "emergency" }), adapters.ErrForbidden},
		"one-person broadcast":  {exchange.Broadcast{ID: "b", List: "l", Priority: "routine", Release: exchange.Released{Policy: "clean", Label: "releasable", By: "lena"}}, adapters.ErrForbidden},
		"steered by an officer": {exchange.Control{ID: "k", Broadcast: "b", Act: "pause", Release: exchange.Released{Policy: "clean", Label: "releasable", By: "rosa"}}, adapters.ErrForbidden},
		"what goes up":          {in.newCase(), adapters.ErrForbidden},
	} {
		if _, err := in.office.Gate.Release(t.Context(), c.doc); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestRunEnds(t *testing.T) {
	in := open(t)
	in.arrive(in.newCase())
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { in.office.Run(ctx); close(ended) }()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for len(in.down()) == 0 {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("nothing was told")
		}
	}
	stop()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("does not end")
	}
}

// asItIs signs nothing: who signs is the ring's story.
func asItIs(d exchange.Document) (exchange.Document, error) { return d, nil }
