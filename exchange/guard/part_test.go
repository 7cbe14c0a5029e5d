package guard

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/exchange"
	"gatehouse/exchange/guard/mediatest"
)

func (p *post) custody() []string {
	p.Helper()
	entries, err := os.ReadDir(filepath.Join(p.dir, "journal", "held"))
	if err != nil {
		p.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestFileInManyParts(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	long := []byte(strings.Repeat("a;b;c\n", 200_000)) // three parts
	short := []byte("short")
	p.wantReason("case", p.cross(caseWith("c1", ref("f1", "rows.csv", long), ref("f2", "p.txt", short))), exchange.ReasonNone)
	parts := partsIn("c1", "f1", long)
	if first := p.crossParts(parts[:2]...); len(first) != 0 {
		t.Fatalf("%d parts went on before their file was whole", len(first))
	}
	p.wantReason("an ack between", p.cross(exchange.Ack{Lane: exchange.Down, Epoch: 1}), exchange.ReasonNone)
	if s := p.guard.Status(); s.Held != 2 || len(p.custody()) != 2 {
		t.Errorf("held %d, %v", s.Held, p.custody())
	}
	p.reopen() // what is held must outlive a restart
	all := append(p.crossParts(parts[2]), p.crossParts(partsIn("c1", "f2", short)...)...)
	if len(all) != 4 {
		t.Fatalf("%d went on", len(all))
	}
	for i, part := range append(parts, partsIn("c1", "f2", short)...) {
		p.wantReason(fmt.Sprint("part ", i+1), all[i], exchange.ReasonNone)
		d, err := exchange.Decode(exchange.KindPart, all[i].Parcel.Content)
		if got, ok := d.(exchange.Part); err != nil || !ok || got.Number != part.Number || !bytes.Equal(got.Bytes, part.Bytes) {
			t.Errorf("part %d went on changed: %v", i+1, err)
		}
	}
	if s := p.guard.Status(); s.Pending != 0 || s.Held != 0 || len(p.custody()) != 0 {
		t.Errorf("left behind: %+v, %v", s, p.custody())
	}
}

func TestRefusedFileTakesItsDocumentWithIt(t *testing.T) {
	long := []byte(strings.Repeat("a;b;c\n", 200_000))
	other := bytes.Clone(long)
	other[len(other)-2] = 'X'
	bad := bytes.Clone(long)
	bad[len(bad)-2] = 0
	macros := mediatest.Sheet("xl/vbaProject.bin", "x")
	for name, c := range map[string]struct {
		announced exchange.FileRef
		parts     []exchange.Part
		want      exchange.Reason
	}{
		"program":             {ref("f1", "a.txt", []byte("MZ\x00")), partsIn("c1", "f1", []byte("MZ\x00")), exchange.ReasonFileKind},
		"macros":              {ref("f1", "a.xlsx", macros), partsIn("c1", "f1", macros), exchange.ReasonActive},
		"another digest":      {ref("f1", "a.csv", long), partsIn("c1", "f1", other), exchange.ReasonSchema},
		"bad in the last":     {ref("f1", "a.csv", bad), partsIn("c1", "f1", bad), exchange.ReasonFileKind},
		"parts out of order":  {ref("f1", "a.csv", long), partsIn("c1", "f1", long)[1:], exchange.ReasonSchema},
		"file not announced":  {ref("f2", "a.csv", long), partsIn("c1", "f1", long), exchange.ReasonSchema},
		"fewer parts claimed": {ref("f1", "a.csv", long), partsIn("c1", "f1", []byte("a;b;c\n")), exchange.ReasonSchema},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, exchange.Up, Limits{})
			p.wantReason("case", p.cross(caseWith("c1", c.announced)), exchange.ReasonNone)
			all := p.crossParts(c.parts...)
			if len(all) != len(c.parts) {
				t.Fatalf("%d of %d have a verdict", len(all), len(c.parts))
			}
			for i, a := range all {
				p.wantReason(fmt.Sprint("part ", i+1), a, c.want)
				if a.Of != "c1" {
					t.Errorf("part %d: falls with it: %q", i+1, a.Of)
				}
			}
			p.reopen()
			p.wantReason("the next case", p.cross(caseWith("c2")), exchange.ReasonNone)
			if len(p.custody()) != 0 {
				t.Errorf("left behind: %v", p.custody())
			}
		})
	}
}

// TestHeldFallWithAnotherFile: two files of a document come side by side; the first to fall takes what is held of the
// other with it.
func TestHeldFallWithAnotherFile(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	long := []byte(strings.Repeat("a;b;c\n", 200_000))
	p.cross(caseWith("c1", ref("f1", "a.csv", long), ref("f2", "b.txt", []byte("\x00"))))
	if all := p.crossParts(partsIn("c1", "f1", long)[:2]...); len(all) != 0 {
		t.Fatalf("%d went on", len(all))
	}
	for i, a := range append(p.crossParts(partsIn("c1", "f2", []byte("\x00"))...), p.crossParts(partsIn("c1", "f1", long)[2])...) {
		p.wantReason(fmt.Sprint(i), a, exchange.ReasonFileKind)
	}
	if s := p.guard.Status(); s.Out.Seq != 5 || s.Pending != 0 || len(p.custody()) != 0 {
		t.Errorf("%+v, %v", s, p.custody())
	}
}

func TestPartsOfARefusedDocument(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	p.wantReason("case", p.cross(caseWith("c1", ref("f", "a.exe", []byte("x")), ref("g", "b.txt", []byte("y")))), exchange.ReasonFileKind)
	a := p.cross(partsIn("c1", "g", []byte("y"))[0])
	p.wantReason("part", a, exchange.ReasonFileKind)
	if a.Of != "" {
		t.Errorf("names a document that never passed: %q", a.Of)
	}
}

// TestNewEpochSendsFilesAnew: an origin that was restored sends again what has no Ack, so the whole of a held file.
func TestNewEpochSendsFilesAnew(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	long := []byte(strings.Repeat("a;b;c\n", 200_000))
	p.cross(caseWith("c1", ref("f1", "a.csv", long)))
	parts := partsIn("c1", "f1", long)
	p.crossParts(parts[:2]...)
	p.origin.Head = exchange.Head{Epoch: 2}
	if first := p.crossParts(parts[0]); len(first) != 0 {
		t.Fatalf("%d went on", len(first))
	}
	p.reopen()
	for i, a := range p.crossParts(parts[1:]...) {
		p.wantReason(fmt.Sprint(i), a, exchange.ReasonNone)
	}
	if s := p.guard.Status(); s.Held != 0 || s.Pending != 0 || s.Passed != 4 || len(p.custody()) != 0 {
		t.Errorf("%+v, %v", s, p.custody())
	}
}
