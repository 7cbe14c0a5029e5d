package storetest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/consent"
	"gatehouse/gateway/store"
)

func keyFile(b *bench) {
	i, err := os.Stat(b.place.KeyFile)
	b.must(err)
	b.equal("mode", i.Mode().Perm(), "-rw-------")
	other := filepath.Join(b.TempDir(), "other.key")
	if _, err := b.tryOpen(store.Config{KeyFile: other, Owner: "x"}); err == nil || !strings.Contains(err.Error(), "missing") {
		b.Errorf("opened without the key file: %v", err)
	}
	if _, err := os.Stat(other); err == nil {
		b.Error("a second key file was made for a store that has one")
	}
	b.must(os.WriteFile(other, []byte("gatehouse-store-key-1:"+strings.Repeat("ab", 32)), 0o600))
	if _, err := b.tryOpen(store.Config{KeyFile: other, Owner: "x"}); err == nil || !strings.Contains(err.Error(), "not the one") {
		b.Errorf("opened with a wrong key file: %v", err)
	}
	var log bytes.Buffer
	b.must(os.Chmod(b.place.KeyFile, 0o644))
	b.open(store.Config{Owner: "x", Log: slog.New(slog.NewTextHandler(&log, nil))})
	if !strings.Contains(log.String(), "0600") {
		b.Errorf("nothing is said of a key file that all can read: %s", log.String())
	}
}

func reopened(b *bench) {
	f := b.file("PL-1", lump(100_000))
	b.must(b.Close())
	b.Store = b.open(store.Config{})
	b.equal("matter", b.tracked("PL-1").Name, f.matter.Name)
	b.equal("parcels", len(b.lane().number()), 2)
	t := b.heard(sms("1"), "still me")
	b.equal("contact", len(t.Matters), 1)
}

// marks are words that must not be found in what the engine keeps.
var marks = []string{"xylophone-body", "zeppelin-answer", "quagmire-file", "kumquat-reply", "vortex-name", "wombat-event", "jackdaw-consent", "ibex-page",
	"narwhal-notice", "ocelot-pending", "puffin@example.org", "15550009999", "session-tapir"}

func sealedAtRest(b *bench) {
	mail, web, phone := channels.Address{Channel: "email", Value: marks[10]}, channels.Address{Channel: "web", Value: marks[12]}, channels.Address{Channel: "sms", Value: "+" + marks[11]}
	for _, from := range []channels.Address{mail, web, phone} {
		m := b.message(from.Channel+":"+from.Value+":1", from, marks[0])
		m.Subject = marks[0]
		file := bytes.Repeat([]byte(marks[2]+" "), 20_000)
		m.Files = []channels.File{fileOf(marks[2], file), fileOf("small", []byte(marks[2]))}
		b.accept(m)
		t := b.claimOne()
		o := answer(t)
		o.Conversation = &gateway.Conversation{Address: from, Pending: gateway.Pending{Text: marks[9], Options: []string{marks[9]}},
			Lines: []exchange.Said{{At: b.clock.now(), Who: "person", Text: marks[0]}}, More: []string{marks[3]}}
		o.Draft = &gateway.Draft{ID: b.id(), Address: from, Form: service.Draft{Service: "s", Answers: map[string][]string{"f": {marks[1]}}}, Files: t.Message.Files}
		matter := b.matter("PL-"+from.Channel, from)
		matter.Name, matter.Subject, matter.Events[0].Text = marks[4], marks[4], marks[5]
		o.Matters = []gateway.Matter{matter}
		d := b.delivery(from, marks[3])
		d.Message.Files = []channels.File{fileOf("receipt", []byte(marks[2]+" receipt"))}
		o.Deliveries = []gateway.Delivery{d}
		o.Crossings = []gateway.Crossing{{Matter: matter.ID, Document: exchange.Case{ID: matter.ID, Reference: "PL-1", Service: "s", Lang: "en", Channel: "sms",
			FiledAt: b.clock.now(), Promise: b.clock.now(), Trust: "carrier", Party: "p", Name: marks[4], Text: marks[0],
			Answers: []exchange.Answer{{Field: "f", Value: marks[1]}}, Files: []exchange.FileRef{{ID: "f1", Name: marks[2], Type: "text/plain", Size: t.Message.Files[0].Size, SHA256: t.Message.Files[0].SHA256}}},
			Files: t.Message.Files[:1], FileIDs: []string{"f1"}}}
		o.Consents = []gateway.Consent{{Address: from, List: "alerts", Act: consent.Granted, Shown: marks[6], Said: marks[6], At: b.clock.now()}}
		b.must(b.Commit(b.Context(), o))
		l := b.leaseOne()
		b.settle(l, func(s *gateway.Settlement) { s.Receipt.CarrierID = from.Value })
	}
	b.must(b.Report(b.Context(), channels.Receipt{CarrierID: marks[10], State: channels.Delivered}))
	b.must(b.Report(b.Context(), channels.Receipt{CarrierID: marks[11], State: channels.Delivered}))
	b.must(b.Publish(b.Context(), exchange.Publication{Sort: "list", Name: "n", Lang: "en", Revision: 1, Body: marks[7]}, 0))
	b.arriveWith(marks[8])
	b.search("while it runs")
	l := b.lane()
	l.ack(uint64(len(l.number())))
	b.search("after the Ack")
	b.must(b.Close())
	b.search("after it was closed")
}

func (b *bench) arriveWith(text string) {
	b.Helper()
	_, err := b.Incoming().Keep(b.Context(), exchange.Arrival{Head: exchange.Head{Epoch: 1, Seq: 1}, Origin: exchange.Head{Epoch: 1, Seq: 1},
		Parcel: exchange.Parcel{ID: "n", Kind: exchange.KindNotice, Content: []byte(text), Created: b.clock.now()}})
	b.must(err)
}

// search looks for the marks in all that the engine keeps: as they are, in hex and in base64 at each offset.
func (b *bench) search(when string) {
	b.Helper()
	size := 0
	for at, content := range b.place.Raw(b.T) {
		size += len(content)
		for _, mark := range marks {
			for _, form := range forms(mark) {
				if bytes.Contains(content, form) {
					b.Errorf("%s: %s holds %q", when, at, form)
				}
			}
		}
		for _, digest := range []string{shaOf(bytes.Repeat([]byte(marks[2]+" "), 20_000)), shaOf([]byte(marks[2]))} {
			raw, _ := hex.DecodeString(digest)
			if bytes.Contains(content, raw) || bytes.Contains(content, []byte(digest)) {
				b.Errorf("%s: %s holds the digest of a file", when, at)
			}
		}
	}
	if size < 100_000 { // the files alone are larger
		b.Errorf("%s: only %d bytes were searched", when, size)
	}
}

func forms(mark string) [][]byte {
	out := [][]byte{[]byte(mark), []byte(hex.EncodeToString([]byte(mark))), []byte(strings.ToUpper(hex.EncodeToString([]byte(mark))))}
	for skip := range 3 {
		whole := []byte(mark)[skip:]
		out = append(out, []byte(base64.RawStdEncoding.EncodeToString(whole[:len(whole)/3*3])))
	}
	return out
}
