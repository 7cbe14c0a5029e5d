package web

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
)

func TestContract(t *testing.T) {
	channeltest.Run(t, channeltest.Harness{
		Open:    openContract,
		Secrets: []string{config().Key.Reveal()},
		Can:     channeltest.Abilities{Options: true},
	})
}

// visitor is a person with one open page that shows what arrives, and a second one for each thing said.
type visitor struct {
	url, token string
	mu         sync.Mutex
	sent       []channeltest.Sent
}

func openContract(t *testing.T, e channeltest.Env) channeltest.Rig {
	c := config()
	c.PublicURL = e.PublicURL
	ch, err := Open(c, e.Shared)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{url: "ws" + strings.TrimPrefix(e.PublicURL, "http") + Path}
	frames := func(frames ...string) func(context.Context) {
		return func(ctx context.Context) { v.speak(ctx, frames...) }
	}
	return channeltest.Rig{
		Channel: ch, Own: channels.Address{Channel: Name}, Person: v.arrive,
		Carrier: channeltest.Carrier{
			Deliver: v.deliver,
			Sent: func() []channeltest.Sent {
				v.mu.Lock()
				defer v.mu.Unlock()
				return append([]channeltest.Sent(nil), v.sent...)
			},
			Hostile: map[string]func(context.Context){
				"nonsense":   frames("{", "null", `"x"`, `{"type":1}`),
				"no hello":   frames(`{"type":"message","id":"1","text":"x"}`),
				"bad UTF-8":  frames(`{"type":"hello"}`, "{\"type\":\"message\",\"id\":\"1\",\"text\":\"\xff\"}"),
				"huge frame": frames(`{"type":"hello"}`, `{"type":"message","id":"1","text":"`+strings.Repeat("x", 20000)+`"}`),
				"empty":      frames(`{"type":"hello"}`, `{"type":"message","id":"1","text":""}`, `{"type":"message","id":"","text":"x"}`),
			},
		},
	}
}

func (v *visitor) arrive(t *testing.T) channels.Address {
	b := dial(t, v.url)
	v.token = b.hello("", 0)
	go func() {
		for {
			_, p, err := b.ws.ReadMessage()
			if err != nil {
				return
			}
			v.see(p)
		}
	}()
	id, _, _ := strings.Cut(v.token, ".")
	return channels.Address{Channel: Name, Value: id}
}

func (v *visitor) see(p []byte) {
	var f messageFrame
	if json.Unmarshal(p, &f) != nil || f.Type != "message" {
		return
	}
	id, _, _ := strings.Cut(v.token, ".")
	s := channeltest.Sent{To: id, Text: f.Text}
	for _, o := range f.Options {
		s.Options = append(s.Options, o.Label)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sent = append(v.sent, s)
}

// speak opens a page, sends frames and gives the last answer that is no message; empty when the page was closed.
func (v *visitor) speak(ctx context.Context, frames ...string) (last string) {
	ws, _, err := websocket.DefaultDialer.DialContext(ctx, v.url, nil)
	if err != nil {
		return ""
	}
	defer ws.Close()
	if ws.SetReadDeadline(time.Now().Add(time.Minute)) != nil {
		return ""
	}
	for _, f := range frames {
		if ws.WriteMessage(websocket.TextMessage, []byte(f)) != nil {
			return ""
		}
		for last = ""; last == ""; {
			_, p, err := ws.ReadMessage()
			if err != nil {
				return ""
			}
			if !strings.HasPrefix(string(p), `{"type":"message"`) {
				last = string(p)
			}
		}
	}
	return last
}

func (v *visitor) deliver(ctx context.Context, s channeltest.Said) channeltest.Answer {
	said, err := json.Marshal(map[string]string{"type": "message", "id": s.ID, "text": s.Text})
	if err != nil {
		return channeltest.Refused
	}
	last := v.speak(ctx, `{"type":"hello","session":"`+v.token+`","after":1000}`, string(said))
	switch {
	case strings.HasPrefix(last, `{"type":"ack"`):
		return channeltest.Taken
	case strings.Contains(last, codeBusy), strings.Contains(last, codeSlow), last == "":
		return channeltest.Again
	}
	return channeltest.Refused
}
