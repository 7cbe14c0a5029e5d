package dialogue

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"gatehouse/configs/texts"
)

func grammar(t testing.TB) *Grammar {
	t.Helper()
	c, err := texts.Load()
	if err != nil {
		t.Fatal(err)
	}
	return New(c)
}

func TestNumberIsExact(t *testing.T) {
	g := grammar(t)
	for s, want := range map[string]int{
		"3": 3, " 3. ": 3, "#3": 3, "(3)": 3, "3)": 3, "three": 3, "Three!": 3, "trois": 3, "٣": 3, "۳": 3, "３": 3, "三": 3,
		"3️⃣": 3, "ثلاثة": 3, "10": 10, "ten": 10, "0": 0, "👍 2": 2, "12": 12,
		"1x": -1, "1 and 2": -1, "": -1, "1.5": -1, "-": -1, "1234": -1, "one two": -1, "31 Dec": -1, "½": -1,
	} {
		n, ok := g.Number(s)
		if !ok {
			n = -1
		}
		if n != want {
			t.Errorf("%q is %d, want %d", s, n, want)
		}
	}
}

func TestNumbersReadsLists(t *testing.T) {
	g := grammar(t)
	for s, want := range map[string]string{
		"1,3": "[1 3]", "1 and 3": "[1 3]", "1 3": "[1 3]", "1 + 3": "[1 3]", "1 et 3": "[1 3]", "١ و ٣": "[1 3]", "1 و3": "[1 3]",
		"1、3": "[1 3]", "1和3": "[1 3]", "一和三": "[1 3]", "#1, #2, #10": "[1 2 10]", "1 and 7": "[1 7]", "13": "[13]", "two, three": "[2 3]",
		"1 sofa": "[]", "": "[]", "and": "[]", ",": "[]", "和": "[]",
	} {
		n, _ := g.Numbers(s)
		if got := fmt.Sprint(n); got != want {
			t.Errorf("%q is %s, want %s", s, got, want)
		}
	}
}

func TestOptOut(t *testing.T) {
	g := grammar(t)
	for s, want := range map[string]Intent{
		"STOP": Stops, "stop.": Stops, "Stop please": Stops, "STOP ALL": Stops, "stop all messages": Stops, "arrêt": Stops,
		"ARRET": Stops, "arret svp": Stops, "قف": Stops, "قف من فضلك": Stops, "停止": Stops, "退订": Stops, "unsubscribe": Stops,
		"cancel": Stops, "END": Stops, "please stop texting me": MayStop, "take me off your list": MayStop,
		"don't text me again": MayStop, "plus de messages svp": MayStop, "不要再发短信了": MayStop, "لا أريد رسائل": MayStop,
		"stop sign missing": MayStop, "the tram stop at Quay St is broken": Stays, "where is the bus stop": Stays, "": Stays,
		"how do I stop my water contract": Stays, "1": Stays, "Stopford Lane": Stays,
		"停车证多少钱？": Stays, "停水会通知我吗？": Stays, "停止短信": Stops,
	} {
		if got := g.OptOut(s, true); got != want {
			t.Errorf("%q is %d, want %d", s, got, want)
		}
	}
	if g.OptOut("cancel", false) != Stays {
		t.Error("CANCEL is a carrier's word, on SMS alone")
	}
}

func TestDanger(t *testing.T) {
	g := grammar(t)
	for s, want := range map[string]bool{
		"there is a gas leak in my street": true, "FIRE!": true, "fire permit": false, "how much is the fire permit": false,
		"fire in the fire permit office": true, "I want to die": true, "il y a une fuite de gaz": true, "feu rouge en panne": false,
		"حريق في المنزل": true, "فاتورة الغاز": false, "着火了": true, "他受伤了": true, "灭火器在哪里买": false, "gasoline price": false,
		"my gas bill": false, "old sofa": false, "": false, "firefly": false,
	} {
		if got := g.Danger(s); got != want {
			t.Errorf("%q is %v, want %v", s, got, want)
		}
	}
}

func TestCommand(t *testing.T) {
	g := grammar(t)
	for s, want := range map[string]Command{
		"BACK": {Back, ""}, "retour": {Back, ""}, "رجوع": {Back, ""}, "返回": {Back, ""}, "go": {Go, ""}, "GO 1,3": {Go, "1,3"},
		"继续 1,3": {Go, "1,3"}, "?": {Help, ""}, "？": {Help, ""}, "؟": {Help, ""}, "0": {Person, ""}, "٠": {Person, ""}, " 0. ": {Person, ""},
		"status": {Status, ""}, "STATUS pl-7k4m-2xq9-17": {Status, "pl-7k4m-2xq9-17"}, "statut PL-7K4M-2XQ9-17": {Status, "PL-7K4M-2XQ9-17"},
		"EN": {Language, "en"}, "Français": {Language, "fr"}, "العربية": {Language, "ar"}, "中文": {Language, "zh"}, "/help": {Help, ""},
		"more!": {More, ""}, "Send.": {Send, ""}, "person": {Person, ""},
	} {
		if got, ok := g.Command(s); !ok || got != want {
			t.Errorf("%q is %v, want %v", s, got, want)
		}
	}
	for _, s := range []string{"", "go on holiday", "send me a form", "more bins please", "status of my roof", "back door", "10", "english class", "menu for today"} {
		if c, ok := g.Command(s); ok {
			t.Errorf("%q is the command %v", s, c)
		}
	}
}

// TestCommandsAreNotCarriersWords: Twilio and AWS act on these by themselves, so that a dialogue can't use them.
func TestCommandsAreNotCarriersWords(t *testing.T) {
	g := grammar(t)
	for _, w := range []string{"STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT", "REMOVE", "ARRET", "TD", "START", "UNSTOP", "YES"} {
		if c, ok := g.Command(w); ok {
			t.Errorf("%s is the command %v", w, c)
		}
	}
	seen := map[string]string{}
	for _, list := range []string{"stop", "start", "help", "back", "pause", "go", "drop", "send", "more", "menu", "status", "skip", "reopen", "privacy", "language", "person"} {
		for w := range g.exact[list] {
			if other, twice := seen[w]; twice {
				t.Errorf("%q is in %s and in %s", w, list, other)
			}
			seen[w] = list
		}
	}
}

func TestDetect(t *testing.T) {
	g := grammar(t)
	for s, want := range map[string]string{
		"how do i get rid of an old sofa": "en", "comment jeter un vieux canapé": "fr", "كيف أتخلص من أريكة": "ar", "旧沙发怎么处理": "zh",
		"hello": "en", "bonjour": "fr", "您好": "zh", "123": "", "": "", "Zxcv": "", "😀": "", "BOOK 14 Quay St": "", "预约 14 Quay St": "zh", "屋根にシマウマがいます": "", "シマウマ": "", "我爱の店": "zh",
	} {
		if got, _ := g.Detect(s); got != want {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
}

func TestYes(t *testing.T) {
	g := grammar(t)
	for s, want := range map[string]string{"1": "yes", "yes": "yes", "OUI": "yes", "نعم": "yes", "是": "yes", "2": "no", "non": "no", "لا": "no",
		"不": "no", "maybe": "", "3": "", "": ""} {
		got := ""
		if yes, ok := g.Yes(s); ok {
			got = map[bool]string{true: "yes", false: "no"}[yes]
		}
		if got != want {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
}

// TestReadingNeverPanics and never reads one text as two menu numbers.
func TestReadingNeverPanics(t *testing.T) {
	g := grammar(t)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[#(]?[0-9٠-٩０-９]{1,4}[.)]?`)).Draw(t, "said")
		g.Danger(s)
		g.OptOut(s, true)
		g.Command(s)
		g.Numbers(s)
		g.Detect(s)
		g.Yes(s)
		g.Question(s)
		g.Begins("question", s)
		g.Has("danger", s)
		if n, ok := g.Number(s); ok && (n < 0 || n > maxNumber) {
			t.Fatalf("%q is the number %d", s, n)
		}
	})
}

func FuzzRead(f *testing.F) {
	g := grammar(f)
	for _, s := range []string{"STOP", "go 1,3", "3️⃣", "１ و ٣", "\xff\xfe", "着火"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		g.Danger(s)
		g.OptOut(s, true)
		g.Command(s)
		g.Numbers(s)
		g.Number(s)
		g.Detect(s)
	})
}
