package carriers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gatehouse/deploy/carriers/faults"
	"gatehouse/deploy/carriers/relay"
	"gatehouse/deploy/carriers/shelf"
	"gatehouse/deploy/carriers/telegram"
	"gatehouse/deploy/carriers/twilio"
)

// The control API, for tests and walks in another process. Requests and answers are JSON; bytes are base64. An error
// is {"error": "key: what is wrong"} with status 400.
//
//	POST /control/sms/send          {from, to?, text, media?: [{type, data}], copies?} → {sid}
//	GET  /control/sms/messages      ?number= &after= &wait=                            → {messages: [{seq, message}], next}
//	POST /control/sms/webhooks      {urls: [..]}
//	POST /control/chat/send         {chat, text | contact | location {latitude, longitude} | file {name, type, data},
//	                                 photo?, caption?} → {message_id}; contact "own" shares the person's number
//	POST /control/chat/press        {chat, data, message_id?}
//	POST /control/chat/person       {id, first_name?, last_name?, username?, lang?, phone?}
//	POST /control/chat/block        {chat, blocked}
//	GET  /control/chat/messages     ?chat= &after= &wait=
//	POST /control/mail/send         {from, to: [..], subject, text, html?, in_reply_to?, references?, envelope?,
//	                                 headers?, files?: [{name, type, data}], raw?} → {message_id}
//	GET  /control/mail/messages     ?to= &after= &wait=
//	POST /control/mail/gateway      {address}
//	GET  /control/stats
//	GET, POST, DELETE /control/faults   {carrier, address?, kind, times?, after?} (package faults)
//	GET  /control/addresses
//	GET, POST /control/clock        {by: "72h"} or {to: RFC 3339} or {afresh: true} → {now, ahead}; of a movable clock alone
//
// Lists hold both directions, oldest first, numbered by seq; after=seq gives the later ones; wait (a duration of at
// most 30s) waits for the first of them.
func (c *Carriers) control() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(*http.Request) (any, error){
		"POST /control/sms/send":     c.controlText,
		"POST /control/sms/webhooks": c.controlWebhooks,
		"POST /control/chat/send":    c.controlSay,
		"POST /control/chat/press":   c.controlPress,
		"POST /control/chat/person":  c.controlPerson,
		"POST /control/chat/block":   c.controlBlock,
		"POST /control/mail/send":    c.controlWrite,
		"POST /control/mail/gateway": c.controlGateway,
		"POST /control/faults":       c.controlFault,
		"GET /control/sms/messages":  listOf(c.SMS.Messages(), "number"),
		"GET /control/chat/messages": listOf(c.Chat.Entries(), "chat"),
		"GET /control/mail/messages": listOf(c.Mail.Mails(), "to"),
		"GET /control/stats":         func(*http.Request) (any, error) { return c.Stats(), nil },
		"GET /control/addresses":     func(*http.Request) (any, error) { return c.Addresses(), nil },
		"GET /control/faults":        func(*http.Request) (any, error) { return map[string]any{"rules": c.Faults.Rules()}, nil },
		"DELETE /control/faults":     func(*http.Request) (any, error) { c.Faults.Clear(); return nil, nil },
		"GET /control/clock":         c.controlClock,
		"POST /control/clock":        c.controlClock,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { controlled(w, r, h) })
	}
	return mux
}

// maxControl bounds a request: the largest mail in base64.
const maxControl = 64 << 20

// maxWait bounds the wait of a list.
const maxWait = 30 * time.Second

func controlled(w http.ResponseWriter, r *http.Request, h func(*http.Request) (any, error)) {
	r.Body = http.MaxBytesReader(w, r.Body, maxControl)
	out, err := h(r)
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]string{"error": err.Error()}
	}
	if out == nil {
		out = map[string]any{}
	}
	_ = json.NewEncoder(w).Encode(out) // a client that left is not our fault
}

// body reads one JSON object; a key that is not known is an error, so that a slip of the pen is found.
func body[T any](r *http.Request) (v T, err error) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, fmt.Errorf("body: is not the JSON that is asked for: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return v, errors.New("body: goes on after the object")
	}
	return v, nil
}

func (c *Carriers) controlText(r *http.Request) (any, error) {
	in, err := body[struct {
		From, To, Text string
		Media          []twilio.Media
		Copies         int
	}](r)
	if err != nil {
		return nil, err
	}
	sid, err := c.SMS.Receive(twilio.Text{From: in.From, To: in.To, Body: in.Text, Media: in.Media, Copies: in.Copies})
	return map[string]string{"sid": sid}, err
}

func (c *Carriers) controlWebhooks(r *http.Request) (any, error) {
	in, err := body[struct{ URLs []string }](r)
	if err == nil {
		c.SMS.SetWebhooks(in.URLs...)
	}
	return nil, err
}

func (c *Carriers) controlSay(r *http.Request) (any, error) {
	in, err := body[struct {
		Chat          int64
		Text, Contact string
		Location      *telegram.Location
		File          *relay.File
		Photo         bool
		Caption       string
	}](r)
	if err != nil {
		return nil, err
	}
	var id int64
	switch {
	case in.Contact == "own":
		id, err = c.Chat.ShareContact(in.Chat, "")
	case in.Contact != "":
		id, err = c.Chat.ShareContact(in.Chat, in.Contact)
	case in.Location != nil:
		id, err = c.Chat.ShareLocation(in.Chat, in.Location.Latitude, in.Location.Longitude)
	case in.File != nil && in.Photo:
		id, err = c.Chat.SendPhoto(in.Chat, in.File.Data, in.Caption)
	case in.File != nil:
		id, err = c.Chat.SendDocument(in.Chat, in.File.Name, in.File.Type, in.File.Data, in.Caption)
	default:
		id, err = c.Chat.Say(in.Chat, in.Text)
	}
	return map[string]int64{"message_id": id}, err
}

func (c *Carriers) controlPress(r *http.Request) (any, error) {
	in, err := body[struct {
		Chat    int64
		Data    string
		Message int64 `json:"message_id"`
	}](r)
	if err != nil {
		return nil, err
	}
	return nil, c.Chat.Press(in.Chat, in.Message, in.Data)
}

func (c *Carriers) controlPerson(r *http.Request) (any, error) {
	in, err := body[telegram.Person](r)
	if err != nil {
		return nil, err
	}
	return nil, c.Chat.SetPerson(in)
}

func (c *Carriers) controlBlock(r *http.Request) (any, error) {
	in, err := body[struct {
		Chat    int64
		Blocked bool
	}](r)
	if err == nil {
		c.Chat.Block(in.Chat, in.Blocked)
	}
	return nil, err
}

func (c *Carriers) controlWrite(r *http.Request) (any, error) {
	in, err := body[relay.Draft](r)
	if err != nil {
		return nil, err
	}
	id, err := c.Mail.Send(in)
	return map[string]string{"message_id": id}, err
}

func (c *Carriers) controlGateway(r *http.Request) (any, error) {
	in, err := body[struct{ Address string }](r)
	if err != nil {
		return nil, err
	}
	if err := (relay.Config{Gateway: in.Address}).Validate(); err != nil {
		return nil, err
	}
	c.Mail.SetGateway(in.Address)
	return nil, nil
}

func (c *Carriers) controlFault(r *http.Request) (any, error) {
	in, err := body[faults.Rule](r)
	if err != nil {
		return nil, err
	}
	return nil, c.Faults.Set(in)
}

// listOf serves a shelf's lane, named by a parameter.
func listOf[T any](s *shelf.Shelf[T], param string) func(*http.Request) (any, error) {
	type row struct {
		Seq   uint64 `json:"seq"`
		Value T      `json:"message"`
	}
	return func(r *http.Request) (any, error) {
		q := r.URL.Query()
		key := strings.ToLower(q.Get(param))
		if key == "" {
			return nil, fmt.Errorf("%s: is missing", param)
		}
		after, err := number(q.Get("after"))
		if err != nil {
			return nil, err
		}
		var wait time.Duration
		if v := q.Get("wait"); v != "" {
			if wait, err = time.ParseDuration(v); err != nil || wait < 0 || wait > maxWait {
				return nil, fmt.Errorf("wait: is not a duration of at most %v", maxWait)
			}
		}
		var items []shelf.Item[T]
		_ = s.Until(r.Context(), max(wait, time.Nanosecond), func() bool { // in vain: an empty list
			items = s.Of(key, after)
			return len(items) > 0
		})
		rows := []row{}
		for _, it := range items {
			rows, after = append(rows, row{it.Seq, it.Value}), it.Seq
		}
		return map[string]any{"messages": rows, "next": after}, nil
	}
}

func number(s string) (uint64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, errors.New("after: is not a number")
	}
	return n, nil
}

// Stats are the counts of all stand-ins.
type Stats struct {
	SMS  twilio.Stats   `json:"sms"`
	Chat telegram.Stats `json:"chat"`
	Mail relay.Stats    `json:"mail"`
	// Asked counts the questions to the name server.
	Asked uint64 `json:"dns_asked"`
}

// Stats returns the counts.
func (c *Carriers) Stats() Stats {
	return Stats{SMS: c.SMS.Stats(), Chat: c.Chat.Stats(), Mail: c.Mail.Stats(), Asked: c.DNS.Asked()}
}
