package media_test

import (
	"bytes"
	"testing"

	"gatehouse/exchange"
	"gatehouse/exchange/guard/media"
	"gatehouse/exchange/guard/mediatest"
)

// small bounds what a fuzzed file may take, so that the fuzzer finds bombs by their time.
func small() media.Policy {
	return media.Policy{PDF: media.Inspect, Archives: media.Rebuild, MaxPixels: 1 << 16, MaxUnpacked: 1 << 20}.WithDefaults()
}

// FuzzJudge: no file makes it fail, and what was rebuilt is of the plain form.
func FuzzJudge(f *testing.F) {
	for _, x := range mediatest.Files() {
		if len(x.Bytes) < 20_000 {
			f.Add(x.Bytes, x.Ext)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, ext string) {
		var out bytes.Buffer
		a := media.Judge(bytes.NewReader(b), int64(len(b)), media.Task{Ext: ext, Room: 1 << 20, Policy: small()}, &out)
		if a.Reason == exchange.ReasonFailed {
			t.Errorf("can't judge: %+v", a)
		}
		if a.Reason == exchange.ReasonNone && a.Rebuilt && media.Verify(out.Bytes(), ext) != nil {
			t.Errorf("rebuilt: %v", media.Verify(out.Bytes(), ext))
		}
		if a.Reason == exchange.ReasonNone && (bytes.HasPrefix(b, []byte("MZ")) || bytes.HasPrefix(b, []byte("#!"))) {
			t.Errorf("passed: %q", b)
		}
	})
}

// FuzzAssemble: pixmaps from a renderer that was taken over.
func FuzzAssemble(f *testing.F) {
	f.Add(pixmaps(2, 4, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		a := media.Assemble(bytes.NewReader(b), media.Task{Room: 1 << 16, Policy: small()}, &out)
		if a.Reason == exchange.ReasonNone && media.Verify(out.Bytes(), "pdf") != nil {
			t.Error(media.Verify(out.Bytes(), "pdf"))
		}
	})
}

// FuzzVerify: bytes from a worker that was taken over.
func FuzzVerify(f *testing.F) {
	for _, x := range mediatest.Files() {
		if x.Rebuilt && len(x.Bytes) < 20_000 {
			f.Add(x.Bytes, x.Ext)
		}
	}
	f.Add(media.Sample(), "pdf")
	f.Fuzz(func(_ *testing.T, b []byte, ext string) { _ = media.Verify(b, ext) })
}
