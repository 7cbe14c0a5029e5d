package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// pageSize is how many cases a list shows.
const pageSize = 30

// Views of the queue.
const (
	viewMine       = "mine"
	viewDepartment = "department"
	viewAll        = "all"
	viewClosed     = "closed"
	viewRows       = "rows" // with rows that an officer is to look at
)

type queuePage struct {
	View, Words, Department string
	Company                 string // number
	State                   exchange.State
	Departments, States     []choice
	Records                 []adapters.Record
	Skip                    int
	Back, More              string // addresses of the neighbouring pages; empty: none
	Count                   int    // of all pages, at most adapters.MaxCount + 1
}

// Newest tells whether the page goes by the day of filing.
func (p queuePage) Newest() bool { return p.View == viewClosed }

// ByRows tells whether the page goes by when kept rows are to be looked at.
func (p queuePage) ByRows() bool { return p.View == viewRows }

// Sought tells whether something was asked for.
func (p queuePage) Sought() bool {
	return p.Words != "" || p.Department != "" || p.State != "" || p.Company != ""
}

// Place tells which of how many cases the page shows: "31–60 / 300".
func (p queuePage) Place() string {
	all := strconv.Itoa(p.Count)
	if p.Count > adapters.MaxCount {
		all = strconv.Itoa(adapters.MaxCount) + "+"
	}
	return fmt.Sprintf("%d–%d / %s", p.Skip+1, p.Skip+len(p.Records), all)
}

// queue lists cases by due date. A search is a look too, because its hits tell something.
func (c *Console) queue(w http.ResponseWriter, r *http.Request, v *visit) error {
	if len(v.Me.Departments()) == 0 { // a publisher or an approver has no cases
		http.Redirect(w, r, "/answers", http.StatusSeeOther)
		return nil
	}
	q := r.URL.Query()
	p := queuePage{View: q.Get("view"), Words: strings.TrimSpace(q.Get("q")), Department: q.Get("department"), State: exchange.State(q.Get("state")), Company: strings.ToUpper(strings.TrimSpace(q.Get("company")))}
	if ref, ok := exchange.ParseReference(p.Words); ok {
		if rec, err := c.Store.ByReference(r.Context(), ref); err == nil && v.Me.MaySee(rec.Department) {
			http.Redirect(w, r, "/cases/"+url.PathEscape(rec.ID()), http.StatusSeeOther)
			return nil
		}
	}
	if p.Words != "" {
		if err := c.Store.Looked(r.Context(), adapters.Read{At: v.Now, Staff: v.Me.ID, What: "search", About: first(p.Words, maxGist)}); err != nil {
			return err
		}
	}
	f := c.filter(&p, v, q.Get("skip"))
	records, more, err := c.Store.List(r.Context(), f)
	if err != nil {
		return err
	}
	if p.Count, err = c.Store.Count(r.Context(), f); err != nil {
		return err
	}
	p.Records, p.Skip = records, f.Skip
	if more {
		p.More = p.address(f.Skip + pageSize)
	}
	if f.Skip > 0 {
		p.Back = p.address(max(0, f.Skip-pageSize))
	}
	p.Departments, p.States = c.departments(v, p.Department), c.states(v, p)
	return c.render(w, v, http.StatusOK, "queue", p)
}

func (c *Console) filter(p *queuePage, v *visit, skip string) adapters.Filter {
	f := adapters.Filter{Departments: v.Me.Departments(), Department: p.Department, State: p.State, Words: p.Words, Company: p.Company, Open: true, Limit: pageSize}
	f.Skip, _ = strconv.Atoi(skip)
	f.Skip = min(max(f.Skip, 0), 100_000)
	switch p.View {
	case viewMine:
		f.Assignee = v.Me.ID
	case viewAll:
	case viewRows:
		f.Kept, f.Sort = true, adapters.ByReview
	case viewClosed:
		f.Open, f.Sort = false, adapters.ByNewest
	default:
		if p.View = viewDepartment; v.Me.MaySee(v.Me.Department) && p.Department == "" {
			f.Department = v.Me.Department
		}
	}
	if (p.Words != "" || p.Company != "") && p.View == viewDepartment { // who searches wants to find
		p.View, f.Department = viewAll, p.Department
	}
	return f
}

func (p queuePage) address(skip int) string {
	q := url.Values{"view": {p.View}}
	if skip > 0 {
		q.Set("skip", strconv.Itoa(skip))
	}
	if p.Words != "" {
		q.Set("q", p.Words)
	}
	if p.Company != "" {
		q.Set("company", p.Company)
	}
	if p.State != "" {
		q.Set("state", string(p.State))
	}
	if p.Department != "" {
		q.Set("department", p.Department)
	}
	return "/?" + q.Encode()
}

// states lists those that the cases of a view may have.
func (c *Console) states(v *visit, p queuePage) []choice {
	all := []exchange.State{exchange.Received, exchange.InOA, exchange.WaitingYou, exchange.Reopened}
	if p.View == viewClosed {
		all = append(all, exchange.Decided)
	}
	var out []choice
	for _, s := range all {
		out = append(out, choice{string(s), c.Texts.Text(v.Lang, "console.state."+string(s), nil), s == p.State})
	}
	return out
}

// departments lists those that the reader sees.
func (c *Console) departments(v *visit, chosen string) []choice {
	var out []choice
	for _, d := range c.Catalog.City.Departments {
		if v.Me.MaySee(d.Code) {
			out = append(out, choice{d.Code, d.Name.In(v.Lang), d.Code == chosen})
		}
	}
	return out
}

// allDepartments lists every department.
func (c *Console) allDepartments(v *visit, chosen string) []choice {
	var out []choice
	for _, d := range c.Catalog.City.Departments {
		out = append(out, choice{d.Code, d.Name.In(v.Lang), d.Code == chosen})
	}
	return out
}
