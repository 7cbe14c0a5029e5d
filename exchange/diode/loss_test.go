package diode

import (
	"os"
	"slices"
	"testing"
	"time"

	"gatehouse/exchange"
)

// load is what crosses a bad wire: small envelopes in crowds and alone, and large ones among them. A soak takes
// the whole load of the design, 10,000 small ones and 200 MB of files.
func (s *sim) load() int {
	crowds, crowd, parts := 3, 40, 2
	if os.Getenv("GATEHOUSE_KILLS") != "" {
		crowds, crowd, parts = 100, 100, 4
	}
	n := 0
	for range crowds {
		for range crowd {
			s.post(s.small())
		}
		for range parts {
			s.post(s.large(exchange.PartSize - s.relay.rng.IntN(200_000)))
		}
		s.pump()
		s.post(s.small()) // alone on the wire
		s.pump()
		n += crowd + parts + 1
	}
	return n
}

// packets is how long a burst of n takes on a full wire. An envelope that is alone on the wire is swallowed by it
// whole, and is there once more after the gap.
func packets(n int) time.Duration { return time.Duration(n) * PacketSize * time.Second / DefaultRate }

// TestBadWireLosesNothing: whatever the wire does up to the figures of the design, each envelope arrives once, in
// two passes, without anybody asking for it.
func TestBadWireLosesNothing(t *testing.T) {
	for name, spoil := range map[string]func(r *relay){
		"loss 0 %":                 func(*relay) {},
		"loss 1 %":                 func(r *relay) { r.loss = 0.01 },
		"loss 5 %":                 func(r *relay) { r.loss = 0.05 },
		"loss 10 %":                func(r *relay) { r.loss = 0.10 },
		"loss 20 %":                func(r *relay) { r.loss = 0.20 },
		"bursts of 50":             func(r *relay) { r.every, r.burst = 97*time.Millisecond, packets(50) },
		"bursts of 200":            func(r *relay) { r.every, r.burst = 97*time.Millisecond, packets(200) },
		"bursts of 200, loss 5 %":  func(r *relay) { r.every, r.burst, r.loss = 97*time.Millisecond, packets(200), 0.05 },
		"jitter of 200 ms":         func(r *relay) { r.jitter = 200 * time.Millisecond },
		"duplicates 10 %":          func(r *relay) { r.duplicate = 0.10 },
		"bits flipped in 10 %":     func(r *relay) { r.flip = 0.10 },
		"all of it, and loss 10 %": func(r *relay) { r.loss, r.jitter, r.duplicate, r.flip = 0.10, 200*time.Millisecond, 0.10, 0.05 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSim(t, 11)
			spoil(s.relay)
			n := s.load()
			stats := s.receiver.Stats()
			s.wantOnce(s.received(), n)
			s.look(stats, n)
		})
	}
}

// look holds the counters against what the relay did.
func (s *sim) look(r ReceiverStats, n int) {
	s.Helper()
	if r.Lost != 0 || r.Malformed != 0 || r.Partial != 0 || r.Memory != 0 {
		s.Errorf("%+v", r)
	}
	for _, c := range []struct {
		name string
		seen bool
		want bool
	}{
		{"missing", r.Missing > 0, s.relay.loss > 0 || s.relay.burst > 0 || s.relay.flip > 0},
		{"duplicates", r.Duplicates > 0, s.relay.duplicate > 0},
		{"foreign", r.Foreign > 0, s.relay.flip > 0},
		{"recovered", r.Recovered > 0, s.relay.loss > 0 || s.relay.burst > 0 || s.relay.jitter > 0 || s.relay.flip > 0},
	} {
		if c.seen != c.want {
			s.Errorf("%s: %v, want %v; %+v", c.name, c.seen, c.want, r)
		}
	}
	if st := s.sender.Stats(); st.Envelopes != uint64(n) || st.Queued != 0 || st.Faults != 0 {
		s.Errorf("%+v", st)
	}
}

// TestOrderIsKept: without loss everything becomes whole in the order in which it was sent, whatever its size.
func TestOrderIsKept(t *testing.T) {
	s := newSim(t, 12)
	var came []uint64
	s.sender.wire = gathering{newTestAuthority(t), newGather(DefaultMemory), &came}
	for i := range 60 {
		if i%7 == 3 {
			s.post(s.large(50_000 * (1 + i%9)))
		} else {
			s.post(s.small())
		}
	}
	s.pump()
	if len(came) != 60 || !slices.IsSorted(came) {
		t.Errorf("%d came, as %v", len(came), came)
	}
}

// gathering is a wire that puts envelopes together, and notes which became whole.
type gathering struct {
	auth *authority
	*gather
	came *[]uint64
}

func (g gathering) close() error { return nil }

func (g gathering) write(b []byte) error {
	p, err := g.auth.open(b)
	if err == nil && !slices.Contains(*g.came, p.sending.number) && g.add(p, time.Time{}) != nil {
		*g.came = append(*g.came, p.sending.number)
	}
	return err
}

// TestGroupsAreLarge: an envelope of enough blocks has no group that a burst could swallow.
func TestGroupsAreLarge(t *testing.T) {
	s := newSim(t, 13)
	for range 5 {
		s.post(s.large(exchange.PartSize)) // each of 20 blocks
	}
	var sizes []int
	for at := (*passage)(nil); ; {
		var group []row
		if group, at = s.sender.group(at); len(group) == 0 {
			break
		}
		sizes = append(sizes, len(group))
	}
	total := 0
	for _, n := range sizes {
		if total += n; n < DefaultInterleave || n >= 2*DefaultInterleave {
			t.Errorf("the groups are %v", sizes)
		}
	}
	if total < 5*DefaultInterleave {
		t.Errorf("%d blocks in all", total)
	}
}
