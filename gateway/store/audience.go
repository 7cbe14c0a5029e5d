package store

import (
	"context"

	"gatehouse/exchange"
	"gatehouse/gateway"
)

// Audience implements broadcast.Ledger.
func (s *Store) Audience(ctx context.Context, b exchange.Broadcast, after string, n int) ([]gateway.Contact, string, error) {
	ids, next, err := s.audience(ctx, b, after, n)
	if err != nil {
		return nil, "", wrap("read audience", err)
	}
	found, err := s.allowed(ctx, b, ids)
	if err != nil {
		return nil, "", wrap("read audience", err)
	}
	out := make([]gateway.Contact, 0, len(ids))
	for _, id := range ids {
		if c, ok := found[id]; ok {
			out = append(out, c)
		}
	}
	return out, next, nil
}

// audience gives the ids of a page, and where the next one begins.
func (s *Store) audience(ctx context.Context, b exchange.Broadcast, after string, n int) ([]string, string, error) {
	if b.Audience == exchange.AudienceService {
		return s.served(ctx, b.Of, after, n)
	}
	query, args := "SELECT id FROM contact WHERE id > $1 ORDER BY id LIMIT $2", []any{after, n}
	switch b.Audience {
	case "":
		query, args = "SELECT DISTINCT contact FROM member WHERE contact > $1 AND list = $3 ORDER BY contact LIMIT $2", append(args, b.List)
	case exchange.AudienceArea:
		query, args = "SELECT DISTINCT contact FROM consent WHERE contact > $1 AND list = $3 ORDER BY contact LIMIT $2", append(args, b.Of)
	case exchange.AudienceReached:
		query = `SELECT contact FROM recipient WHERE contact > $1 AND campaign = (SELECT number FROM campaign WHERE id = $3) AND state IN (2, 3) ORDER BY contact LIMIT $2`
		args = append(args, b.Of)
	}
	var ids []string
	err := each(s.db.Read().Query(ctx, query, args...))(func(scan scanner) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil || len(ids) < n {
		return ids, "", err
	}
	return ids, ids[len(ids)-1], nil
}

// servedPage is how many cases are opened for one page of an audience: their services are sealed.
const servedPage = 5

// served gives those who have an open case of a service, in the order of the cases. A person with several comes more than
// once; the ledger takes the first.
func (s *Store) served(ctx context.Context, code, after string, n int) ([]string, string, error) {
	rows, err := s.db.Read().Query(ctx, "SELECT "+matterColumns+" FROM matter WHERE id > $1 AND state NOT IN ('decided', 'blocked') ORDER BY id LIMIT $2", after, n*servedPage)
	page, err := s.matters(ctx, s.db.Read(), rows, err)
	if err != nil {
		return nil, "", err
	}
	var ids []string
	for _, m := range page {
		if m.Service == code {
			ids = append(ids, m.Contact)
		}
		if len(ids) == n {
			return ids, m.ID, nil
		}
	}
	if len(page) < n*servedPage {
		return ids, "", nil
	}
	return ids, page[len(page)-1].ID, nil
}
