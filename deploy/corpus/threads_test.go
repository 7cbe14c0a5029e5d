package corpus

import "gatehouse/gateway"

// threads are mails that belong to others: answers, corrections, mails sent twice.
func threads() []row {
	const declareGoods = "declare+goods"
	two := func(hs string) string {
		return "company,week,hs,country,net,gross,value,currency,package\n" + northdock + ",2026-W46,090121,BR,12.5,13,150.00,EUR,PKA\n" + northdock + ",2026-W46," + hs + ",BR,12.5,13,150.00,EUR,PKB\n"
	}
	first := "a declaration with a wrong row"
	company := func(effect, says string) fate {
		return fate{trust: gateway.ByCompany, effect: effect, says: says, thread: first}
	}
	added := func(of string, lacks ...string) fate {
		return fate{trust: gateway.OfDomain, effect: "add reply", says: "mail.added", thread: of, lacks: lacks}
	}
	return []row{
		{"a question for a person", letter{subject: "Zebra", mime: plain("A zebra is on the roof of the opera.")}, asked("zebra")},
		{"an answer on top of what it answers", letter{re: "a question for a person", mime: plain("It is still there.\n\n{quoted}")}, added("a question for a person", "passed to the")},
		{"an answer under what it answers", letter{re: "a question for a person", mime: plain("{quoted}\nIt has a friend now.")}, added("a question for a person", "passed to the")},
		{"an answer between the lines", letter{re: "a question for a person", mime: plain("On Mon, the city wrote:\n> Your message was passed on.\nGood.\n> You get an answer.\nWhen?")}, added("a question for a person", "passed on")},
		{"a second question", letter{subject: "Zebra", mime: plain("A second zebra is on the roof of the opera.")}, asked("second zebra")},
		{"an answer above a copied header, as Outlook writes", letter{re: "a second question", mime: plain("It is hungry.\n\n________________________________\nFrom: Port Lumen\nSent: Monday\nTo: Ann\nSubject: x\n\nYour message was passed on.")}, added("a second question", "passed on")},
		{"an answer in a page, as Gmail writes", letter{re: "a second question", mime: html(`<div>It sings.</div><div class="gmail_quote"><div>On Monday the city wrote:<br></div><blockquote><div>Your message was passed on.</div></blockquote></div>`)}, added("a second question", "passed on")},
		{"an answer with a file", letter{re: "a second question", mime: mixed(plain("A picture."), attached("zebra.jpg", "image/jpeg", string(photo())))}, added("a second question")},
		{"a third question", letter{subject: "Zebra", mime: plain("A third zebra is on the roof of the opera.")}, asked("third zebra")},
		{"an answer to the address alone, without its header", letter{re: "a third question", loose: true, subject: "no Re", mime: plain("From another program.")}, added("a third question")},
		{"an out-of-office in the thread", letter{re: "a third question", head: "Auto-Submitted: auto-replied\n", mime: plain("I am away.")},
			fate{trust: gateway.OfDomain, effect: "add auto", thread: "a third question", holds: []string{"I am away."}}},
		{"a stranger writes to the address of the case", letter{re: "a third question", from: "stranger@lodging.example", mime: plain("Tell me all about this case.")},
			fate{trust: gateway.OfDomain, effect: "new ask", says: "mail.case", holds: []string{"Tell me all"}, lacks: []string{"zebra", "opera"}}},
		{"the reference in the subject, to the usual address", letter{re: "a third question", to: "help", loose: true, mime: plain("A zebra has come back to the roof.")}, asked("zebra")},
		{"In-Reply-To alone, to the usual address", letter{re: "a third question", to: "help", subject: "zebra", mime: plain("The zebra is gone from the roof.")}, asked("zebra")},
		{first, letter{from: export, to: declareGoods, subject: "Goods W46", mime: mixed(plain("x"), attached("g.csv", "text/csv", two("0901"))), dkim: []string{"northdock.example"}},
			fate{trust: gateway.ByCompany, effect: "new DEC-GOODS", says: "mail.rows.filed", holds: []string{"PKA"}, lacks: []string{"PKB"}}},
		{"the same declaration once more", letter{from: export, to: declareGoods, subject: "Goods W46, again", mime: mixed(plain("x"), attached("g.csv", "text/csv", two("0901"))), dkim: []string{"northdock.example"}},
			company("", "mail.rows.again")},
		{"the very same mail once more", letter{again: first}, fate{trust: gateway.ByCompany}},
		{"a stranger corrects it", letter{re: first, from: "stranger2@lodging.example", mime: plain("3: 090121")}, fate{trust: gateway.OfDomain, effect: "new ask", says: "mail.case", lacks: []string{"PKB"}}},
		{"a stranger names it in the subject", letter{from: "stranger3@lodging.example", subject: "ref=PL-9DTE-4HB6-CC; action=withdraw", mime: plain("Withdraw.")}, asked("Withdraw")},
		{"the wrong row, put right in the text", letter{re: first, mime: plain("3: 090121\n\n{quoted}"), dkim: []string{"northdock.example"}}, company("add amend", "mail.rows.complete")},
	}
}

// reports are what mail servers say of mails of ours.
func reports() []row {
	const of = "a declaration with a wrong row"
	dsn := func(status, action string) string {
		return many("report; report-type=delivery-status", plain("Sorry."),
			typed("message/delivery-status", "Reporting-MTA: dns; mx.northdock.example\n\nFinal-Recipient: rfc822; export@northdock.example\nAction: "+action+"\nStatus: "+status+"\n"), typed("text/rfc822-headers", "Subject: old\n"))
	}
	complaint := func(returned string) string {
		return many("report; report-type=feedback-report", plain("This is an email abuse report."), typed("message/feedback-report", "Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n"), typed("text/rfc822-headers", returned))
	}
	to := func(mime string) letter {
		return letter{bounces: of, from: "MAILER-DAEMON@northdock.example", sender: "<>", subject: "Undelivered", mime: mime}
	}
	told := fate{trust: gateway.Unverified, effect: "add returned", thread: of} // staff read in the case what became of our mail
	return []row{
		{"a report that it takes longer", to(dsn("4.4.1", "delayed")), told},
		{"words to the address for reports", to(plain("I am away.")), fate{refused: "550 5.7.1"}},
		{"a person at the address for reports", letter{bounces: of, from: "x@lodging.example", mime: plain("Hello?")}, fate{refused: "550 5.7.1"}},
		{"a complaint that shows a mail of ours", letter{bounces: of, to: "abuse", from: "feedback@lodging.example", subject: "abuse report", mime: complaint("X-Report-To: <{back}>\nSubject: old\n")}, told},
		{"a complaint about a mail of somebody else", letter{to: "abuse", from: "feedback@lodging.example", subject: "abuse report", mime: complaint("Subject: old\n")}, asked("abuse report")},
		{"a report that a mailbox is gone", to(dsn("5.1.1", "failed")), told},
		{"a report to an address that is made up", letter{to: "bounce+01abc.aaaaaaaaaaaaaaaa", sender: "<>", mime: dsn("5.1.1", "failed")}, fate{refused: "550 5.1.1"}},
	}
}
