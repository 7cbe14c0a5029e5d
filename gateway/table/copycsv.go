package table

import (
	"bytes"
	"encoding/csv"
	"strconv"
)

// csv writes a copy with the separator of the file it answers.
func (t Table) csv(lines []line, l Labels) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	if t.Dialect.Comma != 0 {
		w.Comma = t.Dialect.Comma
	}
	if err := w.Write(t.columns(l)); err != nil {
		return nil, err
	}
	for _, line := range lines {
		var record []string
		for _, c := range line.cells {
			record = append(record, c.Text)
		}
		if err := w.Write(append(record, strconv.Itoa(line.of), line.sum)); err != nil {
			return nil, err
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return nil, err
	}
	const mark = "\uFEFF"
	switch t.Dialect.Encoding {
	case "utf-16le":
		return little().NewEncoder().Bytes(append([]byte(mark), b.Bytes()...))
	case "utf-16be":
		return big().NewEncoder().Bytes(append([]byte(mark), b.Bytes()...))
	}
	return append([]byte(mark), b.Bytes()...), nil
}
