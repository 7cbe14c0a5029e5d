package media_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"gatehouse/exchange"
	"gatehouse/exchange/guard/media"
	"gatehouse/exchange/guard/mediatest"
)

func TestPolicyRefusesKinds(t *testing.T) {
	for _, c := range []struct {
		p media.Policy
		f mediatest.File
	}{
		{media.Policy{Pictures: media.Refuse}, mediatest.File{Ext: "jpg", Bytes: mediatest.JPEG(8, 8)}},
		{media.Policy{PDF: media.Refuse}, mediatest.File{Ext: "pdf", Bytes: mediatest.PDF("")}},
		{media.Policy{Office: media.Refuse}, mediatest.File{Ext: "xlsx", Bytes: mediatest.Sheet()}},
	} {
		if a, _ := judge(c.f, c.p); a.Reason != exchange.ReasonFileKind {
			t.Errorf("%+v: %+v", c.p, a)
		}
		if a, _ := judge(c.f, media.Policy{}); a.Reason != exchange.ReasonNone {
			t.Errorf("%s: %+v", c.f.Ext, a)
		}
	}
}

func TestPolicyInspectsPDF(t *testing.T) {
	p := media.Policy{PDF: media.Inspect, MaxUnpacked: 8 << 20}
	for _, f := range mediatest.Files() {
		if f.Ext != "pdf" || f.Name == "pdf without pages" {
			continue
		}
		if a, made := judge(f, p); a.Reason != f.Want || a.Pages || len(made) > 0 {
			t.Errorf("%s: %+v", f.Name, a)
		}
	}
}

func TestPolicyPassesFormulas(t *testing.T) {
	f := mediatest.File{Ext: "csv", Bytes: []byte("a;=1+1\n")}
	if a, _ := judge(f, media.Policy{Formulas: media.Pass}); a.Reason != exchange.ReasonNone {
		t.Errorf("%+v", a)
	}
}

// TestPolicyRebuildsArchives: what is in a good one is judged and rebuilt one by one; the hostile ones stay out.
func TestPolicyRebuildsArchives(t *testing.T) {
	p := media.Policy{Archives: media.Rebuild, PDF: media.Inspect, MaxUnpacked: 8 << 20}
	good := mediatest.Zip("a.txt", "hello", "in/photo.jpg", string(mediatest.Exif(mediatest.JPEG(32, 24), 1, "48.8583 N")), "b.pdf", string(mediatest.PDF("")))
	a, made := judge(mediatest.File{Ext: "zip", Bytes: good}, p)
	if a.Reason != exchange.ReasonNone || !a.Rebuilt || media.Verify(made, "zip") != nil || bytes.Contains(made, []byte("48.8583")) {
		t.Fatalf("%+v, %v", a, media.Verify(made, "zip"))
	}
	z, err := zip.NewReader(bytes.NewReader(made), int64(len(made)))
	if err != nil || len(z.File) != 3 || z.File[1].Name != "in/photo.jpg" {
		t.Fatalf("%v, %d files", err, len(z.File))
	}
	r, err := z.File[1].Open()
	if err != nil {
		t.Fatal(err)
	}
	photo, err := io.ReadAll(r)
	if err != nil || media.Verify(photo, "jpg") != nil {
		t.Errorf("the photo in it: %v, %v", err, media.Verify(photo, "jpg"))
	}
	for name, want := range map[string]exchange.Reason{"PDF that acts": exchange.ReasonActive, "program": exchange.ReasonFileKind, "archive": exchange.ReasonArchive} {
		within := map[string][]string{
			"PDF that acts": {"a.pdf", string(mediatest.PDF("/AA<<>>"))}, "program": {"a.txt", "MZ\x00"}, "archive": {"a.zip", string(good)}}[name]
		if a, made := judge(mediatest.File{Ext: "zip", Bytes: mediatest.Zip(within...)}, p); a.Reason != want {
			t.Errorf("%s within: %+v, %d bytes", name, a, len(made))
		}
	}
	for _, f := range mediatest.Files() {
		if f.Ext != "zip" || f.Name == "archive with eicar" {
			continue
		}
		if a, _ := judge(f, p); a.Reason == exchange.ReasonNone {
			t.Errorf("%s: passes", f.Name)
		}
	}
}

func TestPictureIsMadeSmallerUntilItHasRoom(t *testing.T) {
	photo := mediatest.JPEG(2400, 1800)
	var out bytes.Buffer
	a := media.Judge(bytes.NewReader(photo), int64(len(photo)), media.Task{Ext: "jpg", Room: 40_000, Policy: media.Policy{}.WithDefaults()}, &out)
	if a.Reason != exchange.ReasonNone || out.Len() > 40_000 || out.Len() == 0 {
		t.Errorf("%+v, %d bytes", a, out.Len())
	}
	a = media.Judge(bytes.NewReader(photo), int64(len(photo)), media.Task{Ext: "jpg", Room: 100, Policy: media.Policy{}.WithDefaults()}, &out)
	if a.Reason != exchange.ReasonSize {
		t.Errorf("without room: %+v", a)
	}
}

// pixmaps are n pages as pdftoppm draws them, with a pattern that packs badly.
func pixmaps(n, w, h int) []byte {
	var b bytes.Buffer
	x := uint32(1)
	for range n {
		fmt.Fprintf(&b, "P6\n%d %d\n255\n", w, h)
		for range w * h {
			x = x*1664525 + 1013904223
			b.Write([]byte{byte(x >> 24), byte(x >> 16), byte(x >> 8)})
		}
	}
	return b.Bytes()
}

func TestPagesAreOfTheBestLevelThatHasRoom(t *testing.T) {
	p := media.Policy{MaxPages: 3}.WithDefaults()
	sizes := []int{}
	for _, room := range []int64{1 << 20, 60_000, 30_000} {
		var out bytes.Buffer
		a := media.Assemble(bytes.NewReader(pixmaps(3, 200, 150)), media.Task{Room: room, Policy: p}, &out)
		if a.Reason != exchange.ReasonNone || !a.Rebuilt || int64(out.Len()) > room || media.Verify(out.Bytes(), "pdf") != nil {
			t.Fatalf("room %d: %+v, %d bytes, %v", room, a, out.Len(), media.Verify(out.Bytes(), "pdf"))
		}
		sizes = append(sizes, out.Len())
	}
	if sizes[0] <= sizes[1] || sizes[1] <= sizes[2] {
		t.Errorf("sizes: %v", sizes)
	}
	for name, c := range map[string]struct {
		in   []byte
		room int64
		want exchange.Reason
	}{
		"no room":     {pixmaps(3, 200, 150), 1000, exchange.ReasonPages},
		"many pages":  {pixmaps(4, 20, 10), 1 << 20, exchange.ReasonPages},
		"no page":     {nil, 1 << 20, exchange.ReasonFileKind},
		"cut":         {pixmaps(1, 20, 10)[:100], 1 << 20, exchange.ReasonFileKind},
		"huge":        {[]byte("P6\n100000 100000\n255\n"), 1 << 20, exchange.ReasonFileKind},
		"no pixmap":   {[]byte("P5\n1 1\n255\nx"), 1 << 20, exchange.ReasonFileKind},
		"long header": {[]byte("P6\n" + strings.Repeat("1", 1000)), 1 << 20, exchange.ReasonFileKind},
	} {
		var out bytes.Buffer
		if a := media.Assemble(bytes.NewReader(c.in), media.Task{Room: c.room, Policy: p}, &out); a.Reason != c.want || out.Len() > 0 {
			t.Errorf("%s: %+v, %d bytes", name, a, out.Len())
		}
	}
}

// TestVerifyRefuses: what the encoders never write does not pass, one change at a time.
func TestVerifyRefuses(t *testing.T) {
	rebuilt := func(ext string, b []byte) []byte {
		_, made := judge(mediatest.File{Ext: ext, Bytes: b}, media.Policy{})
		if media.Verify(made, ext) != nil {
			t.Fatalf("%s: %v", ext, media.Verify(made, ext))
		}
		return made
	}
	jpg, png, gif := rebuilt("jpg", mediatest.JPEG(16, 16)), rebuilt("png", mediatest.PNG(16, 16)), rebuilt("gif", mediatest.GIF(1))
	var pdf bytes.Buffer
	media.Assemble(bytes.NewReader(pixmaps(1, 20, 10)), media.Task{Room: 1 << 20, Policy: media.Policy{}.WithDefaults()}, &pdf)
	for name, c := range map[string]struct {
		ext string
		b   []byte
	}{
		"another name":         {"png", jpg},
		"photo with a tail":    {"jpg", append(bytes.Clone(jpg), 0)},
		"photo cut":            {"jpg", jpg[:len(jpg)-1]},
		"photo with metadata":  {"jpg", mediatest.Exif(jpg, 1, "x")},
		"picture with a tail":  {"png", append(bytes.Clone(png), 0)},
		"picture with a text":  {"png", bytes.Replace(png, []byte("IDAT"), []byte("tEXt"), 1)},
		"picture cut":          {"png", png[:len(png)-1]},
		"gif with a tail":      {"gif", append(bytes.Clone(gif), 0)},
		"animation":            {"gif", mediatest.GIF(2)},
		"pdf from elsewhere":   {"pdf", mediatest.PDF("")},
		"pdf with a tail":      {"pdf", append(bytes.Clone(pdf.Bytes()), '\n')},
		"pdf with an action":   {"pdf", bytes.Replace(pdf.Bytes(), []byte("/Pages 2 0 R"), []byte("/Pages 2 0 R/AA<<>>"), 1)},
		"pdf with another use": {"pdf", bytes.Replace(pdf.Bytes(), []byte("DCTDecode"), []byte("JPXDecode"), 1)},
		"text":                 {"txt", []byte("hello")},
		"nothing":              {"", nil},
	} {
		if media.Verify(c.b, c.ext) == nil {
			t.Errorf("%s: passes", name)
		}
	}
}

func TestPolicyFaults(t *testing.T) {
	if err := (media.Policy{}).Validate(); err != nil {
		t.Error(err)
	}
	err := media.Policy{Pictures: "x", PDF: "x", Office: "x", Archives: "x", Formulas: "x", MaxPixels: -1, MaxPages: -1, MaxEntries: -1, MaxUnpacked: -1, MaxRatio: -1}.Validate()
	for _, key := range []string{"pictures", "pdf", "office", "archives", "formulas", "max_pixels", "max_pages", "max_entries", "max_unpacked", "max_ratio"} {
		if err == nil || !strings.Contains(err.Error(), key+": ") {
			t.Errorf("%s is not named: %v", key, err)
		}
	}
}
