package guard

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/guard/media"
	"gatehouse/exchange/guard/mediatest"
)

// bigPhoto is a photo of three Parts with its place in it, and more bytes behind it than it needs.
func bigPhoto() []byte {
	b := mediatest.Exif(mediatest.JPEG(400, 300), 6, "48.8583 N")
	return append(b, bytes.Repeat([]byte("x"), 2*exchange.PartSize)...)
}

// file puts a rebuilt file together as the office does, from its Parts by number.
func (p *post) file(arrivals []exchange.Arrival) []byte {
	p.Helper()
	parts := map[int][]byte{}
	count := 0
	for _, a := range arrivals {
		if a.Refused != exchange.ReasonNone {
			p.Fatalf("refused for %s", word(a.Refused))
		}
		d, err := exchange.Decode(exchange.KindPart, a.Parcel.Content)
		if err != nil {
			p.Fatal(err)
		}
		part := d.(exchange.Part)
		if b, ok := parts[part.Number]; ok && !bytes.Equal(b, part.Bytes) {
			p.Errorf("part %d came with two contents", part.Number)
		}
		parts[part.Number], count = part.Bytes, part.Count
	}
	var whole []byte
	for n := range count {
		whole = append(whole, parts[n+1]...)
	}
	return whole
}

func TestPhotoIsRebuilt(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	photo := bigPhoto()
	p.cross(caseWith("c1", ref("f1", "photo.jpg", photo)))
	arrived := p.crossParts(partsIn("c1", "f1", photo)...)
	if len(arrived) != 3 {
		t.Fatalf("%d of 3 parts have a verdict", len(arrived))
	}
	whole := p.file(arrived)
	for _, a := range arrived {
		if want := (exchange.Replaced{From: hexSum(photo), To: hexSum(whole), Filter: "picture"}); a.Replaced != want {
			t.Errorf("replaced: %+v, want %+v", a.Replaced, want)
		}
	}
	img, err := jpeg.Decode(bytes.NewReader(whole))
	if err != nil || media.Verify(whole, "jpg") != nil || bytes.Contains(whole, []byte("48.8583")) {
		t.Fatalf("not made anew: %v, %v", err, media.Verify(whole, "jpg"))
	}
	// It said that its left side is up, so what was the upper left is the upper right now.
	if size := img.Bounds().Size(); size.X != 300 || size.Y != 400 {
		t.Errorf("it lies: %v", size)
	}
	if r, _, _, _ := img.At(290, 10).RGBA(); r > 0x4000 {
		t.Error("it was not turned")
	}
	if left := p.custody(); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestPDFIsDrawn(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	letter := mediatest.PDF("", "<</Title(hidden words)>>")
	p.cross(caseWith("c1", ref("f1", "letter.pdf", letter)))
	arrived := p.crossParts(partsIn("c1", "f1", letter)...)
	whole := p.file(arrived)
	if len(arrived) != 1 || arrived[0].Replaced.Filter != "pages" || media.Verify(whole, "pdf") != nil || bytes.Contains(whole, []byte("hidden")) {
		t.Errorf("%d arrived, %+v, %v", len(arrived), arrived[0].Replaced, media.Verify(whole, "pdf"))
	}
}

// TestRebuiltGoesOnceThrough: the link fails at each Part in turn, and the guard is started anew; what arrives is one
// file, and nothing under a number that had another content before.
func TestRebuiltGoesOnceThrough(t *testing.T) {
	photo := bigPhoto()
	for at := range 3 {
		p := newPost(t, exchange.Up, Limits{})
		p.cross(caseWith("c1", ref("f1", "photo.jpg", photo)))
		parts := partsIn("c1", "f1", photo)
		p.crossParts(parts[:2]...)
		sent := 0
		p.guard.o.Out = linkFunc(func(e exchange.Envelope) error {
			if sent == at {
				return errors.New("no space left on device")
			}
			sent++
			p.out = append(p.out, e.Bytes)
			return nil
		})
		last := p.origin.Seal(t, p.parcel(parts[2]))
		for range 2 {
			if err := p.hand(last); err == nil {
				t.Fatal("the link is full, and nobody says so")
			}
		}
		p.reopen()
		p.mustHand(last)
		var all []exchange.Arrival
		for _, b := range p.out[1:] {
			all = append(all, p.keep(b))
		}
		if s := p.guard.Status(); s.Passed != 4 || s.Out.Seq != 4 || s.Held != 0 {
			t.Errorf("at %d: %+v", at, s)
		}
		if h, _ := p.ledger.Heard(t.Context()); h.Contiguous != 4 || h.Last.Seq != 4 {
			t.Errorf("at %d: heard %+v", at, h)
		}
		if whole := p.file(all); media.Verify(whole, "jpg") != nil {
			t.Errorf("at %d: %v", at, media.Verify(whole, "jpg"))
		}
	}
}

type linkFunc func(exchange.Envelope) error

// Send implements exchange.Link.
func (f linkFunc) Send(_ context.Context, e exchange.Envelope) error { return f(e) }

// Receive is not used.
func (f linkFunc) Receive(context.Context, func(context.Context, exchange.Envelope) error) error {
	return nil
}

// TestRebuiltIsNotSealedAnewFromTheOriginal: once the rebuilt bytes are kept no longer, a repeat is refused; the
// original never goes on.
func TestRebuiltIsNotSealedAnewFromTheOriginal(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	photo := mediatest.Exif(mediatest.JPEG(64, 48), 1, "48.8583 N")
	p.cross(caseWith("c1", ref("f1", "photo.jpg", photo)))
	e := p.origin.Seal(t, p.parcel(partsIn("c1", "f1", photo)[0]))
	p.mustHand(e)
	p.now = time.Now().Add(Kept + 2*time.Hour) // past the time of the files on disk
	if err := p.guard.journal.prune(p.now); err != nil {
		t.Fatal(err)
	}
	p.now = noon.Add(Kept + 2*time.Hour)
	p.mustHand(e)
	a, _, err := p.end.Open(p.lane, exchange.Envelope{Bytes: p.out[len(p.out)-1]}, p.now)
	if err != nil || a.Refused != exchange.ReasonFailed || a.Of != "c1" || len(a.Parcel.Content) != 0 {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestHeldEnvelopeIsAReplayWithAnotherContent(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	photo := bigPhoto()
	parts := partsIn("c1", "f1", photo)
	p.cross(caseWith("c1", ref("f1", "photo.jpg", photo)))
	head := p.origin.Head
	e := p.origin.Seal(t, p.parcel(parts[0]))
	p.mustHand(e)
	p.mustHand(e) // its sender has seen no Ack
	p.origin.Head = head
	if err := p.hand(p.origin.Seal(t, p.parcel(caseWith("other")))); !errors.Is(err, exchange.ErrReplay) || !errors.Is(err, exchange.ErrAside) {
		t.Errorf("another content: %v", err)
	}
	if len(p.out) != 1 {
		t.Errorf("%d went on", len(p.out))
	}
}

func TestCustodyIsSealed(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	text := bytes.Repeat([]byte("MARKER;b;c\n"), 60_000)
	p.cross(caseWith("c1", ref("f1", "a.csv", text)))
	p.crossParts(partsIn("c1", "f1", text)[0])
	for _, name := range p.custody() {
		b, err := os.ReadFile(filepath.Join(p.dir, "journal", "held", name))
		if err != nil || bytes.Contains(b, []byte("MARKER")) {
			t.Errorf("%s: holds what came in clear, %v", name, err)
		}
	}
}
