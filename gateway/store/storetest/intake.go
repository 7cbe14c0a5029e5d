package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync/atomic"

	"gatehouse/channels"
	"gatehouse/gateway"
	"gatehouse/gateway/store"
)

func acceptOnce(b *bench) {
	m := b.message("sms:SM1", sms("1"), "hello")
	m.Phone, m.Location = &channels.Phone{Number: "+1", Own: true}, &channels.Location{Lat: 1.5, Lon: -2}
	m.Thread = channels.Thread{MessageID: "a@b", References: []string{"c@d"}}
	m.OptOut, m.Robot, m.Lang, m.Subject, m.Reference, m.LeftOut = channels.AskedHelp, true, "fr", "subject", "PL-1", 2
	b.accept(m)
	fresh, err := b.Accept(b.Context(), m)
	b.must(err)
	b.equal("fresh again", fresh, false)
	t := b.claimOne()
	b.equal("phone", *t.Message.Phone, *m.Phone)
	b.equal("location", *t.Message.Location, *m.Location)
	got := t.Message
	got.Phone, got.Location, m.Phone, m.Location = nil, nil, nil, nil
	b.equal("message", got, m)
	b.must(b.Commit(b.Context(), answer(t)))
	fresh, err = b.Accept(b.Context(), m)
	b.must(err)
	b.equal("fresh after the answer", fresh, false)
	b.equal("turns", len(b.claim(10)), 0)
	for _, bad := range []channels.Message{b.message("", sms("1"), "x"), b.message(strings.Repeat("x", 2000), sms("1"), "x"), b.message("sms:2", channels.Address{}, "x")} {
		if _, err := b.Accept(b.Context(), bad); err == nil {
			b.Errorf("accepted %q from %v", bad.ID, bad.From)
		}
	}
}

func acceptCrowd(b *bench) {
	const producers, each = 64, 12
	var fresh atomic.Int64
	crowd(producers, func(p int) {
		for i := range each {
			// Every message comes four times, from four producers at once.
			id := fmt.Sprintf("sms:%d-%d", p/4, i)
			ok, err := b.Accept(context.Background(), b.message(id, sms(fmt.Sprint(p/4)), id))
			if err != nil {
				b.Error(err)
			}
			if ok {
				fresh.Add(1)
			}
		}
	})
	b.equal("fresh", fresh.Load(), producers/4*each)
	b.equal("inbound", b.counts().Inbound, producers/4*each)
	b.equal("contacts", len(b.claim(1000)), producers/4)
}

func oneContact(b *bench) {
	crowd(32, func(i int) { b.accept(b.message(fmt.Sprintf("sms:%d", i), sms("1"), "x")) })
	t := b.claimOne()
	b.equal("others", len(b.claim(10)), 0)
	b.equal("address", t.Contact.Reaches[0].Address, sms("1"))
	b.equal("open", b.counts().InboundOpen, 32)
}

// lump is a file of n bytes that are not all alike.
func lump(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(i*7 + i>>8)
	}
	return out
}

func fileOf(name string, content []byte) channels.File {
	return channels.File{Name: name, Type: "application/octet-stream", Size: -1, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}
}

func shaOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func (b *bench) readFile(f channels.File) []byte {
	b.Helper()
	r, err := f.Open(b.Context())
	b.must(err)
	defer r.Close()
	got, err := io.ReadAll(r)
	b.must(err)
	return got
}

func files(b *bench) {
	sizes := []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 3 * 64 << 10, 300_000}
	m := b.message("sms:1", sms("1"), "see the files")
	for _, n := range sizes {
		m.Files = append(m.Files, fileOf(fmt.Sprint(n), lump(n)))
	}
	pdf := append([]byte("%PDF-1.7\n"), lump(100)...)
	m.Files = append(m.Files, fileOf("x.txt", pdf))
	b.accept(m)
	t := b.claimOne()
	b.equal("files", len(t.Message.Files), len(sizes)+1)
	for i, n := range sizes {
		f, want := t.Message.Files[i], lump(n)
		b.equal("digest", f.SHA256, shaOf(want))
		b.equal("size", f.Size, n)
		for range 2 {
			if !bytes.Equal(b.readFile(f), want) {
				b.Errorf("file of %d bytes came back as another", n)
			}
		}
	}
	b.equal("type by content", t.Message.Files[len(sizes)].Type, "application/pdf")
	_, err := b.File(b.Context(), shaOf([]byte("never stored")))
	b.is("unknown file", err, gateway.ErrNotFound)
}

func brokenFile(b *bench) {
	broken := errors.New("line cut")
	m := b.message("sms:1", sms("1"), "see the file")
	m.Files = []channels.File{fileOf("good", lump(200_000)), {Name: "bad", Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(lump(150_000)), failing{broken})), nil
	}}}
	_, err := b.Accept(b.Context(), m)
	b.is("broken file", err, broken)
	b.equal("inbound", b.counts().Inbound, 0)
	m.Files = m.Files[:1]
	b.accept(m)
	if got := b.readFile(b.claimOne().Message.Files[0]); !bytes.Equal(got, lump(200_000)) {
		b.Error("the file is another after the second try")
	}
	// The same message at once, with its file: one is kept, and its file is whole.
	m.ID = "sms:2"
	crowd(4, func(int) {
		if _, err := b.Accept(context.Background(), m); err != nil {
			b.Error(err)
		}
	})
	b.equal("inbound", b.counts().Inbound, 2)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func badMessage(b *bench) {
	var failed atomic.Int64
	crowd(32, func(i int) {
		m := b.message(fmt.Sprintf("sms:%d", i), sms(fmt.Sprint(i)), "x")
		if i%8 == 3 {
			m.Location = &channels.Location{Lat: math.NaN()} // no form for it
		}
		if _, err := b.Accept(context.Background(), m); err != nil {
			failed.Add(1)
		}
	})
	b.equal("failed", failed.Load(), 4)
	b.equal("inbound", b.counts().Inbound, 28)
	big := b.message("sms:big", sms("1"), strings.Repeat("x", 5<<20))
	_, err := b.Accept(b.Context(), big)
	b.is("too large", err, channels.ErrTooLarge)
}

func busy(b *bench) {
	s := b.open(store.Config{Owner: "busy", Queue: 1, Batch: 1})
	var refused, taken atomic.Int64
	crowd(64, func(p int) {
		for i := range 20 {
			_, err := s.Accept(context.Background(), b.message(fmt.Sprintf("sms:%d-%d", p, i), sms(fmt.Sprint(p)), "x"))
			switch {
			case err == nil:
				taken.Add(1)
			case errors.Is(err, channels.ErrBusy):
				refused.Add(1)
			default:
				b.Error(err)
			}
		}
	})
	if refused.Load() == 0 || taken.Load() == 0 {
		b.Errorf("%d taken, %d refused: want some of both", taken.Load(), refused.Load())
	}
	b.equal("inbound", b.counts().Inbound, taken.Load())
}

func hostile(b *bench) {
	for i, text := range []string{"\x00", "a\x00b", "\xff\xfe", "'; DROP TABLE inbound; --", "$1 ? %s", strings.Repeat("\u202e", 10)} {
		m := b.message(fmt.Sprintf("sms:%d%s", i, text), channels.Address{Channel: "sms", Value: text}, text)
		m.Lang, m.Subject = text, text
		b.accept(m)
	}
	turns := b.claim(100)
	b.equal("turns", len(turns), 6)
	for _, t := range turns {
		o := answer(t)
		o.Contact.Lang = t.Message.Text
		o.Conversation = &gateway.Conversation{Address: t.Message.From, Lines: nil, More: []string{t.Message.Text}}
		o.Deliveries = []gateway.Delivery{b.delivery(t.Message.From, t.Message.Text)}
		b.must(b.Commit(b.Context(), o))
	}
	b.equal("leased", len(b.lease(100)), 6)
}
