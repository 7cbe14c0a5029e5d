package deploy

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio's signature
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/smtp"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"gatehouse/deploy/carriers"
)

// said are messages that the gateway acknowledged, each as what says it again.
type said struct {
	mu  sync.Mutex
	all []func() error
	by  map[byte]int // how many by the first letter of their ids: w webhook, m mail, c chat
}

func (s *said) keep(id string, again func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, again)
	s.by[id[0]]++
}

// way is how many were acknowledged on one way in.
func (s *said) way(letter byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.by[letter]
}

func (s *said) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// TestKillUnderLoad floods the gateway by webhook, SMTP and web chat, kills it in the middle, and then says again
// everything that was acknowledged: not one message is new to the store.
func TestKillUnderLoad(t *testing.T) {
	w := newTown(t, townOptions{})
	for round := range 3 {
		acked := &said{by: map[byte]int{}}
		ctx, stop := context.WithCancel(t.Context())
		var senders sync.WaitGroup
		for i := range 4 {
			senders.Go(func() { w.flood(ctx, acked, w.webhook, fmt.Sprintf("w%d-%d", round, i)) })
			senders.Go(func() { w.flood(ctx, acked, w.mail, fmt.Sprintf("m%d-%d", round, i)) })
			senders.Go(func() {
				w.flood(ctx, acked, w.chatLine(fmt.Sprintf("c%d-%d", round, i)), fmt.Sprintf("c%d-%d", round, i))
			})
		}
		w.await("acknowledged messages", func() bool {
			return acked.len() >= 150*(round+1) && acked.way('w') > 0 && acked.way('m') > 0 && acked.way('c') > 0
		})
		w.programs["gateway"].kill()
		stop()
		senders.Wait()
		w.start("gateway")
		w.awaitReady("http://" + w.settings["gateway"] + "/readyz")
		before := w.inbound()
		for _, again := range acked.all {
			// A chat line may still hold the connection that the kill broke: it is made anew at the second try.
			w.await("an acknowledged message said again", func() bool { return again() == nil })
		}
		if after := w.inbound(); after != before {
			t.Errorf("round %d: of %d acknowledged messages %d were lost", round, acked.len(), after-before)
		}
		t.Logf("round %d: %d acknowledged, %d in the store", round, acked.len(), before)
	}
}

// flood says one message after another until ctx ends, and keeps those that were acknowledged.
func (w *town) flood(ctx context.Context, acked *said, say func(id string) error, name string) {
	for n := 0; ctx.Err() == nil; n++ {
		id := fmt.Sprintf("%s-%d", name, n)
		if say(id) == nil {
			acked.keep(id, func() error { return say(id) })
		}
	}
}

// inbound is how many messages the store has.
func (w *town) inbound() int {
	n := 0
	w.await("metrics", func() bool {
		_, err := fmt.Sscan(w.metric(`gatehouse_inbound_messages{state="all"}`), &n)
		return err == nil
	})
	return n
}

// webhook posts one text as Twilio does.
func (w *town) webhook(id string) error {
	to := "http://" + w.settings["gateway"] + "/hooks/sms"
	sid := sha256.Sum256([]byte(id))
	form := url.Values{"MessageSid": {"SM" + hex.EncodeToString(sid[:16])}, "AccountSid": {carriers.DemoAccountSID()}, "From": {"+447700900777"},
		"To": {carriers.DemoNumber}, "Body": {"how do i get rid of an old sofa"}, "NumMedia": {"0"}}
	base := to
	for _, k := range slices.Sorted(maps.Keys(form)) {
		base += k + form.Get(k)
	}
	mac := hmac.New(sha1.New, []byte(carriers.DemoAuthToken))
	mac.Write([]byte(base))
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("webhook: %s", r.Status)
	}
	return nil
}

// mail hands one mail over by SMTP.
func (w *town) mail(id string) error {
	from := id + "@magic-free.example"
	return smtp.SendMail(w.settings["gateway.smtp"], nil, from, []string{"help@portlumen.example"},
		[]byte("From: "+from+"\r\nTo: help@portlumen.example\r\nMessage-ID: <"+id+"@magic-free.example>\r\nSubject: sofa\r\n\r\nhow do i get rid of an old sofa\r\n"))
}

// chatLine says lines in one web session, on a connection of its own that is made anew when it broke.
func (w *town) chatLine(string) func(id string) error {
	var mu sync.Mutex
	var ws *websocket.Conn
	session := ""
	return func(id string) (err error) {
		mu.Lock()
		defer mu.Unlock()
		defer func() {
			if err != nil && ws != nil {
				ws.Close()
				ws = nil
			}
		}()
		if ws == nil {
			var r *http.Response
			if ws, r, err = websocket.DefaultDialer.Dial("ws://"+w.settings["gateway"]+"/chat/ws", nil); err != nil {
				return err
			}
			r.Body.Close()
			if err := ws.WriteJSON(frame{Type: "hello", Session: session}); err != nil {
				return err
			}
		}
		if err := ws.WriteJSON(frame{Type: "message", ID: id, Text: "how do i get rid of an old sofa"}); err != nil {
			return err
		}
		for {
			_ = ws.SetReadDeadline(time.Now().Add(time.Minute))
			var f frame
			if err := ws.ReadJSON(&f); err != nil {
				return err
			}
			switch {
			case f.Type == "welcome":
				session = f.Session
			case f.Type == "ack" && f.ID == id:
				return nil
			case f.Type == "error" && (f.ID == id || f.ID == ""):
				return fmt.Errorf("chat: %s", f.Code)
			}
		}
	}
}
