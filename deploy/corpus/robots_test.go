package corpus

import "gatehouse/gateway"

// silent is the fate of what a machine sends: it is kept, and gets no answer.
func silent() fate { return fate{trust: gateway.OfDomain} }

// robots are the mails that machines send by themselves, and our own that come back. None is ever answered.
func robots() []row {
	away := func(subject, head string) letter {
		return letter{subject: subject, head: head, mime: plain("I am away until Monday. In case of fire call a colleague.")}
	}
	return []row{
		{"out of office, RFC 3834", away("Out of office", "Auto-Submitted: auto-replied\n"), silent()},
		{"out of office, with a comment in the field", away("Away", "Auto-Submitted: auto-replied (vacation)\n"), silent()},
		{"out of office, with a parameter", away("Away", "Auto-Submitted: Auto-Replied; owner-email=\"ann@lodging.example\"\n"), silent()},
		{"auto-generated", away("Nightly report", "Auto-Submitted: auto-generated\n"), silent()},
		{"auto-notified", away("Notice", "Auto-Submitted: auto-notified\n"), silent()},
		{"Exchange, all answers suppressed", away("Automatic reply: x", "X-Auto-Response-Suppress: All\n"), silent()},
		{"Exchange, out-of-office suppressed", away("Automatic reply: x", "X-Auto-Response-Suppress: DR, OOF, AutoReply\n"), silent()},
		{"Precedence: bulk", away("News", "Precedence: bulk\n"), silent()},
		{"Precedence: junk, in capitals", away("Away", "Precedence: JUNK\n"), silent()},
		{"Precedence: auto_reply", away("Away", "Precedence: auto_reply\n"), silent()},
		{"a mailing list", away("[news] Zebra", "List-Id: News <news.lists.example>\nList-Unsubscribe: <mailto:leave@lists.example>\n"), silent()},
		{"a list without an id", away("[news] Zebra", "Precedence: list\n"), silent()},
		{"our own mail, come back", away("Re: your question", "X-Loop: help@portlumen.example\n"), silent()},
		{"our own mail after four others' loops", away("x", "X-Loop: a@example.org\nX-Loop: b@example.org\nX-Loop: HELP@portlumen.example\n"), silent()},
		{"a mail that says it is no robot", letter{subject: "Z", head: "Auto-Submitted: no\nPrecedence: first-class\nX-Auto-Response-Suppress: None\n", mime: plain("A zebra.")}, asked("A zebra.")},
		{"MAILER-DAEMON", letter{from: "MAILER-DAEMON@lodging.example", subject: "Undelivered", mime: plain("Sorry.")}, silent()},
		{"no sender in the envelope", letter{sender: "<>", subject: "Z", mime: plain("A zebra.")}, fate{trust: gateway.Unverified, judged: "spf=none"}},
		{"a robot's declaration", letter{to: declareTour, subject: "Return", head: "Auto-Submitted: auto-generated\n", mime: mixed(plain("x"), attached("r.csv", "text/csv", tour))}, silent()},
	}
}

// senders are those who write in the name of a company, well and badly known.
func senders() []row {
	goods := func(week, row string) string {
		return "company,week,hs,country,net,gross,value,currency,package\n" + northdock + "," + week + "," + row + "\n"
	}
	mail := func(name string) string {
		return mixed(plain("Goods attached."), attached(name, "text/csv", goods("2026-W47", "090121,BR,12.5,13,150.00,EUR,PK"+name[:1])))
	}
	const declareGoods = "declare+goods"
	return []row{
		{"the company's own address, by SPF and DKIM",
			letter{from: customs, to: declareGoods, subject: "Goods", mime: mail("1.csv"), dkim: []string{"northdock.example"}},
			fate{trust: gateway.ByCompany, judged: "dmarc=pass spf=pass dkim=pass (northdock.example)", effect: "new DEC-GOODS", says: "mail.filed"}},
		{"the company's own address, by DKIM alone through another server",
			letter{from: customs, sender: "bounces@evil.example", to: declareGoods, subject: "Goods", mime: mail("2.csv"), dkim: []string{"northdock.example"}},
			fate{trust: gateway.ByCompany, judged: "dmarc=pass", effect: "new DEC-GOODS", says: "mail.filed"}},
		{"the company's own address, by its domain's ship",
			letter{from: customs, sender: "bounces@evil.example", to: declareGoods, subject: "Goods", mime: mail("3.csv"), dkim: []string{"ship.northdock.example"}},
			fate{trust: gateway.ByCompany, judged: "dkim=pass (ship.northdock.example)", effect: "new DEC-GOODS", says: "mail.filed"}},
		{"signed by S/MIME, beside the text",
			letter{from: customs, to: declareGoods, subject: "Goods", mime: typed("text/plain", "x"), last: smimeDetached(mail("4.csv"))},
			fate{trust: gateway.CompanySigned, effect: "new DEC-GOODS", says: "mail.filed"}},
		{"signed by S/MIME, around the text",
			letter{from: customs, to: declareGoods, subject: "Goods", mime: typed("text/plain", "x"), last: smimeAround(mail("5.csv"))},
			fate{trust: gateway.CompanySigned, effect: "new DEC-GOODS", says: "mail.filed", holds: []string{"PK5"}, lacks: []string{"smime"}}},
		{"a registered address whose domain publishes nothing",
			letter{from: branch, to: declareGoods, subject: "Goods", mime: mail("6.csv")},
			fate{trust: gateway.Known, judged: "dmarc=none", says: "mail.parked"}},
		{"an address that is not registered",
			letter{from: hotel, to: declareGoods, subject: "Goods", mime: mail("7.csv"), dkim: []string{"lodging.example"}},
			fate{trust: gateway.OfDomain, judged: "dmarc=pass", says: "mail.parked"}},
		{"an address of nowhere",
			letter{from: "x@nothing.example", to: declareGoods, subject: "Goods", mime: mail("8.csv")},
			fate{trust: gateway.Unverified, judged: "dmarc=none", says: "mail.parked"}},
		{"an address that is not registered tries it dry",
			letter{from: "dry@lodging.example", to: "test+" + declareGoods, subject: "Goods", mime: mail("9.csv")},
			fate{trust: gateway.OfDomain, says: "mail.register"}},
	}
}
