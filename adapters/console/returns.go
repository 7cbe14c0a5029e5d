package console

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/adapters"
	"gatehouse/adapters/register"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

const (
	// gridPeriods is how many periods a page of the grid has, csvPeriods how many its file: a year of weeks.
	gridPeriods = 8
	csvPeriods  = 53
	// maxOwing bounds the companies that a grid reads.
	maxOwing = 20_000
)

// How a company stands with one period.
const (
	standFiled   = "filed"
	standNil     = "nil"
	standLate    = "late"
	standOpen    = "open"    // filed, and rows are still to be put right
	standMissing = "missing" // its day is over
	standDue     = "due"     // its day comes
	standNone    = "none"    // not owed, and nothing came
)

// stands lists them as a filter offers them.
func stands() []string {
	return []string{standMissing, standDue, standOpen, standLate, standFiled, standNil}
}

// cell is one company in one period.
type cell struct {
	Period service.Period
	Stand  string
	Is     adapters.ReturnLine // the newest; zero: nothing came
	Times  int                 // how often it was declared
	Open   int                 // rows to be put right
	Until  time.Time
	Review bool // rows wait for an officer
}

// Tone is the colour of a cell.
func (c cell) Tone() string {
	switch c.Stand {
	case standFiled, standNil:
		return "good"
	case standLate, standOpen:
		return "warn"
	case standMissing:
		return "bad"
	}
	return "info"
}

// cellOf tells how a company stands with a period, by what it declared for it, the oldest first.
func cellOf(p service.Period, d adapters.Duty, all []adapters.ReturnLine, now time.Time, loc *time.Location) cell {
	c := cell{Period: p, Stand: standNone, Times: len(all)}
	for _, r := range all {
		c.Open += r.Open
		c.Review = c.Review || !r.Review.IsZero()
		if r.Open > 0 && (c.Until.IsZero() || r.OpenUntil.Before(c.Until)) {
			c.Until = r.OpenUntil
		}
	}
	from, until, _ := service.Days(d.From, d.Until)
	switch {
	case len(all) > 0:
		c.Is = all[len(all)-1]
		c.Stand = standOf(c, all, p.Deadline(loc))
	case d.Service == "" || !p.Owed(from, until):
	case now.Before(p.Deadline(loc)):
		c.Stand = standDue
	default:
		c.Stand = standMissing
	}
	return c
}

func standOf(c cell, all []adapters.ReturnLine, deadline time.Time) string {
	rows := 0
	for _, r := range all {
		rows += r.Rows
	}
	switch {
	case c.Open > 0:
		return standOpen
	case !all[0].Filed.Before(deadline):
		return standLate
	case rows == 0:
		return standNil
	}
	return standFiled
}

// gridRow is one company with its cells.
type gridRow struct {
	Company adapters.Company
	Cells   []cell
}

type returnsPage struct {
	Service         string
	Name            string
	Words, Stand    string
	Services        []choice
	Stands          []choice
	Periods         []service.Period
	Rows            []gridRow
	Older, Newer    string // addresses of neighbouring periods; empty: none
	Back, More, CSV string
	Skip, Count     int
	Parked, Held    int // outside
	Oldest, Counted time.Time
	sum             map[string]int
}

// Place tells which companies the page shows.
func (p returnsPage) Place() string {
	return fmt.Sprintf("%d–%d / %d", min(p.Skip+1, p.Count), p.Skip+len(p.Rows), p.Count)
}

// Sum counts the cells of all pages that stand so.
func (p returnsPage) Sum(stand string) int { return p.sum[stand] }

// Last is the place of the newest period.
func (p returnsPage) Last() int { return len(p.Periods) - 1 }

// tableCell is a cell with the words to say it in.
type tableCell struct {
	*sheet
	Cell cell
}

// Cell gives a cell to its template, StandTone the colour of how something stands.
func (s *sheet) Cell(c cell) tableCell { return tableCell{s, c} }

// StandTone is the colour of how a company stands.
func (s *sheet) StandTone(stand string) string { return cell{Stand: stand}.Tone() }

// returnRoutes lists the pages of declarations by company and period.
func (c *Console) returnRoutes(only func(pattern string, h handler, roles ...adapters.Role)) {
	only("GET /returns", c.returns, adapters.Officer, adapters.Auditor)
	only("GET /returns.csv", c.exportReturns, adapters.Officer, adapters.Auditor)
}

// owingServices are the declarations that the calendar asks for and the reader may see.
func (c *Console) owingServices(v *visit) (all []*service.Service) {
	for _, s := range c.Catalog.All() {
		if s.Declare.Due.Every != "" && v.Me.MaySee(s.Department) {
			all = append(all, s)
		}
	}
	return all
}

// asked reads which grid is wanted: the service, and its last n periods up to the one that is named.
func (c *Console) asked(r *http.Request, v *visit, n int) (*service.Service, []service.Period) {
	all, q := c.owingServices(v), r.URL.Query()
	i := max(0, slices.IndexFunc(all, func(s *service.Service) bool { return s.Code == q.Get("service") }))
	if len(all) == 0 {
		return nil, nil
	}
	to := service.DayOf(v.Now.In(c.Catalog.City.Location())).Add(-1)
	if p, ok := all[i].PeriodNamed(q.Get("to")); ok && p.Last.Before(to) {
		to = p.Last
	}
	periods := all[i].Periods(to.Add(-366*3), to)
	return all[i], periods[max(0, len(periods)-n):]
}

// returns shows companies by periods.
func (c *Console) returns(w http.ResponseWriter, r *http.Request, v *visit) error {
	s, periods := c.asked(r, v, gridPeriods)
	q := r.URL.Query()
	p := returnsPage{Words: strings.TrimSpace(q.Get("q")), Stand: q.Get("stand"), Periods: periods}
	if s == nil || len(periods) == 0 {
		return c.render(w, v, http.StatusOK, "returns", p)
	}
	p.Service, p.Name = s.Code, s.Name.In(v.Lang)
	if err := c.lookedUp(r, v, s.Code+" "+periods[0].Name+" – "+periods[len(periods)-1].Name); err != nil {
		return err
	}
	rows, err := c.grid(r.Context(), v, s, periods, p.Words)
	if err != nil {
		return err
	}
	p.sum = sums(rows)
	if p.Stand != "" {
		rows = slices.DeleteFunc(rows, func(row gridRow) bool {
			return !slices.ContainsFunc(row.Cells, func(x cell) bool { return x.Stand == p.Stand })
		})
	}
	p.Skip, _ = strconv.Atoi(q.Get("skip"))
	p.Skip, p.Count = min(max(p.Skip, 0), len(rows)), len(rows)
	p.Rows = rows[p.Skip:min(len(rows), p.Skip+pageSize)]
	c.aroundGrid(&p, s, v)
	if err := c.waitingOutside(r.Context(), &p); err != nil {
		return err
	}
	return c.render(w, v, http.StatusOK, "returns", p)
}

// sums counts the cells of all rows by how they stand.
func sums(rows []gridRow) map[string]int {
	all := map[string]int{}
	for _, row := range rows {
		for _, x := range row.Cells {
			all[x.Stand]++
		}
	}
	return all
}

// aroundGrid fills in the lists and links around a grid.
func (c *Console) aroundGrid(p *returnsPage, s *service.Service, v *visit) {
	for _, x := range c.owingServices(v) {
		p.Services = append(p.Services, choice{x.Code, x.Name.In(v.Lang), x.Code == s.Code})
	}
	for _, stand := range stands() {
		p.Stands = append(p.Stands, choice{stand, c.Texts.Text(v.Lang, "console.return."+stand, nil), stand == p.Stand})
	}
	last := p.Periods[len(p.Periods)-1]
	address := func(path, to string, skip int) string {
		q := url.Values{"service": {s.Code}, "to": {to}, "q": {p.Words}, "stand": {p.Stand}}
		if skip > 0 {
			q.Set("skip", strconv.Itoa(skip))
		}
		return path + "?" + q.Encode()
	}
	p.CSV = address("/returns.csv", last.Name, 0)
	if before := s.Periods(p.Periods[0].First.Add(-200), p.Periods[0].First.Add(-1)); len(before) > 0 {
		p.Older = address("/returns", before[len(before)-1].Name, 0)
	}
	today := service.DayOf(v.Now.In(c.Catalog.City.Location()))
	if after := s.Periods(last.First.Add(1), today.Add(-1)); len(after) > 1 {
		p.Newer = address("/returns", after[min(len(after), gridPeriods+1)-1].Name, 0)
	}
	if p.Skip > 0 {
		p.Back = address("/returns", last.Name, max(0, p.Skip-pageSize))
	}
	if p.Skip+len(p.Rows) < p.Count {
		p.More = address("/returns", last.Name, p.Skip+pageSize)
	}
}

// grid gives every company that owes one of the periods, or declared for it, whose name or number has the words.
func (c *Console) grid(ctx context.Context, v *visit, s *service.Service, periods []service.Period, words string) ([]gridRow, error) {
	companies, err := c.everyCompany(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(periods))
	for i, p := range periods {
		names[i] = p.Name
	}
	all, err := c.Store.Returned(ctx, s.Code, nil, names)
	if err != nil {
		return nil, err
	}
	given := map[string][]adapters.ReturnLine{}
	for _, r := range all {
		given[r.Company+" "+r.Period] = append(given[r.Company+" "+r.Period], r)
		if _, ok := companies[r.Company]; !ok {
			companies[r.Company] = adapters.Company{Number: r.Company}
		}
	}
	var rows []gridRow
	for _, company := range companies {
		row := gridRow{Company: company}
		d, _ := company.Duty(s.Code)
		if company.Status == adapters.Suspended {
			d = adapters.Duty{}
		}
		shown := false
		for _, p := range periods {
			x := cellOf(p, d, given[company.Number+" "+p.Name], v.Now, c.Catalog.City.Location())
			row.Cells = append(row.Cells, x)
			shown = shown || x.Stand != standNone
		}
		if shown && strings.Contains(strings.ToLower(company.Name+" "+company.Number), strings.ToLower(words)) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b gridRow) int {
		return cmp.Or(strings.Compare(a.Company.Name, b.Company.Name), strings.Compare(a.Company.Number, b.Company.Number))
	})
	return rows, nil
}

// everyCompany reads the register, up to maxOwing.
func (c *Console) everyCompany(ctx context.Context) (map[string]adapters.Company, error) {
	all := map[string]adapters.Company{}
	for skip, more := 0, true; more && skip < maxOwing; {
		var page []adapters.Company
		var err error
		if page, more, err = c.Store.Companies(ctx, "", adapters.MaxList, skip); err != nil {
			return nil, err
		}
		skip += len(page)
		for _, company := range page {
			all[company.Number] = company
		}
	}
	return all, nil
}

// waitingOutside fills in what waits outside, as the gateway counted it last.
func (c *Console) waitingOutside(ctx context.Context, p *returnsPage) error {
	t, err := c.Store.Tallied(ctx, exchange.AboutWaiting)
	if notFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	w := t.Waiting()
	p.Oldest, p.Counted = w.Oldest, t.At
	for _, n := range w.Parked {
		p.Parked += int(n)
	}
	for _, n := range w.Held {
		p.Held += int(n)
	}
	return nil
}

// exportReturns gives the grid as CSV, a line a company and period.
func (c *Console) exportReturns(w http.ResponseWriter, r *http.Request, v *visit) error {
	s, periods := c.asked(r, v, csvPeriods)
	if s == nil || len(periods) == 0 {
		return adapters.ErrNotFound
	}
	if err := c.lookedUp(r, v, s.Code+" CSV"); err != nil {
		return err
	}
	rows, err := c.grid(r.Context(), v, s, periods, strings.TrimSpace(r.URL.Query().Get("q")))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="declarations.csv"`)
	out := csv.NewWriter(w)
	if err := out.Write([]string{"number", "name", "service", "period", "due", "state", "filed", "rows", "to_correct", "reference"}); err != nil {
		return err
	}
	stand := r.URL.Query().Get("stand")
	for _, row := range rows {
		for _, x := range row.Cells {
			if x.Stand == standNone || stand != "" && x.Stand != stand {
				continue
			}
			if err := out.Write(x.record(row.Company, s.Code)); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

func (c cell) record(company adapters.Company, code string) []string {
	filed, rows, open := "", "", ""
	if c.Times > 0 {
		filed, rows, open = c.Is.Filed.UTC().Format(time.RFC3339), strconv.Itoa(c.Is.Rows), strconv.Itoa(c.Open)
	}
	return []string{company.Number, register.Guard(company.Name), code, c.Period.Name, c.Period.Due.String(), c.Stand, filed, rows, open, c.Is.Reference}
}

// owed is one duty of a company with its periods, the newest first.
type owed struct {
	Duty  adapters.Duty
	Name  string
	Cells []cell
}

// standing fills in how a company stands: what it owes, and what it declared.
func (c *Console) standing(ctx context.Context, v *visit, p *companyPage) error {
	today := service.DayOf(v.Now.In(c.Catalog.City.Location()))
	for _, s := range c.owingServices(v) {
		d, ok := p.Company.Duty(s.Code)
		if !ok {
			continue
		}
		periods := s.Periods(today.Add(-366), today.Add(-1))
		periods = periods[max(0, len(periods)-gridPeriods):]
		var names []string
		for _, x := range periods {
			names = append(names, x.Name)
		}
		all, err := c.Store.Returned(ctx, s.Code, []string{p.Company.Number}, names)
		if err != nil {
			return err
		}
		o := owed{Duty: d, Name: s.Name.In(v.Lang)}
		for _, x := range slices.Backward(periods) {
			mine := slices.DeleteFunc(slices.Clone(all), func(r adapters.ReturnLine) bool { return r.Period != x.Name })
			o.Cells = append(o.Cells, cellOf(x, d, mine, v.Now, c.Catalog.City.Location()))
		}
		p.Owed = append(p.Owed, o)
	}
	all, err := c.Store.ReturnsOf(ctx, p.Company.Number, pageSize)
	if err != nil {
		return err
	}
	for _, r := range all {
		if s, ok := c.Catalog.ByCode(r.Service); ok && v.Me.MaySee(s.Department) {
			p.Returns = append(p.Returns, r)
		}
	}
	t, err := c.Store.Tallied(ctx, exchange.AboutWaiting)
	if notFound(err) {
		return nil
	}
	w := t.Waiting()
	p.Parked, p.Held = int(w.Parked[p.Company.Number]), int(w.Held[p.Company.Number])
	return err
}
