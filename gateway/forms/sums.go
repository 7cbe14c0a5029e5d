package forms

import (
	"math/big"
	"strings"

	"gatehouse/exchange/service"
)

// AddSums adds the numbers of rows to the sums of their columns.
func AddSums(s *service.Service, sums map[string]string, rows []map[string]string) {
	f := s.RowsField()
	for i := range f.Fields {
		column := &f.Fields[i]
		if column.Kind != service.Number && column.Kind != service.Money {
			continue
		}
		sum, ok := new(big.Rat).SetString(firstWords(sums[column.Name], "0"))
		if !ok {
			continue
		}
		for _, cells := range rows {
			if v, ok := new(big.Rat).SetString(cells[column.Name]); ok {
				sum.Add(sum, v)
			}
		}
		sums[column.Name] = sum.FloatString(maxDecimals)
	}
}

// maxDecimals are those that a sum is kept with.
const maxDecimals = 9

// SumFaults checks the form's own fields against the sums of all rows that were filed, once none is open.
func (c *Clerk) SumFaults(s *service.Service, answers map[string][]string, sums map[string]string, sc Scene) []MailFault {
	f := s.RowsField()
	var all []MailFault
	scope := service.Scope{Answers: answers, Tables: s.Tables, Today: s.Today(sc.Now), Cells: func(name string) ([]string, bool) {
		field, column, _ := strings.Cut(name, ".")
		sum, ok := sums[column]
		return []string{sum}, ok && field == f.Name
	}}
	for _, check := range s.Dialogue.Checks {
		r, err := service.ParseRule(check.Rule)
		if err != nil || uniqueRule.MatchString(check.Rule) || !strings.Contains(check.Rule, f.Name+".") {
			continue
		}
		holds, ok := r.Holds(scope)
		field, known := s.Field(check.Field)
		if !ok || holds || !known {
			continue
		}
		said := "-"
		if field != f && len(answers[field.Name]) > 0 {
			said = s.Show(field.Name, answers[field.Name], sc.Lang)
		}
		all = append(all, MailFault{Label: field.Label.In(sc.Lang), Said: quoted(said), Want: check.Message.In(sc.Lang)})
	}
	return all
}
