package table

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// file is a file of these bytes.
func file(name string, b []byte) File {
	return File{Name: name, Size: int64(len(b)), Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

// goods knows the columns and fields of a declaration of goods.
func goods(word string) bool {
	return slices.Contains([]string{"period", "hs code", "net kg", "gross kg", "description", "code sh", "désignation", "البلد", "الوصف", "国家", "品名"}, strings.ToLower(strings.TrimSpace(word)))
}

func read(t *testing.T, name string, b []byte) Table {
	t.Helper()
	got, err := Read(t.Context(), file(name, b), goods, Defaults())
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return got
}

// refused reads what must give a trouble of this reason.
func refused(t *testing.T, b []byte, l Limits, want Reason) *Trouble {
	t.Helper()
	_, err := Read(t.Context(), file("f", b), goods, l)
	var tr *Trouble
	if !errors.As(err, &tr) {
		t.Fatalf("want %s, got %v", want, err)
	}
	if tr.Reason != want {
		t.Fatalf("want %s, got %v", want, err)
	}
	return tr
}

// plainRows are the texts of all rows.
func plainRows(t Table) [][]string {
	var all [][]string
	for _, r := range t.Rows {
		var texts []string
		for i := range t.Header {
			texts = append(texts, r.Cell(i).Text)
		}
		all = append(all, texts)
	}
	return all
}

func numbers(t Table) []int {
	var all []int
	for _, r := range t.Rows {
		all = append(all, r.Number)
	}
	return all
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := show(got), show(want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}
