package twilio

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatehouse/deploy/carriers/courier"
)

const (
	// hookTimeout is how long Twilio waits for an answer.
	hookTimeout = 15 * time.Second
	// maxAnswer bounds the answer of a webhook, as Twilio bounds TwiML.
	maxAnswer = 64 << 10
	// longestBackoff between two tries, so that a gateway that came back is found soon.
	longestBackoff = 2 * time.Second
)

// Sign is Twilio's signature of a webhook (https://www.twilio.com/docs/usage/security#validating-requests): HMAC-SHA1
// with the auth token over the URL and all form fields, sorted by name.
func Sign(token, hook string, q url.Values) string {
	var b strings.Builder
	b.WriteString(hook)
	for _, k := range slices.Sorted(maps.Keys(q)) {
		for _, v := range q[k] {
			b.WriteString(k + v)
		}
	}
	h := hmac.New(sha1.New, []byte(token))
	h.Write([]byte(b.String()))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// outcome is what came of a webhook.
type outcome struct {
	status int   // 0: no answer
	err    error // why there was none
	kind   string
	body   []byte
}

func (o outcome) ok() bool { return o.status >= 200 && o.status < 300 }

// note says in a few words what went wrong; empty when nothing did.
func (o outcome) note() string {
	switch {
	case o.err != nil:
		return "no answer"
	case !o.ok():
		return fmt.Sprintf("HTTP %d", o.status)
	}
	return ""
}

// post makes one signed request. key is the same for a repeated one.
func (c *Carrier) post(ctx context.Context, hook string, q url.Values, key string) outcome {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook, strings.NewReader(q.Encode()))
	if err != nil {
		return outcome{err: err}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	req.Header.Set("User-Agent", "TwilioProxy/1.1")
	req.Header.Set("Accept", "*/*")
	req.Header.Set("I-Twilio-Idempotency-Token", key)
	req.Header.Set("X-Twilio-Signature", Sign(c.cfg.AuthToken.Reveal(), hook, q))
	res, err := c.client.Do(req)
	if err != nil {
		return outcome{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return outcome{status: res.StatusCode, err: err, kind: kind, body: body}
}

// again tells when to try once more. What the gateway refused for good (4xx) is not repeated.
func (c *Carrier) again(o outcome, attempt int, began time.Time) time.Duration {
	passing := o.err != nil || o.status >= 500 || o.status == http.StatusTooManyRequests
	switch {
	case o.ok() || !passing:
		return courier.Done
	case c.cfg.RetryFor == 0 && o.err != nil && attempt == 1:
		return 0
	case time.Since(began) >= c.cfg.RetryFor:
		return courier.Done
	}
	return courier.Backoff(attempt, longestBackoff)
}
