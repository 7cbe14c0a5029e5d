package register

import (
	"context"
	"slices"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// Form is the service by which a company's admin says who else may declare (configs/city/services/clerks.yaml).
const Form = "CLERKS"

// What the form asks for.
const (
	formAdd     = "add"
	formSuspend = "suspend"
	formResume  = "resume"
	formLeave   = "leave"
	formReplace = "replace"
)

// Asked is one change that a filed form asks for.
type Asked struct {
	Company, Change, Address, Successor string
	Admin                               bool
}

// AskedBy reads a filed form; false: it is none.
func AskedBy(c exchange.Case) (a Asked, ok bool) {
	if c.Service != Form {
		return a, false
	}
	for _, x := range c.Answers {
		switch x.Field {
		case "company":
			a.Company = x.Value
		case "change":
			a.Change = x.Value
		case "address":
			a.Address, _ = Address(x.Value)
		case "successor":
			a.Successor, _ = Address(x.Value)
		case "admin":
			a.Admin = x.Value == "yes"
		}
	}
	return a, true
}

// Fulfil does what a filed form asks for, on an officer's word. What takes a right away counts at once; what gives one
// waits for a second person, and then Fulfil gives the id of the enrolment. A Fault when company or clerk are not there.
func (b *Book) Fulfil(ctx context.Context, who adapters.Staff, a Asked) (waits string, err error) {
	if a.Change == formReplace {
		if _, err := b.fulfil(ctx, who, Asked{Company: a.Company, Change: formLeave, Address: a.Address}); err != nil {
			return "", err
		}
		a.Change, a.Address = formAdd, a.Successor
	}
	return b.fulfil(ctx, who, a)
}

func (b *Book) fulfil(ctx context.Context, who adapters.Staff, a Asked) (waits string, err error) {
	company, err := b.Store.Company(ctx, a.Company)
	if missing(err) {
		return "", adapters.Fault{Field: "all", Key: "console.fault.no_company"}
	}
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(company.Clerks, func(k adapters.Clerk) bool { return k.Address == a.Address && k.Status != adapters.Gone })
	if a.Change == formAdd && i < 0 {
		return b.Put(ctx, who, company.With(adapters.Clerk{ID: b.NewID(), Address: a.Address, Admin: a.Admin, Status: adapters.Active, Since: b.Now()}))
	}
	status, ok := map[string]adapters.Standing{formSuspend: adapters.Suspended, formResume: adapters.Active, formLeave: adapters.Gone}[a.Change]
	switch {
	case a.Change == formAdd:
		return "", adapters.Fault{Field: "all", Key: "console.fault.clerk_twice"}
	case !ok:
		return "", adapters.Fault{Field: "all", Key: "console.fault.decision"}
	case i < 0:
		return "", adapters.Fault{Field: "all", Key: "console.fault.no_clerk"}
	}
	k := company.Clerks[i]
	k.Status, k.Since = status, b.Now()
	return b.Put(ctx, who, company.With(k))
}
