package guard

import (
	"errors"
	"testing"

	"gatehouse/exchange"
)

func TestFilterThatFails(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	whole := p.guard.filters
	for i := range whole {
		p.guard.filters = append([]Filter{}, whole...)
		p.guard.filters[i].Judge = func(*Item) (exchange.Reason, error) { panic("bug") }
		p.wantReason(whole[i].Name+" panics", p.cross(caseWith("c")), exchange.ReasonFailed)
	}
	for i := range whole {
		p.guard.filters = append([]Filter{}, whole...)
		broken := errors.New("scanner is down")
		p.guard.filters[i].Judge = func(*Item) (exchange.Reason, error) { return exchange.ReasonNone, broken }
		e := p.origin.Seal(t, p.parcel(caseWith("c")))
		before := len(p.out)
		if err := p.hand(e); !errors.Is(err, broken) || errors.Is(err, exchange.ErrAside) {
			t.Errorf("%s can't judge: %v", whole[i].Name, err)
		}
		if len(p.out) != before {
			t.Errorf("%s can't judge: something went on", whole[i].Name)
		}
		p.guard.filters = whole
		if err := p.hand(e); err != nil { // it waited, and passes once the filter works
			t.Error(err)
		}
	}
}
