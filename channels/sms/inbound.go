package sms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"gatehouse/channels"
)

// maxFiles is the most media that Twilio sends with one message.
const maxFiles = 10

// Mount registers the two webhooks: POST /hooks/sms for what people write, POST /hooks/sms/status for receipts.
func (c *Channel) Mount(mux *http.ServeMux, in channels.Inbox) {
	mux.HandleFunc("POST /hooks/sms", func(w http.ResponseWriter, r *http.Request) {
		c.signed(w, r, func(ctx context.Context, f *form) error { return c.hear(ctx, f, in) })
	})
	mux.HandleFunc("POST /hooks/sms/status", func(w http.ResponseWriter, r *http.Request) {
		c.signed(w, r, func(ctx context.Context, f *form) error { return c.report(ctx, r.URL.Query().Get("id"), f, in) })
	})
}

// errIncomplete marks a signed webhook without what makes it a message.
var errIncomplete = errors.New("webhook lacks a field")

// signed reads the form, checks its signature, lets handle store it, and only then answers.
func (c *Channel) signed(w http.ResponseWriter, r *http.Request, handle func(context.Context, *form) error) {
	f := c.forms.Get().(*form)
	defer c.forms.Put(f)
	if err := f.read(http.MaxBytesReader(w, r.Body, maxForm+1)); err != nil {
		status := http.StatusBadRequest
		if big := new(http.MaxBytesError); errors.Is(err, errFormSize) || errors.As(err, &big) {
			status = http.StatusRequestEntityTooLarge
		}
		w.WriteHeader(status)
		return
	}
	if !c.signer.valid(r.URL.RequestURI(), f, r.Header.Get(signatureHeader)) {
		c.shared.Log.WarnContext(r.Context(), "sms webhook with a wrong signature", "path", r.URL.Path)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	err := handle(r.Context(), f)
	if err != nil {
		c.shared.Log.WarnContext(r.Context(), "sms webhook not taken", "path", r.URL.Path, "err", err)
		w.WriteHeader(statusOf(err))
		return
	}
	// An empty TwiML answer: our reply goes out through the API, where it has an id and receipts.
	w.Header().Set("Content-Type", "text/xml")
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><Response/>`)
}

// Genuine tells whether Twilio signed a webhook with this body, posted to uri, its path and query. The handlers of
// Mount check so themselves; a body over 64 KiB or one that is no form is not genuine.
func (c *Channel) Genuine(uri string, body io.Reader, signature string) bool {
	f := c.forms.Get().(*form)
	defer c.forms.Put(f)
	return f.read(body) == nil && c.signer.valid(uri, f, signature)
}

// statusOf is what Twilio is told: 5xx asks for a repeat, 4xx gives the message up.
func statusOf(err error) int {
	switch {
	case errors.Is(err, errIncomplete):
		return http.StatusBadRequest
	case errors.Is(err, channels.ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, channels.ErrNotForUs):
		return http.StatusNotFound
	}
	return http.StatusServiceUnavailable
}

// hear turns one webhook into a Message (Twilio, "Messaging webhooks: parameters in Twilio's request").
func (c *Channel) hear(ctx context.Context, f *form, in channels.Inbox) error {
	sid, from := f.get("MessageSid"), f.get("From")
	if !isSID(sid) || !isNumber(from) {
		return errIncomplete
	}
	m := channels.Message{
		ID: "sms:" + sid, From: c.address(from), To: c.address(f.get("To")), At: c.shared.Now(),
		Text: strings.ToValidUTF8(f.get("Body"), "\uFFFD"), Trust: channels.CarrierVerified, OptOut: optOut(f.get("OptOutType")),
	}
	media, err := c.mediaOf(f)
	if err != nil {
		return err
	}
	for i, u := range media {
		m.Files = append(m.Files, c.file(i, u, f.get("MediaContentType"+strconv.Itoa(i))))
	}
	if err := channels.TakeIn(ctx, in, m); err != nil {
		return err
	}
	return c.clear(ctx, media)
}

// mediaOf lists where the media of a message lie; their bytes are fetched when they are opened.
func (c *Channel) mediaOf(f *form) ([]*url.URL, error) {
	count := f.get("NumMedia")
	if count == "" || count == "0" {
		return nil, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > maxFiles {
		return nil, fmt.Errorf("%w: NumMedia", errIncomplete)
	}
	media := make([]*url.URL, n)
	for i := range media {
		if media[i], err = c.mediaURL(f.get("MediaUrl" + strconv.Itoa(i))); err != nil {
			return nil, err
		}
	}
	return media, nil
}

// optOut is the keyword that Twilio acted on before we saw the message.
func optOut(s string) channels.OptOut {
	switch o := channels.OptOut(s); o {
	case channels.OptedOut, channels.OptedIn, channels.AskedHelp:
		return o
	}
	return channels.NoOptEvent
}

// isSID tells a string that can be a carrier's id: short, letters and digits.
func isSID(s string) bool { return s != "" && len(s) <= 64 && isAlphanumeric(s) }
