package email

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
	"gatehouse/configs/database/databasetest"
)

// postfixMain is a private Postfix: mail for us goes to our server, that for citizen.example into one Maildir, and what
// its alias sends to gone.example bounces after it was taken. @ is its folder, % its own port, & our server's.
const postfixMain = `compatibility_level = 3.6
queue_directory = @/spool
data_directory = @/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = @/log/mail
maillog_file_prefixes = @
myhostname = mx.citizen.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_bind_address = 127.0.0.1
virtual_mailbox_domains = citizen.example
virtual_mailbox_base = @/mail
virtual_mailbox_maps = static:inbox/
virtual_alias_maps = inline:{ { moved@citizen.example = nobody@gone.example } }
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
transport_maps = inline:{ { city.example = smtp:[127.0.0.1]:& } { gone.example = error:5.1.1 there is nobody } }
relay_domains = city.example
default_transport = error:5.4.4 no way there
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtp_tls_security_level = may
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
smtputf8_enable = yes
alias_maps =
alias_database =
local_recipient_maps =
`

const postfixMaster = `127.0.0.1:% inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

// postfix is a running one. It drops to its own user, so the test has to run as root, as deploy's do.
type postfix struct {
	t         *testing.T
	dir, addr string
}

func newPostfix(t *testing.T, ours string) *postfix {
	t.Helper()
	databasetest.Need(t, "postfix", "/usr/sbin/postfix")
	owner, err := user.Lookup("postfix")
	if err != nil || os.Geteuid() != 0 {
		t.Fatalf("Postfix drops to its own user: run make test as root (%v)", err)
	}
	dir, err := os.MkdirTemp("", "gatehouse-postfix-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &postfix{t: t, dir: dir, addr: freeAddr(t)}
	_, port, _ := net.SplitHostPort(p.addr)
	_, our, _ := net.SplitHostPort(ours)
	fill := strings.NewReplacer("@", "@", "%", port, "&", our)
	uid, err := strconv.Atoi(owner.Uid)
	p.must(err)
	for d, own := range map[string]int{"etc": 0, "spool": 0, "data": uid, "mail": 65534, "log": 0} {
		p.must(os.Mkdir(filepath.Join(dir, d), 0o755))
		p.must(os.Chown(filepath.Join(dir, d), own, -1))
	}
	p.must(os.Chmod(dir, 0o755))
	main := strings.ReplaceAll(strings.ReplaceAll(fill.Replace(postfixMain), "@/", dir+"/"), "= @\n", "= "+dir+"\n")
	p.must(os.WriteFile(filepath.Join(dir, "etc", "main.cf"), []byte(main), 0o644))
	p.must(os.WriteFile(filepath.Join(dir, "etc", "master.cf"), []byte(fill.Replace(postfixMaster)), 0o644))
	if out, err := exec.Command("/usr/sbin/postfix", "-c", filepath.Join(dir, "etc"), "check").CombinedOutput(); err != nil {
		t.Fatalf("postfix check: %v\n%s", err, out)
	}
	p.run()
	return p
}

// run starts Postfix's master in the foreground and ends it with the test.
func (p *postfix) run() {
	p.t.Helper()
	var out bytes.Buffer
	cmd := exec.Command("/usr/sbin/postfix", "-c", filepath.Join(p.dir, "etc"), "start-fg")
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	p.must(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	p.t.Cleanup(func() {
		if pid, err := os.ReadFile(filepath.Join(p.dir, "spool", "pid", "master.pid")); err == nil {
			if n, err := strconv.Atoi(strings.TrimSpace(string(pid))); err == nil {
				_ = syscall.Kill(n, syscall.SIGTERM)
			}
		} else {
			_ = cmd.Process.Kill()
		}
		<-ended
		if p.t.Failed() {
			log, _ := os.ReadFile(filepath.Join(p.dir, "log", "mail"))
			p.t.Logf("Postfix said\n%s\n%s", out.String(), log[max(0, len(log)-6000):])
		}
	})
	channeltest.Eventually(p.t, "Postfix answers", func() bool {
		c, err := net.Dial("tcp", p.addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (p *postfix) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// freeAddr gives an address that was free a moment ago. It lies below those that the kernel gives out by itself, so that no
// connection takes it in between, and apart from those of deploy's tests.
func freeAddr(t *testing.T) string {
	t.Helper()
	for i := range 1_900 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+(os.Getpid()+7*i)%1_900))
		if err != nil {
			continue
		}
		defer l.Close()
		return l.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}

// mailWith waits for a mail in the Maildir that holds all of parts, and gives it.
func (p *postfix) mailWith(parts ...string) string {
	p.t.Helper()
	found := ""
	channeltest.Eventually(p.t, fmt.Sprintf("a mail with %q", parts), func() bool {
		all, _ := filepath.Glob(filepath.Join(p.dir, "mail", "inbox", "new", "*"))
		for _, name := range all {
			b, err := os.ReadFile(name)
			whole := err == nil
			for _, part := range parts {
				whole = whole && bytes.Contains(b, []byte(part))
			}
			if whole {
				found = string(b)
				return true
			}
		}
		return false
	})
	return found
}

// TestPostfix is a real mail server on both sides of ours.
func TestPostfix(t *testing.T) {
	var in inbox
	relay := &sink{}
	c := testConfig(t)
	c.TLS.SelfSigned = true
	_, addr, _ := serve(t, c, &in)
	p := newPostfix(t, addr)
	relay.addr = p.addr
	out := sending(t, relay, nil)
	send := func(subject, to string) {
		t.Helper()
		if a := hand(t.Context(), p.addr, "ann@citizen.example", to, "From: Ann <ann@citizen.example>\nTo: "+to+"\nSubject: "+subject+"\nMessage-ID: <"+subject+"@citizen.example>\n\nhello\n"); a != channeltest.Taken {
			t.Fatalf("Postfix answered %v", a)
		}
	}
	heard := func(subject string) (n int) {
		for _, m := range in.Messages() {
			if m.Subject == subject {
				n++
			}
		}
		return n
	}

	in.FailNext(1, channels.ErrBusy) // 451: it comes again, and once
	send("later", "help@city.example")
	channeltest.Eventually(t, "the mail that was put off", func() bool { return heard("later") == 1 })
	send("unknown", "nobody@city.example") // 550: its sender learns so
	p.mailWith("Undelivered Mail Returned to Sender", "Action: failed", "Status: 5.1.1", "No such address here")

	notice := reply()
	notice.Queue, notice.ID, notice.To.Value = channels.Notice, "0193a1b2c3", "ann@citizen.example"
	if _, err := out.Send(t.Context(), notice); err != nil {
		t.Fatal(err)
	}
	back, _ := out.book.bounce(notice.ID)
	p.mailWith("Return-Path: <"+back+">", "Message-Id: <0193a1b2c3@city.example>", "X-Report-To: <"+back+">")
	plain := reply()
	plain.ID, plain.To.Value = "0193a1b2c4", "ann@citizen.example"
	if _, err := out.Send(t.Context(), plain); err != nil {
		t.Fatal(err)
	}
	p.mailWith("Return-Path: <>", "Message-Id: <0193a1b2c4@city.example>")
	notice.ID, notice.To.Value = "0193a1b2c5", "jörg@citizen.example"
	if _, err := out.Send(t.Context(), notice); err != nil {
		t.Fatal(err)
	}
	p.mailWith("Message-Id: <0193a1b2c5@city.example>", "jörg@citizen.example")

	notice.ID, notice.To.Value = "0193a1b2c6", "moved@citizen.example" // taken, and bounced afterwards
	if _, err := out.Send(t.Context(), notice); err != nil {
		t.Fatal(err)
	}
	channeltest.Eventually(t, "its report", func() bool { return len(in.Receipts()) == 1 })
	if r := in.Receipts()[0]; r.MessageID != notice.ID || shown(r) != "failed unreachable (5.1.1)" {
		t.Errorf("the report became %+v", r)
	}
	if heard("later") != 1 || len(in.Messages()) != 1 {
		t.Errorf("%d messages arrived", len(in.Messages()))
	}
}
