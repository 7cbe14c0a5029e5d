package chat

import (
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
	"gatehouse/configs/secret"
)

func shared() channels.Shared { return channeltest.NewShared(slog.New(slog.DiscardHandler), time.Now) }

func offline(t testing.TB) *Channel {
	c, err := Open(Config{Token: secret.New(testToken)}, shared())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func photo(id string, w, h int) map[string]any {
	return map[string]any{"file_id": id, "file_unique_id": id, "width": w, "height": h, "file_size": w * h}
}

func press(more map[string]any) json.RawMessage {
	q := map[string]any{"id": "q1", "from": from(), "data": "2", "message": map[string]any{"message_id": 5, "date": 0, "chat": private()}}
	for key, v := range more {
		if v == nil {
			delete(q, key)
			continue
		}
		q[key] = v
	}
	raw, _ := json.Marshal(map[string]any{"update_id": 7, "callback_query": q})
	return raw
}

func TestRead(t *testing.T) {
	c := offline(t)
	contact := func(user int) map[string]any {
		return map[string]any{"contact": map[string]any{"phone_number": "44 7700-900123", "first_name": "Ana", "user_id": user}}
	}
	for name, s := range map[string]struct {
		raw  json.RawMessage
		want string // what describe says; "" for nothing
	}{
		"text":           {update(7, map[string]any{"text": "bonjour"}), "bonjour"},
		"start":          {update(7, map[string]any{"text": "/start PL-1"}), "/start PL-1"},
		"sticker":        {update(7, map[string]any{"sticker": map[string]any{"emoji": "👍"}}), "👍"},
		"own contact":    {update(7, contact(person)), "+447700900123 own"},
		"other contact":  {update(7, contact(5)), "+447700900123"},
		"nobody's":       {update(7, contact(0)), "+447700900123"},
		"location":       {update(7, map[string]any{"location": map[string]any{"latitude": 50.5, "longitude": -4.25}}), "50.5,-4.25"},
		"photo":          {update(7, map[string]any{"caption": "hole", "photo": []any{photo("s", 90, 60), photo("l", 1280, 960), photo("m", 320, 240)}}), "hole photo.jpg image/jpeg 1228800"},
		"document":       {update(7, map[string]any{"document": map[string]any{"file_id": "d", "file_name": "a.csv", "mime_type": "text/csv", "file_size": 10}}), "a.csv text/csv 10"},
		"bare document":  {update(7, map[string]any{"document": map[string]any{"file_id": "d"}}), "file application/octet-stream -1"},
		"voice":          {update(7, map[string]any{"voice": map[string]any{"file_id": "v", "mime_type": "audio/ogg"}}), "voice.ogg audio/ogg -1"},
		"video":          {update(7, map[string]any{"video": map[string]any{"file_id": "v", "mime_type": "video/mp4"}}), "file video/mp4 -1"},
		"press":          {press(nil), "2 pressed q1"},
		"press on old":   {press(map[string]any{"message": nil}), "2 pressed q1"},
		"press in group": {press(map[string]any{"message": map[string]any{"chat": map[string]any{"id": -5, "type": "group"}}}), ""},
		"press, no data": {press(map[string]any{"data": ""}), ""},
		"press, nobody":  {press(map[string]any{"from": nil}), ""},
		"group":          {update(7, map[string]any{"text": "x", "chat": map[string]any{"id": -5, "type": "supergroup"}}), ""},
		"channel":        {json.RawMessage(`{"update_id":7,"channel_post":{"text":"x"}}`), ""},
		"edited":         {json.RawMessage(`{"update_id":7,"edited_message":{"text":"x"}}`), ""},
		"joined":         {update(7, map[string]any{"new_chat_title": "x"}), ""},
		"odd type":       {json.RawMessage(`{"update_id":7,"message":{"text":1}}`), ""},
	} {
		h, ok := c.read(s.raw)
		if !ok || h.id != 7 || h.speaks != (s.want != "") {
			t.Errorf("%s: read %v, id %d, speaks %v", name, ok, h.id, h.speaks)
			continue
		}
		if got := describe(h); h.speaks && got != s.want {
			t.Errorf("%s: %q, want %q", name, got, s.want)
		}
		if m := h.message; h.speaks && (m.ID != "chat:7000001:7" || m.From.Value != strconv.Itoa(person) || m.To.Value != "7000001" ||
			m.Lang != "fr" || m.Trust != channels.CarrierVerified || m.At.IsZero()) {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// describe writes down what a person said.
func describe(h heard) string {
	words := []string{h.message.Text}
	for _, f := range h.message.Files {
		words = append(words, f.Name, f.Type, strconv.FormatInt(f.Size, 10))
	}
	if p := h.message.Phone; p != nil {
		words = append(words, p.Number)
		if p.Own {
			words = append(words, "own")
		}
	}
	if l := h.message.Location; l != nil {
		words = append(words, strconv.FormatFloat(l.Lat, 'f', -1, 64)+","+strconv.FormatFloat(l.Lon, 'f', -1, 64))
	}
	if h.press != "" {
		words = append(words, "pressed", h.press)
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(update(7, map[string]any{"text": "hi", "photo": []any{photo("s", 9, 6)}})))
	f.Add([]byte(press(nil)))
	f.Add([]byte(`{"update_id":9223372036854775807,"message":{"from":{"id":1},"chat":{"id":1,"type":"private"},"photo":[{}]}}`))
	f.Add([]byte(`{"update_id":1,"callback_query":{"id":"","from":{"id":1},"message":{"chat":null},"data":"x"}}`))
	c := offline(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, ok := c.read(raw)
		if !ok {
			return
		}
		if h.id <= 0 || h.speaks && h.message.ID == "" {
			t.Fatalf("id %d, %q", h.id, h.message.ID)
		}
		if h.speaks && (h.message.From.Value == "" || h.message.From.Value == "0") {
			t.Fatalf("nobody says %q", h.message.Text)
		}
	})
}

func TestConfig(t *testing.T) {
	good := Config{Token: secret.New(testToken), Mode: "webhook", WebhookSecret: secret.New(hookSecret), PublicURL: "https://city.example"}
	if err := good.Validate(); err != nil {
		t.Errorf("a good one: %v", err)
	}
	for key, spoil := range map[string]func(*Config){
		"api_url":        func(c *Config) { c.APIURL = "api.telegram.org" },
		"token":          func(c *Config) { c.Token = secret.New("secret-without-id") },
		"mode":           func(c *Config) { c.Mode = "push" },
		"webhook_secret": func(c *Config) { c.WebhookSecret = secret.New("with space") },
		"public_url":     func(c *Config) { c.PublicURL = "" },
		"poll_timeout":   func(c *Config) { c.PollTimeout = time.Hour },
		"timeout":        func(c *Config) { c.Timeout = -1 },
		"max_in_flight":  func(c *Config) { c.MaxInFlight = -1 },
		"max_file_bytes": func(c *Config) { c.MaxFileBytes = -1 },
		"file_timeout":   func(c *Config) { c.FileTimeout = -1 },
	} {
		c := good
		spoil(&c)
		err := c.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), key+": ") || strings.Contains(err.Error(), "secret-without-id") {
			t.Errorf("%s: %v", key, err)
		}
		if _, err := Open(c, shared()); err == nil {
			t.Errorf("%s: opened", key)
		}
	}
	if err := (Config{Mode: "webhook"}).Validate(); strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("not all faults at once: %v", err)
	}
	if err := (Config{Token: secret.New(testToken)}).Validate(); err != nil {
		t.Errorf("a token alone is enough to poll: %v", err)
	}
}
