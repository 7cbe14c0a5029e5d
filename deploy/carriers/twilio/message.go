package twilio

import (
	"encoding/json"
	"fmt"
	"time"
)

// Message is one text between a phone and the account.
type Message struct {
	// SID is Twilio's id: SM, or MM with media, and 32 hex digits.
	SID string `json:"sid"`
	// Person is the phone's number, Ours the account's number or sender name.
	Person string `json:"person"`
	Ours   string `json:"ours"`
	// Inbound: the phone wrote it.
	Inbound bool    `json:"inbound"`
	Body    string  `json:"body"`
	Media   []Media `json:"media,omitempty"`
	// Segments is what Twilio would bill.
	Segments int      `json:"segments"`
	Encoding Encoding `json:"encoding"`
	// Status is Twilio's: accepted, queued, sent, delivered, undelivered, failed; received for inbound.
	Status    string `json:"status"`
	ErrorCode int    `json:"error_code,omitempty"`
	// Direction is Twilio's: inbound, outbound-api, outbound-reply.
	Direction string `json:"direction"`
	// Handed tells how far the webhook of an inbound message got.
	Handed Handed `json:"handed,omitempty"`
	// Tries counts the requests made to hand it over; Note is what came of the last one that failed.
	Tries   int       `json:"tries,omitempty"`
	Note    string    `json:"note,omitempty"`
	Created time.Time `json:"created"`
	Sent    time.Time `json:"sent,omitzero"`
	Updated time.Time `json:"updated"`

	service  string // MessagingServiceSid
	callback string // StatusCallback
	deleted  bool   // by the API; the phone still shows it
}

// Handed tells how far an inbound message got.
type Handed string

// The ways of an inbound message.
const (
	// Waiting: the webhook was not answered with 2xx yet.
	Waiting Handed = "waiting"
	// Taken: it was.
	Taken Handed = "taken"
	// GivenUp: it was not, and is not tried any more.
	GivenUp Handed = "given up"
)

// Media is a picture or another file with a message.
type Media struct {
	SID  string `json:"sid,omitempty"`
	Type string `json:"type"`
	// URL is where an outbound picture lies; inbound ones have Data.
	URL     string    `json:"url,omitempty"`
	Data    []byte    `json:"data,omitempty"`
	Created time.Time `json:"created,omitzero"`
	// Deleted by the account: the API has it no more. The phone that sent it keeps its own.
	Deleted bool `json:"deleted,omitempty"`
}

func (m Message) weight() int {
	n := len(m.Body)
	for _, f := range m.Media {
		n += len(f.Data)
	}
	return n
}

func (m Message) from() string {
	if m.Inbound {
		return m.Person
	}
	return m.Ours
}

func (m Message) to() string {
	if m.Inbound {
		return m.Ours
	}
	return m.Person
}

// stamp is the form of the API's dates (RFC 2822 §3.3).
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC1123Z)
	return &s
}

// resource is Twilio's Message resource.
type resource struct {
	Body                string            `json:"body"`
	NumSegments         string            `json:"num_segments"`
	Direction           string            `json:"direction"`
	From                *string           `json:"from"`
	To                  string            `json:"to"`
	DateUpdated         *string           `json:"date_updated"`
	Price               *string           `json:"price"`
	ErrorMessage        *string           `json:"error_message"`
	URI                 string            `json:"uri"`
	AccountSID          string            `json:"account_sid"`
	NumMedia            string            `json:"num_media"`
	Status              string            `json:"status"`
	MessagingServiceSID *string           `json:"messaging_service_sid"`
	SID                 string            `json:"sid"`
	DateSent            *string           `json:"date_sent"`
	DateCreated         *string           `json:"date_created"`
	ErrorCode           *int              `json:"error_code"`
	PriceUnit           string            `json:"price_unit"`
	APIVersion          string            `json:"api_version"`
	SubresourceURIs     map[string]string `json:"subresource_uris"`
}

func (c *Carrier) resource(m Message) resource {
	uri := c.path("/Messages/" + m.SID)
	from := m.from()
	r := resource{
		Body: m.Body, NumSegments: fmt.Sprint(m.Segments), Direction: m.Direction, From: &from, To: m.to(),
		DateUpdated: stamp(m.Updated), URI: uri + ".json", AccountSID: c.cfg.AccountSID,
		NumMedia: fmt.Sprint(len(m.Media)), Status: m.Status, SID: m.SID, DateSent: stamp(m.Sent),
		DateCreated: stamp(m.Created), PriceUnit: "USD", APIVersion: apiVersion,
		SubresourceURIs: map[string]string{"media": uri + "/Media.json"},
	}
	if m.service != "" {
		r.MessagingServiceSID = &m.service
	}
	if m.Status == statusAccepted {
		r.From, r.NumSegments = nil, "0" // no sender was chosen yet
	}
	if m.ErrorCode != 0 {
		text := receiptErrors()[m.ErrorCode]
		r.ErrorCode, r.ErrorMessage = &m.ErrorCode, &text
	}
	return r
}

// mediaResource is Twilio's Media resource.
func (c *Carrier) mediaResource(m Message, f Media) map[string]any {
	return map[string]any{
		"sid": f.SID, "account_sid": c.cfg.AccountSID, "parent_sid": m.SID, "content_type": f.Type,
		"date_created": stamp(f.Created), "date_updated": stamp(f.Created),
		"uri": c.path("/Messages/" + m.SID + "/Media/" + f.SID + ".json"),
	}
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(`{}`) // unreachable: the types above always encode
	}
	return b
}
