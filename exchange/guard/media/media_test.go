package media_test

import (
	"bytes"
	"testing"

	"gatehouse/exchange"
	"gatehouse/exchange/guard/media"
	"gatehouse/exchange/guard/mediatest"
)

func judge(f mediatest.File, p media.Policy) (media.Answer, []byte) {
	var out bytes.Buffer
	a := media.Judge(bytes.NewReader(f.Bytes), int64(len(f.Bytes)), media.Task{Ext: f.Ext, Room: 8 << 20, Policy: p.WithDefaults()}, &out)
	return a, out.Bytes()
}

// TestCorpus judges every file. PDFs are only looked through here; the guard's own test draws
// them.
func TestCorpus(t *testing.T) {
	all := mediatest.Files()
	if len(all) < 60 {
		t.Fatalf("only %d files", len(all))
	}
	for _, f := range all {
		a, made := judge(f, mediatest.Policy())
		if a.Pages {
			if f.Name == "pdf without pages" {
				continue // its renderer finds out
			}
			a.Rebuilt = true
		}
		if a.Reason != f.Want || a.Rebuilt != f.Rebuilt {
			t.Errorf("%s: %+v, want %d, rebuilt %v", f.Name, a, f.Want, f.Rebuilt)
		}
		if f.Gone != "" && (!bytes.Contains(f.Bytes, []byte(f.Gone)) || bytes.Contains(made, []byte(f.Gone))) {
			t.Errorf("%s: %q is not gone, or was never there", f.Name, f.Gone)
		}
		if len(made) > 0 && media.Verify(made, f.Ext) != nil {
			t.Errorf("%s: %v", f.Name, media.Verify(made, f.Ext))
		}
		if a.Reason != exchange.ReasonNone && a.Check == "" {
			t.Errorf("%s: refused by no check", f.Name)
		}
	}
}
