package gateway_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
)

// goods is a weekly declaration of 20 packages in rows 2 to 21, of which row 7 has a digit too few and row 15 more net
// than gross.
func goods() channels.File {
	var b strings.Builder
	b.WriteString("company,week,package,HS code,country,net,gross,value,currency\n")
	for n := 2; n <= 21; n++ {
		hs, net, gross := "847130", "10", "12"
		switch n {
		case 7:
			hs = "84713"
		case 15:
			net, gross = "1240", "1190"
		}
		fmt.Fprintf(&b, "12-345678-C,2026-W47,PK%d,%s,BR,%s,%s,150.00,EUR\n", n, hs, net, gross)
	}
	return file("goods.csv", "text/csv", b.String())
}

func (w *world) attached(i int) string {
	w.t.Helper()
	files := w.sent[len(w.sent)-1].Message.Files
	if i >= len(files) {
		w.t.Fatalf("only %d files are attached", len(files))
	}
	r, err := files[i].Open(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	b, _ := io.ReadAll(r)
	return string(b)
}

// wrongRows mails 20 rows with two faults and gives the reply address of the case.
func wrongRows(t *testing.T) (w *world, reply, said string) {
	w = clerkWorld(t)
	n := 0
	w.tokens = func() string { n++; return fmt.Sprintf("token%d", n) }
	said = w.mail("declare+goods", "Goods Nov wk 47", "", goods())
	return w, "case+" + reference(0), said
}

func (w *world) wants(said string, want ...string) {
	w.t.Helper()
	for _, s := range want {
		if !strings.Contains(said, s) {
			w.t.Errorf("%q is missing in\n%s", s, said)
		}
	}
}

func (w *world) subject() string { return w.sent[len(w.sent)-1].Message.Subject }

func TestWrongRowsComeBackAndTheRestIsFiled(t *testing.T) {
	w, reply, said := wrongRows(t)
	w.wants(said, "18 rows are received and checked.", "Your filing time is Mon 23 Nov 09:00:00 (10:00:00 UTC)",
		`Row 7  HS code "84713" must have 6, 8 or 10 digits. Did you mean 847130?`,
		"Row 15  Net kg 1,240 is more than Gross kg 1,190. Columns F and G may be swapped.",
		"goods-2-rows.csv", "https://portlumen.example/d/token1")
	if got := w.subject(); got != "["+reference(0)+"] 18 of 20 rows accepted - 2 to correct by Fri 4 Dec 17:00" {
		t.Errorf("subject %q", got)
	}
	if c := w.lastCase(); len(c.Answers) != 20 || !strings.Contains(c.Text, "To be corrected by the sender: 7, 15.") {
		t.Errorf("%d answers crossed, with %q", len(c.Answers), c.Text)
	}
	if !w.sent[len(w.sent)-1].Message.Watched {
		t.Error("nobody would learn that the mail with the rows came back")
	}
	until := time.Date(2026, 12, 4, 18, 0, 0, 0, time.UTC)
	if c := w.lastCase(); len(c.Rows) != 1 || c.Rows[0] != (exchange.Rows{Filed: 18, Open: 2, Until: until}) {
		t.Errorf("it stands %+v", c.Rows)
	}
	copied := w.attached(0)
	if !strings.Contains(copied, "PK7") || !strings.Contains(copied, "PK15") || strings.Contains(copied, "PK8") {
		t.Errorf("the copy is\n%s", copied)
	}

	said = w.mail(reply, "Re: rows", "done\n\n> quoted", file("goods-2-rows.csv", "text/csv", strings.Replace(copied, "84713,", "847130,", 1)))
	w.wants(said, "Row 7 filed (19 of 20).", "Row 15 is unchanged. Reply KEEP 15 to file it as stated (an officer will look), or send a new value.")
	if a := w.crossed[len(w.crossed)-1].Document.(exchange.Addition); a.Act != exchange.ActAmend || len(a.Answers) != 1 || a.Rows[0].Open != 1 || !strings.Contains(a.Answers[0].Value, "hs=847130") {
		t.Errorf("crossed %+v", a)
	}

	w.now = monday.Add(8 * 24 * time.Hour)
	said = w.mail(reply, "Re: rows", "KEEP 15")
	w.wants(said, "Complete: 20 of 20. Row 15 goes to an officer, answer by Tue 8 Dec.")
	if got := w.subject(); got != "["+reference(0)+"] complete: 20 of 20" {
		t.Errorf("subject %q", got)
	}
	if a := w.crossed[len(w.crossed)-1].Document.(exchange.Addition); a.Act != exchange.ActKeep || a.Rows[0] != (exchange.Rows{Filed: 20}) ||
		!slices.Equal(a.Kept, []exchange.KeptRow{{Number: 15, At: 1}}) || !strings.Contains(a.Answers[0].Value, "net=1240") {
		t.Errorf("crossed %+v", a)
	}
	if len(w.open) != 0 || slices.ContainsFunc(w.wakes, func(k gateway.Wake) bool { return k.Kind == gateway.WakeCorrect }) {
		t.Error("a complete declaration is still open")
	}
}

func TestRowsArePutRightInWords(t *testing.T) {
	w, reply, _ := wrongRows(t)
	said := w.mail(reply, "Re", "Row 7: 847130\nRow 15: Net kg = 1190; sorry\nRow 99: 1\n-- \n12 Quay Street")
	w.wants(said, "Row 7 filed (19 of 20).", `Row 15  Net kg "1190; sorry"`)
	said = w.mail(reply, "Re", "15: net 1190")
	w.wants(said, "Complete: 20 of 20 rows are filed.", "Your filing time is Mon 23 Nov 09:00:00")
}

func TestAValueThatIsNoneCannotBeKept(t *testing.T) {
	w, reply, _ := wrongRows(t)
	said := w.mail(reply, "Re", "keep all")
	w.wants(said, "Row 15 is filed as stated; an officer will look (19 of 20).", "Row 7 can't be filed as stated", `Row 7  HS code "84713"`)
	if len(w.open) != 1 || len(w.open[0].Open) != 1 {
		t.Errorf("open %+v", w.open)
	}
}

func TestAPackageThatWasFiledIsNotFiledAgain(t *testing.T) {
	w, reply, _ := wrongRows(t)
	said := w.mail(reply, "Re", "Row 7: 2026; x")
	w.wants(said, `HS code "2026; x"`)
	said = w.mail(reply, "Re", "Row 7: hs: 847130\nRow 7: package: PK3")
	w.wants(said, `Row 7  Package "PK3" was filed before in this declaration.`)
}

func TestTheSameFileAgainIsToldSo(t *testing.T) {
	w, _, _ := wrongRows(t)
	said := w.mail("declare+goods", "again", "", goods())
	w.wants(said, "already filed as "+reference(0)+" on Mon 23 Nov 09:00:00", `Row 7  HS code "84713"`)
	if len(w.matters) != 1 {
		t.Errorf("%d cases", len(w.matters))
	}
}

// TestASecondFileForAPeriodIsToldSo: another file for the same week is filed, and says what else stands; pasted rows are known
// again too.
func TestASecondFileForAPeriodIsToldSo(t *testing.T) {
	w := clerkWorld(t)
	const head = "company\tweek\tpackage\ths\tcountry\tnet\tgross\tvalue\tcurrency\n"
	const row = "12-345678-C\t2026-W47\tPK1\t847130\tBR\t10\t12\t150.00\tEUR\n"
	w.wants(w.mail("declare+goods", "Goods", head+row), "received and checked")
	w.wants(w.mail("declare+goods", "Goods", head+row), "already filed as "+reference(0))
	said := w.mail("declare+goods", "Goods", head+strings.ReplaceAll(row, "PK1", "PK2"))
	w.wants(said, "received and checked", "You have also declared the same period as "+reference(0), "ref="+reference(0)+"; action=withdraw")
	w.wants(w.mail("declare+goods", "ref="+reference(0)+"; action=withdraw", ""), reference(0)+" is withdrawn")
	said = w.mail("declare+goods", "Goods", head+strings.ReplaceAll(row, "2026-W47", "2026-W48"))
	if strings.Contains(said, "same period") {
		t.Errorf("another week is no second file: %s", said)
	}
}

func TestOpenRowsAreRemindedOfAndLapse(t *testing.T) {
	w, _, _ := wrongRows(t)
	w.now = w.wakeAt(gateway.WakeCorrect)
	if want := time.Date(2026, 12, 2, 18, 0, 0, 0, time.UTC); !w.now.Equal(want) {
		t.Errorf("reminded at %v, not %v", w.now, want)
	}
	w.wants(w.lapse(gateway.WakeCorrect), "2 rows of your declaration are still to be corrected by Fri 4 Dec 17:00")
	w.now = w.wakeAt(gateway.WakeCorrect)
	w.wants(w.lapse(gateway.WakeCorrect), "The time to correct is over. 18 of 20 rows are filed", "Not filed: 7, 15.")
	if a := w.crossed[len(w.crossed)-1].Document.(exchange.Addition); a.Act != exchange.ActAmend || !strings.Contains(a.Text, "Not filed: 7, 15") || len(w.open) != 0 {
		t.Errorf("crossed %+v, open %v", a, w.open)
	}
}

// TestAReceiptSupersedesOurOwn: what is filed anew after the inside registered it takes the place of the gateway's last
// receipt, not of the inside's.
func TestAReceiptSupersedesOurOwn(t *testing.T) {
	w := clerkWorld(t)
	right := "company,week,package,HS code,country,net,gross,value,currency\n12-345678-C,2026-W47,PK1,847130,BR,10,12,150.00,EUR\n"
	w.mail("declare+goods", "Goods", "", file("g.csv", "text/csv", right))
	first := w.last.Receipts[0].Receipt.ID
	w.matters[0].State = exchange.Received
	w.matters[0].Events = append(w.matters[0].Events, gateway.Event{At: w.now, State: exchange.Received, Receipt: "OFINSIDE", Registered: true})
	for range 2 {
		right = strings.ReplaceAll(right, "PK1,", "PK1X,")
		w.wants(w.mail("case+"+reference(0), "Re", "", file("g.csv", "text/csv", right)), "takes the place")
		if got := w.last.Receipts[0].Receipt; got.Supersedes != first {
			t.Errorf("it supersedes %q, not %q", got.Supersedes, first)
		}
		first = w.last.Receipts[0].Receipt.ID
	}
}

// TestOpenRowsAreAlsoToldWhereTheClerkIs: who has turned to the phone since is told there in short, beside the mail.
func TestOpenRowsAreAlsoToldWhereTheClerkIs(t *testing.T) {
	w, _, _ := wrongRows(t)
	phone := channels.Address{Channel: "sms", Value: "+447700900123"}
	w.contact.Reaches = append(w.contact.Reaches, gateway.Reach{Address: phone, Heard: w.now.Add(time.Hour), Introduced: true})
	toPhone := func() (said []string) {
		for _, d := range w.last.Deliveries {
			if d.Message.To == phone {
				said = append(said, d.Message.Text)
			}
		}
		return said
	}
	w.now = w.wakeAt(gateway.WakeCorrect)
	w.lapse(gateway.WakeCorrect)
	if got := toPhone(); len(w.last.Deliveries) != 2 || len(got) != 1 || !strings.Contains(got[0], "18 rows accepted, 2 to correct by Fri 4 Dec 17:00. Details are in your e-mail.") {
		t.Errorf("reminded of %q", got)
	}
	w.now = w.wakeAt(gateway.WakeCorrect)
	w.lapse(gateway.WakeCorrect)
	if got := toPhone(); len(got) != 1 || got[0] != reference(0)+": the time to correct is over, 18 of 20 rows are filed. Details are in your e-mail." {
		t.Errorf("ended with %q", got)
	}
}

func TestAFormThatIsFiledAsAWhole(t *testing.T) {
	w := clerkWorld(t)
	waste := func(kg string) channels.File {
		return file("w.csv", "text/csv", "producer;carrier;collected;received;ewc;kg;un\n12-345678-C;12-345678-C;2026-11-20;2026-11-21;13 02 05*;400;UN3082\n;;;;13 02 05*;"+kg+";UN3082\n")
	}
	said := w.mail("declare+dec-waste", "", "", waste("many"))
	w.wants(said, "1 of 2 rows are right. This form is filed as a whole", `Row 3  Kg "many"`)
	if len(w.crossed) != 0 || len(w.matters) != 1 || w.last.Papers == nil {
		t.Fatalf("crossed %v, matters %v", w.crossed, w.matters)
	}
	w.now = w.now.Add(time.Hour)
	said = w.mail("case+"+reference(0), "Re", "Row 3: 12,5")
	w.wants(said, "Complete: 2 of 2 rows are filed. Your filing time is Mon 23 Nov 09:00:00")
	if c := w.lastCase(); !c.FiledAt.Equal(monday) || c.Reference != reference(0) || c.ID != w.matters[0].ID || len(c.Files) != 1 || len(w.crossed) != 1 {
		t.Errorf("filed %+v", c)
	}
}

func TestWithdrawAmendAndNil(t *testing.T) {
	w := clerkWorld(t)
	right := strings.Replace(strings.Replace(goodsText(), "84713,", "847130,", 1), "1240,1190", "1190,1240", 1)
	w.wants(w.mail("declare+goods", "", "", file("g.csv", "text/csv", right)), "received and checked")
	one := "company,week,package,HS code,country,net,gross,value,currency\n12-345678-C,2026-W47,PK1,847130,BR,1,2,3,EUR\n"
	w.wants(w.mail("case+"+reference(0), "", "", file("g.csv", "text/csv", one)), "one row takes the place of what was filed")
	w.wants(w.mail("case+"+reference(0), "", "", file("g.csv", "text/csv", strings.Replace(one, "BR", "XX", 1))), "stands until a file without faults replaces it")
	w.wants(w.mail("declare+goods", "ref="+reference(0)+"; action=withdraw", ""), reference(0)+" is withdrawn")
	if a := w.crossed[len(w.crossed)-1].Document.(exchange.Addition); a.Act != exchange.ActWithdraw {
		t.Errorf("crossed %+v", a)
	}
	w.wants(w.mail("declare+goods", "NIL", "company: 12-345678-C\nweek: 2026-W48"), "nothing to declare", reference(1))
	w.wants(w.mail("declare+goods", "NIL; company=12-345678-C", ""), "Week: is missing")
	w.wants(w.mail("test+declare+goods", "NIL; company=12-345678-C; week=2026-W49", ""), "dry run")
	if len(w.matters) != 2 {
		t.Errorf("%d cases", len(w.matters))
	}
}

func goodsText() string {
	r, _ := goods().Open(context.Background())
	b, _ := io.ReadAll(r)
	return string(b)
}

func TestDryRunOfRows(t *testing.T) {
	w := clerkWorld(t)
	w.wants(w.mail("test+declare+goods", "", "", goods()), "18 of 20 rows are right, 2 to correct", `Row 7  HS code "84713"`, "This was a dry run")
	if len(w.matters)+len(w.crossed)+len(w.open) != 0 {
		t.Error("a dry run filed something")
	}
}

func TestATablePastedIntoTheMail(t *testing.T) {
	w := clerkWorld(t)
	said := w.mail("declare+goods", "", "Hello,\nour goods:\n\n"+strings.ReplaceAll(goodsText(), ",", "\t")+"\nBest\n")
	w.wants(said, "18 rows are received and checked.", `Row 7  HS code "84713"`, "-2-rows.xlsx")
}

func TestWhatClerksReallySend(t *testing.T) {
	for name, c := range map[string]struct {
		file channels.File
		want string
	}{
		"empty":   {file("g.csv", "text/csv", "\n"), "is empty"},
		"header":  {file("g.csv", "text/csv", "a,b\n1,2\n"), "has the names of the columns"},
		"quote":   {file("g.csv", "text/csv", goodsHeader+"\n\"12-345678-C,2026-W47\n"), "In row 2 of the file a quotation mark"},
		"winmail": {file("winmail.dat", "application/ms-tnef", "\x78\x9f\x3e\x22 and more"), "came as winmail.dat"},
		"old":     {file("g.xls", "application/vnd.ms-excel", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1W\x00o\x00r\x00k\x00b\x00o\x00o\x00k\x00"), "old Excel format"},
		"picture": {file("g.csv", "text/csv", "\x89PNG\r\n\x1a\n"), "is no table"},
		"rows":    {file("g.csv", "text/csv", goodsHeader+strings.Repeat("\n12-345678-C,2026-W47,P,847130,BR,1,2,3,EUR", 5001)), "more than 5000 rows"},
	} {
		w := clerkWorld(t)
		if said := w.mail("declare+goods", "", "", c.file); !strings.Contains(said, c.want) || len(w.matters) != 0 {
			t.Errorf("%s: %s", name, said)
		}
	}
}

const goodsHeader = "company,week,package,HS code,country,net,gross,value,currency"

// TestTheLargestFiles: five thousand rows, all right and all wrong, are answered with a bounded mail, and what crosses
// fits into one document.
func TestTheLargestFiles(t *testing.T) {
	row := "\n12-345678-C,2026-W47,%s%030d,%s,BR,1234.5,99999.5,1000000.00,EUR"
	for _, hs := range []string{"8471301000", "1"} {
		var b strings.Builder
		b.WriteString(goodsHeader)
		for n := range 5000 {
			fmt.Fprintf(&b, row, "PKG", n, hs)
		}
		w := clerkWorld(t)
		w.mail("declare+goods", "", "", file("g.csv", "text/csv", b.String()))
		if len(w.crossed) > 0 {
			if _, err := exchange.Encode(w.crossed[0].Document); err != nil {
				t.Errorf("%s: %v", hs, err)
			}
		}
		if len(w.matters) != 1 || len(w.crossed) > 1 || len(w.sent[0].Message.Text) > 20_000 {
			t.Errorf("%s: %d cases, %d crossed, %d bytes of answer", hs, len(w.matters), len(w.crossed), len(w.sent[0].Message.Text))
		}
	}
}

// TestOtherFilesReachTheCase: a reply about a declaration with papers that are no table is added like any other.
func TestOtherFilesReachTheCase(t *testing.T) {
	w, reply, _ := wrongRows(t)
	w.wants(w.mail(reply, "Re", "Here is the bill of lading.", file("bill.pdf", "application/pdf", "%PDF-1.7"), file("photos.zip", "application/zip", "PK\x05\x06"+strings.Repeat("\x00", 18))),
		"added to "+reference(0), "2 files")
}

// TestAWorkbookStaysOutside: of a file that is no text the rows cross and it does not; its receipt names it.
func TestAWorkbookStaysOutside(t *testing.T) {
	w := clerkWorld(t)
	rows := `[{"company":"12-345678-C","week":"2026-W47","package":"PK1","hs":"847130","country":"BR","net":1,"gross":2,"value":3,"currency":"EUR"}]`
	w.wants(w.mail("declare+goods", "", "", file("g.json", "application/json", rows), file("bill.pdf", "application/pdf", "%PDF")), "received and checked")
	c := w.lastCase()
	if len(c.Files) != 1 || c.Files[0].Name != "bill.pdf" || len(w.crossed[0].Files) != 1 {
		t.Errorf("crossed with %+v", c.Files)
	}
	if got := w.last.Receipts[0].Receipt.Files; len(got) != 2 || got[0].Name != "g.json" {
		t.Errorf("the receipt names %+v", got)
	}
	w.wants(w.mail("declare+goods", "again", "", file("g.json", "application/json", rows)), "already filed as "+reference(0))
}

// TestALateCopyReplacesNothing: the copy with the open rows that comes again, or too late, changes nothing.
func TestALateCopyReplacesNothing(t *testing.T) {
	w, reply, _ := wrongRows(t)
	fixed := file("goods-2-rows.csv", "text/csv", strings.Replace(strings.Replace(w.attached(0), "84713,", "847130,", 1), "1240,1190", "1190,1240", 1))
	w.wants(w.mail(reply, "Re", "done", fixed), "Complete: 20 of 20 rows are filed.")
	before := len(w.crossed)
	w.wants(w.mail(reply, "Re", "done", fixed), "none of them is to be corrected any more")
	if len(w.crossed) != before {
		t.Error("some rows took the place of all")
	}
}

// TestADecidedDeclarationIsNotCorrected: its open rows end without a word.
func TestADecidedDeclarationIsNotCorrected(t *testing.T) {
	w, reply, _ := wrongRows(t)
	w.matters[0].State = exchange.Decided
	before := len(w.crossed)
	w.wants(w.mail(reply, "Re", "", goods()), "is closed")
	w.now = w.wakeAt(gateway.WakeCorrect)
	if said := w.lapse(gateway.WakeCorrect); said != "" || len(w.open) != 0 || len(w.crossed) != before {
		t.Errorf("said %q, open %d, crossed %d", said, len(w.open), len(w.crossed)-before)
	}
}
