package storetest

import (
	"bytes"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/gateway"
	rows "gatehouse/gateway/forms"
)

// corrections keeps the open rows of a declaration sealed, hands them out with the turns of its sender and to the page of
// its link, and lets them go when they are done and when the person is forgotten.
func corrections(b *bench) {
	mail := channels.Address{Channel: "email", Value: "jo@northdock.example"}
	turn := b.heard(mail, "rows")
	m := b.matter("PL-1", mail)
	m.Rows, m.Correct, m.CorrectBy = 20, 1, b.clock.now().Add(time.Hour).UTC()
	c := gateway.Correction{
		Matter: m.ID, Until: m.CorrectBy, File: "goods.csv", Workbook: "digest", Answers: map[string][]string{"week": {"2026-W47"}}, In: 20, Filed: []int{2, 3}, Kept: []int{3},
		Open: []rows.BadRow{{Number: 7, Cells: map[string]string{"hs": "marker-cell"}, Faults: []rows.CellFault{{Column: "hs", At: 3, Word: "why"}}}},
		Salt: "salt", Seen: map[string][]string{"package": {"digest"}}, Sums: map[string]string{"net": "12"}, Reminded: true,
	}
	o := answer(turn)
	o.Matters, o.Corrections = []gateway.Matter{m}, []gateway.Correction{c}
	o.Passes = []gateway.Pass{{Token: "abcdefghijkl2345", Kind: gateway.ToCorrect, Address: mail, Subject: m.Reference, Until: c.Until}}
	b.must(b.Commit(b.Context(), o))

	turn = b.heard(mail, "again")
	b.equal("handed out", turn.Corrections, []gateway.Correction{c})
	pass, err := b.Pass(b.Context(), "abcdefghijkl2345")
	b.must(err)
	got, held, err := b.Correcting(b.Context(), pass)
	b.must(err)
	b.equal("for the page", []any{got, held.ID}, []any{c, m.ID})
	pass.Contact = "another"
	_, _, err = b.Correcting(b.Context(), pass)
	b.is("the page of another", err, gateway.ErrNotFound)
	for name, raw := range b.place.Raw(b.T) {
		if bytes.Contains(raw, []byte("marker-cell")) {
			b.Errorf("%s holds a cell in clear", name)
		}
	}

	o = answer(turn)
	done := c
	done.Done = true
	o.Corrections = []gateway.Correction{done}
	b.must(b.Commit(b.Context(), o))
	turn = b.heard(mail, "a third time")
	b.equal("left when done", len(turn.Corrections), 0)

	o = answer(turn)
	o.Corrections = []gateway.Correction{c}
	b.must(b.Commit(b.Context(), o))
	turn = b.heard(mail, "forget me")
	b.equal("open again", len(turn.Corrections), 1)
	o = answer(turn)
	o.Forget = true
	o.Conversation = nil
	o.Crossings = []gateway.Crossing{{Document: exchange.Erasure{ID: b.id(), Party: turn.Contact.ID, At: b.clock.now()}}}
	b.must(b.Commit(b.Context(), o))
	pass.Contact = turn.Contact.ID
	_, _, err = b.Correcting(b.Context(), pass)
	b.is("of the forgotten", err, gateway.ErrNotFound)
}
