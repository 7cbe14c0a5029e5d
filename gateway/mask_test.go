package gateway_test

import (
	"strings"
	"testing"

	"gatehouse/channels"
	"gatehouse/gateway"
)

// TestHide masks what has the check digits of a card or an identity number, and leaves what forms ask for.
func TestHide(t *testing.T) {
	s := gateway.NewSecrets()
	for said, want := range map[string][2]string{
		"my card is 4111 1111 1111 1111, ok?":       {"my card is ***1111, ok?", channels.HiddenCard},
		"٤١١١١١١١١١١١١١١١":                          {"***١١١١", channels.HiddenCard},
		"number: 4111-1111-1111-1111\nplace: x":     {"number: ***1111\nplace: x", channels.HiddenCard},
		"身份证 11010519491231002X":                    {"身份证 ***02X", channels.HiddenIdentity},
		"nino QQ 12 34 56 C and AB123456C":          {"nino QQ 12 34 56 C and ***56C", channels.HiddenIdentity},
		"4111 1111 1111 1112":                       {"4111 1111 1111 1112", ""},
		"call +44 7700 900123 or +4915123456786":    {"call +44 7700 900123 or +4915123456786", ""},
		"PL-7K4M-2XQ9-31":                           {"PL-7K4M-2XQ9-31", ""},
		"2026-12-03, 1,3 and 14 Quay St":            {"2026-12-03, 1,3 and 14 Quay St", ""},
		"GB82 WEST 1234 5698 7654 32 for the grant": {"GB82 WEST 1234 5698 7654 32 for the grant", ""},
	} {
		if m := s.Hide(channels.Message{Text: said}); m.Text != want[0] || m.Hidden != want[1] {
			t.Errorf("%q becomes %q (%s), want %q (%s)", said, m.Text, m.Hidden, want[0], want[1])
		}
	}
	if m := s.Hide(channels.Message{Subject: "card 4111111111111111"}); m.Subject != "card ***1111" || m.Hidden != channels.HiddenCard {
		t.Errorf("a subject becomes %q", m.Subject)
	}
}

// TestHiddenIsTold: the person reads it first, on every channel, and in a form the question is put again.
func TestHiddenIsTold(t *testing.T) {
	for _, from := range []channels.Address{phone, bot, tab, inbox} {
		w := newWorld(t)
		m := gateway.NewSecrets().Hide(channels.Message{From: from, To: channels.Address{Channel: from.Channel, Value: "help@portlumen.example"},
			Text: "my card 4111 1111 1111 1111 was charged twice", Trust: channels.CarrierVerified, Lang: "en"})
		if got := w.hear(m); !strings.HasPrefix(got, "We took a card number out of your message") {
			t.Errorf("%s says %q", from.Channel, got)
		}
	}
	w := newWorld(t)
	w.text("BOOK")
	m := gateway.NewSecrets().Hide(channels.Message{From: phone, To: channels.Address{Channel: "sms", Value: "us"}, Text: "14 quay st 4111111111111111", Trust: channels.CarrierVerified})
	if got := w.hear(m); !strings.HasPrefix(got, "We took a card number") || w.draft == nil {
		t.Errorf("in a form: %q", got)
	}
}
