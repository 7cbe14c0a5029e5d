package exchange

import "testing"

func TestStretchesFollowTheLanes(t *testing.T) {
	for s, want := range map[Stretch][3]string{
		LinkA: {"up", "extranet", "up-guard"}, LinkB: {"up", "up-guard", "intranet"},
		LinkC: {"down", "intranet", "down-guard"}, LinkD: {"down", "down-guard", "extranet"},
	} {
		if got := [3]string{string(s.Lane()), string(s.Sender()), string(s.Receiver())}; got != want {
			t.Errorf("%s is %v, want %v", s, got, want)
		}
	}
	if len(Stretches()) != 4 {
		t.Errorf("there are %v", Stretches())
	}
}
