package corpus

import (
	"strings"
	"testing"

	"gatehouse/gateway"
)

// smimeDetached puts a signature by S/MIME beside content (multipart/signed).
func smimeDetached(content string) func(*testing.T, *people, string) string {
	return func(t *testing.T, p *people, raw string) string {
		head, _, _ := strings.Cut(raw, "MIME-Version:")
		content = crlf(strings.TrimPrefix(content, "MIME-Version: 1.0\n"))
		der := coded("application/pkcs7-signature; name=smime.p7s", p.smime(t, content, true))
		return head + crlf("MIME-Version: 1.0\nContent-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=\"=_s\"\n\n--=_s\n") +
			content + crlf("\n--=_s\n"+strings.TrimPrefix(der, "MIME-Version: 1.0\n")+"\n--=_s--\n")
	}
}

// smimeAround puts content within a signature by S/MIME.
func smimeAround(content string) func(*testing.T, *people, string) string {
	return func(t *testing.T, p *people, raw string) string {
		head, _, _ := strings.Cut(raw, "MIME-Version:")
		der := p.smime(t, crlf(strings.TrimPrefix(content, "MIME-Version: 1.0\n")), false)
		return head + crlf(coded("application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", der))
	}
}

// changed replaces words of the finished mail.
func changed(words, into string) func(*testing.T, *people, string) string {
	return func(t *testing.T, _ *people, raw string) string {
		if !strings.Contains(raw, words) {
			t.Fatalf("%q is not in the mail", words)
		}
		return strings.Replace(raw, words, into, 1)
	}
}

const forged = "550 5.7.26"

// forgeries are mails whose sender is not who they seem to be from.
func forgeries() []row {
	const evil = "mallory@evil.example"
	zebra := plain("A zebra is on the roof.")
	doubtful := func(judged string) fate {
		return fate{trust: gateway.Unverified, judged: judged, effect: "new ask", says: "mail.case", holds: []string{"zebra"}}
	}
	return []row{
		{"the company's address from another server", letter{from: customs, sender: evil, subject: "Z", mime: zebra}, fate{refused: forged, judged: "dmarc=fail"}},
		{"the company's address, signed by the forger's domain", letter{from: customs, sender: evil, subject: "Z", mime: zebra, dkim: []string{"evil.example"}}, fate{refused: forged, judged: "dkim=pass (evil.example)"}},
		{"the company's mail, its words changed", letter{from: customs, sender: evil, subject: "Z", mime: zebra, dkim: []string{"northdock.example"}, last: changed("zebra", "horse")}, fate{refused: forged, judged: "dkim=fail"}},
		{"the company's mail, its subject changed", letter{from: customs, sender: evil, subject: "Zebra", mime: zebra, dkim: []string{"northdock.example"}, last: changed("Subject: Zebra", "Subject: Horse")}, fate{refused: forged, judged: "dkim=fail"}},
		{"the company's mail, sent again by somebody else, as it was", letter{from: "Sales <" + sales + ">", sender: evil, subject: "Z", mime: zebra, dkim: []string{"northdock.example"}},
			fate{trust: gateway.ByCompany, judged: "dmarc=pass", effect: "new ask", says: "mail.case"}},
		{"two From fields, the company's second", letter{from: evil, subject: "Z", mime: zebra, head: "From: " + customs + "\n"}, doubtful("dmarc=none")},
		{"two From fields, one of them signed", letter{from: customs, answer: evil, sender: evil, subject: "Z", mime: zebra, dkim: []string{"northdock.example"},
			last: func(_ *testing.T, _ *people, raw string) string { return "From: " + evil + "\r\n" + raw }}, doubtful("dmarc=none")},
		{"two addresses in one From field", letter{from: evil + ", " + customs, answer: evil, sender: evil, subject: "Z", mime: zebra}, doubtful("dmarc=none")},
		{"the company's address as a display name", letter{from: `"` + customs + `" <` + evil + ">", subject: "Z", mime: zebra}, fate{trust: gateway.OfDomain, judged: "dmarc=pass", effect: "new ask", says: "mail.case"}},
		{"the company's address as the display name of one that nobody could answer", letter{from: `"<` + customs + `>" <"a b"@evil.example>`, answer: "trudy@evil.example", sender: "trudy@evil.example", subject: "Z", mime: zebra}, doubtful("dmarc=none spf=pass")},
		{"the company's address in a second pair of brackets", letter{from: "<" + evil + "> <" + customs + ">", answer: evil, sender: evil, subject: "Z", mime: zebra}, doubtful("dmarc=none")},
		{"an Authentication-Results that the forger wrote", letter{from: "boss@nothing.example", sender: "boss@nothing.example", subject: "Z", mime: zebra,
			head: "Authentication-Results: portlumen.example; dmarc=pass header.from=nothing.example; spf=pass; dkim=pass header.d=nothing.example\n"}, doubtful("dmarc=none")},
		{"a signature of the first bytes alone (l=)", letter{from: "short@lodging.example", sender: evil, subject: "Z", mime: plain("A zebra."),
			last: func(_ *testing.T, p *people, raw string) string { return p.signedShort(raw, 4) + "And a horse.\r\n" }}, doubtful("dkim=fail")},
		{"a signature that has run out", letter{from: "late@lodging.example", sender: evil, subject: "Z", mime: zebra,
			last: func(t *testing.T, p *people, raw string) string {
				return p.names.Sign(t, raw, "lodging.example", monday.AddDate(0, 0, -1))
			}}, doubtful("dkim=permerror")},
		{"a broken signature beside a good one", letter{from: "two@lodging.example", sender: evil, subject: "Z", mime: zebra, dkim: []string{"evil.example", "lodging.example"}},
			fate{trust: gateway.OfDomain, judged: "dmarc=pass spf=pass dkim=pass (lodging.example) dkim=pass (evil.example)", effect: "new ask", says: "mail.case"}},
		{"nine signatures, the right one last", letter{from: "nine@lodging.example", sender: evil, subject: "Z", mime: zebra,
			dkim: []string{"lodging.example", "evil.example", "evil.example", "evil.example", "evil.example", "evil.example", "evil.example", "evil.example", "evil.example"}}, doubtful("dmarc=fail")},
		{"a subdomain's signature where the domain is strict", letter{from: "a@strict.example", sender: "a@mail.strict.example", subject: "Z", mime: zebra, dkim: []string{"mail.strict.example"}}, doubtful("dmarc=fail")},
		{"the domain's own signature where it is strict", letter{from: "b@strict.example", sender: "b@mail.strict.example", subject: "Z", mime: zebra, dkim: []string{"strict.example"}},
			fate{trust: gateway.OfDomain, judged: "dmarc=pass", effect: "new ask", says: "mail.case"}},
		{"a domain that sends no mail", letter{from: "x@nomail.example", subject: "Z", mime: zebra}, doubtful("spf=fail")},
		{"a domain whose name server fails", letter{from: "x@servfail.example", subject: "Z", mime: zebra}, doubtful("dmarc=temperror")},
		{"a neighbour of the company's name", letter{from: "customs@northdock.example.evil.example", sender: evil, subject: "Z", mime: zebra, dkim: []string{"evil.example"}},
			fate{trust: gateway.OfDomain, judged: "dmarc=pass", effect: "new ask", says: "mail.case"}},
		{"through a list that breaks the signature and vouches by ARC", letter{from: "arc@lodging.example", sender: "news@lists.example", subject: "Z", mime: zebra, dkim: []string{"lodging.example", "lists.example"},
			last: func(_ *testing.T, _ *people, raw string) string {
				return "ARC-Seal: i=1; a=ed25519-sha256; cv=none; d=lists.example; s=test; b=AAAA\r\nARC-Authentication-Results: i=1; lists.example; dmarc=pass header.from=lodging.example\r\n" + strings.Replace(raw, "A zebra", "[news] A zebra", 1)
			}}, doubtful("arc: i=1 none by lists.example")},
		{"our own domain as the sender", letter{from: "mayor@portlumen.example", sender: evil, subject: "Z", mime: zebra}, fate{refused: forged, judged: "dmarc=fail"}},
		{"S/MIME whose words were changed", letter{from: sales, subject: "Z", mime: zebra, dkim: []string{"northdock.example"}, last: func(t *testing.T, p *people, raw string) string {
			return strings.Replace(smimeDetached(zebra)(t, p, raw), "zebra", "horse", 1)
		}}, fate{trust: gateway.ByCompany, effect: "new ask", says: "mail.case", holds: []string{"horse"}}},
		{"S/MIME around the text, of another address", letter{from: "another@lodging.example", subject: "Z", mime: zebra, last: smimeAround(zebra)},
			fate{trust: gateway.OfDomain, effect: "new ask", says: "mail.case", holds: []string{"zebra"}}},
		{"S/MIME that is encrypted", letter{subject: "Z", mime: coded("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", []byte("\x30\x80\x06\x00"))}, asked("[smime.p7m application/")},
		{"S/MIME of another address", letter{from: "other@lodging.example", subject: "Z", mime: zebra, last: smimeDetached(zebra)},
			fate{trust: gateway.OfDomain, effect: "new ask", says: "mail.case", holds: []string{"zebra"}}},
	}
}
