package channels_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"gatehouse/channels"
)

// strict takes no message with files.
type strict struct {
	channels.Inbox
	err  error
	kept []channels.Message
}

func (s *strict) Accept(_ context.Context, m channels.Message) error {
	if len(m.Files) > 0 {
		return fmt.Errorf("accept: %w", s.err)
	}
	s.kept = append(s.kept, m)
	return nil
}

func TestTakeInKeepsTheWords(t *testing.T) {
	m := channels.Message{ID: "sms:1", Text: "the lamp is out", Files: []channels.File{{Name: "a.mov"}, {Name: "b.mov"}}}
	s := &strict{err: channels.ErrTooLarge}
	if err := channels.TakeIn(t.Context(), s, m); err != nil || len(s.kept) != 1 || s.kept[0].Text != m.Text || s.kept[0].LeftOut != 2 {
		t.Errorf("kept %+v, %v", s.kept, err)
	}
	s = &strict{err: channels.ErrBusy}
	if err := channels.TakeIn(t.Context(), s, m); !errors.Is(err, channels.ErrBusy) || len(s.kept) != 0 {
		t.Errorf("a busy inbox: kept %+v, %v", s.kept, err)
	}
}
