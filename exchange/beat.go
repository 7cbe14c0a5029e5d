package exchange

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// DefaultBeatEvery is how often each end of a hop says where it stands.
const DefaultBeatEvery = 5 * time.Second

// CheckBeatEvery names what is wrong with a setting beat_every; zero is the default.
func CheckBeatEvery(d time.Duration) error {
	if d != 0 && (d < 100*time.Millisecond || d > 48*time.Hour) {
		return fmt.Errorf("beat_every: is %s; 100ms to 48h, or 0s for 5s", d)
	}
	return nil
}

// firstBeat is the lowest number that stands for no envelope. Numbers of a lane never come near it. A beat's number is
// firstBeat plus its moment in milliseconds: later beats are higher, and no two links take one for the other.
const firstBeat = uint64(1) << 63

// Beat is one end of a hop saying where it stands. It travels in an envelope, sealed and signed like any other, but
// outside of the lane's numbering: it is never kept, logged, acknowledged or sent again, so that one every few seconds
// leaves nothing behind. The next one says more than a lost one did.
type Beat struct {
	// Own is what the sender knows of its own sending on this hop.
	Own Heartbeat
	// Origin is what the guard knows of the lane's origin, in the guard's words and by its clock: At is when it was
	// heard last. Zero before the guard, and when the origin was not heard.
	Origin Heartbeat
}

// IsBeat tells a beat from the lane's envelopes, by its number alone.
func (e Envelope) IsBeat() bool { return e.Seq >= firstBeat }

// beatHop gives who beats for whom where the ring's party sends in l.
func (r *Ring) beatHop(l Lane) (h hop, to Party, err error) {
	switch rt := routeOf(l); r.Party {
	case rt.origin:
		return toGuard, rt.guard, nil
	case rt.guard:
		return fromGuard, rt.end, nil
	}
	return 0, "", fmt.Errorf("beat: %s sends nothing %s", r.Party, l)
}

// SealBeat makes the envelope of a beat for the next party of lane l. Only a guard may speak of the origin.
func (r *Ring) SealBeat(l Lane, b Beat, now time.Time) (Envelope, error) {
	h, to, err := r.beatHop(l)
	if err != nil {
		return Envelope{}, err
	}
	signer, ok := r.current(r.Party, Sign, now)
	if !ok {
		return Envelope{}, fmt.Errorf("beat: no valid signing key")
	}
	b.Own.Lane, b.Own.At = l, now
	var s sections
	if s.header, err = Encode(b.Own); err != nil {
		return Envelope{}, err
	}
	if b.Origin != (Heartbeat{}) && h == fromGuard {
		b.Origin.Lane = l
		if s.content, err = Encode(b.Origin); err != nil {
			return Envelope{}, err
		}
	}
	s.signature = sign(signer, l, beatRole(h), beatSigned(s))
	o := outer{lane: l, hop: h, sender: signer.ID, epoch: max(b.Own.Epoch, 1), seq: beatNumber(now), prev: headDigest(b.Own)}
	n, err := r.lock(s, o, to, now)
	return Envelope{Lane: l, Epoch: n.Head.Epoch, Seq: n.Head.Seq, Bytes: n.Bytes}, err
}

// OpenBeat opens a beat that came in lane l and verifies who sent it. Its errors are ErrAside, as of Unseal.
func (r *Ring) OpenBeat(l Lane, e Envelope, now time.Time) (Beat, error) {
	rt, h := routeOf(l), toGuard
	sender := rt.origin
	switch r.Party {
	case rt.guard:
	case rt.end:
		h, sender = fromGuard, rt.guard
	default:
		return Beat{}, fmt.Errorf("open beat: %s receives nothing %s", r.Party, l)
	}
	o, s, key, err := r.unlock(e, l, h, sender, now)
	if err != nil {
		return Beat{}, err
	}
	if !verify(key, l, beatRole(h), beatSigned(s), s.signature) {
		return Beat{}, fault(ReasonForged, "has no valid signature under a heartbeat")
	}
	if len(s.verdict)+len(s.endorsement) != 0 || h == toGuard && len(s.content) != 0 {
		return Beat{}, fault(ReasonForged, "has more in a heartbeat than belongs there")
	}
	return readBeat(o, s, l)
}

func readBeat(o outer, s sections, l Lane) (b Beat, err error) {
	if b.Own, err = readHeartbeat(s.header, l); err != nil {
		return b, err
	}
	if len(s.content) > 0 {
		if b.Origin, err = readHeartbeat(s.content, l); err != nil {
			return b, err
		}
	}
	if o.seq != beatNumber(b.Own.At) || o.epoch != max(b.Own.Epoch, 1) || o.prev != headDigest(b.Own) {
		return b, fault(ReasonForged, "has another heartbeat outside than under its signature")
	}
	return b, nil
}

func readHeartbeat(b []byte, l Lane) (Heartbeat, error) {
	d, err := Decode(KindHeartbeat, b)
	if err != nil {
		return Heartbeat{}, fault(ReasonSchema, "has a heartbeat that can't be read: %v", err)
	}
	if h := d.(Heartbeat); h.Lane == l && !h.At.IsZero() {
		return h, nil
	}
	return Heartbeat{}, fault(ReasonForged, "has a heartbeat of another lane, or without its moment")
}

// beatRole keeps a beat's signature from standing on another hop or under a document.
func beatRole(h hop) string { return fmt.Sprintf("beat/%d", h) }

// beatSigned is both heartbeats with the length of the first, so that neither can take from the other.
func beatSigned(s sections) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(s.header)))
	return append(append(b, s.header...), s.content...)
}

func beatNumber(at time.Time) uint64 { return firstBeat + uint64(max(at.UnixMilli(), 0)) }

func headDigest(h Heartbeat) [32]byte { return unhex(h.Head) }

// HeartbeatOf says that an end stands at h and has so many documents that wait.
func HeartbeatOf(h Head, waiting int) Heartbeat {
	b := Heartbeat{Epoch: h.Epoch, Seq: h.Seq, Waiting: waiting}
	if h.Seq > 0 {
		b.Head = hex.EncodeToString(h.Digest[:])
	}
	return b
}

// Stands is the head that a heartbeat names.
func (h Heartbeat) Stands() Head { return Head{Epoch: h.Epoch, Seq: h.Seq, Digest: headDigest(h)} }
