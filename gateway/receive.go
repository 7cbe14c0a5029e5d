package gateway

import (
	"fmt"
	"slices"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/receipt"
)

// Tallied is what the receipt of a declaration states beside its case: what came in and what became of it.
type Tallied struct {
	Rows receipt.Rows
	// Files are those that the person sent, stored; those without a digest are left out.
	Files []channels.File
	// Period is what it is declared for, Party the company's reference; empty: none.
	Period, Party string
	// Supersedes is the id of the receipt whose place this one takes; empty: it is the case's first.
	Supersedes string
}

// receipt gives out a receipt for a case of this turn: it goes with the reply, stands in the case's time line, and is signed
// with the commit. Its id comes back, for the one that takes its place later. Call it after the case's own sentences.
func (k *talk) receipt(m Matter, t Tallied) string {
	r := k.d.receiptFor(m, receipt.Received, k.t.NewID())
	r.Rows, r.Period, r.Party, r.Supersedes = t.Rows.Sound(), receipt.PlainLine(t.Period), receipt.PlainLine(t.Party), t.Supersedes
	for _, f := range usable(t.Files) {
		if len(r.Files) < receipt.MaxFiles {
			r.Files = append(r.Files, receipt.File{Name: receipt.PlainName(f.Name), SHA256: f.SHA256, Size: f.Size})
		}
	}
	k.o.Receipts = append(k.o.Receipts, Issued{Matter: m.ID, Receipt: r})
	k.receipts = append(k.receipts, r.ID)
	k.stamp(m.ID, r.ID)
	if carriesFiles(k.t.Message.From.Channel) {
		k.say("mail.receipt", texts.Args{"url": k.d.receiptURL(r.ID)})
		k.instead(k.text("receipt.page", texts.Args{"url": k.d.receiptURL(r.ID)}))
	} else if k.t.Message.From.Channel == byWeb {
		k.say("receipt.page", texts.Args{"url": k.d.receiptURL(r.ID)})
	}
	return r.ID
}

// stamp puts a receipt to the last event of a case that this turn changes.
func (k *talk) stamp(matter, id string) {
	for _, m := range k.o.Matters {
		if n := len(m.Events); m.ID == matter && n > 0 {
			m.Events[n-1].Receipt = id
		}
	}
}

// receiptFor states what every receipt of a case does.
func (d *Dispatcher) receiptFor(m Matter, kind receipt.Kind, id string) receipt.Receipt {
	filed := m.FiledAt.UTC().Truncate(time.Second)
	return receipt.Receipt{Schema: receipt.Schema, Kind: kind, ID: id, Issuer: d.services.City.Domain, Case: m.Reference, Service: m.Service,
		Filed: filed, FiledLocal: filed.In(d.services.City.Location())}
}

// received is the id of the receipt of what is filed, the newest; empty: none was given out.
func (m Matter) received() string {
	for _, e := range slices.Backward(m.Events) {
		if e.Receipt != "" && !e.Registered && e.State != exchange.Blocked {
			return e.Receipt
		}
	}
	return ""
}

// Registration gives the signed receipt that a notice brings of a registration, verified; nil: it brings none. The error says
// that what it brings is not one of this case, or not signed by the inside.
func (d *Dispatcher) Registration(m Matter, n exchange.Notice, keys receipt.Keys) ([]byte, error) {
	if len(n.Registered) == 0 {
		return nil, nil
	}
	r := n.Registered[0].Receipt(exchange.Facts{Issuer: d.services.City.Domain, Case: m.Reference, Service: m.Service, Filed: m.FiledAt, Zone: d.services.City.Location()})
	b, err := receipt.Written(r)
	if err == nil {
		_, _, err = keys.Verify(b)
	}
	if err != nil {
		return nil, fmt.Errorf("receipt of a registration: %w", err)
	}
	return b, nil
}

func (d *Dispatcher) receiptURL(id string) string { return d.public + "/receipts/" + id }
