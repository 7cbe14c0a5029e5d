package service

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func day(s string) Day {
	d, ok := ParseDay(s)
	if !ok {
		panic(s)
	}
	return d
}

func TestCalendarOffersAfterItsNotice(t *testing.T) {
	c := Calendar{Weekdays: []string{"mon", "tue", "thu"}, Lead: 3, Closed: []string{"2026-11-30"}}
	today := day("2026-11-23")
	var got []string
	for _, d := range c.Next(today, 3) {
		got = append(got, d.String())
	}
	if s := strings.Join(got, " "); s != "2026-12-01 2026-12-03 2026-12-07" {
		t.Errorf("offers %s", s)
	}
	for d, want := range map[string]bool{"2026-11-26": false, "2026-11-30": false, "2026-12-01": true, "2026-12-04": false} {
		if c.Offered(day(d), today) != want {
			t.Errorf("%s offered is %v", d, !want)
		}
	}
	near := c.Nearest(day("2026-12-04"), today, 2)
	if len(near) != 2 || near[0] != day("2026-12-03") || near[1] != day("2026-12-07") {
		t.Errorf("nearest to a Friday are %v", near)
	}
	if near = c.Nearest(day("2020-01-01"), today, 2); len(near) != 2 || near[0] != day("2026-12-01") {
		t.Errorf("nearest to the past are %v", near)
	}
	never := Calendar{Weekdays: []string{"none"}}
	if len(never.Next(today, 3)) != 0 || never.next(today) != today {
		t.Error("a calendar that is never open must end")
	}
}

func TestDueCountsWorkingDays(t *testing.T) {
	azores := time.FixedZone("", -3600)
	s := Service{Promise: "P1D", city: &City{Calendars: map[string]Calendar{
		Workdays: {Weekdays: []string{"mon", "tue", "wed", "thu", "fri"}, Closed: []string{"2026-11-30"}},
	}}}
	for _, c := range []struct{ filed, promise, want string }{
		{"2026-11-23T10:00:00Z", "P1D", "2026-11-24T17:00:00-01:00"},
		{"2026-11-23T18:30:00Z", "P1D", "2026-11-25T17:00:00-01:00"}, // after closing counts from the next day
		{"2026-11-22T10:00:00Z", "P1D", "2026-11-24T17:00:00-01:00"}, // a Sunday counts from Monday
		{"2026-11-27T10:00:00Z", "P1D", "2026-12-01T17:00:00-01:00"}, // over a weekend and a holiday
		{"2026-11-23T10:00:00Z", "P1W", "2026-12-01T17:00:00-01:00"},
		{"2026-11-24T00:30:00Z", "P0D", "2026-11-24T17:00:00-01:00"}, // Monday night there
	} {
		filed, err := time.Parse(time.RFC3339, c.filed)
		if err != nil {
			t.Fatal(err)
		}
		s.Promise = c.promise
		if got := s.Due(filed, azores).Format(time.RFC3339); got != c.want {
			t.Errorf("%s %s is due %s, want %s", c.filed, c.promise, got, c.want)
		}
	}
	for _, bad := range []string{"", "P", "3D", "PT3H", "PxD", "P-1D", "P9999D"} {
		if _, err := WorkingDays(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestRuleComputes(t *testing.T) {
	sc := Scope{
		Answers: map[string][]string{"nights": {"412"}, "exempt": {"30"}, "month": {"2026-10"}, "items": {"a", "b"}, "name": {"Ann"}},
		Tables:  map[string][]Row{"rate": {{"2020-01", "1.50"}, {"2026-01", "2.00"}, {"2027-01", "2.25"}}},
		Today:   day("2026-11-23"),
	}
	for rule, want := range map[string]string{
		"round((nights - exempt) * lookup(rate, month), 2)": "764.00",
		"-1 + 2 * 3":  "5.00",
		"10 / 4":      "2.50",
		"size(items)": "2.00",
		"last_month":  "2026-10",
		"this_month":  "2026-11",
		"today":       "2026-11-23",
		"abs(1 - 3)":  "2.00",
		"name":        "Ann",
	} {
		r, err := ParseRule(rule)
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		if got, ok := r.Value(sc, 2); !ok || got != want {
			t.Errorf("%s is %q, want %q", rule, got, want)
		}
	}
	for rule, want := range map[string]bool{
		"exempt <= nights && month <= this_month": true,
		"exempt > nights || name == 'Ann'":        true,
		"!has(nothing) && has(nights)":            true,
		"month >= '2027-01'":                      false,
		"abs(764.01 - (nights-exempt)*2) <= 0.01": true,
		"0.1 + 0.2 == 0.3":                        true,
		"name != 'Ann' && nothing == 1":           false,
		"(1 < 2) && !(2 <= 1)":                    true,
	} {
		r, err := ParseRule(rule)
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		if got, ok := r.Holds(sc); !ok || got != want {
			t.Errorf("%s is %v (%v), want %v", rule, got, ok, want)
		}
	}
	for _, open := range []string{"nothing > 1", "nights / 0 > 1", "lookup(none, month) > 0", "name + 1 > 0"} {
		r, err := ParseRule(open)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := r.Holds(sc); ok {
			t.Errorf("%s has a result", open)
		}
	}
	for _, bad := range []string{"", "1 +", "(1", "1)", "f(1)", "round(1, x)", "abs(1, 2)", "a b", "'a", strings.Repeat("(", 50), strings.Repeat("1+", 400) + "1"} {
		if _, err := ParseRule(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzParseRule(f *testing.F) {
	f.Add("exempt <= nights && abs(total - round((nights - exempt) * lookup(rate, month), 2)) <= 0.01")
	f.Add("!'ä' == -x")
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := ParseRule(s); err == nil {
			r.Value(Scope{Answers: map[string][]string{"x": {"1"}}, Today: Day{2026, 1, 1}}, 2)
		}
	})
}

func TestPlacesFindsWhatPeopleType(t *testing.T) {
	c := &City{Streets: []Street{
		{Name: "Quay St", Also: []string{"شارع الرصيف", "码头街"}, Postcode: "PL2 4AB", From: 1, To: 120},
		{Name: "Quay Ln", Postcode: "PL2 4AC", From: 1, To: 40},
		{Name: "Old Wall St", Postcode: "PL1 2EF", From: 1, To: 75},
	}}
	for said, want := range map[string]string{
		"14 quay st":            "14 Quay St, PL2 4AB",
		"14, Quay Street":       "14 Quay St, PL2 4AB",
		"quay st 14b":           "14b Quay St, PL2 4AB",
		"14 Quay St, PL2 4AB":   "14 Quay St, PL2 4AB",
		"PL2 4AB":               "Quay St, PL2 4AB",
		"12 pl24ab":             "12 Quay St, PL2 4AB",
		"old wall 3":            "3 Old Wall St, PL1 2EF",
		"شارع الرصيف ١٤":        "14 Quay St, PL2 4AB",
		"码头街14号":                "14 Quay St, PL2 4AB",
		"14 quay":               "14 Quay St, PL2 4AB | 14 Quay Ln, PL2 4AC",
		"900 quay st":           "",
		"1":                     "",
		"":                      "",
		"how much does it cost": "",
		"the wall of old":       "",
	} {
		var got []string
		for _, p := range c.Places(said) {
			got = append(got, p.String())
		}
		if s := strings.Join(got, " | "); s != want {
			t.Errorf("%q is %q, want %q", said, s, want)
		}
	}
}

func FuzzPlaces(f *testing.F) {
	c := &City{Streets: []Street{{Name: "Quay St", Also: []string{"码头街"}, Postcode: "PL2 4AB", From: 1, To: 9}}}
	f.Add("14 quay st")
	f.Add("码头街٣")
	f.Fuzz(func(_ *testing.T, s string) { c.Places(s) })
}

func TestCompanyNumber(t *testing.T) {
	for s, want := range map[string]bool{"12-345678-C": true, "12-345678-D": false, "12345678C": false, "": false, "1x-345678-C": false} {
		if CompanyNumber(s) != want {
			t.Errorf("%q is %v", s, !want)
		}
	}
}

func TestShowInEachLanguage(t *testing.T) {
	d := day("2026-12-03")
	for lang, want := range map[string]string{"en": "Thu 3 Dec", "fr": "jeu 3 déc", "ar": "الخميس 3 ديسمبر", "zh": "12月3日周四", "de": "2026-12-03"} {
		if got := d.In(lang); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
	s := Service{Dialogue: Dialogue{Fields: []Field{
		{Name: "items", Kind: Choices, Options: []Option{{Value: "a", Label: Words{"en": "Sofa", "zh": "沙发"}}, {Value: "b", Label: Words{"en": "Bed"}}}},
		{Name: "month", Kind: Month}, {Name: "ok", Kind: Consent}, {Name: "sum", Kind: Money}, {Name: "file", Kind: File},
	}}}
	for _, c := range []struct {
		field, lang, want string
		values            []string
	}{
		{"items", "en", "Sofa, Bed", []string{"a", "b"}}, {"items", "zh", "沙发、Bed", []string{"a", "b"}},
		{"month", "fr", "octobre 2026", []string{"2026-10"}}, {"ok", "ar", "نعم", []string{"yes"}},
		{"sum", "fr", "12,30", []string{"12.30"}}, {"other", "en", "x", []string{"x"}}, {"items", "en", "c", []string{"c"}},
		{"file", "en", "01234567", []string{"0123456789abcdef"}}, {"items", "en", "", nil},
	} {
		if got := s.Show(c.field, c.values, c.lang); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.field, c.lang, got, c.want)
		}
	}
}

func TestLoadReportsAllFilesAndClashes(t *testing.T) {
	parse := func(name string, _ []byte, into any) error {
		switch v := into.(type) {
		case *City:
			*v = City{Zone: "UTC", Languages: []string{"en"}}
			return v.Validate()
		case *Service:
			city := v.city
			*v = Service{Code: "A", Keywords: map[string][]string{"en": {"BOOK"}}, city: city}
			if name == "bad.yaml" {
				return errors.New("bad.yaml:1: kind: is wrong")
			}
		}
		return nil
	}
	dir := fstest.MapFS{"city.yaml": {}, "one.yaml": {}, "two.yaml": {}, "bad.yaml": {}}
	_, err := Load(dir, parse)
	for _, want := range []string{"bad.yaml:1: kind", "two.yaml: code: A is used twice", "two.yaml: keywords.en: BOOK belongs to A"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	if _, err := Load(fstest.MapFS{}, parse); err == nil {
		t.Error("a directory without city.yaml was taken")
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	s := &Service{
		Code: "A B", Kind: "wish", Privacy: "secret", Behalf: "a", Promise: "soon", Channels: []string{"fax"},
		Schema: Schema{Type: "object", Properties: map[string]Schema{"a": {Type: "array"}, "left": {}}},
		Dialogue: Dialogue{
			Fields: []Field{{Name: "a", Kind: Text}, {Name: "a", Kind: "colour"}, {Name: "b", Kind: Computed, Rule: "1 +"}, {Name: "a", Kind: Choice}},
			Checks: []Check{{ID: "x", Rule: "1 <", Field: "none"}},
		},
		city: &City{Languages: []string{"en"}},
	}
	err := s.Validate()
	for _, want := range []string{"code: ", "kind: ", "privacy: ", "behalf: ", "promise: ", "channels.0: ", "name: has no words in en",
		"x-dialogue.fields.0.kind: text and the schema's type differ", "x-dialogue.fields.1.name: \"a\" is there twice",
		"x-dialogue.fields.1.kind: is \"colour\"", "x-dialogue.fields.2.name: \"b\" is not in schema.properties",
		"x-dialogue.fields.2.rule: ", "x-dialogue.fields.3.options: ", "schema.properties.left: has no entry",
		"x-dialogue.checks.0.rule: ", "x-dialogue.checks.0: needs id"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
		}
	}
	if err := (&City{Zone: "Mars/Base", Calendars: map[string]Calendar{"x": {Weekdays: []string{"monday"}, Closed: []string{"christmas"}, Lead: -1}},
		Streets: []Street{{}}}).Validate(); err == nil || strings.Count(err.Error(), "\n") != 5 {
		t.Errorf("the city's faults are\n%v", err)
	}
}

func TestWordsIn(t *testing.T) {
	if got := (Words{"fr": "un", "en": "one"}).In("de"); got != "one" {
		t.Errorf("falls back to %q", got)
	}
	if got := (Words{"zh": "一", "fr": "un"}).In("de"); got != "un" {
		t.Errorf("falls back to %q", got)
	}
	if got := (Words)(nil).In("en"); got != "" {
		t.Errorf("nothing gives %q", got)
	}
}
