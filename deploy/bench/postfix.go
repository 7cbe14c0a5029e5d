package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Where Debian's package keeps what is used of it.
const (
	sourceProgram  = "/usr/sbin/smtp-source"
	postfixProgram = "/usr/sbin/postfix"
	postfixDaemons = "/usr/lib/postfix/sbin"
)

// postfixPatience bounds Postfix's start, its stop, and its emptying of the queue.
const postfixPatience = 60 * time.Second

// postfix is a private instance: its own folder, a free port, and everything that it takes is discarded.
type postfix struct {
	dir  string
	addr string
	cmd  *exec.Cmd
	done chan error // how it ended, for whoever asks
}

const mainCf = `compatibility_level = 3.6
queue_directory = @/spool
data_directory = @/data
command_directory = /usr/sbin
daemon_directory = ` + postfixDaemons + `
mail_owner = postfix
setgid_group = postdrop
maillog_file = /dev/stdout
myhostname = mx.portlumen.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
relay_domains = portlumen.example
default_transport = discard:
relay_transport = discard:
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
`

// masterCf is the least that takes mail in and discards it; nothing is confined to the spool, which is private.
const masterCf = `%s inet n - n - - smtpd
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
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

// postfix starts the peer; stop ends it. Postfix drops to its own user, so it has to be started as root.
func (b *bench) postfix(ctx context.Context) (*postfix, error) {
	for _, p := range []string{postfixProgram, sourceProgram} {
		if _, err := os.Stat(p); err != nil {
			return nil, errors.New("postfix is not installed: deploy/tools.sh installs it")
		}
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("postfix starts as root alone: run this row as root")
	}
	dir, err := b.folder()
	if err != nil {
		return nil, err
	}
	addr, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	p := &postfix{dir: dir, addr: addr, done: make(chan error, 1)}
	if err := p.write(); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, postfixProgram, "-c", p.etc(), "check").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("postfix check: %w: %s", err, out)
	}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

func (p *postfix) etc() string { return filepath.Join(p.dir, "etc") }

func (p *postfix) write() error {
	owner, err := user.Lookup("postfix")
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(owner.Uid)
	if err != nil {
		return err
	}
	for _, d := range []string{"etc", "spool", "data"} {
		if err := os.Mkdir(filepath.Join(p.dir, d), 0o755); err != nil {
			return err
		}
	}
	if err := os.Chown(filepath.Join(p.dir, "data"), uid, -1); err != nil {
		return err
	}
	main := strings.ReplaceAll(mainCf, "@", p.dir)
	if err := os.WriteFile(filepath.Join(p.etc(), "main.cf"), []byte(main), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.etc(), "master.cf"), fmt.Appendf(nil, masterCf, p.addr), 0o644)
}

// start runs Postfix's master in the foreground. What it logs goes nowhere.
func (p *postfix) start(ctx context.Context) error {
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), postfixProgram, "-c", p.etc(), "start-fg")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() { p.done <- p.cmd.Wait() }()
	return p.await(ctx, "answer", func() bool {
		d := net.Dialer{Timeout: time.Second}
		c, err := d.DialContext(ctx, "tcp", p.addr)
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
}

func (p *postfix) await(ctx context.Context, what string, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, postfixPatience)
	defer cancel()
	for !holds() {
		select {
		case err := <-p.done:
			p.done <- err
			return fmt.Errorf("postfix ended: %w", err)
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("postfix did not %s in time", what)
		}
	}
	return nil
}

// idle waits until nothing is left in the queue, so that a turn does not pay for the one before.
func (p *postfix) idle(ctx context.Context) error {
	return p.await(ctx, "empty its queue", func() bool {
		left := 0
		for _, q := range []string{"maildrop", "incoming", "active"} {
			_ = filepath.WalkDir(filepath.Join(p.dir, "spool", q), func(_ string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					left++
				}
				return nil
			})
		}
		return left == 0
	})
}

// stop ends the master that was started, which ends its own, and waits.
func (p *postfix) stop() error {
	if p.cmd.Process == nil {
		return nil
	}
	pid, err := os.ReadFile(filepath.Join(p.dir, "spool", "pid", "master.pid"))
	if err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(pid))); err == nil {
			_ = syscall.Kill(n, syscall.SIGTERM)
		}
	} else {
		_ = p.cmd.Process.Kill()
	}
	select {
	case err := <-p.done:
		if killed := new(exec.ExitError); errors.As(err, &killed) {
			return nil // by our signal
		}
		return err
	case <-time.After(postfixPatience):
		_ = p.cmd.Process.Kill()
		return errors.New("postfix did not stop")
	}
}

// freePort gives an address that was free a moment ago.
func freePort(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
