package twilio

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"
	"unicode/utf16"

	"gatehouse/deploy/carriers/faults"
)

// The statuses of an outbound message.
const (
	statusAccepted    = "accepted"
	statusQueued      = "queued"
	statusSent        = "sent"
	statusDelivered   = "delivered"
	statusUndelivered = "undelivered"
	statusFailed      = "failed"
)

// MaxBody is the longest text that the API takes, in UTF-16 units.
const MaxBody = 1600

var (
	serviceForm = regexp.MustCompile(`^MG[0-9a-f]{32}$`)
	// senderForm is an alphanumeric sender: at most 11 characters, at least one letter.
	senderForm = regexp.MustCompile(`^[A-Za-z0-9 +&_-]{0,10}[A-Za-z][A-Za-z0-9 +&_-]{0,10}$`)
)

func (c *Carrier) create(w http.ResponseWriter, r *http.Request) *problem {
	c.counts.creates.Add(1)
	if err := r.ParseForm(); err != nil {
		return bad(20001, "The form can't be read")
	}
	m, p := c.compose(r.PostForm)
	if p != nil {
		return p
	}
	f := c.house.Book.Strike(faults.SMS, faults.Handover, m.Person, m.Body)
	if p := refusal(f, m); p != nil {
		return p
	}
	if refuse(w, f) {
		return nil
	}
	if c.Stopped(m.Person) || f.Kind == faults.Stopped {
		return bad(21610, "Attempt to send to unsubscribed recipient")
	}
	m = c.take(m)
	if f.Kind == faults.Lost {
		hangUp(w)
		return nil
	}
	if f.Kind == faults.Slow {
		pause(r, f.After)
	}
	respond(w, http.StatusCreated, c.resource(m))
	return nil
}

// compose reads and checks a request to send, in Twilio's order and with its codes.
func (c *Carrier) compose(q url.Values) (Message, *problem) {
	m := Message{
		Person: q.Get("To"), Ours: q.Get("From"), Body: q.Get("Body"), Status: statusQueued,
		Direction: "outbound-api", service: q.Get("MessagingServiceSid"), callback: q.Get("StatusCallback"),
	}
	for _, u := range q["MediaUrl"] {
		m.Media = append(m.Media, Media{URL: u})
	}
	if p := c.checkEnds(&m); p != nil {
		return m, p
	}
	switch v, set := q["ValidityPeriod"]; {
	case m.Body == "" && len(m.Media) == 0:
		return m, bad(21602, "Message body is required.")
	case units(m.Body) > MaxBody:
		return m, bad(21617, "The concatenated message body exceeds the %d character limit", MaxBody)
	case len(m.Media) > MaxPictures:
		return m, bad(21623, "Number of media files exceeds allowed limit.")
	case m.callback != "" && !isURL(m.callback):
		return m, bad(21609, "The StatusCallback URL %s is not a valid URL.", m.callback)
	case set && !validity(v[0]):
		return m, bad(20001, "ValidityPeriod is not between 1 and 36000")
	}
	for _, f := range m.Media {
		if !isURL(f.URL) {
			return m, bad(21620, "Invalid media URL(s)")
		}
	}
	return m, nil
}

func (c *Carrier) checkEnds(m *Message) *problem {
	switch {
	case m.Person == "":
		return bad(21604, "A 'To' phone number is required.")
	case m.Ours == "" && m.service == "":
		return bad(21603, "A 'From' phone number is required.")
	case !numberForm.MatchString(m.Person):
		return bad(21211, "Invalid 'To' Phone Number: %s", hidden(m.Person))
	case m.service != "" && !serviceForm.MatchString(m.service):
		return notFound("/Services/" + m.service)
	case m.service != "" && m.Ours == "":
		m.Ours, m.Status = c.Number(), statusAccepted
	case numberForm.MatchString(m.Ours) && !c.ours(m.Ours):
		return bad(21606, "The 'From' phone number provided (%s) is not a valid message-capable Twilio phone number for this destination.", m.Ours)
	case !numberForm.MatchString(m.Ours) && !senderForm.MatchString(m.Ours) || len(m.Ours) > 16:
		return bad(21212, "Invalid 'From' Phone Number: %s", hidden(m.Ours))
	case m.Ours == m.Person:
		return bad(21266, "'To' and 'From' number cannot be the same")
	}
	return nil
}

// hidden shows the first digits of a number, as Twilio does.
func hidden(s string) string {
	r := []rune(s)
	if len(r) > 8 {
		return string(r[:8]) + "XXXX"
	}
	return s
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }

func validity(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 1 && n <= 36000
}

// refusal is the answer to a message that a fault keeps from being taken; nil when it is taken, or when there is no
// answer at all.
func refusal(f faults.Fault, m Message) *problem {
	switch f.Kind {
	case faults.Throttled:
		return &problem{status: http.StatusTooManyRequests, code: 20429, message: "Too Many Requests", after: f.After}
	case faults.Temporary:
		return &problem{status: http.StatusServiceUnavailable, code: 20503, message: "Service is unavailable"}
	case faults.Invalid:
		return bad(21211, "Invalid 'To' Phone Number: %s", hidden(m.Person))
	case faults.Landline:
		return bad(21614, "'To' number: %s, is not a valid mobile number", hidden(m.Person))
	case faults.Unauthorized:
		return unauthorized()
	}
	return nil
}

// refuse carries out the faults that are no answer of the API; true when it did.
func refuse(w http.ResponseWriter, f faults.Fault) bool {
	switch f.Kind {
	case faults.Refused:
		hangUp(w)
	case faults.Garbled:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"))
	default:
		return false
	}
	return true
}

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: the server's own way to abort
	}
	conn.Close()
}

func pause(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// take gives a message its SID, puts it on the phone and starts its receipts.
func (c *Carrier) take(m Message) Message {
	m.Segments, m.Encoding = Segments(m.Body)
	kind := "SM"
	if len(m.Media) > 0 {
		kind, m.Segments = "MM", 1
	}
	m.Created = c.house.Now()
	m.Updated = m.Created
	c.counts.taken.Add(1)
	seq := c.messages.Add(m.Person, func(seq uint64) Message {
		m.SID = c.sid(kind, seq)
		return m
	})
	c.deliver(seq, m)
	return m
}
