// Package storetest is the contract of gateway.Store as a test suite, run by both engines.
//
// The rule: what a test says it says through the contract alone, so that whatever keeps it may stand in for another;
// only the marker test looks at the bytes below.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
	"gatehouse/gateway"
	"gatehouse/gateway/store"

	"go.uber.org/goleak"
)

// Place is where one test's store lives.
type Place struct {
	URL     string
	KeyFile string
	// Raw gives every byte that the engine keeps outside its memory, dumps included.
	Raw func(t *testing.T) map[string][]byte
}

// Run runs the suite. open gives an empty place for each test.
func Run(t *testing.T, open func(t *testing.T) Place) {
	for name, test := range map[string]func(*bench){
		"accept once": acceptOnce, "accept in a crowd": acceptCrowd, "one contact for one address": oneContact, "files in and out": files,
		"broken file": brokenFile, "bad message fails alone": badMessage, "busy": busy,
		"turn knows all": turnKnows, "order of one contact": orderOfContact, "order with many workers": orderWithWorkers,
		"claim runs out": claimRunsOut, "fencing": fencing, "defer and aside": deferAside, "own claims come back": reclaim,
		"changed meanwhile": changedMeanwhile, "commit is whole or not at all": whole, "draft": draft, "draft files": draftFiles,
		"matters": matters, "members": members, "contacts merge": merge, "record": record, "challenge": challenge, "code budget": codeBudget,
		"join moved": joinMoved, "passes": passes, "nods": nods, "nods move": nodsMove, "passes move": passesMove, "an address leaves": leaves, "a browser leaves": leavesABrowser, "merge in company": mergeInCompany, "same delivery twice": sameDelivery,
		"lease": lease, "lease runs out": leaseRunsOut, "lease order of an address": leaseOrder, "retry": retry, "receipts": receipts,
		"early receipts": earlyReceipts, "must moves on": mustMoves, "moved in company": movedInCompany, "legal comes back": legalComesBack, "blocked is told inside": blockedIsToldInside, "automatic mails": automaticMails, "automatic mails slide": automaticMailsSlide,
		"a bounce moves on": bounceMovesOn, "a bounce of a reply": bounceOfAReply, "delays are noted": delaysAreNoted, "complaints stop lists": complaintsStopLists, "stopped and dead": stoppedAndDead, "history": history,
		"history in a crowd": historyCrowd, "crossing": crossing, "crossing refused": crossingRefused, "parts": parts, "new epoch": newEpoch, "pages": pages, "register": register, "owes": owes, "leavers": leavers, "parked": parked,
		"arrival handled once": arrivalOnce, "papers": papers, "letters and the log": lettersAndLog, "ping and counts": pingCounts, "key file": keyFile, "sealed at rest": sealedAtRest,
		"corrections": corrections, "receipts given out": receiptsGiven, "receipts without a key": receiptsUnsigned, "receipts cross": receiptsCross, "receipts in a crowd": receiptsInACrowd, "receipts of the forgotten": receiptsOfTheForgotten,
		"wake knows all": wakeKnows, "wake cleared by a message": wakeCleared, "wake runs out": wakeRunsOut, "wake deferred": wakeDeferred,
		"wakes oldest first": wakesOldestFirst, "wakes in a crowd": wakesInACrowd, "wakes merge": wakesMerge,
		"forget": forget, "forget a merged contact": forgetMerged, "forget a web session": forgetWeb, "orphaned": orphaned, "sessions": sessions, "shelf": shelf, "forget the shelf": shelfForgotten, "an address in doubt": unsureAddress, "forget one who is helped": helpedForgotten, "forget the helper": helperForgotten, "dossier": dossier, "forgotten from inside": forgottenInside,
		"retain cases": retainCases, "retain what is held": retainHolds, "retain talk": retainTalk, "retain people": retainPeople, "retain what lapses": retainLapsed, "retain in rounds": retainRound, "retain what is to be corrected": retainCorrection, "retain one who is helped": retainHelped,
		"broadcast": castLedger, "broadcast steered": castSteered, "broadcast to merged": castMerged, "broadcast to the forgotten": castForgotten, "broadcast audiences": castAudiences, "broadcast in a crowd": castInACrowd,
		"two gateways": twoGateways, "reopened": reopened, "hostile values": hostile,
	} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			t.Cleanup(func() { goleak.VerifyNone(t, before) })
			b := &bench{T: t, place: open(t), clock: &clock{}}
			b.clock.at.Store(time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC).UnixMicro())
			b.Store = b.open(store.Config{})
			test(b)
		})
	}
	t.Run("ledger", func(t *testing.T) {
		exchangetest.RunLedger(t, func(t *testing.T) (exchange.Outgoing, exchange.Incoming) {
			p := open(t)
			s, err := store.Open(t.Context(), store.Config{URL: p.URL, KeyFile: p.KeyFile})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			return s.Outgoing(), s.Incoming()
		})
	})
}

// bench is one test with its store and its clock.
type bench struct {
	*testing.T
	*store.Store
	place Place
	clock *clock
	ids   atomic.Int64
}

// clock stands still until it is moved.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) forward(d time.Duration) { c.at.Add(d.Microseconds()) }

// open opens one more gateway on the place.
func (b *bench) open(c store.Config) *store.Store {
	b.Helper()
	s, err := b.tryOpen(c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Errorf("close: %v", err)
		}
	})
	return s
}

func (b *bench) tryOpen(c store.Config) (*store.Store, error) {
	c.URL, c.Now = b.place.URL, b.clock.now
	if c.KeyFile == "" {
		c.KeyFile = b.place.KeyFile
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return store.Open(context.Background(), c)
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) is(what string, err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func (b *bench) equal(what string, got, want any) {
	b.Helper()
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		b.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func (b *bench) id() string { return fmt.Sprintf("ID%024d", b.ids.Add(1)) }

func sms(n string) channels.Address { return channels.Address{Channel: "sms", Value: "+1555000" + n} }

func (b *bench) message(id string, from channels.Address, text string) channels.Message {
	return channels.Message{ID: id, From: from, To: channels.Address{Channel: from.Channel, Value: "city"}, At: b.clock.now(), Text: text, Trust: channels.CarrierVerified}
}

func (b *bench) accept(m channels.Message) {
	b.Helper()
	fresh, err := b.Accept(b.Context(), m)
	b.must(err)
	if !fresh {
		b.Fatalf("%s was known", m.ID)
	}
}

func (b *bench) claim(n int) []gateway.Turn {
	b.Helper()
	turns, err := b.Claim(b.Context(), b.clock.now(), n, time.Minute)
	b.must(err)
	return turns
}

func (b *bench) claimOne() gateway.Turn {
	b.Helper()
	turns := b.claim(10)
	if len(turns) != 1 {
		b.Fatalf("%d turns, want 1", len(turns))
	}
	return turns[0]
}

// answer is the least outcome of a turn: settled, nothing else changed.
func answer(t gateway.Turn) gateway.Outcome {
	return gateway.Outcome{Claim: t.Claim, Contact: t.Contact}
}

// heard accepts one message of from and gives its turn.
func (b *bench) heard(from channels.Address, text string) gateway.Turn {
	b.Helper()
	b.accept(b.message("sms:"+b.id(), from, text))
	return b.claimOne()
}

func (b *bench) delivery(to channels.Address, text string) gateway.Delivery {
	return gateway.Delivery{ID: b.id(), Queue: channels.Reply, Message: channels.Message{To: to, At: b.clock.now(), Lang: "en", Text: text}}
}

// owe makes a contact of from that is owed the texts there, and gives its turn's contact.
func (b *bench) owe(from channels.Address, change func(*gateway.Delivery), texts ...string) gateway.Contact {
	b.Helper()
	t := b.heard(from, "hello")
	o := answer(t)
	for _, text := range texts {
		d := b.delivery(from, text)
		if change != nil {
			change(&d)
		}
		o.Deliveries = append(o.Deliveries, d)
	}
	b.must(b.Commit(b.Context(), o))
	return t.Contact
}

func (b *bench) lease(n int) []gateway.Leased {
	b.Helper()
	got, err := b.Lease(b.Context(), channels.Reply, b.clock.now(), n, time.Minute)
	b.must(err)
	return got
}

func (b *bench) leaseOne() gateway.Leased {
	b.Helper()
	got := b.lease(10)
	if len(got) != 1 {
		b.Fatalf("%d leased, want 1", len(got))
	}
	return got[0]
}

func (b *bench) counts() gateway.Counts {
	b.Helper()
	c, err := b.Counts(b.Context())
	b.must(err)
	return c
}

// crowd runs f n times at once.
func crowd(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// Folder reads every file that a pattern names, for Place.Raw.
func Folder(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if b, err := os.ReadFile(f); err == nil {
			out[f] = b
		}
	}
	return out
}
