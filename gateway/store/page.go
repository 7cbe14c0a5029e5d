package store

import (
	"context"
	"strings"

	"gatehouse/configs/database"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// Publish implements gateway.Pages.
func (s *Store) Publish(ctx context.Context, p exchange.Publication, arrival uint64) error {
	row := strings.Join([]string{p.Sort, p.Name, p.Lang}, "/")
	kept := p
	if p.Sort == exchange.SortRegister { // its row keeps the revision; what it says has tables of its own
		kept.Body = ""
	}
	body, err := seal(s.vault.Root(), "publication", row, kept)
	if err != nil {
		return wrap("publish", err)
	}
	err = s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		if arrival != 0 {
			if open, err := openArrival(ctx, tx, arrival); err != nil || !open {
				return err
			}
		}
		n, err := numbers(ctx, tx, 1)
		if err != nil {
			return err
		}
		newer, err := tx.Exec(ctx, `INSERT INTO publication(sort, name, lang, revision, number, body) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (sort, name, lang) DO UPDATE SET revision = excluded.revision, number = excluded.number, body = excluded.body
			WHERE publication.revision < excluded.revision`, p.Sort, p.Name, p.Lang, int64(p.Revision), n, body)
		if err == nil && newer > 0 && p.Sort == exchange.SortRegister {
			err = s.enlist(ctx, tx, p)
		}
		if err != nil || arrival == 0 {
			return err
		}
		return s.handled(ctx, tx, arrival)
	})
	return wrap("publish", err)
}

// Published implements gateway.Pages.
func (s *Store) Published(ctx context.Context, sort string, mark uint64) ([]exchange.Publication, uint64, error) {
	var out []exchange.Publication
	err := each(s.db.Read().Query(ctx, "SELECT name, lang, number, body FROM publication WHERE sort = $1 AND number > $2 ORDER BY number", sort, int64(mark)))(
		func(scan scanner) error {
			var name, lang string
			var number uint64
			var body []byte
			if err := scan(&name, &lang, &number, &body); err != nil {
				return err
			}
			var p exchange.Publication
			if err := s.read(ctx, s.db.Read(), "publication", strings.Join([]string{sort, name, lang}, "/"), body, &p); err != nil {
				return err
			}
			out, mark = append(out, p), number
			return nil
		})
	return out, mark, wrap("read publications", err)
}

var _ gateway.Pages = (*Store)(nil)
