// Command bench measures Gatehouse against limits and peers of this very machine: `make bench`.
//
// A machine that is shared and noisy makes absolute figures worthless, so each row of the table is a ratio: ours and
// what it is held against run in turns, at least three times in one process, and the row shows the medians and the
// median of the ratios. The rows, and what stands against them:
//
//	webhook    signed Twilio webhooks, 64 in flight, each stored before its 200: the slower of a bare net/http handler
//	           and a raw group commit of the same rows
//	signature  a webhook parsed and its signature checked: twilio-go's RequestValidator
//	smtp       mails of 4 kB from smtp-source, each stored before its 250: Postfix with the discard transport
//	insert     Store.Accept, 64 producers, on SQLite and PostgreSQL: a raw group commit of the same rows
//	inquiry    a question by text until its answer reaches the carrier, at half of saturation: the sum of its parts,
//	           each measured alone
//	dialogues  ten thousand people in a form by text at once: messages a second beside inquiries of the same people, and
//	           what each open dialogue adds to the gateway's memory
//	chats      memory of 10,000 idle web chats: gorilla/websocket as it comes
//	hop        a 2 kB case through a whole guard: its primitives alone, open, check, sign, seal and three durable writes
//	diode      envelopes over a one-way link at its default pace, and at 20 % loss: the same bytes as plain UDP packets
//	large      the most memory of a built guard while a file of 200 MB crosses: the same with one of 2 MB
//	declare    5,000 rows of XLSX and of CSV, from the end of the mail to the reply with its receipt: the file read alone by
//	           excelize or encoding/csv; and the most memory of the gateway: the same with five rows
//	mixed      questions by text, chat and mail, and declarations, all at a steady rate at once, p50 and p99 of each: the
//	           same kind at its rate with nothing beside it
//	start      the built all-in-one program, from exec to the first stored webhook, and its memory at rest: no peer,
//	           so absolute
//
// Usage:
//
//	go run ./deploy/bench [-rows webhook,smtp] [-quick] [-profiles DIR]
//
// -quick shortens every loop: it shows that the rows run, not how fast. -profiles keeps pprof files of our sides.
// The servers it needs are those that deploy/tools.sh installs. It exits with 1 when a row FAILED, which is a row
// that could not be measured; "below" is a row that was, and misses its aim.
//
// The rule: what did not run in this process is not in the table. A row without its peer says FAILED and why; no
// figure is remembered from another run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// row is one benchmark; it gives one line of the table or several.
type row struct {
	name string
	run  func(ctx context.Context, b *bench) ([]line, error)
}

func rows() []row {
	return []row{
		{"webhook", webhookRow}, {"signature", signatureRow}, {"smtp", smtpRow}, {"insert", insertRow},
		{"inquiry", inquiryRow}, {"dialogues", dialoguesRow}, {"chats", chatsRow}, {"hop", hopRow}, {"large", largeRow}, {"declare", declareRow}, {"mixed", mixedRow}, {"diode", diodeRow}, {"start", startRow},
	}
}

// run is the program with its arguments; it gives the exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	if len(args) > 1 && args[0] == chatsCommand {
		return serveChats(ctx, args[1:], os.Stdin, out, errs)
	}
	if len(args) > 1 && args[0] == deskCommand {
		return serveDesk(ctx, args[1:], os.Stdin, out, errs)
	}
	if len(args) > 1 && args[0] == townCommand {
		return serveTown(ctx, args[1:], os.Stdin, out, errs)
	}
	b := &bench{errs: errs}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(errs)
	names := flags.String("rows", "", "only these rows, separated by commas")
	flags.BoolVar(&b.quick, "quick", false, "short loops: shows that the rows run, not how fast")
	flags.StringVar(&b.profiles, "profiles", "", "keep profiles of our sides in this `directory`")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	chosen, err := choose(*names)
	if err != nil {
		fmt.Fprintln(errs, "bench:", err)
		return 2
	}
	lines, err := b.all(ctx, chosen)
	if err != nil {
		fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	show(out, lines)
	if slices.ContainsFunc(lines, line.failed) {
		return 1
	}
	return 0
}

func choose(names string) ([]row, error) {
	if names == "" {
		return rows(), nil
	}
	var chosen []row
	for _, n := range strings.Split(names, ",") {
		i := slices.IndexFunc(rows(), func(r row) bool { return r.name == n })
		if i < 0 {
			return nil, fmt.Errorf("-rows: there is no row %q", n)
		}
		chosen = append(chosen, rows()[i])
	}
	return chosen, nil
}

// bench is one run of the program.
type bench struct {
	quick    bool
	profiles string
	errs     io.Writer
	dir      string // of everything that is written; removed at the end
	made     int
}

// all runs the rows one after the other.
func (b *bench) all(ctx context.Context, chosen []row) (lines []line, err error) {
	if b.dir, err = os.MkdirTemp("", "gatehouse-bench-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(b.dir)
	if err := os.Chmod(b.dir, 0o755); err != nil { // servers that run as their own users pass through
		return nil, err
	}
	if b.profiles != "" {
		if err := os.MkdirAll(b.profiles, 0o755); err != nil {
			return nil, err
		}
	}
	for _, r := range chosen {
		fmt.Fprintf(b.errs, "%s …\n", r.name)
		l, err := r.run(ctx, b)
		if err != nil {
			l = append(l, line{what: r.name, err: err})
		}
		lines = append(lines, l...)
		if ctx.Err() != nil {
			return lines, errors.New("interrupted")
		}
	}
	return lines, nil
}

// folder makes a fresh directory that goes at the end.
func (b *bench) folder() (string, error) {
	b.made++
	d := filepath.Join(b.dir, fmt.Sprint(b.made))
	return d, os.Mkdir(d, 0o755)
}

// of gives full, or short when the run is to be quick.
func (b *bench) of(full, short int) int {
	if b.quick {
		return short
	}
	return full
}
