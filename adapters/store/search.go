package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gatehouse/adapters"
	"gatehouse/channels/text"
	"gatehouse/configs/database"
)

// Bounds of a full-text search.
const (
	// maxQuery is how many words of a query count: each is a look into the index.
	maxQuery = 8
	// maxIndexed bounds the different words of one text in the index.
	maxIndexed = 4000
)

// What is indexed.
const (
	records   = "record"
	pages     = "page"
	companies = "company"
)

// index makes a text findable as id, in place of what was indexed for it before.
func index(ctx context.Context, tx *database.Tx, kind, id, s string) error {
	if err := tx.Send(ctx, `DELETE FROM words WHERE kind = $1 AND id = $2`, kind, id); err != nil {
		return err
	}
	return indexMore(ctx, tx, kind, id, s)
}

// indexMore adds a text to what is indexed for id.
func indexMore(ctx context.Context, tx *database.Tx, kind, id, s string) error {
	words := text.Words(s)
	slices.Sort(words)
	words = slices.Compact(words)
	for chunk := range slices.Chunk(words[:min(len(words), maxIndexed)], indexRows) {
		args := make([]any, 0, 2+len(chunk))
		args = append(args, kind, id)
		for _, w := range chunk {
			args = append(args, w)
		}
		if err := tx.Send(ctx, insertWords(len(chunk)), args...); err != nil {
			return err
		}
	}
	return nil
}

// indexRows is how many words one statement inserts; a statement for each number up to it is kept prepared.
const indexRows = 64

// insertWords inserts n words, the arguments from $3 on.
func insertWords(n int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO words (kind, id, word) VALUES ")
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "($1, $2, $%d)", i+3)
	}
	return b.String() + " ON CONFLICT DO NOTHING"
}

// clause collects conditions and their arguments.
type clause struct {
	terms []string
	args  []any
}

// and adds a condition in which each ? stands for the next argument.
func (c *clause) and(term string, args ...any) {
	for _, a := range args {
		c.args = append(c.args, a)
		term = strings.Replace(term, "?", placeholder(len(c.args)), 1)
	}
	c.terms = append(c.terms, term)
}

// found asks that column is the id of a text with all words of a query; the last may be the beginning of a word.
func (c *clause) found(kind, column, query string) {
	words := text.Words(query)
	words = words[:min(len(words), maxQuery)]
	for i, w := range words {
		if i < len(words)-1 {
			c.and(column+` IN (SELECT id FROM words WHERE kind = ? AND word = ?)`, kind, w)
			continue
		}
		c.and(column+` IN (SELECT id FROM words WHERE kind = ? AND word >= ? AND word < ?)`, kind, w, w+"\U0010FFFF")
	}
}

// placeholder names the nth argument.
func placeholder(n int) string { return fmt.Sprintf("$%d", n) }

// where gives the conditions as SQL.
func (c *clause) where() string {
	if len(c.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.terms, " AND ")
}

// among asks that column is one of the values; a "*" among them is everything, and none is nothing.
func (c *clause) among(column string, values []string) {
	if len(values) == 0 {
		c.and("1 = 0")
		return
	}
	marks := make([]string, 0, len(values))
	args := make([]any, 0, len(values))
	for _, v := range values {
		if v == "*" {
			return
		}
		marks = append(marks, "?")
		args = append(args, v)
	}
	c.and(column+" IN ("+strings.Join(marks, ", ")+")", args...)
}

// searchable is the text by which a case is found.
func searchable(r adapters.Record) string {
	var b strings.Builder
	for _, s := range []string{r.Case.Reference, strings.ReplaceAll(r.Case.Reference, "-", ""), r.Case.Service, r.Case.Name, r.Case.Text} {
		b.WriteString(s + "\n")
	}
	for _, a := range r.Case.Answers {
		b.WriteString(a.Value + "\n")
	}
	for _, f := range r.Case.Files {
		b.WriteString(f.Name + "\n")
	}
	for _, said := range r.Case.Story {
		b.WriteString(said.Text + "\n")
	}
	return b.String()
}
