package storetest

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/receipt"
	"gatehouse/gateway"
	"gatehouse/gateway/store"
)

// notary is a key for receipts that protects nothing.
func (b *bench) notary() (receipt.Keys, receipt.Signer) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))
	key := receipt.Key{By: receipt.ByGateway, ID: "0909090909090909", From: b.clock.now().Add(-time.Hour), Until: b.clock.now().Add(100 * time.Hour),
		Public: hex.EncodeToString(private.Public().(ed25519.PublicKey))}
	return receipt.Keys{Issuer: "portlumen.example", Keys: []receipt.Key{key}}, func(time.Time) (string, func([]byte) []byte, error) {
		return key.ID, func(m []byte) []byte { return ed25519.Sign(private, m) }, nil
	}
}

// states is what a receipt of m says before its commit.
func (b *bench) states(m gateway.Matter, mark string) receipt.Receipt {
	return receipt.Receipt{Kind: receipt.Received, ID: b.id(), Issuer: "portlumen.example", Case: m.Reference, Service: "DEC-GOODS", Filed: b.clock.now(), FiledLocal: b.clock.now(),
		Files: []receipt.File{{Name: mark, SHA256: strings.Repeat("0f", 32), Size: 1}}}
}

// chain reads the whole chain of a store in small pages, verifies it and every receipt in it that can be read, and gives how
// many there are.
func (b *bench) chain(s *store.Store, keys receipt.Keys) (all []gateway.Receipted) {
	b.Helper()
	var head receipt.Head
	for {
		page, err := s.Chain(b.Context(), head.Number, 3)
		b.must(err)
		if len(page) == 0 {
			return all
		}
		for _, r := range page {
			head, err = head.Follow(r.Link)
			b.must(err)
			if r.Body == nil {
				continue
			}
			x, _, err := keys.Verify(r.Body)
			b.must(err)
			b.equal("what is in clear", r.Link, x.Link(r.Body))
		}
		all = append(all, page...)
	}
}

// receiptsGiven of one gateway: numbered without a gap, signed and sealed in the commit that gives them out, once; what a lost commit
// would have given out never was.
func receiptsGiven(b *bench) {
	keys, sign := b.notary()
	b.must(b.Close())
	b.Store = b.open(store.Config{Receipts: sign})
	turn := b.heard(sms("1"), "hello")
	m := b.matter("PL-1", sms("1"))
	o := answer(turn)
	o.Matters = []gateway.Matter{m}
	first, second := b.states(m, "marker-file"), b.states(m, "marker-file")
	second.Supersedes = first.ID
	o.Receipts = []gateway.Issued{{Matter: m.ID, Receipt: first}, {Matter: m.ID, Receipt: second}}
	d := b.delivery(sms("1"), "filed")
	d.Receipts = []string{second.ID}
	o.Deliveries = []gateway.Delivery{d}
	b.must(b.Commit(b.Context(), o))
	b.is("a second time", b.Commit(b.Context(), o), gateway.ErrLost)
	b.equal("in the chain", len(b.chain(b.Store, keys)), 2)
	b.equal("named by the delivery", b.leaseOne().Receipts, []string{second.ID})
	got, err := b.Receipt(b.Context(), first.ID)
	b.must(err)
	b.equal("its place was taken by", got.Superseded, second.ID)
	x, _, err := keys.Verify(got.Body)
	b.must(err)
	b.equal("number and case", fmt.Sprint(x.Number, " ", x.Case), "1 PL-1")
	_, err = b.Receipt(b.Context(), "nobody's")
	b.is("an unknown id", err, gateway.ErrNotFound)

	turn = b.heard(sms("1"), "again")
	bad := b.states(m, "x")
	bad.Service = ""
	o = answer(turn)
	o.Receipts = []gateway.Issued{{Matter: m.ID, Receipt: b.states(m, "x")}, {Matter: m.ID, Receipt: bad}}
	b.is("what can't be stated", b.Commit(b.Context(), o), receipt.ErrContent)
	o.Receipts = o.Receipts[:1]
	b.must(b.Commit(b.Context(), o))
	b.equal("no gap", len(b.chain(b.Store, keys)), 3)
	for name, raw := range b.place.Raw(b.T) {
		if bytes.Contains(raw, []byte("marker-file")) {
			b.Errorf("%s holds a receipt in clear", name)
		}
	}
}

// receiptsUnsigned: a store without a key gives none out, and loses nothing by it.
func receiptsUnsigned(b *bench) {
	turn := b.heard(sms("1"), "hello")
	m := b.matter("PL-1", sms("1"))
	o := answer(turn)
	o.Matters = []gateway.Matter{m}
	o.Receipts = []gateway.Issued{{Matter: m.ID, Receipt: b.states(m, "x")}}
	if err := b.Commit(b.Context(), o); err == nil || errors.Is(err, gateway.ErrLost) {
		b.Errorf("a receipt without a signature: %v", err)
	}
	o.Receipts = nil
	b.must(b.Commit(b.Context(), o))
}

// receiptsInACrowd: several gateways on one store give out at once, and the chain is one.
func receiptsInACrowd(b *bench) {
	keys, sign := b.notary()
	stores := []*store.Store{b.open(store.Config{Receipts: sign, Owner: "a"}), b.open(store.Config{Receipts: sign, Owner: "b"})}
	const people, each = 8, 3
	for i := range people {
		b.accept(b.message(fmt.Sprint("sms:", i), sms(fmt.Sprint(i)), "hello"))
	}
	var contacts []gateway.Contact
	for _, t := range b.claim(people) {
		contacts = append(contacts, t.Contact)
		b.must(b.Commit(b.Context(), answer(t)))
	}
	b.equal("people", len(contacts), people)
	states := make([][]gateway.Outcome, people)
	for i, c := range contacts {
		for n := range each {
			m := b.matter(fmt.Sprint("PL-", i, "-", n), sms(fmt.Sprint(i)))
			c.Version = 0
			states[i] = append(states[i], gateway.Outcome{Contact: c, Matters: []gateway.Matter{m},
				Receipts: []gateway.Issued{{Matter: m.ID, Receipt: b.states(m, "x")}, {Matter: m.ID, Receipt: b.states(m, "y")}}})
		}
	}
	crowd(people, func(i int) {
		for n, o := range states[i] {
			if err := stores[(i+n)%2].Commit(b.Context(), o); err != nil {
				b.Error(err)
			}
		}
	})
	b.equal("in the chain", len(b.chain(stores[0], keys)), people*each*2)
}

// receiptsOfTheForgotten: the content ends with the person, and the chain still verifies.
func receiptsOfTheForgotten(b *bench) {
	keys, sign := b.notary()
	b.must(b.Close())
	b.Store = b.open(store.Config{Receipts: sign})
	var ids []string
	for i, phone := range []string{"1", "2"} {
		c, m := b.known(sms(phone))
		c.Version = 0
		r := b.states(m, "x")
		ids = append(ids, r.ID)
		b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Matters: []gateway.Matter{m}, Receipts: []gateway.Issued{{Matter: m.ID, Receipt: r}}}))
		b.settle(b.leaseOf(sms(phone)), nil)
		b.equal("in the chain", len(b.chain(b.Store, keys)), i+1)
	}
	b.forgets(sms("1"))
	all := b.chain(b.Store, keys)
	b.equal("what is left of both", fmt.Sprint(len(all), all[0].Body == nil, all[1].Body == nil), "2 true false")
	got, err := b.Receipt(b.Context(), ids[0])
	b.must(err)
	b.equal("its place", fmt.Sprint(got.Number, got.Body == nil), "1 true")
	c, m := b.known(sms("3"))
	c.Version = 0
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: c, Matters: []gateway.Matter{m}, Receipts: []gateway.Issued{{Matter: m.ID, Receipt: b.states(m, "x")}}}))
	b.equal("it goes on", len(b.chain(b.Store, keys)), 3)
}

// receiptsCross: what crosses of a case names the receipts that the same commit gave out, and a receipt of the border's
// refusal names the one before it. One that came signed from inside is kept as it is.
func receiptsCross(b *bench) {
	keys, sign := b.notary()
	b.must(b.Close())
	b.Store = b.open(store.Config{Receipts: sign})
	turn := b.heard(sms("1"), "hello")
	m := b.matter("PL-1", sms("1"))
	o := answer(turn)
	o.Matters = []gateway.Matter{m}
	first := b.states(m, "x")
	o.Receipts = []gateway.Issued{{Matter: m.ID, Receipt: first}}
	o.Crossings = []gateway.Crossing{{Matter: m.ID, Document: exchange.Case{ID: m.ID, Reference: "PL-1", Service: "s", FiledAt: b.clock.now(), Party: "p"}}}
	b.must(b.Commit(b.Context(), o))
	given, err := b.Receipt(b.Context(), first.ID)
	b.must(err)
	waits, err := b.Outgoing().Waiting(b.Context(), 10)
	b.must(err)
	d, err := exchange.Decode(exchange.KindCase, waits[0].Content)
	b.must(err)
	b.equal("stamps", d.(exchange.Case).Receipts, []exchange.Stamp{{ID: first.ID, Number: 1, Digest: given.Digest}})
	head, err := b.ReceiptHead(b.Context())
	b.must(err)
	b.equal("head", head, receipt.Head{Number: 1, Digest: given.Digest})

	contact, m, err := b.Matter(b.Context(), m.ID)
	b.must(err)
	refused, lost := b.states(m, "x"), b.states(m, "x")
	refused.Kind, refused.Reason, refused.Of = receipt.Refused, "virus", &receipt.Of{ID: first.ID}
	lost.Kind, lost.Reason, lost.Of = receipt.Refused, "virus", &receipt.Of{ID: "nobody's"}
	m.Owed = []string{refused.ID}
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: contact, Matters: []gateway.Matter{m},
		Receipts: []gateway.Issued{{Matter: m.ID, Receipt: refused}, {Matter: m.ID, Receipt: lost}}}))
	b.equal("in the chain", len(b.chain(b.Store, keys)), 2)
	got, err := b.Receipt(b.Context(), refused.ID)
	b.must(err)
	x, err := receipt.Parse(got.Body)
	b.must(err)
	b.equal("of", *x.Of, receipt.Of{ID: first.ID, Digest: given.Digest})

	inside := b.states(m, "x")
	inside.Schema, inside.Kind, inside.At, inside.Register, inside.Of = receipt.Schema, receipt.Registered, b.clock.now(), &receipt.Register{At: b.clock.now(), Number: "D-1"}, x.Of
	signed, err := receipt.Sign(inside, sign)
	b.must(err)
	contact, m, err = b.Matter(b.Context(), m.ID)
	b.must(err)
	b.equal("owed", m.Owed, []string{refused.ID})
	b.must(b.Commit(b.Context(), gateway.Outcome{Contact: contact, Matters: []gateway.Matter{m}, Receipts: []gateway.Issued{{Matter: m.ID, Signed: signed}}}))
	b.equal("in the chain", len(b.chain(b.Store, keys)), 2)
	kept, err := b.Receipt(b.Context(), inside.ID)
	b.must(err)
	b.equal("as it came", kept.Body, signed)
	given, err = b.Receipt(b.Context(), first.ID)
	b.must(err)
	b.equal("followed", len(given.Followed), 2)
}
