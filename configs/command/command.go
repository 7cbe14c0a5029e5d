// Package command is what every program of the house does before its own work: flags, configuration, signals, exit
// codes, and the file of real addresses.
//
// The rule: a wrong command line or configuration ends with 2 and says everything that is wrong; a clean stop by
// SIGINT or SIGTERM ends with 0; all else with 1.
package command

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"gatehouse/configs"
)

// Program is one program with its configuration C.
type Program[C any] struct {
	// Name is the command's, File the configuration that is read when -config is not given.
	Name, File string
	// Check looks at what the configuration points to, and gives what -check prints when all is right.
	Check func(c *C) (string, error)
	// Run works until ctx ends; ready is to be called once with the real addresses.
	Run func(ctx context.Context, c C, out io.Writer, ready func(map[string]string)) error
	// Acts are what an operator has the program do instead, by the words that stand before the flags, such as
	// "lane epoch"; args is what stands after them. ErrUsage ends with 2.
	Acts map[string]func(ctx context.Context, c C, args []string, out io.Writer) error
}

// ErrUsage is an act's word for arguments that are wrong.
var ErrUsage = errors.New("wrong command line")

// usage marks what the operator has to put right before the program can start.
type usage struct{ error }

// Unwrap gives the faults.
func (u usage) Unwrap() error { return u.error }

// Main runs the program with its arguments and gives the exit code. Errors go to errs.
func (p Program[C]) Main(args []string, out, errs io.Writer) int {
	err := p.run(args, out, errs)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage{}):
		fmt.Fprintln(errs, err)
		return 2
	}
	fmt.Fprintln(errs, p.Name+":", err)
	return 1
}

func (p Program[C]) run(args []string, out, errs io.Writer) error {
	flags := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	flags.SetOutput(errs)
	file := flags.String("config", p.File, "configuration `file`")
	check := flags.Bool("check", false, "validate the configuration and end")
	addresses := flags.String("addresses", "", "write the real addresses as JSON to this `file`")
	words, args := act(args)
	do, ok := p.Acts[words]
	if words != "" && !ok {
		return usage{fmt.Errorf("%s: %q is not a command here; see -help", p.Name, words)}
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usage{err}
	}
	if do == nil && flags.NArg() > 0 {
		return usage{fmt.Errorf("%s: %q is not a command here; see -help", p.Name, flags.Arg(0))}
	}
	var c C
	if err := configs.Load(*file, &c); err != nil {
		return usage{err}
	}
	said, err := p.Check(&c)
	if err != nil {
		return usage{err}
	}
	if *check {
		fmt.Fprintf(out, "%s is right; %s\n", *file, said)
		return nil
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if do != nil {
		if err := do(ctx, c, flags.Args(), out); errors.Is(err, ErrUsage) {
			return usage{err}
		} else if err != nil {
			return err
		}
		return nil
	}
	wrote := make(chan error, 1)
	err = p.Run(ctx, c, out, func(a map[string]string) {
		wrote <- WriteAddresses(*addresses, a)
		trim()
	})
	select {
	case w := <-wrote:
		return errors.Join(err, w)
	default:
		return err
	}
}

// act splits off the words before the first flag.
func act(args []string) (words string, flags []string) {
	n := slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") })
	if n < 0 {
		n = len(args)
	}
	return strings.Join(args[:n], " "), args[n:]
}

// trim gives back the memory that the start alone needed, such as migrations parsed and passwords hashed: about a third
// of what an idle program held. Twice, because a sync.Pool lets go at the second collection.
func trim() {
	runtime.GC()
	debug.FreeOSMemory()
}

// WriteAddresses writes the addresses to a file in one step, so that whoever waits for it never reads half of it. No
// name: nothing is written.
func WriteAddresses(file string, a map[string]string) error {
	if file == "" {
		return nil
	}
	b, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return fmt.Errorf("write addresses: %w", err)
	}
	if err := os.WriteFile(file+".new", append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("write addresses: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("write addresses: %w", err)
	}
	return nil
}
