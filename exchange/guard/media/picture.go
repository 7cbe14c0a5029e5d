package media

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"gatehouse/exchange"
)

// minSide is the least that a picture is made smaller to, in pixels of its longer side.
const minSide = 600

// rebuildPicture decodes a picture and encodes what it shows: nothing of the file itself goes on, no metadata (place,
// device, time, preview, colour profile), nothing behind its end. The way up that the metadata said is applied first.
// Of an animation the first picture goes on. What was rebuilt is made smaller until it has room.
func rebuildPicture(f *file) (exchange.Reason, error) {
	if !f.picture() {
		return exchange.ReasonNone, nil
	}
	b, err := f.all()
	if err != nil {
		return exchange.ReasonFailed, err
	}
	img, reason := decodePicture(f.kind, b, f.Policy.MaxPixels)
	if reason != exchange.ReasonNone {
		return reason, nil
	}
	made, ok := f.encode(img)
	if !ok {
		return exchange.ReasonSize, nil
	}
	if _, err := f.out.Write(made); err != nil {
		return exchange.ReasonFailed, err
	}
	f.answer = Answer{Check: "picture", Rebuilt: true}
	return exchange.ReasonNone, nil
}

// decodePicture decodes within a bound of pixels that is looked at before anything is allocated.
func decodePicture(k kind, b []byte, most int64) (image.Image, exchange.Reason) {
	config := map[kind]func(io.Reader) (image.Config, error){kindJPEG: jpeg.DecodeConfig, kindPNG: png.DecodeConfig, kindGIF: gif.DecodeConfig}[k]
	decode := map[kind]func(io.Reader) (image.Image, error){kindJPEG: jpeg.Decode, kindPNG: png.Decode, kindGIF: gif.Decode}[k]
	c, err := config(bytes.NewReader(b))
	if err != nil || c.Width < 1 || c.Height < 1 {
		return nil, exchange.ReasonFileKind
	}
	if int64(c.Width) > most || int64(c.Height) > most || int64(c.Width)*int64(c.Height) > most {
		return nil, exchange.ReasonSize
	}
	img, err := decode(bytes.NewReader(b))
	if err != nil {
		return nil, exchange.ReasonFileKind
	}
	if size := img.Bounds().Size(); k == kindGIF && int64(size.X)*int64(size.Y) > most {
		return nil, exchange.ReasonSize
	}
	if k == kindJPEG {
		img = upright(img, orientation(b))
	}
	return img, exchange.ReasonNone
}

// encode gives the picture in its own format with room for it; false: it can't be made small enough.
func (f *file) encode(img image.Image) ([]byte, bool) {
	for _, quality := range []int{88, 75, 60, 60, 60, 60, 60, 60} {
		var out bytes.Buffer
		if f.write(&out, img, quality) == nil && int64(out.Len()) <= f.Room {
			return out.Bytes(), true
		}
		size := img.Bounds().Size()
		if f.kind != kindJPEG || quality == 60 {
			if max(size.X, size.Y)/2 < minSide {
				return nil, false
			}
			img = shrink(img, size.X/2, size.Y/2)
		}
	}
	return nil, false
}

func (f *file) write(w io.Writer, img image.Image, quality int) error {
	switch f.kind {
	case kindJPEG:
		return jpeg.Encode(w, img, &jpeg.Options{Quality: quality})
	case kindGIF:
		return gif.Encode(w, img, nil)
	}
	e := png.Encoder{CompressionLevel: png.BestCompression}
	if img.Bounds().Dx()*img.Bounds().Dy() > 4_000_000 {
		e.CompressionLevel = png.DefaultCompression
	}
	return e.Encode(w, img)
}

// raster gives a picture as plain RGBA that begins at 0,0.
func raster(img image.Image) *image.RGBA {
	b := img.Bounds()
	if r, ok := img.(*image.RGBA); ok && b.Min == (image.Point{}) {
		return r
	}
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(out, out.Bounds(), img, b.Min, draw.Src)
	return out
}

// shrink makes a picture w pixels wide and h high, no more than it is; each pixel is the mean of those it stands for.
func shrink(img image.Image, w, h int) image.Image {
	src := raster(img)
	w, h = max(min(w, src.Rect.Dx()), 1), max(min(h, src.Rect.Dy()), 1)
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		y0, y1 := y*src.Rect.Dy()/h, (y+1)*src.Rect.Dy()/h
		for x := range w {
			mean(out.Pix[y*out.Stride+4*x:], src, x*src.Rect.Dx()/w, (x+1)*src.Rect.Dx()/w, y0, y1)
		}
	}
	return out
}

// mean writes the mean colour of a stretch of src.
func mean(to []uint8, src *image.RGBA, x0, x1, y0, y1 int) {
	var sum [4]int
	for y := y0; y < y1; y++ {
		for i, v := range src.Pix[y*src.Stride+4*x0 : y*src.Stride+4*x1] {
			sum[i%4] += int(v)
		}
	}
	n := (x1 - x0) * (y1 - y0)
	for c := range 4 {
		to[c] = uint8((sum[c] + n/2) / n)
	}
}

// upright turns a picture as its Exif orientation says (CIPA DC-008 §4.6.4.A, values 1 to 8).
func upright(img image.Image, way int) image.Image {
	if way < 2 || way > 8 {
		return img
	}
	src := raster(img)
	w, h := src.Rect.Dx(), src.Rect.Dy()
	ow, oh := w, h
	if way >= 5 {
		ow, oh = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, ow, oh))
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch way {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			copy(out.Pix[ty*out.Stride+4*tx:][:4], src.Pix[y*src.Stride+4*x:])
		}
	}
	return out
}

// gray gives a picture without colours, for pages that need more room than there is.
func gray(img image.Image) *image.Gray {
	src := raster(img)
	out := image.NewGray(src.Rect)
	for y := range src.Rect.Dy() {
		for x := range src.Rect.Dx() {
			p := src.Pix[y*src.Stride+4*x:]
			out.SetGray(x, y, color.Gray{Y: uint8((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)})
		}
	}
	return out
}
