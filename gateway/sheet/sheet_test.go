package sheet

import (
	"bytes"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gatehouse/configs"
	"gatehouse/configs/city"
	"gatehouse/exchange/service"
)

func catalog(t *testing.T) *service.Catalog {
	t.Helper()
	c, err := service.Load(city.Services(), func(n string, b []byte, into any) error {
		return configs.Parse(n, b, into, func(string) (string, bool) { return "", false })
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestEverySheetHasItsColumnsAndLists opens what was made: a header a field, frozen, the choices of a field as its list.
func TestEverySheetHasItsColumnsAndLists(t *testing.T) {
	for _, s := range catalog(t).All() {
		if s.Kind == service.Ask {
			continue
		}
		for _, lang := range []string{"en", "fr", "ar", "zh"} {
			b, err := XLSX(s, lang, Words{Yes: "1", No: "0"})
			if err != nil {
				t.Fatal(err)
			}
			f, err := excelize.OpenReader(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			check(t, f, s, lang)
			f.Close()
		}
	}
}

func check(t *testing.T, f *excelize.File, s *service.Service, lang string) {
	t.Helper()
	all := columns(s)
	validations, err := f.GetDataValidations(forms)
	if err != nil || len(validations) != len(all) {
		t.Errorf("%s %s: %d columns have %d checks, %v", s.Code, lang, len(all), len(validations), err)
	}
	for i, c := range all {
		name, _ := excelize.ColumnNumberToName(i + 1)
		if got, _ := f.GetCellValue(forms, name+"1"); got != c.header(lang) {
			t.Errorf("%s %s: %s1 is %q", s.Code, lang, name, got)
		}
		for j, o := range c.Options {
			if c.Kind != service.Choice {
				break
			}
			at, _ := excelize.CoordinatesToCellName(i+1, j+1)
			if got, _ := f.GetCellValue(lists, at); got != o.Label.In(lang) {
				t.Errorf("%s %s: the list of %s has %q for %s", s.Code, lang, c.Name, got, o.Value)
			}
		}
	}
	panes, err := f.GetPanes(forms)
	if err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("%s %s: the header is not frozen: %+v %v", s.Code, lang, panes, err)
	}
	view, err := f.GetSheetView(forms, 0)
	if err != nil || *view.RightToLeft != (lang == "ar") {
		t.Errorf("%s %s: the direction is wrong", s.Code, lang)
	}
	if shown, _ := f.GetSheetVisible(lists); shown {
		t.Errorf("%s %s: the lists show", s.Code, lang)
	}
}

func TestRowsTakeAsManyLinesAsTheServiceSays(t *testing.T) {
	s, ok := catalog(t).ByCode("DEC-GOODS")
	if !ok {
		t.Fatal("no DEC-GOODS")
	}
	last := map[string]int{}
	for _, c := range columns(s) {
		last[c.Name] = c.last
	}
	if last["company"] != 2 || last["hs"] != 5001 {
		t.Errorf("rows end at %v", last)
	}
	b, err := CSV(s, "fr")
	if err != nil || !strings.HasPrefix(string(b), "\xEF\xBB\xBFNuméro d'entreprise (company),Semaine (week),Code SH (hs),") {
		t.Errorf("CSV is %q %v", b, err)
	}
}

func TestClipCountsAsTheFormatDoes(t *testing.T) {
	if got := clip("a😀b", 2); got != "a" {
		t.Errorf("clipped to %q", got)
	}
	if got := clip(strings.Repeat("é", 40), maxTitle); len([]rune(got)) != maxTitle {
		t.Errorf("clipped to %d", len([]rune(got)))
	}
}
