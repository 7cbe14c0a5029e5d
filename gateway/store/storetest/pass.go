package storetest

import (
	"errors"
	"sync/atomic"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

// passes: a link serves once, whoever comes first; a newer one ends those that nobody opened; it goes along when
// contacts merge, and goes when its person is forgotten. One that could not be used is given back.
func passes(b *bench) {
	give := func(from channels.Address, token string) gateway.Outcome {
		o := answer(b.heard(from, "web"))
		o.Draft = &gateway.Draft{ID: "d-" + from.Value, Address: from, Form: service.Draft{Service: "bulky"}, Touched: b.clock.now()}
		o.Passes = []gateway.Pass{{Token: token, Kind: gateway.ToFill, Address: from, Subject: o.Draft.ID, Lang: "fr", Until: b.clock.now().Add(time.Hour)}}
		b.must(b.Commit(b.Context(), o))
		return o
	}
	const first, second = "first-of-sixty-bits", "second-of-sixty-bits"
	give(sms("1"), first)
	o := give(sms("1"), second)
	_, err := b.Pass(b.Context(), first)
	b.is("an older link", err, gateway.ErrNotFound)
	p, err := b.Pass(b.Context(), second)
	b.must(err)
	b.equal("pass", p, gateway.Pass{Kind: gateway.ToFill, Contact: o.Contact.ID, Address: sms("1"), Subject: "d-" + sms("1").Value, Lang: "fr",
		Until: b.clock.now().Add(time.Hour)})
	openedOnce(b, second)
	b.must(b.ReturnPass(b.Context(), second, p.Until))
	openedOnce(b, second)
	b.must(b.ReturnPass(b.Context(), "nobody-was-sent-this", p.Until))
	d, err := b.Drafted(b.Context(), p)
	b.must(err)
	b.equal("form", d.Form.Service, "bulky")
	o = answer(b.heard(sms("1"), "drop"))
	o.DropDraft = true
	b.must(b.Commit(b.Context(), o))
	_, err = b.Drafted(b.Context(), p)
	b.is("a form that is gone", err, gateway.ErrNotFound)
	b.clock.forward(25 * time.Hour)
	_, err = b.Pass(b.Context(), second)
	b.is("an old link", err, gateway.ErrNotFound)
	_, err = b.UsePass(b.Context(), "nobody-was-sent-this", b.clock.now(), b.clock.now().Add(time.Hour))
	b.is("a link that nobody was sent", err, gateway.ErrNotFound)
}

func openedOnce(b *bench, token string) {
	var opened atomic.Int64
	crowd(8, func(int) {
		switch _, err := b.UsePass(b.Context(), token, b.clock.now(), b.clock.now().Add(24*time.Hour)); {
		case err == nil:
			opened.Add(1)
		case !errors.Is(err, gateway.ErrNotFound):
			b.Error(err)
		}
	})
	b.equal("opened", opened.Load(), int64(1))
	p, err := b.Pass(b.Context(), token)
	b.must(err)
	b.equal("used", p.Used, true)
	b.equal("until", p.Until, b.clock.now().Add(24*time.Hour))
}

// passesMove: the link of a contact that is taken over opens its form still, and ends with its person.
func passesMove(b *bench) {
	const token = "one-of-sixty-bits"
	o := answer(b.heard(sms("1"), "web"))
	o.Draft = &gateway.Draft{ID: "d1", Address: sms("1"), Form: service.Draft{Service: "bulky"}, Touched: b.clock.now()}
	o.Passes = []gateway.Pass{{Token: token, Kind: gateway.ToFill, Address: sms("1"), Subject: "d1", Until: b.clock.now().Add(time.Hour)}}
	b.must(b.Commit(b.Context(), o))
	o = answer(b.heard(sms("2"), "link"))
	o.Contact.Reaches = append(o.Contact.Reaches, gateway.Reach{Address: sms("1")})
	b.must(b.Commit(b.Context(), o))
	p, err := b.Pass(b.Context(), token)
	b.must(err)
	b.equal("whose", p.Contact, o.Contact.ID)
	_, err = b.Drafted(b.Context(), p)
	b.must(err)
	o = answer(b.heard(sms("2"), "forget me"))
	o.Forget = true
	b.must(b.Commit(b.Context(), o))
	_, err = b.Pass(b.Context(), token)
	b.is("of a forgotten person", err, gateway.ErrNotFound)
}
