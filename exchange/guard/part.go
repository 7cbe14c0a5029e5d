package guard

import (
	"gatehouse/exchange"
	"gatehouse/exchange/guard/media"
)

// A document comes first and its Parts follow, file by file, in order; the lane keeps that order. The document goes on
// when it passes; the far end holds it until all its files are in. A Part that is in its place is held (hold.go), and
// goes on when its whole file was judged. A Part that is refused takes its document with it: the verdict names the
// document, and all its Parts, held or still to come, are refused for the same reason. A Part that no document
// announced is refused.

// judgePart judges Parts on their way up, judgePartDown those on their way down, where a file is a document of our own
// or nothing.
func judgePart(it *Item) (exchange.Reason, error) { return judgePiece(it, media.Beginning) }

func judgePartDown(it *Item) (exchange.Reason, error) {
	return judgePiece(it, func(b []byte, ext string) exchange.Reason {
		if !media.IsPDF(b) {
			return exchange.ReasonFileKind
		}
		return media.Beginning(b, ext)
	})
}

// judgePiece holds a Part against what was announced, and the first against the kinds that may pass.
func judgePiece(it *Item, beginning func([]byte, string) exchange.Reason) (exchange.Reason, error) {
	p, ok := it.Document.(exchange.Part)
	if !ok {
		return exchange.ReasonNone, nil
	}
	d, ok := it.memory.pending[p.Of]
	if !ok {
		return exchange.ReasonSchema, nil
	}
	if d.reason != exchange.ReasonNone {
		return d.reason, nil
	}
	f, ok := d.files[p.File]
	if !ok || p.Number != f.upcoming(it.Head, it.memory.in) || p.Count != partsOf(f.Size) ||
		p.Number == p.Count && int64(p.Number-1)*exchange.PartSize+int64(len(p.Bytes)) != f.Size {
		return exchange.ReasonSchema, nil
	}
	if p.Number == 1 {
		return beginning(p.Bytes, f.Ext), nil
	}
	return exchange.ReasonNone, nil
}
