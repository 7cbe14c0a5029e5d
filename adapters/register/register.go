// Package register keeps the companies that declare and the mail addresses that may declare for them, and lets the
// gateway know.
//
// The rule: whoever gets a right gets it from two persons, whoever loses it loses it at once. What leaves is a
// company's number, name and duties, and its clerks' addresses and roles, each as one publication, so that a leaver crosses
// as removed and nothing else. Every change, by hand, from a file or out of the demo's seed, goes through Put.
package register

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// Bounds of one change.
const (
	// MaxClerks is how many clerks one company may have had.
	MaxClerks = 500
	// MaxChange is how many companies one change, and so one file, may name.
	MaxChange = 2000
	// maxName bounds a company's name in bytes (exchange.Listing).
	maxName = 200
	// maxAddress is RFC 5321 §4.5.3.1.3 without the angle brackets.
	maxAddress = 254
)

// Book is the register at work. Every field is required but Posted.
type Book struct {
	Store adapters.Register
	Gate  adapters.Gate
	// Services knows which codes are declarations.
	Services *service.Catalog
	Log      *slog.Logger
	Now      func() time.Time
	NewID    func() string
	// Posted is called after something was put into the down lane; it must not block.
	Posted func()
}

// Put makes companies what they are given as. What takes rights away, or stays inside, is done at once and on one
// officer's word; all else waits for a second person, and then Put gives the id of the enrolment. ErrMoved when one
// was changed since it was read; an adapters.Fault for what can't be.
func (b *Book) Put(ctx context.Context, who adapters.Staff, all ...adapters.Company) (waits string, err error) {
	if !who.Has(adapters.Officer) {
		return "", adapters.ErrForbidden
	}
	if len(all) > MaxChange {
		return "", adapters.Fault{Field: "all", Key: "console.fault.company_many"}
	}
	for i := range all {
		if all[i], err = b.tidy(all[i]); err != nil {
			return "", err
		}
	}
	rel := exchange.Released{Policy: adapters.PolicyClean, Label: exchange.Releasable, By: who.ID, At: b.Now()}
	next, say, err := b.step(ctx, all, rel)
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(say, func(p exchange.Publication) bool { return !p.Removed }) {
		e := adapters.Enrolment{ID: b.NewID(), By: who.ID, At: b.Now(), State: adapters.Proposed, Companies: all}
		b.Log.InfoContext(ctx, "enrolment waits", "enrolment_id", e.ID, "companies", len(all), "staff", who.ID)
		return e.ID, b.Store.Enrol(ctx, e)
	}
	return "", b.enter(ctx, "", "", next, say)
}

// Confirm is the second person's yes to what waits.
func (b *Book) Confirm(ctx context.Context, who adapters.Staff, id string) error {
	e, err := b.Store.Enrolment(ctx, id)
	switch {
	case err != nil:
		return err
	case !who.Has(adapters.Approver):
		return adapters.ErrForbidden
	case e.State != adapters.Proposed:
		return adapters.ErrGone
	case e.By == who.ID:
		return adapters.ErrSamePerson
	}
	rel := exchange.Released{Policy: adapters.PolicySecond, Label: exchange.Releasable, By: e.By, Second: who.ID, At: b.Now()}
	next, say, err := b.step(ctx, e.Companies, rel)
	if err != nil {
		return err
	}
	return b.enter(ctx, id, who.ID, next, say)
}

// Decline is the second person's no.
func (b *Book) Decline(ctx context.Context, who adapters.Staff, id, why string) error {
	if !who.Has(adapters.Approver) {
		return adapters.ErrForbidden
	}
	return b.Store.Unenrol(ctx, id, who.ID, why)
}

// step gives the companies with their revisions raised, and what crosses of each change.
func (b *Book) step(ctx context.Context, all []adapters.Company, rel exchange.Released) (next []adapters.Company, say []exchange.Publication, err error) {
	for _, c := range all {
		old, err := b.Store.Company(ctx, c.Number)
		if err != nil && !missing(err) {
			return nil, nil, err
		}
		if old.Version != c.Version {
			return nil, nil, adapters.ErrMoved
		}
		c, pubs := b.changed(old, c, rel)
		next, say = append(next, c), append(say, pubs...)
	}
	return next, say, nil
}

// changed raises the revisions of what is new to the gateway, and gives the publications that say it.
func (b *Book) changed(old, c adapters.Company, rel exchange.Released) (adapters.Company, []exchange.Publication) {
	var say []exchange.Publication
	tell := func(name string, revision *uint64, was, is string) {
		if was == is {
			return
		}
		*revision++
		say = append(say, exchange.Publication{ID: b.NewID(), Sort: exchange.SortRegister, Name: name, Revision: *revision,
			Removed: is == "", Body: is, At: rel.At, Release: rel})
	}
	c.Revision = old.Revision
	tell(c.Number, &c.Revision, listed(old), listed(c))
	c.Clerks = slices.Clone(c.Clerks)
	for i := range c.Clerks {
		k := &c.Clerks[i]
		before, _ := old.Clerk(k.ID)
		k.Revision = before.Revision
		tell(c.Number+"/"+k.ID, &k.Revision, listedClerk(before), listedClerk(*k))
	}
	return c, say
}

// listed is how the gateway knows a company; empty: not at all. Who is suspended keeps its clerks there, and none of
// them counts.
func listed(c adapters.Company) string {
	if c.Status != adapters.Active {
		return ""
	}
	l := exchange.Listing{Company: c.Name}
	for _, d := range c.Declares {
		l.Duties = append(l.Duties, exchange.Duty(d))
	}
	return l.Body()
}

func listedClerk(k adapters.Clerk) string {
	if k.Status != adapters.Active {
		return ""
	}
	return exchange.Listing{Address: k.Address, Admin: k.Admin}.Body()
}

// enter signs what crosses and stores all of it.
func (b *Book) enter(ctx context.Context, id, second string, next []adapters.Company, say []exchange.Publication) error {
	var parcels []exchange.Parcel
	for _, p := range say {
		parcel, err := b.leave(ctx, p)
		if err != nil {
			return fmt.Errorf("release listing: %w", err)
		}
		parcels = append(parcels, parcel)
	}
	if err := b.Store.Enter(ctx, id, second, next, parcels); err != nil {
		return err
	}
	if len(parcels) > 0 && b.Posted != nil {
		b.Posted()
	}
	b.Log.InfoContext(ctx, "register changed", "companies", len(next), "published", len(parcels), "enrolment_id", id)
	return nil
}

func (b *Book) leave(ctx context.Context, p exchange.Publication) (exchange.Parcel, error) {
	if p.Release.Policy != adapters.PolicySecond {
		return b.Gate.Release(ctx, p)
	}
	approved, err := b.Gate.Approve(ctx, p)
	if err != nil {
		return exchange.Parcel{}, err
	}
	return b.Gate.Release(ctx, approved)
}

// tidy holds a company against what it must be, and gives new clerks an id.
func (b *Book) tidy(c adapters.Company) (adapters.Company, error) {
	fault := func(field, key string) (adapters.Company, error) {
		return c, adapters.Fault{Field: field, Key: "console.fault." + key}
	}
	c.Name = exchange.NormalizeLine(c.Name)
	switch {
	case !service.CompanyNumber(c.Number):
		return fault("number", "company_number")
	case c.Name == "" || len(c.Name) > maxName:
		return fault("name", "company_name")
	case c.Status != adapters.Active && c.Status != adapters.Suspended:
		return fault("status", "company_status")
	case len(c.Clerks) > MaxClerks:
		return fault("clerks", "company_many")
	}
	if key := b.tidyDuties(&c); key != "" {
		return fault("declares", key)
	}
	seen := map[string]bool{}
	c.Clerks = slices.Clone(c.Clerks)
	for i := range c.Clerks {
		k := &c.Clerks[i]
		address, ok := Address(k.Address)
		switch {
		case !ok:
			return fault("address", "clerk_address")
		case k.Status == adapters.Gone:
		case seen[address]:
			return fault("address", "clerk_twice")
		case k.Status != adapters.Active && k.Status != adapters.Suspended:
			return fault("status", "company_status")
		default:
			seen[address] = true
		}
		k.Address = address
		if k.ID == "" {
			k.ID = b.NewID()
		}
	}
	return c, nil
}

// maxDuties bounds the services by which one company declares (exchange.Listing).
const maxDuties = 20

// tidyDuties orders what a company must declare by service, begins what has no first day today, and gives the key of
// what is wrong.
func (b *Book) tidyDuties(c *adapters.Company) string {
	c.Declares = slices.Clone(c.Declares)
	slices.SortFunc(c.Declares, func(x, y adapters.Duty) int { return strings.Compare(x.Service, y.Service) })
	for i := range c.Declares {
		d := &c.Declares[i]
		if s, ok := b.Services.ByCode(d.Service); !ok || s.Kind != service.Declaration || i > 0 && c.Declares[i-1].Service == d.Service {
			return "company_service"
		}
		if d.From == "" {
			d.From = service.DayOf(b.Now().In(b.Services.City.Location())).String()
		}
		if !exchange.Duty(*d).Ordered() {
			return "company_days"
		}
	}
	if len(c.Declares) > maxDuties {
		return "company_many"
	}
	return ""
}

// Address gives a mail address as the register keeps it: without spaces around it, and in lower case, because clerks
// write the same box in many ways. False: it can't be one (an addr-spec of RFC 5321 without quotes and literals).
func Address(s string) (string, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	local, domain, ok := strings.Cut(s, "@")
	good := func(s string) bool {
		return s != "" && exchange.Normal(s) && !strings.ContainsAny(s, " \t\n\"(),:;<>@[\\]") && !strings.HasPrefix(s, ".") && !strings.HasSuffix(s, ".")
	}
	return s, ok && len(s) <= maxAddress && len(local) <= 64 && good(local) && good(domain) && strings.Contains(domain, ".")
}
