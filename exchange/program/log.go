package program

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
)

// logUsage is what a wrong `log …` of any of the three programs is answered with; PROGRAM is its name.
const logUsage = `PROGRAM log verify FILE [-tip N:HASH]          verify a log, also against a tip noted elsewhere
PROGRAM log reconcile FILE FILE …              compare copies of the logs of both sides and of the guards
`

// Log is the subcommand `log` of guard, gateway and office: it gives the exit code, 0 when all is well, 1 when a log is
// not whole or logs differ, 2 for a wrong command line.
func Log(name string, args []string, out, errs io.Writer) int {
	err := errUsage
	if len(args) > 0 {
		switch args[0] {
		case "verify":
			err = logVerify(args[1:], out)
		case "reconcile":
			err = logReconcile(args[1:], out)
		}
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(errs, "%v\n%s", err, strings.ReplaceAll(logUsage, "PROGRAM", name))
		return 2
	}
	fmt.Fprintln(errs, name+":", err)
	return 1
}

func logVerify(args []string, out io.Writer) error {
	f := flag.NewFlagSet("log verify", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	noted := f.String("tip", "", "")
	// The file may stand before the flag, as people write it.
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		args = append(slices.Clone(args[1:]), args[0])
	}
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if f.NArg() != 1 {
		return fmt.Errorf("%w: one file is needed", errUsage)
	}
	var known evidence.Tip
	if *noted != "" {
		var err error
		if known, err = evidence.ParseTip(*noted); err != nil {
			return fmt.Errorf("%w: -tip: %w", errUsage, err)
		}
	}
	tip, torn, err := evidence.VerifyFile(f.Arg(0), known)
	if err != nil {
		return err
	}
	if torn > 0 {
		fmt.Fprintf(out, "the last %d bytes are half a record, as a crash leaves it; nothing was sent on for it\n", torn)
	}
	fmt.Fprintf(out, "whole: %d records; note this tip elsewhere: %s\n", tip.N, tip)
	return nil
}

// errDiffer ends a reconciliation that found something.
var errDiffer = errors.New("the logs differ")

func logReconcile(args []string, out io.Writer) error {
	if len(args) < 2 {
		return fmt.Errorf("%w: two files or more are needed", errUsage)
	}
	f, err := evidence.ReconcileFiles(args)
	if err != nil {
		return err
	}
	for _, lines := range [][]string{f.Files, f.Counts, f.OnTheWay, f.Differences} {
		for _, l := range lines {
			fmt.Fprintln(out, l)
		}
	}
	if n := len(f.Differences); n > 0 {
		return fmt.Errorf("%w in %d places", errDiffer, n)
	}
	fmt.Fprintln(out, "equal")
	return nil
}

// Evidence is where a side keeps its log: the file that is configured, else beside its database. Empty: neither.
func Evidence(file, store string) string {
	path, ok := strings.CutPrefix(store, "sqlite:")
	if file != "" || !ok || path == "" {
		return file
	}
	path, _, _ = strings.Cut(path, "?")
	return path + ".log"
}

// CheckEvidence names what is wrong with where a side keeps its log.
func CheckEvidence(file, store string) error {
	if Evidence(file, store) == "" {
		return errors.New("log_file: is empty, and the store is no file beside which it could lie; write a path on a disk of this machine")
	}
	return nil
}

// OpenEvidence verifies a side's log and goes on with it. A log that is not whole is an error: what crosses must be
// shown, so nothing crosses.
func OpenEvidence(path string, p exchange.Party, now time.Time, log *slog.Logger) (*evidence.Side, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("log_file: %w", err)
	}
	s, torn, err := evidence.OpenSide(path, p, now)
	if err != nil {
		return nil, fmt.Errorf("log_file: %w", err)
	}
	if torn > 0 {
		log.Warn("a half written record was set aside", "party", p, "bytes", torn)
	}
	log.Info("log is whole", "party", p, "tip", s.Tip().String())
	return s, nil
}
