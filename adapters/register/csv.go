package register

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// Columns are those of a register as CSV, a line a clerk; a company without one has one line with an empty address. In declares
// stand the services, each with its days where they are not to stay as they are: "DEC-GOODS/2026-11-16 DEC-WASTE".
func Columns() []string {
	return []string{"number", "name", "status", "declares", "address", "role", "clerk"}
}

// Words of the columns role and clerk.
const (
	roleAdmin = "admin"
	roleClerk = "clerk"
)

// FileFault says where a file can't be taken and why.
type FileFault struct {
	Row    int    // as a spreadsheet counts, the header is 1
	Column string // of Columns; empty: the whole row
	Key    string // of the text that says it
}

// maxFaults bounds the faults that one reading gives.
const maxFaults = 100

// Drift is what a file would change.
type Drift struct {
	Companies []adapters.Company // each as it shall be
	New       int                // of these the companies that are not known yet
	Same      int                // companies of the file that would not change
	Clerks    int                // clerks that are new or change
}

// Read holds a whole file against the rules and against what is kept. With faults nothing of it may be taken. A file
// says nothing about companies and clerks that it does not name.
func (b *Book) Read(ctx context.Context, file []byte) (Drift, []FileFault, error) {
	lines, faults := parse(file)
	if len(faults) > 0 {
		return Drift{}, faults, nil
	}
	var d Drift
	all, faults := b.gather(ctx, lines)
	for _, p := range all {
		if p.err != nil {
			return d, nil, p.err
		}
		if p.same {
			d.Same++
			continue
		}
		if _, err := b.tidy(p.company); err != nil {
			faults = append(faults, faultOf(p.row, err))
			continue
		}
		if p.company.Version == 0 {
			d.New++
		}
		d.Clerks += p.clerks
		d.Companies = append(d.Companies, p.company)
	}
	if len(d.Companies) > MaxChange {
		faults = append(faults, FileFault{Row: lines[len(lines)-1].row, Key: "console.fault.company_many"})
	}
	slices.SortStableFunc(faults, func(a, b FileFault) int { return cmp.Compare(a.Row, b.Row) })
	return d, faults[:min(len(faults), maxFaults)], nil
}

func faultOf(row int, err error) FileFault {
	var f adapters.Fault
	if errors.As(err, &f) {
		return FileFault{Row: row, Column: f.Field, Key: f.Key}
	}
	return FileFault{Row: row, Key: "console.fault.csv"}
}

// line is one row of the file by column.
type line struct {
	row  int
	cell map[string]string
}

// parse reads UTF-8 with or without a mark at its beginning, parted by commas or semicolons as its header is.
func parse(file []byte) ([]line, []FileFault) {
	file = bytes.TrimPrefix(file, []byte("\uFEFF"))
	if !utf8.Valid(file) {
		return nil, []FileFault{{Row: 1, Key: "console.fault.csv_utf8"}}
	}
	r := csv.NewReader(bytes.NewReader(file))
	r.FieldsPerRecord = -1
	if head, _, _ := bytes.Cut(file, []byte("\n")); bytes.Count(head, []byte(";")) > bytes.Count(head, []byte(",")) {
		r.Comma = ';'
	}
	head, err := r.Read()
	if err != nil {
		return nil, []FileFault{{Row: 1, Key: "console.fault.csv"}}
	}
	var faults []FileFault
	for i := range head {
		head[i] = strings.ToLower(strings.TrimSpace(head[i]))
	}
	for _, c := range Columns() {
		if n := count(head, c); n != 1 {
			faults = append(faults, FileFault{Row: 1, Column: c, Key: "console.fault.csv_column"})
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return rows(r, head)
}

func count(all []string, s string) (n int) {
	for _, x := range all {
		if x == s {
			n++
		}
	}
	return n
}

func rows(r *csv.Reader, head []string) (all []line, faults []FileFault) {
	for {
		record, err := r.Read()
		switch {
		case errors.Is(err, io.EOF) && len(all)+len(faults) == 0:
			return nil, []FileFault{{Row: 1, Key: "console.fault.csv_empty"}}
		case errors.Is(err, io.EOF):
			return all, faults
		case err != nil:
			at := 1
			var p *csv.ParseError
			if errors.As(err, &p) {
				at = p.Line
			}
			return nil, append(faults, FileFault{Row: at, Key: "console.fault.csv"})
		}
		at, _ := r.FieldPos(0)
		if len(record) > len(head) {
			faults = append(faults, FileFault{Row: at, Key: "console.fault.csv_wide"})
			continue
		}
		l := line{row: at, cell: map[string]string{}}
		for i, v := range record {
			l.cell[head[i]] = plain(exchange.NormalizeLine(v))
		}
		if strings.Join(record, "") != "" {
			all = append(all, l)
		}
	}
}

// plain takes off the mark that Guard puts before what a spreadsheet would take for a formula.
func plain(s string) string {
	if len(s) > 1 && s[0] == '\'' && strings.ContainsRune("=+-@", rune(s[1])) {
		return s[1:]
	}
	return s
}

// planned is a company of the file.
type planned struct {
	company adapters.Company
	row     int // its first
	clerks  int
	same    bool
	err     error
}

// gather puts the lines of each company together over what is kept of it.
func (b *Book) gather(ctx context.Context, lines []line) ([]*planned, []FileFault) {
	var all []*planned
	var faults []FileFault
	known := map[string]*planned{}
	for _, l := range lines {
		number := strings.ToUpper(l.cell["number"])
		p := known[number]
		if p == nil {
			p = b.begin(ctx, number, l)
			known[number], all = p, append(all, p)
		} else if first := p.company; first.Name != l.cell["name"] || string(first.Status) != cmp.Or(strings.ToLower(l.cell["status"]), "active") {
			faults = append(faults, FileFault{Row: l.row, Column: "name", Key: "console.fault.csv_differs"})
		}
		if f, ok := p.clerk(l, b); !ok {
			faults = append(faults, f)
		}
	}
	return all, faults
}

func (b *Book) begin(ctx context.Context, number string, l line) *planned {
	old, err := b.Store.Company(ctx, number)
	p := &planned{row: l.row}
	if err != nil && !missing(err) {
		p.err = err
	}
	c := old
	c.Number, c.Name, c.Status = number, l.cell["name"], adapters.Standing(cmp.Or(strings.ToLower(l.cell["status"]), "active"))
	c.Declares = nil
	for _, word := range strings.Fields(strings.ToUpper(l.cell["declares"])) {
		d := adapters.ParseDuty(word)
		if before, ok := old.Duty(d.Service); ok && word == d.Service { // without days: they stay
			d = before
		}
		c.Declares = append(c.Declares, d)
	}
	slices.SortFunc(c.Declares, func(x, y adapters.Duty) int { return strings.Compare(x.Service, y.Service) })
	if c.Version == 0 || c.Status != old.Status {
		c.Since = b.Now()
	}
	p.company = c
	p.same = c.Version > 0 && c.Name == old.Name && c.Status == old.Status && slices.Equal(c.Declares, old.Declares)
	return p
}

// clerk adds a line's clerk, or changes the one with that address.
func (p *planned) clerk(l line, b *Book) (FileFault, bool) {
	if l.cell["address"] == "" {
		return FileFault{}, true
	}
	address, ok := Address(l.cell["address"])
	role := cmp.Or(strings.ToLower(l.cell["role"]), roleClerk)
	status := adapters.Standing(cmp.Or(strings.ToLower(l.cell["clerk"]), string(adapters.Active)))
	switch {
	case !ok:
		return FileFault{Row: l.row, Column: "address", Key: "console.fault.clerk_address"}, false
	case role != roleAdmin && role != roleClerk:
		return FileFault{Row: l.row, Column: "role", Key: "console.fault.clerk_role"}, false
	case status != adapters.Active && status != adapters.Suspended && status != adapters.Gone:
		return FileFault{Row: l.row, Column: "clerk", Key: "console.fault.clerk_status"}, false
	}
	k := adapters.Clerk{Address: address, Status: adapters.Suspended, Since: b.Now()}
	i := slices.IndexFunc(p.company.Clerks, func(k adapters.Clerk) bool { return k.Address == address && k.Status != adapters.Gone })
	switch {
	case i >= 0:
		k = p.company.Clerks[i]
	case status == adapters.Gone: // and is not there any more
		return FileFault{}, true
	default:
		k.ID = b.NewID()
	}
	if i >= 0 && k.Admin == (role == roleAdmin) && k.Status == status {
		return FileFault{}, true
	}
	if k.Status != status {
		k.Since = b.Now()
	}
	k.Admin, k.Status = role == roleAdmin, status
	p.company, p.same, p.clerks = p.company.With(k), false, p.clerks+1
	return FileFault{}, true
}

// Write gives all companies as a file that Read takes, a batch from the store at a time.
func (b *Book) Write(ctx context.Context, w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(Columns()); err != nil {
		return err
	}
	for skip, more := 0, true; more; {
		var page []adapters.Company
		var err error
		if page, more, err = b.Store.Companies(ctx, "", adapters.MaxList, skip); err != nil {
			return err
		}
		skip += len(page)
		for _, c := range page {
			for _, record := range records(c) {
				if err := out.Write(record); err != nil {
					return err
				}
			}
		}
	}
	out.Flush()
	return out.Error()
}

func records(c adapters.Company) (all [][]string) {
	var duties []string
	for _, d := range c.Declares {
		duties = append(duties, d.String())
	}
	head := []string{c.Number, Guard(c.Name), string(c.Status), strings.Join(duties, " ")}
	for _, k := range c.Clerks {
		role := roleClerk
		if k.Admin {
			role = roleAdmin
		}
		if k.Status != adapters.Gone {
			all = append(all, append(slices.Clone(head), Guard(k.Address), role, string(k.Status)))
		}
	}
	if len(all) == 0 {
		all = append(all, append(head, "", "", ""))
	}
	return all
}

// Guard keeps a spreadsheet from taking a text for a formula.
func Guard(s string) string {
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

func missing(err error) bool { return errors.Is(err, adapters.ErrNotFound) }
