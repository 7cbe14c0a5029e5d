package telegram

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"testing"
)

func TestShrink(t *testing.T) {
	src := image.NewGray(image.Rect(5, 5, 645, 325)) // a corner that is not at the origin
	for y := 5; y < 325; y++ {
		for x := 5; x < 645; x++ {
			src.SetGray(x, y, color.Gray{uint8(x % 2 * 200)})
		}
	}
	got := shrink(src, 320)
	if got.Bounds() != image.Rect(0, 0, 320, 160) {
		t.Fatalf("bounds %v", got.Bounds())
	}
	if c := color.GrayModel.Convert(got.At(7, 7)).(color.Gray); c.Y != 100 {
		t.Errorf("the mean of 0 and 200 is %d", c.Y)
	}
	if same := shrink(src, 640); same != image.Image(src) {
		t.Error("a picture that fits was made anew")
	}
	if thin := shrink(image.NewGray(image.Rect(0, 0, 3000, 1)), 320); thin.Bounds() != image.Rect(0, 0, 320, 1) {
		t.Errorf("a line became %v", thin.Bounds())
	}
}

func TestPhotoRefusesTooManyPixels(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	huge := b.Bytes()
	binary.BigEndian.PutUint32(huge[16:], 6000) // IHDR: width, height
	binary.BigEndian.PutUint32(huge[20:], 5000)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	if err := new(Entry).setPhoto(huge); err == nil || err.Error() != "too many pixels" {
		t.Errorf("30 million pixels: %v", err)
	}
}
