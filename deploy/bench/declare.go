package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

const (
	mostRows = 5000
	fewRows  = 5
	// promised is how long a clerk waits for the receipt of the largest file, in ms: "within seconds".
	promised = 10_000
)

// format is one in which clerks send their rows, with the plainest way to read it.
type format struct {
	name, file, reader string
	write              func(rows [][]string) ([]byte, error)
	read               func(file []byte) (rows int, err error)
}

func formats() []format {
	return []format{
		{"XLSX", "goods.xlsx", "excelize reading the file alone", writeBook, readBook},
		{"CSV", "goods.csv", "encoding/csv reading the file alone", writeText, readText},
	}
}

// declareRow is a declaration of 5,000 rows from the end of its mail to the reply with its receipt, and the most memory that a
// gateway of its own process ever held, against one that got five rows.
func declareRow(ctx context.Context, b *bench) ([]line, error) {
	var lines []line
	n := b.of(mostRows, 200)
	for _, f := range formats() {
		took := line{what: fmt.Sprintf("%d rows of %s, end of DATA to reply", n, f.name), unit: "ms", peer: f.reader, aim: aim{most: promised}, byOurs: true}
		held := line{what: fmt.Sprintf("a gateway's most memory, %d rows of %s", n, f.name), unit: "MB", peer: fmt.Sprintf("the same with %d rows", fewRows), aim: aim{most: 2}}
		for range minRounds {
			large, err := b.declare(ctx, f, n)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			small, err := b.declare(ctx, f, fewRows)
			if err != nil {
				return nil, fmt.Errorf("%s, few rows: %w", f.name, err)
			}
			took.rounds = append(took.rounds, round{large.took, large.alone})
			held.rounds = append(held.rounds, round{large.peak, small.peak})
		}
		lines = append(lines, took, held)
	}
	return lines, nil
}

// declared is what one declaration showed: times in ms, memory in MB.
type declared struct{ took, alone, peak float64 }

// declare has a fresh gateway take one file.
func (b *bench) declare(ctx context.Context, f format, n int) (d declared, err error) {
	file, err := f.write(goods(n))
	if err != nil {
		return d, err
	}
	begun := time.Now()
	if got, err := f.read(file); err != nil || got != n+1 {
		return d, fmt.Errorf("%d rows were written, %d read, %w", n, got, err)
	}
	d.alone = millis(time.Since(begun))
	t, err := b.openTown(ctx, 1)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	took, err := t.mail(ctx, clerk(1), "declare+goods@portlumen.example", goodsMail(clerk(1), f.file, file))
	if err != nil {
		return d, err
	}
	if said := t.replied(clerk(1)); !strings.Contains(said, "received and checked") {
		return d, fmt.Errorf("the reply is %q", said[:min(len(said), 300)])
	}
	d.took = millis(took)
	d.peak, err = peak(t.cmd.Process.Pid)
	return d, err
}

// goods are n right rows under their names.
func goods(n int) [][]string {
	all := [][]string{{"company", "week", "package", "hs", "country", "net", "gross", "value", "currency"}}
	for i := range n {
		all = append(all, []string{benchCompany, "2026-W47", "PK" + strconv.Itoa(i), "847130", "BR", "10.5", "12", "150.00", "EUR"})
	}
	return all
}

func writeBook(rows [][]string) ([]byte, error) {
	f := excelize.NewFile()
	defer f.Close()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return nil, err
	}
	for i, r := range rows {
		cells := make([]any, len(r))
		for j, c := range r {
			cells[j] = c
			if v, err := strconv.ParseFloat(c, 64); err == nil && j > 4 && j < 8 {
				cells[j] = v
			}
		}
		if err := w.SetRow("A"+strconv.Itoa(i+1), cells); err != nil {
			return nil, err
		}
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func readBook(file []byte) (int, error) {
	f, err := excelize.OpenReader(bytes.NewReader(file))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	rows, err := f.GetRows("Sheet1")
	return len(rows), err
}

func writeText(rows [][]string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	err := w.WriteAll(rows)
	return b.Bytes(), err
}

func readText(file []byte) (int, error) {
	rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	return len(rows), err
}

// lined is base64 in lines of 76 characters.
func lined(b []byte) []byte {
	var out bytes.Buffer
	for s := base64.StdEncoding.EncodeToString(b); s != ""; {
		n := min(76, len(s))
		out.WriteString(s[:n] + "\r\n")
		s = s[n:]
	}
	return out.Bytes()
}
