package program

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/receipt"
	"gatehouse/gateway"
	"gatehouse/gateway/store"
	_ "gatehouse/gateway/store/sqlite"
)

// lanes is the receiving end of the down lane over a real store, with one case, and a heart that only notes.
type lanes struct {
	*testing.T
	arrivals *arrivals
	store    *store.Store
	now      time.Time
	last     exchange.Head
	matter   gateway.Matter
	told     []gateway.Tiding
}

func (l *lanes) Notice(t gateway.Tiding, n exchange.Notice) (gateway.Outcome, error) {
	l.told = append(l.told, t)
	o := gateway.Outcome{Contact: t.Contact, Matters: []gateway.Matter{t.Matter}}
	if t.Paper != nil {
		o.Papers = []gateway.Kept{{Matter: t.Matter.ID, File: *t.Paper}}
	}
	return o, nil
}

func (l *lanes) Refused(t gateway.Tiding, _ exchange.Reason) (gateway.Outcome, error) {
	return gateway.Outcome{Contact: t.Contact}, nil
}

func (l *lanes) Registration(gateway.Matter, exchange.Notice, receipt.Keys) ([]byte, error) {
	return nil, nil
}

func (l *lanes) Broadcast(t gateway.Tiding, _ exchange.Broadcast) (gateway.Outcome, error) {
	return gateway.Outcome{Contact: t.Contact}, nil
}

func (l *lanes) Forget(_ time.Time, _ func() string, all gateway.Dossier, f exchange.Forget) gateway.Outcome {
	return gateway.Outcome{Contact: all.Contact, Forget: true, Crossings: []gateway.Crossing{{Document: exchange.Erasure{ID: f.ID, Party: f.Party, At: l.now}}}}
}

func openLanes(t *testing.T) *lanes {
	t.Helper()
	l := &lanes{T: t, now: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)}
	dir := t.TempDir()
	var err error
	l.store, err = store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(dir, "g.db"), KeyFile: filepath.Join(dir, "key"), Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return l.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.store.Close() })
	from := channels.Address{Channel: "sms", Value: "+447700900001"}
	if _, err := l.store.Accept(t.Context(), channels.Message{ID: "sms:1", From: from, To: from, At: l.now, Text: "x"}); err != nil {
		t.Fatal(err)
	}
	turns, err := l.store.Claim(t.Context(), l.now, 1, time.Minute)
	if err != nil || len(turns) != 1 {
		t.Fatal(err, len(turns))
	}
	l.matter = gateway.Matter{ID: "c1", Reference: exchange.NewReference(), Contact: turns[0].Contact.ID, Service: "WST-BULK", Lang: "en", Address: from, FiledAt: l.now}
	if err := l.store.Commit(t.Context(), gateway.Outcome{Claim: turns[0].Claim, Contact: turns[0].Contact, Matters: []gateway.Matter{l.matter}}); err != nil {
		t.Fatal(err)
	}
	l.arrivals = &arrivals{store: l.store, lane: l.store.Incoming(), tell: l, now: func() time.Time { return l.now }, ids: func() string { return exchange.NewID(l.now) },
		bell: newBell(), done: func() {}, pages: func() {}, log: slog.New(slog.DiscardHandler)}
	return l
}

// arrive puts a document into the lane; with a reason, a refusal that takes the document named of with it.
func (l *lanes) arrive(d exchange.Document, refused exchange.Reason, of string) {
	l.Helper()
	seq := l.last.Seq + 1
	head := exchange.Head{Epoch: 1, Seq: seq, Digest: sha256.Sum256([]byte{byte(seq)})}
	a := exchange.Arrival{Head: head, Prev: l.last.Digest, Origin: head, Refused: refused, Of: of, Parcel: exchange.Parcel{ID: fmt.Sprint("p", seq), Created: l.now}}
	if refused == exchange.ReasonNone {
		b, err := exchange.Encode(d)
		if err != nil {
			l.Fatal(err)
		}
		a.Parcel.Kind, a.Parcel.Content = d.Kind(), b
	}
	l.last = head
	if _, err := l.store.Incoming().Keep(l.Context(), a); err != nil {
		l.Fatal(err)
	}
}

// round looks until nothing is handled any more, and gives how many arrivals are left.
func (l *lanes) round() int {
	l.Helper()
	for l.arrivals.round(l.Context()) > 0 {
		continue
	}
	left, err := l.store.Incoming().Next(l.Context(), 100)
	if err != nil {
		l.Fatal(err)
	}
	return len(left)
}

func (l *lanes) notice(id, document string) (exchange.Notice, []exchange.Part) {
	n := exchange.Notice{ID: id, Case: l.matter.ID, State: exchange.Decided, Decision: exchange.Granted, Reason: "Yes.", At: l.now}
	if document == "" {
		return n, nil
	}
	sum := sha256.Sum256([]byte(document))
	n.Document = []exchange.FileRef{{ID: id + ".pdf", Name: "d.pdf", Type: "application/pdf", Size: int64(len(document)), SHA256: hex.EncodeToString(sum[:])}}
	var parts []exchange.Part
	count := (len(document) + exchange.PartSize - 1) / exchange.PartSize
	for i := range count {
		b := []byte(document[i*exchange.PartSize : min(len(document), (i+1)*exchange.PartSize)])
		sum := sha256.Sum256(b)
		parts = append(parts, exchange.Part{File: id + ".pdf", Of: id, Number: i + 1, Count: count, SHA256: hex.EncodeToString(sum[:]), Bytes: b})
	}
	return n, parts
}

// TestNoticeWaitsForItsDocument: the person is told once, when all of it is in; other cases do not wait; then nothing
// is left of the pieces and the document is kept with the case.
func TestNoticeWaitsForItsDocument(t *testing.T) {
	l := openLanes(t)
	document := "%PDF-1.7\n" + strings.Repeat("0123456789", exchange.PartSize/8)
	n, parts := l.notice("n1", document)
	l.arrive(n, 0, "")
	if left := l.round(); left != 1 || len(l.told) != 0 {
		t.Fatalf("without its pieces: %d left, told %d", left, len(l.told))
	}
	l.arrive(parts[0], 0, "")
	plain, _ := l.notice("n2", "")
	l.arrive(plain, 0, "") // of the same case: it comes after
	other := exchange.Publication{ID: "p", Sort: "answer", Name: "a", Lang: "en", Revision: 1, Body: "x", At: l.now}
	l.arrive(other, 0, "")
	if left := l.round(); left != 3 || len(l.told) != 0 {
		t.Fatalf("with one piece: %d left, told %d", left, len(l.told))
	}
	l.arrive(parts[1], 0, "")
	if left := l.round(); left != 0 || len(l.told) != 2 || l.told[0].Paper == nil || l.told[1].Paper != nil {
		t.Fatalf("with all: %d left, told %+v", left, l.told)
	}
	if got := stored(t, l.store, n.Document[0].SHA256); got != document {
		t.Errorf("kept are %d bytes of %d", len(got), len(document))
	}
}

func stored(t *testing.T, s *store.Store, sha string) string {
	t.Helper()
	r, err := s.File(context.Background(), sha)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestNoticeWithoutItsDocument: what did not get through, or is not what was promised, keeps no decision back.
func TestNoticeWithoutItsDocument(t *testing.T) {
	for name, after := range map[string]func(l *lanes, parts []exchange.Part){
		"refused": func(l *lanes, _ []exchange.Part) { l.arrive(nil, exchange.ReasonActive, "n1") },
		"another": func(l *lanes, parts []exchange.Part) {
			parts[0].Bytes[9] ^= 1
			sum := sha256.Sum256(parts[0].Bytes)
			parts[0].SHA256 = hex.EncodeToString(sum[:])
			l.arrive(parts[0], 0, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := openLanes(t)
			n, parts := l.notice("n1", "%PDF-1.7\nthe document")
			l.arrive(n, 0, "")
			after(l, parts)
			if left := l.round(); left != 0 || len(l.told) != 1 || l.told[0].Paper != nil {
				t.Errorf("%d left, told %+v", left, l.told)
			}
		})
	}
	l := openLanes(t)
	_, parts := l.notice("n9", "%PDF-1.7\nof no notice")
	l.arrive(parts[0], 0, "")
	if left := l.round(); left != 0 {
		t.Errorf("a piece of nothing stays: %d", left)
	}
}
