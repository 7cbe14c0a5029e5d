package evidence

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"gatehouse/exchange"
)

// Finding is what the logs of a border tell together.
type Finding struct {
	Files       []string // each with whose it is and how long
	Counts      []string // what each point of each lane has
	OnTheWay    []string // the end of a lane that has not come as far as its beginning: no difference
	Differences []string
}

// point is where a lane is written down.
type point string

const (
	pointOrigin point = "its origin"
	pointGuard  point = "its guard"
	pointEnd    point = "its end"
)

// stand is what one point of a lane has: by the origin's number, and of the hop behind the guard.
type stand struct {
	there bool
	seen  map[place]fact
	hop   map[place]string
	last  place
}

// fact is what a log says of one envelope.
type fact struct {
	digest string
	reason exchange.Reason
	known  bool // the point knows whether it was refused
}

// survey is both lanes at all their points.
type survey map[exchange.Lane]map[point]*stand

// ReconcileFiles verifies copies of logs, several of one side where it has several processes, and compares what they
// say of each envelope. The error is of a file that can't be read or is not whole; it names the record.
func ReconcileFiles(paths []string) (Finding, error) {
	s, f := survey{}, Finding{}
	for _, l := range []exchange.Lane{exchange.Up, exchange.Down} {
		s[l] = map[point]*stand{}
		for _, p := range []point{pointOrigin, pointGuard, pointEnd} {
			s[l][p] = &stand{seen: map[place]fact{}, hop: map[place]string{}}
		}
	}
	for _, path := range paths {
		about, err := s.read(path)
		if err != nil {
			return f, fmt.Errorf("%s: %w", path, err)
		}
		f.Files = append(f.Files, about)
	}
	for _, l := range []exchange.Lane{exchange.Up, exchange.Down} {
		s.compare(l, &f)
	}
	return f, nil
}

// read takes one log in, after it was verified as a whole.
func (s survey) read(path string) (string, error) {
	if _, _, err := VerifyFile(path, Tip{}); err != nil {
		return "", err
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	var whose string
	tip, _, err := VerifyLog(file, Tip{}, func(r Record) error {
		if r.Event == eventStart && whose == "" {
			if whose = "the " + string(r.Party); r.Party == "" {
				whose = "the guard of the lane " + string(r.Lane)
			}
		}
		return s.take(r)
	})
	return fmt.Sprintf("%s: of %s, whole, %d records", path, whose, tip.N), err
}

func (s survey) take(r Record) error {
	lane, ok := s[r.Lane]
	if !ok {
		return errors.New("is of no lane")
	}
	switch {
	case r.Event == eventSent && r.Out != nil:
		return lane[pointOrigin].note(r.Out, fact{digest: r.Out.Digest}, nil)
	case r.Event == eventTold && r.Out != nil:
		at := place{r.Out.Epoch, r.Out.Seq}
		if f, ok := lane[pointOrigin].seen[at]; ok {
			f.reason, f.known = r.Reason, true
			lane[pointOrigin].seen[at] = f
		}
	case r.Event == eventReceived && r.Origin != nil:
		return lane[pointEnd].note(r.Origin, fact{r.Origin.Digest, r.Reason, true}, r.In)
	case r.In != nil && r.Out != nil:
		return lane[pointGuard].note(r.In, fact{r.In.Digest, r.Reason, true}, r.Out)
	}
	return nil
}

func (s *stand) note(m *Mark, f fact, hop *Mark) error {
	at := place{m.Epoch, m.Seq}
	if before, ok := s.seen[at]; ok && before.digest != f.digest {
		return fmt.Errorf("number %d of epoch %d is there twice, with two digests", m.Seq, m.Epoch)
	}
	s.there, s.seen[at] = true, f
	if s.last.before(exchange.Head{Epoch: m.Epoch, Seq: m.Seq}) {
		s.last = at
	}
	if hop != nil {
		s.hop[place{hop.Epoch, hop.Seq}] = hop.Digest
	}
	return nil
}

// compare holds each point of a lane against the one before it that is among the files.
func (s survey) compare(l exchange.Lane, f *Finding) {
	before := point("")
	for _, p := range []point{pointOrigin, pointGuard, pointEnd} {
		here := s[l][p]
		if !here.there {
			f.Counts = append(f.Counts, fmt.Sprintf("%s: no log of %s", l, p))
			continue
		}
		f.Counts = append(f.Counts, fmt.Sprintf("%s: %s has %d envelopes, the last number is %d of epoch %d", l, p, len(here.seen), here.last.seq, here.last.epoch))
		if before != "" {
			s.pair(l, before, p, f)
		}
		before = p
	}
}

func (s survey) pair(l exchange.Lane, first, second point, f *Finding) {
	a, b := s[l][first], s[l][second]
	way := 0
	for _, at := range places(a.seen, b.seen) {
		x, inA := a.seen[at]
		y, inB := b.seen[at]
		name := fmt.Sprintf("%s: number %d of epoch %d", l, at.seq, at.epoch)
		switch {
		case inA && !inB && b.last.before(exchange.Head{Epoch: at.epoch, Seq: at.seq}):
			way++
		case !inB:
			f.Differences = append(f.Differences, fmt.Sprintf("%s is in the log of %s, not in that of %s", name, first, second))
		case !inA:
			f.Differences = append(f.Differences, fmt.Sprintf("%s is in the log of %s, not in that of %s", name, second, first))
		case x.digest != y.digest:
			f.Differences = append(f.Differences, fmt.Sprintf("%s has another digest at %s than at %s", name, first, second))
		case x.known && y.known && x.reason != y.reason:
			f.Differences = append(f.Differences, fmt.Sprintf("%s was refused with code %d at %s, %d at %s", name, x.reason, first, y.reason, second))
		}
	}
	if way > 0 {
		f.OnTheWay = append(f.OnTheWay, fmt.Sprintf("%s: %d from %s have not come to %s", l, way, first, second))
	}
	if first == pointGuard {
		hops(l, a.hop, b.hop, f)
	}
}

// hops compares the stretch behind the guard, whose numbers and digests are its own.
func hops(l exchange.Lane, sent, came map[place]string, f *Finding) {
	for at, digest := range came {
		if there, ok := sent[at]; !ok {
			f.Differences = append(f.Differences, fmt.Sprintf("%s: what came as number %d of epoch %d behind the guard is not in its log", l, at.seq, at.epoch))
		} else if there != digest {
			f.Differences = append(f.Differences, fmt.Sprintf("%s: number %d of epoch %d behind the guard has another digest at the end", l, at.seq, at.epoch))
		}
	}
}

// places gives the numbers of both, in order.
func places(a, b map[place]fact) []place {
	var all []crossed
	for _, m := range []map[place]fact{a, b} {
		for at := range m {
			all = append(all, crossed{place: at})
		}
	}
	all = ordered(all)
	out := make([]place, len(all))
	for i, c := range all {
		out[i] = c.place
	}
	return slices.Clip(out)
}
