package exchange

// Stretch is one of the four stretches of the border, each carried by a link of its own: A and B of the lane up,
// C and D of the lane down.
type Stretch string

// The stretches, with who sends and who receives.
const (
	LinkA Stretch = "A" // extranet to up guard
	LinkB Stretch = "B" // up guard to intranet
	LinkC Stretch = "C" // intranet to down guard
	LinkD Stretch = "D" // down guard to extranet
)

// Stretches lists all, in the order of a question and its answer.
func Stretches() []Stretch { return []Stretch{LinkA, LinkB, LinkC, LinkD} }

// Lane is the lane that the stretch belongs to.
func (s Stretch) Lane() Lane {
	if s == LinkA || s == LinkB {
		return Up
	}
	return Down
}

// Sender is the party that puts envelopes in.
func (s Stretch) Sender() Party {
	r := routeOf(s.Lane())
	if s == LinkA || s == LinkC {
		return r.origin
	}
	return r.guard
}

// Receiver is the party that takes them out.
func (s Stretch) Receiver() Party {
	r := routeOf(s.Lane())
	if s == LinkA || s == LinkC {
		return r.guard
	}
	return r.end
}
