package program

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/medium"
)

// mediumUsage is the part of the usage for removable media.
const mediumUsage = `guard export -party PARTY -keys DIR          move what lies in PARTY's outgoing link to a medium, with a manifest
             -link DIR -medium DIR
guard import -party PARTY -keys DIR          verify what a medium brought for PARTY and take it into its incoming link
             -link DIR -medium DIR
`

// errRefused ends an import that left something on the medium.
var errRefused = errors.New("what is named above was refused")

func mediumFlags(name string, args []string) (o medium.Options, p exchange.Party, err error) {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	var who parties
	var keys string
	f.Var(&who, "party", "")
	f.StringVar(&keys, "keys", "", "")
	f.StringVar(&o.Link, "link", "", "")
	f.StringVar(&o.Medium, "medium", "", "")
	switch err := f.Parse(args); {
	case err != nil:
		return o, "", fmt.Errorf("%w: %w", errUsage, err)
	case f.NArg() > 0 || len(who) != 1 || keys == "" || o.Link == "" || o.Medium == "":
		return o, "", fmt.Errorf("%w: one -party, -keys, -link and -medium are needed", errUsage)
	}
	if o.Ring, err = exchange.LoadRing(keys, who[0]); err != nil {
		return o, "", fmt.Errorf("keys: %w", err)
	}
	o.Now = time.Now()
	return o, who[0], nil
}

// stretchOf gives the one over which p sends or receives.
func stretchOf(p exchange.Party, end func(exchange.Stretch) exchange.Party) exchange.Stretch {
	all := exchange.Stretches()
	return all[slices.IndexFunc(all, func(s exchange.Stretch) bool { return end(s) == p })]
}

// exportMedium moves all that lies in the link, a folder of the medium at a time.
func exportMedium(args []string, out io.Writer) error {
	o, p, err := mediumFlags("export", args)
	if err != nil {
		return err
	}
	s := stretchOf(p, exchange.Stretch.Sender)
	o.Progress = progress(out)
	total := 0
	for {
		r, err := medium.Export(s, o)
		if errors.Is(err, medium.ErrNothing) && total > 0 {
			break
		}
		if err != nil {
			return err
		}
		total += r.Moved
		fmt.Fprintf(out, "%s: %d envelopes of link %s, %d bytes, numbers %s\n", r.Folders[0], r.Moved, s, r.Bytes, numbers(r))
		if r.Moved < exchange.MaxCarried {
			break
		}
	}
	fmt.Fprintf(out, "%d envelopes are on the medium and no longer in the link; take the medium out by umount\n", total)
	return nil
}

func importMedium(args []string, out io.Writer) error {
	o, p, err := mediumFlags("import", args)
	if err != nil {
		return err
	}
	s := stretchOf(p, exchange.Stretch.Receiver)
	o.Progress = progress(out)
	r, err := medium.Import(s, o)
	for _, what := range r.Refused {
		fmt.Fprintf(out, "refused: %s\n", what)
	}
	for _, gap := range r.Gaps {
		fmt.Fprintf(out, "not on this medium: numbers %s; they crossed before, or come on another\n", gap)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d envelopes of link %s taken from %d folders, %d bytes", r.Moved, s, len(r.Folders), r.Bytes)
	if r.Moved > 0 {
		fmt.Fprintf(out, ", numbers %s", numbers(r))
	}
	fmt.Fprintln(out)
	if len(r.Refused) > 0 {
		return errRefused
	}
	return nil
}

func numbers(r medium.Report) string {
	if r.First.Epoch != r.Last.Epoch {
		return fmt.Sprintf("%d of epoch %d to %d of epoch %d", r.First.Seq, r.First.Epoch, r.Last.Seq, r.Last.Epoch)
	}
	return fmt.Sprintf("%d to %d of epoch %d", r.First.Seq, r.Last.Seq, r.Last.Epoch)
}

// progress prints each tenth of a long work.
func progress(out io.Writer) func(done, total int) {
	return func(done, total int) {
		if tenth := total / 10; tenth >= 50 && done%tenth == 0 {
			fmt.Fprintf(out, "%d of %d envelopes\n", done, total)
		}
	}
}
