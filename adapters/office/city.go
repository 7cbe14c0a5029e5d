package office

import (
	"context"
	"fmt"
	"slices"

	"gatehouse/adapters"
	"gatehouse/configs/answers"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// fallback is the department of a service that is not in the catalogue, where it has one of that name.
const fallback = "desk"

// City answers, from the services' files, where a case belongs.
type City struct{ Catalog *service.Catalog }

// Route gives the name of a service's connector; empty in its file, or not known: the built-in desk.
func (c City) Route(code string) string {
	if s, ok := c.Catalog.ByCode(code); ok && s.Connector != "" {
		return s.Connector
	}
	return "desk"
}

// DepartmentOf gives the code of the department that a case belongs to: the one that an inquiry names, where there is
// such a one, else its service's.
func (c City) DepartmentOf(filed exchange.Case) string {
	s, ok := c.Catalog.ByCode(filed.Service)
	for _, a := range filed.Answers {
		if ok && s.Kind == service.Ask && a.Field == service.PutTo && c.Known(a.Value) {
			return a.Value
		}
	}
	return c.Department(filed.Service)
}

// Returned gives what a record says as a company's declaration, once a was added to it; nil for a: as it is filed. nil:
// its service is no declaration of companies, or it names none.
func (c City) Returned(r adapters.Record, a *exchange.Addition) *adapters.Return {
	s, ok := c.Catalog.ByCode(r.Case.Service)
	if !ok || s.Kind != service.Declaration || s.Declare.Company == "" {
		return nil
	}
	if a == nil {
		given := values(r.Case.Answers)
		out := &adapters.Return{Company: first(given[s.Declare.Company]), Period: first(given[s.Declare.Period]), Rows: s.RowCount(given)}
		out.Follow(r.Case.Rows, r.Case.Kept, rowsOf(s, given), r.Case.FiledAt, s.ReviewBy(r.Case.FiledAt, c.Catalog.City.Location()))
		if out.Company == "" {
			return nil
		}
		return out
	}
	if r.Return == nil {
		return nil
	}
	out := *r.Return
	out.Kept = slices.Clone(out.Kept)
	given := values(a.Answers)
	if a.Act == exchange.ActAmend && first(given[s.Declare.Company]) != "" { // all of it anew
		out.Company, out.Period, out.Rows, out.Kept = first(given[s.Declare.Company]), first(given[s.Declare.Period]), s.RowCount(given), nil
	}
	out.Follow(a.Rows, a.Kept, rowsOf(s, given), a.At, s.ReviewBy(a.At, c.Catalog.City.Location()))
	return &out
}

func rowsOf(s *service.Service, given map[string][]string) []string {
	if f := s.RowsField(); f != nil {
		return given[f.Name]
	}
	return nil
}

func values(answers []exchange.Answer) map[string][]string {
	all := map[string][]string{}
	for _, a := range answers {
		all[a.Field] = append(all[a.Field], a.Value)
	}
	return all
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// Department gives the code of a service's department.
func (c City) Department(code string) string {
	if s, ok := c.Catalog.ByCode(code); ok && c.Known(s.Department) {
		return s.Department
	}
	if !c.Known(fallback) && len(c.Catalog.City.Departments) > 0 {
		return c.Catalog.City.Departments[0].Code
	}
	return fallback
}

// Known tells whether there is a department with that code.
func (c City) Known(department string) bool {
	for _, d := range c.Catalog.City.Departments {
		if d.Code == department {
			return true
		}
	}
	return false
}

// Shelve puts the answers directory into the store as revision 0.
func Shelve(ctx context.Context, to adapters.Pages, all []answers.Page) error {
	pages := make([]adapters.Page, 0, len(all))
	for _, p := range all {
		b, err := p.Format()
		if err != nil {
			return fmt.Errorf("answer %s/%s: %w", p.Lang, p.ID, err)
		}
		pages = append(pages, adapters.Page{Name: p.ID, Lang: p.Lang, Title: p.Title, Staff: !p.Public(), Body: string(b)})
	}
	return to.Shelve(ctx, pages)
}
