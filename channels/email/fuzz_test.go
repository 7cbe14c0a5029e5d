package email

import (
	"bufio"
	"strings"
	"testing"

	"gatehouse/channels/email/origin"
)

// FuzzAuthor: whose domain is asked to vouch for a mail is who the case is filed under, or nobody is asked.
func FuzzAuthor(f *testing.F) {
	f.Add("From: Ann <ann@example.net>\r\n", "x@example.org")
	f.Add("From: \"<customs@northdock.example>\" <\"a b\"@evil.example>\r\n", "m@evil.example")
	f.Add("From: a@evil.example, customs@northdock.example\r\nFrom: x@y.example\r\n", "")
	f.Add("From: <a@evil.example> <customs@northdock.example>\r\n", "")
	f.Add("", "0@\xe100")
	f.Add("From: =?utf-8?q?=3Ccustoms@northdock.example=3E?= <@evil.example>\r\n", "m@evil.example")
	f.Fuzz(func(t *testing.T, head, envelope string) {
		if len(head) > 8<<10 {
			return
		}
		h := readHeader(bufio.NewReader(strings.NewReader(head + "\r\n")))
		who, vouched := sender(h, envelope), author(h)
		if vouched != "" && vouched != who {
			t.Errorf("%q vouches for %q", vouched, who)
		}
		if who != "" && person(who) != who {
			t.Errorf("%q is no clean address", who)
		}
	})
}

// FuzzThread: what ties a mail to others can stand in a header of ours.
func FuzzThread(f *testing.F) {
	f.Add("Message-ID: <a@b>\r\nReferences: <c@d>\r\n <e@f>\r\nIn-Reply-To: \"x\" <g@h>\r\n")
	f.Fuzz(func(t *testing.T, head string) {
		if len(head) > 8<<10 {
			return
		}
		th := thread(readHeader(bufio.NewReader(strings.NewReader(head + "\r\n"))))
		for _, id := range append(th.References, th.MessageID, th.InReplyTo) {
			if id != "" && !goodID(id) {
				t.Errorf("%q can't stand in a header", id)
			}
		}
		if len(th.References) > maxReferences {
			t.Errorf("%d references", len(th.References))
		}
	})
}

// FuzzQuote: what is left of an answer was in it, and something is left of whatever says something.
func FuzzQuote(f *testing.F) {
	f.Add("done\n\nOn Monday the city wrote:\n> old\n-- \nAnn", true)
	f.Add("________________________________\nFrom: us\nSent: x\nTo: y", true)
	f.Fuzz(func(t *testing.T, text string, answer bool) {
		if len(text) > 16<<10 {
			return
		}
		kept := strip(text, answer)
		for l := range strings.SplitSeq(kept, "\n") {
			if !strings.Contains(text, l) {
				t.Errorf("%q was not in the mail", l)
			}
		}
		if len(kept) > len(text) || kept == "" && strings.Trim(text, " \t\n\u00a0") != "" {
			t.Errorf("%q became %q", text, kept)
		}
	})
}

// FuzzResults: an Authentication-Results of whatever form proves the author's domain or nothing, and a seal is short.
func FuzzResults(f *testing.F) {
	f.Add("mx.city.example; dmarc=pass header.from=example.net", "i=1; cv=pass; d=relay.example")
	f.Fuzz(func(t *testing.T, results, seal string) {
		if len(results)+len(seal) > 8<<10 {
			return
		}
		v := origin.Upstream{ID: "mx.city.example"}.Judge(t.Context(), origin.Mail{Author: "a@example.net", Results: []string{results}, Seals: []string{seal}})
		if v.Proven() || len(v.ARC) > 300 || strings.ContainsAny(v.String(), "\r\n") {
			t.Errorf("from a host that is not the upstream's: %s", v)
		}
	})
}
