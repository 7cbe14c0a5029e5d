package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"

	"gatehouse/channels"
	"gatehouse/gateway"
)

// papers keeps a document with its matter: it goes out with the delivery and stays when that is done; the pieces that
// brought it are handled with it; sealed like all else; and one that is not what its notice says is not stored.
func papers(b *bench) {
	turn := b.heard(sms("1"), "hello")
	m := b.matter("PL-1", sms("1"))
	o := answer(turn)
	o.Matters = []gateway.Matter{m}
	b.must(b.Commit(b.Context(), o))
	for seq := range uint64(4) {
		b.arrive(seq + 1)
	}
	content := append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("marker-paper "), 20_000)...)
	sum := sha256.Sum256(content)
	file := channels.File{Name: "d.pdf", Type: "application/pdf", Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
	contact, m, err := b.Matter(b.Context(), m.ID)
	b.must(err)
	m.Events = append(m.Events, gateway.Event{At: b.clock.now(), Paper: &gateway.Paper{Name: file.Name, Size: file.Size, SHA256: file.SHA256}})
	d := b.delivery(sms("1"), "decided")
	d.Message.Files = []channels.File{file}
	o = gateway.Outcome{Contact: contact, Arrival: 1, Parts: []uint64{2, 3}, Matters: []gateway.Matter{m}, Deliveries: []gateway.Delivery{d},
		Papers: []gateway.Kept{{Matter: m.ID, File: file}}}
	wrong := o
	wrong.Papers = []gateway.Kept{{Matter: m.ID, File: file}}
	wrong.Papers[0].File.SHA256 = strings.Repeat("0", 64)
	if err := b.Commit(b.Context(), wrong); err == nil || errors.Is(err, gateway.ErrLost) {
		b.Errorf("another document was kept: %v", err)
	}
	b.must(b.Commit(b.Context(), o))
	next, err := b.Incoming().Next(b.Context(), 10)
	b.must(err)
	b.equal("left in the lane", len(next), 1)
	l := b.leaseOne()
	r, err := l.Message.Files[0].Open(b.Context())
	b.must(err)
	b.equal("sent", b.read(r), content)
	b.must(b.Settle(b.Context(), []gateway.Settlement{{ID: l.ID, Fence: l.Fence, Receipt: channels.Receipt{State: channels.Delivered}}}))
	_, m, err = b.Matter(b.Context(), m.ID)
	b.must(err)
	r, err = b.File(b.Context(), m.Events[len(m.Events)-1].Paper.SHA256)
	b.must(err)
	b.equal("kept", b.read(r), content)
	for name, raw := range b.place.Raw(b.T) {
		if bytes.Contains(raw, []byte("marker-paper")) {
			b.Errorf("%s holds the document in clear", name)
		}
	}
}

func (b *bench) read(r io.ReadCloser) []byte {
	b.Helper()
	defer func() { _ = r.Close() }()
	all, err := io.ReadAll(r)
	b.must(err)
	return all
}
