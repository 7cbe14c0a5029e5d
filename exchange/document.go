package exchange

import "time"

// Kind names a document's schema. The set is closed; see Kinds.
type Kind string

// Everything that crosses, and in which direction.
const (
	KindCase        Kind = "case"        // up
	KindAddition    Kind = "addition"    // up
	KindQuestion    Kind = "question"    // up
	KindTally       Kind = "tally"       // up
	KindErasure     Kind = "erasure"     // up
	KindResult      Kind = "result"      // up
	KindNotice      Kind = "notice"      // down
	KindBroadcast   Kind = "broadcast"   // down
	KindAudience    Kind = "audience"    // down
	KindControl     Kind = "control"     // down
	KindSend        Kind = "send"        // down
	KindForget      Kind = "forget"      // down
	KindPublication Kind = "publication" // down
	KindPart        Kind = "part"        // both
	KindAck         Kind = "ack"         // both
	KindHeartbeat   Kind = "heartbeat"   // both
	KindHistory     Kind = "history"     // both
)

// Lane is a direction across the border.
type Lane string

// The two lanes. No component holds the keys of both.
const (
	Up   Lane = "up"   // extranet to intranet
	Down Lane = "down" // intranet to extranet
)

// Document is one of the types of this package that may cross. The set is closed: the method is unexported.
type Document interface {
	Kind() Kind
	// Check names what keeps the document from crossing: a missing field, one over its length, a text that is not
	// normal (NFC, no control, bidi or zero-width character).
	Check() error
	document()
}

// Released is who inside let a document go down, by which policy. The signature covers the canonical document with
// the signature left empty; the approval is the second person's word, signed when they gave it (Ring.Approve).
type Released struct {
	Policy    string    `json:"policy" is:"one?,auto|clean|second|emergency"` // auto, clean, second, emergency
	Label     string    `json:"label" is:"id?"`                               // "releasable", or it does not leave
	By        string    `json:"by" is:"id?"`                                  // the officer's staff id; the template's name under auto
	Second    string    `json:"second" is:"id?"`                              // the second person's staff id, or empty
	At        time.Time `json:"at"`
	Approval  string    `json:"approval" is:"id?,128"` // key id "." signature, under policy second
	Key       string    `json:"key" is:"id?"`          // id of the release key
	Signature string    `json:"signature" is:"id?,128"`
}

// FileRef stands for a file in a document; its bytes cross as Parts.
type FileRef struct {
	ID     string `json:"id" is:"id"`
	Name   string `json:"name" is:"line,255"`
	Type   string `json:"type" is:"id,128"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256" is:"hex"` // lower-case hex
}

// Part is one piece of a file, at most PartSize bytes.
type Part struct {
	File   string `json:"file" is:"id"` // FileRef.ID
	Of     string `json:"of" is:"id"`   // id of the document that the file belongs to
	Number int    `json:"number"`
	Count  int    `json:"count"`
	SHA256 string `json:"sha256" is:"hex"`         // of Bytes, lower-case hex
	Bytes  []byte `json:"bytes" is:"bytes,524288"` // base64 in the canonical form
}

// PartSize is the number of bytes in each Part but a file's last, so that the envelope with base64 and headers
// stays under 1 MiB.
const PartSize = 512 << 10

// MaxParts bounds the Parts of one file: 256 MiB. What a lane takes is its guard's limit, far below unless it is raised.
const MaxParts = 512

// Range is a run of sequence numbers, both ends included.
type Range struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// Refusal says which envelope was not let through, and by which class of rule.
type Refusal struct {
	Seq    uint64 `json:"seq"`
	Reason Reason `json:"reason"`
}

// Reason is a fixed code of four bits. A citizen reads a sentence of the catalogue for it.
type Reason uint8

// Why the border refuses. Zero is no refusal.
const (
	ReasonNone      Reason = 0
	ReasonForged    Reason = 1 // key, signature, lane or recipient is wrong
	ReasonSchema    Reason = 2 // not a known document, or not canonical
	ReasonSize      Reason = 3 // too large or too many
	ReasonFileKind  Reason = 4 // a file's content is of a kind that may not pass
	ReasonActive    Reason = 5 // macros, scripts, external links
	ReasonArchive   Reason = 6 // an archive, encrypted or too deep
	ReasonVirus     Reason = 7
	ReasonText      Reason = 8 // text that is not normal
	ReasonLeak      Reason = 9
	ReasonUnrelease Reason = 10 // no valid release
	ReasonQuota     Reason = 11
	ReasonExpired   Reason = 12
	ReasonFailed    Reason = 13 // the filter itself failed: blocked, for the operator

	ReasonPages Reason = 14 // the pages of a PDF, drawn anew, are too many or do not fit: photos or fewer pages do

	// LastReason is the highest code.
	LastReason = ReasonPages
)

// Bounds of an Ack: what does not fit waits for the next one.
const (
	MaxMissing = 64
	MaxRefused = 32
	// AckWindow is how far above Contiguous an Ack speaks.
	AckWindow = 4096
)

// Ack tells the sender of the other lane what arrived. Its sealed size is fixed.
type Ack struct {
	Lane       Lane      `json:"lane" is:"one,up|down"` // the lane that is acknowledged
	Epoch      uint32    `json:"epoch"`
	Contiguous uint64    `json:"contiguous"`       // all up to here are in, or refused
	Missing    []Range   `json:"missing" max:"64"` // at most 64, ordered, above Contiguous
	Refused    []Refusal `json:"refused" max:"32"` // at most 32, each sent until the sender has surely seen it
	At         time.Time `json:"at"`               // empty where the guard of the lane down looks: the receiver's clock is enough
}

// Heartbeat lets the receiver see a gap although no packet of the missing envelope came.
type Heartbeat struct {
	Lane    Lane      `json:"lane" is:"one,up|down"`
	Epoch   uint32    `json:"epoch"`
	Seq     uint64    `json:"seq"`            // the highest given out
	Head    string    `json:"head" is:"hex?"` // digest of that envelope, hex
	Waiting int       `json:"waiting"`
	At      time.Time `json:"at"`
}
