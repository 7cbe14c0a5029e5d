package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
)

var update = flag.Bool("update", false, "write the golden files anew")

// head is what most mails of the corpus begin with.
const head = "From: Ann Lee <Ann.Lee@Example.NET>\nTo: help@city.example\nMessage-ID: <m1@example.net>\nDate: Mon, 23 Nov 2026 09:14:07 +0000\n"

// mails is the corpus: what people's programs send, well and badly.
func mails() map[string]string {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	return map[string]string{
		"plain":            head + "Subject: Sofa\n\nHow do I get rid of a sofa?\n",
		"no-headers":       "\nJust words.\n",
		"words-only":       "Just words here\nand: more\n",
		"empty":            head + "Subject: (none)\n\n",
		"quoted-printable": head + "Subject: =?utf-8?q?D=C3=A9chets?=\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nO=C3=B9 jeter un canap=C3=A9 =\n?\n= not an escape =3D=\n",
		"latin1":           head + "Subject: =?iso-8859-1?Q?=C9clairage?=\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\nLe lampadaire est cass\xe9.\n",
		"windows1252-lie":  head + "Subject: x\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nIt\x92s broken \x96 really.\n",
		"gb2312":           head + "Subject: =?gb2312?B?" + base64.StdEncoding.EncodeToString([]byte("\xc2\xb7\xb5\xc6")) + "?=\nContent-Type: text/plain; charset=gb2312\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte("\xc2\xb7\xb5\xc6\xbb\xb5\xc1\xcb")) + "\n",
		"arabic":           head + "Subject: =?utf-8?B?" + b64("مصباح الشارع") + "?=\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n" + b64("المصباح معطل في شارع ٣") + "\n",
		"unknown-charset":  head + "Subject: =?x-klingon?q?abc?=\nContent-Type: text/plain; charset=x-klingon\n\nStill readable.\n",
		"html-only": head + "Subject: page\nContent-Type: text/html; charset=utf-8\n\n<html><head><title>T</title><style>p{}</style></head><body><p>Dear <b>city</b>,</p><p>two&nbsp;&amp; more<br>line</p>" +
			"<ul><li>one</li><li>two</li></ul><table><tr><th>HS</th><th>kg</th></tr><tr><td>847130</td><td>1,240</td></tr></table><script>evil()</script></body></html>\n",
		"alternative":      head + "Subject: both\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\nThe plain one.\n--b\nContent-Type: text/html\n\n<p>The <i>page</i></p>\n--b--\n",
		"alternative-void": head + "Subject: void\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n \n--b\nContent-Type: text/html\n\n<p>Only the page has words</p>\n--b--\n",
		"csv": head + "Subject: Goods Nov wk 47\nContent-Type: multipart/mixed; boundary=\"=_x\"\n\npreamble\n--=_x\nContent-Type: text/plain\n\nPlease find attached.\n--=_x\n" +
			"Content-Type: text/csv; charset=windows-1252; name=goods.csv\nContent-Disposition: attachment; filename=goods.csv\nContent-Transfer-Encoding: base64\n\n" + b64("HS;kg\n847130;1\xe9\n") + "\n--=_x--\nepilogue\n",
		"related-picture": head + "Subject: pic\nContent-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: multipart/related; boundary=r\n\n--r\nContent-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain\n\nSee the hole.\n--a\nContent-Type: text/html\n\n<p>See the hole.<img src=cid:1></p>\n--a--\n" +
			"--r\nContent-Type: image/jpeg\nContent-ID: <1>\nContent-Disposition: inline\nContent-Transfer-Encoding: base64\n\n" + b64("\xff\xd8jpeg") + "\n--r--\n--m\nContent-Type: text/plain\n\nSent from my phone\n--m--\n",
		"names": head + "Subject: names\nContent-Type: multipart/mixed; boundary=b\n\n" +
			"--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename*=UTF-8''d%C3%A9cision%20%E2%80%AEfdp.pdf\n\n1\n" +
			"--b\nContent-Type: application/pdf; name=\"=?utf-8?q?r=C3=A9sum=C3=A9.pdf?=\"\n\n2\n" +
			"--b\nContent-Disposition: attachment; filename=\"../../etc/pass:wd\"\n\n3\n" +
			"--b\nContent-Disposition: attachment; filename=\"C:\\\\temp\\\\.goods.xlsx\"\nContent-Type: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet\n\n4\n" +
			"--b\nContent-Disposition: attachment; filename=my goods list.csv\nContent-Type: text/csv\n\n5\n" +
			"--b\nContent-Type: image/jpeg\nContent-Disposition: attachment; filename*0=\"a long \"; filename*1=\"name.jpg\"\n\n6\n" +
			"--b\nContent-Type: ../../x\nContent-Disposition: attachment\n\n7\n" +
			"--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=\"" + strings.Repeat("x", 300) + ".txt\"\n\n8\n--b--\n",
		"winmail":          head + "Subject: tnef\nContent-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n" + b64("\x78\x9f\x3e\x22") + "\n",
		"forwarded":        head + "Subject: Fwd: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee below.\n--b\nContent-Type: message/rfc822\n\nFrom: other@example.org\nSubject: inner\n\ninner words\n--b--\n",
		"forward-inline":   head + "Subject: Fwd: letter\n\nPlease look at this:\n\n---------- Forwarded message ---------\nFrom: Tax office <t@example.org>\nDate: Mon\nSubject: Demand\nTo: me\n\n> pay now\nor else\n",
		"reply-top":        head + "Subject: Re: [PL-9DTE]\nIn-Reply-To: <c1@city.example>\nReferences: <c0@city.example> <c1@city.example>\n\ndone, KEEP 15\n\nOn Mon, 23 Nov 2026 at 09:14, Port Lumen\n<case+pl@city.example> wrote:\n\n> 18 rows are received.\n> Row 7 ...\n",
		"reply-bottom":     head + "Subject: Re: x\nIn-Reply-To: <c1@city.example>\n\nLe 23 nov. 2026, la ville a écrit :\n> Quelle rue ?\n\n14 Quay St\n\n-- \nAnn Lee\n+33 1 23\n",
		"reply-outlook":    head + "Subject: RE: x\nIn-Reply-To: <c1@city.example>\n\nYes, Thursday.\n\n________________________________\nFrom: Port Lumen <help@city.example>\nSent: Monday\nTo: Ann\nSubject: x\n\nWhich day?\n",
		"reply-german":     head + "Subject: AW: x\nReferences: <c1@city.example>\n\nJa.\n\n-----Original Message-----\nFrom: us\n\nold\n",
		"reply-only-quote": head + "Subject: Re: x\nIn-Reply-To: <c1@city.example>\n\n> all of it\n> is quoted\n",
		"reply-html":       head + "Subject: Re: x\nIn-Reply-To: <c1@city.example>\nContent-Type: text/html\n\n<div>Yes please</div><div class=gmail_quote><div>On Monday the city wrote:<br></div><blockquote><div>Which day?</div><div>We ask.</div></blockquote></div>\n",
		"vacation":         head + "Subject: Out of office\nAuto-Submitted: auto-replied (vacation)\n\nI am away.\n",
		"list":             head + "Subject: news\nList-Id: <news.example.net>\nPrecedence: list\n\nNews.\n",
		"suppress":         head + "Subject: quiet\nX-Auto-Response-Suppress: All\n\nNo answer please.\n",
		"loop":             head + "Subject: loop\nX-Loop: help@city.example\n\nBack again.\n",
		"not-automatic":    head + "Subject: x\nAuto-Submitted: no\nPrecedence: first-class\nX-Auto-Response-Suppress: None\n\nA person.\n",
		"own-domain":       "From: clerk@CITY.example\nSubject: x\nMessage-ID: <m1@city.example>\n\nFrom ourselves.\n",
		"from-broken":      "From: \"Ann, Lee <ann@example.net>\nSubject: x\n\nBroken From.\n",
		"from-idn":         "From: =?utf-8?q?J=C3=B6rg?= <joerg@b\u00fccher.example>, second@example.org\nSubject: x\nMessage-ID: <m1@x>\n\nInternational.\n",
		"from-bad":         "From: <ann\u202e@example.net>\nSubject: a\u202eb\n\nTricky.\n",
		"no-boundary":      head + "Subject: x\nContent-Type: multipart/mixed\n\nNo boundary at all.\n",
		"cut-short":        head + "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nThe connection bro",
		"bad-base64":       head + "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBE!!Ri0x\n Lj%c=\n--b--\n",
		"long-text":        head + "Subject: long\n\n" + strings.Repeat("0123456789", maxText/10) + " the end\n",
		"subject-long":     head + "Subject: " + strings.Repeat("very ", 200) + "\n\nx\n",
		"bad-header":       head + "this line is no header\nSubject: lost\n\nwords\n",
		"dsn": "From: MAILER-DAEMON@mx.example.net\nSubject: Undelivered\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\n" +
			"Reporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; ann@example.net\nAction: failed\nStatus: 5.1.1 (no such user)\nDiagnostic-Code: smtp; 550 5.1.1\n\n--b\nContent-Type: message/rfc822-headers\n\nSubject: old\n--b--\n",
	}
}

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func testBook() book { return book{domain: "city.example", key: []byte("0123456789abcdef")} }

// describeMail writes down everything that is made of a mail.
func describeMail(t testing.TB, m channels.Message, mail parsed) string {
	var b strings.Builder
	fmt.Fprintf(&b, "from: %s\nsubject: %s\nrobot: %t\n", m.From.Value, m.Subject, m.Robot)
	fmt.Fprintf(&b, "thread: %q %q %q\n", m.Thread.MessageID, m.Thread.InReplyTo, m.Thread.References)
	text := m.Text
	if len(text) > 1000 {
		text = fmt.Sprintf("%s … %s (%d bytes)", text[:20], text[len(text)-20:], len(text))
	}
	fmt.Fprintf(&b, "text:\n%s\n", text)
	for _, f := range m.Files {
		r, err := f.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil || int64(len(content)) != f.Size {
			t.Errorf("file %s: %d bytes of %d, %v", f.Name, len(content), f.Size, err)
		}
		sum := sha256.Sum256(content)
		fmt.Fprintf(&b, "file: %q %s %d %s\n", f.Name, f.Type, f.Size, hex.EncodeToString(sum[:4]))
	}
	if mail.report != nil {
		r, final := verdict(mail.report, "id", time.Time{})
		fmt.Fprintf(&b, "report: %s %v %t\n", r.State, r.Err, final)
	}
	return b.String()
}

func read(t testing.TB, raw string) (channels.Message, parsed, error) {
	in, out := channels.NewSpool(t.TempDir()), channels.NewSpool(t.TempDir())
	t.Cleanup(func() { in.Close(); out.Close() })
	sum := newFingerprint()
	if _, err := io.Copy(io.MultiWriter(in, sum), strings.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	mail, err := parse(in.All(), out)
	if err != nil {
		return channels.Message{}, mail, err
	}
	c := &Channel{book: testBook(), shared: channels.Shared{Now: time.Now}}
	return c.message("bounces@example.net", c.book.find("help@city.example"), mail, sum), mail, nil
}

func TestCorpus(t *testing.T) {
	if len(mails()) < 20 {
		t.Fatal("the corpus is too small")
	}
	for name, raw := range mails() {
		t.Run(name, func(t *testing.T) {
			m, mail, err := read(t, crlf(raw))
			if err != nil {
				t.Fatal(err)
			}
			got := describeMail(t, m, mail)
			golden := filepath.Join("testdata", "golden", name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			// Bare line feeds, as some programs write to a file, read the same.
			if again, _, err := read(t, raw); err != nil || again.Text != m.Text || again.Subject != m.Subject || len(again.Files) != len(m.Files) {
				t.Errorf("with bare line feeds: %v\n%+v", err, again)
			}
		})
	}
}

func TestGoldenFilesAreAllUsed(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.txt"))
	if err != nil || len(files) != len(mails()) {
		t.Errorf("%d golden files for %d mails, %v", len(files), len(mails()), err)
	}
}

func TestTangledMailIsRefused(t *testing.T) {
	deep := "Subject: x\n"
	for i := range maxDepth + 2 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	many := "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", maxParts+2) + "--b--\n"
	files := "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\nContent-Type: image/png\n\nx\n", maxFiles+1) + "--b--\n"
	for name, raw := range map[string]string{
		"deep": deep, "many": many, "files": files,
		"header":      strings.Repeat("X-Long: "+strings.Repeat("y", 900)+"\n", 200) + "\nx\n",
		"part header": "Content-Type: multipart/mixed; boundary=b\n\n--b\n" + strings.Repeat("X-Long: "+strings.Repeat("y", 900)+"\n", 200) + "\nx\n--b--\n",
		"continued":   "X-Long: y\n" + strings.Repeat(" "+strings.Repeat("y", 900)+"\n", 200) + "\nx\n",
	} {
		if _, _, err := read(t, crlf(raw)); err != errTangled {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := read(t, "Subject: x\r\n\r\n"+strings.Repeat("x", maxWords+1)); err != channels.ErrTooLarge {
		t.Errorf("too many words: %v", err)
	}
}

// TestIdentity: a mail that comes again is the same message whichever way it took; another is not.
func TestIdentity(t *testing.T) {
	id := func(raw string) string {
		m, _, err := read(t, crlf(raw))
		if err != nil {
			t.Fatal(err)
		}
		return m.ID
	}
	a := id(head + "\nok\n")
	if a != id("Received: by mx2\n"+head+"\nok\n") || !strings.HasPrefix(a, "email:") || len(a) != len("email:")+64 {
		t.Errorf("not the same mail: %s", a)
	}
	bare := "From: a@example.net\n"
	for i, other := range []string{head + "\nok!\n", strings.Replace(head, "m1@", "m2@", 1) + "\nok\n", bare + "Date: 1\n\nok\n", bare + "Date: 2\n\nok\n"} {
		if got := id(other); got == a {
			t.Errorf("%d: another mail has the same id", i)
		}
	}
	if id(bare+"Date: 1\n\nok\n") == id(bare+"Date: 2\n\nok\n") {
		t.Error("two short notes without a Message-ID became one")
	}
	// The cut between header and body may fall anywhere between two writes.
	raw := []byte(crlf(head + "\nbody\n"))
	var want string
	for cut := range raw {
		f := newFingerprint()
		f.Write(raw[:cut])
		f.Write(raw[cut:])
		if got := f.id("x", "y"); want == "" {
			want = got
		} else if got != want {
			t.Fatalf("cut at %d changes the id", cut)
		}
	}
}

func FuzzMail(f *testing.F) {
	for _, raw := range mails() {
		f.Add([]byte(crlf(raw)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 64<<10 {
			return
		}
		m, mail, err := read(t, string(raw))
		if err != nil {
			return
		}
		for _, s := range []string{m.Subject, m.Text, m.From.Value} {
			if strings.ToValidUTF8(s, "") != s || strings.ContainsRune(s, 0) || strings.Contains(s, "\r") {
				t.Errorf("unclean %q", s)
			}
		}
		if strings.Contains(m.Subject+m.From.Value+m.Thread.MessageID, "\n") {
			t.Error("a line end in a header")
		}
		total := int64(0)
		for _, file := range m.Files {
			if total += file.Size; strings.ContainsAny(file.Name, "/\\\n\x00") || file.Name == "" || strings.HasPrefix(file.Name, ".") {
				t.Errorf("file name %q", file.Name)
			}
		}
		if total > int64(len(raw)+3*maxText) {
			t.Errorf("%d bytes became %d", len(raw), total)
		}
		_ = describeMail(t, m, mail)
	})
}

func FuzzQuotedPrintable(f *testing.F) {
	f.Add([]byte("O=C3=B9 =\r\nx = 1 =\t \n=="), 3)
	f.Fuzz(func(t *testing.T, raw []byte, n int) {
		whole, err := io.ReadAll(unfold("quoted-printable", bytes.NewReader(raw)))
		if err != nil || len(whole) > len(raw) {
			t.Fatal(len(whole), err)
		}
		parts, err := io.ReadAll(unfold("quoted-printable", &dribble{raw, max(1, n&15)}))
		if err != nil || !bytes.Equal(whole, parts) {
			t.Errorf("%q\nread whole  %q\nread by %d %q %v", raw, whole, n&15, parts, err)
		}
	})
}

// dribble hands out n bytes at a time.
type dribble struct {
	rest []byte
	n    int
}

func (d *dribble) Read(p []byte) (int, error) {
	if len(d.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(d.n, len(p))], d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

func FuzzHTML(f *testing.F) {
	f.Add("<p>a<blockquote>b<li>c</table><br><br><br>d")
	f.Fuzz(func(t *testing.T, page string) {
		if s := fromHTML(page); len(s) > 8*len(page)+8 {
			t.Errorf("%d bytes became %d", len(page), len(s))
		}
	})
}
