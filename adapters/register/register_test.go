package register

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/adapters/office"
	"gatehouse/adapters/store"
	"gatehouse/configs"
	"gatehouse/configs/city"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

var (
	mei  = adapters.Staff{ID: "mei", Roles: []adapters.Role{adapters.Officer}}
	vera = adapters.Staff{ID: "vera", Roles: []adapters.Role{adapters.Approver}}
)

// book is a Book over an empty store, and what crossed of it.
type book struct {
	*testing.T
	*Book
	db   *store.Store
	said []exchange.Publication
}

func open(t *testing.T) *book {
	t.Helper()
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	b := &book{T: t}
	var err error
	b.db, err = store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "office.db"), store.Options{Now: func() time.Time { return now }})
	b.must(err)
	t.Cleanup(func() { b.must(b.db.Close()) })
	services, err := service.Load(city.Services(), func(name string, b []byte, into any) error { return configs.Parse(name, b, into, os.LookupEnv) })
	b.must(err)
	n := 0
	gate := office.Gate{Check: func(context.Context, exchange.Document) error { return nil },
		Person: func(_ context.Context, id string) (adapters.Staff, error) {
			return map[string]adapters.Staff{"mei": mei, "vera": vera}[id], nil
		},
		Second: func(d exchange.Document) (exchange.Document, error) { return d, nil },
		Sign: func(d exchange.Document) (exchange.Document, error) {
			b.said = append(b.said, d.(exchange.Publication))
			return d, nil
		}}
	b.Book = &Book{Store: b.db, Gate: gate, Services: services, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return now }, NewID: func() string { n++; return fmt.Sprintf("id%04d", n) }}
	return b
}

func (b *book) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// enter puts a company in by both persons.
func (b *book) enter(c adapters.Company) adapters.Company {
	b.Helper()
	id, err := b.Put(b.Context(), mei, c)
	b.must(err)
	if id != "" {
		b.must(b.Confirm(b.Context(), vera, id))
	}
	got, err := b.db.Company(b.Context(), c.Number)
	b.must(err)
	return got
}

func northdock() adapters.Company {
	return adapters.Company{Number: "12-345678-C", Name: "Northdock Goods", Status: adapters.Active, Declares: []adapters.Duty{{Service: "DEC-GOODS"}},
		Clerks: []adapters.Clerk{{Address: "Customs@northdock.example", Admin: true, Status: adapters.Active}, {Address: "second@northdock.example", Status: adapters.Active}}}
}

// published says what crossed since it was asked last.
func (b *book) published() string {
	var all []string
	for _, p := range b.said {
		l, _ := exchange.ReadListing(p.Body)
		name, clerk := exchange.SplitListing(p.Name)
		if clerk != "" {
			name += "/"
		}
		all = append(all, fmt.Sprintf("%s r%d %s%s %s", name, p.Revision, l.Company, l.Address, p.Release.Policy))
	}
	b.said = nil
	return strings.Join(all, "\n")
}

// TestRightsNeedTwo: who gets a right waits for a second person, who loses it crosses at once and says no address.
func TestRightsNeedTwo(t *testing.T) {
	b := open(t)
	id, err := b.Put(t.Context(), mei, northdock())
	b.must(err)
	if id == "" || b.published() != "" {
		t.Fatal("a new company did not wait for a second person")
	}
	if err := b.Confirm(t.Context(), adapters.Staff{ID: "mei", Roles: []adapters.Role{adapters.Approver}}, id); !errors.Is(err, adapters.ErrSamePerson) {
		t.Errorf("its own author confirms: %v", err)
	}
	if err := b.Confirm(t.Context(), mei, id); !errors.Is(err, adapters.ErrForbidden) {
		t.Errorf("an officer confirms: %v", err)
	}
	b.must(b.Confirm(t.Context(), vera, id))
	want := "12-345678-C r1 Northdock Goods second\n12-345678-C/ r1 customs@northdock.example second\n12-345678-C/ r1 second@northdock.example second"
	if got := b.published(); got != want {
		t.Errorf("published\n%s", got)
	}
	c, err := b.db.Company(t.Context(), "12-345678-C")
	b.must(err)
	leaver := c.Clerks[1]
	leaver.Status = adapters.Gone
	c = b.enter(c.With(leaver))
	if got := b.published(); got != "12-345678-C/ r2  clean" {
		t.Errorf("a leaver: %s", got)
	}
	if c.Declares[0].String() != "DEC-GOODS/2026-11-23" {
		t.Errorf("a duty begins %s", c.Declares[0])
	}
	c.Declares[0].Until = "2026-12-31"
	c = b.enter(c)
	if l, _ := exchange.ReadListing(b.said[0].Body); len(l.Duties) != 1 || l.Duties[0].Until != "2026-12-31" {
		t.Errorf("duties crossed as %+v", l)
	}
	if got := b.published(); got != "12-345678-C r2 Northdock Goods second" || c.Version != 3 {
		t.Errorf("a duty: %s, version %d", got, c.Version)
	}
	c.Status = adapters.Suspended
	c = b.enter(c)
	if got := b.published(); got != "12-345678-C r3  clean" {
		t.Errorf("suspended: %s", got)
	}
	c.Status = adapters.Active
	b.enter(c)
	if got := b.published(); got != "12-345678-C r4 Northdock Goods second" {
		t.Errorf("back again: %s", got)
	}
	if _, err := b.Put(t.Context(), mei, northdock()); !errors.Is(err, adapters.ErrMoved) {
		t.Errorf("over a newer version: %v", err)
	}
	if _, err := b.Put(t.Context(), vera, c); !errors.Is(err, adapters.ErrForbidden) {
		t.Errorf("who is no officer: %v", err)
	}
}

// TestDeclined: what the second person declines changes nothing and keeps no address.
func TestDeclined(t *testing.T) {
	b := open(t)
	id, err := b.Put(t.Context(), mei, northdock())
	b.must(err)
	b.must(b.Decline(t.Context(), vera, id, "who is that?"))
	if err := b.Confirm(t.Context(), vera, id); !errors.Is(err, adapters.ErrGone) {
		t.Errorf("confirmed later: %v", err)
	}
	if _, err := b.db.Company(t.Context(), "12-345678-C"); !missing(err) {
		t.Errorf("the company is there: %v", err)
	}
}

// TestWhatCannotBe names the field at fault.
func TestWhatCannotBe(t *testing.T) {
	b := open(t)
	for field, change := range map[string]func(*adapters.Company){
		"number":      func(c *adapters.Company) { c.Number = "12-345678-D" },
		"name":        func(c *adapters.Company) { c.Name = " " },
		"status":      func(c *adapters.Company) { c.Status = "asleep" },
		"declares":    func(c *adapters.Company) { c.Declares = []adapters.Duty{{Service: "WST-BULK"}} },
		"declares ":   func(c *adapters.Company) { c.Declares[0].From = "2026-11-31" },
		"declares  ":  func(c *adapters.Company) { c.Declares[0].From, c.Declares[0].Until = "2026-11-30", "2026-11-29" },
		"declares   ": func(c *adapters.Company) { c.Declares = append(c.Declares, c.Declares[0]) },
		"address":     func(c *adapters.Company) { c.Clerks[1].Address = c.Clerks[0].Address },
	} {
		c := northdock()
		change(&c)
		var f adapters.Fault
		if _, err := b.Put(t.Context(), mei, c); !errors.As(err, &f) || f.Field != strings.TrimSpace(field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	for s, ok := range map[string]bool{"A@B.example": true, "a b@c.example": false, "a@b": false, "a@@b.example": false, "<a@b.example>": false,
		strings.Repeat("a", 65) + "@b.example": false, "ü@b.example": true, "a@.example": false} {
		if _, got := Address(s); got != ok {
			t.Errorf("%q is an address: %v", s, got)
		}
	}
}

// TestDutyIsReadAsOldRegistersHaveIt: the code alone, and as a file has it.
func TestDutyIsReadAsOldRegistersHaveIt(t *testing.T) {
	var c adapters.Company
	if err := json.Unmarshal([]byte(`{"Declares":["DEC-GOODS",{"Service":"DEC-WASTE","From":"2026-01-01"}]}`), &c); err != nil || len(c.Declares) != 2 ||
		c.Declares[0] != (adapters.Duty{Service: "DEC-GOODS"}) || c.Declares[1].From != "2026-01-01" {
		t.Errorf("%+v %v", c.Declares, err)
	}
	for _, s := range []string{"DEC-GOODS", "DEC-GOODS/2026-11-16", "DEC-GOODS/2026-11-16/2027-06-30", "DEC-GOODS//2027-06-30"} {
		if got := adapters.ParseDuty(s).String(); got != s {
			t.Errorf("%s is written %s", s, got)
		}
	}
}

const file = "\uFEFFnumber;name;status;declares;address;role;clerk\r\n" +
	"12-345678-C;Northdock Goods;active;DEC-GOODS;customs@northdock.example;admin;active\r\n" +
	"12-345678-C;Northdock Goods;active;DEC-GOODS;Second@northdock.example;;\r\n" +
	"21-000417-M;'=Harbour;;;;;\r\n"

// TestFile: a file is taken whole, comes back as it was written, and then changes nothing.
func TestFile(t *testing.T) {
	b := open(t)
	number := companyNumber(21_000_417)
	text := strings.Replace(file, "21-000417-M", number, 1)
	d, faults, err := b.Read(t.Context(), []byte(text))
	b.must(err)
	if len(faults) > 0 || d.New != 2 || d.Clerks != 2 || len(d.Companies) != 2 {
		t.Fatalf("%+v %+v", d, faults)
	}
	id, err := b.Put(t.Context(), mei, d.Companies...)
	b.must(err)
	b.must(b.Confirm(t.Context(), vera, id))
	var out bytes.Buffer
	b.must(b.Write(t.Context(), &out))
	if want := number + ",'=Harbour,active,,,,\n"; !strings.Contains(out.String(), want) {
		t.Errorf("written as\n%s", out.String())
	}
	d, faults, err = b.Read(t.Context(), out.Bytes())
	b.must(err)
	if len(faults) > 0 || len(d.Companies) != 0 || d.Same != 2 {
		t.Errorf("what was written is a change: %+v %+v", d, faults)
	}
	d, faults, err = b.Read(t.Context(), []byte(strings.Replace(out.String(), "second@northdock.example,clerk,active", "second@northdock.example,clerk,left", 1)))
	b.must(err)
	if len(faults) > 0 || len(d.Companies) != 1 || d.Clerks != 1 || d.Companies[0].Counting() != 1 {
		t.Errorf("a leaver in the file: %+v %+v", d, faults)
	}
}

func companyNumber(n int) string {
	return fmt.Sprintf("%02d-%06d-%c", n/1_000_000, n%1_000_000, "ZABCDEFGHIJKLMNOPQRSTUVWXY"[n%97%26])
}

// TestFileFaults: every fault is told with its row and column, and nothing is taken.
func TestFileFaults(t *testing.T) {
	const head = "number,name,status,declares,address,role,clerk\n"
	good := "12-345678-C,Northdock,active,DEC-GOODS,a@b.example,clerk,active\n"
	b := open(t)
	for name, c := range map[string]struct{ text, want string }{
		"no header":      {"", "1 "},
		"no rows":        {head, "1 "},
		"column missing": {"number,name\n", "1 status 1 declares 1 address 1 role 1 clerk"},
		"not utf-8":      {head + "\xff", "1 "},
		"check letter":   {head + "12-345678-D,N,,,,,\n", "2 number"},
		"several":        {head + good + "12-345678-C,Southdock,,,c@d.example,,\n,,,,x,,\n", "3 name 4 address 4 number"},
		"role":           {head + "12-345678-C,N,,,a@b.example,boss,\n", "2 role"},
		"clerk":          {head + "12-345678-C,N,,,a@b.example,,away\n", "2 clerk"},
		"service":        {head + "12-345678-C,N,,WST-BULK,,,\n", "2 declares"},
		"too wide":       {head + "12-345678-C,N,,,,,,x\n", "2 "},
		"quote":          {head + "\"12-345678-C\n", "2 "},
	} {
		d, faults, err := b.Read(t.Context(), []byte(c.text))
		b.must(err)
		var got []string
		for _, f := range faults {
			got = append(got, fmt.Sprintf("%d %s", f.Row, f.Column))
		}
		if strings.Join(got, " ") != c.want || len(d.Companies) > 0 && len(faults) == 0 {
			t.Errorf("%s: %q", name, got)
		}
	}
}
