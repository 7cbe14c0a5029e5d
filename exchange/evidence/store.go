package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gatehouse/exchange"
)

// Reports is the folder of a side's reconciliations: for each day one file for programs and one for people.
type Reports string

// Write keeps the reconciliation of a day, replacing one of the same day.
func (dir Reports) Write(r exchange.Reconciliation) error {
	if _, err := time.Parse(time.DateOnly, r.Day); err != nil {
		return fmt.Errorf("write reconciliation: %q is no day", r.Day)
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = os.MkdirAll(string(dir), 0o750)
	}
	for _, f := range []struct{ name, text string }{{r.Day + ".txt", text(r)}, {r.Day + ".json", string(b) + "\n"}} {
		path := filepath.Join(string(dir), f.name)
		if err == nil {
			err = os.WriteFile(path+".new", []byte(f.text), 0o640)
		}
		if err == nil {
			err = os.Rename(path+".new", path)
		}
	}
	if err != nil {
		return fmt.Errorf("write reconciliation: %w", err)
	}
	return nil
}

// text is a reconciliation as a person reads it.
func text(r exchange.Reconciliation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Journals of %s, compared %s\n", r.Day, r.At.UTC().Format(time.RFC3339))
	for _, l := range r.Lanes {
		fmt.Fprintf(&b, "lane %s: %d envelopes in the other side's log, %d in this one\n", l.Lane, l.Theirs, l.Ours)
	}
	if r.Equal {
		b.WriteString("equal\n")
	}
	for _, d := range r.Differences {
		b.WriteString(d + "\n")
	}
	return b.String()
}

// Latest gives at most n reconciliations, newest first. No folder yet: none.
func (dir Reports) Latest(n int) ([]exchange.Reconciliation, error) {
	entries, err := os.ReadDir(string(dir))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read reconciliations: %w", err)
	}
	var out []exchange.Reconciliation
	for _, e := range slices.Backward(entries) {
		if !strings.HasSuffix(e.Name(), ".json") || len(out) == n {
			continue
		}
		b, err := os.ReadFile(filepath.Join(string(dir), e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read reconciliation: %w", err)
		}
		var r exchange.Reconciliation
		if err := json.Unmarshal(b, &r); err != nil {
			return nil, fmt.Errorf("read reconciliation %s: %w", e.Name(), err)
		}
		out = append(out, r)
	}
	return out, nil
}
