package forms

import (
	"slices"

	"gatehouse/exchange/service"
)

// Declarants gives the numbers that a mailed form holds where it names the company which declares, each once: in lines
// of its text, and in a column of its table whose first row names it. What is no company number is left out.
func (c *Clerk) Declarants(s *service.Service, body string, table Sheet) []string {
	field, ok := s.Declarant()
	if !ok {
		return nil
	}
	var all []string
	add := func(said string) {
		if number, ok := readCompany(said); ok && !slices.Contains(all, number) {
			all = append(all, number)
		}
	}
	for _, e := range c.Lines(s, body) {
		if f, ok := c.fieldNamed(s, e.Name); ok && f.Name == field.Name {
			add(e.Value)
		}
	}
	if len(table) == 0 {
		return all
	}
	for i, head := range table[0] {
		if f, ok := c.fieldNamed(s, head); !ok || f.Name != field.Name {
			continue
		}
		for _, row := range table[1:] {
			if i < len(row) {
				add(row[i])
			}
		}
	}
	return all
}
