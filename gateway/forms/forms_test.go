package forms

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gatehouse/channels/text"
	"gatehouse/configs"
	"gatehouse/configs/city"
	"gatehouse/configs/texts"
	"gatehouse/exchange/service"
	"gatehouse/gateway/dialogue"
)

func clerk(t testing.TB) *Clerk {
	t.Helper()
	words, err := texts.Load()
	if err != nil {
		t.Fatal(err)
	}
	c, err := service.Load(city.Services(), func(n string, b []byte, into any) error {
		return configs.Parse(n, b, into, func(string) (string, bool) { return "", false })
	})
	if err != nil {
		t.Fatal(err)
	}
	return &Clerk{Texts: words, Grammar: dialogue.New(words), Services: c}
}

func (c *Clerk) mustService(t testing.TB, code string) *service.Service {
	t.Helper()
	s, ok := c.Services.ByCode(code)
	if !ok {
		t.Fatalf("no service %s", code)
	}
	return s
}

var monday = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func bySMS(lang string) Scene { return Scene{Lang: lang, Channel: "sms", Now: monday} }

func TestParseDate(t *testing.T) {
	c := clerk(t)
	today, from := service.Day{Year: 2026, Month: 11, Number: 23}, service.Day{Year: 2026, Month: 12, Number: 1}
	for said, want := range map[string]string{
		"3/12": "2026-12-03", "3.12.": "2026-12-03", "03-12-2026": "2026-12-03", "2026-12-03": "2026-12-03", "3/12/27": "2027-12-03",
		"3 Dec": "2026-12-03", "Dec 3": "2026-12-03", "3rd of December": "2026-12-03", "Thu 3 Dec": "2026-12-03", "9 december 2027": "2027-12-09",
		"1/11": "2027-11-01", "23/11": "2026-11-23", "friday": "2026-12-04", "Fri": "2026-12-04", "next thursday": "2026-12-03",
		"tomorrow": "2026-11-24", "today": "2026-11-23", "day after tomorrow": "2026-11-25",
		"jeudi": "2026-12-03", "3 décembre": "2026-12-03", "le 3 déc": "2026-12-03", "demain": "2026-11-24", "après-demain": "2026-11-25", "1er février": "2027-02-01",
		"الخميس": "2026-12-03", "3 ديسمبر": "2026-12-03", "٣ ديسمبر": "2026-12-03", "غدا": "2026-11-24", "خميس": "2026-12-03",
		"12月3日": "2026-12-03", "2026年12月3日": "2026-12-03", "12月3号": "2026-12-03", "周四": "2026-12-03", "星期四": "2026-12-03", "礼拜四": "2026-12-03", "明天": "2026-11-24",
		"29 feb": "2028-02-29", "３/１２": "2026-12-03",
		"31/2": "", "3/13": "", "soon": "", "": "", "3": "", "3 4 dec": "", "99 dec": "", "-1/2": "", "thu fri": "",
	} {
		got := ""
		if d, ok := c.ParseDate(said, today, from); ok {
			got = d.String()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
	}
}

func TestParseMonth(t *testing.T) {
	c := clerk(t)
	today := service.Day{Year: 2026, Month: 11, Number: 23}
	for said, want := range map[string]string{
		"2026-10": "2026-10", "10/2026": "2026-10", "October 2026": "2026-10", "oct": "2026-10", "december": "2025-12", "octobre": "2026-10",
		"2026年10月": "2026-10", "10月": "2026-10", "十月": "2026-10", "أكتوبر 2026": "2026-10", "٢٠٢٦-١٠": "2026-10", "11": "2026-11",
		"13": "", "2026": "", "0": "", "x": "", "": "", "2026-10-03": "", "1999-10": "",
	} {
		got, _ := c.ParseMonth(said, today)
		if got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
	}
}

func TestParseNumber(t *testing.T) {
	for said, want := range map[string][2]string{ // whole, with fractions
		"412": {"412", "412"}, "٤١٢": {"412", "412"}, "1 240": {"1240", "1240"}, "1,240": {"1240", ""}, "1.240": {"1240", ""},
		"12,5": {"", "12.5"}, "12.50": {"", "12.50"}, "1,240.50": {"", ""}, "007": {"7", "7"}, "0": {"0", "0"}, "00": {"0", "0"},
		"0,125": {"", "0.125"}, "-3": {"", ""}, "": {"", ""}, "12a": {"", ""}, ",5": {"", ""}, "5,": {"", ""}, "1,24": {"", "1.24"},
		"1,240,000": {"1240000", ""}, "99999999999999999999": {"", ""},
	} {
		whole, _ := ParseNumber(said, true)
		frac, _ := ParseNumber(said, false)
		if whole != want[0] || frac != want[1] {
			t.Errorf("%q is %q and %q, want %v", said, whole, frac, want)
		}
	}
}

func TestReadPhoneAndCompany(t *testing.T) {
	town := &service.City{Country: "44"}
	for said, want := range map[string]string{"07700 900123": "+447700900123", "+44 7700 900-123": "+447700900123", "0044 7700 900123": "+447700900123",
		"٠٧٧٠٠ ٩٠٠١٢٣": "+447700900123", "123": "", "+0123456789": "", "call me": "", "": ""} {
		got, ok := readPhone(said, town)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
	}
	if got, ok := readCompany("12 345678 c"); !ok || got != "12-345678-C" {
		t.Errorf("company is %q", got)
	}
	if _, ok := readCompany("12-345678-D"); ok {
		t.Error("a wrong check letter was taken")
	}
}

// play answers a form from its beginning and gives the last thing said.
func play(t *testing.T, c *Clerk, d *service.Draft, s *service.Service, sc Scene, said ...string) string {
	t.Helper()
	last := c.Ask(s, d, sc).Text
	for _, x := range said {
		if step, p := c.Answer(s, d, x, sc); step == Missed {
			last = p.Text
			continue
		}
		last = c.Ask(s, d, sc).Text
	}
	return last
}

func TestErrorsHelpInThreeSteps(t *testing.T) {
	c := clerk(t)
	s := c.mustService(t, "WST-BULK")
	d := c.Begin(s, "", bySMS("en"))
	d.Answers["place"] = []string{"14 Quay St, PL2 4AB"}
	d.At = 1
	for i, want := range []string{
		"Please choose from the list. 1 Furniture 2 Fridge 3 Mattress 4 Electronics. Send all that apply, e.g. 1,3",
		"9 is not in the list. Send one or more of 1-4, e.g. 1,3 1 Furniture 2 Fridge 3 Mattress 4 Electronics. Send all that apply, e.g. 1,3",
		"Please choose from the list. 1 Furniture 2 Fridge 3 Mattress 4 Electronics. Send all that apply, e.g. 1,3. 0 for a person who helps.",
	} {
		_, p := c.Answer(s, &d, []string{"a boat", "9", "boat"}[i], bySMS("en"))
		got := strings.ReplaceAll(p.Text, "0 brings a person who helps.", "0 for a person who helps.")
		if got = strings.ReplaceAll(got, "1,3. 1 ", "1,3 1 "); got != want {
			t.Errorf("miss %d says\n  %s\nnot\n  %s", i+1, got, want)
		}
	}
	if d.Misses != 3 || len(d.Answers) != 1 {
		t.Errorf("misses changed the draft: %+v", d)
	}
}

func TestSeveralAnswersInOneText(t *testing.T) {
	c := clerk(t)
	for _, x := range []struct{ code, rest, want string }{
		{"WST-BULK", "14 Quay St, 1 3, 3 Dec", "[14 Quay St, PL2 4AB] [furniture mattress] [2026-12-03]"},
		{"WST-BULK", "14 Quay St, sofa, fridge, thursday", "[14 Quay St, PL2 4AB] [furniture fridge] [2026-12-03]"},
		{"WST-BULK", "14 Quay St", "[14 Quay St, PL2 4AB]"},
		{"WST-BULK", "14 Quay, 1", ""},    // two streets begin so
		{"WST-BULK", "14 Quay St, 9", ""}, // nothing is taken when a part can't be read
		{"DEC-TOUR", "2026-10 412 300", "[2026-10] [412] [300]"},
		{"DEC-TOUR", "2026-10 412", "[2026-10] [412]"},
		{"DEC-TOUR", "0", "[2026-10] [0] [0]"},
	} {
		s := c.mustService(t, x.code)
		d := c.Begin(s, x.rest, bySMS("en"))
		var got []string
		for _, f := range s.Fields() {
			if f.Asked() && d.Answers[f.Name] != nil {
				got = append(got, fmt.Sprint(d.Answers[f.Name]))
			}
		}
		if g := strings.Join(got, " "); g != x.want {
			t.Errorf("%s %s gives %s, want %s", x.code, x.rest, g, x.want)
		}
	}
}

func TestBackAndChangeKeepWhatWasSaid(t *testing.T) {
	c := clerk(t)
	s := c.mustService(t, "WST-BULK")
	sc := bySMS("en")
	d := c.Begin(s, "14 Quay St, 1 3, 3 Dec", sc)
	if !AtSummary(s, d) {
		t.Fatalf("not at the summary: %+v", d)
	}
	got := play(t, c, &d, s, sc, "2", "fridge")
	if want := "Check: 1 14 Quay St 2 fridge 3 Thu 3 Dec. Reply SEND, or a number to change it."; got != want {
		t.Errorf("after a change\n  %s\nnot\n  %s", got, want)
	}
	c.Back(s, &d)
	if got := c.Ask(s, &d, sc).Text; !strings.HasPrefix(got, "Pickup 4/4. Which day?") {
		t.Errorf("BACK from the summary asks %s", got)
	}
	c.Back(s, &d)
	c.Back(s, &d)
	c.Back(s, &d)
	if len(d.Answers) != 3 || d.At != 0 {
		t.Errorf("BACK lost something: %+v", d)
	}
	if got := play(t, c, &d, s, sc, "5 church st", "1"); !strings.HasPrefix(got, "Check: 1 5 Church St 2 fridge") {
		t.Errorf("after BACK and a new place: %s", got)
	}
}

func TestChecksOverFieldsAskAgain(t *testing.T) {
	c := clerk(t)
	s := c.mustService(t, "DEC-TOUR")
	sc := bySMS("en")
	d := c.Begin(s, "", sc)
	if got := play(t, c, &d, s, sc, "2027-01"); got != "The month can't lie in the future. Send e.g. 2026-10" {
		t.Errorf("a month to come: %s", got)
	}
	if got := play(t, c, &d, s, sc, "2026-10", "412", "500"); !strings.HasPrefix(got, "Exempt nights can't be more") {
		t.Errorf("too many exempt nights: %s", got)
	}
	if got := play(t, c, &d, s, sc, "30"); !strings.Contains(got, "Total EUR: 764.00") {
		t.Errorf("summary: %s", got)
	}
	// Fewer nights than are exempt: the nights are taken, and the exempt ones asked again.
	if got := play(t, c, &d, s, sc, "2", "10"); !strings.HasPrefix(got, "Return 3/3.") || d.Answers["nights"][0] != "10" {
		t.Errorf("after fewer nights: %s", got)
	}
	if got := play(t, c, &d, s, sc, "0"); !strings.Contains(got, "Total EUR: 20.00") {
		t.Errorf("the total was not computed anew: %s", got)
	}
}

func TestFinishFindsADayThatIsGone(t *testing.T) {
	c := clerk(t)
	s := c.mustService(t, "WST-BULK")
	d := c.Begin(s, "14 Quay St, 1, 1 Dec", bySMS("en"))
	later := Scene{Lang: "en", Channel: "sms", Now: monday.AddDate(0, 0, 6)}
	if _, ok := c.Finish(s, &d, later); ok || s.Fields()[d.At].Name != "date" || len(d.Answers) != 2 {
		t.Errorf("a day without notice was filed: %+v", d)
	}
}

func TestFromEntriesNamesEveryFault(t *testing.T) {
	c := clerk(t)
	s := c.mustService(t, "DEC-TOUR")
	sc := Scene{Lang: "en", Channel: "email", Now: monday}
	for _, x := range []struct {
		name string
		rows Sheet
		want string
	}{
		{"good", Sheet{{"month", "Nights", "exempt", "rate", "total"}, {"2026-10", "412", "30", "2.00", "764.00"}}, ""},
		{"a cent off", Sheet{{"month", "nights", "exempt", "rate", "total"}, {"2026-10", "412", "30", "2", "764.01"}}, ""},
		{"labels of another language", Sheet{{"Mois", "Nuitées", "Nuitées exonérées"}, {"2026-10", "412", "30"}}, ""},
		{"total", Sheet{{"month", "nights", "exempt", "rate", "total"}, {"2026-10", "412", "30", "2.00", "764.02"}}, `Total EUR: "764.02" - it should be 764.00`},
		{"rate", Sheet{{"month", "nights", "exempt", "rate"}, {"2026-10", "412", "30", "1.50"}}, `Rate: "1.50" - it should be 2.00`},
		{"several", Sheet{{"month", "nights", "colour"}, {"2027-03", "many", "red"}},
			"Nights: \"many\" - Send a whole number, e.g. 412\ncolour: \"red\" - is not asked here; please leave it out\nMonth: \"2027-03\" - The month can't lie in the future. Send e.g. 2026-10\nExempt nights: is missing - Send a whole number, e.g. 30"},
	} {
		_, faults := c.FromEntries(s, x.rows.Entries(1), sc)
		var lines []string
		for _, f := range faults {
			lines = append(lines, c.Word(f, sc))
		}
		if got := strings.Join(lines, "\n"); got != x.want {
			t.Errorf("%s:\n%s\nwant\n%s", x.name, got, x.want)
		}
	}
}

// TestQuestionsFitTheirSegments: one segment for each question of each service on SMS; two for a summary, and where a
// script of 70 characters has a list or a calendar to show.
func TestQuestionsFitTheirSegments(t *testing.T) {
	c := clerk(t)
	for _, s := range c.Services.All() {
		if s.Kind == service.Ask || !s.Offered("sms") {
			continue
		}
		for _, lang := range c.Services.City.Languages {
			for i, f := range s.Fields() {
				if !f.Asked() || !f.On("sms") || f.When != "" {
					continue
				}
				d := service.Draft{Service: s.Code, Answers: map[string][]string{}, At: i, Lang: lang}
				said := text.Plain(c.Ask(s, &d, bySMS(lang)).Text, text.StripAccents)
				most := 1
				if lang == "ar" && (f.Kind == service.Date || f.Kind == service.Choices || f.Kind == service.Choice) {
					most = 2
				}
				if size := text.Measure(said); size.Segments > most {
					t.Errorf("%s.%s in %s takes %d segments (%d units): %s", s.Code, f.Name, lang, size.Segments, size.Units, said)
				}
			}
		}
	}
}

// TestLabelsAreNoCommands: a label that equals a command would be hijacked by it.
func TestLabelsAreNoCommands(t *testing.T) {
	c := clerk(t)
	g := dialogue.New(c.Texts)
	for _, s := range c.Services.All() {
		for _, f := range s.Fields() {
			for _, o := range f.Options {
				names := []string{o.Value}
				for _, l := range o.Label {
					names = append(names, l)
				}
				for _, all := range o.Synonyms {
					names = append(names, all...)
				}
				for _, n := range names {
					cmd, isCommand := g.Command(n)
					if isCommand && cmd.Act != dialogue.Language || g.OptOut(n, true) == dialogue.Stops || g.Danger(n) {
						t.Errorf("%s.%s: %q is a command", s.Code, f.Name, n)
					}
				}
			}
		}
		for _, words := range s.Keywords {
			for _, w := range words {
				if cmd, ok := g.Command(w); ok {
					t.Errorf("%s: keyword %q is the command %v", s.Code, w, cmd)
				}
			}
		}
	}
}

// TestNoAnswerIsEverLost: whatever is said, an answer that was given stays until it is answered anew, At stays within
// the form, and nothing panics.
func TestNoAnswerIsEverLost(t *testing.T) {
	c := clerk(t)
	words := []string{"1", "2", "1,3", "14 quay st", "quay", "friday", "3 dec", "yes", "no", "sofa", "2026-10", "412", "0", "9", "hm", "", "PL2 4AB",
		"١", "沙发", "oui", "14 Quay St, 1 3, 3 Dec", "back", "skip"}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(c.Services.All()).Draw(t, "service")
		if s.Kind == service.Ask {
			return
		}
		sc := bySMS(rapid.SampledFrom([]string{"en", "fr", "ar", "zh"}).Draw(t, "lang"))
		d := c.Begin(s, rapid.OneOf(rapid.SampledFrom(words), rapid.String()).Draw(t, "rest"), sc)
		for _, said := range rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(words), rapid.String()), 0, 12).Draw(t, "said") {
			before := Clone(d)
			switch said {
			case "back":
				c.Back(s, &d)
			case "skip":
				c.Skip(s, &d)
			default:
				if step, p := c.Answer(s, &d, said, sc); step == Missed && p.Text == "" {
					t.Fatalf("silence after %q", said)
				}
			}
			for name := range before.Answers {
				f, _ := s.Field(name)
				_, kept := d.Answers[name]
				checked := slices.ContainsFunc(s.Dialogue.Checks, func(k service.Check) bool { return k.Field == name })
				if !kept && f.Kind != service.Computed && !checked {
					t.Fatalf("%s was lost after %q", name, said)
				}
			}
			if d.At < 0 || d.At > len(s.Fields()) || c.Ask(s, &d, sc).Text == "" {
				t.Fatalf("no way on after %q: %+v", said, d)
			}
		}
	})
}

func FuzzAnswer(f *testing.F) {
	c := clerk(f)
	f.Add("WST-BULK", "14 Quay St, 1 3, 3 Dec")
	f.Add("DEC-TOUR", "2026-10 412 30")
	f.Fuzz(func(_ *testing.T, code, said string) {
		s, ok := c.Services.ByCode(code)
		if !ok {
			s, _ = c.Services.ByCode("WTR-ALERT")
		}
		d := c.Begin(s, said, bySMS("en"))
		c.Answer(s, &d, said, bySMS("ar"))
		c.FromEntries(s, c.Lines(s, said), bySMS("zh"))
	})
}
