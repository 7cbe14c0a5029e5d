package exchangetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/exchange"
)

// RunLink runs the contract of a link. open gives the sending and the receiving end of a fresh link, reopen the same
// link as after a restart of both ends; they may be one value.
func RunLink(t *testing.T, open func(t *testing.T) (send, receive exchange.Link, reopen func() (send, receive exchange.Link))) {
	t.Helper()
	for name, test := range map[string]func(*link){
		"carries bytes unchanged":          (*link).unchanged,
		"keeps the order":                  (*link).order,
		"one at a time":                    (*link).oneAtATime,
		"sent before the receiver starts":  (*link).early,
		"a refused one comes again":        (*link).again,
		"one put aside never comes again":  (*link).aside,
		"sent twice, same bytes":           (*link).twice,
		"a lost one is sent again":         (*link).lost,
		"restart loses nothing":            (*link).restart,
		"cancelled in the middle":          (*link).cancelled,
		"ends when the context ends":       (*link).ends,
		"the largest passes, a larger not": (*link).sizes,
	} {
		t.Run(name, func(t *testing.T) {
			l := &link{T: t}
			l.send, l.receive, l.reopen = open(t)
			rings, _ := Rings(t, time.Now())
			l.chain = NewChain(rings[exchange.Extranet], exchange.Up, time.Now)
			test(l)
		})
	}
}

type link struct {
	*testing.T
	send, receive exchange.Link
	reopen        func() (send, receive exchange.Link)
	chain         *Chain
}

var errLater = errors.New("not now")

// some makes n envelopes that follow each other.
func (l *link) some(n int) []exchange.Envelope {
	l.Helper()
	var out []exchange.Envelope
	for i := range n {
		d := exchange.Erasure{ID: fmt.Sprintf("e%d", i), Party: "p", At: time.Now()}
		out = append(out, l.chain.Seal(l, ParcelOf(l, d.ID, d, time.Now())))
	}
	return out
}

func (l *link) post(es ...exchange.Envelope) {
	l.Helper()
	for _, e := range es {
		if err := l.send.Send(context.Background(), e); err != nil {
			l.Fatal(err)
		}
	}
}

// listen receives until done tells that all is there; done is asked after each call of handle.
func (l *link) listen(handle func(context.Context, exchange.Envelope) error, done func() bool) {
	l.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	finished := false
	err := l.receive.Receive(ctx, func(c context.Context, e exchange.Envelope) error {
		err := handle(c, e)
		if done() {
			finished = true
			cancel()
		}
		return err
	})
	if err != nil {
		l.Fatalf("receive: %v", err)
	}
	if !finished {
		l.Fatal("not all arrived within 20 s")
	}
}

// collect receives until each number of want came; it gives the numbers in the order in which they came.
func (l *link) collect(want int) []uint64 {
	l.Helper()
	var seqs []uint64
	l.listen(func(_ context.Context, e exchange.Envelope) error {
		if !slices.Contains(seqs, e.Seq) {
			seqs = append(seqs, e.Seq)
		}
		return nil
	}, func() bool { return len(seqs) == want })
	return seqs
}

func (l *link) unchanged() {
	e := l.some(1)[0]
	l.post(e)
	var got exchange.Envelope
	l.listen(func(_ context.Context, e exchange.Envelope) error {
		got = e
		return nil
	}, func() bool { return true })
	if got.Lane != e.Lane || got.Epoch != e.Epoch || got.Seq != e.Seq || !bytes.Equal(got.Bytes, e.Bytes) {
		l.Errorf("got %s %d %d, %d bytes", got.Lane, got.Epoch, got.Seq, len(got.Bytes))
	}
}

func (l *link) order() {
	const n = 40
	l.post(l.some(n)...)
	if got := l.collect(n); !slices.IsSorted(got) {
		l.Errorf("came as %v", got)
	}
}

func (l *link) oneAtATime() {
	const n = 10
	l.post(l.some(n)...)
	var inside atomic.Int32
	var calls int
	l.listen(func(context.Context, exchange.Envelope) error {
		if inside.Add(1) != 1 {
			l.Error("two at a time")
		}
		defer inside.Add(-1)
		calls++
		return nil
	}, func() bool { return calls >= n })
}

func (l *link) early() {
	es := l.some(3)
	l.post(es[:2]...)
	var wait sync.WaitGroup
	defer wait.Wait()
	seen := make(chan struct{})
	wait.Go(func() {
		<-seen
		if err := l.send.Send(context.Background(), es[2]); err != nil {
			l.Error(err)
		}
	})
	var once sync.Once
	seqs := map[uint64]bool{}
	l.listen(func(_ context.Context, e exchange.Envelope) error {
		once.Do(func() { close(seen) })
		seqs[e.Seq] = true
		return nil
	}, func() bool { return len(seqs) == 3 })
}

func (l *link) again() {
	l.post(l.some(2)...)
	tries, handled := 0, map[uint64]bool{}
	l.listen(func(_ context.Context, e exchange.Envelope) error {
		if e.Seq == 1 && tries < 3 {
			tries++
			return errLater
		}
		handled[e.Seq] = true
		return nil
	}, func() bool { return handled[1] && handled[2] })
	if tries != 3 {
		l.Errorf("came again %d times", tries)
	}
}

func (l *link) aside() {
	es := l.some(4)
	l.post(es[:3]...)
	calls := map[uint64]int{}
	handle := func(_ context.Context, e exchange.Envelope) error {
		calls[e.Seq]++
		if e.Seq == 2 {
			return fmt.Errorf("judge: %w", exchange.ErrAside)
		}
		return nil
	}
	l.listen(handle, func() bool { return calls[3] > 0 })
	l.send, l.receive = l.reopen()
	l.post(es[3])
	l.listen(handle, func() bool { return calls[4] > 0 })
	if calls[2] != 1 {
		l.Errorf("the one put aside came %d times", calls[2])
	}
	l.post(es[1]) // its sender may send it again
	l.listen(handle, func() bool { return calls[2] == 2 })
}

func (l *link) twice() {
	es := l.some(2)
	l.post(es[0], es[0], es[1], es[0])
	sums := map[uint64]map[string]bool{1: {}, 2: {}}
	l.listen(func(_ context.Context, e exchange.Envelope) error {
		sum := sha256.Sum256(e.Bytes)
		sums[e.Seq][hex.EncodeToString(sum[:])] = true
		return nil
	}, func() bool { return len(sums[1]) > 0 && len(sums[2]) > 0 })
	if len(sums[1]) != 1 || len(sums[2]) != 1 {
		l.Error("one number came with two contents")
	}
}

func (l *link) lost() {
	es := l.some(3)
	l.post(es[0], es[2])
	if got := l.collect(2); !slices.Equal(got, []uint64{1, 3}) {
		l.Errorf("came as %v", got)
	}
	l.post(es[1])
	if got := l.collect(1); !slices.Equal(got, []uint64{2}) {
		l.Errorf("came as %v", got)
	}
}

func (l *link) restart() {
	es := l.some(6)
	l.post(es[:4]...)
	handled := map[uint64]int{}
	l.listen(func(_ context.Context, e exchange.Envelope) error {
		if e.Seq > 2 {
			return errLater // the process ends while it handles this one
		}
		handled[e.Seq]++
		return nil
	}, func() bool { return len(handled) == 2 })
	l.send, l.receive = l.reopen()
	l.post(es[4:]...)
	l.listen(func(_ context.Context, e exchange.Envelope) error {
		handled[e.Seq]++
		return nil
	}, func() bool { return len(handled) == 6 })
	for seq := uint64(3); seq <= 6; seq++ {
		if handled[seq] != 1 {
			l.Errorf("%d was handled %d times", seq, handled[seq])
		}
	}
}

func (l *link) cancelled() {
	l.post(l.some(1)...)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := l.receive.Receive(ctx, func(c context.Context, _ exchange.Envelope) error {
		cancel()
		return c.Err()
	})
	if err != nil {
		l.Errorf("receive: %v", err)
	}
	l.collect(1)
}

func (l *link) ends() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- l.receive.Receive(ctx, func(context.Context, exchange.Envelope) error { return nil })
	}()
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			l.Errorf("receive: %v", err)
		}
	case <-time.After(5 * time.Second):
		l.Error("still receiving after 5 s")
	}
	if err := l.send.Send(ctx, l.some(1)[0]); !errors.Is(err, context.Canceled) {
		l.Errorf("send after the end: %v", err)
	}
}

func (l *link) sizes() {
	b := bytes.Repeat([]byte("x"), exchange.PartSize)
	sum := sha256.Sum256(b)
	p := exchange.Part{File: "f", Of: "d", Number: 1, Count: 2, SHA256: hex.EncodeToString(sum[:]), Bytes: b}
	big := l.chain.Seal(l, ParcelOf(l, "part", p, time.Now()))
	over := big
	over.Bytes = append(bytes.Clone(big.Bytes), make([]byte, exchange.MaxEnvelope)...)
	if err := l.send.Send(context.Background(), over); err == nil {
		l.Error("an envelope over the limit was sent")
	}
	l.post(big)
	if got := l.collect(1); len(got) != 1 || got[0] != big.Seq {
		l.Errorf("came: %v", got)
	}
}
