package gateway

import (
	"strings"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/exchange"
)

// Secrets finds what nobody needs to send us: payment cards and identity numbers with right check digits. It is safe
// for concurrent use.
type Secrets struct{ leaks *exchange.Leaks }

// NewSecrets looks for the numbers that the border looks for, but for accounts: some forms ask for one.
func NewSecrets() *Secrets {
	l, err := exchange.NewLeaks(exchange.LeakConfig{Marks: []string{}, Shapes: []exchange.Shape{}, Off: []string{"iban"}})
	if err != nil {
		panic(err) // the configuration is above
	}
	return &Secrets{l}
}

// Hide masks such numbers in the words of a message before it is stored, and notes in it which kind was hidden, so that
// the person is told. A card keeps its last four digits, an identity number its last three.
func (s *Secrets) Hide(m channels.Message) channels.Message {
	var kinds [2]string
	m.Text, kinds[0] = s.hide(m.Text)
	m.Subject, kinds[1] = s.hide(m.Subject)
	for _, k := range kinds {
		if k != "" && m.Hidden != channels.HiddenCard {
			m.Hidden = k
		}
	}
	return m
}

func (s *Secrets) hide(said string) (masked, kind string) {
	if strings.IndexFunc(said, isAnyDigit) < 0 {
		return said, ""
	}
	plain := exchange.Normalize(said)
	var b strings.Builder
	at := 0
	for _, l := range s.leaks.Find(plain, exchange.Own{}) {
		if l.From < at || strings.HasSuffix(plain[:l.From], "+") { // a telephone number
			continue
		}
		kept, found := 3, channels.HiddenIdentity
		if l.Rule == "card" {
			kept, found = 4, channels.HiddenCard
		}
		if kind != channels.HiddenCard {
			kind = found
		}
		number := []rune(plain[l.From:l.To])
		b.WriteString(plain[at:l.From] + "***" + string(number[max(0, len(number)-kept):]))
		at = l.To
	}
	if kind == "" {
		return said, ""
	}
	return b.String() + plain[at:], kind
}

func isAnyDigit(r rune) bool {
	_, ok := text.Digit(r)
	return ok
}

// tellHidden says first that something was taken out of what the person sent.
func (k *talk) tellHidden() {
	var said string
	switch k.t.Message.Hidden {
	case channels.HiddenCard:
		said = k.text("hidden.card", nil)
	case channels.HiddenIdentity:
		said = k.text("hidden.identity", nil)
	default:
		return
	}
	k.parts = append([]string{said}, k.parts...)
}
