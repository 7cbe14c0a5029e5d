package past

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gatehouse/adapters"
	"gatehouse/adapters/console"
	"gatehouse/adapters/register"
	"gatehouse/adapters/release"
	"gatehouse/channels"
	"gatehouse/gateway"
)

// Northdock is the company of the demo's declarations, and the address of its clerk.
const (
	Northdock       = "12-345678-C"
	NorthdockClerk  = "customs@northdock.example"
	northdockName   = "Northdock Goods"
	registerDeclare = "DEC-GOODS"
)

// declared is what companies of a trade must declare.
func declared(trade string, since time.Time) []adapters.Duty {
	code, ok := map[string]string{"lodging": "DEC-TOUR", "port": registerDeclare, "works": "DEC-WASTE"}[trade]
	if !ok {
		return nil
	}
	return []adapters.Duty{{Service: code, From: since.Format(time.DateOnly)}}
}

// dutyWeeks is for how many weeks the companies have had to declare.
const dutyWeeks = 5

// enrol puts the companies into the register, as an officer and a second person do, unless they are there. What crosses
// of it waits in the down lane for the border.
func (y *year) enrol(ctx context.Context) error {
	since := y.Now.AddDate(-1, 0, 0).UTC()
	owing := y.Now.AddDate(0, 0, -7*dutyWeeks).UTC()
	admin := func(address string) []adapters.Clerk {
		return []adapters.Clerk{{Address: address, Admin: true, Status: adapters.Active, Since: since}}
	}
	all := []adapters.Company{{Number: Northdock, Name: northdockName, Declares: declared("port", owing), Clerks: admin(NorthdockClerk)}}
	for _, p := range y.people {
		if a, ok := p.addresses["email"]; ok && p.number != "" {
			all = append(all, adapters.Company{Number: p.number, Name: p.name, Declares: declared(p.trade, owing), Clerks: admin(a.Value)})
		}
	}
	for i := range all {
		all[i].Status, all[i].Since = adapters.Active, since
	}
	return y.board.enrol(ctx, all...)
}

// enrol enters companies by two of the demo's staff.
func (b *board) enrol(ctx context.Context, all ...adapters.Company) error {
	var fresh []adapters.Company
	for _, c := range all {
		if _, err := b.store.Company(ctx, c.Number); errors.Is(err, adapters.ErrNotFound) {
			fresh = append(fresh, c)
		} else if err != nil {
			return err
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	policy, err := release.New(b.policy, func(int) int { return 0 })
	if err != nil {
		return err
	}
	draw := ids(4, 0)
	book := &register.Book{Store: b.store, Gate: b.gate(policy), Services: b.city.Catalog, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return b.now }, NewID: func() string { return draw(b.now) }}
	officer, err := b.who(ctx, adapters.Officer)
	if err != nil {
		return err
	}
	second, err := b.who(ctx, adapters.Approver)
	if err != nil {
		return err
	}
	waits, err := book.Put(ctx, officer, fresh...)
	if err != nil || waits == "" {
		return fmt.Errorf("enrol the companies: %w", err)
	}
	return book.Confirm(ctx, second, waits)
}

// who is the first of the demo's staff with a role.
func (b *board) who(ctx context.Context, role adapters.Role) (adapters.Staff, error) {
	for _, s := range console.DemoStaff() {
		if s.Has(role) {
			return b.store.Person(ctx, s.ID)
		}
	}
	return adapters.Staff{}, adapters.ErrNotFound
}

// proven is how sure its mails' sender is: a company has a mail server that signs, a citizen's says nothing.
func (p *party) proven() channels.Trust {
	if p.number != "" {
		return channels.DomainVerified
	}
	return channels.Unverified
}

// registered is what the register says of a party's mail address.
func (p *party) registered() []gateway.Registered {
	if p.number == "" {
		return nil
	}
	return []gateway.Registered{{Company: p.number, Name: p.name, Address: p.addresses["email"].Value, Admin: true}}
}
