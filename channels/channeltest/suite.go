// Package channeltest is the contract of a channel as a test suite, and the fakes to run a channel without a house
// around it: Inbox, and Shared with what it lends.
//
// The rule: a channel that passes Run may be trusted by the gateway; what a channel can't do it declares, and what
// it declares is tested. Only tests import this package.
package channeltest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/channels"

	"go.uber.org/goleak"
)

// patience is how long the suite waits for something that has to happen. Nothing is asserted about being faster.
const patience = 2 * time.Minute

// Marker is in every text that the suite says. No log and no error may show it.
const Marker = "kelp-marker-7731"

// Harness is what a channel's test hands to Run.
type Harness struct {
	// Open opens a fresh channel and a fresh carrier for it. Run mounts a Webhook and starts a Listener itself.
	Open func(t *testing.T, e Env) Rig
	// Secrets may appear in no log and no error.
	Secrets []string
	Can     Abilities
}

// Abilities are what only some channels can do. What is declared is tested.
type Abilities struct {
	// FilesIn and FilesOut: files arrive, files are sent.
	FilesIn, FilesOut bool
	// Options: an option's label is seen by the person, on a button or in the text.
	Options bool
	// Receipts: the carrier says Delivered or Failed later (Carrier.Tell).
	Receipts bool
	// Find: the channel is a Finder.
	Find bool
	// Faults are those that Carrier.Fail can cause. A channel without a carrier of its own has none.
	Faults []Fault
}

// Fault is what the carrier does to the next message that is sent.
type Fault string

// Every fault there is. Lost: the carrier takes the message and cuts the connection instead of answering. Silent: it
// takes the message and does not answer until the sender gives up.
const (
	Stopped       = Fault(channels.Stopped)
	Temporary     = Fault(channels.Temporary)
	Throttled     = Fault(channels.Throttled)
	Rejected      = Fault(channels.Rejected)
	Unreachable   = Fault(channels.Unreachable)
	Misconfigured = Fault(channels.Misconfigured)
	Lost          = Fault("lost")
	Silent        = Fault("silent")
)

// AllFaults is every Fault, for a carrier that can cause them all.
func AllFaults() []Fault {
	return []Fault{Stopped, Temporary, Throttled, Rejected, Unreachable, Misconfigured, Lost, Silent}
}

// Env is what a channel is opened with.
type Env struct {
	// PublicURL is where the channel's webhooks will be reached: scheme and host, no slash at the end.
	PublicURL string
	Shared    channels.Shared
}

// Rig is an opened channel with its carrier.
type Rig struct {
	Channel channels.Channel
	Carrier Carrier
	// Person is asked once the channel runs: the address of the person who writes and is written to.
	Person func(t *testing.T) channels.Address
	// Own is the address that people write to; it is the From of what the suite sends.
	Own channels.Address
}

// Carrier is the far side, played by the channel's test.
type Carrier struct {
	// Deliver brings one message of the person's to the channel, as the carrier does, and says what the carrier was
	// answered. The same Said.ID again is a redelivery, also while the first is under way.
	Deliver func(ctx context.Context, s Said) Answer
	// Sent is what has arrived at the carrier, oldest first.
	Sent func() []Sent
	// Fail makes the next message that is sent meet f. Nil when there are no Faults.
	Fail func(f Fault)
	// Tell is the carrier's later word on a message, Delivered or Failed. Nil without Receipts.
	Tell func(ctx context.Context, r channels.Receipt, s channels.State) Answer
	// Hostile are deliveries that must come to nothing: no message accepted, no receipt reported, no panic, and the
	// next good one is taken.
	Hostile map[string]func(ctx context.Context)
}

// Said is one message of the person's. ID is the carrier's and short: a decimal number.
type Said struct {
	ID    string
	Text  string
	Files []File
}

// File is one file with its bytes.
type File struct {
	Name, Type string
	Bytes      []byte
}

// Sent is one message as it arrived at the carrier.
type Sent struct {
	To      string // Address.Value
	Text    string
	Options []string // labels
	Files   []File
}

// Answer is what a carrier was told about its delivery.
type Answer string

// Taken: acknowledged for good. Again: the carrier will deliver it again. Refused: the carrier gives it up.
const (
	Taken   Answer = "taken"
	Again   Answer = "again"
	Refused Answer = "refused"
)

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	for _, c := range []struct {
		name string
		when bool
		test func(*testing.T, *house)
	}{
		{"hears text", true, hearsText},
		{"hears files", h.Can.FilesIn, hearsFiles},
		{"repeats are the same message", true, repeatsAreTheSame},
		{"four at once are the same message", true, fourAtOnce},
		{"acknowledges only what is stored", true, acknowledgesOnlyStored},
		{"does not ask again for what is refused", true, refusesForGood},
		{"survives hostile input", true, survivesHostile},
		{"says text", true, saysText},
		{"says files", h.Can.FilesOut, saysFiles},
		{"says options", h.Can.Options, saysOptions},
		{"says many at once", true, saysManyAtOnce},
		{"says nothing once cancelled", len(h.Can.Faults) > 0, saysNothingCancelled},
		{"names each kind of error", len(h.Can.Faults) > 0, namesKinds},
		{"is uncertain about a lost answer", h.can(Lost), uncertainWhenLost},
		{"obeys a deadline", h.can(Silent), obeysDeadline},
		{"finds what was sent", h.Can.Find, findsSent},
		{"reports receipts", h.Can.Receipts, reportsReceipts},
		{"reports again until stored", h.Can.Receipts, reportsUntilStored},
		{"stops cleanly", true, stopsCleanly},
	} {
		if c.when {
			t.Run(c.name, func(t *testing.T) { c.test(t, build(t, h)) })
		}
	}
}

func (h Harness) can(f Fault) bool {
	for _, g := range h.Can.Faults {
		if g == f {
			return true
		}
	}
	return false
}

// house is one channel at work: opened, mounted, listening.
type house struct {
	Rig
	h       Harness
	inbox   *Inbox
	history *History
	log     *logBuffer
	person  channels.Address
	stop    func()
}

// build opens the channel and starts what it needs; when the test ends it stops all, and looks at the log and for
// goroutines left behind.
func build(t *testing.T, h Harness) *house {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	log := new(logBuffer)
	shared := NewShared(log.logger(), time.Now)
	b := &house{h: h, log: log, inbox: new(Inbox), history: shared.History.(*History)}

	var handler atomic.Pointer[http.ServeMux]
	handler.Store(http.NewServeMux())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.Load().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)

	b.Rig = h.Open(t, Env{PublicURL: server.URL, Shared: shared})
	if hook, ok := b.Channel.(channels.Webhook); ok {
		mux := http.NewServeMux()
		hook.Mount(mux, b.inbox)
		handler.Store(mux)
	}
	b.stop = b.listen(t)
	t.Cleanup(func() { b.stop(); b.checkLog(t) })
	b.person = b.Person(t)
	return b
}

// listen runs a Listener and gives the function that ends it and waits.
func (b *house) listen(t *testing.T) func() {
	listener, ok := b.Channel.(channels.Listener)
	if !ok {
		return func() {}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- listener.Listen(ctx, b.inbox) }()
	ended := false
	return func() {
		if ended {
			return
		}
		ended = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Listen returned %v at the end of its context, want nil", err)
			}
		case <-time.After(patience):
			t.Error("Listen does not end with its context")
		}
	}
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// Eventually waits until ok is true and fails the test with what, when it does not become so in time.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
