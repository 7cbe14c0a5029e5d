package program

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/channels"
	"gatehouse/gateway"
	"gatehouse/gateway/broadcast"
)

// outbox leases what is due, one queue, and forgets what was settled for good.
type outbox struct {
	mu      sync.Mutex
	owed    []gateway.Leased
	due     map[string]time.Time
	settled map[string][]gateway.Settlement
	fail    int // Settle calls that fail
	away    int // Automatic calls that fail
	last    time.Time
}

func newOutbox(owed ...gateway.Leased) *outbox {
	return &outbox{owed: owed, due: map[string]time.Time{}, settled: map[string][]gateway.Settlement{}}
}

func (o *outbox) Lease(_ context.Context, q channels.Queue, now time.Time, n int, ttl time.Duration) ([]gateway.Leased, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []gateway.Leased
	for i := range o.owed {
		l := &o.owed[i]
		if l.Queue != q || len(out) == n || now.Before(o.due[l.ID]) {
			continue
		}
		o.due[l.ID] = now.Add(ttl)
		l.Attempt++
		out = append(out, *l)
	}
	return out, nil
}

func (o *outbox) Settle(_ context.Context, all []gateway.Settlement) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail > 0 {
		o.fail--
		return errors.New("store away")
	}
	for _, s := range all {
		o.settled[s.ID] = append(o.settled[s.ID], s)
		o.due[s.ID] = s.Again
		if s.Again.IsZero() {
			o.due[s.ID] = time.Unix(1<<40, 0)
		}
	}
	return nil
}

// Automatic lets one mail go, and the next after an hour each.
func (o *outbox) Automatic(_ context.Context, id string, _ channels.Address, now time.Time) (time.Duration, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.away > 0 {
		o.away--
		return 0, errors.New("store away")
	}
	if wait := o.last.Add(time.Hour).Sub(now); wait > 0 {
		return wait, nil
	}
	o.last = now
	return 0, nil
}

func (o *outbox) of(id string) []gateway.Settlement {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.settled[id]
}

// carrier is a channel that does as told, and can be asked when find is set.
type carrier struct {
	name string
	send func(context.Context) error
	sent int
	mu   sync.Mutex
}

func (c *carrier) Name() string { return c.name }

func (c *carrier) Send(ctx context.Context, _ channels.Message) (channels.Receipt, error) {
	c.mu.Lock()
	c.sent++
	c.mu.Unlock()
	return channels.Receipt{State: channels.Accepted}, c.send(ctx)
}

func (c *carrier) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent
}

type asked struct {
	*carrier
	find error
}

func (a asked) Find(context.Context, channels.Message, time.Time) (channels.Receipt, bool, error) {
	return channels.Receipt{}, false, a.find
}

func owed(channel string, q channels.Queue, n int) []gateway.Leased {
	var all []gateway.Leased
	for i := range n {
		d := gateway.Delivery{ID: fmt.Sprintf("%s-%s-%d", channel, q, i), Queue: q}
		d.Message.To = channels.Address{Channel: channel, Value: fmt.Sprint(i)}
		all = append(all, gateway.Leased{Delivery: d})
	}
	return all
}

func sending(o *outbox, all ...channels.Channel) *sender {
	names := map[string]channels.Channel{}
	for _, c := range all {
		names[c.Name()] = c
	}
	return newSender(o, names, time.Now, slog.New(slog.DiscardHandler))
}

// started runs s in a bubble until stop is called, which gives how long it took to end.
func started(t *testing.T, s *sender) (stop func() time.Duration) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.run(ctx)
	}()
	return func() time.Duration {
		began := time.Now()
		cancel()
		<-ended
		return time.Since(began)
	}
}

func well(context.Context) error { return nil }

func hangs(ctx context.Context) error {
	<-ctx.Done()
	return &channels.Error{Kind: channels.Temporary, Err: ctx.Err(), Uncertain: true}
}

func TestSlowCarrierHoldsUpItselfAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, good := &carrier{name: "email", send: hangs}, &carrier{name: "sms", send: well}
		o := newOutbox(append(owed("email", channels.Reply, 10*gateRoom), owed("sms", channels.Notice, 3)...)...)
		stop := started(t, sending(o, slow, good))
		defer stop()
		time.Sleep(5 * time.Second)
		if good.count() != 3 {
			t.Errorf("%d of 3 texts went out beside a carrier that hangs", good.count())
		}
	})
}

func TestMisconfiguredChannelRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrong := &carrier{name: "sms", send: func(context.Context) error { return &channels.Error{Kind: channels.Misconfigured} }}
		o := newOutbox(owed("sms", channels.Reply, 20*gateRoom)...)
		stop := started(t, sending(o, wrong))
		defer stop()
		time.Sleep(gateRest - time.Second)
		if n := wrong.count(); n > 2*gateRoom {
			t.Errorf("a wrong account was tried %d times within its rest", n)
		}
		untried := 0
		for _, d := range o.owed {
			for _, s := range o.of(d.ID) {
				if s.Untried {
					untried++
				}
			}
		}
		if untried == 0 {
			t.Error("what was not tried counts as an attempt")
		}
	})
}

func TestStopEndsASendingThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(owed("sms", channels.Reply, 1)...)
		stop := started(t, sending(o, &carrier{name: "sms", send: hangs}))
		time.Sleep(time.Second)
		if took := stop(); took > 5*time.Second {
			t.Errorf("stopped after %s", took)
		}
		if s := o.of("sms-reply-0"); len(s) != 1 || !s[0].Err.Uncertain {
			t.Errorf("recorded as %+v", s)
		}
	})
}

func TestResultIsRecordedOnceTheStoreIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &carrier{name: "chat", send: well}
		o := newOutbox(owed("chat", channels.Reply, 1)...)
		o.fail = 3
		stop := started(t, sending(o, c))
		defer stop()
		time.Sleep(3 * leaseTTL)
		if c.count() != 1 || len(o.of("chat-reply-0")) != 1 {
			t.Errorf("sent %d times, recorded %d times", c.count(), len(o.of("chat-reply-0")))
		}
	})
}

func TestUncertainStaysSoWhenTheCarrierCantBeAsked(t *testing.T) {
	d := owed("sms", channels.Reply, 1)[0]
	d.Since = time.Now()
	c := asked{&carrier{name: "sms", send: well}, &channels.Error{Kind: channels.Temporary, Code: "503"}}
	s := sending(newOutbox(), c)
	got := s.one(t.Context(), newGate(), d)
	if c.count() != 0 || got.Err == nil || !got.Err.Uncertain || got.Again.IsZero() {
		t.Errorf("sent %d times, recorded as %+v", c.count(), got)
	}
	if !s.untried(d, time.Second).Err.Uncertain {
		t.Error("a delivery that found no room is sure not to be at the carrier")
	}
}

// TestBroadcastAfterALostAnswer: what may have been sent, must go once and can't be asked after is given up; where a second
// copy is asked for, or bears the name of the first, it is sent. What has expired is not.
func TestBroadcastAfterALostAnswer(t *testing.T) {
	for name, x := range map[string]struct {
		channel string
		change  func(d *gateway.Leased)
		sent    int
		code    broadcast.Reason
	}{
		"once, and nobody to ask":  {"chat", func(d *gateway.Leased) { d.Once = true }, 0, broadcast.Uncertain},
		"rather twice":             {"chat", func(*gateway.Leased) {}, 1, ""},
		"a mail is the same mail":  {"email", func(d *gateway.Leased) { d.Once = true }, 1, ""},
		"the first time":           {"chat", func(d *gateway.Leased) { d.Once, d.Since = true, time.Time{} }, 1, ""},
		"its time is over":         {"sms", func(d *gateway.Leased) { d.Message.Expires = time.Now() }, 0, broadcast.Expired},
		"its time is not over yet": {"sms", func(d *gateway.Leased) { d.Message.Expires = time.Now().Add(time.Hour) }, 1, ""},
	} {
		d := owed(x.channel, channels.Broadcast, 1)[0]
		d.Since = time.Now()
		x.change(&d)
		c := &carrier{name: x.channel, send: well}
		got := sending(newOutbox(), c).one(t.Context(), newGate(), d)
		code := ""
		if got.Err != nil {
			code = got.Err.Code
		}
		if c.count() != x.sent || code != string(x.code) || !got.Again.IsZero() {
			t.Errorf("%s: sent %d times, recorded as %+v", name, c.count(), got)
		}
	}
}

// TestAutomaticMailsWait: a reply by mail waits as long as the store says, untried, and is sent; nothing else is held back,
// and without a count nothing goes.
func TestAutomaticMailsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mail, text := &carrier{name: "email", send: well}, &carrier{name: "sms", send: well}
		all := append(owed("email", channels.Reply, 3), owed("email", channels.Notice, 3)...)
		urgent := owed("email", channels.Reply, 4)[3]
		urgent.Message.Urgent = true
		o := newOutbox(append(append(all, urgent), owed("sms", channels.Reply, 3)...)...)
		o.away = 1
		stop := started(t, sending(o, mail, text))
		defer stop()
		for _, step := range []struct {
			after time.Duration
			mails int
		}{{gateBusyMax + time.Minute, 5}, {time.Hour, 6}, {time.Hour, 7}, {3 * time.Hour, 7}} {
			time.Sleep(step.after)
			synctest.Wait()
			if mail.count() != step.mails || text.count() != 3 {
				t.Errorf("%s later %d mails and %d texts went, want %d and 3", step.after, mail.count(), text.count(), step.mails)
			}
		}
		for _, d := range o.owed {
			all := o.of(d.ID)
			for _, s := range all[:len(all)-1] {
				if !s.Untried {
					t.Errorf("%s was tried: %+v", d.ID, s)
				}
			}
		}
	})
}

func TestPanicOfAChannelIsAnError(t *testing.T) {
	s := sending(newOutbox(), &carrier{name: "sms", send: func(context.Context) error { panic("bug") }})
	if got := s.one(t.Context(), newGate(), owed("sms", channels.Reply, 1)[0]); got.Err == nil || got.Err.Kind != channels.Temporary {
		t.Errorf("recorded as %+v", got)
	}
}
