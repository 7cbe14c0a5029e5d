package telegram

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	_ "image/gif" // the formats that a photo may come in
	"image/jpeg"
	_ "image/png"
)

// Sizes that a photo is kept in, longest side in pixels; and the most pixels that are decoded.
const (
	thumbSide = 320
	photoSide = 1280
	maxPixels = 25_000_000
)

// setPhoto keeps a picture as Telegram does: re-encoded as JPEG, so without its EXIF, in up to two sizes.
func (e *Entry) setPhoto(data []byte) error {
	conf, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return err
	}
	if conf.Width <= 0 || conf.Height <= 0 || conf.Width > maxPixels/conf.Height {
		return errors.New("too many pixels")
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return err
	}
	for _, side := range []int{thumbSide, photoSide} {
		small := shrink(img, side)
		if n := len(e.Message.Photo); n > 0 && e.Message.Photo[n-1].Width == small.Bounds().Dx() {
			break // the picture is no larger than its thumbnail
		}
		var out bytes.Buffer
		if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: 87}); err != nil {
			return err
		}
		e.Message.Photo = append(e.Message.Photo, PhotoSize{
			Width: small.Bounds().Dx(), Height: small.Bounds().Dy(), Size: out.Len(),
		})
		e.Files = append(e.Files, File{Name: "photo.jpg", Type: "image/jpeg", Data: out.Bytes()})
	}
	return nil
}

// shrink averages the pixels of each box, so that a small picture stays readable. It never enlarges.
func shrink(src image.Image, side int) image.Image {
	r := src.Bounds()
	w, h := r.Dx(), r.Dy()
	long := max(w, h)
	if long <= side {
		return src
	}
	dw, dh := max(w*side/long, 1), max(h*side/long, 1)
	all, dst := image.NewRGBA(image.Rect(0, 0, w, h)), image.NewRGBA(image.Rect(0, 0, dw, dh))
	draw.Draw(all, all.Bounds(), src, r.Min, draw.Src)
	for y := range dh {
		for x := range dw {
			dst.SetRGBA(x, y, mean(all, image.Rect(x*w/dw, y*h/dh, (x+1)*w/dw, (y+1)*h/dh)))
		}
	}
	return dst
}

// mean is the colour of a box of at least one pixel.
func mean(src *image.RGBA, box image.Rectangle) color.RGBA {
	var sum [4]int
	for y := box.Min.Y; y < box.Max.Y; y++ {
		line := src.Pix[src.PixOffset(box.Min.X, y):src.PixOffset(box.Max.X, y)]
		for i, v := range line {
			sum[i%4] += int(v)
		}
	}
	n := box.Dx() * box.Dy()
	return color.RGBA{uint8(sum[0] / n), uint8(sum[1] / n), uint8(sum[2] / n), uint8(sum[3] / n)}
}
