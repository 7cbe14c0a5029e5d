package office

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gatehouse/adapters"
	"gatehouse/configs/paper"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// Papers makes the document of a decision from the data of its case: what was decided, for whom, why, and how to
// object. It names the department, never the officer.
type Papers struct {
	Press   *paper.Press
	Catalog *service.Catalog
	Texts   *texts.Catalog
	// Name of the office, where the catalogue has none; Letterhead are the lines below it.
	Name       string
	Letterhead []string
	// Check is where a document can be checked, with {reference} for the case's; empty: nowhere.
	Check string
}

// documented are the decisions that a document tells: a case that is closed otherwise gets none.
func documented(d exchange.Decision) bool {
	return slices.Contains([]exchange.Decision{exchange.Granted, exchange.Partly, exchange.Refused}, d)
}

// Owed tells whether the decision n in case c leaves with a document.
func (p *Papers) Owed(c exchange.Case, n exchange.Notice) bool {
	s, ok := p.Catalog.ByCode(c.Service)
	return ok && s.Documented() && n.State == exchange.Decided && documented(n.Decision)
}

// Print sets the document of the decision n in case c, in the language of the notice. The same two give the same bytes.
func (p *Papers) Print(c exchange.Case, n exchange.Notice) ([]byte, error) {
	if !p.Texts.Has(n.Lang) {
		n.Lang = "en" // as the catalogue of texts does
	}
	say := func(key string) string {
		return p.Texts.Text(n.Lang, "paper."+key, texts.Args{"reference": c.Reference, "phone": paper.Isolate(n.Lang, p.Catalog.City.Phone),
			"url": paper.Isolate(n.Lang, strings.ReplaceAll(p.Check, "{reference}", c.Reference))})
	}
	name := p.Catalog.City.Name.In(n.Lang)
	if name == "" {
		name = p.Name
	}
	blocks := []paper.Block{p.facts(c, n, say), paper.Heading(say("reason")), paper.Paragraph(n.Reason)}
	if n.Text != "" {
		blocks = append(blocks, paper.Heading(say("remark")), paper.Paragraph(n.Text))
	}
	blocks = append(blocks, paper.Heading(say("object")), paper.Paragraph(say("how")))
	end := paper.Signature{name, p.Catalog.City.Department(n.Department, n.Lang), say("made")}
	if p.Check != "" {
		end = append(end, say("check"))
	}
	return p.Press.Print(paper.Document{Lang: n.Lang, Title: say("title"), Office: name, Lines: p.Letterhead, Foot: c.Reference,
		At: n.At, Blocks: append(blocks, end)})
}

// facts are the data at the head of a decision. A person who gave no name has no line.
func (p *Papers) facts(c exchange.Case, n exchange.Notice, say func(string) string) paper.Facts {
	zone := p.Catalog.City.Location()
	title := c.Service
	if s, ok := p.Catalog.ByCode(c.Service); ok {
		title = s.Name.In(n.Lang)
	}
	all := paper.Facts{
		{Name: say("reference"), Value: c.Reference}, {Name: say("service"), Value: title}, {Name: say("party"), Value: c.Name},
		{Name: say("filed"), Value: service.DayOf(c.FiledAt.In(zone)).FullIn(n.Lang)},
		{Name: say("day"), Value: service.DayOf(n.At.In(zone)).FullIn(n.Lang)},
		{Name: say("department"), Value: p.Catalog.City.Department(n.Department, n.Lang)},
		{Name: say("result"), Value: say(string(n.Decision))},
	}
	return slices.DeleteFunc(all, func(f paper.Fact) bool { return f.Value == "" })
}

// notice releases a notice, with its document and the parts of it where one is owed. A document that can't be made,
// because no font has a letter of it or it is too large, keeps no decision back: the notice goes as text alone.
func (o *Office) notice(ctx context.Context, n exchange.Notice) ([]exchange.Parcel, error) {
	b, err := o.print(ctx, n)
	if err != nil {
		return nil, err
	}
	if b != nil {
		sum := sha256.Sum256(b)
		n.Document = []exchange.FileRef{{ID: n.ID + ".pdf", Name: n.Reference + ".pdf", Type: "application/pdf", Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:])}}
	}
	p, err := o.Gate.Release(ctx, n)
	if err != nil {
		return nil, err
	}
	parts, err := partsOf(n, b, p)
	return append([]exchange.Parcel{p}, parts...), err
}

// print gives the document of a notice; nil: it has none.
func (o *Office) print(ctx context.Context, n exchange.Notice) ([]byte, error) {
	if o.Papers == nil || n.State != exchange.Decided {
		return nil, nil
	}
	c, err := o.Store.Case(ctx, n.Case)
	if errors.Is(err, adapters.ErrNotFound) || err == nil && !o.Papers.Owed(c, n) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b, err := o.Papers.Print(c, n)
	if err != nil {
		o.Log.WarnContext(ctx, "decision goes as text alone", "case_id", n.Case, "notice_id", n.ID, "lang", n.Lang, "err", err)
		return nil, nil
	}
	return b, nil
}

// partsOf cuts a document into what crosses behind its notice. Ids follow from the notice's, so that a repeat is the
// same rows.
func partsOf(n exchange.Notice, b []byte, of exchange.Parcel) ([]exchange.Parcel, error) {
	var out []exchange.Parcel
	count := (len(b) + exchange.PartSize - 1) / exchange.PartSize
	for i := range count {
		piece := b[i*exchange.PartSize : min(len(b), (i+1)*exchange.PartSize)]
		sum := sha256.Sum256(piece)
		content, err := exchange.Encode(exchange.Part{File: n.Document[0].ID, Of: n.ID, Number: i + 1, Count: count,
			SHA256: hex.EncodeToString(sum[:]), Bytes: piece})
		if err != nil {
			return nil, err
		}
		out = append(out, exchange.Parcel{ID: partID(n.ID, i+1), Kind: exchange.KindPart, Content: content, Created: of.Created})
	}
	return out, nil
}

func partID(notice string, number int) string { return fmt.Sprintf("%s.%d", notice, number) }
