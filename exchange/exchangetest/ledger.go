// Package exchangetest is the contracts of package exchange as test suites: RunLink for every way to carry
// envelopes, RunLedger for every store that remembers a lane. It also holds both in memory, for tests of what
// stands on them.
//
// The rule: a suite calls only what the contract names, so that what passes it may be put in place of another.
package exchangetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"gatehouse/exchange"
)

// RunLedger runs the contract of a lane's memory. open gives the two ends of an empty store; each subtest opens its
// own. The two ends need not know each other.
func RunLedger(t *testing.T, open func(t *testing.T) (exchange.Outgoing, exchange.Incoming)) {
	t.Helper()
	for name, test := range map[string]func(*ledger){
		"empty":                       (*ledger).empty,
		"lease has one holder":        (*ledger).lease,
		"lease runs out":              (*ledger).leaseRunsOut,
		"number":                      (*ledger).number,
		"number is fenced":            (*ledger).fenced,
		"enqueue replaces":            (*ledger).enqueue,
		"due and sent":                (*ledger).due,
		"settle":                      (*ledger).settle,
		"settle is safe to repeat":    (*ledger).settleTwice,
		"older ack changes nothing":   (*ledger).settleOlder,
		"missing become due":          (*ledger).settleMissing,
		"refused are done":            (*ledger).settleRefused,
		"ack beyond the head":         (*ledger).settleAhead,
		"held":                        (*ledger).held,
		"new epoch begins":            (*ledger).begin,
		"same parcel in a new epoch":  (*ledger).sameParcel,
		"depth":                       (*ledger).depth,
		"highest":                     (*ledger).highest,
		"kept":                        (*ledger).kept,
		"keep and hear":               (*ledger).keep,
		"keep twice":                  (*ledger).keepTwice,
		"keep what was handled":       (*ledger).keepHandled,
		"replay":                      (*ledger).replay,
		"chain":                       (*ledger).chain,
		"out of order and gap":        (*ledger).outOfOrder,
		"many gaps":                   (*ledger).manyGaps,
		"refused are told once":       (*ledger).refusedTold,
		"many refused":                (*ledger).manyRefused,
		"handled leave next":          (*ledger).handled,
		"new epoch":                   (*ledger).newEpoch,
		"content comes back as given": (*ledger).content,
	} {
		t.Run(name, func(t *testing.T) {
			out, in := open(t)
			test(&ledger{T: t, out: out, in: in})
		})
	}
}

// ledger is one subtest. Its clock only moves where the contract takes a moment.
type ledger struct {
	*testing.T
	out   exchange.Outgoing
	in    exchange.Incoming
	fence uint64
	head  exchange.Head
}

var ctx = context.Background()

func (l *ledger) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *ledger) equal(what string, got, want any) {
	l.Helper()
	if !reflect.DeepEqual(got, want) {
		l.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (l *ledger) is(what string, err, want error) {
	l.Helper()
	if !errors.Is(err, want) {
		l.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

// seize takes the lane as "a" for an hour.
func (l *ledger) seize() {
	l.Helper()
	fence, head, ok, err := l.out.Seize(ctx, "a", time.Hour)
	l.must(err)
	if !ok {
		l.Fatal("the lane is taken")
	}
	l.fence, l.head = fence, head
}

// digest is a digest that stands for what.
func digest(what string, seq uint64) [32]byte { return sha256.Sum256(fmt.Append(nil, what, seq)) }

func headOf(seq uint64) exchange.Head {
	if seq == 0 {
		return exchange.Head{Epoch: 1}
	}
	return exchange.Head{Epoch: 1, Seq: seq, Digest: digest("hop", seq)}
}
