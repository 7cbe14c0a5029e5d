package register

import (
	"context"
	"slices"
	"strings"

	"gatehouse/adapters"
)

// Change is one thing that an enrolment would do to one company.
type Change struct {
	Number, Name string
	// What is "new", "name", "suspended", "active", "declares", "clerk", "admin", "clerk_suspended" or "left".
	What string
	// About is the new name, the services, or the clerk's address.
	About string
}

// Diff tells what e would change of the register as it is now; stale: a company was changed since e was made.
func (b *Book) Diff(ctx context.Context, e adapters.Enrolment) (all []Change, stale bool, err error) {
	for _, c := range e.Companies {
		old, err := b.Store.Company(ctx, c.Number)
		if err != nil && !missing(err) {
			return nil, false, err
		}
		stale = stale || old.Version != c.Version
		all = append(all, changes(old, c)...)
	}
	return all, stale, nil
}

func changes(old, c adapters.Company) (all []Change) {
	say := func(what, about string) {
		all = append(all, Change{Number: c.Number, Name: c.Name, What: what, About: about})
	}
	switch {
	case old.Number == "":
		say("new", c.Name)
	case old.Name != c.Name:
		say("name", c.Name)
	}
	if old.Number != "" && old.Status != c.Status || old.Number == "" && c.Status != adapters.Active {
		say(string(c.Status), "")
	}
	if !slices.Equal(old.Declares, c.Declares) {
		var all []string
		for _, d := range c.Declares {
			all = append(all, d.String())
		}
		say("declares", strings.Join(all, ", "))
	}
	for _, k := range c.Clerks {
		before, known := old.Clerk(k.ID)
		if known && before.Status == k.Status && before.Admin == k.Admin && before.Address == k.Address {
			continue
		}
		switch {
		case k.Status == adapters.Gone:
			say("left", k.Address)
		case k.Status == adapters.Suspended:
			say("clerk_suspended", k.Address)
		case k.Admin:
			say("admin", k.Address)
		default:
			say("clerk", k.Address)
		}
	}
	return all
}
