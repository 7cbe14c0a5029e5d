package email

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/configs/database/databasetest"
)

// swaks has Debian's SMTP test client speak to addr, and gives its exit status and the whole dialogue.
func swaks(t *testing.T, addr string, args ...string) (int, string) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	all := append([]string{"--server", host, "--port", port, "--helo", "citizen.example", "--from", "ann@citizen.example", "--timeout", "60"}, args...)
	out, err := exec.Command("/usr/bin/swaks", all...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), string(out)
	}
	if err != nil {
		t.Fatalf("swaks: %v", err)
	}
	return 0, string(out)
}

// TestSwaks are the dialogues of a client that is not ours: what it may do works, what it may not is refused by name.
func TestSwaks(t *testing.T) {
	databasetest.Need(t, "swaks", "/usr/bin/swaks")
	databasetest.Need(t, "libnet-ssleay-perl", "/usr/lib/*/perl5/*/Net/SSLeay.pm")
	var in inbox
	c := testConfig(t)
	c.TLS.SelfSigned, c.MaxMessage = true, 200_000
	_, addr, _ := serve(t, c, &in)
	big := filepath.Join(t.TempDir(), "big")
	write(t, big, strings.Repeat(strings.Repeat("a", 70)+"\n", 4_000))
	smuggled := "Subject: one\n\nx\n.\nMAIL FROM:<evil@citizen.example>\nRCPT TO:<help@city.example>\nDATA\nSubject: two\n\nboo\n.\n"
	for _, x := range []struct {
		what string
		args []string
		exit int    // swaks: 0 sent, 23 MAIL, 24 RCPT, 26 refused after the mail
		want string // in the dialogue
		text string // of the mail that came
	}{
		{"plain", []string{"--to", "help@city.example", "--body", "one"}, 0, "250 2.0.0", "one"},
		{"TLS", []string{"--to", "help@city.example", "--tls", "--body", "two"}, 0, "TLS started", "two"},
		{"pipelined", []string{"--to", "help@city.example,postmaster@city.example", "--pipeline", "--body", "three"}, 0, "250 2.0.0", "three"},
		{"pipelined, one unknown", []string{"--to", "help@city.example,nobody@city.example", "--pipeline", "--body", "four"}, 0, "550 5.1.1", "four"},
		{"unknown", []string{"--to", "nobody@city.example"}, 24, "550 5.1.1", ""},
		{"relaying", []string{"--to", "ann@citizen.example"}, 24, "550 5.7.1", ""},
		{"no null sender at bounce+ of nobody", []string{"--from", "<>", "--to", "bounce+x.aaaaaaaaaaaaaaaa@city.example"}, 24, "550 5.1.1", ""},
		{"too large", []string{"--to", "help@city.example", "--body", "@" + big}, 26, "552 5.3.4", ""},
		{"UTF-8", []string{"--to", "help@city.example", "--from", "jörg@bücher.example", "--header", "Subject: Où ?", "--body", "été 停止"}, 0, "250 2.0.0", "été 停止"},
		{"bare line feeds", []string{"--to", "help@city.example", "--no-data-fixup", "--data", smuggled + "\r\n.\r\n"}, 0, "250 2.0.0", "x\n.\nMAIL FROM"},
	} {
		before := len(in.Messages())
		exit, said := swaks(t, addr, x.args...)
		if exit != x.exit || !strings.Contains(said, x.want) {
			t.Errorf("%s: ends with %d, want %d and %q\n%s", x.what, exit, x.exit, x.want, said[max(0, len(said)-2000):])
		}
		all := in.Messages()[before:]
		switch {
		case x.text == "" && len(all) > 0, len(all) > 1:
			t.Errorf("%s: %d mails came in", x.what, len(all))
		case x.text != "" && (len(all) != 1 || !strings.HasPrefix(strings.ReplaceAll(all[0].Text, "\r", ""), x.text)):
			t.Errorf("%s: came in as %+v", x.what, all)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
