package exchange

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
)

func (Case) document()        {}
func (Addition) document()    {}
func (Question) document()    {}
func (Tally) document()       {}
func (Erasure) document()     {}
func (Result) document()      {}
func (Notice) document()      {}
func (Broadcast) document()   {}
func (Audience) document()    {}
func (Control) document()     {}
func (Send) document()        {}
func (Forget) document()      {}
func (Publication) document() {}
func (Part) document()        {}
func (Ack) document()         {}
func (Heartbeat) document()   {}
func (History) document()     {}

// Kind is KindCase.
func (Case) Kind() Kind { return KindCase }

// Kind is KindAddition.
func (Addition) Kind() Kind { return KindAddition }

// Kind is KindQuestion.
func (Question) Kind() Kind { return KindQuestion }

// Kind is KindTally.
func (Tally) Kind() Kind { return KindTally }

// Kind is KindErasure.
func (Erasure) Kind() Kind { return KindErasure }

// Kind is KindResult.
func (Result) Kind() Kind { return KindResult }

// Kind is KindNotice.
func (Notice) Kind() Kind { return KindNotice }

// Kind is KindBroadcast.
func (Broadcast) Kind() Kind { return KindBroadcast }

// Kind is KindAudience.
func (Audience) Kind() Kind { return KindAudience }

// Kind is KindControl.
func (Control) Kind() Kind { return KindControl }

// Kind is KindSend.
func (Send) Kind() Kind { return KindSend }

// Kind is KindForget.
func (Forget) Kind() Kind { return KindForget }

// Kind is KindPublication.
func (Publication) Kind() Kind { return KindPublication }

// Kind is KindPart.
func (Part) Kind() Kind { return KindPart }

// Kind is KindAck.
func (Ack) Kind() Kind { return KindAck }

// Kind is KindHeartbeat.
func (Heartbeat) Kind() Kind { return KindHeartbeat }

// Kind is KindHistory.
func (History) Kind() Kind { return KindHistory }

// fields holds d against the grammar at its fields.
func fields(d Document) error { return checkFields(reflect.ValueOf(d), "") }

// Check implements Document: every field by its rule, and no file twice.
func (c Case) Check() error {
	if err := fields(c); err != nil {
		return err
	}
	return checkFiles(c.Files, "files")
}

// Check implements Document: every field by its rule, and no file twice.
func (a Addition) Check() error {
	if err := fields(a); err != nil {
		return err
	}
	return checkFiles(a.Files, "files")
}

// Check implements Document.
func (q Question) Check() error { return fields(q) }

// Check implements Document.
func (t Tally) Check() error { return fields(t) }

// Check implements Document.
func (e Erasure) Check() error { return fields(e) }

// Check implements Document.
func (r Result) Check() error { return fields(r) }

// Check implements Document; a decision needs its public reason, words a state that is none, and rows to correct are asked
// of the person until a date.
func (n Notice) Check() error {
	if err := fields(n); err != nil {
		return err
	}
	if n.Decision != Undecided && n.Reason == "" {
		return wrong("reason", ReasonSchema, "is missing beside a decision")
	}
	if n.Words != "" && (n.State == "" || n.State == Decided || n.Decision != Undecided) {
		return wrong("words", ReasonSchema, "stand without a state, or beside a decision")
	}
	if n.Correct > 0 && n.State != WaitingYou {
		return wrong("correct", ReasonSchema, "is not asked of the person")
	}
	if n.Correct > 0 && n.Promise.IsZero() {
		return wrong("promise", ReasonSchema, "is missing beside rows to correct")
	}
	if n.Correct > MaxCorrect {
		return wrong("correct", ReasonSize, "is over %d", MaxCorrect)
	}
	return checkFiles(n.Document, "document")
}

// Check implements Document: there is something to say, to somebody, while it matters.
func (b Broadcast) Check() error {
	if err := fields(b); err != nil {
		return err
	}
	of := b.Audience != "" && b.Audience != AudienceEveryone
	switch {
	case len(b.Bodies) == 0:
		return wrong("bodies", ReasonSchema, "is empty")
	case b.List == "" && b.Audience == "":
		return wrong("list", ReasonSchema, "is empty, and no audience is named")
	case b.List != "" && b.Audience != "":
		return wrong("audience", ReasonSchema, "stands beside a list")
	case of != (b.Of != ""):
		return wrong("of", ReasonSchema, "does not fit the audience")
	case (b.Audience == AudienceArea || b.Audience == AudienceEveryone) && b.Basis == "":
		return wrong("basis", ReasonSchema, "is missing: these people did not join")
	case b.Priority == PriorityEmergency && b.Expires.IsZero():
		return wrong("expires", ReasonSchema, "is missing: an emergency has an end")
	case !b.Expires.IsZero() && !b.Starts.IsZero() && !b.Starts.Before(b.Expires):
		return wrong("starts", ReasonSchema, "is not before it expires")
	case b.Step != "" && b.Follows == "":
		return wrong("follows", ReasonSchema, "is missing beside a step")
	}
	return nil
}

// Audiences of a broadcast, and the priority that waits for nothing.
const (
	AudienceArea     = "area"
	AudienceEveryone = "everyone"
	AudienceService  = "service"
	AudienceReached  = "reached"

	PriorityEmergency = "emergency"
)

// Check implements Document.
func (a Audience) Check() error {
	if err := fields(a); err != nil {
		return err
	}
	return checkFiles(a.Files, "files")
}

// Check implements Document.
func (f Forget) Check() error { return fields(f) }

// Check implements Document.
func (c Control) Check() error { return fields(c) }

// Check implements Document.
func (s Send) Check() error { return fields(s) }

// Check implements Document; what is published has a body, what is removed has none; a listing is one.
func (p Publication) Check() error {
	if err := fields(p); err != nil {
		return err
	}
	if p.Removed != (p.Body == "") {
		return wrong("body", ReasonSchema, "is empty without removed, or there with it")
	}
	return checkListing(p)
}

// Check implements Document: the numbers fit, and the digest is that of the bytes.
func (p Part) Check() error {
	if err := fields(p); err != nil {
		return err
	}
	if p.Number < 1 || p.Number > p.Count || p.Count > MaxParts {
		return wrong("number", ReasonSize, "is not within 1 to count, or count is over %d", MaxParts)
	}
	if p.Number < p.Count && len(p.Bytes) != PartSize {
		return wrong("bytes", ReasonSize, "are not %d although more parts follow", PartSize)
	}
	if sum := sha256.Sum256(p.Bytes); hex.EncodeToString(sum[:]) != p.SHA256 {
		return wrong("sha256", ReasonSchema, "is not that of the bytes")
	}
	return nil
}

// Check implements Document: missing ranges and refusals are ordered, and the ranges lie above Contiguous.
func (a Ack) Check() error {
	if err := fields(a); err != nil {
		return err
	}
	last := a.Contiguous
	for _, r := range a.Missing {
		if r.From <= last || r.To < r.From {
			return wrong("missing", ReasonSchema, "is not ordered above contiguous")
		}
		last = r.To
	}
	seq := uint64(0)
	for _, r := range a.Refused {
		if r.Seq <= seq || r.Reason == ReasonNone || r.Reason > LastReason {
			return wrong("refused", ReasonSchema, "is not ordered, or has an unknown reason")
		}
		seq = r.Seq
	}
	return nil
}

// Check implements Document.
func (h Heartbeat) Check() error { return fields(h) }

// Check implements Document.
func (h History) Check() error { return fields(h) }

func checkFiles(refs []FileRef, at string) error {
	for i, f := range refs {
		if f.Size < 1 || f.Size > PartSize*MaxParts {
			return wrong(at, ReasonSize, "has a file that is empty or over %d bytes", PartSize*MaxParts)
		}
		for _, g := range refs[:i] {
			if g.ID == f.ID {
				return wrong(at, ReasonSchema, "names a file twice")
			}
		}
	}
	return nil
}
