package sms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"gatehouse/channels"
)

// twilioHost is the host that media URLs name also when the API is reached by another way.
const twilioHost = "api.twilio.com"

var errForeign = errors.New("media lies on a foreign host")

// mediaURL lets through only media of the API that we use: whatever a webhook names, our credentials and our
// requests go nowhere else.
func (c *Channel) mediaURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.User != nil || u.Fragment != "" || u.RawQuery != "" {
		return nil, fmt.Errorf("%w: MediaUrl", errIncomplete)
	}
	path := u.EscapedPath()
	switch {
	case u.Scheme == c.base.Scheme && u.Host == c.base.Host:
		path = strings.TrimPrefix(path, c.base.EscapedPath())
	case u.Scheme == "https" && u.Host == twilioHost:
	default:
		return nil, fmt.Errorf("%w: %w", errIncomplete, errForeign)
	}
	if !strings.HasPrefix(path, "/2010-04-01/Accounts/") || strings.Contains(u.Path, "..") {
		return nil, fmt.Errorf("%w: MediaUrl", errIncomplete)
	}
	return url.Parse(c.cfg.BaseURL + path)
}

// mayFollow allows the redirect of the API to Twilio's own stores, by https, and back to the API. net/http would take
// our credentials along to another port or a subdomain.
func (c *Channel) mayFollow(r *http.Request, via []*http.Request) error {
	ours := r.URL.Scheme == c.base.Scheme && r.URL.Host == c.base.Host
	if len(via) > 3 || !ours && (r.URL.Scheme != "https" || !c.isMediaHost(r.URL.Host)) {
		return errForeign
	}
	if !ours {
		r.Header.Del("Authorization")
	}
	return nil
}

func (c *Channel) file(i int, u *url.URL, claimed string) channels.File {
	kind, _, err := mime.ParseMediaType(claimed)
	if err != nil {
		kind = "application/octet-stream"
	}
	return channels.File{
		Name: "mms-" + strconv.Itoa(i+1) + extension(kind), Type: kind, Size: -1,
		Open: func(ctx context.Context) (io.ReadCloser, error) { return c.download(ctx, u) },
	}
}

// clear deletes media that the Inbox has taken from Twilio's store, where they would lie for years (Twilio, "Media
// resource: delete"). What fails fails the webhook: Twilio hands the message over again, the Inbox knows it without
// its files, and the deletion is tried once more.
func (c *Channel) clear(ctx context.Context, media []*url.URL) error {
	for _, u := range media {
		res, err := c.ask(ctx, http.MethodDelete, u)
		if err != nil {
			return fmt.Errorf("delete media: %w", err)
		}
		res.Body.Close()
		if res.StatusCode >= 300 && res.StatusCode != http.StatusNotFound { // gone already is as good
			return fmt.Errorf("delete media: twilio answers %d", res.StatusCode)
		}
	}
	return nil
}

func (c *Channel) ask(ctx context.Context, method string, u *url.URL) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, bare(err)
	}
	r.SetBasicAuth(c.cfg.AccountSID, c.cfg.AuthToken.Reveal())
	res, err := c.media.Do(r)
	if err != nil {
		return nil, bare(err)
	}
	return res, nil
}

func (c *Channel) download(ctx context.Context, u *url.URL) (io.ReadCloser, error) {
	res, err := c.ask(ctx, http.MethodGet, u)
	if err != nil {
		return nil, fmt.Errorf("fetch media: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("fetch media: twilio answers %d", res.StatusCode)
	}
	if res.ContentLength > int64(c.cfg.MaxMediaBytes) {
		res.Body.Close()
		return nil, channels.ErrTooLarge
	}
	return &bounded{ReadCloser: res.Body, left: int64(c.cfg.MaxMediaBytes)}, nil
}

// bounded fails with ErrTooLarge past its limit.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	// One byte more than is left is read, so that a file of just the limit ends as it should.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, channels.ErrTooLarge
	}
	return n, err
}

// extension names a file for people; what it really holds is found by its content later.
func extension(kind string) string {
	switch kind {
	case "image/jpeg":
		return ".jpg"
	case "image/png":
		return ".png"
	case "image/gif":
		return ".gif"
	case "image/heic":
		return ".heic"
	case "application/pdf":
		return ".pdf"
	case "video/mp4":
		return ".mp4"
	case "audio/amr":
		return ".amr"
	case "text/vcard", "text/x-vcard":
		return ".vcf"
	}
	return ".bin"
}

// bare is err without the URL that net/http puts before it: a query names a telephone number.
func bare(err error) error {
	if u := new(url.Error); errors.As(err, &u) {
		return u.Err
	}
	return err
}
