package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/channeltest"
	"gatehouse/configs/secret"
)

const (
	testKey    = "AAF-kelp_secretkey0123456789"
	testToken  = "7000001:" + testKey
	hookSecret = "hook-secret_42"
	person     = 550012345678
)

// standIn is the Bot API as these tests need it, with a queue of updates and what was sent.
type standIn struct {
	server *httptest.Server
	client *http.Client

	mu      sync.Mutex
	changed chan struct{} // closed and renewed whenever the queue or the offset changes
	queue   map[int]json.RawMessage
	asked   map[int]int // how often an update was given out
	offset  int
	calls   map[string][]map[string]string
	sent    []channeltest.Sent
	files   map[string][]byte
	fault   channeltest.Fault
	polling int // requests for updates under way, and the most there ever were
	most    int
	answer  func(method string, w http.ResponseWriter, r *http.Request) bool
}

func newStandIn(t *testing.T) *standIn {
	k := &standIn{client: &http.Client{Transport: &http.Transport{}}, changed: make(chan struct{}), queue: map[int]json.RawMessage{},
		asked: map[int]int{}, calls: map[string][]map[string]string{}, files: map[string][]byte{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /bot"+testToken+"/{method}", k.serve)
	mux.HandleFunc("GET /file/bot"+testToken+"/{path...}", k.serveFile)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, 404, "Not Found", 0) })
	k.server = httptest.NewServer(mux)
	t.Cleanup(k.server.Close)
	t.Cleanup(k.client.CloseIdleConnections)
	return k
}

func refuse(w http.ResponseWriter, code int, description string, after int) {
	w.WriteHeader(code)
	parameters := ""
	if after > 0 {
		parameters = fmt.Sprintf(`,"parameters":{"retry_after":%d}`, after)
	}
	fmt.Fprintf(w, `{"ok":false,"error_code":%d,"description":%q%s}`, code, description, parameters)
}

func reply(w http.ResponseWriter, result any) {
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "result": result})
}

func (k *standIn) serve(w http.ResponseWriter, r *http.Request) {
	method := r.PathValue("method")
	_ = r.ParseMultipartForm(64 << 20)
	params := map[string]string{}
	for key, v := range r.PostForm {
		params[key] = v[0]
	}
	k.mu.Lock()
	k.calls[method] = append(k.calls[method], params)
	answer := k.answer
	k.mu.Unlock()
	if answer != nil && answer(method, w, r) {
		return
	}
	switch method {
	case "getUpdates":
		k.updates(w, r, params)
	case "sendMessage", "sendDocument", "sendMediaGroup":
		k.send(w, r, params)
	case "getFile":
		k.mu.Lock()
		_, ok := k.files[params["file_id"]]
		k.mu.Unlock()
		if !ok {
			refuse(w, 400, "Bad Request: invalid file_id", 0)
			return
		}
		reply(w, map[string]any{"file_id": params["file_id"], "file_path": "documents/" + params["file_id"] + ".bin"})
	default:
		reply(w, true)
	}
}

// updates is the long poll: it confirms what lies below the offset and waits for more.
func (k *standIn) updates(w http.ResponseWriter, r *http.Request, params map[string]string) {
	offset, _ := strconv.Atoi(params["offset"])
	seconds, _ := strconv.Atoi(params["timeout"])
	late := time.After(time.Duration(seconds) * time.Second)
	defer k.polled(1)()
	k.confirm(offset)
	for {
		found, changed := k.pending()
		if len(found) > 0 {
			reply(w, found)
			return
		}
		select {
		case <-changed:
		case <-late:
			reply(w, []any{})
			return
		case <-r.Context().Done():
			return
		}
	}
}

// polled counts a poll, until the function that it gives is called.
func (k *standIn) polled(by int) func() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.polling += by
	k.most = max(k.most, k.polling)
	return func() { k.polled(-by) }
}

func (k *standIn) confirm(offset int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id := range k.queue {
		if id < offset {
			delete(k.queue, id)
		}
	}
	k.offset = max(k.offset, offset)
	k.wake()
}

func (k *standIn) wake() {
	close(k.changed)
	k.changed = make(chan struct{})
}

func (k *standIn) pending() (found []json.RawMessage, changed chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id := range 2000 {
		if u, ok := k.queue[id]; ok {
			found = append(found, u)
			k.asked[id]++
		}
	}
	if len(found) > 0 {
		k.wake()
	}
	return found, k.changed
}

func (k *standIn) send(w http.ResponseWriter, r *http.Request, params map[string]string) {
	k.mu.Lock()
	fault := k.fault
	k.fault = ""
	id := len(k.sent) + 1
	if fault == "" || fault == channeltest.Lost || fault == channeltest.Silent {
		k.sent = append(k.sent, k.read(r, params))
	}
	k.mu.Unlock()
	switch fault {
	case channeltest.Lost:
		panic(http.ErrAbortHandler)
	case channeltest.Silent:
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	case channeltest.Stopped:
		refuse(w, 403, "Forbidden: bot was blocked by the user", 0)
	case channeltest.Temporary:
		refuse(w, 502, "Bad Gateway", 0)
	case channeltest.Throttled:
		refuse(w, 429, "Too Many Requests: retry after 7", 7)
	case channeltest.Rejected:
		refuse(w, 400, "Bad Request: message is too long", 0)
	case channeltest.Unreachable:
		refuse(w, 400, "Bad Request: chat not found", 0)
	case channeltest.Misconfigured:
		refuse(w, 401, "Unauthorized", 0)
	default:
		if r.PathValue("method") == "sendMediaGroup" {
			reply(w, []any{map[string]any{"message_id": id, "chat": map[string]any{"id": person}}})
			return
		}
		reply(w, map[string]any{"message_id": id, "chat": map[string]any{"id": person}})
	}
}

func (k *standIn) read(r *http.Request, params map[string]string) channeltest.Sent {
	s := channeltest.Sent{To: params["chat_id"], Text: params["text"] + params["caption"]}
	var media []struct{ Caption string }
	if json.Unmarshal([]byte(params["media"]), &media) == nil && len(media) > 0 {
		s.Text = media[0].Caption
	}
	var markup struct {
		Inline [][]struct{ Text string } `json:"inline_keyboard"`
		Keys   [][]struct{ Text string } `json:"keyboard"`
	}
	_ = json.Unmarshal([]byte(params["reply_markup"]), &markup)
	for _, row := range append(markup.Inline, markup.Keys...) {
		for _, b := range row {
			s.Options = append(s.Options, b.Text)
		}
	}
	if r.MultipartForm != nil {
		for i := range len(r.MultipartForm.File) {
			for _, name := range []string{"document", fmt.Sprintf("file-%d", i)} {
				for _, h := range r.MultipartForm.File[name] {
					f, _ := h.Open()
					content, _ := io.ReadAll(f)
					s.Files = append(s.Files, channeltest.File{Name: h.Filename, Bytes: content})
				}
			}
		}
	}
	return s
}

func (k *standIn) serveFile(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	content, ok := k.files[strings.TrimSuffix(strings.TrimPrefix(r.PathValue("path"), "documents/"), ".bin")]
	k.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(content)
}

func from() map[string]any {
	return map[string]any{"id": person, "is_bot": false, "first_name": "Ana", "language_code": "fr"}
}

func private() map[string]any { return map[string]any{"id": person, "type": "private"} }

// update makes the JSON of a message update; more is merged into the message.
func update(id int, more map[string]any) json.RawMessage {
	m := map[string]any{"message_id": id, "date": 1795510800, "chat": private(), "from": from()}
	for key, v := range more {
		m[key] = v
	}
	raw, _ := json.Marshal(map[string]any{"update_id": id, "message": m})
	return raw
}

func (k *standIn) updateOf(s channeltest.Said) (int, json.RawMessage) {
	id, _ := strconv.Atoi(s.ID)
	more := map[string]any{"text": s.Text}
	for _, f := range s.Files {
		k.mu.Lock()
		k.files["file"+s.ID] = f.Bytes
		k.mu.Unlock()
		more = map[string]any{"caption": s.Text, "document": map[string]any{"file_id": "file" + s.ID,
			"file_unique_id": "u", "file_name": f.Name, "mime_type": f.Type, "file_size": len(f.Bytes)}}
	}
	return id, update(id, more)
}

// queued gives an update to the poller and waits until it is confirmed, or given out once more.
func (k *standIn) queued(ctx context.Context, s channeltest.Said) channeltest.Answer {
	id, raw := k.updateOf(s)
	k.mu.Lock()
	if id >= k.offset {
		k.queue[id] = raw
	}
	before := k.asked[id]
	k.wake()
	k.mu.Unlock()
	for {
		k.mu.Lock()
		confirmed, asked, changed := k.offset > id, k.asked[id]-before, k.changed
		k.mu.Unlock()
		switch {
		case confirmed:
			return channeltest.Taken
		case asked > 1:
			return channeltest.Again
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return channeltest.Again
		}
	}
}

// called is a webhook call with the right secret.
func (k *standIn) called(ctx context.Context, hook string, raw []byte, secret string) channeltest.Answer {
	r, _ := http.NewRequestWithContext(ctx, http.MethodPost, hook, bytes.NewReader(raw))
	r.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
	res, err := k.client.Do(r)
	if err != nil {
		return channeltest.Again
	}
	res.Body.Close()
	if res.StatusCode/100 == 2 {
		return channeltest.Taken
	}
	return channeltest.Again // Telegram repeats whatever is not 2xx
}

func (k *standIn) arrived() []channeltest.Sent {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]channeltest.Sent(nil), k.sent...)
}

func (k *standIn) fail(f channeltest.Fault) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fault = f
}

func (k *standIn) callsOf(method string) []map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]map[string]string(nil), k.calls[method]...)
}

func (k *standIn) answerWith(f func(method string, w http.ResponseWriter, r *http.Request) bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answer = f
}

func config(k *standIn) Config {
	return Config{APIURL: k.server.URL, Token: secret.New(testToken), PollTimeout: time.Second}
}

func openChannel(t *testing.T, c Config, s channels.Shared) *Channel {
	t.Helper()
	ch, err := Open(c, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ch.api.(*http.Transport).CloseIdleConnections)
	return ch
}

func harness(mode Mode) channeltest.Harness {
	return channeltest.Harness{
		Secrets: []string{testKey, hookSecret},
		Can:     channeltest.Abilities{FilesIn: true, FilesOut: true, Options: true, Faults: channeltest.AllFaults()},
		Open: func(t *testing.T, e channeltest.Env) channeltest.Rig {
			k := newStandIn(t)
			c := config(k)
			c.Mode, c.PublicURL, c.WebhookSecret = string(mode), e.PublicURL, secret.New(hookSecret)
			hook := e.PublicURL + "/hooks/chat"
			deliver := k.queued
			if mode == Webhook {
				deliver = func(ctx context.Context, s channeltest.Said) channeltest.Answer {
					_, raw := k.updateOf(s)
					return k.called(ctx, hook, raw, hookSecret)
				}
			}
			return channeltest.Rig{
				Channel: openChannel(t, c, e.Shared),
				Own:     channels.Address{Channel: "chat", Value: "7000001"},
				Person: func(*testing.T) channels.Address {
					return channels.Address{Channel: "chat", Value: strconv.Itoa(person)}
				},
				Carrier: channeltest.Carrier{Deliver: deliver, Sent: k.arrived, Fail: k.fail, Hostile: k.hostile(mode, hook)},
			}
		},
	}
}

func (k *standIn) hostile(mode Mode, hook string) map[string]func(context.Context) {
	attacks := map[string]json.RawMessage{
		"not an object": json.RawMessage(`[]`), "no id": json.RawMessage(`{"message":{}}`),
		"nothing in it": json.RawMessage(`{"update_id":900}`),
		"wrong types":   json.RawMessage(`{"update_id":901,"message":{"text":42,"chat":"x"}}`),
		"nobody":        json.RawMessage(`{"update_id":902,"message":{"text":"x"}}`),
		"empty message": update(903, nil),
		"a group":       update(904, map[string]any{"text": "x", "chat": map[string]any{"id": -5, "type": "group"}}),
		"a bot":         update(905, map[string]any{"text": "x", "from": map[string]any{"id": 9, "is_bot": true}}),
		"an edit":       json.RawMessage(strings.Replace(string(update(906, map[string]any{"text": "x"})), `"message":`, `"edited_message":`, 1)),
		"empty press":   json.RawMessage(`{"update_id":907,"callback_query":{"id":"1"}}`),
		"deep":          json.RawMessage(`{"update_id":908,"message":` + strings.Repeat(`[`, 5000) + strings.Repeat(`]`, 5000) + `}`),
	}
	out := map[string]func(context.Context){}
	for name, raw := range attacks {
		out[name] = func(ctx context.Context) { k.called(ctx, hook, raw, hookSecret) }
	}
	if mode == Poll {
		return map[string]func(context.Context){"a queue of oddities": func(ctx context.Context) {
			k.mu.Lock()
			id := 100
			for _, raw := range attacks {
				k.queue[id] = raw
				id++
			}
			k.mu.Unlock()
			// Confirmed with what comes after them. The update is a service message, which is nothing for us.
			k.confirm(0)
			last := update(1000, map[string]any{"delete_chat_photo": true})
			k.mu.Lock()
			k.queue[1000] = last
			k.wake()
			k.mu.Unlock()
			for {
				k.mu.Lock()
				done, changed := k.offset > 1000, k.changed
				k.offset = min(k.offset, 1001)
				k.mu.Unlock()
				if done {
					k.mu.Lock()
					k.offset = 0 // the suite's own ids begin at 1
					k.mu.Unlock()
					return
				}
				select {
				case <-changed:
				case <-ctx.Done():
					return
				}
			}
		}}
	}
	out["no secret"] = func(ctx context.Context) { k.called(ctx, hook, update(950, map[string]any{"text": "x"}), "") }
	out["wrong secret"] = func(ctx context.Context) {
		k.called(ctx, hook, update(951, map[string]any{"text": "x"}), hookSecret+"x")
	}
	out["endless"] = func(ctx context.Context) {
		k.called(ctx, hook, bytes.Repeat([]byte(" "), 2*maxUpdate), hookSecret)
	}
	return out
}

func TestContractPoll(t *testing.T) { channeltest.Run(t, harness(Poll)) }

func TestContractWebhook(t *testing.T) { channeltest.Run(t, harness(Webhook)) }
