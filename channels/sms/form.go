package sms

import (
	"bytes"
	"errors"
	"io"
	"slices"
)

// What a webhook may bring. Twilio's longest, ten media and a full body, stay under 16 KiB.
const (
	maxForm  = 64 << 10
	maxPairs = 256
)

var (
	errFormSize   = errors.New("form is over 64 KiB or 256 fields")
	errFormSyntax = errors.New("form is not URL-encoded")
)

// form is one application/x-www-form-urlencoded body, decoded in place. It is pooled: a value lives until reset.
type form struct {
	raw   []byte
	pairs []pair // sorted by key once parsed; of equal keys the first sent comes first
}

type pair struct{ key, value []byte }

// read takes the whole body, at most maxForm bytes, and parses it by the rules of url.ParseQuery.
func (f *form) read(r io.Reader) error {
	if cap(f.raw) == 0 {
		f.raw = make([]byte, 0, 4<<10)
	}
	f.raw, f.pairs = f.raw[:0], f.pairs[:0]
	for {
		if len(f.raw) > maxForm {
			return errFormSize
		}
		if len(f.raw) == cap(f.raw) {
			f.raw = slices.Grow(f.raw, cap(f.raw))
		}
		n, err := r.Read(f.raw[len(f.raw):cap(f.raw)])
		f.raw = f.raw[:len(f.raw)+n]
		if errors.Is(err, io.EOF) {
			return f.parse()
		}
		if err != nil {
			return err
		}
	}
}

func (f *form) parse() error {
	if len(f.raw) > maxForm {
		return errFormSize
	}
	for rest := f.raw; len(rest) > 0; {
		var field []byte
		field, rest, _ = bytes.Cut(rest, []byte{'&'})
		if len(field) == 0 {
			continue
		}
		if bytes.IndexByte(field, ';') >= 0 {
			return errFormSyntax
		}
		key, value, _ := bytes.Cut(field, []byte{'='})
		key, ok := unescape(key)
		value, valueOK := unescape(value)
		if !ok || !valueOK {
			return errFormSyntax
		}
		if len(f.pairs) == maxPairs {
			return errFormSize
		}
		f.pairs = append(f.pairs, pair{key, value})
	}
	slices.SortStableFunc(f.pairs, func(a, b pair) int { return bytes.Compare(a.key, b.key) })
	return nil
}

// unescape decodes b where it stands.
func unescape(b []byte) ([]byte, bool) {
	n := 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if i+2 >= len(b) {
				return nil, false
			}
			high, low := unhex(b[i+1]), unhex(b[i+2])
			if high < 0 || low < 0 {
				return nil, false
			}
			c = byte(high<<4 | low)
			i += 2
		}
		b[n] = c
		n++
	}
	return b[:n], true
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// get is the first value of key, or "". The string is a copy.
func (f *form) get(key string) string {
	i, found := slices.BinarySearchFunc(f.pairs, key, func(p pair, key string) int { return bytes.Compare(p.key, []byte(key)) })
	if !found {
		return ""
	}
	return string(f.pairs[i].value)
}
