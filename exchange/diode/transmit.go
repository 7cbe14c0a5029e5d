package diode

import (
	"context"
	"time"

	"gatehouse/exchange"
)

// passage is a job whose shards are being sent.
type passage struct {
	job   *job
	bytes []byte
	next  int // block
	sending
}

// row is one block with its parity, in the buffer of its place in the group.
type row struct {
	of     *passage
	block  int
	k, m   int
	shards [][]byte
}

// run sends what is due, and idle packets when nothing is, until ctx ends.
func (s *Sender) run(ctx context.Context) {
	for range warmUp {
		s.idle(ctx)
	}
	var at *passage
	for ctx.Err() == nil {
		var group []row
		group, at = s.group(at)
		if len(group) > 0 {
			s.sendGroup(ctx, group)
			continue
		}
		s.rest(ctx)
	}
}

// rest waits for the next job or the next idle packet.
func (s *Sender) rest(ctx context.Context) {
	beat := s.last.Add(s.c.Heartbeat / beats)
	until := beat
	if again := s.nextAgain(); !again.IsZero() && again.Before(beat) {
		until = again
	}
	t := time.NewTimer(max(until.Sub(s.now()), 0))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-s.wake:
	case <-t.C:
		if !s.now().Before(beat) {
			s.idle(ctx)
		}
	}
}

// group takes Interleave blocks that go side by side, of one envelope or of several. The last blocks of an envelope
// go with those before, so that a burst finds no group that is too small for it, unless the envelope itself is. It
// gives the passage that is not through yet.
func (s *Sender) group(at *passage) ([]row, *passage) {
	var rows []row
	for {
		if full := len(rows) >= s.c.Interleave; full && (at == nil || at.left() >= s.c.Interleave) {
			return rows, at
		}
		if at == nil {
			if at = s.begin(); at == nil {
				return rows, nil
			}
		}
		if !s.joins(rows, at) {
			return rows, at
		}
		rows = append(rows, s.row(at, at.k()))
		if at.next++; at.left() == 0 {
			at = nil
		}
	}
}

// joins tells whether the next block may go beside those before. One of a later envelope may when that is not whole
// before them, so that everything becomes whole in its order: its blocks are as long, or it goes on in the next group.
func (s *Sender) joins(rows []row, at *passage) bool {
	if len(rows) == 0 || rows[len(rows)-1].of == at {
		return true
	}
	longest := 0
	for _, r := range rows {
		longest = max(longest, r.k)
	}
	return at.k() >= longest || at.left() >= 2*s.c.Interleave-len(rows)
}

// left is how many blocks are still to go, k how many data shards the next has.
func (p *passage) left() int { return p.blocks - p.next }
func (p *passage) k() int    { return share(shards(p.size), p.blocks, p.next) }

// begin reads the next envelope that is due. One that can't be read is put aside; its sender sends it again.
func (s *Sender) begin() *passage {
	for {
		j := s.due(s.now())
		if j == nil {
			return nil
		}
		e, err := s.shelf.get(j.name)
		if err == nil {
			return s.passage(j, e)
		}
		if err := s.setAside(j.name, err); err != nil {
			s.log.Error("envelope can't be read", "file", j.name, "err", err)
		}
		s.mu.Lock()
		s.release(j)
		s.mu.Unlock()
	}
}

func (s *Sender) passage(j *job, e exchange.Envelope) *passage {
	n := shards(len(e.Bytes))
	return &passage{job: j, bytes: e.Bytes, sending: sending{
		number: j.number, digest: [16]byte(j.sum[:16]), size: len(e.Bytes), blocks: (n + s.c.Data - 1) / s.c.Data,
	}}
}

// row encodes one block.
func (s *Sender) row(p *passage, k int) row {
	m := s.plan[k]
	store := make([]byte, (k+m)*shardSize)
	copy(store[:k*shardSize], p.bytes[before(shards(p.size), p.blocks, p.next)*shardSize:])
	r := row{of: p, block: p.next, k: k, m: m, shards: make([][]byte, k+m)}
	for i := range r.shards {
		r.shards[i] = store[i*shardSize : (i+1)*shardSize]
	}
	code, err := s.codes.get(k, m)
	if err == nil {
		err = code.Encode(r.shards)
	}
	if err != nil { // the configuration's bounds are the code's; without parity the data still goes
		s.log.Error("no parity", "err", err)
		clear(store[k*shardSize:])
		r.shards = r.shards[:k]
	}
	return r
}

// sendGroup sends the blocks side by side, shard by shard.
func (s *Sender) sendGroup(ctx context.Context, group []row) {
	longest := 0
	for _, r := range group {
		longest = max(longest, len(r.shards))
	}
	for i := range longest {
		for _, r := range group {
			if i < len(r.shards) {
				s.transmit(ctx, packet{kind: kindShard, sending: r.of.sending, block: r.block, k: r.k, m: r.m, index: i, shard: r.shards[i]})
			}
		}
	}
	if ctx.Err() != nil {
		return
	}
	for _, r := range group {
		if r.block == r.of.blocks-1 {
			s.passed(r.of.job)
		}
	}
}

func (s *Sender) idle(ctx context.Context) { s.transmit(ctx, packet{kind: kindIdle}) }

// transmit puts one packet on the wire, at the pace of the link. A packet that the network doesn't take is tried again
// until ctx ends, so that nothing counts as sent while the interface is down.
func (s *Sender) transmit(ctx context.Context, p packet) {
	s.number++
	p.stream, p.number, p.sender = s.stream, s.number, s.id
	s.auth.seal(s.buf[:], p)
	for wait := writeWait; ctx.Err() == nil; wait = min(2*wait, time.Second) {
		s.pace.take(ctx)
		err := s.wire.write(s.buf[:])
		if err == nil {
			s.said = ""
			s.last = s.now()
			s.counts.packets.Add(1)
			return
		}
		if ctx.Err() != nil {
			return
		}
		s.counts.faults.Add(1)
		if err.Error() != s.said {
			s.said = err.Error()
			s.log.Error("packet can't be sent", "err", err)
		}
		s.pace.sleep(ctx, wait)
	}
}
