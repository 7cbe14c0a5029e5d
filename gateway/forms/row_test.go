package forms

import (
	"slices"
	"strings"
	"testing"

	"gatehouse/exchange/service"
)

// TestRowsAreAskedOneCellAfterAnother walks through a row with an error in it, BACK, a whole row in one text, a package
// that is there twice, and taking a row away.
func TestRowsAreAskedOneCellAfterAnother(t *testing.T) {
	c := clerk(t)
	s := c.mustService(t, "DEC-GOODS")
	sc := Scene{Lang: "en", Channel: "web", Now: monday}
	d := c.Begin(s, "", sc)
	for _, x := range []struct{ say, want string }{
		{"12-345678-C", "Goods 2/3. Which week?"},
		{"2026-W47", "Goods 3/3. Goods, row 1. HS code, 6, 8 or 10 figures?"},
		{"0901", "6, 8 or 10 figures, e.g. 090121"},
		{"0901.21", "Goods 3/3. Goods, row 1. Country of origin, two letters?"},
		{"Brazil", "Two letters, e.g. BR"},
		{"br", "Goods 3/3. Goods, row 1. Net weight in kg?"},
		{"13,5", "Goods 3/3. Goods, row 1. Gross weight in kg?"},
		{"13", "Gross is less than net."},
		{"14", "Goods 3/3. Goods, row 1. Value?"},
		{"150", "Goods 3/3. Goods, row 1. Currency, three letters?"},
		{"eur", "Goods 3/3. Goods, row 1. Number of the package?"},
		{"pk-1", "Goods 3/3. 1 row is kept."},
		{"7", "1 row is kept."},
		{"090121; BR; 1; 2; 10; EUR; PK1", "A package number is there twice."},
		{"090121; BR; 1; 2; 10; EURO; PK2", "Currency: Three letters, e.g. EUR"},
		{"090121; BR; 1; 2; 10; EUR; PK2", "Goods 3/3. 2 rows are kept."},
		{"1", "Goods 3/3. Goods, row 3. HS code"},
	} {
		if got := play(t, c, &d, s, sc, x.say); !strings.HasPrefix(got, x.want) {
			t.Fatalf("%q is answered\n  %s\nnot\n  %s", x.say, got, x.want)
		}
	}
	if c.Back(s, &d); !strings.Contains(c.Ask(s, &d, sc).Text, "2 rows are kept") {
		t.Errorf("BACK out of an empty row asks %s", c.Ask(s, &d, sc).Text)
	}
	if got := play(t, c, &d, s, sc, "3", "2"); !strings.Contains(got, "3 Goods: 090121, BR, 13.5, 14, 150.00, EUR, PK1") {
		t.Errorf("summary: %s", got)
	}
	if why, ok := c.Finish(s, &d, sc); !ok || !slices.Equal(d.Answers["goods"], []string{"hs=090121; country=BR; net=13.5; gross=14; value=150.00; currency=EUR; package=PK1"}) {
		t.Errorf("%s %v", why, d.Answers)
	}
}

func TestOptionalCellMayBeSkipped(t *testing.T) {
	c := clerk(t)
	s := c.mustService(t, "DEC-WASTE")
	sc := Scene{Lang: "en", Channel: "web", Now: monday}
	d := c.Begin(s, "", sc)
	play(t, c, &d, s, sc, "12-345678-C", "12-345678-C", "200121*", "40")
	if got := c.Ask(s, &d, sc).Text; !strings.Contains(got, "UN number? SKIP leaves it out.") {
		t.Fatalf("asked %s", got)
	}
	if !c.Skip(s, &d) || d.Answers["waste"][0] != "ewc=20 01 21*; kg=40" {
		t.Errorf("skipped to %v", d.Answers)
	}
}

func TestOneDefinitionAsksWhatTheChannelMayCarry(t *testing.T) {
	c := clerk(t)
	s := c.mustService(t, "SOC-HEAT")
	sms, web := bySMS("en"), Scene{Lang: "en", Channel: "web", Now: monday}
	f, _ := s.Field("meter")
	d := c.Begin(s, "", sms)
	got := play(t, c, &d, s, sms, "4", "1", f.Example["en"], "2")
	if !strings.HasPrefix(got, "Grant 5/6. Whose grant is it?") { // asked only for somebody else
		t.Errorf("asked %s", got)
	}
	if got = play(t, c, &d, s, sms, "Ana Costa", "5432"); !strings.HasPrefix(got, "Check: ") {
		t.Errorf("by text: %s", got)
	}
	if _, ok := c.Finish(s, &d, web); ok || s.Fields()[d.At].Name != "iban" {
		t.Errorf("on the web the whole account is asked, not %s", s.Fields()[d.At].Name)
	}
	if got = play(t, c, &d, s, web, "GB82 WEST 1234 5698 7654 33"); !strings.HasPrefix(got, "That IBAN is not right") {
		t.Errorf("a wrong account: %s", got)
	}
}

func TestParseTime(t *testing.T) {
	for said, want := range map[string]string{"14:30": "14:30", "14h30": "14:30", "14.30": "14:30", "2 pm": "14:00", "2:15 p.m.": "14:15", "12 am": "00:00",
		"9": "09:00", "٩": "09:00", "下午2点半": "14:30", "14点": "14:00", "2 مساء": "14:00", "25": "", "9:60": "", "13 pm": "", "noon": "", "": "", "1 2 3": ""} {
		got, ok := ParseTime(said)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
	}
}

func TestPastDaysLookBack(t *testing.T) {
	c := clerk(t)
	f := &service.Field{Past: true}
	today := service.Day{Year: 2026, Month: 11, Number: 23}
	for said, want := range map[string]string{"20 Nov": "2026-11-20", "24 Nov": "2025-11-24", "yesterday": "2026-11-22", "hier": "2026-11-22", "today": "2026-11-23",
		"friday": "2026-11-20", "monday": "2026-11-23", "3/5/1984": "1984-05-03"} {
		if d, ok := c.parseDay(f, said, today, today); !ok || d.String() != want {
			t.Errorf("%q is %v, want %s", said, d, want)
		}
	}
}
