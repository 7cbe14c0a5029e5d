// Package slip prints receipts of declarations for people: a page set from the signed receipt, in their language.
//
// The rule: a slip is made from the receipt each time and never kept; what proves anything is the receipt.
package slip

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/configs/paper"
	"gatehouse/configs/texts"
	"gatehouse/exchange/receipt"
	"gatehouse/exchange/service"
)

// Printer sets slips. It is safe for concurrent use.
type Printer struct {
	Press    *paper.Press
	Texts    *texts.Catalog
	Services *service.Catalog
	Name     string // of the city or office, in the letterhead
	Public   string // the gateway as citizens see it, without a slash at its end
}

// Print gives the page of a signed receipt in lang, as PDF/A. paper.ErrNoFont, paper.ErrTooLarge; receipt.ErrForm and
// receipt.ErrContent when b is none. The signature is not checked here.
func (p *Printer) Print(b []byte, lang string) ([]byte, error) {
	r, err := receipt.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("print receipt: %w", err)
	}
	w := words{p, lang}
	url := p.Public + "/receipts/" + r.ID
	blocks := []paper.Block{paper.Heading(w.say(string(r.Kind), nil)), p.facts(r, w)}
	if len(r.Files) > 0 {
		blocks = append(blocks, paper.Heading(w.say("files", nil)))
		for _, f := range r.Files {
			blocks = append(blocks, paper.Paragraph(w.say("file", texts.Args{"name": w.isolate(f.Name), "size": f.Size})),
				paper.Paragraph(w.say("sum", texts.Args{"sum": w.isolate(grouped(f.SHA256))})))
		}
	}
	blocks = append(blocks, paper.Paragraph(w.say("how", nil)), paper.Paragraph(w.say("check", texts.Args{"url": w.isolate(url)})),
		paper.Signature{p.Name, w.say("key", texts.Args{"key": w.isolate(r.Key)}), w.say("digest", texts.Args{"sum": w.isolate(grouped(receipt.Digest(b)))})})
	pdf, err := p.Press.Print(paper.Document{Lang: lang, Title: w.say("title", texts.Args{"reference": w.isolate(r.Case)}), Office: p.Name, Foot: r.Case, At: r.At, Blocks: blocks})
	if err != nil {
		return nil, fmt.Errorf("print receipt: %w", err)
	}
	return pdf, nil
}

// words are the sentences of one slip.
type words struct {
	p    *Printer
	lang string
}

func (w words) say(key string, a texts.Args) string {
	return w.p.Texts.Text(w.lang, "paper.receipt."+key, a)
}

func (w words) isolate(s string) string { return paper.Isolate(w.lang, s) }

// facts are the lines of a slip; one without a value is left out.
func (p *Printer) facts(r receipt.Receipt, w words) paper.Facts {
	title := r.Service
	if s, ok := p.Services.ByCode(r.Service); ok {
		title = s.Name.In(w.lang)
	}
	var all paper.Facts
	add := func(key, value string) { all = append(all, paper.Fact{Name: w.say(key, nil), Value: value}) }
	if r.Number > 0 {
		add("number", strconv.FormatUint(r.Number, 10))
	}
	add("reference", r.Case)
	add("service", title)
	add("period", r.Period)
	add("party", r.Party)
	add("filed", r.FiledLocal.Format("2006-01-02 15:04:05 -07:00"))
	add("utc", moment(r.Filed))
	add("signed", moment(r.At))
	if r.Register != nil {
		add("register", r.Register.Number+", "+moment(r.Register.At))
	}
	add("reason", r.Reason)
	if r.Rows.In > 0 {
		add("rows", strconv.Itoa(r.Rows.In))
		add("taken", rows(r.Rows.Filed, r.Rows.FiledRows))
		add("open", rows(r.Rows.Open, r.Rows.OpenRows))
		add("officer", rows(r.Rows.Officer, r.Rows.OfficerRows))
	}
	add("supersedes", r.Supersedes)
	if r.Of != nil {
		add("of", r.Of.ID)
	}
	return slices.DeleteFunc(all, func(f paper.Fact) bool { return f.Value == "" })
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// mostRuns bounds the runs of rows that a page names: the receipt names them all.
const mostRuns = 40

// rows writes a count and the rows behind it: "18 (1-6, 8-14, 16-20)".
func rows(n int, list []receipt.Range) string {
	if n == 0 || len(list) == 0 {
		return strconv.Itoa(n)
	}
	var runs []string
	for _, r := range list[:min(len(list), mostRuns)] {
		run := strconv.Itoa(r[0])
		if r[1] > r[0] {
			run += "-" + strconv.Itoa(r[1])
		}
		runs = append(runs, run)
	}
	if len(list) > mostRuns {
		runs = append(runs, "…")
	}
	return strconv.Itoa(n) + " (" + strings.Join(runs, ", ") + ")"
}

// grouped cuts a digest into groups of eight digits, to be compared by eye.
func grouped(s string) string {
	var all []string
	for ; len(s) > 8; s = s[8:] {
		all = append(all, s[:8])
	}
	return strings.Join(append(all, s), " ")
}
