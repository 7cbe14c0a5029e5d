package corpus

import (
	"fmt"
	"net/textproto"
	"strings"
	"testing"
)

// send hands a mail over as a server does, and gives the answer that settled it: the first refusal, or the one to the whole
// mail.
func send(t *testing.T, server string, w written) string {
	t.Helper()
	c, err := textproto.Dial("tcp", server)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, _, err := c.ReadResponse(220); err != nil {
		t.Fatal(err)
	}
	extra := ""
	if w.utf8 {
		extra = " BODY=8BITMIME SMTPUTF8"
	}
	for _, command := range []string{"EHLO " + w.helo(), "MAIL FROM:<" + w.sender + ">" + extra, "RCPT TO:<" + w.to + ">", "DATA"} {
		if err := c.PrintfLine("%s", command); err != nil {
			t.Fatal(err)
		}
		if code, text, err := c.ReadResponse(0); err != nil {
			t.Fatal(err)
		} else if code >= 400 {
			return fmt.Sprint(code, " ", text)
		}
	}
	d := c.DotWriter()
	if _, err := d.Write([]byte(w.raw)); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	code, text, err := c.ReadResponse(0)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(code, " ", text)
}

// helo is the name that the server of the sender gives itself.
func (w written) helo() string {
	_, domain, _ := strings.Cut(or(w.sender, w.answer), "@")
	return "mx." + plainDomain(domain)
}
