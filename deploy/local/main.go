// Command local runs all three sides on this machine with the demo city: `make run`.
//
// The rule: it calls the same Run of each side as the programs do. What is special to it is only that keys and staff
// are made at the first start, and that stand-ins play the carriers.
package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"gatehouse/configs/command"
	"gatehouse/exchange/guard"
)

func main() {
	guard.BecomeWorker(os.Args)
	p := command.Program[Config]{
		Name: "local", File: filepath.Join("configs", "local.yaml"),
		Check: func(c *Config) (string, error) { return "isolation: none", c.Gateway.Content() },
		Run: func(ctx context.Context, c Config, out io.Writer, ready func(map[string]string)) error {
			if err := os.MkdirAll(c.Data, 0o700); err != nil {
				return err
			}
			f, err := os.OpenFile(filepath.Join(c.Data, "gatehouse.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			defer f.Close()
			log := slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: c.Level}))
			return Run(ctx, c, out, log, ready)
		},
	}
	os.Exit(p.Main(os.Args[1:], os.Stdout, os.Stderr))
}
