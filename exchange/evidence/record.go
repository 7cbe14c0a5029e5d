package evidence

import (
	"encoding/hex"

	"gatehouse/exchange"
)

// Record is one line: what was done with one envelope, or a start.
type Record struct {
	N  uint64 `json:"n"` // from 1
	At string `json:"at"`
	// Event is of a guard: held (a Part, until its file is whole), judged (a whole file), passed, refused; of a side: sent, received, told (an Ack said what was refused); of both:
	// start, torn, resumed.
	Event   string           `json:"event"`
	Party   exchange.Party   `json:"party,omitempty"` // at a start, whose log it is
	Lane    exchange.Lane    `json:"lane"`
	In      *Mark            `json:"in,omitempty"`     // the envelope that came
	Out     *Mark            `json:"out,omitempty"`    // the envelope that goes on
	Origin  *Mark            `json:"origin,omitempty"` // received: the envelope as its origin sealed it
	Parcel  string           `json:"parcel,omitempty"`
	Kind    exchange.Kind    `json:"kind,omitempty"`
	Size    int              `json:"size,omitempty"` // of the content, in bytes; sent: of the envelope; of what was torn off
	Reason  exchange.Reason  `json:"reason,omitempty"`
	Of      string           `json:"of,omitempty"`
	Filters []exchange.Trial `json:"filters,omitempty"`
	// Files, Part and Ack let the guard's memory be built from the log alone.
	Document string      `json:"document,omitempty"`
	Files    []Announced `json:"files,omitempty"`
	Part     *Piece      `json:"part,omitempty"`
	Ack      *Told       `json:"ack,omitempty"`
	Rules    string      `json:"rules,omitempty"`
	Epoch    uint32      `json:"epoch,omitempty"` // of what goes on, where a guard's log begins
	// Judged is the decision on a whole file; Replaced stands in the record of each Part of one that was rebuilt.
	Judged   *Judged            `json:"judged,omitempty"`
	Replaced *exchange.Replaced `json:"replaced,omitempty"`
}

// Judged is what was decided on a file once all its Parts were in. With To it was rebuilt.
type Judged struct {
	Of     string `json:"of"`
	File   string `json:"file"`
	To     string `json:"to,omitempty"` // SHA-256 of what goes on instead
	Size   int64  `json:"size,omitempty"`
	Filter string `json:"filter,omitempty"`
}

// Mark is an envelope's number and digest.
type Mark struct {
	Epoch  uint32 `json:"epoch"`
	Seq    uint64 `json:"seq"`
	Digest string `json:"digest"`
}

// Announced is a file that a document named, without the name.
type Announced struct {
	ID     string `json:"id"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Ext    string `json:"ext,omitempty"` // of the name, lower case
}

// Piece is which part of which file came.
type Piece struct {
	Of     string `json:"of"`
	File   string `json:"file"`
	Number int    `json:"number"`
}

// Told is what an Ack that passed said.
type Told struct {
	Epoch      uint32             `json:"epoch"`
	Contiguous uint64             `json:"contiguous"`
	Missing    []exchange.Range   `json:"missing,omitempty"`
	Refused    []exchange.Refusal `json:"refused,omitempty"`
}

// MarkOf is the mark of an envelope.
func MarkOf(h exchange.Head) *Mark {
	return &Mark{Epoch: h.Epoch, Seq: h.Seq, Digest: hex.EncodeToString(h.Digest[:])}
}

// Head reads a mark out of a log that was verified.
func (m *Mark) Head() exchange.Head {
	h := exchange.Head{Epoch: m.Epoch, Seq: m.Seq}
	_, _ = hex.Decode(h.Digest[:], []byte(m.Digest))
	return h
}

func (m *Mark) valid() bool {
	if m == nil {
		return true
	}
	b, err := hex.DecodeString(m.Digest)
	return err == nil && len(b) == 32
}
