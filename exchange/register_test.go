package exchange

import (
	"testing"
	"time"
)

// TestListing holds what a publication of the register may look like.
func TestListing(t *testing.T) {
	company, clerk := Listing{Company: "Northdock"}.Body(), Listing{Address: "customs@northdock.example", Admin: true}.Body()
	for name, c := range map[string]struct {
		name, body string
		ok         bool
	}{
		"company":            {"12-345678-C", company, true},
		"clerk":              {"12-345678-C/01", clerk, true},
		"clerk as company":   {"12-345678-C", clerk, false},
		"company as clerk":   {"12-345678-C/01", company, false},
		"both":               {"12-345678-C", Listing{Company: "a", Address: "b"}.Body(), false},
		"neither":            {"12-345678-C", Listing{}.Body(), false},
		"admin of nothing":   {"12-345678-C", Listing{Company: "a", Admin: true}.Body(), false},
		"written in our way": {"12-345678-C", " " + company, false},
		"more fields":        {"12-345678-C", `{"company":"a","address":"","admin":false,"x":1}`, false},
		"a break":            {"12-345678-C", Listing{Company: "a\nb"}.Body(), false},
	} {
		p := Publication{ID: "p", Sort: SortRegister, Name: c.name, Body: c.body, Revision: 1, At: time.Unix(1e9, 0)}
		if err := p.Check(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (Publication{ID: "p", Sort: SortRegister, Name: "12-345678-C/01", Removed: true}).Check(); err != nil {
		t.Errorf("a leaver: %v", err)
	}
	if l, err := ReadListing(clerk); err != nil || l.Address != "customs@northdock.example" || !l.Admin {
		t.Errorf("read %+v %v", l, err)
	}
}
