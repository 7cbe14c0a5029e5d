package exchange

import (
	"context"
	"errors"
	"slices"
	"time"
)

// MaxEnvelope bounds an envelope's bytes on every link; files cross as Parts.
const MaxEnvelope = 1 << 20

// Envelope is sealed bytes with the little of its outer header that a link may use to name and order it.
type Envelope struct {
	Lane  Lane
	Epoch uint32
	Seq   uint64
	// Bytes are the outer header and the sealed body, as they travel.
	Bytes []byte
}

// Link moves envelopes one way. Directory hand-over, one-way UDP and mutual TLS are links.
type Link interface {
	// Send returns once the envelope is durable on this side of the link. Sending the same envelope again is harmless.
	Send(ctx context.Context, e Envelope) error
	// Receive calls handle for each envelope that arrives, one at a time, until ctx ends (then nil). Only when handle
	// returns nil is the envelope removed from the link; otherwise it comes again. An envelope may come twice. An
	// error that is ErrAside puts it aside for the operator: it never comes again by itself. A heartbeat (IsBeat) may be
	// lost or overtaken by a later one; it should be handed over although an envelope before it waits.
	Receive(ctx context.Context, handle func(context.Context, Envelope) error) error
}

// ErrAside means that an envelope can never be accepted, whatever is tried: forged, damaged or replayed. The link
// puts it aside and goes on; a true envelope of that number is sent again by its sender.
var ErrAside = errors.New("put aside")

// Head is the end of one lane's chain of envelopes. Of a lane that never sent, it is number 0 of epoch 1.
type Head struct {
	Epoch  uint32
	Seq    uint64 // 0: none yet
	Digest [32]byte
}

// Parcel is a document on its way out: canonical bytes that are not sealed for the border yet.
type Parcel struct {
	ID      string
	Kind    Kind
	Content []byte
	Created time.Time
}

// Numbered is a sealed parcel with its place in the lane.
type Numbered struct {
	Parcel string // Parcel.ID
	Head   Head   // its own number and digest
	Bytes  []byte // the envelope
}

// ErrFenced means that another holder took the lane over: drop what was sealed and seize again.
var ErrFenced = errors.New("lane was taken over")

// ErrAhead means an Ack of numbers that were never given out: this side was restored from an older copy, and a new
// epoch must begin.
var ErrAhead = errors.New("acknowledged beyond the head")

// Outgoing is the durable memory of a lane's sending end. The store of each side implements it; documents are put
// into it by that side's own Commit, in the transaction of what they report. Only the holder of the sealing calls
// Waiting, Enqueue, Number, Due and Sent.
type Outgoing interface {
	// Seize takes the sealing of the lane for owner for ttl, or renews it; false: another holds it. fence rises with
	// every change of owner; who renews in time, or finds the lane still free, keeps fence.
	Seize(ctx context.Context, owner string, ttl time.Duration) (fence uint64, head Head, ok bool, err error)
	// Held tells until when the sealing was held last, by whoever it was; zero: never.
	Held(ctx context.Context) (time.Time, error)
	// Begin starts a new epoch and gives its head. The number must be above the head's; otherwise nothing is changed, and
	// head is as it was. Each document that
	// is not acknowledged, as a whole with its files, waits again for a number, in the order of before; what the lane
	// itself had sent is dropped. The fence rises, so that nothing of the old epoch is numbered after it.
	Begin(ctx context.Context, epoch uint32) (head Head, err error)
	// Waiting gives at most n parcels without a number, in the order in which they were committed. Parts are read
	// from the stored file at this moment.
	Waiting(ctx context.Context, n int) ([]Parcel, error)
	// Enqueue adds a parcel of the lane itself (Ack, Heartbeat), replacing a waiting one of the same kind.
	Enqueue(ctx context.Context, p Parcel) error
	// Number stores sealed envelopes that follow from, in order, and moves the head; they are due at once. ErrFenced
	// when fence or head are no longer current: then nothing was stored.
	Number(ctx context.Context, fence uint64, from Head, batch []Numbered) error
	// Due gives at most n numbered envelopes that are to be sent now, lowest number first; never one that is settled.
	Due(ctx context.Context, now time.Time, n int) ([]Numbered, error)
	// Sent puts the next attempt of each sequence number off until again, unless an Ack comes first.
	Sent(ctx context.Context, seqs []uint64, again time.Time) error
	// Settle applies an Ack: the refused are done and marked so for the side's own story, the other envelopes up to
	// Contiguous are done (their bytes go), the missing become due at once. Safe to repeat; an Ack of an older epoch
	// or with a lower Contiguous than one before changes nothing. ErrAhead when Epoch or Contiguous are beyond the
	// head: then nothing was changed.
	Settle(ctx context.Context, a Ack) error
	// Depth tells how much has not crossed yet.
	Depth(ctx context.Context) (Depth, error)
}

// Depth is what a lane's sending end still has to bring across.
type Depth struct {
	Waiting int64     // parcels without a number
	Unacked int64     // sealed, and not acknowledged yet
	Oldest  time.Time // when the oldest of both was put in; zero: there is none
}

// Open is all of it.
func (d Depth) Open() int64 { return d.Waiting + d.Unacked }

// Arrival is an opened and verified envelope of the receiving end.
type Arrival struct {
	Head    Head // its own number and digest
	Prev    [32]byte
	Origin  Head // number and digest of the envelope as its origin sealed it, from the guard's verdict; what Acks speak of
	Parcel  Parcel
	Refused Reason // not zero: the guard refused the content, and the parcel is empty
	// Replaced is not zero in a Part of a file that the guard rebuilt: the file has this SHA-256 instead of the one that
	// its document names.
	Replaced Replaced
	// Of is the id of a document that arrived before and falls with this refusal, because one of its files may not
	// pass: it will never be whole. Empty: the refusal is of this envelope alone.
	Of string
}

// Heard is what the receiving end has so far, in the origin's numbers.
type Heard struct {
	Epoch      uint32    // the origin's highest; 0: nothing arrived yet
	Contiguous uint64    // all from 1 up to here arrived, in that epoch
	Highest    uint64    // the highest that arrived of that epoch; with many gaps, one not below the last of Missing
	Missing    []Range   // the lowest gaps above Contiguous, at most MaxMissing
	Refused    []Refusal // the lowest of that epoch that are not told yet, in order, at most MaxRefused+1
	Last       Head      // last number and digest on this hop without a gap since the origin's epoch began, in its highest epoch
}

// Ack says it to the sender. When there are more refusals than it holds, Contiguous stays below the first that
// waits, so that the sender never takes a refused envelope for one that passed. What lies beyond AckWindow waits too.
func (h Heard) Ack(l Lane, at time.Time) Ack {
	a := Ack{Lane: l, Epoch: h.Epoch, Contiguous: h.Contiguous, Missing: h.Missing, Refused: h.Refused, At: at}
	if len(a.Refused) > MaxRefused {
		a.Contiguous = min(a.Contiguous, a.Refused[MaxRefused].Seq-1)
		a.Refused = a.Refused[:MaxRefused]
	}
	end := a.Contiguous + AckWindow
	if i := slices.IndexFunc(a.Refused, func(r Refusal) bool { return r.Seq > end }); i >= 0 {
		a.Refused = a.Refused[:i]
	}
	if i := slices.IndexFunc(a.Missing, func(r Range) bool { return r.To > end }); i >= 0 {
		cut := slices.Clone(a.Missing[:i])
		if from := a.Missing[i].From; from <= end {
			cut = append(cut, Range{From: from, To: end})
		}
		a.Missing = cut
	}
	return a
}

// Incoming is the durable memory of a lane's receiving end.
type Incoming interface {
	// Keep stores an arrival; false: it was there already. The origin's number identifies it: known with the same
	// digest it is a repeat, whatever its number on this hop; known with another digest, or of an older epoch than the
	// highest known, it is ErrReplay. So is a known number of this hop with another origin. An arrival whose Prev is
	// not the digest of the one before it on this hop, or whose digest is not the Prev of the one after it, where
	// those are known, is ErrChain (before number 1 stands the zero digest). After an error nothing was stored.
	// In a later epoch a parcel may come again that came before, because its sender was restored or lost a key: its
	// number counts, and it is handled, unless the one before was refused or stands beyond a gap.
	Keep(ctx context.Context, a Arrival) (fresh bool, err error)
	// Heard tells what arrived and what is missing, for the Ack.
	Heard(ctx context.Context) (Heard, error)
	// Told says that a was given a number in the opposite lane, so that the sender will surely see it: its refusals
	// leave Heard. Safe to repeat.
	Told(ctx context.Context, a Ack) error
	// Next gives at most n arrivals that are not handled yet, the refused ones too, in the origin's order and never
	// past a gap in it. The side's own Commit marks one handled, in the transaction of what it caused; Handled marks
	// those that cause nothing there, by Arrival.Head.Seq. Both are safe to repeat. Of a handled arrival the numbers
	// and digests stay, the content may go.
	Next(ctx context.Context, n int) ([]Arrival, error)
	Handled(ctx context.Context, seqs []uint64) error
	// Kept gives at most n arrivals after a number of the origin, in its order and never past a gap, handled or not: the
	// numbers and digests, id, kind and reason of each, without its content.
	Kept(ctx context.Context, epoch uint32, seq uint64, n int) ([]Arrival, error)
}

// ErrReplay means that a number came again with another content: an alarm, never a retry.
var ErrReplay = errors.New("replayed number with another content")

// ErrChain means that an envelope does not follow the one before it: an alarm, never a retry.
var ErrChain = errors.New("broken chain of envelopes")
