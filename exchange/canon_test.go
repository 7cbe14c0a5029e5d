package exchange

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 9, 12, 0, 0, 250e6, time.UTC)

func aCase() Case {
	return Case{
		ID: "01JQ0000000000000000000001", Reference: "PL-0000-0001-95", Service: "WST-BULK", Lang: "fr", Channel: "sms",
		FiledAt: noon, Trust: "carrier", Party: "p-1", Name: "Zoë \"Z\" O'Neil", Text: "un canapé\n\tet \\ plus < > &",
		Answers: []Answer{{"street", "Quai 3"}, {"note", ""}}, Story: []Said{{noon, "person", "bonjour"}}, Files: []FileRef{},
	}
}

func aPart(b []byte, n, of int) Part {
	return Part{File: "f1", Of: "c1", Number: n, Count: of, SHA256: hexSum(b), Bytes: b}
}

func samples() []Document {
	f := FileRef{ID: "f1", Name: "photo 1.png", Type: "image/png", Size: 3, SHA256: strings.Repeat("0a", 32)}
	rel := Released{Policy: "clean", Label: Releasable, By: "u7", At: noon}
	stamps := []Stamp{{ID: "r1", Number: 7, Digest: strings.Repeat("0b", 32)}}
	registered := []Registration{{ID: "r2", Signed: noon, Of: "r1", Digest: strings.Repeat("0b", 32), Number: "D-1", At: noon, Key: "00ff", Signature: strings.Repeat("0c", 64)}}
	return []Document{
		aCase(),
		Addition{ID: "a1", Case: "c1", Act: ActReply, At: noon, Answers: []Answer{}, Files: []FileRef{f}, Receipts: stamps},
		Question{ID: "q1", Lang: "en", Count: 12, From: noon, To: noon, Examples: []string{"where is the pool"}},
		Tally{ID: "t1", About: "b1", At: noon, Counts: []Count{{"delivered", 1 << 40}}},
		Erasure{ID: "e1", Party: "p-1", At: noon},
		Result{ID: "r1", About: "s1", Lines: []Line{{State: "delivered", At: noon}}, At: noon},
		Notice{ID: "n1", Case: "c1", State: Decided, Decision: Granted, Reason: "وافقنا", Document: []FileRef{f}, Release: rel, Registered: registered},
		Broadcast{ID: "b1", List: "alerts flood", Bodies: []Body{{Lang: "en", Text: "rain"}}, Priority: "routine", Release: rel},
		Audience{ID: "u1", Broadcast: "b1", Rows: 3, Files: []FileRef{f}, Release: rel},
		Control{ID: "k1", Broadcast: "b1", Act: "pause", Lengths: []Count{}, Release: rel},
		Send{ID: "s1", Client: "tax", Channel: "sms", To: "+12025550123", Text: "hello", Release: rel},
		Forget{ID: "g1", Party: "p-1", At: noon, Release: rel},
		Publication{ID: "p1", Sort: "answer", Name: "pool", Lang: "zh", Revision: 1<<64 - 1, Body: "泳池", Release: rel},
		aPart([]byte("abc"), 1, 1),
		Ack{Lane: Up, Epoch: 1, Contiguous: 7, Missing: []Range{{9, 9}, {11, 20}}, Refused: []Refusal{{3, ReasonFileKind}}, At: noon},
		Heartbeat{Lane: Down, Epoch: 1, Seq: 3, Head: strings.Repeat("ff", 32), At: noon},
		History{Lane: Up, Epoch: 1, States: []Passed{{"c1", 1, strings.Repeat("00", 32), "settled"}}, At: noon},
	}
}

func TestEveryKindHasASampleAndGoesThere(t *testing.T) {
	s := samples()
	if len(s) != len(table()) {
		t.Fatalf("%d samples for %d kinds", len(s), len(table()))
	}
	for i, e := range table() {
		if s[i].Kind() != e.zero.Kind() {
			t.Errorf("sample %d is a %s, the table says %s", i, s[i].Kind(), e.zero.Kind())
		}
		if !e.up && !e.down {
			t.Errorf("%s goes nowhere", e.zero.Kind())
		}
	}
}

func TestCanonicalFormRoundTrips(t *testing.T) {
	for _, d := range samples() {
		b, err := Encode(d)
		if err != nil {
			t.Errorf("%s: %v", d.Kind(), err)
			continue
		}
		got, err := Decode(d.Kind(), b)
		if err != nil {
			t.Errorf("%s: %v\n%s", d.Kind(), err, b)
			continue
		}
		if again, _ := Encode(got); !bytes.Equal(again, b) {
			t.Errorf("%s: encoded twice, differs:\n%s\n%s", d.Kind(), b, again)
		}
		assertJSON(t, d, b)
	}
}

// assertJSON reads the canonical bytes with the standard library's own reader: the second opinion on ours.
func assertJSON(t *testing.T, d Document, b []byte) {
	t.Helper()
	v := reflect.New(reflect.TypeOf(d))
	// The empty moment is ours alone; the standard library has no word for it.
	std := bytes.ReplaceAll(b, []byte(`_at":""`), []byte(`_at":"0001-01-01T00:00:00Z"`))
	for _, f := range []string{"at", "promise", "expires", "from", "to"} {
		std = bytes.ReplaceAll(std, []byte(`"`+f+`":""`), []byte(`"`+f+`":"0001-01-01T00:00:00Z"`))
	}
	if err := json.Unmarshal(std, v.Interface()); err != nil {
		t.Fatalf("%s is not JSON: %v\n%s", d.Kind(), err, b)
	}
	again, err := Encode(v.Elem().Interface().(Document))
	if err != nil || !bytes.Equal(again, b) {
		t.Errorf("%s: read by encoding/json it says something else (%v):\n%s\n%s", d.Kind(), err, b, again)
	}
}

func TestGolden(t *testing.T) {
	b, err := Encode(aCase())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"id":"01JQ0000000000000000000001","reference":"PL-0000-0001-95","service":"WST-BULK","lang":"fr","channel":"sms",` +
		`"filed_at":"2026-03-09T12:00:00.250Z","promise":"","trust":"carrier","party":"p-1","name":"Zoë \"Z\" O'Neil",` +
		`"text":"un canapé\n\tet \\ plus < > &","answers":[{"field":"street","value":"Quai 3"},{"field":"note","value":""}],` +
		`"story":[{"at":"2026-03-09T12:00:00.250Z","who":"person","text":"bonjour"}],"files":[]}`
	if string(b) != want {
		t.Errorf("got\n%s\nwant\n%s", b, want)
	}
}

func TestNilAndEmptyListsAreOneForm(t *testing.T) {
	c := aCase()
	c.Files = nil
	a, _ := Encode(c)
	c.Files = []FileRef{}
	b, _ := Encode(&c)
	if !bytes.Equal(a, b) {
		t.Errorf("differ:\n%s\n%s", a, b)
	}
}

// TestLateListIsLeftOutWhileEmpty: what was sealed before it came reads as it did, and an empty one is another form.
func TestLateListIsLeftOutWhileEmpty(t *testing.T) {
	c := aCase()
	without, _ := Encode(c)
	c.Receipts = []Stamp{}
	empty, _ := Encode(c)
	if !bytes.Equal(without, empty) || bytes.Contains(without, []byte("receipts")) {
		t.Errorf("an empty one is written: %s", empty)
	}
	written := append(bytes.TrimSuffix(bytes.Clone(without), []byte("}")), `,"receipts":[]}`...)
	if _, err := Decode(KindCase, written); !errors.Is(err, ErrNotCanonical) {
		t.Errorf("an empty one is read: %v", err)
	}
	c.Receipts = make([]Stamp, 21)
	if _, err := Encode(c); err == nil {
		t.Error("it has no bound")
	}
}

func TestDecodeRefusesOtherForms(t *testing.T) {
	good, err := Encode(Erasure{ID: "e1", Party: "p", At: noon})
	if err != nil {
		t.Fatal(err)
	}
	at := `"at":"2026-03-09T12:00:00.250Z"}`
	for name, s := range map[string]string{
		"empty":           "",
		"null":            "null",
		"white space":     `{"id": "e1","party":"p",` + at,
		"after the end":   string(good) + "\n",
		"before":          " " + string(good),
		"other order":     `{"party":"p","id":"e1",` + at,
		"duplicate key":   `{"id":"e1","id":"e1","party":"p",` + at,
		"unknown field":   `{"id":"e1","party":"p","x":1,` + at,
		"missing field":   `{"id":"e1",` + at,
		"key in capitals": `{"ID":"e1","party":"p",` + at,
		"odd escape":      `{"id":"\u00651","party":"p",` + at,
		"escaped slash":   `{"id":"e\/1","party":"p",` + at,
		"number as id":    `{"id":1,"party":"p",` + at,
		"zone":            `{"id":"e1","party":"p","at":"2026-03-09T13:00:00.250+01:00"}`,
		"microseconds":    `{"id":"e1","party":"p","at":"2026-03-09T12:00:00.250000Z"}`,
		"no fraction":     `{"id":"e1","party":"p","at":"2026-03-09T12:00:00Z"}`,
		"comma fraction":  `{"id":"e1","party":"p","at":"2026-03-09T12:00:00,250Z"}`,
		"31 February":     `{"id":"e1","party":"p","at":"2026-02-31T12:00:00.250Z"}`,
		"zero moment":     `{"id":"e1","party":"p","at":"0001-01-01T00:00:00.000Z"}`,
		"far year":        `{"id":"e1","party":"p","at":"9999-03-09T12:00:00.250Z"}`,
		"id with space":   `{"id":"e 1","party":"p",` + at,
		"raw newline":     "{\"id\":\"e\n1\",\"party\":\"p\"," + at,
		"no end":          string(good[:len(good)-1]),
		"array":           "[" + string(good) + "]",
	} {
		if d, err := Decode(KindErasure, []byte(s)); err == nil {
			t.Errorf("%s: read as %+v", name, d)
		}
	}
	if _, err := Decode(KindErasure, good); err != nil {
		t.Errorf("the good one: %v", err)
	}
	for i := range good {
		if _, err := Decode(KindErasure, good[:i]); err == nil {
			t.Errorf("cut at %d: read", i)
		}
	}
}

func TestTextRules(t *testing.T) {
	for name, s := range map[string]string{
		"NFD": "e\u0301", "bell": "a\a", "CR": "a\r\nb", "RTL override": "a\u202Eb", "isolate": "\u2066a", "LRM": "\u200Ea",
		"ALM": "\u061Ca", "zero width space": "a\u200Bb", "joiner": "a\u200Db", "BOM": "\uFEFFa", "soft hyphen": "a\u00ADb",
		"line separator": "a\u2028b", "tag": "a\U000E0041", "private": "\uE000", "noncharacter": "\uFFFE", "C1": "\u0085",
		"not UTF-8": "a\xffb", "DEL": "a\x7f",
	} {
		if Normal(s) {
			t.Errorf("%s passes", name)
		}
		c := aCase()
		c.Text = s
		var f *FieldError
		if _, err := Encode(c); !errors.As(err, &f) || f.Field != "text" || f.Reason != ReasonText {
			t.Errorf("%s: %v", name, err)
		}
		if n := Normalize(s); !Normal(n) {
			t.Errorf("%s: normalised to %q, still not normal", name, n)
		}
	}
	for in, want := range map[string]string{
		"a\r\nb\rc\u2028d": "a\nb\nc\nd", "e\u0301": "é", "\ta\u200B\n": "\ta\n", "مرحبا\u200F": "مرحبا", "日本 🏳️": "日本 🏳️",
	} {
		if got := Normalize(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := NormalizeLine(" a\r\nb\t"); got != "a b" {
		t.Errorf("line: %q", got)
	}
}

func TestCheckFindsFaults(t *testing.T) {
	big := strings.Repeat("x", 200_000)
	for name, d := range map[string]Document{
		"no id":                Case{Service: "ask"},
		"id with newline":      Erasure{ID: "a\nb", Party: "p"},
		"long text":            Case{ID: "c", Service: "ask", Text: big},
		"bad sha":              Case{ID: "c", Service: "ask", Files: []FileRef{{ID: "f", Name: "n", Type: "t", Size: 1, SHA256: "AB"}}},
		"file twice":           Case{ID: "c", Service: "ask", Files: []FileRef{aRef("f"), aRef("f")}},
		"empty file":           Case{ID: "c", Service: "ask", Files: []FileRef{{ID: "f", Name: "n", Type: "t", SHA256: strings.Repeat("0", 64)}}},
		"state of the gateway": Notice{ID: "n", Case: "c", State: Queued},
		"decision, no reason":  Notice{ID: "n", Case: "c", Decision: Refused},
		"two documents":        Notice{ID: "n", Case: "c", Document: []FileRef{aRef("f"), aRef("g")}},
		"no bodies":            Broadcast{ID: "b", List: "l", Priority: "routine"},
		"part number":          aPart([]byte("a"), 2, 1),
		"part cut short":       aPart([]byte("a"), 1, 2),
		"part digest":          Part{File: "f", Of: "c", Number: 1, Count: 1, SHA256: strings.Repeat("0", 64), Bytes: []byte("a")},
		"range below":          Ack{Lane: Up, Contiguous: 5, Missing: []Range{{5, 6}}},
		"range backwards":      Ack{Lane: Up, Missing: []Range{{5, 4}}},
		"ranges overlap":       Ack{Lane: Up, Missing: []Range{{1, 4}, {4, 5}}},
		"refused twice":        Ack{Lane: Up, Refused: []Refusal{{1, ReasonText}, {1, ReasonText}}},
		"unknown reason":       Ack{Lane: Up, Refused: []Refusal{{1, 15}}},
		"negative":             Tally{ID: "t", About: "b", Counts: []Count{{"n", -1}}},
		"unknown lane":         Heartbeat{Lane: "sideways"},
		"too many":             Ack{Lane: Up, Refused: make([]Refusal, MaxRefused+1)},
	} {
		if _, err := Encode(d); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

func aRef(id string) FileRef {
	return FileRef{ID: id, Name: "n.txt", Type: "text/plain", Size: 1, SHA256: strings.Repeat("0", 64)}
}

// smuggled is a type of the outside that embeds one of ours to get its unexported method.
type smuggled struct {
	Case
	Extra string
}

func TestOnlyTheListCanBeEncoded(t *testing.T) {
	for _, d := range []Document{smuggled{Case: aCase()}, &smuggled{Case: aCase()}, nil, (*Case)(nil)} {
		if b, err := Encode(d); err == nil {
			t.Errorf("%T was encoded: %s", d, b)
		}
	}
	if _, err := Decode("letter", []byte("{}")); err == nil {
		t.Error("an unknown kind was decoded")
	}
}

// TestGrammarIsClosed holds the types against the promises: a rule at each string, a bound at each list, depth three.
func TestGrammarIsClosed(t *testing.T) {
	for _, e := range table() {
		walkGrammar(t, reflect.TypeOf(e.zero), string(e.zero.Kind()), 1)
	}
}

func walkGrammar(t *testing.T, typ reflect.Type, at string, depth int) {
	t.Helper()
	if depth > 3 {
		t.Errorf("%s: deeper than three", at)
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		r, name := ruleOf(f), at+"."+wireName(f)
		ft := f.Type
		switch {
		case wireName(f) == "" || strings.Contains(wireName(f), ","):
			t.Errorf("%s: no plain json name", at+"."+f.Name)
		case ft == reflect.TypeFor[time.Time](), ft.Kind() == reflect.Bool, ft.Kind() == reflect.Int, ft.Kind() == reflect.Int64,
			ft.Kind() == reflect.Uint8, ft.Kind() == reflect.Uint32, ft.Kind() == reflect.Uint64:
		case ft.Kind() == reflect.Struct:
			walkGrammar(t, ft, name, depth+1)
		case ft == reflect.TypeFor[[]byte](), ft.Kind() == reflect.String:
			if r.name == "" || r.max == 0 {
				t.Errorf("%s: no rule or no bound", name)
			}
		case ft.Kind() == reflect.Slice:
			if r.elements == 0 {
				t.Errorf("%s: no bound on its elements", name)
			}
			if ft.Elem().Kind() == reflect.Struct {
				walkGrammar(t, ft.Elem(), name, depth+2)
			}
		default:
			t.Errorf("%s: %s has no canonical form", name, ft)
		}
	}
}

func TestLanes(t *testing.T) {
	for k, want := range map[Kind][2]bool{KindCase: {true, false}, KindNotice: {false, true}, KindPart: {true, true}, "x": {}} {
		if got := [2]bool{Crosses(k, Up), Crosses(k, Down)}; got != want {
			t.Errorf("%s: got %v, want %v", k, got, want)
		}
	}
	if len(Kinds(Up)) != 10 || len(Kinds(Down)) != 11 {
		t.Errorf("up %v, down %v", Kinds(Up), Kinds(Down))
	}
}

func FuzzDecode(f *testing.F) {
	for i, d := range samples() {
		b, _ := Encode(d)
		f.Add(i, b)
	}
	f.Fuzz(func(t *testing.T, i int, b []byte) {
		all := table()
		k := all[uint(i)%uint(len(all))].zero.Kind()
		d, err := Decode(k, b)
		if err != nil {
			return
		}
		again, err := Encode(d)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s: encode(decode(x)) is not x (%v):\n%q\n%q", k, err, b, again)
		}
		if !json.Valid(b) {
			t.Errorf("not JSON: %q", b)
		}
	})
}

func FuzzNormalize(f *testing.F) {
	f.Add("a\r\n\u202E\u200B e\u0301")
	f.Fuzz(func(t *testing.T, s string) {
		n := Normalize(s)
		if !Normal(n) || Normalize(n) != n {
			t.Errorf("%q became %q, which is not normal", s, n)
		}
	})
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
