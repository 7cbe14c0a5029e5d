package mediatest

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
)

// scene is a picture with something to see: its left upper corner is dark, the rest light.
func scene(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{R: 0xf0, G: uint8(0xc0 + x%16), B: uint8(0xc0 + y%16), A: 0xff}
			if x < w/2 && y < h/2 {
				c = color.RGBA{A: 0xff}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func must(err error) {
	if err != nil {
		panic("mediatest: " + err.Error())
	}
}

// JPEG is a photo of w by h.
func JPEG(w, h int) []byte {
	var b bytes.Buffer
	must(jpeg.Encode(&b, scene(w, h), nil))
	return b.Bytes()
}

// PNG is a picture of w by h.
func PNG(w, h int) []byte {
	var b bytes.Buffer
	must(png.Encode(&b, scene(w, h)))
	return b.Bytes()
}

// GIF is an animation of n pictures.
func GIF(n int) []byte {
	var g gif.GIF
	for range n {
		g.Image = append(g.Image, image.NewPaletted(image.Rect(0, 0, 16, 12), palette.Plan9))
		g.Delay = append(g.Delay, 1)
	}
	var b bytes.Buffer
	must(gif.EncodeAll(&b, &g))
	return b.Bytes()
}

// Exif gives a photo metadata as a telephone writes it: the way up, and where it was taken.
func Exif(photo []byte, way uint16, place string) []byte {
	tiff := []byte("MM\x00*\x00\x00\x00\x08\x00\x02")
	tiff = append(tiff, 0x01, 0x12, 0, 3, 0, 0, 0, 1, byte(way>>8), byte(way), 0, 0)
	tiff = append(tiff, 0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0x26)
	tiff = append(tiff, 0, 0, 0, 0)
	return segment(photo, 0xe1, "Exif\x00\x00"+string(tiff)+place)
}

func segment(photo []byte, marker byte, s string) []byte {
	out := append([]byte{0xff, 0xd8, 0xff, marker, byte((len(s) + 2) >> 8), byte(len(s) + 2)}, s...)
	return append(out, photo[2:]...)
}

// chunk is one of a PNG's.
func chunk(name string, b []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(b)))
	out = append(append(out, name...), b...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// Blank is a picture of w by h whose pixels take four bytes each, and the file little.
func Blank(w, h int) []byte { return blank(uint32(w), uint32(h), (4*w+1)*h, 6) }

// hugePNG says that it is w by h, of one byte a pixel, and packs so many zeros.
func hugePNG(w, h uint32, packed int) []byte { return blank(w, h, packed, 0) }

func blank(w, h uint32, packed int, colour byte) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	var z bytes.Buffer
	zw := zlib.NewWriter(&z)
	_, err := zw.Write(make([]byte, packed))
	must(err)
	must(zw.Close())
	out := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(head, 8, colour, 0, 0, 0))...)
	return append(append(out, chunk("IDAT", z.Bytes())...), chunk("IEND", nil)...)
}

func pictures() []File {
	text := chunk("tEXt", []byte("GPS\x00somewhere"))
	withText := append(append(bytes.Clone(PNG(16, 16)[:33]), text...), PNG(16, 16)[33:]...)
	wide := bytes.Clone(JPEG(16, 16))
	sof := bytes.Index(wide, []byte{0xff, 0xc0})
	copy(wide[sof+5:], []byte{0xff, 0xff, 0xff, 0xff})
	gifHuge := bytes.Clone(GIF(1))
	copy(gifHuge[6:], []byte{0xff, 0xff, 0xff, 0xff})
	return []File{
		{"photo", "jpg", JPEG(640, 480), pass, true, ""},
		{"photo without an ending", "", JPEG(64, 48), pass, true, ""},
		{"photo with its place", "jpg", Exif(JPEG(640, 480), 6, "48.8583 N 2.2945 E"), pass, true, "48.8583"},
		{"photo with a comment", "jpg", segment(JPEG(16, 16), 0xfe, "taken by me"), pass, true, "taken by me"},
		{"photo with a video behind it", "jpg", append(JPEG(16, 16), "\x00\x00\x00\x18ftypmp42"...), pass, true, "ftypmp42"},
		{"photo with a page in its metadata", "jpg", segment(JPEG(16, 16), 0xe1, "<script>alert(1)</script>"), pass, true, "<script"},
		{"picture", "png", PNG(640, 480), pass, true, ""},
		{"picture with a text", "png", withText, pass, true, "somewhere"},
		{"picture with bytes behind it", "png", append(PNG(16, 16), "secret"...), pass, true, "secret"},
		{"gif", "gif", GIF(1), pass, true, ""},
		{"animation", "gif", GIF(5), pass, true, "NETSCAPE"},
		{"photo cut", "jpg", JPEG(640, 480)[:2000], kind, false, ""},
		{"photo's head alone", "jpg", []byte("\xff\xd8\xff\xe0\x00\x10JFIF"), kind, false, ""},
		{"picture cut", "png", PNG(640, 480)[:300], kind, false, ""},
		{"picture of no size", "png", hugePNG(0, 0, 1), kind, false, ""},
		{"photo that says it is huge", "jpg", wide, large, false, ""},
		{"picture that says it is huge", "png", hugePNG(100_000, 100_000, 1000), large, false, ""},
		{"picture of one line that is too long", "png", hugePNG(1<<31-1, 1, 1000), large, false, ""},
		{"picture that unpacks to too much", "png", hugePNG(9000, 9000, 1<<20), large, false, ""},
		{"picture that unpacks past its size", "png", hugePNG(8, 8, 9<<20), kind, false, ""},
		{"gif that says it is huge", "gif", gifHuge, large, false, ""},
		{"gif with a script's beginning", "gif", []byte("GIF89a/*\x00\x00\x00" + strings.Repeat(" ", 20) + "*/=1;alert(1)"), kind, false, ""},
	}
}
