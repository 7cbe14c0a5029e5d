package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// TestSmoke runs the cheapest row at its shortest through the program's own front door.
func TestSmoke(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-quick", "-rows", "signature"}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, &out, &errs)
	}
	for _, want := range []string{"signature check", "op/s", "twilio-go RequestValidator", "≥ 8"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &out)
		}
	}
}

// TestInsertLeavesTheSameRows runs both sides of the row on SQLite: the raw side writes what ours has stored.
func TestInsertLeavesTheSameRows(t *testing.T) {
	b := &bench{quick: true, errs: os.Stderr, dir: t.TempDir()}
	raw := &rawSide{b: b, engine: sqliteEngine{}}
	if _, err := raw.run(t.Context()); err == nil {
		t.Error("the raw side ran without rows")
	}
	if _, err := b.accepts(t.Context(), 300, sqliteEngine{}, raw); err != nil {
		t.Fatal(err)
	}
	if len(raw.rows) != people+300 {
		t.Fatalf("%d rows", len(raw.rows))
	}
	if rate, err := raw.run(t.Context()); err != nil || rate <= 0 {
		t.Fatalf("%v rows/s, %v", rate, err)
	}
}

func TestChoose(t *testing.T) {
	for names, want := range map[string]int{"": len(rows()), "smtp": 1, "smtp,chats": 2} {
		if got, err := choose(names); err != nil || len(got) != want {
			t.Errorf("%q: %d rows, %v", names, len(got), err)
		}
	}
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"-rows", "smpt"}, &bytes.Buffer{}, &errs); code != 2 || !strings.Contains(errs.String(), `no row "smpt"`) {
		t.Errorf("%d: %s", code, &errs)
	}
}

func TestVerdicts(t *testing.T) {
	three := func(ours, peer float64) []round { return []round{{ours, peer}, {ours, peer}, {ours, peer}} }
	for _, c := range []struct {
		name    string
		line    line
		verdict string
		failed  bool
	}{
		{"reached", line{peer: "x", rounds: three(6, 10), aim: aim{least: 0.6}}, "ok", false},
		{"missed", line{peer: "x", rounds: three(5, 10), aim: aim{least: 0.6}}, "below", false},
		{"at most", line{peer: "x", rounds: three(21, 10), aim: aim{most: 2}}, "below", false},
		{"absolute", line{rounds: three(1.5, 0), aim: aim{most: 1}}, "below", false},
		{"absolute beside a peer", line{peer: "x", rounds: three(7, 12), aim: aim{most: 8}, byOurs: true}, "ok", false},
		{"no aim", line{peer: "x", rounds: three(7, 12)}, "", false},
		{"no peer ran", line{peer: "x", rounds: three(7, 0)}, "", true},
		{"too few turns", line{peer: "x", rounds: three(7, 1)[:2]}, "", true},
		{"not a number", line{peer: "x", rounds: three(math.Inf(1), 1)}, "", true},
		{"error", line{rounds: three(7, 1), err: errors.New("no peer")}, "", true},
	} {
		if c.line.failed() != c.failed || !c.failed && c.line.verdict() != c.verdict {
			t.Errorf("%s: failed %v, verdict %q", c.name, c.line.failed(), c.line.verdict())
		}
	}
}

func TestTableSaysFailedAndWhy(t *testing.T) {
	var out bytes.Buffer
	show(&out, []line{{what: "SMTP", aim: aim{least: 4}, err: errors.New("postfix is not installed")}})
	if !strings.Contains(out.String(), "FAILED") || !strings.Contains(out.String(), "postfix is not installed") {
		t.Error(out.String())
	}
}

func TestMedianAndQuantile(t *testing.T) {
	ours := func(r round) float64 { return r.ours }
	if m := median([]round{{ours: 9}, {ours: 1}, {ours: 2}}, ours); m != 2 {
		t.Error(m)
	}
	if m := median([]round{{ours: 9}, {ours: 1}, {ours: 2}, {ours: 4}}, ours); m != 3 {
		t.Error(m)
	}
	sorted := make([]time.Duration, 100)
	for i := range sorted {
		sorted[i] = time.Duration(i)
	}
	if quantile(sorted, 0.5) != 50 || quantile(sorted, 0.99) != 99 || quantile(sorted, 1) != 99 {
		t.Error("quantiles are off")
	}
}

// TestWeighsChats counts what two servers of chats hold, each in a process of its own.
func TestWeighsChats(t *testing.T) {
	b := &bench{quick: true, errs: os.Stderr, dir: t.TempDir()}
	for _, kind := range []string{"ours", "gorilla"} {
		if w, err := b.weigh(t.Context(), kind, 50); err != nil || w.heap <= 0 {
			t.Errorf("%s: %+v, %v", kind, w, err)
		}
	}
}

// TestDialogues has a gateway of its own process take a crowd into a form.
func TestDialogues(t *testing.T) {
	b := &bench{quick: true, errs: os.Stderr, dir: t.TempDir()}
	d, err := b.dialogues(t.Context(), 100)
	if err != nil || d.inquiries <= 0 || d.messages <= 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestDeclares has a gateway of its own process take a small file, and reads what is written in each format.
func TestDeclares(t *testing.T) {
	for _, f := range formats() {
		file, err := f.write(goods(20))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := f.read(file); err != nil || n != 21 {
			t.Errorf("%s: %d rows, %v", f.name, n, err)
		}
	}
	b := &bench{quick: true, errs: os.Stderr, dir: t.TempDir()}
	if d, err := b.declare(t.Context(), formats()[1], 20); err != nil || d.took <= 0 || d.alone <= 0 || d.peak <= 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestMain lets the test binary be called again as one of the servers, as the program itself is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == chatsCommand || os.Args[1] == deskCommand || os.Args[1] == townCommand) {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}
