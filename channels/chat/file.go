package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"gatehouse/channels"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

func (c *Channel) file(id, name, kind string, size int) channels.File {
	if name == "" {
		name = "file"
	}
	if kind == "" {
		kind = "application/octet-stream"
	}
	known := int64(size)
	if known <= 0 {
		known = -1
	}
	return channels.File{Name: name, Type: kind, Size: known, Open: func(ctx context.Context) (io.ReadCloser, error) {
		if known > int64(c.cfg.MaxFileBytes) {
			return nil, channels.ErrTooLarge
		}
		return c.download(ctx, id)
	}}
}

// download asks where the file lies and fetches it from the API's own host (Bot API, getFile): the library's link
// always names the public one.
func (c *Channel) download(ctx context.Context, id string) (io.ReadCloser, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.FileTimeout)
	body, err := c.fetch(ctx, id)
	if err != nil {
		cancel()
		return nil, err
	}
	return &bounded{body: body, left: int64(c.cfg.MaxFileBytes), cancel: cancel}, nil
}

func (c *Channel) fetch(ctx context.Context, id string) (io.ReadCloser, error) {
	path, err := c.where(ctx, id)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.cfg.APIURL+"/file/bot"+c.cfg.Token.Reveal()+"/"+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for file: %w", c.redact(err))
	}
	res, err := c.api.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("fetch file: %w", c.redact(err))
	}
	switch {
	case res.StatusCode != http.StatusOK:
		res.Body.Close()
		return nil, fmt.Errorf("fetch file: telegram answers %d", res.StatusCode)
	case res.ContentLength > int64(c.cfg.MaxFileBytes):
		res.Body.Close()
		return nil, channels.ErrTooLarge
	}
	return res.Body, nil
}

// where asks for the path of a file. What Telegram refuses for good, too large or gone, will not get better.
func (c *Channel) where(ctx context.Context, id string) (string, error) {
	result, e := c.method(ctx, "getFile", tg.Params{"file_id": id})
	if e != nil && e.Kind == channels.Rejected {
		return "", fmt.Errorf("%w: telegram does not give the file out", channels.ErrTooLarge)
	}
	if e != nil {
		return "", fmt.Errorf("get file: %w", e)
	}
	var f tg.File
	if err := json.Unmarshal(result, &f); err != nil || !isRelative(f.FilePath) {
		return "", fmt.Errorf("%w: telegram names no path", channels.ErrTooLarge)
	}
	return (&url.URL{Path: f.FilePath}).EscapedPath(), nil
}

// isRelative tells a path below the bot's own files.
func isRelative(path string) bool {
	return path != "" && path[0] != '/' && !strings.Contains(path, "..") && !strings.Contains(path, ":") && !strings.Contains(path, "\\")
}

// bounded fails with ErrTooLarge past its limit.
type bounded struct {
	body   io.ReadCloser
	left   int64
	cancel context.CancelFunc
}

func (b *bounded) Read(p []byte) (int, error) {
	// One byte more than is left is read, so that a file of just the limit ends as it should.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, channels.ErrTooLarge
	}
	return n, err
}

func (b *bounded) Close() error {
	defer b.cancel()
	return b.body.Close()
}
