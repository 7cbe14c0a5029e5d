package diode

import (
	"bytes"
	"container/heap"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/exchangetest"
)

// sim is a link on a clock of its own: sender and receiver as they are, with a relay between them instead of a wire.
// Nothing in it sleeps; pacing, gaps and jitter move the clock.
type sim struct {
	*testing.T
	now      time.Time
	sender   *Sender
	receiver *Receiver
	relay    *relay
	chain    *exchangetest.Chain
	out, in  Config
	sent     map[[32]byte]bool
}

// relay does to packets what a bad wire does.
type relay struct {
	sim       *sim
	rng       *rand.Rand
	loss      float64       // of packets, each by itself
	every     time.Duration // in each such stretch of time …
	burst     time.Duration // … all is lost for so long
	begun     time.Time
	jitter    time.Duration // each packet is late by up to this
	duplicate float64
	flip      float64 // share of packets with one bit flipped
	count     int
	late      late
	captured  [][]byte // all that the sender sent, when keep is true
	keep      bool
}

// late is the heap of packets under way.
type late []arrival

type arrival struct {
	at    time.Time
	order int
	b     []byte
}

func (l late) Len() int { return len(l) }
func (l late) Less(i, j int) bool {
	return l[i].at.Before(l[j].at) || l[i].at.Equal(l[j].at) && l[i].order < l[j].order
}
func (l late) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l *late) Push(x any)   { *l = append(*l, x.(arrival)) }
func (l *late) Pop() any     { x := (*l)[len(*l)-1]; *l = (*l)[:len(*l)-1]; return x }

func (r *relay) close() error { return nil }

func (r *relay) write(b []byte) error {
	r.count++
	if r.keep {
		r.captured = append(r.captured, bytes.Clone(b))
	}
	copies := 1
	if r.rng.Float64() < r.duplicate {
		copies = 2
	}
	if r.rng.Float64() < r.loss || r.every > 0 && r.sim.now.Sub(r.begun)%r.every < r.burst {
		copies = 0
	}
	for range copies {
		c := bytes.Clone(b)
		if r.rng.Float64() < r.flip {
			c[r.rng.IntN(len(c))] ^= 1 << r.rng.IntN(8)
		}
		at := r.sim.now
		if r.jitter > 0 {
			at = at.Add(time.Duration(r.rng.Int64N(int64(r.jitter))))
		}
		heap.Push(&r.late, arrival{at, r.count, c})
	}
	r.deliver()
	return nil
}

// deliver hands over what is due.
func (r *relay) deliver() {
	for len(r.late) > 0 && !r.late[0].at.After(r.sim.now) {
		r.sim.take(heap.Pop(&r.late).(arrival).b)
	}
}

// take hands the receiver a packet. The disk is given its time: the clock of a sim stands still meanwhile.
func (s *sim) take(b []byte) {
	s.receiver.take(b)
	for s.writing() > 0 {
		runtime.Gosched()
	}
}

func (s *sim) writing() int {
	s.receiver.mu.Lock()
	defer s.receiver.mu.Unlock()
	return len(s.receiver.seen.writing)
}

func newSim(t *testing.T, seed uint64) *sim {
	t.Helper()
	rings, _ := exchangetest.Rings(t, time.Now())
	s := &sim{T: t, now: time.Now(), out: config(t), in: config(t), sent: map[[32]byte]bool{}}
	s.chain = exchangetest.NewChain(rings[exchange.Extranet], exchange.Up, time.Now)
	s.relay = &relay{sim: s, begun: s.now, rng: rand.New(rand.NewPCG(seed, 5))}
	s.out.Rate, s.out.Gap = DefaultRate, DefaultGap
	s.openSender()
	s.openReceiver()
	t.Cleanup(func() { s.sender.shelf.close(); s.receiver.Close() })
	return s
}

func (s *sim) clock() time.Time { return s.now }

func (s *sim) openSender() {
	s.Helper()
	var err error
	if s.sender, err = newSender(s.out, quiet(), s.relay, s.clock); err != nil {
		s.Fatal(err)
	}
	s.sender.pace.now = s.clock
	s.sender.pace.sleep = func(_ context.Context, d time.Duration) { s.now = s.now.Add(d) }
	s.sender.shelf.fsync = func(*os.File) error { return nil } // volume, not durability, is looked at here
}

func (s *sim) openReceiver() {
	s.Helper()
	var err error
	if s.receiver, err = newReceiver(s.in, quiet(), s.clock); err != nil {
		s.Fatal(err)
	}
	s.receiver.shelf.fsync = func(*os.File) error { return nil }
}

// restart ends a half as a kill does, and opens it again.
func (s *sim) restartSender() {
	s.sender.shelf.close()
	s.now = s.now.Add(time.Second)
	s.openSender()
}

func (s *sim) restartReceiver() {
	s.receiver.Close()
	s.openReceiver()
}

// small gives an envelope of a short document.
func (s *sim) small() exchange.Envelope {
	s.Helper()
	id := fmt.Sprintf("e%d", s.chain.Head.Seq)
	return s.chain.Seal(s, exchangetest.ParcelOf(s, id, exchange.Erasure{ID: id, Party: "p", At: time.Now()}, time.Now()))
}

// large gives an envelope with n bytes of a file, at most exchange.PartSize.
func (s *sim) large(n int) exchange.Envelope {
	s.Helper()
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.relay.rng.Uint32())
	}
	sum := sha256.Sum256(b)
	p := exchange.Part{File: "f", Of: "d", Number: 2, Count: 2, SHA256: hex.EncodeToString(sum[:]), Bytes: b}
	return s.chain.Seal(s, exchangetest.ParcelOf(s, "part", p, time.Now()))
}

func (s *sim) post(es ...exchange.Envelope) {
	s.Helper()
	for _, e := range es {
		if err := s.sender.Send(context.Background(), e); err != nil {
			s.Fatal(err)
		}
		s.sent[e.Head().Digest] = true
	}
}

// pump sends all that is due and all later passes, and lets everything under way arrive.
func (s *sim) pump() {
	ctx := context.Background()
	var at *passage
	for {
		var group []row
		if group, at = s.sender.group(at); len(group) > 0 {
			s.sender.sendGroup(ctx, group)
			continue
		}
		next := s.sender.nextAgain()
		if next.IsZero() {
			break
		}
		s.now = next
	}
	s.now = s.now.Add(s.relay.jitter)
	s.relay.deliver()
}

// received takes all that arrived off the link, and gives how often each came; whatever was not sent is an error.
func (s *sim) received() map[uint64]int {
	s.Helper()
	got := map[uint64]int{}
	last := ""
	for s.receiver.drain(context.Background(), func(_ context.Context, e exchange.Envelope) error {
		if !s.sent[e.Head().Digest] {
			s.Errorf("number %d was never sent like this", e.Seq)
		}
		got[e.Seq]++
		return nil
	}, &last) {
		s.Fatal("something waits")
	}
	return got
}

// wantOnce looks whether numbers 1 to n came, each once.
func (s *sim) wantOnce(got map[uint64]int, n int) {
	s.Helper()
	for seq := uint64(1); seq <= uint64(n); seq++ {
		if got[seq] != 1 {
			s.Errorf("number %d came %d times", seq, got[seq])
		}
	}
	if len(got) != n {
		s.Errorf("%d numbers came, want %d", len(got), n)
	}
}
