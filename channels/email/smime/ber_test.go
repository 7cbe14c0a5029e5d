package smime

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/smallstep/pkcs7"
)

// TestSound lets through what programs write, and nothing that is built to hurt the library behind it.
func TestSound(t *testing.T) {
	der := newAuthority(t, "Trade CA").clerk(t, nil).cms(t)
	deep := bytes.Repeat([]byte{0x30, 0x80}, 100_000)
	for name, c := range map[string]struct {
		b    []byte
		want bool
	}{
		"a signature":             {der, true},
		"with more after it":      {append(bytes.Clone(der), 1, 2, 3), true},
		"endless, in pieces":      {[]byte{0x30, 0x80, 0x24, 0x80, 0x04, 0x01, 'a', 0x04, 0x01, 'b', 0, 0, 0, 0}, true},
		"nothing":                 {nil, false},
		"cut short":               {der[:len(der)-1], false},
		"without its end":         {[]byte{0x30, 0x80, 0x04, 0x00}, false},
		"deep":                    {deep, false},
		"deep, with lengths":      {bytes.Repeat([]byte{0x30, 0x02}, 100_000), false},
		"a child larger than it":  {[]byte{0x30, 0x04, 0x04, 0x05, 0, 0, 0, 0, 0}, false},
		"an endless primitive":    {[]byte{0x04, 0x80, 0, 0}, false},
		"a long tag":              {[]byte{0x1f, 0x81, 0x01, 0x00}, false},
		"a length of five bytes":  {[]byte{0x30, 0x85, 0, 0, 0, 0, 1, 0}, false},
		"a length without end":    {[]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, false},
		"more values than a mail": {append([]byte{0x30, 0x83, 0x04, 0x00, 0x00}, bytes.Repeat([]byte{5, 0}, 1<<17)...), false},
	} {
		if got := sound(c.b); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// allocated is how much do takes from memory altogether, in bytes.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestHostile holds what a signature can make us allocate: a number of times its own length.
func TestHostile(t *testing.T) {
	const size = 1 << 20
	for name, b := range map[string][]byte{
		"deep":     bytes.Repeat([]byte{0x30, 0x80}, size/2),
		"overlap":  append([]byte{0x30, 0x83, 0x0f, 0x00, 0x00}, bytes.Repeat([]byte{0x30, 0x02}, size/2)...),
		"values":   append([]byte{0x30, 0x83, 0x0f, 0xff, 0x00}, bytes.Repeat([]byte{0x05, 0x00}, size/2)...),
		"few deep": append(bytes.Repeat([]byte{0x30, 0x80}, maxNesting-2), append([]byte{0x04, 0x83, 0x0f, 0x00, 0x00}, make([]byte, size)...)...),
	} {
		if n := allocated(func() { _, _ = Content(b) }); n > 128*size {
			t.Errorf("%s: %d bytes took %d", name, len(b), n)
		}
	}
}

func FuzzContent(f *testing.F) {
	f.Add([]byte{0x30, 0x80, 0x24, 0x80, 0x04, 0x01, 'a', 0, 0, 0, 0})
	f.Add([]byte{0x30, 0x03, 0x06, 0x01, 0x2a})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		content, err := Content(b)
		if (err == nil) != (len(content) > 0) || len(content) > len(b) {
			t.Errorf("%d bytes hold %d, %v", len(b), len(content), err)
		}
		if p, err := pkcs7.Parse(b); sound(b) && err == nil && len(p.Content) > 0 && !bytes.Equal(p.Content, content) {
			t.Error("another content was read")
		}
	})
}

// FuzzSplit: what is signed is a part of the mail, as it stands there.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("From: x\r\n\r\n--b1\r\n"+inner+"\r\n--b1\r\nContent-Transfer-Encoding: base64\r\n\r\nMII=\r\n--b1--\r\n"), "b1")
	f.Fuzz(func(t *testing.T, mail []byte, boundary string) {
		signed, der, err := split(mail, boundary)
		if err != nil {
			return
		}
		whole := bytes.ReplaceAll(bytes.ReplaceAll(mail, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
		if !bytes.Contains(whole, signed) || len(der) > maxSignature {
			t.Errorf("%q is not in %q", signed, whole)
		}
	})
}
