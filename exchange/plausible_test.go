package exchange

import (
	"log/slog"
	"slices"
	"testing"
)

// TestWhatIsMissingMustHaveBeenSent: an Ack is cut to what was given out. Going down the guard's rounding explains
// less than the double of what is ahead; more, and anything at all on the lane up, is an alarm.
func TestWhatIsMissingMustHaveBeenSent(t *testing.T) {
	for name, c := range map[string]struct {
		lane   Lane
		told   []Range
		want   []Range
		alarms uint64
	}{
		"what was sent":             {Down, []Range{{3, 5}, {11, 13}}, []Range{{3, 5}, {11, 13}}, 0},
		"three ahead, told as four": {Down, []Range{{3, 5}, {11, 14}}, []Range{{3, 5}, {11, 13}}, 0},
		"the most that rounds":      {Down, []Range{{11, 15}}, []Range{{11, 13}}, 0},
		"double and more":           {Down, []Range{{3, 5}, {11, 16}}, []Range{{3, 5}}, 1},
		"nothing of it was sent":    {Down, []Range{{14, 14}}, []Range{}, 1},
		"no guard rounds there":     {Up, []Range{{3, 5}, {11, 14}}, []Range{{3, 5}}, 1},
	} {
		p := &Port{Lane: c.lane, Log: slog.New(slog.DiscardHandler)}
		p.state.Head = Head{Epoch: 2, Seq: 13}
		told := slices.Clone(c.told)
		got := p.plausible(Ack{Epoch: 2, Contiguous: 2, Missing: told})
		if !slices.Equal(got.Missing, c.want) || p.counts.alarms.Load() != c.alarms || !slices.Equal(told, c.told) {
			t.Errorf("%s: %v and %d alarms, want %v and %d", name, got.Missing, p.counts.alarms.Load(), c.want, c.alarms)
		}
	}
}
