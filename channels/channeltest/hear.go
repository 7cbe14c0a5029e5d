package channeltest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"gatehouse/channels"
)

func hearsText(t *testing.T, b *house) {
	for i, text := range []string{
		Marker + " plain",
		Marker + " déjà vu & 100 % + \"more\" = <b>?",
		Marker + " مرحبا ٣ 街灯坏了 😀",
		Marker + " two\nlines",
		Marker + strings.Repeat(" long", 150),
	} {
		b.deliver(t, said(i+1, text), Taken)
		m := b.inbox.last(t)
		if got := strings.TrimSpace(strings.ReplaceAll(m.Text, "\r\n", "\n")); got != text {
			t.Errorf("heard %q, want %q", got, text)
		}
		b.checkInbound(t, m)
	}
	if n := len(b.inbox.Messages()); n != 5 {
		t.Errorf("heard %d messages, want 5", n)
	}
}

func (b *house) checkInbound(t *testing.T, m channels.Message) {
	t.Helper()
	name := b.Channel.Name()
	if !strings.HasPrefix(m.ID, name+":") || len(m.ID) <= len(name)+1 {
		t.Errorf("id %q does not begin with the channel's name %q", m.ID, name)
	}
	if m.From != b.person {
		t.Errorf("from %q, want %q", m.From.String(), b.person.String())
	}
	if m.At.IsZero() {
		t.Error("no time")
	}
	if m.Trust == "" {
		t.Error("no trust")
	}
}

func hearsFiles(t *testing.T, b *house) {
	want := File{Name: "photo.jpg", Type: "image/jpeg", Bytes: bytes.Repeat([]byte("\xff\xd8 kelp \x00"), 9000)}
	s := said(1, Marker+" with a file")
	s.Files = []File{want}
	b.deliver(t, s, Taken)
	m := b.inbox.last(t)
	if len(m.Files) != 1 {
		t.Fatalf("heard %d files, want 1", len(m.Files))
	}
	f := m.Files[0]
	if !strings.HasPrefix(f.Type, want.Type) {
		t.Errorf("type %q, want %q", f.Type, want.Type)
	}
	for range 2 {
		r, err := f.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil || !bytes.Equal(got, want.Bytes) {
			t.Errorf("read %d bytes of the file (%v), want its %d", len(got), err, len(want.Bytes))
		}
	}
}

func repeatsAreTheSame(t *testing.T, b *house) {
	s := said(1, Marker+" again and again")
	b.deliver(t, s, Taken)
	b.deliver(t, s, Taken)
	if n := len(b.inbox.Messages()); n != 1 {
		t.Errorf("a redelivery made %d messages", n)
	}
	b.deliver(t, said(2, s.Text), Taken)
	if n := len(b.inbox.Messages()); n != 2 {
		t.Errorf("the same words said twice are %d messages, want 2", n)
	}
}

func fourAtOnce(t *testing.T, b *house) {
	s := said(1, Marker+" four times")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { b.deliver(t, s, Taken) })
	}
	all.Wait()
	if n := len(b.inbox.Messages()); n != 1 {
		t.Errorf("one message delivered four times at once became %d", n)
	}
}

func acknowledgesOnlyStored(t *testing.T, b *house) {
	for i, cause := range []error{channels.ErrBusy, errors.New("disk is full")} {
		s := said(i+1, Marker+" not stored at first")
		b.inbox.FailNext(1, cause)
		b.deliver(t, s, Again)
		b.deliver(t, s, Taken)
		if n := len(b.inbox.Messages()); n != i+1 {
			t.Errorf("after %v and a redelivery there are %d messages, want %d", cause, n, i+1)
		}
	}
}

func refusesForGood(t *testing.T, b *house) {
	for i, cause := range []error{channels.ErrTooLarge, channels.ErrNotForUs} {
		b.inbox.FailNext(1, cause)
		ctx := within(t)
		if got := b.Carrier.Deliver(ctx, said(i+1, Marker+" refused")); got == Again {
			t.Errorf("%v: the carrier is asked to come again", cause)
		}
	}
	b.inbox.FailNext(0, nil)
	b.deliver(t, said(9, Marker+" after refusals"), Taken)
}

func survivesHostile(t *testing.T, b *house) {
	for name, attack := range b.Carrier.Hostile {
		attack(within(t))
		if m, r := len(b.inbox.Messages()), len(b.inbox.Receipts()); m != 0 || r != 0 {
			t.Fatalf("%s: %d messages accepted, %d receipts reported", name, m, r)
		}
	}
	b.deliver(t, said(1, Marker+" after the attacks"), Taken)
	if n := len(b.inbox.Messages()); n != 1 {
		t.Errorf("after the attacks %d messages are heard, want 1", n)
	}
}

func reportsReceipts(t *testing.T, b *house) {
	for _, state := range []channels.State{channels.Delivered, channels.Failed} {
		sent := b.send(t, b.message(Marker+" to be receipted"))
		if got := b.Carrier.Tell(within(t), sent, state); got != Taken {
			t.Fatalf("receipt %s was answered %s", state, got)
		}
		Eventually(t, "the receipt is reported", func() bool { return len(b.inbox.Receipts()) > 0 })
		r := b.inbox.Receipts()[len(b.inbox.Receipts())-1]
		if r.MessageID != sent.MessageID && (sent.CarrierID == "" || r.CarrierID != sent.CarrierID) {
			t.Errorf("receipt of %q/%q, want %q/%q", r.MessageID, r.CarrierID, sent.MessageID, sent.CarrierID)
		}
		if r.State != state || (r.Err != nil) != (state == channels.Failed) || r.Channel != b.Channel.Name() || r.At.IsZero() {
			t.Errorf("receipt %+v, want state %s", r, state)
		}
	}
}

func reportsUntilStored(t *testing.T, b *house) {
	sent := b.send(t, b.message(Marker+" to be receipted"))
	b.inbox.FailNext(1, channels.ErrBusy)
	if got := b.Carrier.Tell(within(t), sent, channels.Delivered); got != Again {
		t.Errorf("a receipt that was not stored is answered %s", got)
	}
	if got := b.Carrier.Tell(within(t), sent, channels.Delivered); got != Taken {
		t.Errorf("the receipt told again is answered %s", got)
	}
}

func stopsCleanly(t *testing.T, b *house) {
	b.deliver(t, said(1, Marker+" before the end"), Taken)
	b.stop()
}

// deliver hands s over and wants one answer. It may run on any goroutine.
func (b *house) deliver(t *testing.T, s Said, want Answer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if got := b.Carrier.Deliver(ctx, s); got != want {
		t.Errorf("delivery %s is %q, want %q; log: %s", s.ID, got, want, b.log)
	}
}
