package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	"gatehouse/configs/command"
	"gatehouse/exchange"
	border "gatehouse/exchange/program"
	"gatehouse/gateway/store"
)

// Command is the gateway as a program of its own.
func Command() command.Program[Config] {
	return command.Program[Config]{
		Name: "gateway", File: "configs/gateway.yaml",
		Check: func(c *Config) (string, error) {
			links := border.CheckSide(exchange.Extranet, c.Exchange.Up, c.Exchange.Down)
			return "isolation: " + c.Exchange.Isolation, errors.Join(c.Content(), links)
		},
		Run: func(ctx context.Context, c Config, out io.Writer, ready func(map[string]string)) error {
			fmt.Fprintln(out, "isolation:", c.Exchange.Isolation)
			log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: c.Level}))
			return Run(ctx, c, Options{Log: log, Ready: ready})
		},
		Acts: map[string]func(context.Context, Config, []string, io.Writer) error{"lane epoch": laneEpoch, "dkim make": dkimMake, "mail records": mailRecords, "receipt chain": receiptChain},
	}
}

// laneEpoch begins a new epoch of the lane up: after the store was restored, or a key was revoked under which
// something is not acknowledged.
func laneEpoch(ctx context.Context, c Config, args []string, out io.Writer) (err error) {
	if len(args) > 0 {
		return fmt.Errorf("%w: lane epoch takes no %q", command.ErrUsage, args[0])
	}
	s, err := store.Open(ctx, store.Config{URL: c.Store, KeyFile: c.KeyFile, Owner: "lane epoch"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	epoch, err := exchange.BeginEpoch(ctx, s.Outgoing(), time.Now())
	if err == nil {
		fmt.Fprintf(out, "epoch %d of the lane up began; what is not acknowledged is sent again in it\n", epoch)
	}
	return err
}

// dkimMake makes the keys that sign mail where they are missing, and prints what is to be published of all of them.
func dkimMake(_ context.Context, c Config, args []string, out io.Writer) error {
	if len(args) > 0 {
		return fmt.Errorf("%w: dkim make takes no %q", command.ErrUsage, args[0])
	}
	m := c.Channels.Email
	if m == nil || len(m.DKIM) == 0 {
		return errors.New("channels.email.dkim names no key; write one with selector and key_file")
	}
	for _, d := range m.DKIM {
		name, text, err := d.Record(m.Domain)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s. TXT %q\n", name, text)
	}
	return nil
}

// mailRecords prints what is to be published in the DNS for mail to and from us, beside the keys of `dkim make`.
func mailRecords(_ context.Context, c Config, args []string, out io.Writer) error {
	if len(args) > 0 {
		return fmt.Errorf("%w: mail records takes no %q", command.ErrUsage, args[0])
	}
	if c.Channels.Email == nil {
		return errors.New("channels.email is not set: there is no mail here")
	}
	for _, r := range c.Channels.Email.Records() {
		if r.Type == "TXT" {
			r.Text = strconv.Quote(r.Text)
		}
		fmt.Fprintf(out, "%s. %s %s\n", r.Name, r.Type, r.Text)
	}
	return nil
}

// Content reads services and answers, so that -check names their faults too.
func (c *Config) Content() error {
	_, s := services(c.ServicesDir)
	_, a := answersDir(c.AnswersDir)
	return errors.Join(s, a)
}
