// Package storetest is the contract of the inside's store as a test suite, run by both engines.
//
// The rule: a test calls only what package adapters names.
package storetest

import (
	"errors"
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
)

// Run runs the suite. open gives an empty store with the system's clock and closes it after the test.
func Run(t *testing.T, open func(t *testing.T) adapters.Store) {
	t.Run("ledger", func(t *testing.T) {
		exchangetest.RunLedger(t, func(t *testing.T) (exchange.Outgoing, exchange.Incoming) {
			s := open(t)
			return s.Outgoing(), s.Incoming()
		})
	})
	for name, test := range map[string]func(*suite){
		"case is taken once":              (*suite).taken,
		"files complete an errand":        (*suite).files,
		"new epoch":                       (*suite).newEpoch,
		"altered file fails":              (*suite).altered,
		"rebuilt file takes its place":    (*suite).rebuilt,
		"rebuilt of another is an alarm":  (*suite).rebuiltOther,
		"arrival says what was rebuilt":   (*suite).arrivedRebuilt,
		"what fell is dropped":            (*suite).fallen,
		"lease hides and comes again":     (*suite).lease,
		"additions wait and keep order":   (*suite).additions,
		"cursor moves with what is told":  (*suite).cursor,
		"received never follows":          (*suite).spoken,
		"leases are given back":           (*suite).unlease,
		"newer tally wins":                (*suite).tally,
		"stamps of receipts":              (*suite).stamps,
		"record registers once":           (*suite).register,
		"change is whole or not at all":   (*suite).change,
		"changes of one case queue up":    (*suite).contended,
		"lists are limited and ordered":   (*suite).lists,
		"words are found":                 (*suite).words,
		"held leaves at its time":         (*suite).held,
		"held is taken back or not":       (*suite).takenBack,
		"second person":                   (*suite).second,
		"messages leave once":             (*suite).messages,
		"pages have revisions":            (*suite).pages,
		"draft is settled once":           (*suite).drafts,
		"companies are found":             (*suite).companies,
		"cases of a company":              (*suite).declared,
		"enrolment is settled once":       (*suite).enrolments,
		"kept file comes back":            (*suite).kept,
		"sessions run out":                (*suite).sessions,
		"log is in order":                 (*suite).reads,
		"border tells what stands":        (*suite).border,
		"copies stay, sealed to people":   (*suite).copies,
		"erasures wait and are told":      (*suite).erasures,
		"one erasure of a person waits":   (*suite).erasing,
		"second factor is used once":      (*suite).factor,
		"share of a day is bounded":       (*suite).quota,
		"share of a template":             (*suite).spend,
		"what left is looked at again":    (*suite).reviews,
		"what nobody releases lapses":     (*suite).lapse,
		"hostile text is stored as it is": (*suite).hostile,
		"declarations by period":          (*suite).returns,
	} {
		t.Run(name, func(t *testing.T) {
			test(&suite{T: t, s: open(t), now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)})
		})
	}
}

type suite struct {
	*testing.T
	s   adapters.Store
	now time.Time
	seq uint64
}

func (t *suite) must(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (t *suite) is(what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func (t *suite) id() string { return exchange.NewID(t.now) }
