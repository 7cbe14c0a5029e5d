package storetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

func (t *suite) next() uint64 { t.seq++; return t.seq }

func (t *suite) aCase(files ...exchange.FileRef) exchange.Case {
	return exchange.Case{ID: t.id(), Reference: exchange.NewReference(), Service: "WST-BULK", Lang: "en", Channel: "sms", FiledAt: t.now,
		Promise: t.now.Add(72 * time.Hour), Party: "p1", Name: "Ana", Files: files}
}

func file(id string, size int) (exchange.FileRef, []exchange.Part) {
	content := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
	sum := sha256.Sum256(content)
	f := exchange.FileRef{ID: id, Name: id, Type: "text/csv", Size: int64(size), SHA256: hex.EncodeToString(sum[:])}
	var parts []exchange.Part
	for n := 0; n*exchange.PartSize < size; n++ {
		b := content[n*exchange.PartSize : min((n+1)*exchange.PartSize, size)]
		parts = append(parts, exchange.Part{File: id, Number: n + 1, Count: (size + exchange.PartSize - 1) / exchange.PartSize, Bytes: b})
	}
	return f, parts
}

func (t *suite) ready() []adapters.Errand {
	t.Helper()
	e, err := t.s.Ready(t.Context(), t.now, 10, time.Minute)
	t.must(err)
	return e
}

func parcel(id string) exchange.Parcel {
	return exchange.Parcel{ID: id, Kind: exchange.KindNotice, Content: []byte("content of " + id), Created: time.UnixMilli(1_790_000_000_000)}
}

func (t *suite) waiting() int {
	t.Helper()
	p, err := t.s.Outgoing().Waiting(t.Context(), 100)
	t.must(err)
	return len(p)
}

func (t *suite) taken() {
	c := t.aCase()
	for range 2 {
		t.must(t.s.TakeCase(t.Context(), t.next(), c, "desk", t.now))
	}
	e := t.ready()
	if len(e) != 1 || e[0].ID != c.ID || e[0].Connector != "desk" || e[0].Attempt != 1 || e[0].Case.Name != "Ana" {
		t.Fatalf("ready: %+v", e)
	}
	for range 2 {
		t.must(t.s.Done(t.Context(), c.ID, "ref", []exchange.Parcel{parcel("n1")}, t.now))
	}
	t.now = t.now.Add(time.Hour)
	if len(t.ready()) != 0 || t.waiting() != 1 {
		t.Errorf("done comes again, or was told %d times", t.waiting())
	}
}

func (t *suite) files() {
	f1, p1 := file("f1", exchange.PartSize+10)
	f2, p2 := file("f2", 5)
	c := t.aCase(f1, f2)
	for i := range p1 {
		p1[i].Of = c.ID
	}
	p2[0].Of = c.ID
	t.must(t.s.TakePart(t.Context(), t.next(), p1[1], exchange.Replaced{})) // before its document
	t.must(t.s.TakeCase(t.Context(), t.next(), c, "desk", t.now))
	t.must(t.s.TakePart(t.Context(), t.next(), p2[0], exchange.Replaced{}))
	if len(t.ready()) != 0 {
		t.Fatal("ready without a part")
	}
	_, err := t.s.Open(t.Context(), f1)
	t.is("open without a part", err, adapters.ErrNotFound)
	for range 2 {
		t.must(t.s.TakePart(t.Context(), t.next(), p1[0], exchange.Replaced{}))
	}
	if len(t.ready()) != 1 {
		t.Fatal("not ready with all parts")
	}
	r, err := t.s.Open(t.Context(), f1)
	t.must(err)
	b, err := io.ReadAll(r)
	t.must(err)
	if int64(len(b)) != f1.Size {
		t.Errorf("%d bytes of %d", len(b), f1.Size)
	}
}

func (t *suite) altered() {
	f, parts := file("f1", 100)
	parts[0].Bytes[7] ^= 1
	t.must(t.s.TakePart(t.Context(), t.next(), parts[0], exchange.Replaced{}))
	r, err := t.s.Open(t.Context(), f)
	t.must(err)
	if _, err := io.ReadAll(r); err == nil {
		t.Error("another content was read to the end")
	}
}

// rebuilt: the guard made other files of two that came, one of them before its document.
func (t *suite) rebuilt() {
	for _, first := range []bool{true, false} {
		id := map[bool]string{true: "f1", false: "f2"}[first]
		was, _ := file(id, 2*exchange.PartSize)
		now, parts := file(id, 700)
		r := exchange.Replaced{From: was.SHA256, To: now.SHA256, Filter: "picture"}
		c := t.aCase(was)
		parts[0].Of = c.ID
		take := func() {
			for range 3 { // fewer parts than came: the last is carried again
				t.must(t.s.TakePart(t.Context(), t.next(), parts[0], r))
			}
		}
		if first {
			take()
		}
		t.must(t.s.TakeCase(t.Context(), t.next(), c, "desk", t.now))
		if !first {
			take()
		}
		e := t.ready()
		if len(e) != 1 || e[0].Case.Files[0].SHA256 != now.SHA256 || e[0].Case.Files[0].Size != now.Size {
			t.Fatalf("ready: %+v", e)
		}
		in, err := t.s.Open(t.Context(), e[0].Case.Files[0])
		t.must(err)
		b, err := io.ReadAll(in)
		t.must(err)
		if int64(len(b)) != now.Size {
			t.Errorf("%d bytes", len(b))
		}
		all, err := t.s.Rebuilt(t.Context(), []string{"none", id})
		t.must(err)
		if len(all) != 1 || all[id] != r {
			t.Errorf("rebuilt: %+v", all)
		}
	}
}

// rebuiltOther: a file that replaces another one than the document named is an alarm.
func (t *suite) rebuiltOther() {
	was, _ := file("f1", 100)
	now, parts := file("f1", 70)
	c := t.aCase(was)
	parts[0].Of = c.ID
	t.must(t.s.TakeCase(t.Context(), t.next(), c, "desk", t.now))
	err := t.s.TakePart(t.Context(), t.next(), parts[0], exchange.Replaced{From: now.SHA256, To: now.SHA256[1:] + "0", Filter: "picture"})
	t.is("replaces another", err, adapters.ErrAltered)
	if len(t.ready()) != 0 {
		t.Error("it is ready all the same")
	}
}

// arrivedRebuilt: what the verdict says of a Part is there when it is handled.
func (t *suite) arrivedRebuilt() {
	f, _ := file("f1", 10)
	a := exchange.Arrival{Head: exchange.Head{Epoch: 1, Seq: 1, Digest: [32]byte{1}}, Origin: exchange.Head{Epoch: 1, Seq: 1, Digest: [32]byte{2}},
		Parcel:   exchange.Parcel{ID: "p1", Kind: exchange.KindPart, Content: []byte("x"), Created: t.now},
		Replaced: exchange.Replaced{From: f.SHA256, To: f.SHA256, Filter: "pages"}}
	_, err := t.s.Incoming().Keep(t.Context(), a)
	t.must(err)
	next, err := t.s.Incoming().Next(t.Context(), 10)
	t.must(err)
	if len(next) != 1 || next[0].Replaced != a.Replaced {
		t.Errorf("next: %+v", next)
	}
}

func (t *suite) fallen() {
	f, _ := file("f1", 5)
	c := t.aCase(f)
	t.must(t.s.TakeCase(t.Context(), t.next(), c, "desk", t.now))
	t.must(t.s.Drop(t.Context(), t.next(), c.ID))
	n, err := t.s.Counts(t.Context())
	t.must(err)
	if n.Errands != 0 || len(t.ready()) != 0 {
		t.Errorf("it is still there: %+v", n)
	}
}

func (t *suite) lease() {
	c := t.aCase()
	t.must(t.s.TakeCase(t.Context(), t.next(), c, "desk", t.now))
	if len(t.ready()) != 1 || len(t.ready()) != 0 {
		t.Fatal("a lease does not hide")
	}
	t.now = t.now.Add(time.Minute)
	if e := t.ready(); len(e) != 1 || e[0].Attempt != 2 {
		t.Fatalf("after the lease: %+v", e)
	}
	t.must(t.s.Later(t.Context(), c.ID, t.now.Add(time.Hour), "away"))
	t.now = t.now.Add(59 * time.Minute)
	if len(t.ready()) != 0 {
		t.Error("ready before it was put off until")
	}
	stuck, err := t.s.Stuck(t.Context(), 10)
	t.must(err)
	if len(stuck) != 1 || stuck[0].Cause != "away" || stuck[0].Attempts != 2 {
		t.Errorf("stuck: %+v", stuck)
	}
}

func (t *suite) additions() {
	c := t.aCase()
	add := func() string {
		a := exchange.Addition{ID: t.id(), Case: c.ID, Act: exchange.ActReply, Channel: "sms", At: t.now, Text: "more"}
		for range 2 {
			t.must(t.s.TakeAddition(t.Context(), t.next(), a, t.now))
		}
		return a.ID
	}
	first, second := add(), add()
	if len(t.ready()) != 0 {
		t.Fatal("ready before its case")
	}
	t.must(t.s.TakeCase(t.Context(), t.next(), c, "desk", t.now))
	if e := t.ready(); len(e) != 1 || e[0].ID != c.ID {
		t.Fatalf("ready: %+v", e)
	}
	t.must(t.s.Done(t.Context(), c.ID, "ref-7", nil, t.now))
	for _, want := range []string{first, second} {
		e := t.ready()
		if len(e) != 1 || e[0].ID != want || e[0].Ref != "ref-7" || e[0].Connector != "desk" || e[0].Addition == nil {
			t.Fatalf("ready: %+v, want %s", e, want)
		}
		t.must(t.s.Done(t.Context(), want, "ref-7", nil, t.now))
	}
}

func (t *suite) cursor() {
	t.must(t.s.Tell(t.Context(), "desk", "", "2", []exchange.Parcel{parcel("a"), parcel("b")}, nil, nil))
	t.is("told again from the old cursor", t.s.Tell(t.Context(), "desk", "", "2", []exchange.Parcel{parcel("c")}, nil, nil), adapters.ErrMoved)
	c, err := t.s.Cursor(t.Context(), "desk")
	t.must(err)
	other, err := t.s.Cursor(t.Context(), "rt")
	t.must(err)
	if c != "2" || other != "" || t.waiting() != 2 {
		t.Errorf("cursors %q and %q, %d told", c, other, t.waiting())
	}
}

func (t *suite) spoken() {
	c := t.aCase()
	t.must(t.s.TakeCase(t.Context(), t.next(), c, "desk", t.now))
	t.ready()
	t.must(t.s.Tell(t.Context(), "desk", "", "1", []exchange.Parcel{parcel("decision")}, []string{c.ID}, nil))
	t.must(t.s.Done(t.Context(), c.ID, "ref", []exchange.Parcel{parcel("received")}, t.now))
	p, err := t.s.Outgoing().Waiting(t.Context(), 10)
	t.must(err)
	if len(p) != 1 || p[0].ID != "decision" {
		t.Errorf("told %+v", p)
	}
}

func (t *suite) unlease() {
	c := t.aCase()
	t.must(t.s.TakeCase(t.Context(), t.next(), c, "desk", t.now))
	t.ready()
	t.must(t.s.Unlease(t.Context(), t.now))
	if e := t.ready(); len(e) != 1 || e[0].Attempt != 2 {
		t.Errorf("ready %+v", e)
	}
}

func (t *suite) tally() {
	for _, x := range []struct {
		at time.Duration
		n  int64
	}{{0, 1}, {time.Minute, 5}, {time.Second, 2}} {
		t.must(t.s.TakeTally(t.Context(), t.next(), exchange.Tally{ID: t.id(), About: "b1", At: t.now.Add(x.at), Counts: []exchange.Count{{Name: "sent", Count: x.n}}}))
	}
	all, err := t.s.Tallies(t.Context())
	t.must(err)
	if len(all) != 1 || all[0].Counts[0].Count != 5 {
		t.Errorf("tallies %+v", all)
	}
}

func (t *suite) border() {
	t.must(t.s.Tell(t.Context(), "desk", "", "1", []exchange.Parcel{parcel("a"), parcel("b")}, nil, nil))
	out := t.s.Outgoing()
	fence, head, ok, err := out.Seize(t.Context(), "me", time.Hour)
	t.must(err)
	if !ok {
		t.Fatal("the lane is taken")
	}
	one := exchange.Head{Epoch: 1, Seq: 1, Digest: [32]byte{1}}
	two := exchange.Head{Epoch: 1, Seq: 2, Digest: [32]byte{2}}
	t.must(out.Number(t.Context(), fence, head, []exchange.Numbered{{Parcel: "a", Head: one, Bytes: []byte("x")}, {Parcel: "b", Head: two, Bytes: []byte("y")}}))
	t.must(out.Settle(t.Context(), exchange.Ack{Lane: exchange.Down, Epoch: 1, Contiguous: 1, Refused: []exchange.Refusal{{Seq: 1, Reason: exchange.ReasonLeak}}, At: t.now}))
	b, err := t.s.Border(t.Context())
	t.must(err)
	if b.Head != two || b.Unacked != 1 || b.Waiting != 0 || len(b.Refused) != 1 || b.Refused[0].Parcel != "a" || b.Refused[0].Reason != exchange.ReasonLeak || b.Acked.IsZero() || b.Oldest.IsZero() {
		t.Errorf("border %+v", b)
	}
}

// stamps: a chain that grows is no alarm, however often it is told; one that was rewritten is.
func (t *suite) stamps() {
	told := func(ordered bool, want string, list ...exchange.Stamp) {
		t.Helper()
		wrong, err := t.s.Stamp(t.Context(), list, ordered, t.now)
		t.must(err)
		if got := fmt.Sprint(wrong); got != want {
			t.Errorf("%v is wrong of %v, want %s", got, list, want)
		}
	}
	at := func(n uint64, d string) exchange.Stamp { return exchange.Stamp{ID: "r", Number: n, Digest: d} }
	told(true, "[]", at(1, "a"), at(2, "b"))
	told(true, "[]", at(1, "a"), at(2, "b"))
	told(false, "[]", at(2, "b"))
	told(true, "[]", at(5, "e")) // 3 and 4 were of cases that the border refused
	told(false, "[]", at(4, "d"))
	told(false, "[]", at(7, "g"))
	told(true, "[]", at(8, "h"))
	c, err := t.s.Counts(t.Context())
	t.must(err)
	if c.Backdated != 0 {
		t.Errorf("%d alarms for nothing", c.Backdated)
	}
	told(true, "[3]", at(3, "c"), at(9, "i"))
	told(false, "[9]", at(9, "x"))
	told(true, "[9]", at(9, "x"))
	told(false, "[]", at(9, "i"))
	c, err = t.s.Counts(t.Context())
	t.must(err)
	if c.Backdated != 2 {
		t.Errorf("%d alarms, want 2", c.Backdated)
	}
}
