package program

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"

	"gatehouse/channels"
	"gatehouse/exchange/receipt"
	"gatehouse/gateway"
	"gatehouse/gateway/slip"
)

// attacher puts the receipts that a delivery names to its message: the signed file, and a page of it for people. Both are
// made when it is sent; the same delivery gets the same bytes again.
type attacher struct {
	store gateway.Receipts
	print *slip.Printer // nil: no pages
	log   *slog.Logger
}

// attached gives the message of d with its receipts, where its channel carries files. What was erased meanwhile is left out.
func (a *attacher) attached(ctx context.Context, d gateway.Leased) (channels.Message, error) {
	m := d.Message
	if a == nil || len(d.Receipts) == 0 || !gateway.CarriesFiles(m.To.Channel) {
		return m, nil
	}
	files := append([]channels.File{}, m.Files...)
	for _, id := range d.Receipts {
		r, err := a.store.Receipt(ctx, id)
		if errors.Is(err, gateway.ErrNotFound) || err == nil && r.Body == nil {
			continue
		}
		if err != nil {
			return m, err
		}
		name := "receipt"
		if x, err := receipt.Parse(r.Body); err == nil && x.Kind != receipt.Received {
			name += "-" + string(x.Kind)
		}
		files = append(files, fileOf(name+".json", "application/json", r.Body))
		if a.print == nil {
			continue
		}
		pdf, err := a.print.Print(r.Body, m.Lang)
		if err != nil { // the file alone proves
			a.log.WarnContext(ctx, "receipt goes without its page", "message_id", d.ID, "lang", m.Lang, "err", err)
			continue
		}
		files = append(files, fileOf(name+".pdf", "application/pdf", pdf))
	}
	m.Files = files
	return m, nil
}

func fileOf(name, kind string, b []byte) channels.File {
	return channels.File{Name: name, Type: kind, Size: int64(len(b)),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}
