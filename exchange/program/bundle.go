package program

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/bundle"
)

// bundleUsage is the part of the usage for signed bundles.
const bundleUsage = `guard bundle key -dir DIR                    make the operator's key; its public part goes into a guard's DIR by hand
guard bundle make -key FILE -from DIR -out FILE   sign configuration, rules and virus signatures as one file
guard bundle verify -pub FILE FILE           read a bundle against the operator's public key
guard bundle install -dir DIR FILE           verify a bundle and put it into DIR/current, where the guard reads
`

// bundleCommand runs guard bundle.
func bundleCommand(args []string, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: bundle key, make, verify or install", errUsage)
	}
	f := flag.NewFlagSet("bundle", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	dir, key, from, to, pub := f.String("dir", "", ""), f.String("key", "", ""), f.String("from", "", ""), f.String("out", "", ""), f.String("pub", "", "")
	if err := f.Parse(args[1:]); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	file := f.Arg(0)
	switch {
	case args[0] == "key" && *dir != "" && f.NArg() == 0:
		if err := bundle.MakeKey(*dir); err != nil {
			return err
		}
		fmt.Fprintf(out, "keep %s with the operator; carry %s into each guard's folder of bundles\n", filepath.Join(*dir, bundle.OperatorKey), filepath.Join(*dir, bundle.OperatorPub))
		return nil
	case args[0] == "make" && *key != "" && *from != "" && *to != "" && f.NArg() == 0:
		h, err := bundle.Make(*key, *from, *to, time.Now())
		return tellBundle(out, *to, h, err)
	case args[0] == "verify" && *pub != "" && f.NArg() == 1:
		h, err := bundle.Verify(*pub, file)
		return tellBundle(out, file, h, err)
	case args[0] == "install" && *dir != "" && f.NArg() == 1:
		h, err := bundle.Install(*dir, file)
		return tellBundle(out, filepath.Join(*dir, bundle.Current), h, err)
	}
	return fmt.Errorf("%w: bundle key, make, verify or install, each with its flags", errUsage)
}

func tellBundle(out io.Writer, where string, h bundle.Head, err error) error {
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: made %s, %d files, %d bytes\n", where, h.Made.Format(time.RFC3339), len(h.Files), h.Bytes())
	for _, f := range h.Files {
		fmt.Fprintf(out, "  %10d  %s\n", f.Size, f.Name)
	}
	return nil
}

// bundleAge watches the age of the installed bundle for the status.
type bundleAge struct {
	dir  string
	lane exchange.Lane
	log  *slog.Logger
	said bool
}

// text is the bundle's part of the status, in Prometheus' text format; empty where none is used.
func (b *bundleAge) text(now time.Time) string {
	if b.dir == "" {
		return ""
	}
	made, stale := int64(0), 1
	h, err := bundle.Installed(b.dir)
	if err == nil {
		made = h.Made.Unix()
		if age := now.Sub(h.Made); age <= bundle.MaxAge && age > -time.Hour { // made in the future: a clock is wrong
			stale = 0
		}
	}
	if stale == 1 && !b.said {
		b.log.Error("bundle is stale", "made", h.Made, "max_age", bundle.MaxAge, "err", err)
	}
	b.said = stale == 1
	return fmt.Sprintf(`# HELP gatehouse_guard_bundle_made_timestamp_seconds When the installed bundle of configuration, rules and signatures was made.
# TYPE gatehouse_guard_bundle_made_timestamp_seconds gauge
gatehouse_guard_bundle_made_timestamp_seconds{lane=%[1]q} %[2]d
# HELP gatehouse_guard_bundle_stale 1: the bundle is over three days old, or not genuine: an alarm.
# TYPE gatehouse_guard_bundle_stale gauge
gatehouse_guard_bundle_stale{lane=%[1]q} %[3]d
`, string(b.lane), made, stale)
}

// checkBundle holds the installed bundle against its signature, where the configuration names one.
func checkBundle(dir string) error {
	if dir == "" {
		return nil
	}
	if _, err := bundle.Check(dir); err != nil {
		return fmt.Errorf("bundle: %w; install one with: guard bundle install -dir %s FILE", err, dir)
	}
	return nil
}
