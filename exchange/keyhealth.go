package exchange

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// KeyWarning is how long before the end of a key without a next one the alarm begins.
const KeyWarning = 30 * 24 * time.Hour

// KeyState is what a key is good for at one moment.
type KeyState struct {
	Key   // without its private part
	State string
	// Age is since it is valid, Left until its owner ceases to use it; below zero: not yet, and no longer.
	Age, Left time.Duration
}

// States of a key: in use, to come, accepted beside a newer one, over, revoked, of a suite that is not allowed.
const (
	KeyCurrent = "current"
	KeyNext    = "next"
	KeyOld     = "old"
	KeyOver    = "over"
	KeyRevoked = "revoked"
	KeyBarred  = "barred"
)

// States gives all keys of the ring, by owner, use and age.
func (r *Ring) States(now time.Time) []KeyState {
	v := r.view()
	var out []KeyState
	for _, k := range v.keys {
		s := KeyState{Key: k, State: v.state(k, now), Age: now.Sub(k.From), Left: v.end(k).Sub(now)}
		s.signer, s.opener = nil, nil
		out = append(out, s)
	}
	order := Parties()
	slices.SortStableFunc(out, func(a, b KeyState) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Party), slices.Index(order, b.Party)), cmp.Compare(a.Use, b.Use), a.From.Compare(b.From))
	})
	return out
}

func (v view) state(k Key, now time.Time) string {
	if _, revoked := v.revoked[k.ID]; revoked {
		return KeyRevoked
	}
	current, ok := v.current(k.Party, k.Use, now)
	switch {
	case !v.allows(k):
		return KeyBarred
	case ok && current.ID == k.ID:
		return KeyCurrent
	case now.Before(k.From):
		return KeyNext
	case v.fault(k, now) == "":
		return KeyOld
	}
	return KeyOver
}

// KeyTrouble is what an operator must do something about.
type KeyTrouble struct {
	Party   Party
	Use     Use
	Missing bool          // no valid key: the lane stands still
	Left    time.Duration // else: until the last key of this use ends
}

// String says it, and what would be right.
func (t KeyTrouble) String() string {
	if t.Missing {
		return fmt.Sprintf("no valid key of %s to %s; make it there, or carry its .pub file here", t.Party, t.Use)
	}
	return fmt.Sprintf("the key of %s to %s ends in %d days and none follows; rotate it there, and carry its .pub file here", t.Party, t.Use, int(t.Left.Hours()/24))
}

// Troubles gives what is missing, and what ends within KeyWarning with none to follow. Empty: all is well.
func (r *Ring) Troubles(now time.Time) []KeyTrouble {
	v := r.view()
	var out []KeyTrouble
	for _, n := range needs(v.party) {
		if _, ok := v.current(n.owner, n.use, now); !ok {
			out = append(out, KeyTrouble{Party: n.owner, Use: n.use, Missing: true})
			continue
		}
		if left := v.last(n).Sub(now); left < KeyWarning {
			out = append(out, KeyTrouble{Party: n.owner, Use: n.use, Left: left})
		}
	}
	return out
}

// last is when the latest usable key ends.
func (v view) last(n needed) (end time.Time) {
	for _, k := range v.keys {
		if k.Party == n.owner && k.Use == n.use && v.usable(k) && k.Until.After(end) {
			end = k.Until
		}
	}
	return end
}

// Gauge is one line of a program's metrics.
type Gauge struct {
	Name, Help string // without the program's prefix
	Labels     []string
	Values     []string // of the labels
	Value      float64
}

// Gauges gives age and end of each key, an alarm for each that is needed, and one for the folder.
func (k *Keys) Gauges() []Gauge {
	now := k.now()
	labels := []string{"party", "use", "key", "suite", "state"}
	var out []Gauge
	for _, s := range k.Ring.States(now) {
		values := []string{string(s.Party), string(s.Use), s.ID.String(), strconv.Itoa(int(s.Suite)), s.State}
		out = append(out, Gauge{"key_age_seconds", "Since the key is valid.", labels, values, s.Age.Seconds()},
			Gauge{"key_left_seconds", "Until its owner ceases to use the key.", labels, values, s.Left.Seconds()})
	}
	troubled := map[needed]bool{}
	for _, t := range k.Ring.Troubles(now) {
		troubled[needed{t.Party, t.Use}] = true
	}
	for _, n := range needs(k.Ring.Party) {
		out = append(out, Gauge{"key_alarm", "1 when a key is missing, or ends within 30 days and none follows.",
			[]string{"party", "use"}, []string{string(n.owner), string(n.use)}, truth(troubled[n])})
	}
	return append(out, Gauge{"keys_broken", "1 when the folder of keys can't be read and those of before are used.", nil, nil, truth(k.Broken())})
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
