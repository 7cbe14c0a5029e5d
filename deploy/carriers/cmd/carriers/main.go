// Command carriers runs the stand-in carriers beside a gateway that runs elsewhere.
//
// The rule: it is for demonstrations and tests, on a loopback address.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"gatehouse/configs/command"
	"gatehouse/deploy/carriers"
)

func main() {
	p := command.Program[carriers.Config]{
		Name: "carriers", File: "deploy/carriers/carriers.yaml",
		Check: func(c *carriers.Config) (string, error) {
			return fmt.Sprintf("pages and APIs on %s", c.WithDefaults().Listen), nil
		},
		Run: func(ctx context.Context, c carriers.Config, out io.Writer, ready func(map[string]string)) error {
			c.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
			return carriers.Run(ctx, c, out, ready)
		},
	}
	os.Exit(p.Main(os.Args[1:], os.Stdout, os.Stderr))
}
