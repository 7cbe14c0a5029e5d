package telegram

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"gatehouse/deploy/carriers/faults"
)

const (
	// maxCall bounds a request: a document of 50 MB with its parameters.
	maxCall = 51 << 20
	// maxFields bounds the parameters without the files, in bytes, and maxParts their number.
	maxFields = 1 << 20
	maxParts  = 64
	// maxUploads is how many requests with files are read at a time.
	maxUploads = 4
)

// problem is an error of the API (https://core.telegram.org/bots/api#making-requests).
type problem struct {
	code        int
	description string
	retryAfter  time.Duration
}

func bad(text string) *problem {
	return &problem{code: http.StatusBadRequest, description: "Bad Request: " + text}
}

func conflict(text string) *problem {
	return &problem{code: http.StatusConflict, description: "Conflict: " + text}
}

func (p *problem) write(w http.ResponseWriter) {
	out := map[string]any{"ok": false, "error_code": p.code, "description": p.description}
	if p.retryAfter > 0 {
		out["parameters"] = map[string]any{"retry_after": int((p.retryAfter + time.Second - 1) / time.Second)}
	}
	respond(w, p.code, out)
}

func respond(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that left is not our fault
}

// call is one request for a method.
type call struct {
	method string // lower case
	params map[string]string
	files  map[string]File
	r      *http.Request // nil when the call came as the answer of a webhook
}

func (c *call) flag(name string) bool { return c.params[name] == "true" || c.params[name] == "True" }

// answer is what a method gives.
type answer struct {
	result      any
	description string
	fault       faults.Fault // what happens to the answer of a message that was taken
}

// Handler serves the API: /bot<token>/<method> and /file/bot<token>/<path>.
func (b *Bot) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /file/{bot}/{path...}", b.download)
	mux.HandleFunc("GET /{bot}/{method}", b.serve)
	mux.HandleFunc("POST /{bot}/{method}", b.serve)
	return mux
}

// Owns tells whether a path is the API's: no mux has a pattern for half a segment.
func Owns(path string) bool {
	return strings.HasPrefix(path, "/bot") || strings.HasPrefix(path, "/file/bot")
}

func (b *Bot) authorized(name string) *problem {
	token, ok := strings.CutPrefix(name, "bot")
	switch {
	case !ok || !tokenForm.MatchString(token):
		return &problem{code: http.StatusNotFound, description: "Not Found"}
	case subtle.ConstantTimeCompare([]byte(token), []byte(b.cfg.Token.Reveal())) != 1:
		return &problem{code: http.StatusUnauthorized, description: "Unauthorized"}
	}
	return nil
}

func (b *Bot) serve(w http.ResponseWriter, r *http.Request) {
	if p := b.authorized(r.PathValue("bot")); p != nil {
		p.write(w)
		return
	}
	b.counts.calls.Add(1)
	r.Body = http.MaxBytesReader(w, r.Body, maxCall)
	c, p := b.read(r)
	if p != nil {
		p.write(w)
		return
	}
	a, p := b.do(c)
	switch {
	case p != nil && p.code == 0:
		dodge(w, a.fault)
	case p != nil:
		p.write(w)
	default:
		b.reply(w, r, a)
	}
}

// dodge is the absence of an answer: a closed line, or the page of some proxy.
func dodge(w http.ResponseWriter, f faults.Fault) {
	if f.Kind != faults.Garbled {
		hangUp(w)
		return
	}
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusBadGateway)
	_, _ = io.WriteString(w, "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>")
}

func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: the server's own way to abort
	}
	conn.Close()
}

func (b *Bot) reply(w http.ResponseWriter, r *http.Request, a answer) {
	switch a.fault.Kind {
	case faults.Lost:
		hangUp(w)
		return
	case faults.Slow:
		t := time.NewTimer(a.fault.After)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
		}
	}
	out := map[string]any{"ok": true, "result": a.result}
	if a.description != "" {
		out["description"] = a.description
	}
	respond(w, http.StatusOK, out)
}

// read takes the parameters in any of the four ways that Telegram does: URL query, form, JSON, multipart.
func (b *Bot) read(r *http.Request) (*call, *problem) {
	c := &call{method: strings.ToLower(r.PathValue("method")), params: map[string]string{}, files: map[string]File{}, r: r}
	for k, v := range r.URL.Query() {
		c.params[k] = v[0]
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		return c, c.readJSON(r.Body)
	case "multipart/form-data":
		b.uploads <- struct{}{}
		defer func() { <-b.uploads }()
		return c, c.readMultipart(r)
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxFields)
	if err := r.ParseForm(); err != nil {
		return nil, tooLarge(err)
	}
	for k, v := range r.PostForm {
		c.params[k] = v[0]
	}
	return c, nil
}

func tooLarge(err error) *problem {
	if tooBig := (*http.MaxBytesError)(nil); errors.As(err, &tooBig) {
		return &problem{code: http.StatusRequestEntityTooLarge, description: "Request Entity Too Large"}
	}
	return bad("can't parse the request")
}

func (c *call) readJSON(r io.Reader) *problem {
	var all map[string]json.RawMessage
	if err := json.NewDecoder(io.LimitReader(r, maxFields)).Decode(&all); err != nil && !errors.Is(err, io.EOF) {
		return bad("can't parse request parameters as JSON")
	}
	for k, v := range all {
		var s string
		if json.Unmarshal(v, &s) != nil {
			s = string(v)
		}
		c.params[k] = s
	}
	return nil
}

func (c *call) readMultipart(r *http.Request) *problem {
	parts, err := r.MultipartReader()
	if err != nil {
		return bad("can't parse the request")
	}
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil || n == maxParts {
			return tooLarge(err)
		}
		limit := int64(maxFields)
		if part.FileName() != "" {
			limit = maxCall
		}
		data, err := io.ReadAll(io.LimitReader(part, limit))
		if err != nil {
			return tooLarge(err)
		}
		if part.FileName() == "" {
			c.params[part.FormName()] = string(data)
			continue
		}
		c.files[part.FormName()] = File{Name: part.FileName(), Type: part.Header.Get("Content-Type"), Data: data}
	}
}

// do runs a method. A problem with code 0 means that no answer at all is given.
func (b *Bot) do(c *call) (answer, *problem) {
	methods := map[string]func(*call) (answer, *problem){
		"getme":                  func(*call) (answer, *problem) { return answer{result: b.me()}, nil },
		"getupdates":             b.getUpdates,
		"setwebhook":             b.setWebhook,
		"deletewebhook":          b.deleteWebhook,
		"getwebhookinfo":         b.webhookInfo,
		"sendmessage":            b.sendMessage,
		"sendphoto":              b.sendPhoto,
		"senddocument":           b.sendDocument,
		"sendlocation":           b.sendLocation,
		"sendchataction":         b.chatAction,
		"editmessagetext":        b.editText,
		"editmessagereplymarkup": b.editMarkup,
		"deletemessage":          b.deleteMessage,
		"answercallbackquery":    b.answerCallback,
		"getfile":                b.getFile,
		"getchat":                b.getChat,
		"setmycommands":          yes,
		"deletemycommands":       yes,
	}
	f, ok := methods[c.method]
	if !ok {
		return answer{}, &problem{code: http.StatusNotFound, description: "Not Found"}
	}
	return f(c)
}

func yes(*call) (answer, *problem) { return answer{result: true}, nil }

func (b *Bot) me() map[string]any {
	return map[string]any{
		"id": b.self.ID, "is_bot": true, "first_name": b.self.FirstName, "username": b.self.Username,
		"can_join_groups": false, "can_read_all_group_messages": false, "supports_inline_queries": false,
	}
}
