package store

import (
	"context"
	"errors"

	"gatehouse/channels"
)

// errAltered means that a document does not have the digest that its notice names.
var errAltered = errors.New("document does not have its digest")

// preparePapers stores documents and makes their matters hold them, under the key of whom they are for: what erases the person
// erases them too. Deliveries that carry one find it here.
func (s *Store) preparePapers(ctx context.Context, c *commitment) error {
	for _, p := range c.Papers {
		files, in, err := s.takeIn(ctx, []channels.File{p.File})
		c.files = append(c.files, in...)
		if err != nil {
			return wrap("keep document", err)
		}
		if files[0].SHA256 != p.File.SHA256 {
			return wrap("keep document", errAltered)
		}
		if err := s.adopt(ctx, c, matterOwner(p.Matter), c.keyFor(p.Matter), files); err != nil {
			return err
		}
	}
	return nil
}

func matterOwner(id string) string { return "matter:" + id }
