package forms

import (
	"slices"
	"strings"

	"gatehouse/channels/text"
	"gatehouse/exchange/service"
	"gatehouse/gateway/table"
)

// separator is the decimal separator of a column of numbers, where the whole column settles it; 0: it doesn't.
func (j *judgement) separator(at int) rune {
	var all []string
	for _, r := range j.t.Rows {
		if cell := r.Cell(at); cell.Kind != table.Number {
			all = append(all, cell.Text)
		}
	}
	decimal, ok := table.Separator(all)
	if !ok {
		return 0
	}
	return decimal
}

// readDecimal reads a number whose decimal separator is known; 0: it must speak for itself.
func readDecimal(column *service.Field, said string, decimal rune) (string, bool) {
	if column.Kind == service.Money {
		said = strings.Trim(strings.ToUpper(said), " €$£EURO")
	}
	if decimal == 0 {
		v, ok := ParseNumber(said, false)
		return money(column, v, ok)
	}
	v, ok := table.Decimal(said, decimal)
	return money(column, v, ok && len(v) <= maxNumber)
}

// maxNumber bounds a number's length, with its separator.
const maxNumber = 19

// money gives an amount its two decimals; with more it is none.
func money(column *service.Field, v string, ok bool) (string, bool) {
	if !ok || column.Kind != service.Money {
		return v, ok
	}
	if _, cents, broken := strings.Cut(v, "."); broken && len(strings.TrimRight(cents, "0")) > 2 {
		return "", false
	}
	return twoDecimals(v), true
}

// bothWays tells whether a number reads with either separator: "1,240" is a thousand and more, or one and a quarter.
func bothWays(column *service.Field, said string) bool {
	_, a := readDecimal(column, said, '.')
	_, b := readDecimal(column, said, ',')
	return a && b
}

// suggest gives what was probably meant by a value that can't be read: one small change away, and right by the service's
// own checks.
func (j *judgement) suggest(column *service.Field, said string) (string, bool) {
	switch column.Kind {
	case service.Code:
		for _, guess := range guesses(column, strings.ToUpper(text.Digits(said))) {
			if v, ok := column.ReadCode(guess); ok && len(j.s.CheckRow(j.f, map[string]string{column.Name: v}, nil, j.sc.Now)) == 0 {
				return v, true
			}
		}
	case service.Choice:
		return j.nearest(column, said)
	}
	return "", false
}

// guesses are small changes to a code, the likeliest first: letters that look like figures and back, a zero that a
// spreadsheet cut off at the front, one that is missing at the end.
func guesses(column *service.Field, said string) []string {
	bare := strings.NewReplacer(" ", "", ".", "", "-", "").Replace(said)
	all := []string{bare, strings.NewReplacer("O", "0", "I", "1", "L", "1", "S", "5", "B", "8").Replace(bare)}
	switch {
	case column.Format != "hs":
		all = append(all, strings.NewReplacer("0", "O", "1", "I").Replace(bare), known(bare))
	case cutZero(bare):
		all = append(all, "0"+bare)
	default:
		all = append(all, bare+"0")
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// cutZero tells whether a code of the Harmonized System lost a zero at its front: the nine chapters that have one end
// at these headings (WCO, HS Nomenclature 2022).
func cutZero(code string) bool {
	last := []string{"06", "10", "10", "10", "11", "04", "14", "14", "10"}
	if len(code)%2 == 0 || len(code) < 3 || code[0] < '1' || code[0] > '9' {
		return false
	}
	heading := code[1:3]
	return heading >= "01" && heading <= last[code[0]-'1']
}

// known gives the code that a name stands for where a code belongs.
func known(name string) string {
	return map[string]string{
		"UK": "GB", "EL": "GR", "€": "EUR", "EURO": "EUR", "EUROS": "EUR", "$": "USD", "£": "GBP", "RMB": "CNY",
		"BRAZIL": "BR", "BRASIL": "BR", "CHINA": "CN", "FRANCE": "FR", "GERMANY": "DE", "SPAIN": "ES", "PORTUGAL": "PT", "ITALY": "IT",
		"USA": "US", "ENGLAND": "GB", "IRELAND": "IE", "NETHERLANDS": "NL", "MOROCCO": "MA", "CHN": "CN", "FRA": "FR", "DEU": "DE",
		"ESP": "ES", "PRT": "PT", "ITA": "IT", "BRA": "BR", "GBR": "GB", "NLD": "NL",
	}[name]
}

// nearest is the option one letter away.
func (j *judgement) nearest(column *service.Field, said string) (string, bool) {
	want := []rune(j.Grammar.Fold(said))
	for _, o := range column.Options {
		if label := o.Label.In(j.sc.Lang); oneApart(want, []rune(j.Grammar.Fold(label))) {
			return label, true
		}
	}
	return "", false
}

// oneApart tells whether one letter is missing, too many, wrong, or changed places with the next.
func oneApart(a, b []rune) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || len(a) < 3 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return slices.Equal(a[i:], b[i+1:])
	}
	if i == len(a) {
		return false
	}
	swapped := i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && slices.Equal(a[i+2:], b[i+2:])
	return swapped || slices.Equal(a[i+1:], b[i+1:])
}
