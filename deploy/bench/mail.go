package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"gatehouse/channels/email"
	"gatehouse/configs/secret"
	"gatehouse/gateway/store"
)

// smtpSessions is how many connections smtp-source keeps at work; both servers let one host have that many.
const smtpSessions = 40

// smtpRow is mails to durable rows, a connection a mail and connections kept.
func smtpRow(ctx context.Context, b *bench) ([]line, error) {
	lines := []line{
		{what: "SMTP to durable, a connection a mail", aim: aim{least: 4}},
		{what: "SMTP to durable, connections kept", aim: aim{least: 6}},
	}
	peer, err := b.postfix(ctx)
	lines[0].err, lines[1].err = err, err
	if peer == nil {
		return lines, nil
	}
	for i, kept := range []bool{false, true} {
		n := b.of(6_000, 800)
		figures, err := b.turns(ctx, fmt.Sprintf("smtp-kept-%v", kept),
			side{"mail to durable", func(ctx context.Context) (float64, error) { return b.mails(ctx, n, kept) }},
			side{"Postfix", func(ctx context.Context) (float64, error) {
				if err := peer.idle(ctx); err != nil {
					return 0, err
				}
				return source(ctx, peer.addr, n/4, kept)
			}})
		lines[i].unit, lines[i].peer = "mails/s", "Postfix, the same smtp-source"
		lines[i].rounds, lines[i].err = pairs(figures), err
	}
	return lines, peer.stop()
}

// mails takes n mails in by the real channel into a real store.
func (b *bench) mails(ctx context.Context, n int, kept bool) (rate float64, err error) {
	dir, err := b.folder()
	if err != nil {
		return 0, err
	}
	s, err := store.Open(ctx, store.Config{URL: "sqlite:" + filepath.Join(dir, "gateway.db"), Log: quiet()})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	ch, err := email.Open(email.Config{Listen: "127.0.0.1:0", Domain: "portlumen.example", Key: secret.New("a-key-of-the-bench-alone"),
		MaxSessions: 4 * smtpSessions, MaxPerHost: 4 * smtpSessions, // smtp-source redials before the last session is gone
		Relay: email.Relay{URL: "smtp://127.0.0.1:9", TLS: email.TLSNone}}, shared(s))
	if err != nil {
		return 0, err
	}
	serving, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- ch.Listen(serving, inbox{s}) }()
	defer func() {
		stop()
		err = errors.Join(err, <-done)
	}()
	addr, err := awaitAddress(ctx, ch)
	if err != nil {
		return 0, err
	}
	if rate, err = source(ctx, addr, n, kept); err != nil {
		return 0, err
	}
	return rate, holds(ctx, s, n)
}

func awaitAddress(ctx context.Context, ch *email.Channel) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for {
		if a := ch.Addresses()["smtp"]; a != "" {
			return a, nil
		}
		if !until(ctx, time.Now().Add(time.Millisecond)) {
			return "", errors.New("mail server did not bind")
		}
	}
}

// sourceTimeout bounds one run of smtp-source.
const sourceTimeout = 2 * time.Minute

// source lets Postfix's own load generator send n mails of 4 kB, and gives how many a second were taken.
func source(ctx context.Context, addr string, n int, kept bool) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	args := []string{"-s", fmt.Sprint(smtpSessions), "-m", fmt.Sprint(n), "-l", "4096", "-M", "mx.citizen.example",
		"-f", "ann@citizen.example", "-t", "help@portlumen.example", "-S", "Street light"}
	if kept {
		args = append(args, "-d")
	}
	begun := time.Now()
	out, err := exec.CommandContext(ctx, sourceProgram, append(args, addr)...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("smtp-source: %w: %s", err, out)
	}
	return float64(n) / time.Since(begun).Seconds(), nil
}
