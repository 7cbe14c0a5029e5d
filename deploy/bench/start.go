package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// startRow is the all-in-one program, as built: its start on a machine that never ran it, and its memory at rest.
func startRow(ctx context.Context, b *bench) ([]line, error) {
	p, err := b.build(ctx)
	if err != nil {
		return nil, err
	}
	first := line{what: "start to first stored webhook, all sides, fresh", unit: "s", aim: aim{most: 1}}
	rest := line{what: "resident memory at rest, all sides and stand-ins", unit: "MB", aim: aim{most: 80}}
	for range minRounds {
		s, mb, err := b.start(ctx, p)
		if err != nil {
			return nil, err
		}
		first.rounds, rest.rounds = append(first.rounds, round{ours: s}), append(rest.rounds, round{ours: mb})
	}
	return []line{first, rest}, nil
}

// allInOne is the built program, and the folder that its configuration lies under.
type allInOne struct{ binary, module string }

// build compiles deploy/local and says where the module lies.
func (b *bench) build(ctx context.Context) (p allInOne, err error) {
	dir, err := b.folder()
	if err != nil {
		return p, err
	}
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return p, fmt.Errorf("find the module: %w", err)
	}
	p = allInOne{filepath.Join(dir, "local"), strings.TrimSpace(string(out))}
	build := exec.CommandContext(ctx, "go", "build", "-o", p.binary, "./deploy/local")
	build.Dir = p.module
	if out, err := build.CombinedOutput(); err != nil {
		return p, fmt.Errorf("build deploy/local: %w: %s", err, out)
	}
	return p, nil
}

// settling is how long a started program is left alone before it is weighed.
const settling = 6 * time.Second

// start runs the program in a fresh folder, and gives the seconds until it stored a webhook and the MB it rests at.
func (b *bench) start(ctx context.Context, p allInOne) (seconds, mb float64, err error) {
	dir, err := b.folder()
	if err != nil {
		return 0, 0, err
	}
	file := filepath.Join(dir, "addresses.json")
	cmd := exec.CommandContext(ctx, p.binary, "-config", filepath.Join(p.module, "configs", "local.yaml"), "-addresses", file)
	cmd.Env = append(os.Environ(), "DATA_DIR="+filepath.Join(dir, "data"))
	for _, name := range []string{"GATEWAY", "GATEWAY_PRIVATE", "OFFICE", "OFFICE_PRIVATE", "CARRIERS", "SMTP", "MAILBOX", "DNS"} {
		cmd.Env = append(cmd.Env, name+"_LISTEN=127.0.0.1:0")
	}
	cmd.Dir, cmd.Stderr = dir, b.errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		err = errors.Join(err, cmd.Wait())
	}()
	at, err := addresses(ctx, file)
	if err != nil {
		return 0, 0, err
	}
	if err := firstHook(ctx, at["public_url"]); err != nil {
		return 0, 0, fmt.Errorf("first webhook: %w", err)
	}
	seconds = time.Since(begun).Seconds()
	until(ctx, time.Now().Add(settling))
	kb, err := resident(cmd.Process.Pid)
	if err != nil || b.profiles == "" {
		return seconds, kb / 1000, err
	}
	return seconds, kb / 1000, fetch(ctx, "http://"+at["private_listen"]+"/debug/pprof/heap", filepath.Join(b.profiles, "start.heap.pprof"))
}

// addresses waits for the file that says where the program listens.
func addresses(ctx context.Context, file string) (at map[string]string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for {
		b, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(b, &at)
			return at, err
		}
		if !until(ctx, time.Now().Add(time.Millisecond)) {
			return nil, errors.New("program did not start")
		}
	}
}

func firstHook(ctx context.Context, public string) error {
	c, err := call(ctx, strings.TrimPrefix(public, "http://"))
	if err != nil {
		return err
	}
	defer c.conn.Close()
	return c.push(hookRequest(public, hookForm(sid(1, 1), phone(1), question)))
}

func fetch(ctx context.Context, url, file string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	data, err := io.ReadAll(io.LimitReader(a.Body, 64<<20))
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}
