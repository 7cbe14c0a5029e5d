package channels

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// exif is a first directory that says the way up, and a place behind it.
func exif(way byte) []byte {
	return append([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"), append([]byte{way, 0, 0, 0, 0, 0, 0}, "GPS 38.5N 28.6W"...)...)
}

func segment(marker byte, body []byte) []byte {
	n := len(body) + 2
	return append([]byte{0xff, marker, byte(n >> 8), byte(n)}, body...)
}

func drawn() image.Image {
	m := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := range m.Pix {
		m.Pix[i] = byte(i * 7)
	}
	m.Set(1, 1, color.White)
	return m
}

func photo(t testing.TB) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, drawn(), nil); err != nil {
		t.Fatal(err)
	}
	full := append([]byte{0xff, 0xd8}, segment(0xe1, exif(6))...)
	full = append(full, segment(0xe1, []byte("http://ns.adobe.com/xap/1.0/\x00GPS"))...)
	full = append(full, segment(0xed, []byte("Photoshop 3.0\x00GPS"))...)
	full = append(full, segment(0xfe, []byte("GPS comment"))...)
	return append(append(full, b.Bytes()[2:]...), "a film with GPS behind the picture"...)
}

func chunk(kind, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(append(b, kind...), body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

func drawing(t testing.TB) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, drawn()); err != nil {
		t.Fatal(err)
	}
	head := b.Bytes()[:33] // the signature and IHDR
	full := append(bytes.Clone(head), chunk("eXIf", "GPS")...)
	full = append(full, chunk("iTXt", "GPS")...)
	return append(append(full, b.Bytes()[33:]...), "GPS behind"...)
}

func webp() []byte {
	part := func(kind, body string) string {
		return kind + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body + strings.Repeat("\x00", len(body)&1)
	}
	body := "WEBP" + part("VP8X", "\x0c\x00\x00\x00\x3f\x00\x00\x2f\x00\x00") + part("VP8 ", "the picture") + part("EXIF", "GPS place") + part("XMP ", "GPS")
	return []byte("RIFF" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body + "GPS behind")
}

func bared(t testing.TB, b []byte) []byte {
	t.Helper()
	f := Bare(File{Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(iotest.HalfReader(bytes.NewReader(b))), nil
	}})
	r, err := f.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPicturesAreBare: nothing that says where it was taken stays, and the picture is the same, the same way up.
func TestPicturesAreBare(t *testing.T) {
	for name, whole := range map[string][]byte{"jpeg": photo(t), "png": drawing(t), "webp": webp()} {
		out := bared(t, whole)
		if bytes.Contains(out, []byte("GPS")) || len(out) == 0 || len(out) >= len(whole) {
			t.Errorf("%s keeps what it must not: %d of %d bytes", name, len(out), len(whole))
		}
		if again := bared(t, out); !bytes.Equal(again, out) {
			t.Errorf("%s changes once more", name)
		}
		if name == "webp" {
			if int(binary.LittleEndian.Uint32(out[4:]))+8 != len(out) || out[20] != 0 || !bytes.Contains(out, []byte("the picture")) {
				t.Errorf("webp is broken: %q", out)
			}
			continue
		}
		before, _, err1 := image.Decode(bytes.NewReader(whole))
		after, _, err2 := image.Decode(bytes.NewReader(out))
		if err1 != nil || err2 != nil || before.At(5, 5) != after.At(5, 5) || before.Bounds() != after.Bounds() {
			t.Errorf("%s is another picture: %v %v", name, err1, err2)
		}
	}
	if got := bared(t, photo(t)); !bytes.Contains(got, exif(6)[:31]) {
		t.Error("which way is up is lost")
	}
	for _, other := range []string{"", "%PDF-1.7 GPS", "\xff", "RIFF----WAVEGPS", strings.Repeat("GPS", 100_000)} {
		if string(bared(t, []byte(other))) != other {
			t.Errorf("%.10q is changed", other)
		}
	}
}

// FuzzBare: no bytes make it panic, grow, or differ the second time.
func FuzzBare(f *testing.F) {
	f.Add(photo(f))
	f.Add(drawing(f))
	f.Add(webp())
	f.Fuzz(func(t *testing.T, b []byte) {
		out := bared(t, b)
		if len(out) > len(b)+64 {
			t.Fatalf("%d bytes became %d", len(b), len(out))
		}
	})
}
