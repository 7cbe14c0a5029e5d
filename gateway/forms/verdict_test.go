package forms

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatehouse/gateway/table"
)

// sheet makes a table of lines with bars between the cells; the first line names the columns.
func sheet(lines ...string) table.Table {
	t := table.Table{HeaderRow: 1}
	for i, l := range lines {
		var cells []table.Cell
		for _, c := range strings.Split(l, "|") {
			kind := table.Words
			if n, ok := strings.CutPrefix(c, "#"); ok {
				c, kind = n, table.Number
			}
			cells = append(cells, table.Cell{Text: strings.TrimSpace(c), Kind: kind})
		}
		if i == 0 {
			for _, c := range cells {
				t.Header = append(t.Header, c.Text)
			}
			continue
		}
		t.Rows = append(t.Rows, table.Row{Number: i + 1, Cells: cells})
	}
	return t
}

const goodsHead = "company|week|HS code|country|net|gross|value|currency|package"

func TestJudgeNamesEachRow(t *testing.T) {
	c := clerk(t)
	s := c.mustService(t, "DEC-GOODS")
	sc := Scene{Lang: "en", Channel: "email", Now: monday}
	for name, x := range map[string]struct {
		lines []string
		good  []int
		want  []string // of the bad rows, "number word"
	}{
		"all right":    {lines: []string{"12-345678-C|2026-W47|090121|br|12.5|13|150|EUR|PK1", "||0901.21|FR|14|14|1,50|eur|pk2"}, good: []int{2, 3}},
		"a digit less": {lines: []string{"12-345678-C|2026-W47|84713|BR|1|2|3|EUR|P1"}, want: []string{`2 HS code "84713" must have 6, 8 or 10 digits. Did you mean 847130?`}},
		"a zero that a spreadsheet cut off": {lines: []string{"12-345678-C|2026-W47|#90121|BR|1|2|3|EUR|P1"},
			want: []string{`2 HS code "90121" must have 6, 8 or 10 digits. Did you mean 090121?`}},
		"swapped": {lines: []string{"12-345678-C|2026-W47|090121|BR|#1240|#1190|3|EUR|P1"},
			want: []string{"2 Net kg 1,240 is more than Gross kg 1,190. Columns E and F may be swapped."}},
		"ambiguous": {lines: []string{"12-345678-C|2026-W47|090121|BR|1,240|1,300|3|EUR|P1"},
			want: []string{`2 Net kg "1,240" can be read in two ways, and no other number of the column tells which. Please write it without a sign between thousands.`,
				`2 Gross kg "1,300" can be read in two ways, and no other number of the column tells which. Please write it without a sign between thousands.`}},
		"settled by the column": {lines: []string{"12-345678-C|2026-W47|090121|BR|1,240|1.300,5|3|EUR|P1", "||090121|BR|0,5|1,25|3|EUR|P2"}, good: []int{2, 3}},
		"missing":               {lines: []string{"12-345678-C|2026-W47|090121||1|2|3|EUR|P1"}, want: []string{"2 Country is missing."}},
		"country": {lines: []string{"12-345678-C|2026-W47|090121|Brazil|1|2|3|€|P1"},
			want: []string{`2 Country "Brazil": Two letters, e.g. BR Did you mean BR?`, `2 Currency "€": Three letters, e.g. EUR Did you mean EUR?`}},
		"twice": {lines: []string{"12-345678-C|2026-W47|090121|BR|1|2|3|EUR|P1", "||090121|BR|1|2|3|EUR|p1"}, good: []int{2}, want: []string{`3 Package "P1" stands in row 2 already.`}},
		"another week": {lines: []string{"12-345678-C|2026-W47|090121|BR|1|2|3|EUR|P1", "|2026-W46|090121|BR|1|2|3|EUR|P2"}, good: []int{2},
			want: []string{`3 Week "2026-W46": the first row says "2026-W47". One mail for each, please.`}},
		"negative":  {lines: []string{"12-345678-C|2026-W47|090121|BR|-1|2|3|EUR|P1"}, want: []string{`2 Net kg "-1": Send a number, e.g. 12.5`}},
		"a formula": {lines: []string{"12-345678-C|2026-W47|090121|BR|1|2|#3.005|EUR|P1"}, want: []string{`2 Value "3.005": Send an amount, e.g. 150.00`}},
	} {
		v := c.Judge(s, sheet(append([]string{goodsHead}, x.lines...)...), nil, nil, sc)
		var got []string
		for _, r := range v.Bad {
			for _, f := range r.Faults {
				got = append(got, fmt.Sprintf("%d %s", r.Number, f.Word))
			}
		}
		if !slices.Equal(v.Good, x.good) || !slices.Equal(got, x.want) || len(v.Faults) > 0 {
			t.Errorf("%s: good %v, bad\n%s\nfaults %v", name, v.Good, strings.Join(got, "\n"), v.Faults)
		}
		if len(v.Answers["goods"]) != len(v.Good) || v.Answers["week"][0] != "2026-W47" {
			t.Errorf("%s: answers %v", name, v.Answers)
		}
	}
}

func TestJudgeOfTheWhole(t *testing.T) {
	c := clerk(t)
	s := c.mustService(t, "DEC-GOODS")
	sc := Scene{Lang: "en", Channel: "email", Now: monday}
	row := "090121|BR|1|2|3|EUR|P1"
	head := "HS code|country|net|gross|value|currency|package"
	for name, x := range map[string]struct {
		t     table.Table
		given []Entry
		want  string
	}{
		"beside the table": {sheet(head, row), []Entry{{"company", "12-345678-C"}, {"week", "2026-W47"}}, ""},
		"missing":          {sheet(head, row), []Entry{{"company", "12-345678-C"}}, "Week: is missing - Year and week, e.g. 2026-W47"},
		"wrong company":    {sheet(head, row), []Entry{{"company", "12-345678-X"}, {"week", "2026-W47"}}, `Company number: "12-345678-X" - Two, six figures and the check letter, e.g. 12-345678-C`},
		"a column":         {sheet("HS code|country|net|gross|value|currency", "090121|BR|1|2|3|EUR"), []Entry{{"company", "12-345678-C"}, {"week", "2026-W47"}}, "Package: is missing - the file has no such column; please add it (package)"},
		"no row":           {sheet(head), []Entry{{"company", "12-345678-C"}, {"week", "2026-W47"}}, `Goods: "0" - Between one and 5000 rows are needed.`},
	} {
		v := c.Judge(s, x.t, x.given, nil, sc)
		var got []string
		for _, f := range v.Faults {
			got = append(got, c.Word(f, sc))
		}
		if strings.Join(got, "\n") != x.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	v := c.Judge(s, sheet("colour|"+head, "red|"+row), []Entry{{"company", "12-345678-C"}, {"week", "2026-W47"}}, nil, sc)
	if !slices.Equal(v.Aside, []string{"colour"}) || len(v.Good) != 1 {
		t.Errorf("aside %v, good %v", v.Aside, v.Good)
	}
}

// TestRowsComeBack: a row is found by the number it had, by its place in a whole file, by its package, and alone.
func TestRowsComeBack(t *testing.T) {
	c := clerk(t)
	s := c.mustService(t, "DEC-GOODS")
	open := []BadRow{{Number: 7, Cells: map[string]string{"hs": "84713", "package": "P7"}}, {Number: 15, Cells: map[string]string{"hs": "1", "package": "P15"}}}
	of := sheet("hs|package", "847130|Q", "2|Q")
	of.Rows[0].Of, of.Rows[1].Of = 15, 7
	whole := table.Table{Header: []string{"hs", "package"}}
	for n := 2; n <= 21; n++ {
		whole.Rows = append(whole.Rows, table.Row{Number: n, Cells: []table.Cell{{Text: fmt.Sprint(n)}, {Text: "x"}}})
	}
	for name, x := range map[string]struct {
		t    table.Table
		want string
	}{
		"number":  {of, "7=2 15=847130 "},
		"whole":   {whole, "7=7 15=15 "},
		"package": {sheet("hs|package", "9|P15", "8|P1"), "15=9 "},
		"alone":   {sheet("hs|country", "8|BR", "9|BR"), "7=8 15=9 "},
		"other":   {sheet("hs|package", "8|P1"), ""},
		"no rows": {sheet("colour", "red"), ""},
	} {
		got := ""
		all := c.RowsFor(s, x.t, open, 20)
		for _, n := range []int{7, 15} {
			if cells, ok := all[n]; ok {
				got += fmt.Sprintf("%d=%s ", n, cells["hs"])
			}
		}
		if got != x.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestCellAhead(t *testing.T) {
	c := clerk(t)
	f := c.mustService(t, "DEC-GOODS").RowsField()
	for said, want := range map[string]string{"HS code: 847130": "hs=847130", "hs 847130": "hs=847130", "Poids": "", "Net kg = 1,5": "net=1,5", "brut kg 12": "gross=12", "847130": ""} {
		column, value, ok := c.CellAhead(f, said)
		if got := column + "=" + value; ok != (want != "") || ok && got != want {
			t.Errorf("%q is %s", said, got)
		}
	}
}
