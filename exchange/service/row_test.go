package service

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func goods(t testing.TB) *Service {
	t.Helper()
	s := &Service{
		Schema: Schema{Type: "object", Required: []string{"goods"}, AdditionalProperties: ptr(false), Properties: map[string]Schema{
			"goods": {Type: "array", MinItems: ptr(1), MaxItems: ptr(5000), Items: &Schema{
				Type: "object", Required: []string{"hs", "net", "gross"}, AdditionalProperties: ptr(false),
				Properties: map[string]Schema{
					"hs": {Type: "string", Pattern: "^[0-9]+$"}, "net": {Type: "number", Minimum: ptr(0.0)}, "gross": {Type: "number"},
					"package": {Type: "string", MaxLength: ptr(10)},
				},
			}},
			"people": {Type: "integer"}, "plan": {Type: "string"}, "bank4": {Type: "string"}, "iban": {Type: "string"},
		}},
		Dialogue: Dialogue{
			Fields: []Field{
				{Name: "goods", Kind: Rows, Error: Words{"en": "Rows."}, Fields: []Field{
					{Name: "hs", Kind: Code, Format: "hs", Label: Words{"en": "HS"}, Error: Words{"en": "6 figures."}},
					{Name: "net", Kind: Number, Label: Words{"en": "Net"}, Error: Words{"en": "A number."}},
					{Name: "gross", Kind: Number, Label: Words{"en": "Gross"}, Error: Words{"en": "A number."}},
					{Name: "package", Kind: Code, Label: Words{"en": "Package"}, Error: Words{"en": "A code."}},
				}, Checks: []Check{{ID: "net_gross", Rule: "net <= gross", Field: "gross", Message: Words{"en": "Gross is less than net."}}}},
				{Name: "people", Kind: Number}, {Name: "plan", Kind: Text, When: "people > 500", Must: true},
				{Name: "bank4", Kind: Code, Must: true, Channels: []string{"sms"}}, {Name: "iban", Kind: Code, Format: "iban", Must: true, Channels: []string{"web"}},
			},
			Checks: []Check{{ID: "twice", Rule: "unique(goods.package)", Field: "goods", Message: Words{"en": "A package is there twice."}},
				{ID: "sum", Rule: "sum(goods.net) <= 100", Field: "goods", Message: Words{"en": "Too heavy."}}},
		},
	}
	return s
}

func TestRowsAreCheckedCellByCell(t *testing.T) {
	s := goods(t)
	f, _ := s.Field("goods")
	row := func(hs, net, gross, pack string) string {
		return f.RowText(map[string]string{"hs": hs, "net": net, "gross": gross, "package": pack})
	}
	good := row("090121", "12.5", "13", "P1")
	if good != "hs=090121; net=12.5; gross=13; package=P1" || f.ShowRow(good, "fr") != "090121, 12,5, 13, P1" {
		t.Fatalf("a row is %q, shown %q", good, f.ShowRow(good, "fr"))
	}
	for _, c := range []struct {
		rows []string
		want string
	}{
		{[]string{good}, ""},
		{[]string{good, row("0901", "1", "2", "P2")}, "2 hs format 6 figures."},
		{[]string{row("090121", "14", "13", ""), row("x", "1", "2", "")}, "1 gross net_gross Gross is less than net.|2 hs pattern 6 figures."},
		{[]string{row("090121", "", "13", "")}, "1 net required A number."},
		{[]string{row("090121", "-1", "13", "")}, "1 net minimum A number."},
		{[]string{good + "; colour=red"}, "1 colour additionalProperties Rows."},
		{[]string{"rubbish"}, "1  additionalProperties Rows.|1 gross required A number.|1 hs required 6 figures.|1 net required A number."},
		{[]string{good, good}, "0  twice A package is there twice."},
		{[]string{row("090121", "60", "60", "A"), row("090121", "60", "60", "B")}, "0  sum Too heavy."},
	} {
		var got []string
		for _, x := range s.CheckGiven(map[string][]string{"goods": c.rows}, time.Time{}) {
			got = append(got, fmt.Sprintf("%d %s %s %s", x.Row, x.Column, x.ID, s.Message(x, "en")))
		}
		slices.Sort(got)
		if g := strings.Join(got, "|"); g != c.want {
			t.Errorf("%v gives\n%s\nnot\n%s", c.rows, g, c.want)
		}
	}
	var many []string
	for i := range 5000 {
		many = append(many, row("090121", "0.01", "1", fmt.Sprint("P", i)))
	}
	if all := s.CheckGiven(map[string][]string{"goods": many}, time.Time{}); len(all) != 0 {
		t.Errorf("5000 right rows have faults: %v", all[0])
	}
}

// TestRowsAgreeWithAFullValidator: what the schema of a rows field takes and refuses is what the standard says.
func TestRowsAgreeWithAFullValidator(t *testing.T) {
	s := goods(t)
	full := oracle(t, s.Schema)
	for _, row := range []string{"hs=090121; net=1; gross=2", "hs=1; net=1", "net=x; hs=1; gross=1", "hs=1; net=-1; gross=1", "x", "", "hs=1; net=1; gross=1; package=12345678901"} {
		data := s.Data(map[string][]string{"goods": {row}})
		if ours, theirs := len(s.Schema.Validate(data)) == 0, full.Validate(data) == nil; ours != theirs {
			t.Errorf("%q: ours says %v, the standard %v", row, ours, theirs)
		}
	}
}

func TestFieldsThatHangOnAnswersAndChannels(t *testing.T) {
	s := goods(t)
	rows := []string{"hs=090121; net=1; gross=2"}
	faults := func(channel string, answers map[string][]string) string {
		answers["goods"] = rows
		s.Prune(answers)
		var all []string
		for _, f := range s.CheckOn(channel, answers, time.Time{}) {
			all = append(all, f.Field+" "+f.ID)
		}
		return strings.Join(all, ", ")
	}
	for _, c := range []struct {
		channel string
		answers map[string][]string
		want    string
	}{
		{"", map[string][]string{}, ""}, {"sms", map[string][]string{}, "bank4 required"}, {"web", map[string][]string{"bank4": {"1234"}}, "iban required"},
		{"", map[string][]string{"people": {"501"}}, "plan required"}, {"", map[string][]string{"people": {"500"}}, ""},
		{"", map[string][]string{"people": {"501"}, "plan": {"x"}}, ""},
	} {
		if got := faults(c.channel, c.answers); got != c.want {
			t.Errorf("%s %v: %s, want %s", c.channel, c.answers, got, c.want)
		}
	}
	small := map[string][]string{"people": {"5"}, "plan": {"x"}}
	if faults("", small); small["plan"] != nil {
		t.Error("a plan that is not asked is filed")
	}
}
