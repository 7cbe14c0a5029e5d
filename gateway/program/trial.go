package program

import (
	"fmt"
	"time"
)

// trialMax is the longest pause between two trials of what failed.
const trialMax = time.Hour

// trials remembers what failed, so that it is not tried at every look. One loop owns it; what is lost with the
// program is tried once more.
type trials struct{ failed map[string]trial }

type trial struct {
	times int
	next  time.Time
}

// due tells whether the pause after key's last failure is over.
func (t *trials) due(key string, now time.Time) bool { return !now.Before(t.failed[key].next) }

// fail counts a failure and gives how many there were; the pause doubles from deferBase to trialMax.
func (t *trials) fail(key string, now time.Time) int {
	if t.failed == nil {
		t.failed = map[string]trial{}
	}
	n := t.failed[key].times + 1
	t.failed[key] = trial{n, now.Add(min(deferBase<<min(n-1, 20), trialMax))}
	return n
}

func (t *trials) forget(key string) { delete(t.failed, key) }

// safely turns a panic into an error, so that one document or message can't stop everybody's.
func safely(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panicked: %v", p)
		}
	}()
	return do()
}
