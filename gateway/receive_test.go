package gateway_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/receipt"
	"gatehouse/gateway"
)

// declares files a return by mail and gives its matter and what the receipt states.
func (w *world) declares() (gateway.Matter, receipt.Receipt) {
	w.t.Helper()
	w.mail("declare+dec-tour", "October return", "see the file", file("return.csv", "text/csv; charset=utf-8", goodCSV))
	if len(w.last.Receipts) != 1 {
		w.t.Fatalf("%d receipts", len(w.last.Receipts))
	}
	return w.matters[0], w.last.Receipts[0].Receipt
}

// TestReceiptOfADeclaration: it states the case and the file, goes with the reply and stands in the time line.
func TestReceiptOfADeclaration(t *testing.T) {
	w := newWorld(t)
	m, r := w.declares()
	if r.Kind != receipt.Received || r.Case != m.Reference || r.Issuer != "portlumen.example" || r.Service != "DEC-TOUR" || !r.Filed.Equal(m.FiledAt.Truncate(time.Second)) ||
		len(r.Files) != 1 || r.Files[0].Name != "return.csv" || len(r.Files[0].SHA256) != 64 || r.Party != "" {
		t.Errorf("it states %+v", r)
	}
	d := w.last.Deliveries[0]
	if len(d.Receipts) != 1 || d.Receipts[0] != r.ID || w.last.Receipts[0].Matter != m.ID || m.Events[0].Receipt != r.ID ||
		!strings.Contains(d.Message.Text, "/receipts/"+r.ID) {
		t.Errorf("it goes as %+v with %+v", d, m.Events)
	}
	for _, mail := range []string{"test+declare+dec-tour", "help"} {
		w.mail(mail, "October return", "see the file", file("return.csv", "text/csv; charset=utf-8", goodCSV))
		if len(w.last.Receipts) > 0 {
			t.Errorf("%s@ gives a receipt", mail)
		}
	}
}

// TestReceiptOfARefusal follows the first receipt and goes with what tells of it; a case without one gets none.
func TestReceiptOfARefusal(t *testing.T) {
	w := newWorld(t)
	m, first := w.declares()
	o, err := w.d.Refused(w.tiding(m), exchange.ReasonVirus)
	if err != nil || len(o.Receipts) != 1 {
		t.Fatalf("%v, %+v", err, o.Receipts)
	}
	r := o.Receipts[0].Receipt
	if r.Kind != receipt.Refused || r.Reason != "virus" || r.Of == nil || r.Of.ID != first.ID || !r.Filed.Equal(first.Filed) || len(o.Deliveries[0].Receipts) != 1 ||
		o.Deliveries[0].Receipts[0] != r.ID || len(o.Matters[0].Owed) > 0 || o.Matters[0].Events[1].Receipt != r.ID {
		t.Errorf("it states %+v\n%+v", r, o.Deliveries)
	}
	w.mail("help", "no page", "may a heron nest in my bathtub", file("photo.csv", "text/csv", goodCSV))
	if o, err = w.d.Refused(w.tiding(w.matters[len(w.matters)-1]), exchange.ReasonVirus); err != nil || len(o.Receipts) > 0 && o.Matters[0].Service != "DEC-TOUR" {
		t.Errorf("an inquiry's refusal has a receipt: %v, %+v", err, o.Receipts)
	}
}

// TestReceiptOfARegistration is verified, kept, and goes with the next notice by mail; a wrong one is left out.
func TestReceiptOfARegistration(t *testing.T) {
	w := newWorld(t)
	m, first := w.declares()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, ed25519.SeedSize))
	key := receipt.Key{By: receipt.ByOffice, ID: "00ff", From: w.now.Add(-time.Hour), Until: w.now.Add(time.Hour), Public: hex.EncodeToString(private.Public().(ed25519.PublicKey))}
	keys := receipt.Keys{Issuer: "portlumen.example", Keys: []receipt.Key{key}}
	at := w.now.UTC().Truncate(time.Second)
	london, err := time.LoadLocation(mustServices(t).City.Zone)
	if err != nil {
		t.Fatal(err)
	}
	facts := exchange.Facts{Issuer: "portlumen.example", Case: m.Reference, Service: m.Service, Filed: m.FiledAt, Zone: london}
	made, err := exchange.Registration{ID: "R2", Signed: at, Of: first.ID, Digest: strings.Repeat("0b", 32), Number: "D-1", At: at}.Register(facts,
		func(time.Time) (string, func([]byte) []byte, error) {
			return key.ID, func(m []byte) []byte { return ed25519.Sign(private, m) }, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	n := exchange.Notice{ID: "n1", Case: m.ID, Reference: m.Reference, State: exchange.Received, At: w.now, Registered: []exchange.Registration{made}}
	signed, err := w.d.Registration(m, n, keys)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*exchange.Registration, *gateway.Matter){
		"another number": func(r *exchange.Registration, _ *gateway.Matter) { r.Number = "D-2" },
		"another case":   func(_ *exchange.Registration, m *gateway.Matter) { m.Reference = "PL-7K4M-2XQ9-31" },
		"an earlier day": func(_ *exchange.Registration, m *gateway.Matter) { m.FiledAt = m.FiledAt.Add(-24 * time.Hour) },
		"no signature":   func(r *exchange.Registration, _ *gateway.Matter) { r.Signature = "x" },
		"another key":    func(r *exchange.Registration, _ *gateway.Matter) { r.Key = "00fe" },
	} {
		bad, of := n, m
		bad.Registered = []exchange.Registration{made}
		change(&bad.Registered[0], &of)
		if b, err := w.d.Registration(of, bad, keys); err == nil || b != nil {
			t.Errorf("%s is taken: %v", name, err)
		}
	}
	tiding := w.tiding(m)
	tiding.Registered = signed
	o, err := w.d.Notice(tiding, n)
	if err != nil || len(o.Receipts) != 1 || !bytes.Equal(o.Receipts[0].Signed, signed) || len(o.Deliveries) > 0 || len(o.Matters[0].Owed) != 1 {
		t.Fatalf("%v, %+v", err, o)
	}
	w.apply(o)
	w.sent = nil
	w.notice(o.Matters[0], exchange.Notice{State: exchange.Decided, Decision: exchange.Granted, Reason: "All is right."})
	if len(w.sent) != 1 || len(w.sent[0].Receipts) != 1 || w.sent[0].Receipts[0] != "R2" || len(w.last.Matters[0].Owed) > 0 {
		t.Errorf("the next notice brings %+v", w.sent)
	}
	if without, err := w.d.Registration(m, exchange.Notice{}, keys); err != nil || without != nil {
		t.Errorf("a notice without one: %v", err)
	}
}
