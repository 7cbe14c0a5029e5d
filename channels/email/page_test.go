package email

import (
	"context"
	"io"
	"strings"
	"testing"

	"gatehouse/channels"
)

// TestATablePastedIntoADeclaration: the page comes along as a file, unless another file is what is declared with.
func TestATablePastedIntoADeclaration(t *testing.T) {
	const page = "<table><tr><td>HS code<td>Net kg<tr><td><p>847130</p><td>12</table>"
	part := func(head, body string) string { return "--b\nContent-Type: " + head + "\n\n" + body + "\n" }
	words := part("multipart/alternative; boundary=c", "--c\nContent-Type: text/plain\n\nHS code\n847130\n--c\nContent-Type: text/html\n\n"+page+"\n--c--")
	for name, c := range map[string]struct{ to, parts, want string }{
		"declared":   {"declare+goods", words, "message.html"},
		"tried out":  {"test+declare+goods", words, "message.html"},
		"asked":      {"help", words, ""},
		"no table":   {"declare+goods", part("text/html", "<table><tr><td>x</table>"), ""},
		"attached":   {"declare+goods", words + part("text/csv; name=g.csv", "HS code"), "g.csv"},
		"with logo":  {"declare+goods", words + part("image/png; name=l.png", "x"), "l.png message.html"},
		"with proof": {"declare+goods", words + part("application/pgp-signature; name=s.asc", "x"), "s.asc message.html"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			in := inbox{accept: func(ctx context.Context, m channels.Message) error {
				for _, f := range m.Files {
					got = append(got, f.Name)
					if f.Name == "message.html" && contents(t, ctx, f) != page {
						t.Errorf("the page is %q", contents(t, ctx, f))
					}
				}
				return nil
			}}
			_, addr, _ := serve(t, testConfig(t), &in)
			var mail strings.Builder
			for line := range strings.Lines("From: a@example.net\nContent-Type: multipart/mixed; boundary=b\n\n" + c.parts + "--b--\n") {
				mail.WriteString("C: " + line)
			}
			call(t, addr).play("S: 220\nC: HELO x\nS: 250\nC: MAIL FROM:<a@example.net>\nS: 250\nC: RCPT TO:<" + c.to + "@city.example>\nS: 250\nC: DATA\nS: 354\n" + mail.String() + "C: .\nS: 250")
			if strings.Join(got, " ") != c.want {
				t.Errorf("files are %q", got)
			}
		})
	}
}

func contents(t *testing.T, ctx context.Context, f channels.File) string {
	r, err := f.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}
