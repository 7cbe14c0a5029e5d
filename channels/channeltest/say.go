package channeltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/channels"
)

func said(n int, text string) Said { return Said{ID: strconv.Itoa(n), Text: text} }

// message is one of ours to the person, recorded in the history as the store does before it is sent.
func (b *house) message(text string) channels.Message {
	m := channels.Message{
		ID: newID(), From: b.Own, To: b.person, At: time.Now(), Lang: "en",
		Subject: "Your question", Text: text, Queue: channels.Reply,
	}
	b.history.Append(m)
	return m
}

func (b *house) send(t *testing.T, m channels.Message) channels.Receipt {
	t.Helper()
	r, err := b.Channel.Send(within(t), m)
	if err != nil {
		t.Fatalf("send: %v", err)
	}
	return r
}

func saysText(t *testing.T, b *house) {
	for _, text := range []string{Marker + " plain", Marker + " déjà & مرحبا 街灯 😀 <b>", Marker + "\ntwo lines"} {
		m := b.message(text)
		r := b.send(t, m)
		if r.MessageID != m.ID || r.Channel != b.Channel.Name() || r.At.IsZero() || r.Err != nil {
			t.Errorf("receipt %+v of message %s", r, m.ID)
		}
		if r.State != channels.Accepted && r.State != channels.Delivered {
			t.Errorf("state %q", r.State)
		}
		s := b.arrived(t, text)
		if s.To != b.person.Value {
			t.Errorf("sent to %q, want %q", s.To, b.person.Value)
		}
	}
	if n := len(b.Carrier.Sent()); n != 3 {
		t.Errorf("%d messages arrived, want 3", n)
	}
}

// arrived waits for the message that holds text.
func (b *house) arrived(t *testing.T, text string) (found Sent) {
	t.Helper()
	Eventually(t, fmt.Sprintf("%q arrives at the carrier", text), func() bool {
		for _, s := range b.Carrier.Sent() {
			if strings.Contains(strings.ReplaceAll(s.Text, "\r\n", "\n"), text) {
				found = s
				return true
			}
		}
		return false
	})
	return found
}

func saysFiles(t *testing.T, b *house) {
	want := bytes.Repeat([]byte("%PDF-1.7 kelp\x00\n"), 5000)
	m := b.message(Marker + " with a document")
	m.Files = []channels.File{{
		Name: "decision.pdf", Type: "application/pdf", Size: int64(len(want)),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(want)), nil },
	}}
	b.send(t, m)
	b.arrived(t, m.Text)
	var files []File
	for _, s := range b.Carrier.Sent() {
		files = append(files, s.Files...)
	}
	if len(files) != 1 || files[0].Name != "decision.pdf" || !bytes.Equal(files[0].Bytes, want) {
		t.Errorf("%d files arrived, want the one", len(files))
	}
}

func saysOptions(t *testing.T, b *house) {
	m := b.message(Marker + " which one? 1 Tuesday 2 Thursday")
	m.Options = []channels.Option{{Label: "Tuesday", Value: "1"}, {Label: "Thursday", Value: "2"}}
	b.send(t, m)
	s := b.arrived(t, m.Text)
	for _, o := range m.Options {
		if !strings.Contains(s.Text+strings.Join(s.Options, "\n"), o.Label) {
			t.Errorf("option %q is not shown", o.Label)
		}
	}
}

func saysManyAtOnce(t *testing.T, b *house) {
	const many = 24
	var all sync.WaitGroup
	for i := range many {
		m := b.message(fmt.Sprintf("%s number (%d)", Marker, i))
		all.Go(func() {
			if _, err := b.Channel.Send(within(t), m); err != nil {
				t.Errorf("send: %v", err)
			}
		})
	}
	all.Wait()
	for i := range many {
		b.arrived(t, fmt.Sprintf("number (%d)", i))
	}
	if n := len(b.Carrier.Sent()); n != many {
		t.Errorf("%d messages arrived, want %d", n, many)
	}
}

func saysNothingCancelled(t *testing.T, b *house) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Channel.Send(ctx, b.message(Marker+" too late"))
	if e := b.checkError(t, err); e.Uncertain || e.Kind != channels.Temporary {
		t.Errorf("before anything was sent the error is %v, uncertain %v", err, e.Uncertain)
	}
	if n := len(b.Carrier.Sent()); n != 0 {
		t.Errorf("%d messages arrived, want none", n)
	}
}

func namesKinds(t *testing.T, b *house) {
	for _, f := range b.h.Can.Faults {
		if f == Lost || f == Silent {
			continue
		}
		b.Carrier.Fail(f)
		_, err := b.Channel.Send(within(t), b.message(Marker+" refused"))
		e := b.checkError(t, err)
		if string(e.Kind) != string(f) || e.Uncertain {
			t.Errorf("%s became %v, uncertain %v", f, err, e.Uncertain)
		}
		if f == Throttled && e.After <= 0 {
			t.Errorf("throttled without saying how long: %v", err)
		}
		b.send(t, b.message(Marker+" after "+string(f)))
	}
}

// checkError wants an *Error of a known kind that shows neither secret nor body nor address.
func (b *house) checkError(t *testing.T, err error) *channels.Error {
	t.Helper()
	var e *channels.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T) is not a *channels.Error", err, err)
	}
	switch e.Kind {
	case channels.Stopped, channels.Temporary, channels.Throttled, channels.Rejected, channels.Unreachable, channels.Misconfigured:
	default:
		t.Errorf("unknown kind %q", e.Kind)
	}
	if word := b.leak(fmt.Sprintf("%v %+v %#v %v", err, err, e, e.Err)); word != "" {
		t.Errorf("the error shows %q", word)
	}
	return e
}

// leak is the first word in s that must not be shown.
func (b *house) leak(s string) string {
	for _, word := range append([]string{Marker, b.person.Value}, b.h.Secrets...) {
		if word != "" && strings.Contains(s, word) {
			return word
		}
	}
	return ""
}

func (b *house) checkLog(t *testing.T) {
	t.Helper()
	if word := b.leak(b.log.String()); word != "" {
		t.Errorf("the log shows %q:\n%s", word, b.log)
	}
}

func uncertainWhenLost(t *testing.T, b *house) {
	b.Carrier.Fail(Lost)
	m := b.message(Marker + " answer lost")
	_, err := b.Channel.Send(within(t), m)
	if e := b.checkError(t, err); !e.Uncertain || e.Kind != channels.Temporary {
		t.Errorf("a lost answer is %v, uncertain %v", err, e.Uncertain)
	}
}

func obeysDeadline(t *testing.T, b *house) {
	b.Carrier.Fail(Silent)
	m := b.message(Marker + " never answered")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := b.Channel.Send(ctx, m)
		failed <- err
	}()
	b.arrived(t, m.Text)
	cancel()
	select {
	case err := <-failed:
		if e := b.checkError(t, err); !e.Uncertain || e.Kind != channels.Temporary {
			t.Errorf("given up after it was sent: %v, uncertain %v", err, e.Uncertain)
		}
	case <-time.After(patience):
		t.Fatal("Send does not end with its context")
	}
}

func findsSent(t *testing.T, b *house) {
	finder, ok := b.Channel.(channels.Finder)
	if !ok {
		t.Fatal("declares Find but is no channels.Finder")
	}
	since := time.Now().Add(-time.Minute)
	m, other := b.message(Marker+" sent, then a crash"), b.message(Marker+" never sent")
	sent := b.send(t, m)
	r, found, err := finder.Find(within(t), m, since)
	if err != nil || !found || r.MessageID != m.ID || r.CarrierID != sent.CarrierID {
		t.Errorf("found %v %+v (%v), want %+v", found, r, err, sent)
	}
	if r, found, err := finder.Find(within(t), other, since); err != nil || found {
		t.Errorf("found what was never sent: %+v (%v)", r, err)
	}
	if b.h.can(Lost) {
		b.findsLost(t, finder, since)
	}
}

func (b *house) findsLost(t *testing.T, finder channels.Finder, since time.Time) {
	b.Carrier.Fail(Lost)
	m := b.message(Marker + " answer lost, message taken")
	if _, err := b.Channel.Send(within(t), m); err == nil {
		t.Fatal("the answer was lost, but Send has one")
	}
	b.arrived(t, m.Text)
	if _, found, err := finder.Find(within(t), m, since); err != nil || !found {
		t.Errorf("what was taken is not found (%v)", err)
	}
}
