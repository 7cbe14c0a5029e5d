package storetest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// released is a parcel with a notice about a case.
func (t *suite) released(caseID string) exchange.Parcel {
	t.Helper()
	n := exchange.Notice{ID: t.id(), Case: caseID, Text: "hello " + caseID, At: t.now,
		Release: exchange.Released{Policy: adapters.PolicySecond, Label: exchange.Releasable, By: "rosa", Second: "lena", At: t.now}}
	b, err := exchange.Encode(n)
	t.must(err)
	return exchange.Parcel{ID: n.ID, Kind: exchange.KindNotice, Content: b, Created: t.now}
}

func (t *suite) copies() {
	file := func(party string) string {
		c := exchange.Case{ID: t.id(), Service: "ask", FiledAt: t.now, Party: party}
		t.seq++
		t.must(t.s.TakeCase(t.Context(), t.seq, c, "desk", t.now))
		return c.ID
	}
	mine, again, other, nobody := file("p1"), file("p1"), file("p2"), file("")
	say := []exchange.Parcel{t.released(mine), t.released(again), t.released(other), t.released(nobody)}
	part := exchange.Part{File: "f", Of: say[0].ID, Number: 1, Count: 1, SHA256: sumOf("%PDF"), Bytes: []byte("%PDF")}
	b, err := exchange.Encode(part)
	t.must(err)
	say = append(say, exchange.Parcel{ID: "part", Kind: exchange.KindPart, Content: b, Created: t.now}, parcel("no document"))
	t.must(t.s.Tell(t.Context(), "desk", "", "1", say, nil, nil))
	look := adapters.Read{At: t.now, Staff: "otto", Case: mine, What: "copy"}
	for _, p := range say {
		got, err := t.s.Copy(t.Context(), p.ID, look)
		t.must(err)
		if string(got) != string(p.Content) {
			t.Errorf("copy of %s is %q", p.ID, got)
		}
	}
	if reads, _, err := t.s.Reads(t.Context(), "otto", mine, 100, 0); err != nil || len(reads) != len(say) {
		t.Errorf("%d looks in the log, %v", len(reads), err)
	}
	list, err := t.s.Copies(t.Context(), mine, 10)
	t.must(err)
	if len(list) != 2 || list[1].By != "rosa" && list[0].By != "rosa" {
		t.Errorf("copies of the case: %+v", list)
	}
	t.must(t.s.Forget(t.Context(), 0, exchange.Erasure{ID: t.id(), Party: "p1", At: t.now}, t.now))
	for i, want := range []error{adapters.ErrForgotten, adapters.ErrForgotten, nil, nil, adapters.ErrForgotten, nil} {
		if _, err := t.s.Copy(t.Context(), say[i].ID, look); !errors.Is(err, want) {
			t.Errorf("copy %d after p1 was forgotten: %v, want %v", i, err, want)
		}
	}
	_, err = t.s.Copy(t.Context(), "none", look)
	t.is("no such copy", err, adapters.ErrNotFound)
	t.must(t.s.Tell(t.Context(), "desk", "1", "2", []exchange.Parcel{t.released(mine)}, nil, nil)) // a new key, and the old stays gone
	_, err = t.s.Copy(t.Context(), say[0].ID, look)
	t.is("after a later notice", err, adapters.ErrForgotten)
}

func (t *suite) factor() {
	_, err := t.s.Factor(t.Context(), "rosa")
	t.is("none", err, adapters.ErrNotFound)
	t.must(t.s.SaveFactor(t.Context(), "rosa", adapters.Factor{Secret: []byte("a secret"), Last: 7}))
	t.must(t.s.SaveFactor(t.Context(), "rosa", adapters.Factor{Secret: []byte("another"), Confirmed: true, Last: 7}))
	f, err := t.s.Factor(t.Context(), "rosa")
	t.must(err)
	if string(f.Secret) != "another" || !f.Confirmed || f.Last != 7 {
		t.Errorf("kept %+v", f)
	}
	t.is("an old step", t.s.UseFactor(t.Context(), "rosa", 7), adapters.ErrGone)
	t.must(t.s.UseFactor(t.Context(), "rosa", 8))
	t.is("a step twice", t.s.UseFactor(t.Context(), "rosa", 8), adapters.ErrGone)
	t.is("nobody's", t.s.UseFactor(t.Context(), "lena", 8), adapters.ErrGone)
}

func (t *suite) quota() {
	hold := func(by string) adapters.Held {
		r := t.put("waste", time.Hour, nil)
		h := adapters.Held{ID: t.id(), Case: r.ID(), By: by, At: t.now, Due: t.now, State: adapters.Leaving, Quota: 2,
			Review: &adapters.Review{Kind: adapters.Sampled, Due: t.now}, Notice: &exchange.Notice{Case: r.ID(), Text: "x"}}
		h.Notice.ID = h.ID
		for range 2 { // the same form twice counts once
			t.must(t.s.Hold(t.Context(), h, adapters.Entry{ID: t.id()}, func(*adapters.Record) error { return nil }))
		}
		got, err := t.s.Held(t.Context(), h.ID)
		t.must(err)
		return got
	}
	for i, want := range []adapters.HeldState{adapters.Leaving, adapters.Leaving, adapters.AwaitsSecond} {
		if h := hold("rosa"); h.State != want {
			t.Errorf("number %d is %s", i+1, h.State)
		}
	}
	if h := hold("rosa"); len(h.Why) != 1 || h.Why[0] != adapters.WhyQuota || !h.Due.IsZero() || h.Review != nil || h.Notice.Release.Policy != adapters.PolicySecond {
		t.Errorf("over the quota: %+v", h)
	}
	if h := hold("lena"); h.State != adapters.Leaving {
		t.Errorf("another person's share is %s", h.State)
	}
	t.now = t.now.Add(24 * time.Hour)
	if h := hold("rosa"); h.State != adapters.Leaving {
		t.Errorf("the next day it is %s", h.State)
	}
}

func (t *suite) spend() {
	spend := func(template string) bool {
		ok, err := t.s.Spend(t.Context(), template, 2, t.now)
		t.must(err)
		return ok
	}
	for i, want := range []bool{true, true, false} {
		if spend("received") != want {
			t.Errorf("number %d of two: %v", i+1, !want)
		}
	}
	if !spend("in_oa") {
		t.Error("another template's share is used")
	}
	t.now = t.now.Add(24 * time.Hour)
	if !spend("received") {
		t.Error("the next day nothing goes")
	}
}

func (t *suite) reviews() {
	r := t.put("waste", time.Hour, nil)
	hold := func(kind adapters.ReviewKind, due time.Duration) string {
		h := adapters.Held{ID: t.id(), Case: r.ID(), By: "rosa", At: t.now, Due: t.now.Add(time.Minute), State: adapters.Leaving,
			Review: &adapters.Review{Kind: kind, Due: t.now.Add(due)}, Notice: &exchange.Notice{Case: r.ID(), Text: "x"}}
		h.Notice.ID = h.ID
		t.must(t.s.Hold(t.Context(), h, adapters.Entry{ID: t.id()}, func(*adapters.Record) error { return nil }))
		if l, err := t.s.ToReview(t.Context(), 10); err != nil || len(l) > 0 && l[len(l)-1].ID == h.ID {
			t.Errorf("its author can see that it will be looked at: %v", err)
		}
		t.now = t.now.Add(time.Minute)
		t.depart()
		return h.ID
	}
	sample := hold(adapters.Sampled, 48*time.Hour)
	urgent := hold(adapters.OfEmergency, 24*time.Hour)
	list, err := t.s.ToReview(t.Context(), 10)
	t.must(err)
	if len(list) != 2 || list[0].ID != urgent || list[1].ID != sample {
		t.Fatalf("to review %+v", list)
	}
	lena := adapters.Staff{ID: "lena", Department: "waste", Roles: []adapters.Role{adapters.Releaser}}
	far := adapters.Staff{ID: "ines", Department: "streets", Roles: []adapters.Role{adapters.Releaser}}
	rosa := adapters.Staff{ID: "rosa", Department: "waste", Roles: []adapters.Role{adapters.Releaser, adapters.Approver}}
	todo := func(who adapters.Staff) int64 {
		n, err := t.s.Todo(t.Context(), who)
		t.must(err)
		return n.Reviews
	}
	if todo(lena) != 2 || todo(far) != 0 || todo(rosa) != 0 {
		t.Errorf("waits for lena %d, ines %d, rosa %d", todo(lena), todo(far), todo(rosa))
	}
	look := adapters.Review{By: "lena", At: t.now, Fine: true}
	t.is("by its author", t.s.Reviewed(t.Context(), urgent, adapters.Review{By: "rosa"}, adapters.Entry{ID: t.id()}), adapters.ErrSamePerson)
	t.must(t.s.Reviewed(t.Context(), urgent, look, adapters.Entry{ID: t.id(), Kind: adapters.Reviewed}))
	t.is("twice", t.s.Reviewed(t.Context(), urgent, look, adapters.Entry{ID: t.id()}), adapters.ErrGone)
	h, err := t.s.Held(t.Context(), urgent)
	t.must(err)
	if h.Review.Kind != adapters.OfEmergency || h.Review.By != "lena" || !h.Review.Fine || todo(lena) != 1 {
		t.Errorf("reviewed %+v", h.Review)
	}
	if n, err := t.s.Counts(t.Context()); err != nil || n.ToReview != 1 {
		t.Errorf("counts %+v, %v", n, err)
	}
}

func (t *suite) lapse() {
	r := t.put("waste", time.Hour, nil)
	h := t.hold(r, adapters.AwaitsSecond)
	lapse := func(then time.Time) int {
		n, err := t.s.Lapse(t.Context(), then, t.now, t.id)
		t.must(err)
		return n
	}
	if lapse(t.now) != 0 || lapse(t.now.Add(time.Second)) != 1 || lapse(t.now.Add(time.Second)) != 0 {
		t.Error("did not lapse once, when it was time")
	}
	got, err := t.s.Held(t.Context(), h.ID)
	t.must(err)
	rec, err := t.s.Record(t.Context(), r.ID())
	t.must(err)
	if got.State != adapters.Lapsed || rec.Held != "" {
		t.Errorf("held %s, the case waits for %q", got.State, rec.Held)
	}
	t.is("released afterwards", t.s.Release(t.Context(), h.ID, byTwo("lena", t.now), t.now), adapters.ErrGone)
	t.hold(r, adapters.AwaitsSecond) // the case is free again
}

func sumOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
