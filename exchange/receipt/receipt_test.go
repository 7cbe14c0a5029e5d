package receipt

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// Two keys that protect nothing: the golden receipt is signed with the first.
var noon = time.Date(2026, 11, 23, 10, 14, 7, 0, time.UTC)

func testKey(n byte, by By, from, until time.Time) (Key, Signer) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
	k := Key{By: by, From: from, ID: strings.Repeat(hex.EncodeToString([]byte{n}), 8), Public: hex.EncodeToString(private.Public().(ed25519.PublicKey)), Until: until}
	return k, func(time.Time) (string, func([]byte) []byte, error) {
		return k.ID, func(m []byte) []byte { return ed25519.Sign(private, m) }, nil
	}
}

func year(n byte, by By) (Key, Signer) {
	return testKey(n, by, noon.Add(-time.Hour), noon.Add(365*24*time.Hour))
}

func example() Receipt {
	return Receipt{
		Schema: Schema, Kind: Received, ID: "01K9ZJ5R8QX7M3T2W4Y6B8D0FG", Issuer: "portlumen.example", Number: 1, At: noon, Case: "PL-9DTE-4HB6-32",
		Service: "DEC-GOODS", Period: "2026-W47", Party: "12-345678-C", Filed: noon, FiledLocal: noon.In(time.FixedZone("", -3600)),
		Files: []File{{Name: `goods "wk 47" <é>.xlsx`, SHA256: strings.Repeat("0f", 32), Size: 10240}},
		Rows:  Rows{In: 20, Filed: 18, Open: 2, FiledRows: Ranges(1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20), OpenRows: Ranges(7, 15)},
	}
}

func signed(t *testing.T, r Receipt, s Signer) []byte {
	t.Helper()
	b, err := Sign(r, s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestGoldenReceipt: what was given out verifies for ever; its bytes are final.
func TestGoldenReceipt(t *testing.T) {
	k, s := year(7, ByGateway)
	want, err := os.ReadFile("testdata/receipt.json")
	if err != nil {
		t.Fatal(err)
	}
	if got := signed(t, example(), s); !bytes.Equal(got, want) {
		t.Errorf("signed\n%s\nwant\n%s", got, want)
	}
	r, by, err := Keys{Issuer: "portlumen.example", Keys: []Key{k}}.Verify(want)
	if err != nil || by.ID != k.ID || r.Rows.Open != 2 {
		t.Errorf("%v, %+v", err, r)
	}
}

// TestCanonicalFormIsThatOfTheRFC: members in the order of their names, at every depth (RFC 8785 §3.2.3), so that any
// library of that standard gives the signed bytes.
func TestCanonicalFormIsThatOfTheRFC(t *testing.T) {
	_, s := year(7, ByGateway)
	full := example()
	full.Supersedes, full.Reason, full.Kind = "OTHER", "virus", Refused
	full.Of, full.Rows.Officer, full.Rows.OfficerRows = &Of{ID: "X", Digest: strings.Repeat("0", 64)}, 1, Ranges(6)
	registered := example()
	registered.Kind, registered.Number, registered.Register = Registered, 0, &Register{At: noon, Number: "R-1"}
	for _, r := range []Receipt{example(), full, registered} {
		b := signed(t, r, s)
		var members map[string]any
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if err := d.Decode(&members); err != nil {
			t.Fatal(err)
		}
		var sorted bytes.Buffer // maps are written in the order of their keys
		e := json.NewEncoder(&sorted)
		e.SetEscapeHTML(false)
		if err := e.Encode(members); err != nil {
			t.Fatal(err)
		}
		if got := bytes.TrimSpace(sorted.Bytes()); !bytes.Equal(got, b) {
			t.Errorf("%s\nis not in order:\n%s", b, got)
		}
		delete(members, "signature")
		sorted.Reset()
		if err := e.Encode(members); err != nil {
			t.Fatal(err)
		}
		given, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := given.message(); err != nil || !bytes.Equal(bytes.TrimSpace(sorted.Bytes()), m) {
			t.Errorf("signed is %s, %v", m, err)
		}
	}
}

// TestEveryByteCounts changes, drops and doubles each byte of a receipt.
func TestEveryByteCounts(t *testing.T) {
	k, s := year(7, ByGateway)
	b := signed(t, example(), s)
	keys := Keys{Keys: []Key{k}}
	for i := range b {
		for name, bad := range map[string][]byte{
			"a bit": flipped(b, i, 1), "another bit": flipped(b, i, 0x20), "without": append(bytes.Clone(b[:i]), b[i+1:]...),
			"twice": append(append(bytes.Clone(b[:i+1]), b[i]), b[i+1:]...), "cut": b[:i],
		} {
			if bytes.Equal(bad, b) {
				continue
			}
			if _, _, err := keys.Verify(bad); err == nil {
				t.Fatalf("byte %d, %s: it verifies:\n%s", i, name, bad)
			}
		}
	}
	for _, tail := range []string{" ", "\n", "{}", "\x00"} {
		if _, _, err := keys.Verify(append(bytes.Clone(b), tail...)); !errors.Is(err, ErrForm) {
			t.Errorf("with %q behind: %v", tail, err)
		}
	}
}

func flipped(b []byte, i int, bit byte) []byte {
	c := bytes.Clone(b)
	c[i] ^= bit
	return c
}

func TestKeysAndTheirTimes(t *testing.T) {
	old, oldSigner := testKey(1, ByGateway, noon.Add(-48*time.Hour), noon.Add(-time.Hour))
	now, signer := testKey(2, ByGateway, noon.Add(-2*time.Hour), noon.Add(time.Hour))
	office, inside := testKey(3, ByOffice, noon.Add(-2*time.Hour), noon.Add(time.Hour))
	_, strange := testKey(4, ByGateway, noon, noon)
	keys := Keys{Issuer: "portlumen.example", Keys: []Key{old, now, office}}
	at := func(by time.Duration) Receipt {
		r := example()
		r.At, r.Filed, r.FiledLocal = noon.Add(by), noon.Add(by), noon.Add(by)
		return r
	}
	registered := at(0)
	registered.Kind, registered.Number, registered.Register = Registered, 0, &Register{At: noon, Number: "R-1"}
	elsewhere := at(0)
	elsewhere.Issuer = "other.example"
	revoked, when := now, noon
	revoked.Revoked = &when
	for name, c := range map[string]struct {
		r    Receipt
		s    Signer
		keys Keys
		want error
	}{
		"in use":                       {at(0), signer, keys, nil},
		"rotated away, in its time":    {at(-3 * time.Hour), oldSigner, keys, nil},
		"rotated away, after its time": {at(-time.Hour), oldSigner, keys, ErrTime},
		"before its time":              {at(-2*time.Hour - time.Second), signer, keys, ErrTime},
		"first second":                 {at(-2 * time.Hour), signer, keys, nil},
		"last second":                  {at(time.Hour - time.Second), signer, keys, nil},
		"after its time":               {at(time.Hour), signer, keys, ErrTime},
		"nobody's key":                 {at(0), strange, keys, ErrKey},
		"registered by the inside":     {registered, inside, keys, nil},
		"registered by the gateway":    {registered, signer, keys, ErrKey},
		"received by the inside":       {at(0), inside, keys, ErrKey},
		"another city's":               {elsewhere, signer, keys, ErrIssuer},
		"revoked before":               {at(0), signer, Keys{Keys: []Key{revoked}}, ErrTime},
		"revoked after":                {at(-time.Second), signer, Keys{Keys: []Key{revoked}}, nil},
	} {
		if _, _, err := c.keys.Verify(signed(t, c.r, c.s)); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	again, _ := json.Marshal(keys)
	if k, err := ParseKeys(again); err != nil || len(k.Keys) != 3 {
		t.Errorf("published keys: %v", err)
	}
	for _, bad := range []string{``, `[]x`, `{"keys":[{"id":"1","by":"gateway","key":"00"}]}`, strings.Repeat(" ", maxKeysSize+1)} {
		if _, err := ParseKeys([]byte(bad)); err == nil {
			t.Errorf("keys %.40q are taken", bad)
		}
	}
}

func TestWhatAReceiptCantState(t *testing.T) {
	_, s := year(7, ByGateway)
	for name, change := range map[string]func(*Receipt){
		"no id": func(r *Receipt) { r.ID = "" }, "no issuer": func(r *Receipt) { r.Issuer = "" }, "another schema": func(r *Receipt) { r.Schema = "x" },
		"a line break": func(r *Receipt) { r.Case = "a\nb" }, "a mark of direction": func(r *Receipt) { r.Files[0].Name = "a\u202eb" },
		"too long": func(r *Receipt) { r.Period = strings.Repeat("x", 200) }, "no bytes of UTF-8": func(r *Receipt) { r.Party = "\xff" },
		"a part of a second": func(r *Receipt) { r.At = r.At.Add(time.Millisecond) }, "two moments": func(r *Receipt) { r.FiledLocal = r.FiledLocal.Add(time.Second) },
		"filed later":  func(r *Receipt) { r.Filed, r.FiledLocal = noon.Add(time.Hour), noon.Add(time.Hour) },
		"local as UTC": func(r *Receipt) { r.Filed = r.FiledLocal }, "no number": func(r *Receipt) { r.Number = 0 },
		"a first with one before": func(r *Receipt) { r.Previous = strings.Repeat("0", 64) }, "a second without": func(r *Receipt) { r.Number = 2 },
		"no kind": func(r *Receipt) { r.Kind = "" }, "a reason": func(r *Receipt) { r.Reason = "x" }, "a register": func(r *Receipt) { r.Register = &Register{} },
		"a refusal without a reason": func(r *Receipt) { r.Kind = Refused }, "itself": func(r *Receipt) { r.Supersedes = r.ID },
		"more rows than are in": func(r *Receipt) { r.Rows.Filed = 19 }, "rows below none": func(r *Receipt) { r.Rows.Officer = -1 },
		"rows out of order": func(r *Receipt) { r.Rows.OpenRows = []Range{{15, 15}, {7, 7}} }, "a list of another count": func(r *Receipt) { r.Rows.OpenRows = Ranges(7) },
		"a file without digest": func(r *Receipt) { r.Files[0].SHA256 = "" }, "too many files": func(r *Receipt) { r.Files = make([]File, MaxFiles+1) },
		"a negative size": func(r *Receipt) { r.Files[0].Size = -1 }, "of nothing": func(r *Receipt) { r.Of = &Of{} },
	} {
		r := example()
		change(&r)
		if _, err := Sign(r, s); !errors.Is(err, ErrContent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := PlainName("a\u202e\x00" + strings.Repeat("é", 200)); !plain(got, maxName) || !strings.HasPrefix(got, "a__é") || PlainName("") != "_" {
		t.Errorf("a plain name is %q", got)
	}
}

// TestSoundRows: what can't be stated is left out, and the rest stands.
func TestSoundRows(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{`{"in":3,"filed":2,"filed_rows":[[1,2]],"open":1,"open_rows":[[3,3]]}`, `{"filed":2,"filed_rows":[[1,2]],"in":3,"officer":0,"open":1,"open_rows":[[3,3]]}`},
		{`{"in":3,"filed":2,"filed_rows":[[2,2],[2,2]],"open":1}`, `{"filed":2,"in":3,"officer":0,"open":1}`},
		{`{"in":1,"filed":2,"open":1}`, `{"filed":2,"in":3,"officer":0,"open":1}`},
		{`{"in":3,"filed":2,"officer":3}`, `{"filed":0,"in":3,"officer":0,"open":0}`},
		{`{"in":-3,"filed":-2}`, `{"filed":0,"in":0,"officer":0,"open":0}`},
	} {
		var r Rows
		if err := json.Unmarshal([]byte(c.given), &r); err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(r.Sound()); string(got) != c.want || r.Sound().check() != nil {
			t.Errorf("%s becomes %s, want %s", c.given, got, c.want)
		}
	}
	if got := PlainLine("2026\x00W47\u202e" + strings.Repeat("x", 200)); !plain(got, maxLine) || !strings.HasPrefix(got, "2026_W47_x") || PlainLine("") != "" {
		t.Errorf("a plain line is %q", got)
	}
}

func TestChain(t *testing.T) {
	k, s := year(7, ByGateway)
	keys := Keys{Keys: []Key{k}}
	var all [][]byte
	var head Head
	for range 5 {
		r := example()
		r.Number, r.Previous = head.Number+1, head.Digest
		b := signed(t, r, s)
		all, head = append(all, b), Head{r.Number, Digest(b)}
	}
	if h, err := VerifyChain(all, keys); err != nil || h != head {
		t.Errorf("%v, %v", h, err)
	}
	for name, bad := range map[string][][]byte{
		"one taken out": {all[0], all[2]}, "the first gone": all[1:], "two swapped": {all[0], all[2], all[1]}, "one twice": {all[0], all[0]},
	} {
		if _, err := VerifyChain(bad, keys); !errors.Is(err, ErrChain) {
			t.Errorf("%s: %v", name, err)
		}
	}
	back := example() // the third, dated back and signed anew
	back.Number, back.Previous, back.At = 3, Digest(all[1]), noon.Add(-time.Minute)
	back.Filed, back.FiledLocal = back.At, back.At
	if _, err := VerifyChain([][]byte{all[0], all[1], signed(t, back, s), all[3], all[4]}, keys); !errors.Is(err, ErrChain) {
		t.Errorf("one dated back: %v", err)
	}
	for _, c := range []struct {
		old, new Head
		want     bool
	}{{Head{}, Head{}, true}, {Head{}, head, true}, {head, head, true}, {head, Head{}, false}, {head, Head{4, "x"}, false}, {head, Head{5, "x"}, false}, {head, Head{6, "x"}, true}, {head, Head{6, ""}, false}} {
		if c.new.Extends(c.old) != c.want {
			t.Errorf("%v after %v: %v", c.new, c.old, !c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	_, s := year(7, ByGateway)
	b, _ := Sign(example(), s)
	f.Add(b)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(b)
		if err != nil {
			return
		}
		if again, err := r.canonical(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q is taken, and written %q", b, again)
		}
	})
}
