package program

import (
	"context"
	"fmt"
	"net/http"

	"gatehouse/channels"
	"gatehouse/channels/chat"
	"gatehouse/channels/email"
	"gatehouse/channels/sms"
	"gatehouse/channels/web"
	"gatehouse/configs/serve"
	"gatehouse/gateway/portal/counter"
)

// openers is the explicit map of channels: a new one is one block here.
func (c Channels) openers(s channels.Shared) map[string]func() (channels.Channel, error) {
	all := map[string]func() (channels.Channel, error){}
	if c.SMS != nil {
		all["sms"] = func() (channels.Channel, error) { return sms.Open(*c.SMS, s) }
	}
	if c.Email != nil {
		all["email"] = func() (channels.Channel, error) { return email.Open(*c.Email, s) }
	}
	if c.Chat != nil {
		all["chat"] = func() (channels.Channel, error) { return chat.Open(*c.Chat, s) }
	}
	if c.Web != nil {
		all["web"] = func() (channels.Channel, error) { return web.Open(*c.Web, s) }
	}
	return all
}

func (g *house) openChannels(context.Context) error {
	s := channels.Shared{Log: g.Log, Now: g.Now, NewID: g.newID, Lease: g.volatile.Lease, Limiter: g.volatile.Limiter,
		Fanout: g.volatile.Fanout, History: g.store}
	g.channels = map[string]channels.Channel{counter.Name: counter.Channel{Now: g.Now}}
	for name, open := range g.cfg.Channels.withPublic(g.cfg.PublicURL).openers(s) {
		ch, err := open()
		if err != nil {
			return fmt.Errorf("channels.%s: %w", name, err)
		}
		g.channels[name] = ch
	}
	return nil
}

// mount registers everything that the public listener serves.
func (g *house) mount(mux *http.ServeMux) {
	serve.Health(mux, g.ping)
	g.portal.Mount(mux)
	for _, ch := range g.channels {
		if w, ok := ch.(channels.Webhook); ok {
			w.Mount(mux, g.inbox)
		}
	}
}
