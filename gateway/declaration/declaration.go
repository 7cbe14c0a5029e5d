// Package declaration takes in returns that enterprises mail: it reads the table that is attached, and has the
// dispatcher check and file it.
//
// The rule: reading a file is I/O, so it happens here, outside of any transaction; what the file says is then decided
// by the dispatcher, which is pure.
package declaration

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gatehouse/channels"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/forms"
)

// Filing offers mails to declare+<service>@ to the dispatcher.
type Filing struct {
	Services *service.Catalog
	Files    gateway.Files // stored bytes, for files of a turn that have no Open
	Heart    *gateway.Dispatcher
}

// Offer answers a declaration; mine is false for any other message, which is the dispatcher's alone. An error means
// that the stored file could not be read now: the turn is to be tried again.
func (f *Filing) Offer(ctx context.Context, t gateway.Turn) (o gateway.Outcome, mine bool, err error) {
	alias, ok := gateway.Declares(t.Message.To.Value)
	if t.Message.From.Channel != "email" || !ok {
		return gateway.Outcome{}, false, nil
	}
	var sheet gateway.Sheet
	if _, known := f.Services.ByAlias(alias); known {
		if sheet, err = f.sheet(ctx, t.Message.Files); err != nil {
			return gateway.Outcome{}, true, err
		}
	}
	o, err = f.Heart.StepSheet(t, sheet)
	return o, true, err
}

// sheet reads the first attached table.
func (f *Filing) sheet(ctx context.Context, files []channels.File) (gateway.Sheet, error) {
	for _, file := range files {
		if !table(file) {
			continue
		}
		rows, err := f.read(ctx, file)
		switch {
		case errors.Is(err, forms.ErrSheet):
			return gateway.Sheet{Unreadable: true}, nil
		case err != nil:
			return gateway.Sheet{}, fmt.Errorf("read an attached table: %w", err)
		}
		return gateway.Sheet{Rows: rows}, nil
	}
	return gateway.Sheet{}, nil
}

// table tells whether a file says that it is a table, by its name or type. Spreadsheets count, so that their sender
// learns what can be read.
func table(f channels.File) bool {
	name, typ := strings.ToLower(f.Name), strings.ToLower(f.Type)
	for _, end := range []string{".csv", ".tsv", ".xlsx", ".xls", ".ods"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return strings.HasPrefix(typ, "text/csv") || strings.HasPrefix(typ, "text/tab-separated-values")
}

func (f *Filing) read(ctx context.Context, file channels.File) (forms.Sheet, error) {
	if file.Open != nil {
		r, err := file.Open(ctx)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return forms.ReadCSV(r)
	}
	r, err := f.Files.File(ctx, file.SHA256)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return forms.ReadCSV(r)
}
