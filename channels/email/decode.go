package email

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding/charmap"
)

// unfold undoes a Content-Transfer-Encoding. What people's programs get wrong is let pass: foreign characters in
// base64, a "=" that escapes nothing. An unknown encoding leaves the bytes as they are.
func unfold(encoding string, r io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return &tolerant{base64.NewDecoder(base64.RawStdEncoding, alphabet{r})}
	case "quoted-printable":
		return &quoted{r: r}
	}
	return r
}

// alphabet lets only base64's own characters through; padding is not needed to decode.
type alphabet struct{ r io.Reader }

func (a alphabet) Read(p []byte) (int, error) {
	for {
		n, err := a.r.Read(p)
		kept := p[:0]
		for _, c := range p[:n] {
			if letterOrDigit(c) || c == '+' || c == '/' {
				kept = append(kept, c)
			}
		}
		if len(kept) > 0 || err != nil {
			return len(kept), err
		}
	}
}

// tolerant ends at a left-over character instead of failing.
type tolerant struct{ r io.Reader }

func (t *tolerant) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	var corrupt base64.CorruptInputError
	if errors.As(err, &corrupt) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// quoted decodes quoted-printable (RFC 2045 §6.7).
type quoted struct {
	r    io.Reader
	raw  []byte // read, not decoded
	done []byte // decoded, not handed out
	err  error
}

func (q *quoted) Read(p []byte) (int, error) {
	for len(q.done) == 0 && q.err == nil {
		var buf [2048]byte
		var n int
		n, q.err = q.r.Read(buf[:])
		q.raw = append(q.raw, buf[:n]...)
		q.decode(q.err != nil)
	}
	n := copy(p, q.done)
	q.done = q.done[n:]
	if n > 0 {
		return n, nil
	}
	return 0, q.err
}

// decode takes from raw what is complete; the last escape may wait for more.
func (q *quoted) decode(last bool) {
	out := q.done[:0]
	for len(q.raw) > 0 {
		i := bytes.IndexByte(q.raw, '=')
		if i < 0 {
			out, q.raw = append(out, q.raw...), q.raw[:0]
			break
		}
		out, q.raw = append(out, q.raw[:i]...), q.raw[i:]
		value, size := escape(q.raw)
		if size == 0 && !last && len(q.raw) < 80 {
			break
		}
		if size == 0 { // not an escape
			value, size = q.raw[:1], 1
		}
		out, q.raw = append(out, value...), q.raw[size:]
	}
	q.done = out
}

// escape reads an escape or a soft line break at the start of b; size 0: neither, or not all of it is here.
func escape(b []byte) (value []byte, size int) {
	rest := bytes.TrimLeft(b[1:], " \t")
	for _, end := range []string{"\r\n", "\n"} {
		if bytes.HasPrefix(rest, []byte(end)) {
			return nil, len(b) - len(rest) + len(end)
		}
	}
	if len(b) < 3 {
		return nil, 0
	}
	high, low := hexDigit(b[1]), hexDigit(b[2])
	if high < 0 || low < 0 {
		return nil, 0
	}
	return []byte{byte(high<<4 | low)}, 3
}

func hexDigit(c byte) int {
	if !letterOrDigit(c) {
		return -1
	}
	return strings.IndexByte("0123456789abcdef", c|0x20)
}

// words turns the bytes of a text part into clean UTF-8 with LF line ends. A wrong or unknown charset does not lose
// the text: what is not UTF-8 then counts as Windows-1252, the usual culprit.
func words(name string, b []byte) string {
	if name != "" && !strings.EqualFold(name, "utf-8") && !strings.EqualFold(name, "us-ascii") {
		if r, err := charset.Reader(name, bytes.NewReader(b)); err == nil {
			if decoded, err := io.ReadAll(r); err == nil {
				b = decoded
			}
		}
	}
	if !utf8.Valid(b) {
		if decoded, err := charmap.Windows1252.NewDecoder().Bytes(b); err == nil {
			b = decoded
		}
	}
	return tidy(string(b))
}

// tidy drops what nobody can see and makes all line ends LF.
func tidy(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i, r := range s {
		switch {
		case r == '\n' && i > 0 && s[i-1] == '\r':
		case r == '\r', r == '\u2028':
			b.WriteByte('\n')
		case r == '\u2029':
			b.WriteString("\n\n")
		case r >= ' ' && r < 0x7f, r == '\n', r == '\t':
			b.WriteByte(byte(r))
		case r != '\uFEFF' && !unicode.IsControl(r): // a broken character comes as U+FFFD
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unseen tells whether r is a control character or one that turns the direction of what follows.
func unseen(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError || r == '\uFEFF'
}
