package gateway

import (
	"context"
	"time"

	"gatehouse/exchange/service"
)

// How long the outside keeps what is of people and of no case; the page on privacy names the first. A case has the time of
// its service (KeptUntil), a form its seven days of dialogue, what lapses by itself its own.
const (
	// TalkKept is how long messages, the texts that answer them and the state of a conversation stay after the last word.
	TalkKept = 90 * 24 * time.Hour
	// FormKept ends a form that its wake did not: one that waits on the shelf, or whose wake was set aside.
	FormKept = 30 * 24 * time.Hour
	// NodKept is how long a bare word in answer to a broadcast is known by person; its count stays.
	NodKept = 30 * 24 * time.Hour
	// ProofKept is how long the ledger of a person stays who is on no list any more, after its last word on lists or texts:
	// claims under 47 USC 227 lapse after four years (28 USC 1658(a)). Then the person ends.
	ProofKept = 4 * 366 * 24 * time.Hour
)

// KeptUntil is when a case's time line goes here, with its documents and all that was told of it: at midnight after the
// last day of its service's retention, by the city's clock, and not before the decision can be appealed no more. An open
// case is taken to end now.
func KeptUntil(c *service.Catalog, m Matter, now time.Time) time.Time {
	end := m.End(now)
	last := later(c.Until(m.Service, end), end.Add(reopenable)).In(c.City.Location())
	return dayBegin(last.Year(), last.Month(), last.Day()+1, last.Location())
}

// dayBegin is the first moment of a day. Where the clocks go forward at midnight, as they do in the Azores, that is 1:00.
func dayBegin(year int, month time.Month, day int, zone *time.Location) time.Time {
	begin := time.Date(year, month, day, 0, 0, 0, 0, zone)
	if begin.Day() != time.Date(year, month, day, 12, 0, 0, 0, zone).Day() {
		return begin.Add(time.Hour)
	}
	return begin
}

// Removed is what one page of a round of deletion took away.
type Removed struct {
	Sort string // cases, heard, sent, talks, forms, letters, passes, sessions, codes, receipts, nods, wakes, files, people
	Rows int
	// More: the round goes on; call again. False: it is over for the day, or another gateway has it.
	More bool
}

// Retainer deletes what was kept as long as it may be.
type Retainer interface {
	// Retain does the next page of the day's round, at most a few hundred rows. The round goes on where it stopped, whoever
	// stopped; one gateway at a time has it. A page is one transaction, and safe to repeat.
	Retain(ctx context.Context, c *service.Catalog, now time.Time) (Removed, error)
}
