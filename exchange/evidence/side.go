package evidence

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/exchange"
)

// Events of a side's log.
const (
	eventStart    = "start"
	eventTorn     = "torn"
	eventSent     = "sent"
	eventReceived = "received"
	eventTold     = "told"
	eventResumed  = "resumed"
)

// Side is the log of one end of the border: what it sent in its lane, and what it received in the other. It is an
// exchange.Journal, and safe from anywhere.
type Side struct {
	mu    sync.Mutex
	party exchange.Party
	lane  exchange.Lane // in which it sends
	log   *Log
	fault error
	kept  time.Time // of the last anchor

	sent, heard place
	last        []exchange.Passed // of the last sent, oldest first
	epoch       uint32            // of last
	days        []string          // whole or begun days with records that no report was sent of, oldest first
	reported    string            // the last day that a report was sent of
}

var _ exchange.Journal = (*Side)(nil)

// place is a number in a lane.
type place struct {
	epoch uint32
	seq   uint64
}

func (p place) before(h exchange.Head) bool {
	return p.epoch < h.Epoch || p.epoch == h.Epoch && p.seq < h.Seq
}

// OpenSide verifies the log at path from its beginning and goes on with it; where there is none, it begins. The log of
// another party is refused. torn is what a crash left half written, set aside.
func OpenSide(path string, party exchange.Party, now time.Time) (s *Side, torn int64, err error) {
	s = &Side{party: party, lane: exchange.Up, kept: now}
	if party == exchange.Intranet {
		s.lane = exchange.Down
	}
	if s.log, torn, err = OpenLog(path, s.replay); err != nil {
		return nil, 0, err
	}
	records := []Record{{Event: eventStart, Party: party, Lane: s.lane}}
	if torn > 0 {
		records = []Record{{Event: eventTorn, Lane: s.lane, Size: int(torn)}, records[0]}
	}
	err = s.log.Append(now, records...)
	if err == nil {
		err = s.log.Anchor()
	}
	if err != nil {
		return nil, torn, fmt.Errorf("begin log: %w", err)
	}
	return s, torn, nil
}

// Close anchors and closes the log.
func (s *Side) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Close()
}

// Tip is the end of the log, to be noted elsewhere.
func (s *Side) Tip() Tip {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Tip()
}

func (s *Side) replay(r Record) error {
	if r.Party != "" && r.Party != s.party {
		return fmt.Errorf("the log is of the %s", r.Party)
	}
	s.apply(r, r.At)
	return nil
}

// apply takes a record into memory.
func (s *Side) apply(r Record, at string) {
	switch {
	case r.Event == eventSent && r.Out != nil:
		s.sent = place{r.Out.Epoch, r.Out.Seq}
		s.remember(r)
		s.day(at)
		if d, ok := reportDay(r.Parcel); ok {
			s.reported = max(s.reported, d)
			s.days = slices.DeleteFunc(s.days, func(x string) bool { return x <= s.reported })
		}
	case r.Event == eventReceived && r.Origin != nil:
		s.heard = place{r.Origin.Epoch, r.Origin.Seq}
		s.day(at)
	case r.Event == eventTold && r.Out != nil && r.Out.Epoch == s.epoch:
		for i := range s.last {
			if s.last[i].Seq == r.Out.Seq {
				s.last[i].State = exchange.StateRefused
			}
		}
	}
}

func (s *Side) remember(r Record) {
	if r.Out.Epoch != s.epoch {
		s.epoch, s.last = r.Out.Epoch, nil
	}
	s.last = append(s.last, exchange.Passed{ID: publicID(r.Parcel), Seq: r.Out.Seq, Digest: r.Out.Digest, State: exchange.StateSent})
	if n := len(s.last); n > 2*exchange.MaxHistory {
		s.last = slices.Clone(s.last[n-exchange.MaxHistory:])
	}
}

// publicID is how the lane's own documents are called on their way: by their kind alone.
func publicID(parcel string) string {
	for _, k := range []exchange.Kind{exchange.KindAck, exchange.KindHistory} {
		if strings.HasPrefix(parcel, string(k)+"-") {
			return string(k)
		}
	}
	return parcel
}

func (s *Side) day(at string) {
	if len(at) < len(time.DateOnly) {
		return
	}
	d := at[:len(time.DateOnly)]
	if n := len(s.days); d > s.reported && (n == 0 || d > s.days[n-1]) {
		s.days = append(s.days, d)
	}
}

// Fault implements exchange.Journal.
func (s *Side) Fault() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

// Ready implements exchange.Journal. After a fault it writes one record, that the log goes on.
func (s *Side) Ready(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		return s.append(now, Record{Event: eventResumed, Lane: s.lane})
	}
	return nil
}

// append makes records durable together and takes them into memory; each minute it notes the tip beside the log.
func (s *Side) append(now time.Time, records ...Record) error {
	if s.fault = s.log.Append(now, records...); s.fault != nil {
		return s.fault
	}
	at := now.UTC().Format(time.DateOnly)
	for _, r := range records {
		s.apply(r, at)
	}
	if now.Sub(s.kept) > time.Minute {
		s.kept = now
		s.fault = s.log.Anchor()
	}
	return s.fault
}

// Sent implements exchange.Journal.
func (s *Side) Sent(now time.Time, batch []exchange.Numbered) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var records []Record
	last := s.sent
	for _, n := range batch {
		if last.before(n.Head) {
			records = append(records, Record{Event: eventSent, Lane: s.lane, Out: MarkOf(n.Head), Parcel: n.Parcel, Size: len(n.Bytes)})
			last = place{n.Head.Epoch, n.Head.Seq}
		}
	}
	if len(records) == 0 {
		return s.fault
	}
	return s.append(now, records...)
}

// Received implements exchange.Journal.
func (s *Side) Received(now time.Time, batch []exchange.Arrival) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var records []Record
	last := s.heard
	for _, a := range batch {
		if last.before(a.Origin) {
			records = append(records, Record{Event: eventReceived, Lane: s.lane.Opposite(), In: MarkOf(a.Head), Origin: MarkOf(a.Origin),
				Parcel: a.Parcel.ID, Kind: a.Parcel.Kind, Reason: a.Refused, Of: a.Of})
			last = place{a.Origin.Epoch, a.Origin.Seq}
		}
	}
	if len(records) == 0 {
		return s.fault
	}
	return s.append(now, records...)
}

// Heard implements exchange.Journal.
func (s *Side) Heard() (epoch uint32, seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard.epoch, s.heard.seq
}

// Told implements exchange.Journal.
func (s *Side) Told(now time.Time, a exchange.Ack) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var records []Record
	for _, r := range a.Refused {
		records = append(records, Record{Event: eventTold, Lane: s.lane, Reason: r.Reason,
			Out: &Mark{Epoch: a.Epoch, Seq: r.Seq, Digest: s.digestOf(a.Epoch, r.Seq)}})
	}
	return s.append(now, records...)
}

// digestOf is the digest of what was sent lately under a number; zeros: not lately.
func (s *Side) digestOf(epoch uint32, seq uint64) string {
	for _, p := range s.last {
		if epoch == s.epoch && p.Seq == seq {
			return p.Digest
		}
	}
	return hex.EncodeToString(make([]byte, 32))
}

// Last implements exchange.Journal.
func (s *Side) Last(epoch uint32) []exchange.Passed {
	s.mu.Lock()
	defer s.mu.Unlock()
	if epoch != s.epoch {
		return nil
	}
	return slices.Clone(s.last[max(0, len(s.last)-exchange.MaxHistory):])
}

// each reads the log as it stands now, without holding up what is written meanwhile.
func (s *Side) each(f func(Record) error) error {
	s.mu.Lock()
	now := *s.log
	s.mu.Unlock()
	return now.Each(f)
}

// Over is Log.Over.
func (s *Side) Over(w func(Disk) Disk) (undo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	back := s.log.Over(w)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		back()
	}
}
