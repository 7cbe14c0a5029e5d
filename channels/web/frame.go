package web

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"gatehouse/channels"
)

// Codes of an error frame. A page shows its own sentence for each; Text is for whoever reads the wire.
const (
	codeFrame   = "frame"     // not one JSON object of a known type
	codeHello   = "hello"     // a message before the hello, or a second hello
	codeID      = "id"        // the client's id is missing or not 1 to 64 letters, digits, "-" and "_" (or a whole number)
	codeText    = "text"      // nothing was said
	codeTooLong = "too_long"  // shorten it
	codeSlow    = "slow_down" // not stored: send it again in a moment
	codeBusy    = "busy"      // not stored: send it again in a moment
	codeRefused = "refused"   // not stored, and will not be
)

var codeTexts = [...]struct{ code, text string }{
	{codeFrame, "Send one JSON object of type hello or message."},
	{codeHello, "Send one hello first, and only once."},
	{codeID, "Give each message an id of 1 to 64 letters, digits, - or _."},
	{codeText, "The message is empty."},
	{codeTooLong, "The message is too long."},
	{codeSlow, "Too many messages. Send it again in a moment."},
	{codeBusy, "Not stored. Send it again in a moment."},
	{codeRefused, "This message can't be taken."},
}

func textOf(code string) string {
	for _, c := range codeTexts {
		if c.code == code {
			return c.text
		}
	}
	return code
}

// heard is a client's frame.
type heard struct {
	Type    string          `json:"type"`
	Session string          `json:"session"`
	After   uint64          `json:"after"`
	ID      json.RawMessage `json:"id"`
	Text    string          `json:"text"`
}

// Frames of ours, field by field as they stand on the wire.
type (
	welcomeFrame struct {
		Type    string `json:"type"`
		Session string `json:"session"`
		Lang    string `json:"lang"`
	}
	ackFrame struct {
		Type string          `json:"type"`
		ID   json.RawMessage `json:"id"`
	}
	errorFrame struct {
		Type string          `json:"type"`
		ID   json.RawMessage `json:"id"`
		Code string          `json:"code"`
		Text string          `json:"text"`
	}
	messageFrame struct {
		Type    string        `json:"type"`
		Seq     uint64        `json:"seq"`
		Text    string        `json:"text"`
		Options []optionFrame `json:"options"`
		Source  *sourceFrame  `json:"source"`
	}
	optionFrame struct {
		Label string `json:"label"`
		Value string `json:"value"`
	}
	sourceFrame struct {
		Title string `json:"title"`
		URL   string `json:"url"`
	}
)

var errFrame = errors.New("not a frame")

// parse reads a client's frame. Unknown fields are let pass, so that a newer page can talk to an older gateway.
func parse(b []byte) (heard, error) {
	var h heard
	if err := json.Unmarshal(b, &h); err != nil {
		return heard{}, errFrame
	}
	if h.Type != "hello" && h.Type != "message" {
		return heard{ID: echo(h.ID)}, errFrame
	}
	return h, nil
}

// clientID gives the client's own id as text: a string, or a whole number as it was written.
func clientID(raw json.RawMessage) (string, bool) {
	s := string(raw)
	if len(s) > 0 && s[0] == '"' {
		if json.Unmarshal(raw, &s) != nil {
			return "", false
		}
		return s, validID(s)
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return "", false
		}
	}
	return s, len(s) > 0 && len(s) <= 20
}

// echo is the id to repeat in an answer: the client's when it is usable, else null.
func echo(raw json.RawMessage) json.RawMessage {
	if _, ok := clientID(raw); ok {
		return raw
	}
	return json.RawMessage("null")
}

// clean drops control characters that no keyboard makes, and the space around.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if (r < ' ' && r != '\n' && r != '\t') || r == 0x7f {
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

func tooLong(s string, limit int) bool {
	return len(s) > limit && utf8.RuneCountInString(s) > limit
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // only strings, numbers and checked ids go in
		return []byte(`{"type":"error","id":null,"code":"busy","text":""}`)
	}
	return b
}

func fault(id json.RawMessage, code string) []byte {
	return encode(errorFrame{"error", echo(id), code, textOf(code)})
}

func said(l channels.Line) []byte {
	f := messageFrame{Type: "message", Seq: l.Seq, Text: l.Message.Text, Options: []optionFrame{}}
	for _, o := range l.Message.Options {
		f.Options = append(f.Options, optionFrame(o))
	}
	if s := l.Message.Source; s != nil {
		f.Source = &sourceFrame{s.Title, s.URL}
	}
	return encode(f)
}
