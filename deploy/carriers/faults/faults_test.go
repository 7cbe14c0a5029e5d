package faults_test

import (
	"testing"
	"time"

	"gatehouse/deploy/carriers/faults"
)

func kinds(b *faults.Book, n int, c faults.Carrier, m faults.Moment, address, message string) []faults.Kind {
	var out []faults.Kind
	for range n {
		out = append(out, b.Strike(c, m, address, message).Kind)
	}
	return out
}

func TestMagicStrikesByMessage(t *testing.T) {
	b := faults.NewBook()
	for _, message := range []string{"one", "two"} {
		got := kinds(b, 3, faults.SMS, faults.Handover, "+447700900900", message)
		if got[0] != faults.Throttled || got[1] != faults.Throttled || got[2] != "" {
			t.Errorf("%s: %v", message, got)
		}
	}
	if f := b.Strike(faults.SMS, faults.Receipt, "+447700900900", "one"); f != (faults.Fault{}) {
		t.Errorf("strikes at the wrong moment: %v", f)
	}
}

func TestMagicKind(t *testing.T) {
	tests := []struct {
		carrier faults.Carrier
		address string
		want    faults.Kind
	}{
		{faults.SMS, "+447700900901", faults.Invalid},
		{faults.SMS, "+447700900100", ""},
		{faults.Chat, "900909", faults.Stopped},
		{faults.Chat, "900902", ""},
		{faults.Mail, "Bounce+42@Magic.example", faults.Unreachable},
		{faults.Mail, "bounce@portlumen.example", ""},
		{faults.Mail, "@magic.example", ""},
		{"", "900909", ""},
	}
	for _, tt := range tests {
		if got := faults.MagicKind(tt.carrier, tt.address); got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.carrier, tt.address, got, tt.want)
		}
	}
}

// Each spell must be reachable by at least one carrier and have a moment, and no two may share an address.
func TestMagicIsSound(t *testing.T) {
	digits := map[string]bool{}
	for _, s := range faults.Magic() {
		if s.Kind.Moment() == "" || digits[s.Digits] || s.SMS == "" || (s.Mail != "") != (s.Word != "") {
			t.Errorf("spell %+v", s)
		}
		digits[s.Digits] = true
	}
}

func TestRulesRunOut(t *testing.T) {
	b := faults.NewBook()
	must := func(r faults.Rule) {
		t.Helper()
		if err := b.Set(r); err != nil {
			t.Fatal(err)
		}
	}
	must(faults.Rule{Carrier: faults.SMS, Kind: faults.Slow, After: faults.Delay(time.Minute)})
	must(faults.Rule{Carrier: faults.SMS, Address: "+447700900100", Kind: faults.Lost, Times: 2})
	got := kinds(b, 3, faults.SMS, faults.Handover, "+447700900100", "x")
	if got[0] != faults.Lost || got[1] != faults.Lost || got[2] != faults.Slow {
		t.Errorf("struck %v", got)
	}
	if f := b.Strike(faults.SMS, faults.Handover, "+447700900200", "x"); f.After != time.Minute {
		t.Errorf("a rule for all: %v", f)
	}
	if len(b.Rules()) != 1 {
		t.Errorf("rules left: %v", b.Rules())
	}
	b.Clear()
	if f := b.Strike(faults.SMS, faults.Handover, "+447700900200", "x"); f.Kind != "" {
		t.Errorf("after clearing: %v", f)
	}
}

func TestRuleValidate(t *testing.T) {
	for name, r := range map[string]faults.Rule{
		"carrier": {Kind: faults.Slow},
		"kind":    {Carrier: faults.SMS, Kind: "odd"},
		"times":   {Carrier: faults.SMS, Kind: faults.Slow, Times: -1},
		"after":   {Carrier: faults.SMS, Kind: faults.Slow, After: faults.Delay(time.Hour)},
	} {
		if err := faults.NewBook().Set(r); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
