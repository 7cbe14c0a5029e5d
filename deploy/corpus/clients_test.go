package corpus

import (
	"bytes"
	"image"
	"image/jpeg"

	"gatehouse/gateway"
)

// photo is a picture as a phone takes it, but small.
func photo() []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 16, 16)), nil); err != nil {
		panic(err) // a buffer takes all
	}
	return b.Bytes()
}

const (
	// tour is a return of the tourist tax, which anybody may file.
	tour = "month,nights,exempt\n2026-10,412,30\n"
	// declareTour is where it goes.
	declareTour = "declare+dec-tour"
)

// filedTour is the fate of a return that was understood, whatever it came in.
func filedTour(holds ...string) fate {
	return fate{trust: gateway.OfDomain, effect: "new DEC-TOUR", says: "mail.filed", holds: append([]string{"month=2026-10", "nights=412", "exempt=30"}, holds...)}
}

// asked is the fate of words that a person has to read, as holds of them.
func asked(holds ...string) fate {
	return fate{trust: gateway.OfDomain, effect: "new ask", says: "mail.case", holds: holds}
}

// clients are the styles of the programs that people write with.
func clients() []row {
	return []row{
		{"Thunderbird, a CSV attached",
			letter{to: declareTour, subject: "Return October", head: "User-Agent: Mozilla Thunderbird\n",
				mime: mixed(plain("Dear office,\nplease find our return attached."), attached("return.csv", "text/csv; charset=UTF-8", tour))},
			filedTour("[return.csv text/csv]")},
		{"Outlook, a CSV as application/vnd.ms-excel beside a page from Word",
			letter{to: declareTour, subject: "Return", head: "X-Mailer: Microsoft Outlook 16.0\nThread-Index: AQHb\n",
				mime: mixed(many("alternative", plain("See attached."), html(`<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p.MsoNormal{margin:0}</style></head><body><p class=MsoNormal>See attached.<o:p></o:p></p></body></html>`)),
					attached("return.csv", "application/vnd.ms-excel", tour))},
			filedTour()},
		{"Outlook, winmail.dat in place of the file",
			letter{to: declareTour, subject: "Return", mime: mixed(plain("See attached."), attached("winmail.dat", "application/ms-tnef", "\x78\x9f\x3e\x22\x01\x00"))},
			fate{trust: gateway.OfDomain, says: "mail.trouble.winmail"}},
		{"Apple Mail, the file between two texts",
			letter{to: declareTour, subject: "Return", head: "X-Mailer: Apple Mail (2.3774)\n",
				mime: mixed(plain("Hello,"), coded(`text/csv; name="return.csv"; x-unix-mode=0644`+"\nContent-Disposition: inline; filename=return.csv", []byte(tour)), plain("Sent from my Mac"))},
			filedTour()},
		{"iPhone, words alone",
			letter{subject: "Lamp", head: "X-Mailer: iPhone Mail (22B83)\n", mime: plain("A zebra stands on the roof of the opera.\n\nSent from my iPhone")},
			asked("zebra")},
		{"iPhone, a picture inline",
			letter{subject: "Zebra", mime: mixed(plain("A zebra stands here."), coded(`image/jpeg; name=IMG_0042.jpeg`+"\nContent-Disposition: inline; filename=IMG_0042.jpeg", photo()), plain(""))},
			asked("zebra", "[IMG_0042.jpeg image/jpeg]")},
		{"Android, format=flowed with a signature",
			letter{subject: "Zebra", mime: typed("text/plain; charset=utf-8; format=flowed; delsp=yes", "A zebra stands on the \nroof of the opera. \n\n-- \nAnn Lee\n+44 1632 960000")},
			fate{trust: gateway.OfDomain, effect: "new ask", says: "mail.case", holds: []string{"zebra"}, lacks: []string{"Ann Lee"}}},
		{"Gmail, both forms of a text",
			letter{subject: "Zebra", mime: many("alternative", plain("A zebra is on the roof."), html(`<div dir="ltr">A <b>zebra</b> is on the roof.</div>`))},
			asked("A zebra is on the roof.")},
		{"Gmail, a table pasted into the mail",
			letter{to: declareTour, subject: "Return", mime: many("alternative", plain("month nights exempt 2026-10 412 30"),
				html(`<div dir="ltr"><table><tbody><tr><td>month</td><td>nights</td><td>exempt</td></tr><tr><td>2026-10</td><td>412</td><td>30</td></tr></tbody></table></div>`))},
			filedTour()},
		{"Outlook, a table pasted from Excel, in a page alone",
			letter{to: declareTour, subject: "Return", mime: html(`<html><body><p>Dear office,</p><table class=MsoNormalTable border=0><tr><td><p><span>Month<o:p></o:p></span></p></td><td><p>Nights</p></td><td><p>Exempt nights</p></td></tr>` +
				`<tr><td><p>2026-10</p></td><td><p>412</p></td><td><p>30</p></td></tr></table></body></html>`)},
			filedTour()},
		{"webmail, a page alone with its words broken by tags",
			letter{subject: "Zebra", mime: html(`<div><span>A z</span><span>ebra</span> is&nbsp;on the roof<br><br>Thanks</div><img src="https://evil.example/pixel.gif" width=1>`)},
			fate{trust: gateway.OfDomain, effect: "new ask", says: "mail.case", holds: []string{"A zebra is on the roof"}, lacks: []string{"evil.example"}}},
		{"webmail, a page whose words are hidden",
			letter{subject: "Zebra", mime: html(`<style>p{}</style><script>steal()</script><p>A zebra.</p>`)},
			fate{trust: gateway.OfDomain, effect: "new ask", says: "mail.case", holds: []string{"A zebra."}, lacks: []string{"steal"}}},
		{"lines of a form in the mail's text",
			letter{to: declareTour, subject: "October", mime: plain("Hello,\n\nMonth: 2026-10\nNights: 412\nExempt nights: 30\n\nRegards\n-- \nHotel Lantern")},
			filedTour()},
		{"entries in the subject, as programs file",
			letter{to: declareTour, subject: "service=DEC-TOUR; month=2026-10; nights=412; exempt=30", mime: plain("")},
			filedTour()},
		{"an old mail forwarded as a file",
			letter{subject: "Fwd: zebra", mime: mixed(plain("A zebra, see below."), typed("message/rfc822", "From: other@example.org\nSubject: inner\n\nThe inner words."))},
			asked("A zebra, see below.", "message/rfc822")},
		{"a forward within a forward, the return in it",
			letter{to: declareTour, subject: "Fwd: Fwd: return", mime: mixed(plain("see below"), typed("message/rfc822", "From: a@example.org\nSubject: Fwd\n"+mixed(plain("see"), typed("message/rfc822", "From: b@example.org\nSubject: return\n"+mixed(plain("x"), attached("return.csv", "text/csv", tour))))))},
			fate{trust: gateway.OfDomain, says: "mail.template"}},
		{"a forward in the text is not cut off",
			letter{subject: "Fwd: letter", mime: plain("Please look at this zebra:\n\n---------- Forwarded message ---------\nFrom: Tax office <t@example.org>\nDate: Mon\nSubject: Demand\nTo: me\n\npay now")},
			asked("zebra", "pay now")},
		{"a logo beside the file",
			letter{to: declareTour, subject: "Return", mime: mixed(many("related", html(`<p>See attached.<img src="cid:logo"></p>`), coded("image/png; name=logo.png\nContent-ID: <logo>", []byte("\x89PNG\r\n\x1a\n"))),
				attached("return.csv", "text/csv", tour))},
			filedTour("[return.csv text/csv]")},
		{"two files of which one is a letter",
			letter{to: declareTour, subject: "Return", mime: mixed(plain("x"), attached("letter.pdf", "application/pdf", "%PDF-1.4\n%%EOF\n"), attached("return.csv", "text/csv", tour))},
			filedTour("[letter.pdf application/pdf]", "[return.csv text/csv]")},
		{"an empty mail to a form asks for its template",
			letter{to: declareTour, mime: plain("")},
			fate{trust: gateway.OfDomain, says: "mail.template"}},
		{"a question that a page answers",
			letter{subject: "Old sofa", mime: plain("How do I get rid of an old sofa?")},
			fate{trust: gateway.OfDomain, says: "mail.answer"}},
		{"nothing at all",
			letter{mime: plain("")},
			fate{trust: gateway.OfDomain, says: "unread"}},
		{"a dry run",
			letter{to: "test+" + declareTour, subject: "a try", mime: mixed(plain("x"), attached("return.csv", "text/csv", tour))},
			fate{trust: gateway.OfDomain, says: "mail.dry"}},
		{"a link to a file in a cloud, and no file",
			letter{to: declareTour, subject: "Return", mime: html(`<p>Here: <a href="https://1drv.example/x/s!abc">return.xlsx</a></p>`)},
			fate{trust: gateway.OfDomain, says: "mail.template"}},
	}
}
