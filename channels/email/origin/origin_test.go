package origin_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gatehouse/channels/email/origin"
	"gatehouse/channels/email/origin/origintest"
)

// letter is a mail of an author, with further header lines before its own.
func letter(author, body string) string {
	return strings.ReplaceAll(fmt.Sprintf("From: %s\nTo: help@city.example\nSubject: Declaration\n\n%s\n", author, body), "\n", "\r\n")
}

func city(t *testing.T) *origintest.Names {
	n := origintest.Serve(t)
	n.Domain(t, "northdock.example", "ed25519", "p=reject; sp=quarantine")
	n.Domain(t, "harbour.northdock.example", "ed25519", "")
	n.Domain(t, "strict.example", "rsa", "p=reject; adkim=s; aspf=s")
	n.Domain(t, "mail.strict.example", "rsa", "")
	n.Domain(t, "open.example", "rsa", "")
	n.Domain(t, "sender.example", "rsa", "p=none")
	n.Domain(t, "garbled.example", "rsa", "p=perhaps")
	n.Domain(t, "xn--mnchen-3ya.example", "ed25519", "")
	n.Text("elsewhere.example", "v=spf1 ip4:192.0.2.1 -all")
	n.Text("_dmarc.elsewhere.example", "v=DMARC1; p=reject")
	n.Text("loop.example", "v=spf1 include:loop.example -all")
	n.Text("_dmarc.lost.example", "v=DMARC1; p=reject")
	n.Text("lost.example", "v=spf1 include:spf.servfail.example -all")
	return n
}

func self(n *origintest.Names) origin.Self {
	r := &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, n.Addr)
	}}
	return origin.Self{Resolver: r, Now: time.Now}
}

// case of a mail: who hands it over, what it says, what is to come out.
type attempt struct {
	sender, helo, author string // author empty: of the From line; "-": none
	mail                 string
	dmarc, spf           origin.Result
	proven, forged       bool
	signatures           string // their results, in order
}

func TestVerdicts(t *testing.T) {
	n := city(t)
	never, past := time.Time{}, time.Now().Add(-time.Hour)
	sign := func(mail string, domains ...string) string {
		for _, d := range domains {
			mail = n.Sign(t, mail, d, never)
		}
		return mail
	}
	dock := letter("Clerk <customs@northdock.example>", "twenty rows")
	for name, a := range map[string]attempt{
		"signed by the author's domain":      {sender: "x@elsewhere.example", mail: sign(dock, "northdock.example"), dmarc: "pass", spf: "fail", proven: true, signatures: "pass"},
		"sent by the author's domain":        {sender: "x@northdock.example", mail: dock, dmarc: "pass", spf: "pass", proven: true},
		"signed by the domain above":         {sender: "x@sender.example", mail: sign(letter("a@harbour.northdock.example", "b"), "northdock.example"), dmarc: "pass", spf: "pass", proven: true, signatures: "pass"},
		"signed by a service alone":          {sender: "x@sender.example", mail: sign(dock, "sender.example"), dmarc: "fail", spf: "pass", forged: true, signatures: "pass"},
		"signed by both":                     {sender: "x@sender.example", mail: sign(dock, "northdock.example", "sender.example"), dmarc: "pass", spf: "pass", proven: true, signatures: "pass pass"},
		"nothing speaks for it":              {sender: "x@elsewhere.example", mail: dock, dmarc: "fail", spf: "fail", forged: true},
		"below a domain that quarantines":    {sender: "x@elsewhere.example", mail: letter("a@any.northdock.example", "b"), dmarc: "fail", spf: "fail"},
		"body changed":                       {sender: "x@elsewhere.example", mail: sign(dock, "northdock.example") + "and one more\r\n", dmarc: "fail", spf: "fail", forged: true, signatures: "fail"},
		"subject changed":                    {sender: "x@elsewhere.example", mail: strings.Replace(sign(dock, "northdock.example"), "Declaration", "Withdrawal", 1), dmarc: "fail", spf: "fail", forged: true, signatures: "fail"},
		"author changed":                     {sender: "x@elsewhere.example", mail: strings.Replace(sign(dock, "northdock.example"), "customs@", "director@", 1), dmarc: "fail", spf: "fail", forged: true, signatures: "fail"},
		"signature run out":                  {sender: "x@elsewhere.example", mail: n.Sign(t, dock, "northdock.example", past), dmarc: "fail", spf: "fail", forged: true, signatures: "permerror"},
		"signed for a part of the body":      {sender: "x@elsewhere.example", mail: strings.Replace(sign(dock, "northdock.example"), "DKIM-Signature: ", "DKIM-Signature: l=3; ", 1), dmarc: "fail", spf: "fail", forged: true, signatures: "fail"},
		"strict, and the domain below":       {sender: "x@mail.strict.example", mail: sign(letter("a@strict.example", "b"), "mail.strict.example"), dmarc: "fail", spf: "pass", forged: true, signatures: "pass"},
		"strict, and the same":               {sender: "x@mail.strict.example", mail: sign(letter("a@strict.example", "b"), "strict.example"), dmarc: "pass", spf: "pass", proven: true, signatures: "pass"},
		"no policy, but signed":              {sender: "x@elsewhere.example", mail: sign(letter("a@open.example", "b"), "open.example"), dmarc: "pass", spf: "fail", proven: true, signatures: "pass"},
		"no policy, nothing speaks":          {sender: "x@elsewhere.example", mail: letter("a@open.example", "b"), dmarc: "none", spf: "fail"},
		"policy that can't be read":          {sender: "x@elsewhere.example", mail: letter("a@garbled.example", "b"), dmarc: "permerror", spf: "fail"},
		"no such domain":                     {sender: "x@nowhere.example", mail: letter("a@nowhere.example", "b"), dmarc: "none", spf: "none"},
		"names that fail prove nothing":      {sender: "x@lost.example", mail: letter("a@lost.example", "b"), dmarc: "temperror", spf: "temperror"},
		"policy that can't be had":           {sender: "x@elsewhere.example", mail: letter("a@servfail.example", "b"), dmarc: "temperror", spf: "fail"},
		"SPF that asks for itself":           {sender: "x@loop.example", mail: letter("a@loop.example", "b"), dmarc: "none", spf: "permerror"},
		"no author":                          {sender: "x@northdock.example", author: "-", mail: sign(dock, "northdock.example"), dmarc: "none", spf: "pass", signatures: "pass"},
		"a report, by the name of its host":  {helo: "northdock.example", mail: letter("postmaster@northdock.example", "b"), dmarc: "pass", spf: "pass", proven: true},
		"a host without a name":              {helo: "[127.0.0.1]", mail: letter("postmaster@open.example", "b"), dmarc: "none", spf: "none"},
		"no header":                          {sender: "x@northdock.example", author: "a@northdock.example", mail: "\r\nwords", dmarc: "pass", spf: "pass", proven: true},
		"a domain that is a suffix":          {sender: "x@elsewhere.example", mail: letter("a@co.uk", "b"), dmarc: "none", spf: "fail"},
		"a sender in another script":         {sender: "jörg@münchen.example", author: "jörg@münchen.example", mail: letter("jörg@münchen.example", "b"), dmarc: "pass", spf: "pass", proven: true},
		"a domain in another script, signed": {sender: "x@elsewhere.example", author: "a@münchen.example", mail: letter("a@xn--mnchen-3ya.example", "b"), dmarc: "none", spf: "fail"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := judge(t, self(n), a)
			var got []string
			for _, s := range v.Signatures {
				got = append(got, string(s.Result))
			}
			if v.DMARC != a.dmarc || v.SPF != a.spf || v.Proven() != a.proven || v.Forged() != a.forged || strings.Join(got, " ") != a.signatures {
				t.Errorf("got %s, signatures %v, proven %v, forged %v", v, v.Signatures, v.Proven(), v.Forged())
			}
		})
	}
}

func judge(t *testing.T, j origin.Judge, a attempt) origin.Verdict {
	t.Helper()
	author := a.author
	if author == "" {
		_, rest, _ := strings.Cut(a.mail, "From: ")
		line, _, _ := strings.Cut(rest, "\r\n")
		author = strings.TrimSuffix(line[strings.LastIndexAny(line, " <")+1:], ">")
	}
	return j.Judge(t.Context(), origin.Mail{
		Peer: netip.MustParseAddr("127.0.0.1"), Helo: a.helo, Sender: a.sender, Author: strings.Trim(author, "-"),
		Raw: func() io.Reader { return strings.NewReader(a.mail) },
	})
}

// TestManySignaturesAreBounded: a mail with a hundred of them has as many names asked as one with eight.
func TestManySignaturesAreBounded(t *testing.T) {
	n := city(t)
	mail := letter("a@open.example", "b")
	one := strings.TrimSuffix(n.Sign(t, mail, "open.example", time.Time{}), mail)
	v := judge(t, self(n), attempt{sender: "x@elsewhere.example", mail: strings.Repeat(strings.Replace(one, "d=open", "d=other", 1), 100) + mail})
	if len(v.Signatures) != 8 || v.Proven() {
		t.Errorf("%d signatures, %s", len(v.Signatures), v)
	}
}

// TestSlowNamesEnd: who asks for names that never answer waits for a bounded time, and proves nothing.
func TestSlowNamesEnd(t *testing.T) {
	silent, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	v := self(&origintest.Names{Addr: silent.LocalAddr().String()}).Judge(ctx, origin.Mail{
		Peer: netip.MustParseAddr("127.0.0.1"), Sender: "x@open.example", Author: "a@open.example",
		Raw: func() io.Reader { return strings.NewReader(letter("a@open.example", "b")) },
	})
	if v.DMARC != origin.TempError || v.Proven() || v.Forged() {
		t.Errorf("%s", v)
	}
}

func TestUpstream(t *testing.T) {
	const good = "mx.city.example; spf=pass smtp.mailfrom=x@northdock.example; dkim=pass header.d=northdock.example; dmarc=pass header.from=northdock.example"
	u := origin.Upstream{ID: "MX.city.example", Hosts: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}}
	for name, c := range map[string]struct {
		peer    string
		results []string
		proven  bool
	}{
		"as it wrote":            {"10.0.0.7", []string{good}, true},
		"mapped":                 {"::ffff:10.0.0.7", []string{good}, true},
		"without DMARC":          {"10.0.0.7", []string{"mx.city.example; dkim=pass header.d=northdock.example"}, true},
		"another signer":         {"10.0.0.7", []string{"mx.city.example; dkim=pass header.d=sender.example"}, false},
		"DMARC failed":           {"10.0.0.7", []string{"mx.city.example; spf=pass smtp.mailfrom=northdock.example; dmarc=fail header.from=northdock.example"}, false},
		"of another From":        {"10.0.0.7", []string{"mx.city.example; dmarc=pass header.from=sender.example"}, false},
		"from another host":      {"10.0.1.7", []string{good}, false},
		"by another name":        {"10.0.0.7", []string{strings.Replace(good, "mx.city", "mx.evil", 1)}, false},
		"beneath another's":      {"10.0.0.7", []string{"mx.evil.example; none", good}, false},
		"none":                   {"10.0.0.7", nil, false},
		"nothing was checked":    {"10.0.0.7", []string{"mx.city.example; none"}, false},
		"what can't be read":     {"10.0.0.7", []string{"=;;="}, false},
		"a comment hides a pass": {"10.0.0.7", []string{"mx.city.example (dmarc=pass header.from=northdock.example); none"}, false},
	} {
		v := u.Judge(t.Context(), origin.Mail{Peer: netip.MustParseAddr(c.peer), Author: "customs@northdock.example", Results: c.results})
		if v.Proven() != c.proven {
			t.Errorf("%s: %s", name, v)
		}
	}
}

func TestChainIsNotedOnly(t *testing.T) {
	for seal, want := range map[string]string{
		"i=2; a=rsa-sha256; cv=pass; d=relay.example; s=x; b=abc": "i=2 pass by relay.example",
		"i=1; cv=none; d=Relay.Example":                           "i=1 none by relay.example",
		"i=1; cv=whatever; d=relay.example":                       "i=1 none by relay.example",
		"i=999; cv=pass; d=relay.example":                         "",
		"cv=pass":                                                 "",
		"i=1; cv=pass; d=a b<script>":                             "",
	} {
		v := origin.Upstream{}.Judge(t.Context(), origin.Mail{Author: "a@b.example", Seals: []string{seal}})
		if v.ARC != want || v.Proven() {
			t.Errorf("%q: %q, want %q", seal, v.ARC, want)
		}
	}
}
