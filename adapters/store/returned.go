package store

import (
	"context"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// returned is what lists show of a record as a declaration; zero: it is none, or it was withdrawn.
func returned(r adapters.Record) (out adapters.ReturnLine) {
	if r.Return == nil || r.Decision == exchange.Withdrawn {
		return out
	}
	return adapters.ReturnLine{ID: r.ID(), Reference: r.Case.Reference, Company: r.Return.Company, Service: r.Case.Service, Period: r.Return.Period,
		Filed: r.Case.FiledAt, Rows: r.Return.Rows, Open: r.Return.Open, OpenUntil: r.Return.OpenUntil, Review: r.Return.ReviewDue()}
}

const returnedQuery = `SELECT id, reference, company, service, period, filed, filed_rows, open_rows, open_until, review FROM records`

func scanReturned(r row) (out adapters.ReturnLine, err error) {
	var filed, until, review int64
	err = r.Scan(&out.ID, &out.Reference, &out.Company, &out.Service, &out.Period, &filed, &out.Rows, &out.Open, &until, &review)
	out.Filed, out.OpenUntil, out.Review = fromMicros(filed), fromMicros(until), fromMicros(review)
	return out, err
}

// Returned gives what companies declared by a service for periods, the oldest first.
func (s *Store) Returned(ctx context.Context, service string, companies, periods []string) ([]adapters.ReturnLine, error) {
	var c clause
	c.and("service = ?", service)
	c.and("period <> ''")
	c.among("period", periods)
	if companies != nil {
		c.among("company", companies)
	}
	all, err := list(ctx, s.db.Read(), scanReturned, returnedQuery+c.where()+` ORDER BY filed, id`, c.args...)
	return all, wrap("list returns", err)
}

// ReturnsOf gives at most n declarations of a company, the newest first.
func (s *Store) ReturnsOf(ctx context.Context, company string, n int) ([]adapters.ReturnLine, error) {
	all, err := list(ctx, s.db.Read(), scanReturned, returnedQuery+` WHERE company = $1 AND service <> '' ORDER BY opened DESC, id DESC LIMIT $2`, company, n)
	return all, wrap("list returns of a company", err)
}

// Tallied gives the newest Tally about something.
func (s *Store) Tallied(ctx context.Context, about string) (exchange.Tally, error) {
	t, err := one(ctx, s.db.Read(), content[exchange.Tally], `SELECT content FROM tallies WHERE about = $1`, about)
	return t, wrap("read tally", err)
}
