package console

import (
	"bytes"
	"context"
	"errors"
	"io"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// papers gives the documents that left with the notices of a story, by notice.
func (c *Console) papers(ctx context.Context, story []adapters.Entry) (map[string][]exchange.FileRef, error) {
	all := map[string][]exchange.FileRef{}
	for _, e := range story {
		if e.Notice == nil || e.Notice.State != exchange.Decided {
			continue
		}
		f, _, err := c.Store.Document(ctx, e.Notice.ID)
		if errors.Is(err, adapters.ErrNotFound) || errors.Is(err, adapters.ErrForgotten) {
			continue // there was none, or it went with its person's key
		}
		if err != nil {
			return nil, err
		}
		all[e.Notice.ID] = []exchange.FileRef{f}
	}
	return all, nil
}

// paper gives the document of that id among those that left about a case. adapters.ErrNotFound.
func (c *Console) paper(ctx context.Context, story []adapters.Entry, id string) (exchange.FileRef, io.ReadCloser, error) {
	for _, e := range story {
		if e.Notice == nil || e.Notice.State != exchange.Decided {
			continue
		}
		f, b, err := c.Store.Document(ctx, e.Notice.ID)
		if err == nil && f.ID == id {
			return f, io.NopCloser(bytes.NewReader(b)), nil
		}
		if err != nil && !errors.Is(err, adapters.ErrNotFound) && !errors.Is(err, adapters.ErrForgotten) {
			return f, nil, err
		}
	}
	return exchange.FileRef{}, nil, adapters.ErrNotFound
}
