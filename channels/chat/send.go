package chat

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"sync"
	"time"
	"unicode/utf16"

	"gatehouse/channels"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// Send hands m to Telegram: its text with its buttons, its files as documents. A text over MaxText is Rejected. One
// request carries all where Telegram can: a short text travels as the caption of the first file.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	chat, e := c.sendable(m)
	if e != nil {
		return channels.Receipt{}, e
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout(m))
	defer cancel()
	release, e := c.enter(ctx)
	if e != nil {
		return channels.Receipt{}, e
	}
	defer release()
	result, e := c.deliver(ctx, chat, m)
	if e != nil {
		return channels.Receipt{}, e
	}
	id, ok := messageID(result)
	if !ok {
		return channels.Receipt{}, &channels.Error{Kind: channels.Temporary, Err: errors.New("answer without a message id"), Uncertain: true}
	}
	return channels.Receipt{MessageID: m.ID, CarrierID: id, Channel: c.Name(), State: channels.Accepted, At: c.shared.Now()}, nil
}

func (c *Channel) sendable(m channels.Message) (int64, *channels.Error) {
	rejected := func(why string) (int64, *channels.Error) {
		return 0, &channels.Error{Kind: channels.Rejected, Err: errors.New(why)}
	}
	chat, err := strconv.ParseInt(m.To.Value, 10, 64)
	if err != nil || chat == 0 {
		return 0, &channels.Error{Kind: channels.Unreachable, Err: errors.New("not a chat id")}
	}
	switch {
	case m.Text == "" && len(m.Files) == 0:
		return rejected("the text is empty")
	case units(m.Text) > MaxText:
		return rejected("the text is too long")
	case len(m.Files) > maxFiles:
		return rejected("too many files")
	case len(m.Options) > maxButtons:
		return rejected("too many options")
	}
	for _, o := range m.Options {
		if o.Label == "" || o.Value == "" || len(o.Value) > maxData {
			return rejected("an option is empty or over 64 bytes")
		}
	}
	for _, f := range m.Files {
		if f.Size > maxUpload {
			return rejected("a file is too large")
		}
	}
	return chat, nil
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }

// timeout leaves files the time that they take.
func (c *Channel) timeout(m channels.Message) time.Duration {
	if len(m.Files) > 0 {
		return c.cfg.FileTimeout
	}
	return c.cfg.Timeout
}

// enter waits for a free slot.
func (c *Channel) enter(ctx context.Context) (func(), *channels.Error) {
	if err := ctx.Err(); err != nil {
		return nil, &channels.Error{Kind: channels.Temporary, Err: err}
	}
	select {
	case c.slots <- struct{}{}:
		return func() { <-c.slots }, nil
	case <-ctx.Done():
		return nil, &channels.Error{Kind: channels.Temporary, Err: ctx.Err()}
	}
}

// deliver makes the one request that m needs, or two when a long text goes with files: files first, because they
// fail more often and a repeat would double what went before.
func (c *Channel) deliver(ctx context.Context, chat int64, m channels.Message) (json.RawMessage, *channels.Error) {
	keys := keyboard(m)
	if len(m.Files) == 0 {
		return c.text(ctx, chat, m.Text, keys)
	}
	whole := units(m.Text) <= maxCaption && (len(m.Files) == 1 || keys == nil) // albums have no buttons
	caption := ""
	if whole {
		caption = m.Text
	}
	result, e := c.documents(ctx, chat, m.Files, caption, keys, whole)
	if e != nil || whole {
		return result, e
	}
	return c.text(ctx, chat, m.Text, keys)
}

func (c *Channel) text(ctx context.Context, chat int64, text string, keys any) (json.RawMessage, *channels.Error) {
	msg := tg.NewMessage(chat, text)
	// A preview would make Telegram's servers open links that may carry a person's own token.
	msg.DisableWebPagePreview = true
	msg.ReplyMarkup = keys
	return c.call(ctx, func(b *tg.BotAPI) (*tg.APIResponse, error) { return b.Request(msg) })
}

func (c *Channel) documents(ctx context.Context, chat int64, files []channels.File, caption string, keys any, last bool) (json.RawMessage, *channels.Error) {
	uploads, closeAll, err := open(ctx, files)
	defer closeAll()
	if err != nil {
		return nil, &channels.Error{Kind: channels.Temporary, Err: errors.New("a file to send can't be read")}
	}
	result, e := c.call(ctx, func(b *tg.BotAPI) (*tg.APIResponse, error) {
		if len(uploads) == 1 {
			doc := tg.NewDocument(chat, uploads[0])
			doc.Caption = caption
			if last {
				doc.ReplyMarkup = keys
			}
			return b.Request(doc)
		}
		return b.Request(album(chat, uploads, caption))
	})
	if e != nil && broken(uploads) {
		// The request was cut short by our own file, so Telegram has not got the whole of it.
		e.Uncertain = false
	}
	return result, e
}

func album(chat int64, uploads []tg.FileReader, caption string) tg.MediaGroupConfig {
	var media []any
	for i, u := range uploads {
		doc := tg.NewInputMediaDocument(u)
		if i == 0 {
			doc.Caption = caption
		}
		media = append(media, doc)
	}
	return tg.NewMediaGroup(chat, media)
}

// source is one of our files on its way out. The library reads it on a goroutine that may outlive the request, so
// Close waits for a Read under way and ends all later ones.
type source struct {
	mu     sync.Mutex
	body   io.ReadCloser
	failed bool
	closed bool
}

func (s *source) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, io.ErrClosedPipe
	}
	n, err := s.body.Read(p)
	s.failed = s.failed || err != nil && !errors.Is(err, io.EOF)
	return n, err
}

func (s *source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.body.Close()
}

func (s *source) broken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

func open(ctx context.Context, files []channels.File) (uploads []tg.FileReader, closeAll func(), err error) {
	closeAll = func() {
		for _, u := range uploads {
			u.Reader.(*source).Close()
		}
	}
	for _, f := range files {
		r, err := f.Open(ctx)
		if err != nil {
			return uploads, closeAll, err
		}
		uploads = append(uploads, tg.FileReader{Name: f.Name, Reader: &source{body: r}})
	}
	return uploads, closeAll, nil
}

func broken(uploads []tg.FileReader) bool {
	for _, u := range uploads {
		if u.Reader.(*source).broken() {
			return true
		}
	}
	return false
}

// messageID reads the id of a sent message, or of the first of an album.
func messageID(result json.RawMessage) (string, bool) {
	type sent struct {
		ID int64 `json:"message_id"`
	}
	var one sent
	if json.Unmarshal(result, &one) != nil {
		var many []sent
		if json.Unmarshal(result, &many) != nil || len(many) == 0 {
			return "", false
		}
		one = many[0]
	}
	return strconv.FormatInt(one.ID, 10), one.ID != 0
}
