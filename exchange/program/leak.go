package program

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"gatehouse/exchange"
)

// leaksOf compiles the leak rules of the configuration; nil: the guard takes its defaults.
func leaksOf(c Config) (*exchange.Leaks, error) {
	if c.Leak == nil {
		return nil, nil
	}
	leaks, err := exchange.NewLeaks(*c.Leak)
	if err != nil {
		return nil, fmt.Errorf("leak: %w", err)
	}
	return leaks, nil
}

// canary prints the digest that stands in the list of canaries for a planted string.
func canary(args []string, out io.Writer) error {
	f := flag.NewFlagSet("canary", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	file := f.String("key_file", "", "")
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if *file == "" || f.NArg() == 0 {
		return fmt.Errorf("%w: -key_file and a string are needed", errUsage)
	}
	key, err := os.ReadFile(*file)
	if err != nil {
		return fmt.Errorf("-key_file: %w", err)
	}
	digest, err := exchange.Canary(strings.TrimSpace(string(key)), strings.Join(f.Args(), " "))
	if err != nil {
		return err
	}
	fmt.Fprintln(out, digest)
	return nil
}
