package guard

import (
	"errors"
	"slices"

	"gatehouse/exchange"
)

// enough is by which policies a document may leave; none: it never does. What everybody reads has two persons behind
// it, but for an emergency; a template has no free text; what steers a broadcast has no text at all; and who takes a
// company or a clerk out of the register only takes a right away, which must not wait.
func enough(d exchange.Document) []string {
	const auto, clean, second, emergency = exchange.PolicyAuto, exchange.PolicyClean, exchange.PolicySecond, exchange.PolicyEmergency
	switch x := d.(type) {
	case exchange.Notice:
		if x.Text == "" && len(x.Document) == 0 {
			return []string{auto, clean, second, emergency}
		}
		return []string{clean, second, emergency}
	case exchange.Broadcast:
		if x.Priority == "emergency" {
			return []string{second, emergency}
		}
		return []string{second}
	case exchange.Publication:
		if x.Sort == exchange.SortRegister && x.Removed {
			return []string{clean, second}
		}
		return []string{second}
	case exchange.Audience, exchange.Forget:
		return []string{second}
	case exchange.Control:
		return []string{clean, second, emergency}
	case exchange.Send:
		return []string{auto, clean, second}
	}
	return nil
}

// judgeRelease is the default of the down lane: nothing leaves. What does has the label, the same on the envelope and
// in the document, a policy that is enough for it, the name of who answers for it, and a valid signature of the release
// key over the document as it is; under policy second also two names and the second's approval.
func judgeRelease(it *Item) (exchange.Reason, error) {
	rel, needs := exchange.ReleaseOf(it.Document)
	if !needs {
		return exchange.ReasonNone, nil
	}
	if it.Header.Label != exchange.Releasable || rel.Label != it.Header.Label {
		return exchange.ReasonUnrelease, nil
	}
	if rel.By == "" || !slices.Contains(enough(it.Document), rel.Policy) {
		return exchange.ReasonUnrelease, nil
	}
	switch err := it.Ring.VerifyRelease(it.Document, it.Now); {
	case errors.Is(err, exchange.ErrNotReleased):
		return exchange.ReasonUnrelease, nil
	case err != nil:
		return exchange.ReasonFailed, err
	}
	return exchange.ReasonNone, nil
}
