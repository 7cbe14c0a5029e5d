package storetest

import (
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

func (t *suite) companies() {
	c := adapters.Company{Number: "12-345678-C", Name: "Northdock Goods", Status: adapters.Active, Since: t.now,
		Clerks: []adapters.Clerk{{ID: "1", Address: "customs@northdock.example", Status: adapters.Active, Since: t.now, Revision: 1}}}
	t.must(t.s.Enter(t.Context(), "", "", []adapters.Company{c, {Number: "21-000417-R", Name: "Harbour"}}, []exchange.Parcel{parcel("p")}))
	t.is("the same version again", t.s.Enter(t.Context(), "", "", []adapters.Company{c}, nil), adapters.ErrMoved)
	found := func(words string, want ...string) {
		t.Helper()
		page, more, err := t.s.Companies(t.Context(), words, 2, 0)
		t.must(err)
		var got []string
		for _, c := range page {
			got = append(got, c.Name)
		}
		if len(got) != len(want) || more || len(want) > 0 && got[0] != want[0] {
			t.Errorf("%q finds %v", words, got)
		}
	}
	found("", "Harbour", "Northdock Goods")
	found("northd", "Northdock Goods")
	found("12345678C", "Northdock Goods")
	found("Customs@northdock.example", "Northdock Goods")
	found("nobody@northdock.example")
	got, err := t.s.Company(t.Context(), c.Number)
	t.must(err)
	if got.Version != 1 || len(got.Clerks) != 1 || got.Clerks[0].Address != "customs@northdock.example" || t.waiting() != 1 {
		t.Errorf("company %+v, told %d times", got, t.waiting())
	}
	page, more, err := t.s.Companies(t.Context(), "", 1, 1)
	t.must(err)
	if len(page) != 1 || page[0].Number != c.Number || more {
		t.Errorf("second page %+v %v", page, more)
	}
	got.Clerks = nil
	t.must(t.s.Enter(t.Context(), "", "", []adapters.Company{got}, nil))
	found("customs@northdock.example")
	_, err = t.s.Company(t.Context(), "99-999999-A")
	t.is("a company that is not there", err, adapters.ErrNotFound)
}

func (t *suite) enrolments() {
	e := adapters.Enrolment{ID: t.id(), By: "mei", At: t.now, State: adapters.Proposed, Companies: []adapters.Company{{Number: "12-345678-C", Name: "N"}}}
	t.must(t.s.Enrol(t.Context(), e))
	other := e
	other.ID = t.id()
	t.must(t.s.Enrol(t.Context(), other))
	all, err := t.s.Enrolments(t.Context(), 10)
	t.must(err)
	if len(all) != 2 || len(all[0].Companies) != 1 {
		t.Errorf("enrolments %+v", all)
	}
	t.is("by its author", t.s.Enter(t.Context(), e.ID, "mei", e.Companies, nil), adapters.ErrSamePerson)
	t.must(t.s.Enter(t.Context(), e.ID, "vera", e.Companies, []exchange.Parcel{parcel("p")}))
	t.is("twice", t.s.Enter(t.Context(), e.ID, "vera", nil, nil), adapters.ErrGone)
	t.is("over a change", t.s.Enter(t.Context(), other.ID, "vera", other.Companies, nil), adapters.ErrMoved)
	t.must(t.s.Unenrol(t.Context(), other.ID, "vera", "twice"))
	t.is("declined twice", t.s.Unenrol(t.Context(), other.ID, "vera", "twice"), adapters.ErrGone)
	got, err := t.s.Enrolment(t.Context(), other.ID)
	t.must(err)
	all, err = t.s.Enrolments(t.Context(), 10)
	t.must(err)
	if got.State != adapters.Rejected || got.Why != "twice" || len(got.Companies) != 0 || len(all) != 0 {
		t.Errorf("declined %+v, waiting %+v", got, all)
	}
}

func (t *suite) declared() {
	for _, number := range []string{"12-345678-C", "21-000417-R", ""} {
		t.put("revenue", time.Hour, func(r *adapters.Record) {
			r.Case.Answers = []exchange.Answer{{Field: "week", Value: "2026-W47"}, {Field: "company", Value: number}}
		})
	}
	for number, want := range map[string]int{"12-345678-C": 1, "21-000417-R": 0, "": 3} { // the second has a wrong letter
		n, err := t.s.Count(t.Context(), adapters.Filter{Departments: []string{"*"}, Company: number})
		t.must(err)
		if n != want {
			t.Errorf("%d cases of %q", n, number)
		}
	}
}
