package gateway

import (
	"context"

	"gatehouse/exchange"
)

// Registered is one line of the register of companies that the inside publishes: a mail address that may declare for a
// company. Who left, and whoever is a suspended company's, is not there.
type Registered struct {
	Company string // its number
	Name    string // the company's
	Address string // lower case
	Admin   bool   // may say who else is one
	// Duties are what the company owes.
	Duties []exchange.Duty
}

// Register reads the companies that the inside published.
type Register interface {
	// Clerks gives who may declare for a company, by its number, in no order; nobody: empty, nil.
	Clerks(ctx context.Context, company string) ([]Registered, error)
}

// registeredFor gives the line of the register that lets the sender declare for a company.
func (t Turn) registeredFor(company string) (Registered, bool) {
	for _, r := range t.Register {
		if r.Company == company {
			return r, true
		}
	}
	return Registered{}, false
}
