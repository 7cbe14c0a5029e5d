package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"gatehouse/adapters"
	"gatehouse/adapters/register"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// maxWaiting bounds the enrolments that are listed, maxChanges the lines that one shows.
const (
	maxWaiting = 50
	maxChanges = 300
)

// registerRoutes lists the pages of the register of companies.
func (c *Console) registerRoutes(only func(pattern string, h handler, roles ...adapters.Role)) {
	readers := []adapters.Role{adapters.Officer, adapters.Approver, adapters.Auditor}
	only("GET /companies", c.companies, readers...)
	only("GET /companies.csv", c.exportCompanies, adapters.Officer)
	only("GET /companies/import", c.newImport, adapters.Officer)
	only("POST /companies/import", c.checkImport, adapters.Officer)
	only("POST /companies/import/take", c.takeImport, adapters.Officer)
	only("GET /companies/{number}", c.company, readers...)
	only("POST /companies/{number}", c.changeCompany, adapters.Officer)
	only("GET /enrolments/{id}", c.enrolment, readers...)
	only("POST /enrolments/{id}/confirm", c.confirmEnrolment, adapters.Approver)
	only("POST /enrolments/{id}/decline", c.declineEnrolment, adapters.Approver)
}

type companiesPage struct {
	Words      string
	Companies  []adapters.Company
	Waiting    []adapters.Enrolment
	Back, More string // addresses of the neighbouring pages; empty: none
	May        bool   // the reader may change the register
}

// companies lists and searches the register. A search tells something, so it is logged as a look.
func (c *Console) companies(w http.ResponseWriter, r *http.Request, v *visit) error {
	p := companiesPage{Words: strings.TrimSpace(r.URL.Query().Get("q")), May: v.Me.Has(adapters.Officer)}
	skip, _ := strconv.Atoi(r.URL.Query().Get("skip"))
	skip = min(max(skip, 0), 1_000_000)
	if err := c.lookedUp(r, v, p.Words); err != nil {
		return err
	}
	all, more, err := c.Store.Companies(r.Context(), p.Words, pageSize, skip)
	if err != nil {
		return err
	}
	if p.Waiting, err = c.Store.Enrolments(r.Context(), maxWaiting); err != nil {
		return err
	}
	p.Companies = all
	address := func(skip int) string {
		return "/companies?" + url.Values{"q": {p.Words}, "skip": {strconv.Itoa(skip)}}.Encode()
	}
	if more {
		p.More = address(skip + pageSize)
	}
	if skip > 0 {
		p.Back = address(max(0, skip-pageSize))
	}
	return c.render(w, v, http.StatusOK, "companies", p)
}

// lookedUp logs what of the register is about to be shown; nothing: nobody was asked for.
func (c *Console) lookedUp(r *http.Request, v *visit, about string) error {
	if about == "" {
		return nil
	}
	return c.Store.Looked(r.Context(), adapters.Read{At: v.Now, Staff: v.Me.ID, What: "register", About: first(about, maxGist)})
}

type companyPage struct {
	Company  adapters.Company
	New, May bool
	Services []dutyChoice
	Form     form
	// How it stands: what it owes, what it declared, and what waits outside.
	Owed         []owed
	Returns      []adapters.ReturnLine
	Parked, Held int
}

// dutyChoice is a declaration that a company may owe.
type dutyChoice struct {
	choice
	From, Until string
}

func (c *Console) companyPage(v *visit, company adapters.Company, f form) companyPage {
	p := companyPage{Company: company, New: company.Version == 0, May: v.Me.Has(adapters.Officer), Form: f}
	for _, s := range c.Catalog.All() {
		if s.Kind != service.Declaration {
			continue
		}
		d, chosen := company.Duty(s.Code)
		p.Services = append(p.Services, dutyChoice{choice{s.Code, s.Name.In(v.Lang), chosen}, d.From, d.Until})
	}
	return p
}

// company shows one, with its clerks.
func (c *Console) company(w http.ResponseWriter, r *http.Request, v *visit) error {
	number := r.PathValue("number")
	if number == "new" {
		return c.render(w, v, http.StatusOK, "company", c.companyPage(v, adapters.Company{Status: adapters.Active}, form{}))
	}
	company, err := c.Store.Company(r.Context(), number)
	if err != nil {
		return err
	}
	if err := c.lookedUp(r, v, number); err != nil {
		return err
	}
	p := c.companyPage(v, company, form{})
	if err := c.standing(r.Context(), v, &p); err != nil {
		return err
	}
	return c.render(w, v, http.StatusOK, "company", p)
}

// changeCompany does what one of the page's forms asks for.
func (c *Console) changeCompany(w http.ResponseWriter, r *http.Request, v *visit) error {
	company, err := c.companyOf(r)
	if err != nil {
		return err
	}
	next := c.changed(r, v, company)
	waits, err := c.book.Put(r.Context(), v.Me, next)
	var fault adapters.Fault
	if errors.As(err, &fault) {
		return c.render(w, v, http.StatusUnprocessableEntity, "company", c.companyPage(v, next, formOf(r, "company", fault)))
	}
	if err != nil {
		return err
	}
	if waits != "" {
		return c.said(w, r, "console.said.enrolled", "/enrolments/"+url.PathEscape(waits))
	}
	return c.said(w, r, "console.said.company", "/companies/"+url.PathEscape(next.Number))
}

// companyOf is the company that a form is about, at the version that its reader saw.
func (c *Console) companyOf(r *http.Request) (adapters.Company, error) {
	number := r.PathValue("number")
	if number == "new" {
		number = strings.ToUpper(exchange.NormalizeLine(r.PostFormValue("number")))
		return adapters.Company{Number: number, Status: adapters.Active}, nil
	}
	company, err := c.Store.Company(r.Context(), number)
	if err == nil && r.PostFormValue("version") != strconv.FormatUint(company.Version, 10) {
		err = adapters.ErrMoved
	}
	return company, err
}

// changed gives the company as the form asks for.
func (c *Console) changed(r *http.Request, v *visit, company adapters.Company) adapters.Company {
	clerk, _ := company.Clerk(r.PostFormValue("clerk"))
	if company.Version == 0 {
		company.Since = v.Now
	}
	set := func(status adapters.Standing) adapters.Company {
		clerk.Status, clerk.Since = status, v.Now
		return company.With(clerk)
	}
	address := exchange.NormalizeLine(r.PostFormValue("address"))
	switch act := r.PostFormValue("act"); {
	case act == "save":
		company.Name, company.Declares = exchange.NormalizeLine(r.PostFormValue("name")), nil
		for _, code := range r.PostForm["declares"] {
			company.Declares = append(company.Declares, adapters.Duty{Service: code, From: r.PostFormValue("from-" + code), Until: r.PostFormValue("until-" + code)})
		}
		if address != "" {
			return company.With(adapters.Clerk{ID: c.NewID(), Address: address, Admin: true, Status: adapters.Active, Since: v.Now})
		}
	case act == "add":
		return company.With(adapters.Clerk{ID: c.NewID(), Address: address, Admin: r.PostFormValue("role") == "admin", Status: adapters.Active, Since: v.Now})
	case act == "suspend" && clerk.ID == "":
		company.Status, company.Since = adapters.Suspended, v.Now
	case act == "resume" && clerk.ID == "":
		company.Status, company.Since = adapters.Active, v.Now
	case clerk.ID == "" || clerk.Status == adapters.Gone: // who left stays away
	case act == "suspend":
		return set(adapters.Suspended)
	case act == "resume":
		return set(adapters.Active)
	case act == "left":
		return set(adapters.Gone)
	case act == "role":
		clerk.Admin = !clerk.Admin
		return company.With(clerk)
	}
	return company
}

// fulfil makes the change to the register that a case asks for; it is noted in the case.
func (c *Console) fulfil(w http.ResponseWriter, r *http.Request, v *visit) error {
	rec, err := c.Store.Record(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	asked, ok := register.AskedBy(rec.Case)
	if !ok || rec.Closed() || !v.Me.MaySee(rec.Department) {
		return adapters.ErrNotFound
	}
	if !v.Me.MayWork(rec.Department) {
		return adapters.ErrForbidden
	}
	if err := c.lookedUp(r, v, asked.Company); err != nil {
		return err
	}
	waits, err := c.book.Fulfil(r.Context(), v.Me, asked)
	if err != nil {
		return c.acted(w, r, v, "register", "", err)
	}
	said := "console.said.company"
	if waits != "" {
		said = "console.said.enrolled"
	}
	err = c.Desk.Note(r.Context(), v.Me, rec.ID(), c.Texts.Text(v.Lang, said, nil))
	if waits != "" && err == nil {
		return c.said(w, r, said, "/enrolments/"+url.PathEscape(waits))
	}
	return c.acted(w, r, v, "register", said, err)
}

type enrolmentPage struct {
	Enrolment adapters.Enrolment
	Changes   []register.Change
	Hidden    int // changes that are not shown
	Stale     bool
	May       bool // the reader is the second person
}

// enrolment shows what would change.
func (c *Console) enrolment(w http.ResponseWriter, r *http.Request, v *visit) error {
	e, err := c.Store.Enrolment(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := c.lookedUp(r, v, e.ID); err != nil {
		return err
	}
	p := enrolmentPage{Enrolment: e, May: e.State == adapters.Proposed && e.By != v.Me.ID && v.Me.Has(adapters.Approver)}
	if p.Changes, p.Stale, err = c.book.Diff(r.Context(), e); err != nil {
		return err
	}
	p.Hidden = max(0, len(p.Changes)-maxChanges)
	p.Changes = p.Changes[:len(p.Changes)-p.Hidden]
	return c.render(w, v, http.StatusOK, "enrolment", p)
}

func (c *Console) confirmEnrolment(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := c.book.Confirm(r.Context(), v.Me, r.PathValue("id")); err != nil {
		return err
	}
	return c.said(w, r, "console.said.confirmed", "/companies")
}

func (c *Console) declineEnrolment(w http.ResponseWriter, r *http.Request, v *visit) error {
	why := strings.TrimSpace(exchange.Normalize(r.PostFormValue("why")))
	if why == "" {
		return adapters.Fault{Field: "why", Key: "console.fault.empty"}
	}
	if err := c.book.Decline(r.Context(), v.Me, r.PathValue("id"), why); err != nil {
		return err
	}
	return c.said(w, r, "console.said.rejected", "/companies")
}

// declarant is the company that a case is from, as the register has it; nil: the case is from none.
func (c *Console) declarant(r *http.Request, rec adapters.Record) (*adapters.Company, error) {
	s, ok := c.Catalog.ByCode(rec.Case.Service)
	if !ok {
		return nil, nil
	}
	f, ok := s.Declarant()
	if !ok {
		return nil, nil
	}
	for _, a := range rec.Case.Answers {
		if a.Field != f.Name {
			continue
		}
		company, err := c.Store.Company(r.Context(), a.Value)
		if notFound(err) {
			return &adapters.Company{Number: a.Value}, nil
		}
		return &company, err
	}
	return nil, nil
}

// TrustTone is the colour of how sure the sender of something is.
func (s *sheet) TrustTone(trust string) string {
	switch trust {
	case "company-signed", "company", "confirmed", "carrier", "counter", "gateway":
		return "good"
	case "known", "domain", "signed":
		return "info"
	}
	return "warn"
}
