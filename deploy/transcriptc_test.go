package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"gatehouse/deploy/carriers/relay"
)

// weekly is transcript C: a clerk mails twenty rows with two faults, and puts them right. What it says is held against
// the design word for word.
type weekly struct {
	*town
	from  string
	ahead *atomic.Int64 // how far the clock was moved, in nanoseconds
	ref   string
	last  relay.Mail
}

// TestTranscriptC walks transcript C in its order, with a real workbook, through real mail.
func TestTranscriptC(t *testing.T) {
	monday, began := time.Date(2026, 11, 23, 10, 14, 7, 0, time.UTC), time.Now()
	var ahead atomic.Int64
	w := gatewayAlone(t, func() time.Time { return monday.Add(time.Since(began)).Add(time.Duration(ahead.Load())) })
	w.carriers.Mail.SetGateway(w.settings["SMTP"])
	w.list("12-345678-C", "customs@northdock.example")
	c := &weekly{town: w, from: "customs@northdock.example", ahead: &ahead}
	c.mailsTwentyRows()
	c.putsOneRight()
	c.keepsTheOther()
}

// goodsBook is goods.xlsx: twenty packages in rows 2 to 21.
func goodsBook(t *testing.T) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	set := func(row int, cells ...any) {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", row), &cells); err != nil {
			t.Fatal(err)
		}
	}
	set(1, "Company number", "Week", "Package", "HS code", "Country", "Net kg", "Gross kg", "Value", "Currency")
	for n := 2; n <= 21; n++ {
		hs, net, gross := "847130", 10.5, 12.0
		switch n {
		case 7:
			hs = "84713"
		case 15:
			net, gross = 1240, 1190
		}
		set(n, "12-345678-C", "2026-W47", fmt.Sprintf("PK%d", n), hs, "BR", net, gross, 150.0, "EUR")
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// mails sends a mail in the thread and takes the answer to it.
func (c *weekly) mails(d relay.Draft) {
	c.t.Helper()
	d.From = c.from
	if c.ref != "" {
		d.To, d.InReplyTo, d.References, d.Subject = []string{c.last.From}, c.last.MessageID, append(c.last.References, c.last.MessageID), "Re: "+c.last.Subject
	}
	id, err := c.carriers.Write(d)
	if err != nil {
		c.t.Fatal(err)
	}
	c.last = c.awaitReply(c.from, strings.Trim(id, "<>"))
}

// says holds the answer's words against the transcript; REF stands for the reference, and space counts once.
func (c *weekly) says(subject string, lines ...string) {
	c.t.Helper()
	if want := strings.ReplaceAll(subject, "REF", c.ref); c.last.Subject != want {
		c.t.Errorf("the subject is\n  %s\nwant\n  %s", c.last.Subject, want)
	}
	got := strings.Join(strings.Fields(c.last.Text), " ")
	for _, l := range lines {
		pattern := strings.NewReplacer("TOKEN", `[a-z2-7]{13}`, "HOST", `https?://[\w.:-]+`).Replace(regexp.QuoteMeta(strings.Join(strings.Fields(l), " ")))
		if !regexp.MustCompile(pattern).MatchString(got) {
			c.t.Errorf("the answer lacks\n  %s\nit says\n  %s", l, got)
		}
	}
}

func (c *weekly) attached(name string) []byte {
	c.t.Helper()
	for _, f := range c.last.Files {
		if f.Name == name {
			return f.Data
		}
	}
	c.t.Fatalf("%s is not attached", name)
	return nil
}

// confirms opens the link that the company's address got: the stand-in's mails are proven by nothing here.
func (c *weekly) confirms() {
	c.t.Helper()
	asked, err := c.carriers.AwaitMail(context.Background(), c.from, patience, func(m relay.Mail) bool { return !m.Sent && strings.Contains(m.Text, "If the declaration is yours") })
	if err != nil {
		c.t.Fatalf("nobody was asked: %v", err)
	}
	r, err := http.PostForm(c.settings["PUBLIC"]+passPath.FindString(asked.Text), url.Values{"act": {"open"}})
	if err != nil {
		c.t.Fatal(err)
	}
	r.Body.Close()
	c.last, err = c.carriers.AwaitMail(context.Background(), c.from, patience, func(m relay.Mail) bool { return !m.Sent && strings.Contains(m.Text, "are received and checked") })
	if err != nil {
		c.t.Fatalf("nothing was filed: %v", err)
	}
}

func (c *weekly) mailsTwentyRows() {
	c.mails(relay.Draft{To: []string{"declare+goods@portlumen.example"}, Subject: "Goods Nov wk 47", Text: "Please find our goods attached.",
		Files: []relay.File{{Name: "goods.xlsx", Type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Data: goodsBook(c.t)}}})
	c.confirms()
	if c.ref = refOf(c.last.Subject); c.ref == "" {
		c.t.Fatalf("no reference in %q: %s", c.last.Subject, c.last.Text)
	}
	c.says("[REF] 18 of 20 rows accepted - 2 to correct by Fri 4 Dec 17:00",
		`Row 7   HS code  "84713"      must have 6, 8 or 10 digits. Did you mean 847130?`,
		"Row 15  Net kg 1,240 is more than Gross kg 1,190. Columns F and G may be swapped.",
		"Two ways: 1) reply with the attached goods-2-rows.xlsx (only those rows, cells marked);  2) correct online: HOST/d/TOKEN")
	filed := regexp.MustCompile(`18 rows are received and checked\. Your filing time is Mon 23 Nov 09:1\d:\d\d \(10:1\d:\d\d UTC\), and it stays so if you correct by the date above\.`)
	if got := strings.Join(strings.Fields(c.last.Text), " "); !filed.MatchString(got) {
		c.t.Errorf("the filing time is missing in %s", got)
	}
	if !strings.Contains(c.last.From, "<case+"+strings.ToLower(c.ref)+".") {
		c.t.Errorf("the answer comes from %s", c.last.From)
	}
	if got := header(c.last, "Auto-Submitted"); got != "auto-replied" {
		c.t.Errorf("the answer is marked %q", got)
	}
	c.receipt(20, 18, 2, 0, "")
}

// receipt checks the receipt that came along, and gives its id.
func (c *weekly) receipt(in, filed, open, officer int, supersedes string) string {
	c.t.Helper()
	var r struct {
		ID         string `json:"id"`
		Supersedes string `json:"supersedes"`
		Signature  string `json:"signature"`
		Rows       struct{ In, Filed, Open, Officer int }
		Files      []struct{ SHA256 string }
	}
	if err := json.Unmarshal(c.attached("receipt.json"), &r); err != nil {
		c.t.Fatal(err)
	}
	if r.Rows.In != in || r.Rows.Filed != filed || r.Rows.Open != open || r.Rows.Officer != officer || r.Supersedes != supersedes || r.Signature == "" || len(r.Files) == 0 {
		c.t.Errorf("the receipt is %+v", r)
	}
	if !bytes.HasPrefix(c.attached("receipt.pdf"), []byte("%PDF")) {
		c.t.Error("the receipt's page is no PDF")
	}
	return r.ID
}

// putsOneRight sends the marked copy back with row 7 right and row 15 as it was.
func (c *weekly) putsOneRight() {
	before := c.receipt(20, 18, 2, 0, "")
	f, err := excelize.OpenReader(bytes.NewReader(c.attached("goods-2-rows.xlsx")))
	if err != nil {
		c.t.Fatal(err)
	}
	sheet := f.GetSheetName(0)
	rows, err := f.GetRows(sheet)
	if err != nil || len(rows) != 3 {
		c.t.Fatalf("the copy has %d rows, %v", len(rows), err)
	}
	at := slices.Index(rows[0], "HS code")
	if at < 0 || rows[1][at] != "84713" {
		c.t.Fatalf("the copy is %v", rows)
	}
	cell, _ := excelize.CoordinatesToCellName(at+1, 2)
	if notes, err := f.GetComments(sheet); err != nil || !slices.ContainsFunc(notes, func(n excelize.Comment) bool { return n.Cell == cell }) {
		c.t.Errorf("the wrong cell has no note: %v", err)
	}
	if err := f.SetCellStr(sheet, cell, "847130"); err != nil {
		c.t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		c.t.Fatal(err)
	}
	quoted := "> " + strings.ReplaceAll(c.last.Text, "\n", "\n> ")
	c.mails(relay.Draft{Text: "done\n\nOn Monday the city wrote:\n" + quoted, Files: []relay.File{{Name: "goods-2-rows.xlsx", Data: b.Bytes()}}})
	c.says("[REF] 19 of 20 rows accepted - 1 to correct by Fri 4 Dec 17:00",
		"Row 7 filed (19 of 20).", "Row 15 is unchanged. Reply KEEP 15 to file it as stated (an officer will look), or send a new value.")
	c.receipt(20, 19, 1, 0, before)
}

func (c *weekly) keepsTheOther() {
	before := c.receiptID()
	c.ahead.Store(int64(8 * 24 * time.Hour))
	c.mails(relay.Draft{Text: "KEEP 15"})
	c.says("[REF] complete: 20 of 20", "Complete: 20 of 20. Row 15 goes to an officer, answer by Tue 8 Dec.")
	id := c.receipt(20, 20, 0, 1, before)
	r, err := http.Get(c.settings["PUBLIC"] + "/receipts/" + id)
	if err != nil {
		c.t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		c.t.Errorf("the receipt's page gives %d", r.StatusCode)
	}
}

func (c *weekly) receiptID() string {
	var r struct{ ID string }
	if err := json.Unmarshal(c.attached("receipt.json"), &r); err != nil {
		c.t.Fatal(err)
	}
	return r.ID
}
