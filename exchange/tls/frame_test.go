package tls

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"gatehouse/exchange"
)

// anyTime sets no deadline.
func anyTime() error { return nil }

func TestFramesAreStrict(t *testing.T) {
	good := frame(bytes.Repeat([]byte{7}, minEnvelope))
	if b, err := readFrame(bytes.NewReader(good), anyTime); err != nil || len(b) != minEnvelope {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	for what, change := range map[string]func(b []byte){
		"magic":     func(b []byte) { b[0] = 'X' },
		"version":   func(b []byte) { b[4] = 2 },
		"zero":      func(b []byte) { b[6] = 1 },
		"too short": func(b []byte) { b[11]-- },
		"too long":  func(b []byte) { b[8], b[9], b[10], b[11] = 0, 0x10, 0, 1 },
		"huge":      func(b []byte) { b[8] = 0xff },
	} {
		b := bytes.Clone(good)
		change(b)
		if _, err := readFrame(bytes.NewReader(b), anyTime); !errors.Is(err, errFrame) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for n := 1; n < len(good); n++ {
		if _, err := readFrame(bytes.NewReader(good[:n]), anyTime); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	if _, err := readFrame(bytes.NewReader(nil), anyTime); !errors.Is(err, io.EOF) {
		t.Errorf("an end between two frames: %v", err)
	}
}

func TestReceiptsAreStrict(t *testing.T) {
	digest := digestOf([]byte("one"))
	for _, a := range []answer{taken, later} {
		good := receipt(digest, a)
		if got, err := parseReceipt(good, digest); got != a || err != nil {
			t.Errorf("%d: %d, %v", a, got, err)
		}
		for i := range good {
			bad := bytes.Clone(good)
			bad[i] ^= 0x40
			if _, err := parseReceipt(bad, digest); err == nil {
				t.Errorf("byte %d may be anything", i)
			}
		}
		if _, err := parseReceipt(good, digestOf([]byte("two"))); err == nil {
			t.Error("the receipt of another envelope counts")
		}
		if _, err := parseReceipt(good[1:], digest); err == nil {
			t.Error("a short receipt counts")
		}
	}
}

// FuzzFrame: whatever comes, no more than a frame is read or held, and what is read is what frame writes.
func FuzzFrame(f *testing.F) {
	f.Add(frame(bytes.Repeat([]byte{1}, minEnvelope)))
	f.Add([]byte(frameMagic))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		got, err := readFrame(r, anyTime)
		if err != nil {
			return
		}
		if len(got) > exchange.MaxEnvelope || !bytes.Equal(frame(got), b[:len(b)-r.Len()]) {
			t.Errorf("%d bytes are read from %x", len(got), b)
		}
	})
}

func FuzzReceipt(f *testing.F) {
	f.Add(receipt(digestOf(nil), taken))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := parseReceipt(b, digestOf(nil)); err == nil && !bytes.Equal(b, receipt(digestOf(nil), a)) {
			t.Errorf("%x counts as %d", b, a)
		}
	})
}
