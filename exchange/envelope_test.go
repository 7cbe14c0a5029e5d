package exchange

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

// world is the four rings with fresh keys.
type world map[Party]*Ring

func newWorld(t testing.TB) world { return newWorldOf(t, Suite1) }

func newWorldOf(t testing.TB, s Suite) world {
	t.Helper()
	var keys []Key
	for _, p := range Parties() {
		for _, u := range uses() {
			of := s
			if u != Seal {
				of = 0
			}
			k, err := NewKeyOf(of, p, u, noon.Add(-time.Hour), 24*time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, k)
		}
	}
	w := world{}
	for _, p := range Parties() {
		w[p] = ringOf(t, p, keys)
	}
	return w
}

func ringOf(t testing.TB, p Party, keys []Key) *Ring {
	t.Helper()
	var mine []Key
	for _, k := range keys {
		if k.Party != p {
			k.signer, k.opener = nil, nil
		}
		mine = append(mine, k)
	}
	r, err := NewRing(p, mine...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func parcelOf(t testing.TB, d Document) Parcel {
	t.Helper()
	b, err := Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	return Parcel{ID: "parcel-1", Kind: d.Kind(), Content: b, Created: noon}
}

func envelope(t testing.TB, n Numbered, err error) Envelope {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	e, err := ParseEnvelope(n.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if e.Head() != n.Head {
		t.Fatalf("head is %v, want %v", e.Head(), n.Head)
	}
	return e
}

func firstHop(t testing.TB, w world, l Lane, d Document) Envelope {
	t.Helper()
	n, err := w[routeOf(l).origin].Seal(l, Head{Epoch: 1}, parcelOf(t, d), noon)
	return envelope(t, n, err)
}

func secondHop(t testing.TB, w world, l Lane, e Envelope, v Verdict) Envelope {
	t.Helper()
	guard := w[routeOf(l).guard]
	u, err := guard.Unseal(l, e, noon)
	if err != nil {
		t.Fatal(err)
	}
	v.Rules = "test"
	n, err := guard.Endorse(l, Head{Epoch: 1}, u, u.Content, v, noon)
	return envelope(t, n, err)
}

func TestBothHopsOfBothLanes(t *testing.T) { eachSuite(t, bothHopsOfBothLanes) }

func bothHopsOfBothLanes(t *testing.T, w world) {
	for _, l := range []Lane{Up, Down} {
		for _, d := range samples() {
			if !Crosses(d.Kind(), l) {
				continue
			}
			e := firstHop(t, w, l, d)
			out := secondHop(t, w, l, e, Verdict{Filters: []Trial{{"size", "pass"}}})
			a, v, err := w[routeOf(l).end].Open(l, out, noon)
			if err != nil {
				t.Errorf("%s %s: %v", l, d.Kind(), err)
				continue
			}
			want := unnamed(parcelOf(t, d)) // the lane's own carry no id and no moment
			if a.Parcel.ID != want.ID || a.Parcel.Kind != want.Kind || !bytes.Equal(a.Parcel.Content, want.Content) || !a.Parcel.Created.Equal(want.Created) {
				t.Errorf("%s %s: arrived as %+v", l, d.Kind(), a.Parcel)
			}
			if a.Head != out.Head() || a.Origin != e.Head() || a.Refused != 0 || v.Filters[0].Filter != "size" {
				t.Errorf("%s %s: arrival %+v, verdict %+v", l, d.Kind(), a, v)
			}
		}
	}
}

func TestRefusalTravelsWithoutContent(t *testing.T) {
	w := newWorld(t)
	e := firstHop(t, w, Up, aCase())
	out := secondHop(t, w, Up, e, Verdict{Refused: ReasonFileKind, Of: "c1"})
	a, v, err := w[Intranet].Open(Up, out, noon)
	if err != nil || a.Refused != ReasonFileKind || a.Of != "c1" || a.Origin != e.Head() {
		t.Errorf("arrival %+v, %v", a, err)
	}
	if len(a.Parcel.Content) != 0 || v.Header != "" || v.Content != "" {
		t.Errorf("a refusal carries %+v, %+v", a.Parcel, v)
	}
}

func TestSealedSizeOfAckIsFixed(t *testing.T) { eachSuite(t, sealedSizeOfAckIsFixed) }

func sealedSizeOfAckIsFixed(t *testing.T, w world) {
	key, _ := w[Extranet].current(UpGuard, Seal, noon)
	a, _ := algorithmsOf(key.Suite)
	full := Ack{Lane: Down, Epoch: 1<<32 - 1, Contiguous: 1<<63 - 200, At: noon}
	for i := range uint64(MaxMissing) {
		full.Missing = append(full.Missing, Range{1<<63 + 2*i, 1<<63 + 2*i})
	}
	for i := range uint64(MaxRefused) {
		full.Refused = append(full.Refused, Refusal{1<<63 + i, LastReason})
	}
	var filters []Trial
	for range 32 {
		filters = append(filters, Trial{"some-filter", "pass"})
	}
	sizes := map[int]bool{}
	for _, d := range []Document{Ack{Lane: Down, At: noon}, full, Heartbeat{Lane: Up, At: noon}} {
		e := firstHop(t, w, Up, d)
		sizes[len(e.Bytes)] = true
		sizes[len(secondHop(t, w, Up, e, Verdict{Filters: filters}).Bytes)] = true
	}
	sizes[len(secondHop(t, w, Up, firstHop(t, w, Up, aCase()), Verdict{Refused: ReasonText}).Bytes)] = true
	if len(sizes) != 1 || !sizes[outerSize+a.enc+smallest+tag] {
		t.Errorf("sizes: %v", sizes)
	}
}

func TestLargestFits(t *testing.T) { eachSuite(t, largestFits) }

func largestFits(t *testing.T, w world) {
	part := aPart(bytes.Repeat([]byte{0xff}, PartSize), 1, 2)
	out := secondHop(t, w, Up, firstHop(t, w, Up, part), Verdict{})
	if _, _, err := w[Intranet].Open(Up, out, noon); err != nil || len(out.Bytes) > MaxEnvelope {
		t.Errorf("%d bytes, %v", len(out.Bytes), err)
	}
	key, _ := w[Extranet].current(UpGuard, Seal, noon)
	su, _ := algorithmsOf(key.Suite)
	s := sections{content: make([]byte, MaxContent), header: make([]byte, 2000), verdict: make([]byte, 4000)}
	if b, err := s.encode(su.room()); err != nil || outerSize+su.enc+tag+len(b) > MaxEnvelope {
		t.Errorf("content of the greatest size: %d bytes, %v", len(b), err)
	}
	if _, ok := bucket(su.room()+1, su.room()); ok {
		t.Error("more than an envelope holds has a bucket")
	}
}

func TestSealRefuses(t *testing.T) {
	w := newWorld(t)
	good := parcelOf(t, aCase())
	for name, p := range map[string]Parcel{
		"unknown kind": {ID: "p", Kind: "letter", Content: good.Content},
		"other lane":   {ID: "p", Kind: KindNotice, Content: good.Content},
		"no content":   {ID: "p", Kind: KindCase},
		"too large":    {ID: "p", Kind: KindCase, Content: make([]byte, MaxContent+1)},
		"no id":        {Kind: KindCase, Content: good.Content},
	} {
		if _, err := w[Extranet].Seal(Up, Head{Epoch: 1}, p, noon); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}
	if _, err := w[Intranet].Seal(Up, Head{Epoch: 1}, good, noon); err == nil {
		t.Error("the intranet sealed a case")
	}
	if _, err := w[Extranet].Seal(Up, Head{Epoch: 1}, good, noon.Add(48*time.Hour)); err == nil {
		t.Error("sealed with a key whose time is over")
	}
}

// forge makes one forged envelope out of what an attacker of that strength has.
type forge func(t *testing.T, w world) Envelope

func outerPatch(at int, to ...byte) forge {
	return func(t *testing.T, w world) Envelope {
		e := firstHop(t, w, Up, aCase())
		copy(e.Bytes[at:], to)
		return e
	}
}

// resealed opens the first hop as only the guard can, lets change alter it and seals it again: what an attacker could
// do who has read the plain text.
func resealed(change func(w world, s *sections, o *outer)) forge {
	return func(t *testing.T, w world) Envelope {
		e := firstHop(t, w, Up, aCase())
		o, s, _, err := w[UpGuard].unlock(e, Up, toGuard, Extranet, noon)
		if err != nil {
			t.Fatal(err)
		}
		change(w, &s, &o)
		n, err := w[Extranet].lock(s, o, UpGuard, noon)
		if err != nil {
			t.Fatal(err)
		}
		return Envelope{Lane: o.lane, Epoch: o.epoch, Seq: o.seq, Bytes: n.Bytes}
	}
}

// resigned is resealed by a compromised origin: it signs what change made of the header.
func resigned(change func(h *Header)) forge {
	return resealed(func(w world, s *sections, o *outer) {
		key, _ := w[Extranet].current(Extranet, Sign, noon)
		h, err := verifyHeader(*s, Up, key)
		if err != nil {
			panic(err)
		}
		change(&h)
		s.header = marshal(h)
		s.signature = sign(key, Up, "origin", s.header)
	})
}

func TestForgedEnvelopesAreRefusedByTheGuard(t *testing.T) {
	w := newWorld(t)
	stranger := newWorld(t)
	for name, f := range map[string]forge{
		"magic":             outerPatch(0, 'X'),
		"version":           outerPatch(4, 2),
		"suite 0":           outerPatch(5, 0),
		"suite 2":           outerPatch(5, 2),
		"lane down":         outerPatch(6, 2),
		"no lane":           outerPatch(6, 3),
		"second hop":        outerPatch(7, 2),
		"sender's key":      outerPatch(8, 1, 2, 3),
		"recipient's key":   outerPatch(16, 1, 2, 3),
		"epoch":             outerPatch(24, 0, 0, 0, 9),
		"epoch zero":        outerPatch(24, 0, 0, 0, 0),
		"number":            outerPatch(28, 0, 0, 0, 0, 0, 0, 0, 9),
		"length":            outerPatch(36, 0, 0, 0, 9),
		"previous":          outerPatch(40, 1),
		"reserved":          outerPatch(80, 1),
		"digest":            outerPatch(96, 1),
		"body":              outerPatch(200, 1, 2, 3),
		"stranger's origin": func(t *testing.T, _ world) Envelope { return firstHop(t, stranger, Up, aCase()) },
		"stranger's signature": func(t *testing.T, w world) Envelope {
			mixed := ringOf(t, Extranet, append(stranger[Extranet].keys, w[UpGuard].keys...))
			mixed.keys = append(mixed.keys[:0:0], mixed.keys...)
			for i, k := range mixed.keys {
				if k.Party == UpGuard && bytes.Equal(k.Public, stranger[UpGuard].keys[0].Public) {
					mixed.keys[i].Until = noon.Add(-time.Hour)
				}
			}
			n, err := mixed.Seal(Up, Head{Epoch: 1}, parcelOf(t, aCase()), noon)
			return envelope(t, n, err)
		},
		"other content": resealed(func(_ world, s *sections, _ *outer) { s.content = []byte(`{}`) }),
		"other header": resealed(func(_ world, s *sections, _ *outer) {
			s.header = bytes.Replace(s.header, []byte("case"), []byte("part"), 1)
		}),
		"signature cut":                resealed(func(_ world, s *sections, _ *outer) { s.signature = s.signature[:63] }),
		"no signature":                 resealed(func(_ world, s *sections, _ *outer) { s.signature = nil }),
		"other number":                 resealed(func(_ world, _ *sections, o *outer) { o.seq = 2 }),
		"other epoch":                  resealed(func(_ world, _ *sections, o *outer) { o.epoch = 2 }),
		"other previous":               resealed(func(_ world, _ *sections, o *outer) { o.prev[0] = 1 }),
		"other lane inside":            resealed(func(_ world, _ *sections, o *outer) { o.lane = Down }),
		"a verdict":                    resealed(func(_ world, s *sections, _ *outer) { s.verdict = []byte("{}") }),
		"signed for another recipient": resigned(func(h *Header) { h.Recipient = Extranet }),
		"signed in another's name":     resigned(func(h *Header) { h.Origin = Intranet }),
		"signed for another lane":      resigned(func(h *Header) { h.Lane = Down }),
		"signed with another key id":   resigned(func(h *Header) { h.Key = strings.Repeat("0", 16) }),
		"signed a later version":       resigned(func(h *Header) { h.Version = 2 }),
		"signed text not normal":       resigned(func(h *Header) { h.Parcel = "a\u202Eb" }),
	} {
		e := f(t, w)
		if _, err := w[UpGuard].Unseal(Up, e, noon); !errors.Is(err, ErrAside) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w[UpGuard].Unseal(Up, firstHop(t, w, Up, aCase()), noon); err != nil {
		t.Errorf("the true one: %v", err)
	}
}

func TestKeysOutOfTheirTime(t *testing.T) {
	w := newWorld(t)
	e := firstHop(t, w, Up, aCase())
	if _, err := w[UpGuard].Unseal(Up, e, noon.Add(24*time.Hour)); err != nil {
		t.Errorf("within the grace: %v", err)
	}
	for _, at := range []time.Time{noon.Add(30 * 24 * time.Hour), noon.Add(-3 * time.Hour)} {
		if _, err := w[UpGuard].Unseal(Up, e, at); !errors.Is(err, ErrAside) {
			t.Errorf("at %v: %v", at, err)
		}
	}
}

// reverdict opens the second hop as only the end can, lets change alter it and seals it again with the guard's ring.
func reverdict(sign2 bool, change func(w world, s *sections, v *Verdict)) forge {
	return func(t *testing.T, w world) Envelope {
		e := secondHop(t, w, Up, firstHop(t, w, Up, aCase()), Verdict{})
		o, s, key, err := w[Intranet].unlock(e, Up, fromGuard, UpGuard, noon)
		if err != nil {
			t.Fatal(err)
		}
		v, err := verifyVerdict(s, o, key)
		if err != nil {
			t.Fatal(err)
		}
		change(w, &s, &v)
		s.verdict = marshal(v)
		if sign2 {
			k, _ := w[UpGuard].current(UpGuard, Sign, noon)
			s.endorsement = sign(k, Up, "verdict", s.verdict)
		}
		n, err := w[UpGuard].lock(s, o, Intranet, noon)
		return envelope(t, n, err)
	}
}

func TestForgedVerdictsAreRefusedAtTheEnd(t *testing.T) {
	w := newWorld(t)
	none := func(world, *sections, *Verdict) {}
	for name, f := range map[string]forge{
		"straight from the origin": func(t *testing.T, w world) Envelope { return firstHop(t, w, Up, aCase()) },
		"sealed by the origin for the end": func(t *testing.T, w world) Envelope {
			r := &Ring{Party: Extranet, keys: append(w[Extranet].keys, w[UpGuard].Keys()...)}
			h := firstHop(t, w, Up, aCase())
			o, s, _, err := w[UpGuard].unlock(h, Up, toGuard, Extranet, noon)
			if err != nil {
				t.Fatal(err)
			}
			o.hop = fromGuard
			n, err := r.lock(s, o, Intranet, noon)
			return envelope(t, n, err)
		},
		"verdict not signed": reverdict(false, func(_ world, _ *sections, v *Verdict) { v.Rules = "mine" }),
		"signed in another role": reverdict(false, func(w world, s *sections, v *Verdict) {
			k, _ := w[UpGuard].current(UpGuard, Sign, noon)
			s.endorsement = sign(k, Up, "origin", marshal(*v))
		}),
		"signed in another lane": reverdict(false, func(w world, s *sections, v *Verdict) {
			k, _ := w[UpGuard].current(UpGuard, Sign, noon)
			s.endorsement = sign(k, Down, "verdict", marshal(*v))
		}),
		"another content": reverdict(true, func(_ world, s *sections, _ *Verdict) { s.content = []byte("{}") }),
		"content changed, unsaid": reverdict(true, func(_ world, s *sections, v *Verdict) {
			s.content = append(s.content[:0:0], s.content...)
			s.content[8] = 'X'
			v.Content = hexDigest(s.content)
		}),
		"another origin header": reverdict(true, func(_ world, s *sections, v *Verdict) {
			s.header = bytes.Replace(s.header, []byte("case"), []byte("part"), 1)
			v.Header = hexDigest(s.header)
		}),
		"origin's signature cut": reverdict(true, func(_ world, s *sections, _ *Verdict) { s.signature = nil }),
		"another origin number":  reverdict(true, func(_ world, _ *sections, v *Verdict) { v.Origin.Seq = 7 }),
		"another number":         reverdict(true, func(_ world, _ *sections, v *Verdict) { v.Seq = 7 }),
		"another previous":       reverdict(true, func(_ world, _ *sections, v *Verdict) { v.Prev = strings.Repeat("1", 64) }),
		"another recipient":      reverdict(true, func(_ world, _ *sections, v *Verdict) { v.Recipient = Extranet }),
		"the other guard":        reverdict(true, func(_ world, _ *sections, v *Verdict) { v.Guard = DownGuard }),
		"the other lane":         reverdict(true, func(_ world, _ *sections, v *Verdict) { v.Lane = Down }),
		"unknown reason":         reverdict(true, func(_ world, s *sections, v *Verdict) { *s = sections{}; v.Refused = 15 }),
		"refused with content":   reverdict(true, func(_ world, _ *sections, v *Verdict) { v.Refused = ReasonText }),
		"passed without content": reverdict(true, func(_ world, s *sections, _ *Verdict) { s.content = nil }),
		"a case changed, called a rebuilt file": reverdict(true, func(_ world, s *sections, v *Verdict) {
			s.content = bytes.Replace(s.content, []byte("Quai 3"), []byte("Quai 4"), 1)
			v.Content, v.Replaced = hexDigest(s.content), []Replaced{{hexDigest(nil), hexDigest(nil), "f"}}
		}),
	} {
		if a, _, err := w[Intranet].Open(Up, f(t, w), noon); !errors.Is(err, ErrAside) {
			t.Errorf("%s: %v, %+v", name, err, a.Head)
		}
	}
	if _, _, err := w[Intranet].Open(Up, reverdict(true, none)(t, w), noon); err != nil {
		t.Errorf("the true one: %v", err)
	}
}
