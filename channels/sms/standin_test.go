package sms

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
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
	testSID   = "AC0123456789abcdef0123456789abcdef"
	testToken = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
	person    = "+447700900123"
	ours      = "+447700900999"
)

// standIn is Twilio as these tests need it: its messages API, its media, its webhooks.
type standIn struct {
	hook   string
	client *http.Client
	server *httptest.Server

	mu       sync.Mutex
	messages []message
	media    map[string][]byte
	stuck    bool // media can't be deleted
	fault    channeltest.Fault
	answer   http.HandlerFunc // instead of the API, when set
	callback map[string]string
}

type message struct{ sid, to, from, body, direction, created string }

func newTwilio(t *testing.T) *standIn {
	k := &standIn{client: &http.Client{Transport: &http.Transport{}}, media: map[string][]byte{}, callback: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2010-04-01/Accounts/"+testSID+"/Messages.json", k.create)
	mux.HandleFunc("GET /2010-04-01/Accounts/"+testSID+"/Messages.json", k.list)
	mux.HandleFunc("GET /2010-04-01/Accounts/"+testSID+"/Messages/{mm}/Media/{me}", k.serveMedia)
	mux.HandleFunc("DELETE /2010-04-01/Accounts/"+testSID+"/Messages/{mm}/Media/{me}", k.deleteMedia)
	k.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != testSID || password != testToken {
			refuse(w, http.StatusUnauthorized, 20003)
			return
		}
		k.mu.Lock()
		answer := k.answer
		k.mu.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(k.server.Close)
	t.Cleanup(k.client.CloseIdleConnections)
	return k
}

// refuse answers as Twilio does: its sentence quotes the number, which must not get further.
func refuse(w http.ResponseWriter, status, code int) {
	w.Header().Set("Retry-After", "7")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"code":%d,"message":"The number %s is %s","more_info":"https://www.twilio.com/docs/errors/%d","status":%d}`,
		code, person, channeltest.Marker, code, status)
}

func (k *standIn) create(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	q, _ := url.ParseQuery(string(body))
	k.mu.Lock()
	fault := k.fault
	k.fault = ""
	m := message{fmt.Sprintf("SM%032x", len(k.messages)+1), q.Get("To"), q.Get("From"), q.Get("Body"), "outbound-api",
		time.Now().UTC().Format(time.RFC1123Z)}
	if fault == "" || fault == channeltest.Lost || fault == channeltest.Silent {
		k.messages = append(k.messages, m)
		k.callback[m.sid] = q.Get("StatusCallback")
	}
	k.mu.Unlock()
	switch fault {
	case channeltest.Lost:
		panic(http.ErrAbortHandler)
	case channeltest.Silent:
		<-r.Context().Done()
		return
	}
	if code, status := faultCode(fault); code != 0 {
		refuse(w, status, code)
		return
	}
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(m.json())
}

func faultCode(f channeltest.Fault) (code, status int) {
	switch f {
	case channeltest.Stopped:
		return 21610, 400
	case channeltest.Temporary:
		return 20503, 503
	case channeltest.Throttled:
		return 20429, 429
	case channeltest.Rejected:
		return 21617, 400
	case channeltest.Unreachable:
		return 21211, 400
	case channeltest.Misconfigured:
		return 20003, 401
	}
	return 0, 0
}

func (m message) json() map[string]any {
	return map[string]any{"sid": m.sid, "to": m.to, "from": m.from, "body": m.body, "direction": m.direction,
		"status": "queued", "num_segments": "1", "date_created": m.created, "date_sent": nil, "error_code": nil}
}

// list gives two messages a page, newest first.
func (k *standIn) list(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	q := r.URL.Query()
	var found []map[string]any
	for _, m := range slices.Backward(k.messages) {
		if m.to == q.Get("To") && (q.Get("From") == "" || q.Get("From") == m.from) {
			found = append(found, m.json())
		}
	}
	from, _ := strconv.Atoi(strings.TrimPrefix(q.Get("PageToken"), "PA"))
	answer := map[string]any{"messages": found[min(from, len(found)):min(from+2, len(found))], "next_page_uri": nil}
	if from+2 < len(found) {
		answer["next_page_uri"] = fmt.Sprintf("%s?Page=%d&PageToken=PA%d", r.URL.Path, from/2+1, from+2)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (k *standIn) serveMedia(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	content, ok := k.media[r.PathValue("me")]
	if !ok {
		refuse(w, http.StatusNotFound, 20404)
		return
	}
	_, _ = w.Write(content)
}

func (k *standIn) deleteMedia(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.media[r.PathValue("me")]
	switch {
	case k.stuck:
		refuse(w, http.StatusInternalServerError, 20500)
	case !ok:
		refuse(w, http.StatusNotFound, 20404)
	default:
		delete(k.media, r.PathValue("me"))
		w.WriteHeader(http.StatusNoContent)
	}
}

// sign is Twilio's rule, written once more and as plainly as it can be.
func sign(token, address string, q url.Values) string {
	var keys []string
	for key := range q {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		address += key + q.Get(key)
	}
	h := hmac.New(sha1.New, []byte(token))
	h.Write([]byte(address))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// post sends a signed webhook and reads the answer as Twilio does.
func (k *standIn) post(ctx context.Context, address string, q url.Values) channeltest.Answer {
	return k.postSigned(ctx, address, q.Encode(), sign(testToken, address, q))
}

func (k *standIn) postSigned(ctx context.Context, address, body, signature string) channeltest.Answer {
	r, _ := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	if signature != "" {
		r.Header.Set("X-Twilio-Signature", signature)
	}
	res, err := k.client.Do(r)
	if err != nil {
		return channeltest.Again
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusOK:
		return channeltest.Taken
	case res.StatusCode >= 500:
		return channeltest.Again
	}
	return channeltest.Refused
}

func inbound(sid, text string) url.Values {
	return url.Values{"MessageSid": {sid}, "SmsSid": {sid}, "AccountSid": {testSID}, "From": {person}, "To": {ours},
		"Body": {text}, "NumMedia": {"0"}, "NumSegments": {"1"}, "FromCountry": {"GB"}, "ApiVersion": {"2010-04-01"}}
}

func (k *standIn) deliver(ctx context.Context, s channeltest.Said) channeltest.Answer {
	n, _ := strconv.Atoi(s.ID)
	q := inbound(fmt.Sprintf("SM%032x", n), s.Text)
	for i, f := range s.Files {
		sid := fmt.Sprintf("ME%d%s", i, s.ID)
		k.mu.Lock()
		k.media[sid] = f.Bytes
		k.mu.Unlock()
		q.Set(fmt.Sprintf("MediaUrl%d", i), k.mediaURL(sid))
		q.Set(fmt.Sprintf("MediaContentType%d", i), f.Type)
		q.Set("NumMedia", strconv.Itoa(i+1))
	}
	return k.post(ctx, k.hook+"/hooks/sms", q)
}

func (k *standIn) mediaURL(sid string) string {
	return k.server.URL + "/2010-04-01/Accounts/" + testSID + "/Messages/MM1/Media/" + sid
}

func (k *standIn) tell(ctx context.Context, r channels.Receipt, s channels.State) channeltest.Answer {
	q := url.Values{"MessageSid": {r.CarrierID}, "MessageStatus": {"delivered"}, "To": {person}, "From": {ours}}
	if s == channels.Failed {
		q.Set("MessageStatus", "undelivered")
		q.Set("ErrorCode", "30005")
	}
	k.mu.Lock()
	address := k.callback[r.CarrierID]
	k.mu.Unlock()
	return k.post(ctx, address, q)
}

func (k *standIn) sent() (out []channeltest.Sent) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range k.messages {
		out = append(out, channeltest.Sent{To: m.to, Text: m.body})
	}
	return out
}

func (k *standIn) fail(f channeltest.Fault) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fault = f
}

func (k *standIn) answerWith(h http.HandlerFunc) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answer = h
}

func config(k *standIn, publicURL string) Config {
	return Config{BaseURL: k.server.URL, AccountSID: testSID, AuthToken: secret.New(testToken), From: ours, PublicURL: publicURL}
}

func open(t *testing.T, c Config, s channels.Shared) *Channel {
	t.Helper()
	ch, err := Open(c, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ch.api.(*http.Transport).CloseIdleConnections()
		ch.media.CloseIdleConnections()
	})
	return ch
}

func TestContract(t *testing.T) {
	channeltest.Run(t, channeltest.Harness{
		Secrets: []string{testToken},
		Can:     channeltest.Abilities{FilesIn: true, Receipts: true, Find: true, Faults: channeltest.AllFaults()},
		Open: func(t *testing.T, e channeltest.Env) channeltest.Rig {
			k := newTwilio(t)
			k.hook = e.PublicURL
			return channeltest.Rig{
				Channel: open(t, config(k, e.PublicURL), e.Shared),
				Own:     channels.Address{Channel: "sms", Value: ours},
				Person:  func(*testing.T) channels.Address { return channels.Address{Channel: "sms", Value: person} },
				Carrier: channeltest.Carrier{Deliver: k.deliver, Sent: k.sent, Fail: k.fail, Tell: k.tell, Hostile: k.hostile()},
			}
		},
	})
}

func (k *standIn) hostile() map[string]func(context.Context) {
	hook := k.hook + "/hooks/sms"
	good := inbound("SM1", channeltest.Marker)
	signed := func(q url.Values) func(context.Context) {
		return func(ctx context.Context) { k.post(ctx, hook, q) }
	}
	with := func(key, value string) url.Values {
		q := url.Values{}
		for k, v := range good {
			q[k] = v
		}
		q.Set(key, value)
		return q
	}
	raw := func(body, signature string) func(context.Context) {
		return func(ctx context.Context) { k.postSigned(ctx, hook, body, signature) }
	}
	return map[string]func(context.Context){
		"no signature":           raw(good.Encode(), ""),
		"signature of another":   raw(good.Encode(), sign("othertoken", hook, good)),
		"changed after signing":  raw(with("Body", "changed").Encode(), sign(testToken, hook, good)),
		"signed for another URL": raw(good.Encode(), sign(testToken, hook+"/status", good)),
		"not a form":             raw("%zz=%", sign(testToken, hook, good)),
		"too long":               raw("Body="+strings.Repeat("x", 2*maxForm), sign(testToken, hook, good)),
		"too many fields":        raw(strings.Repeat("a=b&", 2*maxPairs), sign(testToken, hook, good)),
		"no sid":                 signed(with("MessageSid", "")),
		"a sid with a slash":     signed(with("MessageSid", "../../x")),
		"from nobody":            signed(with("From", "")),
		"from another road":      signed(with("From", "whatsapp:"+person)),
		"a thousand media":       signed(with("NumMedia", "1000")),
		"media without a URL":    signed(with("NumMedia", "1")),
		"receipt without an id": func(ctx context.Context) {
			k.post(ctx, hook+"/status", url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"delivered"}})
		},
		"receipt of an odd status": func(ctx context.Context) {
			k.post(ctx, hook+"/status?id=1", url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"exploded"}})
		},
	}
}
