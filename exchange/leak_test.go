package exchange

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gatehouse/configs/secret"
)

const canaryKey = "a key of the test, long enough"

func someLeaks(t testing.TB) *Leaks {
	t.Helper()
	digest, err := Canary(canaryKey, "Zorblatt-Quillfeather 77")
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLeaks(LeakConfig{Words: []string{"Operation Heron", "苍鹭行动"}, Ours: []string{"DE89 3704 0044 0532 0130 00"},
		Canaries: []string{digest}, CanaryKey: secret.New(canaryKey)})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestLeaksFindAndSpare is the table of what each rule finds, in the ways people write it, and what comes near.
func TestLeaksFindAndSpare(t *testing.T) {
	for rule, c := range map[string]struct{ hits, misses []string }{
		"mark": {
			[]string{"SECRET", "This is TOP SECRET.", "UK OFFICIAL-SENSITIVE: do not", "OFFICIAL SENSITIVE", "S E C R E T", "T.O.P-S.E.C.R.E.T", "TOP\nSECRET",
				"ＳＥＣＲＥＴ", "ЅЕСRЕТ", "TRES SECRET", "TRÈS SECRET", "note (CONFIDENTIEL)", "vs-nfd", "VS - NFD", "وثيقة سري للغاية", "سِرّي للغاية",
				"机密★10年", "文件为绝密★", "秘密★３年", "属于内部资料，请勿", "NATO//SECRET", "𝗦𝗘𝗖𝗥𝗘𝗧"},
			[]string{"It is no secret that we are late.", "Secret gardens open on Sunday.", "SECRETARY", "SECRETS", "Top secretary", "CONFIDENTIALITY", "le secret médical",
				"هذا ليس سرا", "سري", "这不是秘密", "保密", "商业秘密", "机密", "TOPSECRETARIAT", "un hôtel réservé", "VS NFDA", "KNOWN FORWARD"},
		},
		"word": {
			[]string{"about operation heron", "OPERATION-HERON", "Ｏｐｅｒａｔｉｏｎ Heron", "关于苍鹭行动的"},
			[]string{"the heron operation", "operation herons", "苍鹭的行动"},
		},
		"canary": {
			[]string{"Zorblatt-Quillfeather 77", "write to zorblattquillfeather", "xxzorblatt quillf", "Ｚｏｒｂｌａｔｔ／Ｑｕｉｌｌfeather", "Z.o.r.b.l.a.t.t.Q.u.i.l.l"},
			[]string{"Zorblatt", "Quillfeather 77", "Zorblett-Quillfeather"},
		},
		"card": {
			[]string{"4111111111111111", "card 4111 1111 1111 1111.", "4111-1111-1111-1111", "5500005555555559", "3782 822463 10005", "6011111111111117",
				"3530111333300000", "30569309025904", "3056 930902 5904", "６２００ ００００ ００００ ０００５", "٤١١١ ١١١١ ١١١١ ١١١١", "卡号4111111111111111请", "الرقم٤١١١١١١١١١١١١١١١",
				"4.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1", "41/11/11/11/11/11/11/11", "4111·1111 1111–1111"},
			[]string{"4111111111111112", "0000 0000 0000 0000", "4111111111111111x", "x4111111111111111", "41111111111111110", "+44 7700 900123", "1234567812345670",
				"2026-11-27 10:15:00", "4111 1111, 1111 1111", "4111 1111\n1111 1111", "411 11 1111 1111 111", "9f4111111111111111ab", "PL-4111-1111-11", "4000 5000 6000", "4,111,111,111,111,111"},
		},
		"iban": {
			[]string{"GB82WEST12345698765432", "gb82 west 1234 5698 7654 32", "FR14 2004 1010 0505 0001 3M02 606", "NO9386011117947", "IBAN:GB82-WEST-1234-5698-7654-32", "ＧＢ82WEST12345698765432"},
			[]string{"GB83WEST12345698765432", "XX82WEST12345698765432", "GB82WEST1234569876543", "GB82WEST123456987654321", "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB82"},
		},
		"cn-id": {
			[]string{"11010519491231002X", "110105 19491231 002X", "身份证11010519491231002x号", "110105-1949-1231-002X"},
			[]string{"110105194912310021", "11010519491331002X", "11010519490231002X", "A11010519491231002X", "11010519491231002X9", "910105194912310020"},
		},
		"fr-nir": {
			[]string{"255081416802538", "2 55 08 14 168 025 38", "2550814168025 38", "n° 2-55-08-14-168-025-38"},
			[]string{"255081416802539", "955081416802538", "255131416802538", "255 081 416 802 538 1", "2 550 814 168 025 38"},
		},
		"uk-nino": {
			[]string{"AB123456C", "AB 12 34 56 C", "my number: JG-10-37-59-A"},
			[]string{"at 12 30 45 a", "QQ123456C", "BG123456A", "AO123456C", "AB123456E", "AB12345C", "ab123456c", "AB1234567C", "XAB123456C"},
		},
		"company": {
			[]string{"12-345678-C", "12345678C", "company 12 345678 c"},
			[]string{"12-345678-D", "1-2345678-C", "12-345678", "112-345678-C", "12-345678-CD"},
		},
	} {
		l := someLeaks(t)
		for _, s := range c.hits {
			s = Normalize(s)
			got := l.Find(s, Own{})
			if !slices.ContainsFunc(got, func(k Leak) bool { return k.Rule == rule }) {
				t.Errorf("%s: not found in %q: %v", rule, s, got)
			}
		}
		for _, s := range c.misses {
			if got := l.Find(Normalize(s), Own{}); len(got) > 0 {
				t.Errorf("%s: found %v in %q", rule, got, s)
			}
		}
	}
}

func TestLeaksKnowWhatIsOnesOwn(t *testing.T) {
	l := someLeaks(t)
	own := OwnOf("my card is 4111-1111-1111-1111", "GB82 WEST 1234 5698 7654 32 SECRET")
	for s, want := range map[string]int{
		"your card 4111111111111111": 0, "your account gb82west12345698765432": 0, "card 5500 0055 5555 5559": 1, "SECRET": 1,
	} {
		if got := l.Find(s, own); len(got) != want {
			t.Errorf("%q: %v, want %d", s, got, want)
		}
	}
}

func TestLeaksPointAtTheirPlace(t *testing.T) {
	l := someLeaks(t)
	n := Notice{ID: "n", Case: "c", Reason: "Voilà: 4111 1111 1111 1111, et GB82WEST12345698765432.", Text: "tout va bien", At: time.Now()}
	var got []string
	for _, k := range l.In(n, Own{}) {
		got = append(got, k.Rule+" in "+k.Field+": "+n.Reason[k.From:k.To])
	}
	want := []string{"card in reason: 4111 1111 1111 1111", "iban in reason: GB82WEST12345698765432"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	b := Broadcast{ID: "b", List: "l", Bodies: []Body{{Lang: "en", Text: "x"}, {Lang: "zh", Subject: "机密★", Text: "y"}}, Release: Released{By: "SECRET"}}
	if got := l.Stopping(b); len(got) != 1 || got[0].Field != "bodies[1].subject" || !got[0].Stops() {
		t.Errorf("broadcast: %v", got)
	}
	if got := l.Stopping(n); len(got) != 0 {
		t.Errorf("a card stops for good: %v", got)
	}
	if got := l.Find("a TOP SECRET paper", Own{}); len(got) != 1 || got[0].From != 2 || got[0].To != 12 {
		t.Errorf("a mark within a mark is told twice: %v", got)
	}
	if got := l.In(Notice{ID: "n", Case: "c", Text: strings.Repeat("SECRET ", 500)}, Own{}); len(got) != MaxLeaks {
		t.Errorf("%d found", len(got))
	}
}

func TestLeakConfigNamesItsFaults(t *testing.T) {
	if err := (LeakConfig{}).Validate(); err != nil {
		t.Error(err)
	}
	wrong := LeakConfig{Marks: []string{"X"}, Words: []string{"--"}, Off: []string{"cards"}, Canaries: []string{"zz"}, CanaryKey: secret.New("short"),
		Shapes: []Shape{{Name: "card", Pattern: "##-######", Check: "luhn"}, {Name: "a", Pattern: "##", Check: "luhn"}, {Name: "b", Pattern: "######", Check: "sum"}}}
	err := wrong.Validate()
	for _, want := range []string{"marks.0: ", "words.0: ", "off.0: ", "canaries.0: ", "canary_key: ", "shapes.0: name", "shapes.1: pattern", "shapes.2: check"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if _, err := NewLeaks(wrong); err == nil {
		t.Error("compiled")
	}
	if _, err := Canary(canaryKey, "too short"); err == nil {
		t.Error("a canary that can be guessed is taken")
	}
	other, err := Canary("another key of the test", "Zorblatt-Quillfeather 77")
	if mine, _ := Canary(canaryKey, "ZORBLATT quillfeather"); err != nil || mine == other || len(mine) != 32 {
		t.Errorf("digests %s and %s, %v", mine, other, err)
	}
	off, err := NewLeaks(LeakConfig{Off: []string{"card", "company"}, Marks: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	if got := off.Find("4111111111111111 12-345678-C SECRET", Own{}); len(got) != 0 {
		t.Errorf("off, and found %v", got)
	}
}

// FuzzLeaks: whatever comes, places lie within the text at letters' ends, the recipient's own numbers are theirs, and
// a number set off by line breaks is found wherever it stands.
func FuzzLeaks(f *testing.F) {
	for _, s := range []string{"", "TOP SECRET 4111 1111 1111 1111", "GB82 WEST 1234 5698 7654 32", "2 55 08 14 168 025 38", "机密★ 身份证11010519491231002X", "AB 12 34 56 C é٤"} {
		f.Add(s)
	}
	l := someLeaks(f)
	f.Fuzz(func(t *testing.T, s string) {
		s = Normalize(s)
		for _, k := range l.Find(s, Own{}) {
			if k.From < 0 || k.From >= k.To || k.To > len(s) || !utf8.ValidString(s[k.From:k.To]) {
				t.Fatalf("%+v in %q", k, s)
			}
		}
		for _, k := range l.Find(s, OwnOf(s)) {
			if !k.Stops() && k.Rule != LeakWord {
				t.Fatalf("%+v is the text's own: %q", k, s)
			}
		}
		planted := s + "\n\n\n\n4111111111111111\n\n\n\n"
		if got := l.Find(planted, Own{}); len(got) < MaxLeaks && !slices.ContainsFunc(got, func(k Leak) bool { return k.Rule == "card" && k.To == len(planted)-4 }) {
			t.Fatalf("not found behind %q: %v", s, got)
		}
	})
}

func BenchmarkLeaks(b *testing.B) {
	l, s := someLeaks(b), strings.Repeat("Votre demande du 12 novembre 2026 (réf. PL-4111-1111-11) est acceptée. ", 280)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		l.Find(s, Own{})
	}
}
