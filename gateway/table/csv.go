package table

import "strings"

// commas are what may stand between the cells of a CSV, the likelier first.
const commas = "\t;|,"

// csv reads records as spreadsheets do: a quote opens a cell only at its start, "" within quotes is one, and what
// follows the closing quote belongs to the cell. A record's number is the row that a spreadsheet shows it in.
func (j *job) csv(text string) (Table, error) {
	comma, rest := declared(text)
	if comma == 0 {
		comma = j.comma(rest)
	}
	g := &grid{job: j}
	s := scanner{text: rest, comma: byte(comma)}
	for s.next() {
		cells := make([]Cell, 0, len(s.fields))
		for _, f := range s.fields {
			c, err := j.cell(f, Words, s.record)
			if err != nil {
				return Table{}, err
			}
			cells = append(cells, c)
		}
		if err := g.add(s.record, cells); err != nil {
			return Table{}, err
		}
	}
	if _, ok := g.header(); s.open > 0 && (ok || s.open == 1) {
		return Table{}, &Trouble{Reason: OpenQuote, Row: s.open}
	} else if s.open > 0 {
		return Table{}, trouble(NoHeader, "and a quote that is open: a letter")
	}
	if s.wide {
		return Table{}, &Trouble{Reason: TooWide, Row: s.record, Limit: int64(j.Columns)}
	}
	t, err := g.table(CSV)
	t.Dialect.Comma = comma
	return t, err
}

// declared reads the line "sep=;", which Excel writes and does not show.
func declared(text string) (comma rune, rest string) {
	line, rest, _ := strings.Cut(text, "\n")
	line = strings.Trim(line, "\r\"")
	if len(line) == 5 && strings.EqualFold(line[:4], "sep=") && strings.Contains(commas, line[4:]) {
		return rune(line[4]), rest
	}
	return 0, text
}

// comma finds what stands between the cells: what makes most known words, else what makes most rows of one width.
func (j *job) comma(text string) rune {
	text = text[:min(len(text), 1<<16)]
	best, most := ',', 0
	for _, c := range commas {
		if n := j.score(text, byte(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

func (j *job) score(text string, comma byte) int {
	s := scanner{text: text, comma: comma}
	known, widths := 0, map[int]int{}
	for s.record < titles && s.next() {
		n := 0
		for _, f := range s.fields {
			if j.knows(clean(f)) {
				n++
			}
		}
		known = max(known, n)
		widths[len(s.fields)]++
	}
	same := 0
	for width, n := range widths {
		if width > 1 {
			same = max(same, n*min(width, 20))
		}
	}
	return known*titles*20 + same
}

// widest bounds the cells of one record before they are counted against the limits.
const widest = 1 << 14

// scanner cuts a text into records. It holds no more than one of them.
type scanner struct {
	text   string
	comma  byte
	at     int
	record int      // the number of the record that next read last
	fields []string // of it
	open   int      // the record in which a quote is opened and never closed
	wide   bool     // a record was wider than anything we read
}

// next reads one record; false at the end, or when it cannot be read.
func (s *scanner) next() bool {
	if s.at >= len(s.text) || s.open > 0 || s.wide {
		return false
	}
	s.record++
	s.fields = s.fields[:0]
	for {
		if len(s.fields) >= widest {
			s.wide = true
			return false
		}
		field, ok := s.field()
		if !ok {
			s.open = s.record
			return false
		}
		s.fields = append(s.fields, field)
		if s.at >= len(s.text) {
			return true
		}
		end := s.text[s.at]
		s.at++
		if end == s.comma {
			continue
		}
		if end == '\r' && s.at < len(s.text) && s.text[s.at] == '\n' {
			s.at++
		}
		return true
	}
}

// field reads up to the end of a cell, where a comma, a new line or nothing stands.
func (s *scanner) field() (string, bool) {
	quoted := ""
	if s.at < len(s.text) && s.text[s.at] == '"' {
		s.at++
		var ok bool
		if quoted, ok = s.quote(); !ok {
			return "", false
		}
	}
	start := s.at
	for s.at < len(s.text) && s.text[s.at] != s.comma && s.text[s.at] != '\n' && s.text[s.at] != '\r' {
		s.at++
	}
	return quoted + s.text[start:s.at], true
}

// quote reads what stands in quotes, after the first.
func (s *scanner) quote() (string, bool) {
	start, doubled := s.at, false
	for {
		i := strings.IndexByte(s.text[s.at:], '"')
		if i < 0 {
			return "", false
		}
		s.at += i + 1
		if s.at < len(s.text) && s.text[s.at] == '"' {
			s.at++
			doubled = true
			continue
		}
		in := s.text[start : s.at-1]
		if doubled {
			in = strings.ReplaceAll(in, `""`, `"`)
		}
		return in, true
	}
}
