package email

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"gatehouse/channels"
)

// counted tells how many bytes were read.
type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// TestHostileMailsAreBounded holds what a mail of a megabyte can make us do: what is refused is refused before it was read to
// its end, and what is read takes a bounded number of times its size from memory, all allocations counted.
func TestHostileMailsAreBounded(t *testing.T) {
	const size = 1 << 20
	fill := func(begin, again, end string) string {
		return crlf(begin + strings.Repeat(again, (size-4096)/len(crlf(again))) + end)
	}
	multi := "Content-Type: multipart/mixed; boundary=b\n\n"
	for name, c := range map[string]struct {
		mail    string
		refused error
		reads   int // at most, in bytes; 0: all
	}{
		"header fields":           {fill("", "X: y\n", "\nx\n"), errTangled, 2 * maxHeader},
		"one header field":        {fill("X: ", "y\n ", "\n\nx\n"), errTangled, 2 * maxHeader},
		"encoded words":           {fill("Subject: ", "=?utf-8?q?=C3=A9?=\n ", "\n\nx\n"), errTangled, 2 * maxHeader},
		"addresses":               {fill("From: ", "a@b.example,\n ", "c@d.example\n\nx\n"), errTangled, 2 * maxHeader},
		"parts":                   {fill(multi, "--b\n\nx\n", "--b--\n"), errTangled, 64 << 10},
		"files":                   {fill(multi, "--b\nContent-Type: image/png\n\nx\n", "--b--\n"), errTangled, 64 << 10},
		"parts without a name":    {fill("Content-Type: multipart/mixed; boundary=\"\"\n\n", "--\n", ""), nil, 0},
		"boundaries that are not": {fill(multi, "--bb\n", ""), nil, 0},
		"pages within pages":      {fill("Content-Type: text/html\n\n", "<blockquote>", "x"), nil, 0},
		"tags":                    {fill("Content-Type: text/html\n\n", "<b a=\"x\">y", ""), nil, 0},
		"tags that never end":     {fill("Content-Type: text/html\n\n", "<", ""), nil, 0},
		"entities":                {fill("Content-Type: text/html\n\n", "&lt;", ""), nil, 0},
		"quoted-printable":        {fill("Content-Transfer-Encoding: quoted-printable\n\n", "=", ""), nil, 0},
		"soft line breaks":        {fill("Content-Transfer-Encoding: quoted-printable\n\n", "= \n", ""), nil, 0},
		"base64 of nothing":       {fill("Content-Transfer-Encoding: base64\n\n", "!!!!", ""), nil, 0},
		"quoted lines":            {fill("In-Reply-To: <a@b>\n\n", "x:\n\n", "> y"), nil, 0},
		"copied headers":          {fill("In-Reply-To: <a@b>\n\n", "From: x\n", ""), nil, 0},
		"shifts of a charset":     {fill("Content-Type: text/plain; charset=iso-2022-jp\n\n", "\x1b$B\x1b(B", ""), nil, 0},
	} {
		in := &counted{r: strings.NewReader(c.mail)}
		out := channels.NewSpool(t.TempDir())
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := parse(in, out)
		runtime.ReadMemStats(&after)
		out.Close()
		if err != c.refused {
			t.Errorf("%s: %v", name, err)
		}
		if c.reads > 0 && in.n > c.reads {
			t.Errorf("%s: %d bytes were read before it was refused", name, in.n)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 96*size {
			t.Errorf("%s: %d bytes took %d MiB", name, len(c.mail), took>>20)
		}
	}
}
