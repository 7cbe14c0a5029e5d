package email

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
)

func TestVerdict(t *testing.T) {
	const head = "Reporting-MTA: dns; x\nArrival-Date: Mon, 23 Nov 2026 09:00:00 +0000\n\n"
	for _, c := range []struct{ part, want string }{
		{head + "Action: failed\nStatus: 5.1.1\n", "failed unreachable (5.1.1)"},
		{head + "Action: FAILED\nStatus: 5.7.1 (policy)\n", "failed rejected (5.7.1)"},
		{head + "Action: failed\nStatus: 5.2.3\n", "failed rejected (5.2.3)"},
		{"Action: failed\n", "failed unreachable"},
		{"Action: failed\nStatus: nonsense\n", "failed unreachable"},
		{head + "Action: failed\nStatus: 4.4.7\n", "failed unreachable (4.4.7)"},
		{head + "Action: failed\nStatus: 4.2.2\nDiagnostic-Code: smtp; 452 4.2.2 full\n", "failed rejected (4.2.2)"},
		{head + "Action: delayed\nStatus: 4.4.1\n\nAction: failed\nStatus: 5.0.0\n", "failed rejected (5.0.0)"},
		{head + "Action: delivered\nStatus: 2.0.0\n", "delivered"},
		{head + "Action: delayed\n", "delayed temporary"},
		{head + "Action: delayed\nStatus: 4.4.1\nWill-Retry-Until: x\n", "delayed temporary (4.4.1)"},
		{head + "Action: expanded\n", ""}, {"", ""}, {"no report\nat all", ""}, {strings.Repeat("a: b\n\n", 50), ""},
		// The reason is in what the far server said.
		{head + "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 <a@x>: no such user\n", "failed unreachable (5.1.1)"},
		{head + "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550-mailbox is gone\n 550 (#5.2.1)\n", "failed unreachable (5.2.1)"},
		{head + "Action: failed\nDiagnostic-Code: smtp; 554 refused\n", "failed rejected (554)"},
		{head + "Action: failed\nDiagnostic-Code: smtp;550 user unknown\n", "failed unreachable (550)"},
		{head + "Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 5.1.1 not this\n", "failed rejected (5.7.1)"},
		{head + "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: x-ip; 10.5.1.1 at 5.1.1.1\n", "failed rejected (5.0.0)"},
		// A forwarded address has several; one that got it is enough.
		{head + "Final-Recipient: rfc822; a@x\nAction: failed\nStatus: 5.1.1\n\nFinal-Recipient: rfc822; b@x\nAction: delivered\nStatus: 2.1.5\n", "delivered"},
		{head + "Action: failed\nStatus: 5.1.1\n\nAction: relayed\nStatus: 2.0.0\n", ""},
		{head + "Action: failed\nStatus: 5.7.1\n\nAction: failed\nStatus: 5.1.1\n", "failed rejected (5.7.1)"},
		{head + strings.Repeat("Action: failed\nStatus: 5.1.1\n\n", 60) + "Action: delivered\n", "failed unreachable (5.1.1)"},
		// Broken ones.
		{head + "Status: 5.1.1\nFinal-Recipient: rfc822; a@x\n", "failed unreachable (5.1.1)"},
		{head + "Action: failed\nAction: delivered\nStatus: 5.1.1\nthis is no field\n and folds\n", "failed unreachable (5.1.1)"},
		{"Reporting-MTA: dns; x\nFinal-Recipient: rfc822; a@x\nAction:\n failed\nStatus:\n 5.1.1\n", "failed unreachable (5.1.1)"},
		{head + "Final-Recipient: utf-8; jörg@bücher.example\nAction: failed\nStatus: 5.1.1\n", "failed unreachable (5.1.1)"},
	} {
		for _, part := range []string{c.part, crlf(c.part)} {
			r, counts := verdict([]byte(part), "id", time.Unix(1, 0))
			if got := shown(r); got != c.want || counts != (c.want != "") {
				t.Errorf("%q\nis %q %t, want %q", part, got, counts, c.want)
			}
		}
	}
}

func shown(r channels.Receipt) string {
	if r.Err == nil {
		return string(r.State)
	}
	return fmt.Sprintf("%s %v", r.State, r.Err)
}

// TestBouncesThatAreNoReport: what mail systems write in their own words counts only where it is sure.
func TestBouncesThatAreNoReport(t *testing.T) {
	for name, c := range map[string]struct{ mail, want string }{
		"Exim": {"From: Mail Delivery System <Mailer-Daemon@mx.example>\nX-Failed-Recipients: a@x.example\nAuto-Submitted: auto-replied\nSubject: Mail delivery failed: returning message to sender\n\n" +
			"This message was created automatically by mail delivery software.\n\n  a@x.example\n    host mx.x.example [192.0.2.1]\n    SMTP error from remote mail server after RCPT TO:<a@x.example>:\n    550 5.1.1 User unknown\n", "failed unreachable (5.1.1)"},
		"qmail":                 {"From: MAILER-DAEMON@mx.example\nSubject: failure notice\n\nHi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message.\n\n<a@x.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n", "failed unreachable (5.1.1)"},
		"plain":                 {"From: postmaster@x.example\nSubject: Undeliverable\n\n550 No such user.\n", "failed unreachable (550)"},
		"too large":             {"From: postmaster@x.example\nSubject: Undeliverable\n\n552 too large\n", "failed rejected (552)"},
		"only named":            {"From: Mailer-Daemon@x.example\nX-Failed-Recipients: a@x.example\nSubject: returned\n\nunrouteable address\n", "failed unreachable"},
		"Exim, delayed":         {"From: Mailer-Daemon@mx.example\nX-Failed-Recipients: a@x.example\nSubject: Warning: message 1rABcD delayed 24 hours\n\nNo action is required. 550 5.1.1\n", ""},
		"for a time":            {"From: MAILER-DAEMON@mx.example\nSubject: failure notice\n\nI will keep trying. (#4.4.1)\n", ""},
		"a person":              {"From: a@x.example\nSubject: Re: your mail\n\nI got 550 5.1.1 when I wrote to you\n", ""},
		"a person's postmaster": {"From: postmaster@x.example\nSubject: Re: your mail\n\nThank you, we looked at it.\n", ""},
		"a holiday":             {"From: Mailer-Daemon@x.example\nSubject: Automatic reply\n\nBack on 5.1.12. or so\n", ""},
		"a date":                {"From: postmaster@x.example\nSubject: notice\n\nWe move on 5.11.2026 and 15.1.1\n", ""},
		"nothing":               {"\n\n", ""},
	} {
		_, mail, err := read(t, crlf(c.mail))
		if err != nil {
			t.Fatal(err)
		}
		r, counts := guess(mail, "id", time.Unix(1, 0))
		if got := shown(r); got != c.want || counts != (c.want != "") {
			t.Errorf("%s: is %q %t, want %q", name, got, counts, c.want)
		}
	}
}

// feedback is a complaint as a mailbox provider sends it; original is what it returns.
func feedback(kind, fields, originalType, original string) string {
	return "From: <feedback@provider.example>\nTo: <abuse@city.example>\nSubject: FW: your mail\nMIME-Version: 1.0\n" +
		"Content-Type: multipart/report; report-type=feedback-report; boundary=cut\n\n--cut\nContent-Type: text/plain\n\nThis is an email abuse report.\n" +
		"--cut\nContent-Type: message/feedback-report\n\nFeedback-Type: " + kind + "\nUser-Agent: FBL/1.0\nVersion: 1\n" + fields +
		"\n--cut\nContent-Type: " + originalType + "\nContent-Disposition: inline\n\n" + original + "\n--cut--\n"
}

// TestComplaints: only a report about a mail of ours counts, and only where our mac proves which.
func TestComplaints(t *testing.T) {
	var in inbox
	ch, addr, _ := serve(t, testConfig(t), &in)
	back, _ := ch.book.bounce("0193A1B2")
	forged := strings.Replace(back, "0193A1B2", "0193A1B3", 1)
	own := "From: City <help@city.example>\n" + reportField + ": <" + back + ">\nSubject: news\n\nhello\n"
	for i, c := range []struct{ mail, want string }{
		{feedback("abuse", "Original-Mail-From: <"+back+">\n", "message/rfc822", "Subject: news\n\nhello\n"), "0193A1B2 complained"},
		{feedback("abuse", "Original-Rcpt-To: <redacted@provider.example>\n", "message/rfc822", own), "0193A1B2 complained"},
		{feedback("fraud", "", "text/rfc822-headers", own), "0193A1B2 complained"},
		{feedback("not-spam", "Original-Mail-From: <"+back+">\n", "message/rfc822", own), ""},
		{feedback("auth-failure", "", "message/rfc822", own), ""},
		{feedback("abuse", "Original-Mail-From: <"+forged+">\n", "message/rfc822", "Subject: news\n\nhello\n"), ""},
		{feedback("abuse", "", "message/rfc822", "Subject: news\n\nit quotes "+back+" in its text\n"), ""},
		{feedback("abuse", "", "text/plain", own), ""},
	} {
		before, mails := len(in.Receipts()), len(in.Messages())
		if a := hand(t.Context(), addr, "feedback@provider.example", "abuse@city.example", strings.Replace(c.mail, "FW:", fmt.Sprint("FW", i, ":"), 1)); a != channeltest.Taken {
			t.Fatalf("%d: answered %v", i, a)
		}
		got := ""
		if all := in.Receipts(); len(all) > before {
			got = all[len(all)-1].MessageID + " " + string(all[len(all)-1].State)
		}
		if got != c.want || (len(in.Messages()) > mails) != (c.want == "") {
			t.Errorf("%d: became %q and %d mails, want %q\n%s", i, got, len(in.Messages())-mails, c.want, c.mail)
		}
	}
	if a := hand(t.Context(), addr, "", back, feedback("abuse", "", "message/rfc822", own)); a != channeltest.Taken || in.Receipts()[len(in.Receipts())-1].State != channels.Complained {
		t.Errorf("a complaint to the envelope's sender: %v", a)
	}
}

func FuzzVerdict(f *testing.F) {
	f.Add([]byte("Reporting-MTA: dns; x\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n"))
	f.Add([]byte("Final-Recipient: utf-8; \\x{e4}@x\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550-a\n 550 5.2.1 b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, counts := verdict(b, "id", time.Unix(1, 0))
		if counts != (r.MessageID == "id") || (r.State == channels.Failed || r.State == channels.Delayed) != (r.Err != nil) {
			t.Errorf("%+v %t", r, counts)
		}
		if r.Err != nil && strings.ContainsFunc(r.Err.Code, func(c rune) bool { return (c < '0' || c > '9') && c != '.' }) {
			t.Errorf("a code of %q", r.Err.Code)
		}
	})
}

func FuzzReport(f *testing.F) {
	ch := &Channel{book: testBook(), shared: shared()}
	back, _ := ch.book.bounce("0193A1B2")
	f.Add(crlf(feedback("abuse", "Original-Mail-From: <"+back+">\n", "message/rfc822", "Subject: x\n\ny\n")))
	f.Add(crlf("From: MAILER-DAEMON@mx\nX-Failed-Recipients: a\n\n550 5.1.1\n"))
	f.Fuzz(func(t *testing.T, raw string) {
		if len(raw) > 64<<10 {
			return
		}
		_, mail, err := read(t, raw)
		if err != nil {
			return
		}
		if r, ok := ch.complaint(t.Context(), mail); ok && (r.MessageID != "0193A1B2" || r.State != channels.Complained) {
			t.Errorf("complaint %+v", r)
		}
		if r, ok := guess(mail, "id", time.Unix(1, 0)); ok && (r.State != channels.Failed || r.Err == nil) {
			t.Errorf("guess %+v", r)
		}
	})
}
