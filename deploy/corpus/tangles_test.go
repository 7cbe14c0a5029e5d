package corpus

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"gatehouse/gateway"
)

// zipped is a zip archive with one file.
func zipped(name string, content []byte) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write(content)
	}
	if err != nil || w.Close() != nil {
		panic(err) // a buffer takes all
	}
	return b.String()
}

// instead sends raw bytes after the fields that tell the sender.
func instead(rest string) func(*testing.T, *people, string) string {
	return func(_ *testing.T, _ *people, raw string) string {
		head, _, _ := strings.Cut(raw, "MIME-Version:")
		return head + crlf(rest)
	}
}

const tangled = "554 5.6.0"

// tangles are mails that are built to hurt, or by programs that hardly can build one.
func tangles() []row {
	nested := func(n int) string {
		s := "Content-Type: multipart/mixed; boundary=b0\n\n"
		for i := range n {
			s += fmt.Sprintf("--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n", i, i+1)
		}
		return s + "the end\n"
	}
	zeros := bytes.Repeat([]byte{'0'}, 16<<20)
	return []row{
		{"parts in each other without end", letter{last: instead(nested(60))}, fate{refused: tangled}},
		{"a thousand parts", letter{last: instead("Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 1000) + "--b--\n")}, fate{refused: tangled}},
		{"a hundred and one files", letter{last: instead("Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\nContent-Type: image/png\n\nx\n", 101) + "--b--\n")}, fate{refused: tangled}},
		{"a flood of header fields", letter{last: instead(strings.Repeat("X-Flood: "+strings.Repeat("y", 900)+"\n", 300) + "\nx\n")}, fate{refused: tangled}},
		{"one header field without end", letter{last: instead("X-Flood: " + strings.Repeat("y\n ", 90_000) + "\n\nx\n")}, fate{refused: tangled}},
		{"a line longer than any program writes", letter{last: instead("\n" + strings.Repeat("y", 70_000) + "\n")}, fate{refused: "451"}},
		{"a line of ten thousand characters", letter{subject: "Z", last: instead("\nA zebra " + strings.Repeat("y", 10_000) + "\n")}, asked("A zebra")},
		{"words without end", letter{subject: "Z", last: instead("\n" + strings.Repeat("A zebra is on the roof.\n", 50_000))}, fate{refused: "552 5.3.4"}},
		{"more words than a case holds go along as a file", letter{subject: "Z", last: instead("\n" + strings.Repeat("A zebra is on the roof.\n", 2_000))}, asked("A zebra", "[message.txt text/plain]")},
		{"a zip that unpacks to far more", letter{to: declareTour, subject: "Return", mime: mixed(plain("x"), attached("r.zip", "application/zip", zipped("r.csv", zeros)))}, fate{trust: gateway.OfDomain, says: "mail.trouble.hostile"}},
		{"a workbook that unpacks to as much", letter{to: declareTour, subject: "Return", mime: mixed(plain("x"), attached("r.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", zipped("xl/workbook.xml", zeros)))}, fate{trust: gateway.OfDomain, says: "mail.trouble.hostile"}},
		{"a zip in a zip", letter{to: declareTour, subject: "Return", mime: mixed(plain("x"), attached("r.zip", "application/zip", zipped("in.zip", []byte(zipped("r.csv", []byte(tour))))))}, fate{trust: gateway.OfDomain, says: "mail.trouble.zip"}},
		{"a return in a zip", letter{to: declareTour, subject: "Return", mime: mixed(plain("x"), attached("r.zip", "application/zip", zipped("r.csv", []byte(tour))))}, filedTour()},
		{"XML that refers to itself", letter{to: declareTour, subject: "Return", mime: mixed(plain("x"), attached("r.xml", "application/xml", `<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a><r><month>&c;</month></r></a>`))}, fate{trust: gateway.OfDomain, says: "mail.trouble.hostile"}},
		{"XML that asks for a file of ours", letter{to: declareTour, subject: "Return", mime: mixed(plain("x"), attached("r.xml", "application/xml", `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a><r><month>&b;</month></r></a>`))}, fate{trust: gateway.OfDomain, says: "mail.trouble.hostile", lacks: []string{"root:"}}},
		{"a cell that is a formula", letter{to: declareTour, subject: "Return", mime: mixed(plain("x"), attached("r.csv", "text/csv", "month,nights,exempt,lodging\n2026-10,412,30,=HYPERLINK(\"https://evil.example\")\n"))}, filedTour("lodging==HYPERLINK")},
		{"a file that is no table", letter{to: declareTour, subject: "Return", mime: mixed(plain("x"), attached("r.pdf", "application/pdf", "%PDF-1.4\n%%EOF"))}, fate{trust: gateway.OfDomain, says: "mail.template"}},
		{"no header at all", letter{last: func(*testing.T, *people, string) string { return "A zebra is on the roof.\r\n" }}, fate{trust: gateway.Unverified, judged: "dmarc=none spf=pass", effect: "new ask", says: "mail.case", holds: []string{"A zebra"}}},
		{"a line in the header that is none", letter{last: func(_ *testing.T, _ *people, raw string) string {
			return strings.Replace(raw, "Date:", "this is no field\r\nDate:", 1)
		}}, asked("Thank you")},
		{"a multipart without a boundary", letter{subject: "Z", last: instead("Content-Type: multipart/mixed\n\nA zebra is on the roof.\n")}, asked("A zebra")},
		{"a multipart that is cut short", letter{subject: "Z", last: instead("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nA zebra is on the ro")}, asked("A zebra")},
		{"a zero byte and an escape sequence", letter{subject: "Z\x1b[31m", mime: typed("text/plain\nContent-Transfer-Encoding: 8bit", "A zebra\x00 is \x1b[31mred.")}, asked("A zebra is [31mred.")},
		{"letters that turn the text around", letter{subject: word("utf-8", "Z\u202eabc"), mime: utf8Text("A zebra \u202eand a horse\u202c.")}, fate{trust: gateway.OfDomain, effect: "new ask", says: "mail.case", lacks: []string{"\u202e"}}},
		{"a mail to a stranger through us", letter{to: "ann@elsewhere.example"}, fate{refused: "550 5.7.1"}},
		{"a mail to nobody here", letter{to: "mayor"}, fate{refused: "550 5.1.1"}},
		{"a reply address that is made up", letter{to: "case+pl-9dte-4hb6-cc.aaaaaaaaaaaaaaaa"}, fate{refused: "550 5.1.1"}},
	}
}
