package portal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gatehouse/exchange/receipt"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/forms"
)

// declaredView is what the page after a declaration shows.
type declaredView struct {
	Service *service.Service
	Lines   []string // the answers, oldest first; empty while the first is on its way
	Receipt string   // the id of the newest receipt; empty: none
	// Link is the page of the open rows, which are Open of the In; empty: none is open.
	Link      string
	Good      string // the numbers of the rows that were filed
	Open, In  int
	Faults    []rowFault
	More      int    // faults that the table leaves out
	Copy      string // the name of the copy with the open rows; empty: there is none
	Reference string
}

// Code is the service's in an address, and Filed how many rows were filed.
func (v declaredView) Code() string { return strings.ToLower(v.Service.Code) }
func (v declaredView) Filed() int   { return v.In - v.Open }

// rowFault is one fault of a row, as the table of a verdict shows it.
type rowFault struct {
	Row        int
	Column     string
	Value, Why string
	Keepable   bool
}

// shownFaults bounds the table of one verdict.
const shownFaults = 200

var (
	rowsLink    = regexp.MustCompile(`/d/([a-z0-9]{12,})`)
	receiptLink = regexp.MustCompile(`/receipts/([A-Za-z0-9-]{10,})`)
)

// declared shows the answer to what was sent from the page of a declaration, to whoever holds that page's token.
func (p *Portal) declared(w http.ResponseWriter, r *http.Request, lang string) {
	v, ok := p.declaration(w, r, lang)
	if !ok {
		return
	}
	id, ok := p.Links.formID(v.Service.Code, r.PathValue("token"))
	version := r.URL.Query().Get("n")
	if !ok || len(version) != versionChars {
		p.missing(w, r, lang)
		return
	}
	lines, err := p.reply(r.Context(), session(id, version))
	if err != nil {
		p.Log.ErrorContext(r.Context(), "read reply", "err", err)
	}
	if len(lines) == 0 {
		w.Header().Set("Refresh", "2")
	}
	w.Header().Set("Referrer-Policy", "no-referrer") // the address holds a token
	w.Header().Set("X-Robots-Tag", "noindex")
	p.show(w, r, http.StatusOK, "declared", view{Lang: lang, Title: p.text(lang, "declared.title"), Data: p.outcome(r.Context(), v.Service, lang, lines)})
}

// outcome reads what an answer says: its receipt, and the rows that its link opens.
func (p *Portal) outcome(ctx context.Context, s *service.Service, lang string, lines []string) declaredView {
	v := declaredView{Service: s, Lines: lines}
	all := strings.Join(lines, "\n")
	if found := receiptLink.FindAllStringSubmatch(all, -1); found != nil {
		v.Receipt = found[len(found)-1][1]
	}
	found := rowsLink.FindAllStringSubmatch(all, -1)
	if found == nil {
		return v
	}
	token := found[len(found)-1][1]
	got, err := p.Passes.Pass(ctx, token)
	if err != nil || got.Kind != gateway.ToCorrect {
		return v
	}
	c, m, err := p.Passes.Correcting(ctx, got)
	if err != nil || !p.Now().Before(c.Until) {
		return v
	}
	v.Link, v.Reference, v.Open, v.In, v.Copy = "/d/"+token, m.Reference, len(c.Open), c.In, c.Copy.Name
	v.Good = rangesText(c.Filed)
	v.Faults, v.More = rowFaults(s, p.inLanguage(s, m, c, c.Open, lang), lang)
	return v
}

// rangesText writes row numbers as people do: 2-6, 8, 10-14.
func rangesText(rows []int) string {
	rows = slices.Sorted(slices.Values(rows))
	var parts []string
	for _, r := range receipt.Ranges(rows...) {
		if r[0] == r[1] {
			parts = append(parts, strconv.Itoa(r[0]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", r[0], r[1]))
		}
	}
	return strings.Join(parts, ", ")
}

// rowFaults lists what is wrong with rows, a line a fault, and how many more there are.
func rowFaults(s *service.Service, bad []forms.BadRow, lang string) (all []rowFault, more int) {
	f := s.RowsField()
	for _, row := range bad {
		for _, fault := range row.Faults {
			if len(all) == shownFaults {
				more++
				continue
			}
			label := fault.Column
			if column, ok := f.Column(fault.Column); ok {
				label = column.Label.In(lang)
			}
			all = append(all, rowFault{Row: row.Number, Column: label, Value: row.Cells[fault.Column], Why: fault.Word, Keepable: row.Keepable()})
		}
	}
	return all, more
}

// rowsCopy brings the copy of the sender's file with the open rows to whoever holds the link to them.
func (p *Portal) rowsCopy(w http.ResponseWriter, r *http.Request) {
	got, lang, ok := p.readPass(w, r, r.PathValue("token"))
	if !ok {
		return
	}
	c, _, _, ok := p.correcting(w, r, lang, got)
	if !ok {
		return
	}
	var body io.ReadCloser
	err := gateway.ErrNotFound
	if c.Copy.SHA256 != "" {
		body, err = p.Files.File(r.Context(), c.Copy.SHA256)
	}
	switch {
	case errors.Is(err, gateway.ErrNotFound):
		p.missing(w, r, lang)
		return
	case err != nil:
		p.Log.ErrorContext(r.Context(), "copy of rows", "err", err)
		p.trouble(w, r, lang, http.StatusServiceUnavailable, "later")
		return
	}
	defer body.Close()
	head := w.Header()
	head.Set("Content-Type", c.Copy.Type)
	head.Set("Content-Length", strconv.FormatInt(c.Copy.Size, 10))
	head.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": c.Copy.Name}))
	head.Set("Cache-Control", "private, no-store")
	head.Set("X-Robots-Tag", "noindex")
	if _, err := io.Copy(w, body); err != nil {
		p.Log.WarnContext(r.Context(), "copy of rows cut off", "err", err)
	}
}
