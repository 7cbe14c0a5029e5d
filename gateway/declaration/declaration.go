// Package declaration takes in returns that enterprises mail or upload: it reads the table that is attached, and has
// the dispatcher check and file it.
//
// The rule: reading a file is I/O, so it happens here, outside of any transaction; what the file says is then decided
// by the dispatcher, which is pure.
package declaration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"gatehouse/channels"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/table"
)

// Filing offers mails to declare+<service>@, those with a table to the reply address of a case, and what was uploaded on
// a page, to the dispatcher.
type Filing struct {
	Services *service.Catalog
	Files    gateway.Files // stored bytes, for files of a turn that have no Open
	Heart    *gateway.Dispatcher
}

// Offer answers a declaration; mine is false for any other message, which is the dispatcher's alone. An error means
// that the stored file could not be read now: the turn is to be tried again.
func (f *Filing) Offer(ctx context.Context, t gateway.Turn) (o gateway.Outcome, mine bool, err error) {
	alias, declares := gateway.Declares(t.Message)
	if !declares && (t.Message.From.Channel != "email" || t.Message.To.Channel == "web" || t.Message.Reference == "") {
		return gateway.Outcome{}, false, nil
	}
	var sheet gateway.Sheet
	if _, known := f.Services.ByAlias(alias); known || !declares {
		if sheet, err = f.sheet(ctx, t.Message, f.Heart.KnowsColumn(alias), declares); err != nil {
			return gateway.Outcome{}, true, err
		}
	}
	if !declares && sheet.File == 0 && len(sheet.Table.Header) == 0 {
		return gateway.Outcome{}, false, nil
	}
	o, err = f.Heart.StepSheet(t, sheet)
	return o, true, err
}

// sheet reads the first attached table, else the one that stands in the text. A file that is none counts only when no other
// is one and it says that it is; in a mail to the address of a form, where a table is expected, also when it looks like one.
func (f *Filing) sheet(ctx context.Context, m channels.Message, known func(string) bool, expected bool) (gateway.Sheet, error) {
	var wrong gateway.Sheet
	for i, file := range m.Files {
		t, trouble, err := f.read(ctx, file, known)
		switch {
		case err != nil:
			return gateway.Sheet{}, err
		case trouble == nil:
			return gateway.Sheet{Table: t, File: i + 1}, nil
		case wrong.Trouble == nil && (claims(file) || expected && trouble.Reason != table.NotATable && trouble.Reason != table.NoHeader):
			wrong = gateway.Sheet{File: i + 1, Trouble: trouble}
		}
	}
	if wrong.File > 0 {
		return wrong, nil
	}
	return pasted(m.Text, known)
}

// read reads one file; a trouble says why it is no table.
func (f *Filing) read(ctx context.Context, file channels.File, known func(string) bool) (table.Table, *table.Trouble, error) {
	t, err := table.Read(ctx, f.open(file), known, table.Defaults())
	var trouble *table.Trouble
	if err != nil && !errors.As(err, &trouble) {
		return t, nil, fmt.Errorf("read an attached table: %w", err)
	}
	return t, trouble, nil
}

// pasted reads a table that stands in the mail itself: the channel wrote its cells with tabs between them.
func pasted(text string, known func(string) bool) (gateway.Sheet, error) {
	t, found, err := table.Body("", text, known, table.Defaults())
	var trouble *table.Trouble
	switch {
	case errors.As(err, &trouble):
		return gateway.Sheet{Trouble: trouble}, nil
	case err != nil:
		return gateway.Sheet{}, fmt.Errorf("read a table in a mail: %w", err)
	case !found:
		return gateway.Sheet{}, nil
	}
	return gateway.Sheet{Table: t}, nil
}

func (f *Filing) open(file channels.File) table.File {
	open := file.Open
	if open == nil {
		open = func(ctx context.Context) (io.ReadCloser, error) { return f.Files.File(ctx, file.SHA256) }
	}
	return table.File{Name: file.Name, Type: file.Type, Size: file.Size, Open: open}
}

// claims tells whether a file says that it is a table, by its name or type.
func claims(f channels.File) bool {
	name, typ := strings.ToLower(f.Name), strings.ToLower(f.Type)
	for _, end := range []string{".csv", ".tsv", ".xlsx", ".xlsm", ".xls", ".ods", ".xml", ".json"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return strings.HasPrefix(typ, "text/csv") || strings.HasPrefix(typ, "text/tab-separated-values")
}
